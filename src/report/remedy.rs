//! A remedy for an error: written once, shown as a hint of a run to which it applies, and in the
//! explanation of the error.

use super::context::Context;
use super::hint::{Action, Hint};
use crate::transport::HostPart;

/// What the user can do about an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remedy {
    /// An imperative in lower case, without a full stop, and with `{}` in place of the action.
    text: &'static str,
    action: ActionTemplate,
    /// The media that it is for, by the part of this computer that they need; empty for all.
    media: &'static [HostPart],
    /// The systems that it is for; empty for all.
    systems: &'static [System],
    condition: Option<Condition>,
    /// Whether it is a hint only if code adds it to a failure.
    is_explained_only: bool,
}

/// A condition that the run must meet.
#[derive(Clone, Copy, Debug)]
struct Condition {
    /// Empty if the text of the remedy names it.
    words: &'static str,
    holds: fn(&Context) -> bool,
}

/// The action that it proposes. The run's data replace words in capitals: see [`fill`].
#[derive(Clone, Copy, Debug)]
enum ActionTemplate {
    None,
    Flag(&'static str),
    Command(&'static str),
    Retry,
}

/// A family of operating systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// Linux, and systems that espctl does not know.
    Linux,
    MacOs,
    Windows,
}

impl System {
    const HERE: Self = if cfg!(target_os = "macos") {
        Self::MacOs
    } else if cfg!(windows) {
        Self::Windows
    } else {
        Self::Linux
    };

    const fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::MacOs => "macOS",
            Self::Windows => "Windows",
        }
    }
}

/// Advice without an action.
pub(super) const fn plain(text: &'static str) -> Remedy {
    with_action(text, ActionTemplate::None)
}

/// Advice to pass a flag.
pub(super) const fn flag(flag: &'static str, text: &'static str) -> Remedy {
    with_action(text, ActionTemplate::Flag(flag))
}

/// Advice to run another command.
pub(super) const fn command(line: &'static str, text: &'static str) -> Remedy {
    with_action(text, ActionTemplate::Command(line))
}

/// Advice to run the command again.
pub(super) const fn retry(text: &'static str) -> Remedy {
    with_action(text, ActionTemplate::Retry)
}

const fn with_action(text: &'static str, action: ActionTemplate) -> Remedy {
    Remedy {
        text,
        action,
        media: &[],
        systems: &[],
        condition: None,
        is_explained_only: false,
    }
}

impl Remedy {
    /// Limits it to media that need one of these parts of this computer.
    pub(super) const fn over(mut self, media: &'static [HostPart]) -> Self {
        self.media = media;
        self
    }

    /// Limits it to these systems.
    pub(super) const fn on(mut self, systems: &'static [System]) -> Self {
        self.systems = systems;
        self
    }

    /// Limits it to runs that meet a condition. `words` describe the condition, unless the text of the
    /// remedy does.
    pub(super) const fn when(mut self, words: &'static str, holds: fn(&Context) -> bool) -> Self {
        self.condition = Some(Condition { words, holds });
        self
    }

    /// Shows it in the explanation only, unless code adds it to a failure.
    pub(super) const fn explained_only(mut self) -> Self {
        self.is_explained_only = true;
        self
    }

    /// Whether it is a hint for this run.
    pub(super) fn applies(&self, context: &Context) -> bool {
        !self.is_explained_only
            && (self.media.is_empty()
                || context
                    .needed_part()
                    .is_some_and(|part| self.media.contains(&part)))
            && self.is_for_this_system()
            && self.condition.is_none_or(|it| (it.holds)(context))
    }

    fn is_for_this_system(&self) -> bool {
        self.systems.is_empty() || self.systems.contains(&System::HERE)
    }

    /// The hint, with this run's data.
    pub(crate) fn hint(&self, context: &Context) -> Hint {
        self.filled(|word| fill(word, context))
    }

    /// The sentence of the explanation, with its conditions.
    pub(super) fn sentence(&self) -> String {
        let mut conditions = Vec::new();
        let systems: Vec<&str> = self.systems.iter().map(|system| system.name()).collect();
        if !systems.is_empty() {
            conditions.push(format!("on {}", systems.join(" and ")));
        }
        // A remedy for most media does not list them.
        if (1..3).contains(&self.media.len()) {
            let media: Vec<&str> = self
                .media
                .iter()
                .map(|part| describe_medium(*part))
                .collect();
            conditions.push(media.join(" or "));
        }
        let words = self.condition.map(|it| it.words.to_owned());
        conditions.extend(words.filter(|words| !words.is_empty()));
        let hint = self.filled(|word| match word {
            "DEVICE" => vec!["…".to_owned()],
            "ACCOUNT" => Vec::new(),
            _ => vec![word.to_owned()],
        });
        conditions.push(hint.to_string());
        let text = conditions.join(", ");
        let mut chars = text.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.chain(chars).chain(['.']).collect()
    }

    fn filled(&self, fill: impl Fn(&str) -> Vec<String>) -> Hint {
        let words = |line: &str| line.split(' ').flat_map(&fill).collect::<Vec<String>>();
        let action = match self.action {
            ActionTemplate::None => None,
            ActionTemplate::Flag(flag) => {
                let mut words = words(flag).into_iter();
                words.next().map(|name| Action::Flag {
                    name,
                    value: words.next(),
                })
            }
            ActionTemplate::Command(line) => Some(Action::Command(words(line))),
            ActionTemplate::Retry => Some(Action::Retry),
        };
        Hint::new(self.text, action)
    }
}

/// The run's data for a word in capitals; the word itself without such data.
fn fill(word: &str, context: &Context) -> Vec<String> {
    let known = match word {
        "ACCOUNT" => return context.login.clone(),
        "ADDRESS" | "PORT" => context.typed_address(),
        "DEVICE" => return context.device_flags(),
        "NAME" => context.error.example.clone(),
        "SECONDS" => Some(context.longer_search()),
        _ => None,
    };
    vec![known.unwrap_or_else(|| word.to_owned())]
}

/// The condition of a remedy for one medium, as an explanation has it.
const fn describe_medium(part: HostPart) -> &'static str {
    match part {
        HostPart::Bluetooth => "over Bluetooth",
        HostPart::SerialPorts => "over a serial line",
        HostPart::LocalNetwork => "on the network",
        HostPart::Hotspot => "over SoftAP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::medium_named;

    const BLE: &[HostPart] = &[HostPart::Bluetooth];

    #[test]
    fn sentence_names_conditions() {
        let remedy = plain("move closer")
            .over(BLE)
            .on(&[System::MacOs])
            .when("if it fails", |_| true);
        assert_eq!(
            remedy.sentence(),
            "On macOS, over Bluetooth, if it fails, move closer."
        );
        let remedy = command("espctl device info DEVICE", "{} shows it");
        assert_eq!(remedy.sentence(), "`espctl device info …` shows it.");
    }

    #[test]
    fn hint_selects_device_of_the_run() {
        let context = Context {
            medium: Some(medium_named("ble")),
            name: Some("Bob's lamp".to_owned()),
            ..Context::default()
        };
        let remedy = command("espctl device info DEVICE", "run {}");
        let expected = r#"run `espctl device info --transport ble --device-name "Bob's lamp"`"#;
        assert_eq!(remedy.hint(&context).to_string(), expected);
        assert!(plain("x").over(BLE).applies(&context));
        assert!(!plain("x").over(BLE).applies(&Context::default()));
        assert!(!plain("x").explained_only().applies(&context));
    }
}
