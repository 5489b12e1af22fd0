//! How a run is ended from outside: by a person or by a limit for the whole of it. A flow ends at
//! its next step and leaves the device in order; it is not cut off. Signals and clocks are `cli`'s.

use tokio::sync::watch;

/// Why a run shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Its time is up.
    Expired,
    /// Somebody wants it to.
    Interrupted,
}

/// The end that a flow listens at.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Option<StopReason>>);

/// The end that asks for it.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Option<StopReason>>);

impl Stop {
    /// Both ends.
    pub fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(None);
        (Stopper(sender), Self(receiver))
    }

    /// For runs that nothing ends.
    pub fn never() -> Self {
        Self::new().1
    }

    /// Waits until the run is to end; for ever when nothing ends it.
    pub(super) async fn wait_for_request(&self) -> StopReason {
        let mut receiver = self.0.clone();
        match receiver
            .wait_for(Option::is_some)
            .await
            .map(|reason| *reason)
        {
            Ok(Some(reason)) => reason,
            // The other end is gone, so nothing can stop the run.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

impl Stopper {
    /// Asks for it.
    pub fn stop(&self, reason: StopReason) {
        // Nobody listens once the flow has ended.
        let _ended = self.0.send(Some(reason));
    }
}
