//! An observer that writes down what it is told and answers what a test gave it beforehand. Not a
//! person: without an answer it has none.

use std::collections::VecDeque;

use async_trait::async_trait;
use espctl::endpoint::wifi_scan::AccessPoint;
use espctl::flows::find::Sighted;
use espctl::flows::{Choice, Chosen, Event, Observer, Question, SchemeSource, Warning};
use espctl::secret::Secret;
use espctl::security::SecurityScheme;

/// Whoever a flow under test is run for.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) events: Vec<Event>,
    /// What it was asked to type.
    pub(crate) asked: Vec<Question>,
    /// What it was asked to choose from.
    pub(crate) shown: Vec<Vec<AccessPoint>>,
    pub(crate) sighted: Vec<Vec<Sighted>>,
    answers: VecDeque<Secret<String>>,
    choices: VecDeque<Chosen>,
}

impl Recorder {
    /// One that types these, in this order.
    pub(crate) fn typing<const N: usize>(answers: [&str; N]) -> Self {
        Self {
            answers: answers.map(|answer| Secret::new(answer.to_owned())).into(),
            ..Self::default()
        }
    }

    /// And chooses these.
    pub(crate) fn choosing<const N: usize>(mut self, choices: [Chosen; N]) -> Self {
        self.choices = choices.into();
        self
    }

    /// What it was warned of.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Warned { id, .. } => Some(*id),
                _ => None,
            })
            .collect()
    }

    /// The schemes that it was told of, and who decided.
    pub(crate) fn schemes(&self) -> Vec<(SecurityScheme, SchemeSource)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::SchemeChosen { scheme, source } => Some((*scheme, *source)),
                _ => None,
            })
            .collect()
    }
}

#[async_trait]
impl Observer for Recorder {
    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    async fn choose(&mut self, choice: &Choice<'_>) -> Chosen {
        match choice {
            Choice::Devices(devices) => self.sighted.push(devices.to_vec()),
            Choice::Networks(networks) => self.shown.push(networks.to_vec()),
        }
        self.choices.pop_front().unwrap_or(Chosen::Nothing)
    }

    async fn ask(&mut self, question: &Question) -> Option<Secret<String>> {
        self.asked.push(question.clone());
        self.answers.pop_front()
    }
}
