//! An observer that records its events and answers with what the test provided. Without a provided
//! answer it returns none.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use espctl::endpoint::wifi_scan::AccessPoint;
use espctl::flows::{
    Choice, Chosen, Event, Observer, Question, RowName, Run, SchemeSource, Timing, Warning,
};
use espctl::secret::Secret;
use espctl::security::SecurityScheme;

/// Clones share their state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    events: Vec<Event>,
    asked: Vec<Question>,
    shown: Vec<Vec<AccessPoint>>,
    answers: VecDeque<Secret<String>>,
    choices: VecDeque<Chosen>,
}

impl Recorder {
    /// A recorder with these answers, in this order.
    pub(crate) fn with_answers<const N: usize>(answers: [&str; N]) -> Self {
        let recorder = Self::default();
        recorder.inner().answers = answers.map(|answer| Secret::new(answer.to_owned())).into();
        recorder
    }

    /// Adds these choices.
    pub(crate) fn with_choices<const N: usize>(self, choices: [Chosen; N]) -> Self {
        self.inner().choices = choices.into();
        self
    }

    /// A run that reports to this recorder.
    pub(crate) fn run(&self) -> Run {
        self.run_at(Timing::default())
    }

    /// A run with other intervals and limits.
    pub(crate) fn run_at(&self, timing: Timing) -> Run {
        Run::new(Arc::new(self.clone()), timing)
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.inner().events.clone()
    }

    /// The questions that a flow asked.
    pub(crate) fn asked(&self) -> Vec<Question> {
        self.inner().asked.clone()
    }

    /// The lists of networks that a flow offered.
    pub(crate) fn shown(&self) -> Vec<Vec<AccessPoint>> {
        self.inner().shown.clone()
    }

    /// The warnings so far.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let warning = |event: &Event| match event {
            Event::Warned { id, .. } => Some(*id),
            _ => None,
        };
        self.inner().events.iter().filter_map(warning).collect()
    }

    /// The chosen schemes, with the source of each choice.
    pub(crate) fn schemes(&self) -> Vec<(SecurityScheme, SchemeSource)> {
        let chosen = |event: &Event| match event {
            Event::SchemeChosen { scheme, source } => Some((*scheme, *source)),
            _ => None,
        };
        self.inner().events.iter().filter_map(chosen).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

#[async_trait]
impl Observer for Recorder {
    fn event(&self, _row: Option<&RowName>, event: &Event) {
        self.inner().events.push(event.clone());
    }

    async fn choose(&self, _row: Option<&RowName>, choice: Choice) -> Chosen {
        let mut inner = self.inner();
        if let Choice::Networks(networks) = choice {
            inner.shown.push(networks.items());
        }
        inner.choices.pop_front().unwrap_or(Chosen::Nothing)
    }

    async fn ask(&self, _row: Option<&RowName>, question: &Question) -> Option<Secret<String>> {
        let mut inner = self.inner();
        inner.asked.push(question.clone());
        inner.answers.pop_front()
    }
}
