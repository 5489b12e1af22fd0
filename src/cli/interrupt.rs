//! Ctrl-C and SIGTERM: once ends a run in order, twice ends it now. What "in order" means is the
//! flow's.

use std::pin::pin;
use std::time::Duration;

#[cfg(unix)]
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::flows::{Stop, StopReason};
use crate::report::Failure;

/// Where the signals arrive. Made once, so that none is missed between two waits.
#[derive(Debug)]
pub(in crate::cli) struct Interrupts {
    #[cfg(unix)]
    signals: Option<Mutex<[tokio::signal::unix::Signal; 2]>>,
}

impl Interrupts {
    /// From now on, the signals come here.
    #[cfg(unix)]
    pub(in crate::cli) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let both = signal(SignalKind::interrupt())
            .and_then(|interrupt| Ok([interrupt, signal(SignalKind::terminate())?]));
        // Without them, a signal ends the program as it ends any other.
        Self {
            signals: both.ok().map(Mutex::new),
        }
    }

    /// From now on, Ctrl-C comes here.
    #[cfg(not(unix))]
    pub(in crate::cli) fn listen() -> Self {
        Self {}
    }

    /// Until the next one.
    #[cfg(unix)]
    async fn next(&self) {
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

    /// Until the next one.
    #[cfg(not(unix))]
    async fn next(&self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }

    /// Does `work`, or drops it at the first signal.
    pub(in crate::cli) async fn or<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            outcome = work => outcome,
            () = self.next() => Err(Failure::interrupted()),
        }
    }

    /// Does `work`, which ends by itself when it is stopped: at the first signal, or when `limit`
    /// is over. A second signal drops it.
    pub(in crate::cli) async fn stopping<T, W>(
        &self,
        limit: Option<Duration>,
        work: impl FnOnce(Stop) -> W,
    ) -> Result<T, Failure>
    where
        W: Future<Output = Result<T, Failure>>,
    {
        let (stopper, stop) = Stop::new();
        let mut work = pin!(work(stop));
        let mut expiry = pin!(async {
            match limit {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
        });
        let (mut interrupted, mut expired) = (false, false);
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                () = self.next() => {
                    if interrupted {
                        return Err(Failure::interrupted_twice());
                    }
                    interrupted = true;
                    stopper.stop(StopReason::Interrupted);
                }
                () = &mut expiry, if !interrupted && !expired => {
                    expired = true;
                    stopper.stop(StopReason::Expired);
                }
            }
        }
    }
}
