//! An observer for tests: it stores events, and answers questions with the answers of the test.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use super::{
    Choice, Chosen, Event, Observer, Question, RowName, Run, SchemeSource, Stage, StageState,
    Timing,
};
use crate::secret::Secret;
use crate::security::SecurityScheme;

/// Without an answer left, the run is non-interactive. Clones share everything.
#[derive(Clone, Debug, Default)]
pub(super) struct ScriptedObserver(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    events: Vec<Event>,
    asked: Vec<Question>,
    answers: VecDeque<&'static str>,
}

impl ScriptedObserver {
    /// A run that reports to this observer.
    pub(super) fn run(&self) -> Run {
        self.run_at(Timing::default())
    }

    /// The same, with other intervals and limits.
    pub(super) fn run_at(&self, timing: Timing) -> Run {
        Run::new(Arc::new(self.clone()), timing)
    }

    /// Answers the next question.
    pub(super) fn answer(&self, answer: &'static str) {
        self.script().answers.push_back(answer);
    }

    /// The questions so far.
    pub(super) fn asked(&self) -> Vec<Question> {
        self.script().asked.clone()
    }

    /// The events so far.
    pub(super) fn events(&self) -> Vec<Event> {
        self.script().events.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    /// The selected schemes, with their sources.
    pub(super) fn schemes(&self) -> Vec<(SecurityScheme, SchemeSource)> {
        let chosen = |event: &Event| match event {
            Event::SchemeChosen { scheme, source } => Some((*scheme, *source)),
            _ => None,
        };
        self.script().events.iter().filter_map(chosen).collect()
    }

    /// The final state of each stage, in order.
    pub(super) fn ended(&self) -> Vec<(Stage, StageState)> {
        let ended = |event: &Event| match event {
            Event::Stage { stage, state, .. } if *state != StageState::Started => {
                Some((*stage, *state))
            }
            _ => None,
        };
        self.script().events.iter().filter_map(ended).collect()
    }
}

#[async_trait]
impl Observer for ScriptedObserver {
    fn event(&self, _row: Option<&RowName>, event: &Event) {
        self.script().events.push(event.clone());
    }

    async fn choose(&self, _row: Option<&RowName>, _choice: Choice) -> Chosen {
        Chosen::Nothing
    }

    async fn ask(&self, _row: Option<&RowName>, question: &Question) -> Option<Secret<String>> {
        let mut script = self.script();
        script.asked.push(question.clone());
        let answer = script.answers.pop_front()?;
        Some(Secret::new(answer.to_owned()))
    }
}
