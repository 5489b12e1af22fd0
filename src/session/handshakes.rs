//! Many handshakes at once. Their arithmetic (10 ms for Security 2) would keep the thread that all
//! conversations share from reading answers, so it runs on other threads, as much at a time as
//! there are cores. A second bound limits the handshakes under way: while one waits for its
//! device, others compute.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// Bounds for several runs. Clones share them.
#[derive(Clone, Debug)]
pub struct Handshakes {
    under_way: Arc<Semaphore>,
    computing: Arc<Semaphore>,
}

impl Handshakes {
    /// At most so many at once.
    pub fn new(under_way: usize, computing: usize) -> Self {
        Self {
            under_way: Arc::new(Semaphore::new(under_way)),
            computing: Arc::new(Semaphore::new(computing)),
        }
    }

    /// Waits until one more handshake may begin.
    pub async fn begin(&self) -> HandshakePermit {
        HandshakePermit {
            _under_way: acquire(&self.under_way).await,
            computing: Arc::clone(&self.computing),
        }
    }
}

/// The right to one handshake. A device may close a connection on which nothing happens, so a caller
/// gets the permit before it connects, and outside the time limits of connecting.
#[derive(Debug)]
pub struct HandshakePermit {
    _under_way: OwnedSemaphorePermit,
    computing: Arc<Semaphore>,
}

impl HandshakePermit {
    /// Runs arithmetic on another thread. Dropping the future does not end the arithmetic, so the
    /// arithmetic itself releases its core.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let permit = acquire(&self.computing).await;
        let computed = spawn_blocking(move || {
            let outcome = work();
            drop(permit);
            outcome
        });
        match computed.await {
            Ok(outcome) => outcome,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime is ending, and this future with it.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl Default for Handshakes {
    /// As much arithmetic at once as there are cores.
    fn default() -> Self {
        Self::new(
            MAX_UNDER_WAY,
            available_parallelism().map_or(1, usize::from),
        )
    }
}

async fn acquire(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    match Arc::clone(semaphore).acquire_owned().await {
        Ok(permit) => permit,
        // Only a closed semaphore fails, and nothing closes these.
        Err(_) => std::future::pending().await,
    }
}

/// Devices answer a handshake message in 10 ms to some seconds, so that two cores stay busy.
const MAX_UNDER_WAY: usize = 64;
