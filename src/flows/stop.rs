//! Stops a run from outside: on Ctrl-C or at the time limit of the whole run. The flow then resets the
//! device if needed, and closes its connection. Signals and clocks are handled by the face.

use derive_more::Display;
use tokio::sync::watch;

/// Why a run stops.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq)]
pub enum StopReason {
    /// Its time limit was reached.
    #[display("the time for the whole run is up")]
    Expired,
    /// The user interrupted it.
    #[display("interrupted")]
    Interrupted,
}

/// Receives a request to stop. Clones receive the same one.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Option<StopReason>>);

/// Sends a request to stop.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Option<StopReason>>);

impl Stop {
    /// A sender and its receiver.
    pub fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(None);
        (Stopper(sender), Self(receiver))
    }

    /// A receiver without a sender, for runs that nothing stops.
    pub fn never() -> Self {
        Self::new().1
    }

    /// Waits for a request to stop; forever without a sender.
    pub(super) async fn wait_for_request(&self) -> StopReason {
        let mut receiver = self.0.clone();
        match receiver
            .wait_for(Option::is_some)
            .await
            .map(|reason| *reason)
        {
            Ok(Some(reason)) => reason,
            // The sender was dropped, so nothing can stop the run.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

impl Stopper {
    /// Requests a stop for this reason.
    pub fn stop(&self, reason: StopReason) {
        // The flow may have ended and dropped its receiver.
        let _ended = self.0.send(Some(reason));
    }
}
