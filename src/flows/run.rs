//! What every step of a flow has at hand: to whom it reports, how long it waits, what ends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::error::{CredentialState, FlowError, FlowStep};
use super::journal::{Irreversible, Journal, NoJournal, RowName, Taken};
use super::observer::{Choice, Chosen, Event, Observer, Question, Stage, StageState, Warning};
use super::pace::Pace;
use super::stop::Stop;
use crate::secret::Secret;
use crate::session::Handshakes;

/// A stage that has not ended yet.
#[derive(Debug)]
pub(super) struct StartedStage {
    stage: Stage,
    began: Instant,
}

/// One run with one device. Clones share everything, so that steps may run side by side.
#[derive(Clone, Debug)]
pub struct Run {
    /// The row of the device in a batch; `None` for a run of its own.
    pub device: Option<RowName>,
    /// Who is told what happens, and asked what is missing.
    pub observer: Arc<dyn Observer>,
    /// Where steps that cannot be taken back are recorded.
    pub journal: Arc<dyn Journal>,
    /// Intervals and limits.
    pub pace: Arc<Pace>,
    /// What ends the run from outside.
    pub stop: Stop,
    /// How many handshakes may go on at once, in this run and in others.
    pub handshakes: Handshakes,
    /// Irreversible steps that were begun and whose outcome is not recorded.
    pub begun: BegunSteps,
}

/// Steps of one run. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct BegunSteps(Arc<Mutex<Vec<Irreversible>>>);

impl BegunSteps {
    fn list(&self) -> MutexGuard<'_, Vec<Irreversible>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// A run that nothing ends from outside.
    pub fn new(observer: Arc<dyn Observer>, pace: Pace) -> Self {
        Self {
            device: None,
            observer,
            journal: Arc::new(NoJournal),
            pace: Arc::new(pace),
            stop: Stop::never(),
            handshakes: Handshakes::default(),
            begun: BegunSteps::default(),
        }
    }

    /// Reports what happened.
    pub fn report(&self, event: &Event) {
        self.observer.event(self.device.as_ref(), event);
    }

    /// Reports that a stage began.
    pub(super) fn start_stage(&self, stage: Stage) -> StartedStage {
        self.report(&stage.event(StageState::Started, None));
        StartedStage {
            stage,
            began: Instant::now(),
        }
    }

    /// Reports that a stage ended, and whether its condition is met.
    pub(super) fn end_stage(&self, started: &StartedStage, is_done: bool) {
        let took = u64::try_from(started.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let state = if is_done {
            StageState::Done
        } else {
            StageState::Failed
        };
        self.report(&started.stage.event(state, Some(took)));
    }

    /// Reports that this run has no such stage.
    pub(super) fn skip_stage(&self, stage: Stage) {
        self.report(&stage.event(StageState::Skipped, None));
    }

    /// Has one item of a list chosen.
    pub(super) async fn choose(&self, choice: Choice) -> Chosen {
        self.observer.choose(self.device.as_ref(), choice).await
    }

    /// Asks for a value that only a person can give.
    pub(super) async fn ask(&self, question: &Question) -> Option<Secret<String>> {
        self.observer.ask(self.device.as_ref(), question).await
    }

    /// Takes a step that cannot be taken back, and records it before and after. `taken` translates its
    /// outcome.
    pub(super) async fn irreversible<T, E>(
        &self,
        step: FlowStep,
        what: &Irreversible,
        taken: impl FnOnce(&Result<T, E>) -> Taken,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>, FlowError> {
        let row = self.device.as_ref();
        let recorded = self.journal.about_to(row, what).await;
        recorded.map_err(|source| FlowError::NotRecorded { step, source })?;
        self.begun.list().push(what.clone());
        let outcome = work.await;
        self.record_outcome(what, taken(&outcome)).await;
        Ok(outcome)
    }

    /// Records what became of a step. If that fails, the step is still recorded as begun, which is
    /// safe: the run goes on.
    pub(super) async fn record_outcome(&self, what: &Irreversible, taken: Taken) {
        self.begun.list().retain(|begun| begun != what);
        let recorded = self.journal.did(self.device.as_ref(), what, taken).await;
        if let Err(error) = recorded {
            self.report(&Event::Warned {
                id: Warning::NotRecorded,
                message: format!("the outcome of a step could not be recorded: {error}"),
            });
        }
    }

    /// Does `work` unless the run is stopped: then `work` is dropped, and an irreversible step in it is
    /// recorded as perhaps taken.
    pub(super) async fn or<T>(
        &self,
        step: FlowStep,
        work: impl Future<Output = Result<T, FlowError>>,
    ) -> Result<T, FlowError> {
        let reason = tokio::select! {
            biased;
            reason = self.stop.requested() => reason,
            outcome = work => return outcome,
        };
        let begun = std::mem::take(&mut *self.begun.list());
        for step in begun {
            self.record_outcome(&step, Taken::Perhaps).await;
        }
        Err(FlowError::Stopped {
            reason,
            step,
            credentials: CredentialState::Nothing,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::flows::StopReason;
    use crate::flows::scripted_journal::ScriptedJournal;
    use crate::flows::scripted_observer::ScriptedObserver;

    #[tokio::test]
    async fn stop_records_a_step_without_outcome_as_perhaps_taken() {
        let journal = ScriptedJournal::default();
        let (stopper, end) = Stop::new();
        let run = Run {
            journal: Arc::new(journal.clone()),
            stop: end,
            ..ScriptedObserver::default().run()
        };
        let node_id = "node1".to_owned();
        let (done, cut_off) = (Irreversible::Map { node_id }, Irreversible::Apply);
        let work = async {
            let taken = |_: &Result<(), ()>| Taken::Yes;
            let step = FlowStep::ApplyingWifi;
            let _done = run
                .irreversible(step, &done, taken, async { Ok(()) })
                .await?;
            stopper.stop(StopReason::Interrupted);
            let _never = run.irreversible(step, &cut_off, taken, pending()).await?;
            Ok(())
        };
        let outcome = run.or(FlowStep::ApplyingWifi, work).await;
        assert!(
            matches!(outcome, Err(FlowError::Stopped { .. })),
            "{outcome:?}"
        );
        assert_eq!(journal.outcomes(), [Taken::Yes, Taken::Perhaps]);
    }
}
