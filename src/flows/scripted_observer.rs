//! An observer for tests: it keeps the events, and answers questions with what a test gave it.

use std::collections::VecDeque;

use async_trait::async_trait;

use super::{Choice, Chosen, Event, Observer, Question, SchemeSource, Stage, StageState};
use crate::secret::Secret;
use crate::security::SecurityScheme;

/// Without an answer left, nobody is there to answer.
#[derive(Debug, Default)]
pub(super) struct ScriptedObserver {
    pub(super) events: Vec<Event>,
    pub(super) asked: Vec<Question>,
    pub(super) answers: VecDeque<&'static str>,
    pub(super) choices: VecDeque<Chosen>,
}

impl ScriptedObserver {
    /// The schemes that were chosen, and why.
    pub(super) fn schemes(&self) -> Vec<(SecurityScheme, SchemeSource)> {
        let chosen = |event: &Event| match event {
            Event::SchemeChosen { scheme, source } => Some((*scheme, *source)),
            _ => None,
        };
        self.events.iter().filter_map(chosen).collect()
    }

    /// How each stage ended, in order.
    pub(super) fn ended(&self) -> Vec<(Stage, StageState)> {
        let ended = |event: &Event| match event {
            Event::Stage { stage, state, .. } if *state != StageState::Started => {
                Some((*stage, *state))
            }
            _ => None,
        };
        self.events.iter().filter_map(ended).collect()
    }
}

#[async_trait]
impl Observer for ScriptedObserver {
    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    async fn choose(&mut self, _choice: &Choice<'_>) -> Chosen {
        self.choices.pop_front().unwrap_or(Chosen::Nothing)
    }

    async fn ask(&mut self, question: &Question) -> Option<Secret<String>> {
        self.asked.push(question.clone());
        let answer = self.answers.pop_front()?;
        Some(Secret::new(answer.to_owned()))
    }
}
