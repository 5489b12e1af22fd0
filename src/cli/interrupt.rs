//! Ctrl-C and SIGTERM. The first signal ends a run in order, and the flow decides what that means. The
//! second one ends it at once.

use std::pin::pin;
use std::time::Duration;

#[cfg(unix)]
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::flows::{Stop, StopReason};
use crate::report::Failure;

/// Receives the signals. Created once, so that no Unix signal is lost between two waits.
#[derive(Debug)]
pub(in crate::cli) struct Interrupts {
    #[cfg(unix)]
    signals: Option<Mutex<[tokio::signal::unix::Signal; 2]>>,
}

impl Interrupts {
    /// Replaces the default effect of the signals.
    #[cfg(unix)]
    pub(in crate::cli) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let both = signal(SignalKind::interrupt())
            .and_then(|interrupt| Ok([interrupt, signal(SignalKind::terminate())?]));
        // If this fails, a signal ends espctl as it ends any program.
        Self {
            signals: both.ok().map(Mutex::new),
        }
    }

    /// Prepares for Ctrl-C.
    #[cfg(not(unix))]
    pub(in crate::cli) fn listen() -> Self {
        Self {}
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    async fn wait(&self) {
        match &self.signals {
            None => std::future::pending().await,
            Some(signals) => {
                let [interrupt, terminate] = &mut *signals.lock().await;
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
        }
    }

    /// Waits for the next Ctrl-C.
    #[cfg(not(unix))]
    async fn wait(&self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }

    /// Runs `work`, and drops it at the first signal.
    pub(in crate::cli) async fn run_until_signal<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            outcome = work => outcome,
            () = self.wait() => Err(Failure::interrupted()),
        }
    }

    /// Runs `work`, and asks it to stop at the first signal or after `limit`. The second signal drops
    /// it.
    pub(in crate::cli) async fn run_with_stop<T, W>(
        &self,
        limit: Option<Duration>,
        work: impl FnOnce(Stop) -> W,
    ) -> Result<T, Failure>
    where
        W: Future<Output = Result<T, Failure>>,
    {
        let (stopper, stop) = Stop::new();
        let mut work = pin!(work(stop));
        let mut expiry = pin!(sleep(limit.unwrap_or_default()));
        let (mut is_interrupted, mut is_expired) = (false, limit.is_none());
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                () = self.wait() => {
                    if is_interrupted {
                        return Err(Failure::interrupted_twice());
                    }
                    is_interrupted = true;
                    stopper.stop(StopReason::Interrupted);
                }
                () = &mut expiry, if !is_interrupted && !is_expired => {
                    is_expired = true;
                    stopper.stop(StopReason::Expired);
                }
            }
        }
    }
}
