//! Many handshakes at once. Their arithmetic (10 ms for Security 2) would keep the thread that all
//! conversations share from reading answers, so it runs on other threads, as much at a time as
//! there are cores. A second bound limits the handshakes under way: while one waits for its
//! device, others compute.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// Bounds for several runs. Clones share them.
#[derive(Clone, Debug)]
pub struct Handshakes {
    /// Held by the next new handshake. All others wait here, so that a handshake whose device is
    /// already connected resumes before them.
    entrance: Arc<Mutex<()>>,
    under_way: Arc<Semaphore>,
    computing: Arc<Semaphore>,
}

impl Handshakes {
    /// At most so many at once.
    pub fn new(under_way: usize, computing: usize) -> Self {
        Self {
            entrance: Arc::default(),
            under_way: Arc::new(Semaphore::new(under_way)),
            computing: Arc::new(Semaphore::new(computing)),
        }
    }

    /// Waits until one more handshake may begin.
    pub async fn begin(&self) -> HandshakePermit {
        let _next = self.entrance.lock().await;
        HandshakePermit {
            under_way: Some(acquire(&self.under_way).await),
            handshakes: self.clone(),
        }
    }
}

/// The right to one handshake. A device may close a connection on which nothing happens, so a caller
/// gets the permit before it connects, and outside the time limits of connecting.
#[derive(Debug)]
pub struct HandshakePermit {
    under_way: Option<OwnedSemaphorePermit>,
    handshakes: Handshakes,
}

impl HandshakePermit {
    /// Does work that needs no answer of the device, such as asking a person: meanwhile another
    /// handshake may use the permit. A failure ends the handshake, so it does not wait for the permit.
    pub async fn release_during<T, E>(
        &mut self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.under_way = None;
        let outcome = work.await?;
        self.under_way = Some(acquire(&self.handshakes.under_way).await);
        Ok(outcome)
    }

    /// Runs arithmetic on another thread. Dropping the future does not end the arithmetic, so the
    /// arithmetic itself releases its core.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let permit = acquire(&self.handshakes.computing).await;
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    /// A device may close a connection on which nothing happens for long.
    #[tokio::test]
    async fn resumed_handshake_precedes_new_ones() {
        let handshakes = Handshakes::new(1, 1);
        let mut permit = handshakes.begin().await;
        let (answer, answered) = oneshot::channel::<()>();
        let mut resuming = Box::pin(permit.release_during(answered));
        assert!(resuming.as_mut().now_or_never().is_none());
        // While a person types, another handshake begins, and more wait.
        let other = handshakes.begin().await;
        let mut new: Vec<_> = (0..3).map(|_| Box::pin(handshakes.begin())).collect();
        assert!(
            new.iter_mut()
                .all(|new| new.as_mut().now_or_never().is_none())
        );
        answer.send(()).unwrap();
        assert!(resuming.as_mut().now_or_never().is_none());
        drop(other);
        let first = new[0].as_mut().now_or_never().expect("it waited first");
        drop(first);
        resuming.await.unwrap();
        assert!(new[1].as_mut().now_or_never().is_none());
    }

    #[tokio::test]
    async fn failed_work_does_not_wait_for_the_permit() {
        let handshakes = Handshakes::new(1, 1);
        let mut permit = handshakes.begin().await;
        let failing = permit.release_during(async {
            let other = handshakes.begin().await;
            Err::<(), _>(other)
        });
        let _other = failing.now_or_never().expect("it ends").unwrap_err();
    }
}
