//! A piece of advice: a sentence, and the action that it proposes.

use std::fmt;

/// Advice for the user: an imperative, or a fact about the result of this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The text, with `{}` in place of the action.
    template: String,
    /// The action, for a face that can offer it as a button.
    pub action: Option<Action>,
}

/// An action that a face can offer. It prints as the user types it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Run the command again with this flag.
    Flag {
        /// Such as `--timeout`.
        name: String,
        /// Quoted for a shell.
        value: Option<String>,
    },
    /// Run this command line. Each word is quoted for a shell.
    Command(Vec<String>),
    /// Run the same command again.
    Retry,
}

impl Hint {
    /// Advice that proposes an action, which replaces `{}` in the text.
    pub(super) fn new(text: &str, action: Option<Action>) -> Self {
        Self {
            template: text.to_owned(),
            action,
        }
    }
}

impl<T: Into<String>> From<T> for Hint {
    fn from(text: T) -> Self {
        Self {
            template: text.into(),
            action: None,
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = self.action.as_ref();
        match action.and_then(|action| Some((self.template.split_once("{}")?, action))) {
            Some(((before, after), action)) => write!(f, "{before}{action}{after}"),
            None => f.write_str(&self.template),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag { name, value: None } => write!(f, "`{name}`"),
            Self::Flag {
                name,
                value: Some(value),
            } => write!(f, "`{name} {value}`"),
            Self::Command(words) => write!(f, "`{}`", words.join(" ")),
            Self::Retry => f.write_str("run the command again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_prints_action_as_typed() {
        let value = Some("15".to_owned());
        let flag = Action::Flag {
            name: "--timeout".to_owned(),
            value,
        };
        let hint = Hint::new("pass {} or wait", Some(flag));
        assert_eq!(hint.to_string(), "pass `--timeout 15` or wait");
        let hint = Hint::new("restart it and {}", Some(Action::Retry));
        assert_eq!(hint.to_string(), "restart it and run the command again");
        // Data of the run is printed as it is.
        assert_eq!(Hint::from("found {}").to_string(), "found {}");
    }
}
