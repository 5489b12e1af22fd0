//! A remedy for an error: written once, shown as a hint of a run to which it applies, and in the
//! explanation of the error.

use super::context::Context;
use crate::transport::HostPart;

/// What the user can do about an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remedy {
    /// An imperative in lower case, without a full stop. In its code spans, data of the run replace
    /// some words in capitals: see [`look_up`].
    text: &'static str,
    /// The media that it is for, by the part of this computer that they need; empty for all.
    media: &'static [HostPart],
    /// The systems that it is for; empty for all.
    systems: &'static [&'static str],
    /// The condition in words; empty if the text names it.
    condition: &'static str,
    holds: fn(&Context) -> bool,
    is_explained_only: bool,
}

/// A hint for a run, which is also in the explanation.
pub(super) const fn hint(text: &'static str) -> Remedy {
    Remedy {
        text,
        media: &[],
        systems: &[],
        condition: "",
        holds: |_| true,
        is_explained_only: false,
    }
}

/// Advice that is in the explanation only. If only code knows whether it applies to a run, code adds
/// the same text to the failure.
pub(super) const fn explained(text: &'static str) -> Remedy {
    Remedy {
        is_explained_only: true,
        ..hint(text)
    }
}

impl Remedy {
    /// Limits it to media that need one of these parts of this computer.
    pub(super) const fn over(self, media: &'static [HostPart]) -> Self {
        Self { media, ..self }
    }

    /// Limits it to these systems.
    pub(super) const fn on(self, systems: &'static [&'static str]) -> Self {
        Self { systems, ..self }
    }

    /// Limits it to runs that meet a condition. `words` describe the condition, unless the text of the
    /// remedy does.
    pub(super) const fn when(self, words: &'static str, holds: fn(&Context) -> bool) -> Self {
        Self {
            condition: words,
            holds,
            ..self
        }
    }

    /// The hint with this run's data, if it applies to the run.
    pub(super) fn hint(&self, context: &Context) -> Option<String> {
        let is_over = |media: &[HostPart]| {
            let part = context.needed_part();
            part.is_some_and(|part| media.contains(&part))
        };
        let applies = !self.is_explained_only
            && (self.media.is_empty() || is_over(self.media))
            && (self.systems.is_empty() || self.systems.contains(&SYSTEM))
            && (self.holds)(context);
        applies.then(|| fill(self.text, |word| look_up(word, context)))
    }

    /// The sentence of the explanation, with its conditions.
    pub(super) fn sentence(&self) -> String {
        let mut parts = Vec::new();
        if !self.systems.is_empty() {
            parts.push(format!("on {}", self.systems.join(" and ")));
        }
        // A remedy for most media does not list them.
        if (1..3).contains(&self.media.len()) {
            let media: Vec<&str> = self.media.iter().copied().map(describe_medium).collect();
            parts.push(media.join(" or "));
        }
        if !self.condition.is_empty() {
            parts.push(self.condition.to_owned());
        }
        parts.push(fill(self.text, |word| match word {
            "DEVICE" => Some(vec!["…".to_owned()]),
            "ACCOUNT" => Some(Vec::new()),
            _ => None,
        }));
        let text = parts.join(", ");
        let mut chars = text.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.chain(chars).chain(['.']).collect()
    }
}

/// Replaces the words of the code spans for which there are data.
fn fill(text: &str, look_up: impl Fn(&str) -> Option<Vec<String>>) -> String {
    let fill_span = |(index, span): (usize, &str)| {
        if index % 2 == 0 {
            return span.to_owned();
        }
        let words = span.split(' ');
        let words = words.flat_map(|word| look_up(word).unwrap_or_else(|| vec![word.to_owned()]));
        words.collect::<Vec<String>>().join(" ")
    };
    let spans: Vec<String> = text.split('`').enumerate().map(fill_span).collect();
    spans.join("`")
}

/// The run's data for a word, quoted for a shell.
fn look_up(word: &str, context: &Context) -> Option<Vec<String>> {
    let data = match word {
        "ACCOUNT" => return Some(context.login.clone()),
        "ADDRESS" | "PORT" => context.typed_address(),
        "DEVICE" => return Some(context.device_flags()),
        "NAME" => context.error.example.clone(),
        "SECONDS" => Some(context.longer_search()),
        _ => None,
    };
    Some(vec![data?])
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

/// This system, or Linux for one that espctl does not know.
const SYSTEM: &str = if cfg!(target_os = "macos") {
    "macOS"
} else if cfg!(windows) {
    "Windows"
} else {
    "Linux"
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::medium_named;

    const BLE: &[HostPart] = &[HostPart::Bluetooth];

    #[test]
    fn sentence_names_conditions() {
        let remedy = hint("move closer")
            .over(BLE)
            .on(&["macOS"])
            .when("if it fails", |_| true);
        assert_eq!(
            remedy.sentence(),
            "On macOS, over Bluetooth, if it fails, move closer."
        );
        let remedy = hint("`espctl device info DEVICE` shows it");
        assert_eq!(remedy.sentence(), "`espctl device info …` shows it.");
    }

    #[test]
    fn hint_selects_device_of_the_run() {
        let context = Context {
            medium: Some(medium_named("ble")),
            name: Some("Bob's lamp".to_owned()),
            ..Context::default()
        };
        let hint_of = |text| hint(text).hint(&context).unwrap();
        let expected = r#"run `espctl device info --transport ble --device-name "Bob's lamp"`"#;
        assert_eq!(hint_of("run `espctl device info DEVICE`"), expected);
        // Without data, and outside of code.
        assert_eq!(hint_of("PORT `lsof PORT`"), "PORT `lsof PORT`");
        assert!(hint("x").over(BLE).hint(&context).is_some());
        assert!(hint("x").over(BLE).hint(&Context::default()).is_none());
        assert!(explained("x").hint(&context).is_none());
    }

    #[test]
    fn data_of_the_run_is_printed_as_it_is() {
        let context = Context {
            login: vec!["`lsof PORT`".to_owned(), "{}".to_owned()],
            ..Context::default()
        };
        let hint = hint("run `espctl login ACCOUNT`").hint(&context);
        assert_eq!(hint.as_deref(), Some("run `espctl login `lsof PORT` {}`"));
    }
}
