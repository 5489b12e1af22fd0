//! The context of every step of a flow: observer, journal, time limits, stop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::error::{CredentialState, FlowError, FlowStep};
use super::journal::{Irreversible, Journal, RowName, Taken};
use super::observer::{Choice, Chosen, Event, Observer, Question, Stage, StageState, Warning};
use super::stop::Stop;
use super::timing::Timing;
use crate::secret::Secret;
use crate::session::Handshakes;

/// A stage that has not ended yet.
#[derive(Debug)]
pub(super) struct StartedStage {
    stage: Stage,
    began: Instant,
}

/// One run with one device. Clones share everything, so steps can run concurrently.
#[derive(Clone, Debug)]
pub struct Run {
    /// The row of the device in a batch; `None` outside of a batch.
    pub device: Option<RowName>,
    /// Receives events, and answers questions.
    pub observer: Arc<dyn Observer>,
    /// Records irreversible steps; `None` outside of a batch.
    pub journal: Option<Arc<dyn Journal>>,
    /// Intervals and time limits.
    pub timing: Arc<Timing>,
    /// Stops the run from outside.
    pub stop: Stop,
    /// Limits the number of concurrent handshakes, across runs.
    pub handshakes: Handshakes,
    /// Irreversible steps that began and have no recorded outcome.
    pub begun: BegunSteps,
}

/// The begun steps of one run. A clone is for another device, so it starts without steps.
#[derive(Debug, Default)]
pub struct BegunSteps(Mutex<Vec<Irreversible>>);

impl Clone for BegunSteps {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl BegunSteps {
    fn list(&self) -> MutexGuard<'_, Vec<Irreversible>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// A run outside of a batch that nothing can stop.
    pub fn new(observer: Arc<dyn Observer>, timing: Timing) -> Self {
        Self {
            device: None,
            observer,
            journal: None,
            timing: Arc::new(timing),
            stop: Stop::never(),
            handshakes: Handshakes::default(),
            begun: BegunSteps::default(),
        }
    }

    /// Sends an event to the observer.
    pub fn report(&self, event: &Event) {
        self.observer.event(self.device.as_ref(), event);
    }

    /// Does the work of a stage, and reports when it began and ended.
    pub(super) async fn in_stage<T, E>(
        &self,
        stage: Stage,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let started = self.start_stage(stage);
        let outcome = work.await;
        self.end_stage(&started, outcome.is_ok());
        outcome
    }

    /// Reports that a stage began.
    pub(super) fn start_stage(&self, stage: Stage) -> StartedStage {
        self.report(&stage.event(StageState::Started, None));
        StartedStage {
            stage,
            began: Instant::now(),
        }
    }

    /// Reports that a stage ended. `is_done`: whether its condition is met.
    pub(super) fn end_stage(&self, started: &StartedStage, is_done: bool) {
        let took = u64::try_from(started.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let state = if is_done {
            StageState::Done
        } else {
            StageState::Failed
        };
        self.report(&started.stage.event(state, Some(took)));
    }

    /// Reports that a stage is not part of this run.
    pub(super) fn skip_stage(&self, stage: Stage) {
        self.report(&stage.event(StageState::Skipped, None));
    }

    /// Lets the user choose an item of a list.
    pub(super) async fn choose(&self, choice: Choice) -> Chosen {
        self.observer.choose(self.device.as_ref(), choice).await
    }

    /// Lets the user type a value; `None` without an answer.
    pub(super) async fn ask(&self, question: &Question) -> Option<Secret<String>> {
        self.observer.ask(self.device.as_ref(), question).await
    }

    /// Lets the user type a value that the run needs.
    pub(super) async fn require(&self, question: Question) -> Result<Secret<String>, FlowError> {
        let answer = self.ask(&question).await;
        answer.ok_or(FlowError::MissingInput(question))
    }

    /// Reports a problem that does not end the run.
    pub(super) fn warn(&self, id: Warning, message: impl Into<String>) {
        let message = message.into();
        self.report(&Event::Warned { id, message });
    }

    /// Runs `work`, which cannot be undone, and records it before and after. `taken` decides from the
    /// result whether the step was taken. An error of the journal's first record prevents the step.
    pub(super) async fn perform_irreversible<T, E>(
        &self,
        step: FlowStep,
        irreversible: &Irreversible,
        taken: impl FnOnce(&Result<T, E>) -> Taken,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>, FlowError> {
        if let Some(journal) = &self.journal {
            let recording = journal.record_start(self.device.as_ref(), irreversible);
            let not_recorded = |source| FlowError::NotRecorded { step, source };
            recording.await.map_err(not_recorded)?;
        }
        self.begun.list().push(irreversible.clone());
        let outcome = work.await;
        self.record_outcome(irreversible, taken(&outcome)).await;
        Ok(outcome)
    }

    /// Records the outcome of a step. If that fails, the step stays recorded as begun, which is safe,
    /// so the run goes on with a warning.
    pub(super) async fn record_outcome(&self, irreversible: &Irreversible, taken: Taken) {
        let row = self.device.as_ref();
        let recorded = match &self.journal {
            Some(journal) => journal.record_outcome(row, irreversible, taken).await,
            None => Ok(()),
        };
        self.begun.list().retain(|begun| begun != irreversible);
        if let Err(error) = recorded {
            let message = format!("the outcome of a step could not be recorded: {error}");
            self.warn(Warning::NotRecorded, message);
        }
    }

    /// Runs `work` until it ends or the run is stopped. A stop drops `work`, and records an irreversible
    /// step in it as perhaps taken.
    pub(super) async fn unless_stopped<T>(
        &self,
        step: FlowStep,
        work: impl Future<Output = Result<T, FlowError>>,
    ) -> Result<T, FlowError> {
        let reason = tokio::select! {
            biased;
            reason = self.stop.wait_for_request() => reason,
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
    async fn stop_records_unfinished_step_as_perhaps_taken() {
        let journal = ScriptedJournal::default();
        let (stopper, end) = Stop::new();
        let run = Run {
            journal: Some(Arc::new(journal.clone())),
            stop: end,
            ..ScriptedObserver::default().run()
        };
        let (done, cut_off) = (Irreversible::Map("node1".to_owned()), Irreversible::Apply);
        let work = async {
            let taken = |_: &Result<(), ()>| Taken::Yes;
            let _done = run
                .perform_irreversible(FlowStep::ApplyingWifi, &done, taken, async { Ok(()) })
                .await?;
            stopper.stop(StopReason::Interrupted);
            let _never = run
                .perform_irreversible(FlowStep::ApplyingWifi, &cut_off, taken, pending())
                .await?;
            Ok(())
        };
        let outcome = run.unless_stopped(FlowStep::ApplyingWifi, work).await;
        assert!(
            matches!(outcome, Err(FlowError::Stopped { .. })),
            "{outcome:?}"
        );
        assert_eq!(journal.outcomes(), [Taken::Yes, Taken::Perhaps]);
    }
}
