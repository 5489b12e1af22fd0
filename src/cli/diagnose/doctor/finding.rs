//! One thing that was looked at: what was seen, and what fixes it; as a line and as an object.

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::report::{ErrorId, Failure};
use crate::transport::Medium;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// Nothing to do.
    Ok,
    /// It works, or is of no matter now; somebody should know.
    Warning,
    /// A way to a device, or the account, does not work like this.
    Problem,
    /// It was not looked at; what was seen is why.
    Skipped,
}

/// A part of the computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Bluetooth,
    Serial,
    Network,
    Account,
}

/// What was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    #[serde(skip)]
    pub(super) part: Part,
    /// Stable: what scripts compare.
    pub(super) id: &'static str,
    /// The way to a device that it matters to; none for several.
    pub(super) transport: Option<&'static Medium>,
    /// Which port or interface, where there can be several.
    pub(super) subject: Option<String>,
    pub(super) state: State,
    pub(super) seen: String,
    pub(super) fix: Option<String>,
    /// The error that comes of it.
    pub(super) see: Option<ErrorId>,
}

impl Finding {
    pub(super) fn new(part: Part, id: &'static str, state: State, seen: impl Into<String>) -> Self {
        Self {
            part,
            id,
            transport: None,
            subject: None,
            state,
            seen: seen.into(),
            fix: None,
            see: None,
        }
    }

    /// What a run that failed by it would say.
    pub(super) fn failed(part: Part, id: &'static str, failure: &Failure) -> Self {
        let causes = failure.causes.iter();
        let seen = causes.fold(failure.message.clone(), |seen, cause| {
            format!("{seen}: {cause}")
        });
        let fix: Vec<String> = failure.hints.iter().map(ToString::to_string).collect();
        let fix = fix.join("; ");
        Self {
            fix: (!fix.is_empty()).then_some(fix),
            see: Some(failure.id),
            ..Self::new(part, id, State::Problem, seen)
        }
    }

    #[must_use]
    pub(super) fn over(mut self, medium: Option<&'static Medium>) -> Self {
        self.transport = medium;
        self
    }

    #[must_use]
    pub(super) fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    #[must_use]
    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub(super) fn see(mut self, id: ErrorId) -> Self {
        self.see = Some(id);
        self
    }
}

/// The report: a heading for each part, a sign and a word for each finding. Colour means nothing by
/// itself.
pub(super) fn in_lines(findings: &[Finding]) -> Vec<String> {
    let width = findings.iter().map(|one| one.id.len()).max();
    let width = width.unwrap_or_default();
    let mut lines = Vec::new();
    for of_part in findings.chunk_by(|one, next| one.part == next.part) {
        lines.extend(of_part.first().map(|one| one.part.title().to_owned()));
        lines.extend(of_part.iter().flat_map(|one| one.lines(width)));
    }
    let count = |state| findings.iter().filter(|one| one.state == state).count();
    lines.push(match (count(State::Problem), count(State::Warning)) {
        (0, 0) => "Nothing stands in the way.".to_owned(),
        (problems, warnings) => format!(
            "{}, {}.",
            counted(problems, "problem"),
            counted(warnings, "warning")
        ),
    });
    lines
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

impl Finding {
    fn lines(&self, width: usize) -> Vec<String> {
        let (sign, word, colour) = match self.state {
            State::Ok => ("✓", "ok", AnsiColor::Green),
            State::Warning => ("!", "warning", AnsiColor::Yellow),
            State::Problem => ("✗", "problem", AnsiColor::Red),
            State::Skipped => ("-", "skipped", AnsiColor::BrightBlack),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        let subject = self.subject.as_ref();
        let subject = subject.map_or_else(String::new, |subject| format!("{subject}: "));
        let mut lines = vec![format!(
            "  {style}{sign} {word:<7}{style:#}  {:<width$}  {subject}{}",
            self.id, self.seen
        )];
        let indent = " ".repeat(INDENT + width);
        lines.extend(self.fix.iter().map(|fix| format!("{indent}fix: {fix}")));
        let see = self.see.iter();
        lines.extend(see.map(|id| format!("{indent}see: espctl explain {id}")));
        lines
    }
}

impl Part {
    const fn title(self) -> &'static str {
        match self {
            Self::Bluetooth => "Bluetooth",
            Self::Serial => "Serial ports",
            Self::Network => "Network",
            Self::Account => "Account",
        }
    }
}

/// Before and behind the sign and the word, and behind the id.
const INDENT: usize = 2 + 9 + 2 + 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_everything_without_colour() {
        let findings = [
            Finding::new(Part::Bluetooth, "bluetooth-adapter", State::Ok, "hci0"),
            Finding::new(Part::Bluetooth, "x", State::Problem, "it is off")
                .fix("bluetoothctl power on")
                .see(ErrorId::BluetoothOff),
            Finding::new(Part::Serial, "y", State::Skipped, "cannot be asked here").about("COM3"),
        ];
        let plain = anstream::adapter::strip_str(&in_lines(&findings).join("\n")).to_string();
        let expected = [
            "Bluetooth",
            "  ✓ ok       bluetooth-adapter  hci0",
            "  ✗ problem  x                  it is off",
            "                                fix: bluetoothctl power on",
            "                                see: espctl explain bluetooth-off",
            "Serial ports",
            "  - skipped  y                  COM3: cannot be asked here",
            "1 problem, 0 warnings.",
        ];
        assert_eq!(plain.lines().collect::<Vec<_>>(), expected);
        assert_eq!(in_lines(&[]), ["Nothing stands in the way."]);
    }
}
