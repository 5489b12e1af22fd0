//! One thing that a person can do about an error: written once, shown as a hint of a run to which
//! it applies, and in the explanation of the error.

use super::context::Context;
use super::hint::{Action, Hint};
use crate::transport::HostPart;

/// What a person can do about an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remedy {
    /// An imperative in lower case, without a full stop. `{}` stands for the step.
    text: &'static str,
    step: Step,
    /// The media that it is for, by the part of this computer that they need; empty for all.
    media: &'static [HostPart],
    /// The systems that it is for; empty for all.
    systems: &'static [System],
    condition: Option<Condition>,
    /// Whether a run shows it only where its code names it.
    is_explained_only: bool,
}

/// What has to be true of the run.
#[derive(Clone, Copy, Debug)]
struct Condition {
    /// Empty if the text of the remedy names it.
    words: &'static str,
    holds: fn(&Context) -> bool,
}

/// The step that it proposes. Words in capitals stand for what a run knows: see [`fill`].
#[derive(Clone, Copy, Debug)]
enum Step {
    None,
    Flag(&'static str),
    Command(&'static str),
    Retry,
}

/// A family of operating systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// Linux, and others with BlueZ or none.
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

/// Advice without a step that a face could offer.
pub(super) const fn plain(text: &'static str) -> Remedy {
    with_step(text, Step::None)
}

/// Advice to pass a flag.
pub(super) const fn flag(flag: &'static str, text: &'static str) -> Remedy {
    with_step(text, Step::Flag(flag))
}

/// Advice to run another command.
pub(super) const fn command(line: &'static str, text: &'static str) -> Remedy {
    with_step(text, Step::Command(line))
}

/// Advice to run the command again.
pub(super) const fn retry(text: &'static str) -> Remedy {
    with_step(text, Step::Retry)
}

const fn with_step(text: &'static str, step: Step) -> Remedy {
    Remedy {
        text,
        step,
        media: &[],
        systems: &[],
        condition: None,
        is_explained_only: false,
    }
}

impl Remedy {
    /// Only for a device that is reached like this.
    pub(super) const fn over(mut self, media: &'static [HostPart]) -> Self {
        self.media = media;
        self
    }

    /// Only on these systems.
    pub(super) const fn on(mut self, systems: &'static [System]) -> Self {
        self.systems = systems;
        self
    }

    /// Only for a run of which this is true. No words are needed if the text names the condition.
    pub(super) const fn when(mut self, words: &'static str, holds: fn(&Context) -> bool) -> Self {
        self.condition = Some(Condition { words, holds });
        self
    }

    /// For the explanation, and for those failures whose code names it.
    pub(super) const fn explained_only(mut self) -> Self {
        self.is_explained_only = true;
        self
    }

    /// Whether it is a hint for a run that failed like this.
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

    /// As a hint, with what the run knows.
    pub(crate) fn hint(&self, context: &Context) -> Hint {
        self.filled(|word| fill(word, context))
    }

    /// As a sentence of the explanation, with the circumstances that it is for.
    pub(super) fn sentence(&self) -> String {
        let mut circumstances = Vec::new();
        let systems: Vec<&str> = self.systems.iter().map(|system| system.name()).collect();
        if !systems.is_empty() {
            circumstances.push(format!("on {}", systems.join(" and ")));
        }
        // For most media: other remedies are for the rest.
        if (1..3).contains(&self.media.len()) {
            let media: Vec<&str> = self.media.iter().map(|part| circumstance(*part)).collect();
            circumstances.push(media.join(" or "));
        }
        let words = self.condition.map(|it| it.words.to_owned());
        circumstances.extend(words.filter(|words| !words.is_empty()));
        let hint = self.filled(|word| match word {
            "DEVICE" => vec!["…".to_owned()],
            "ACCOUNT" => Vec::new(),
            _ => vec![word.to_owned()],
        });
        circumstances.push(hint.to_string());
        let text = circumstances.join(", ");
        let mut chars = text.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.chain(chars).chain(['.']).collect()
    }

    fn filled(&self, fill: impl Fn(&str) -> Vec<String>) -> Hint {
        let words = |line: &str| line.split(' ').flat_map(&fill).collect::<Vec<String>>();
        let action = match self.step {
            Step::None => None,
            Step::Flag(flag) => {
                let mut words = words(flag).into_iter();
                words.next().map(|name| Action::Flag {
                    name,
                    value: words.next(),
                })
            }
            Step::Command(line) => Some(Action::Command(words(line))),
            Step::Retry => Some(Action::Retry),
        };
        Hint::new(self.text, action)
    }
}

/// What stands for a word in capitals in this run; the word itself, if the run does not know.
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

/// What a medium is called where an explanation says for which one a remedy is.
const fn circumstance(part: HostPart) -> &'static str {
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
    fn sentence_names_circumstances() {
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
    fn hint_knows_the_device_of_the_run() {
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
