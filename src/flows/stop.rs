//! How a run is ended from outside: by a person or by a limit for the whole of it. A flow ends at
//! its next step and leaves the device in order; it is not cut off. Signals and clocks are `cli`'s.

use tokio::sync::watch;

use super::{Doing, FlowError, Left};

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

    /// Does `work` unless a stop is asked for; then `work` is dropped where it stands.
    pub(super) async fn or<T>(
        &mut self,
        doing: Doing,
        work: impl Future<Output = Result<T, FlowError>>,
    ) -> Result<T, FlowError> {
        tokio::select! {
            biased;
            reason = self.asked() => Err(FlowError::Stopped {
                reason,
                doing,
                left: Left::Nothing,
            }),
            outcome = work => outcome,
        }
    }

    async fn asked(&mut self) -> StopReason {
        match self.0.wait_for(Option::is_some).await.map(|reason| *reason) {
            Ok(Some(reason)) => reason,
            // Nobody is left who could ask.
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
