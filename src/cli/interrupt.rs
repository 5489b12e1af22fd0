//! Ctrl-C and SIGTERM. The first signal ends a run in order, and the flow decides what that means. The
//! second one ends it at once.

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
    /// Replaces the default effect of the signals. If this fails, a signal ends espctl as it ends any
    /// program.
    pub(in crate::cli) fn listen() -> Self {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            #[cfg(unix)]
            signals: signal(SignalKind::interrupt())
                .and_then(|interrupt| Ok([interrupt, signal(SignalKind::terminate())?]))
                .ok()
                .map(Mutex::new),
        }
    }

    /// Waits for the next signal.
    async fn wait(&self) {
        #[cfg(unix)]
        if let Some(signals) = &self.signals {
            let [interrupt, terminate] = &mut *signals.lock().await;
            return tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            };
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_ok() {
            return;
        }
        std::future::pending::<()>().await;
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
        let signals = async {
            tokio::select! {
                () = self.wait() => {}
                () = sleep(limit.unwrap_or(Duration::MAX)) => {
                    stopper.stop(StopReason::Expired);
                    self.wait().await;
                }
            }
            stopper.stop(StopReason::Interrupted);
            self.wait().await;
        };
        tokio::select! {
            outcome = work(stop) => outcome,
            () = signals => Err(Failure::interrupted_twice()),
        }
    }
}
