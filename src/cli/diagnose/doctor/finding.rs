//! The result of one check, as lines of text and as a JSON object.

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::checks::Check;
use crate::report::{ErrorId, Failure};
use crate::transport::Medium;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CheckState {
    /// There is nothing to do.
    Ok,
    /// It works or is not needed now, but the user should know.
    Warning,
    /// A transport or the account does not work like this.
    Problem,
    /// It was not checked; `seen` is the reason.
    Skipped,
}

impl CheckState {
    /// A problem, or else a warning.
    pub(super) const fn problem_if(condition: bool) -> Self {
        if condition {
            Self::Problem
        } else {
            Self::Warning
        }
    }
}

/// The result of one check.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    #[serde(rename = "id")]
    pub(super) check: Check,
    /// The transport that it matters to, if there is only one.
    pub(super) transport: Option<&'static Medium>,
    /// The port or interface, if there can be several.
    pub(super) subject: Option<String>,
    pub(super) state: CheckState,
    pub(super) seen: String,
    pub(super) fix: Option<String>,
    /// The error that a run would end with.
    pub(super) see: Option<ErrorId>,
}

impl Finding {
    pub(super) fn new(check: Check, state: CheckState, seen: impl Into<String>) -> Self {
        Self {
            check,
            transport: None,
            subject: None,
            state,
            seen: seen.into(),
            fix: None,
            see: None,
        }
    }

    pub(super) fn ok(check: Check, seen: impl Into<String>) -> Self {
        Self::new(check, CheckState::Ok, seen)
    }

    pub(super) fn warning(check: Check, seen: impl Into<String>) -> Self {
        Self::new(check, CheckState::Warning, seen)
    }

    pub(super) fn problem(check: Check, seen: impl Into<String>) -> Self {
        Self::new(check, CheckState::Problem, seen)
    }

    pub(super) fn skipped(check: Check, seen: impl Into<String>) -> Self {
        Self::new(check, CheckState::Skipped, seen)
    }

    /// A problem in the words of the failure that a run would end with.
    pub(super) fn from_failure(check: Check, failure: &Failure) -> Self {
        let causes = failure.causes.iter();
        let seen = causes.fold(failure.message.clone(), |seen, cause| {
            format!("{seen}: {cause}")
        });
        Self {
            fix: (!failure.hints.is_empty()).then(|| failure.hints.join("; ")),
            see: Some(failure.id),
            ..Self::problem(check, seen)
        }
    }

    #[must_use]
    pub(super) fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    #[must_use]
    pub(super) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub(super) fn with_error(mut self, id: ErrorId) -> Self {
        self.see = Some(id);
        self
    }

    fn format_lines(&self, id_width: usize) -> Vec<String> {
        let (sign, word, color) = match self.state {
            CheckState::Ok => ("✓", "ok", AnsiColor::Green),
            CheckState::Warning => ("!", "warning", AnsiColor::Yellow),
            CheckState::Problem => ("✗", "problem", AnsiColor::Red),
            CheckState::Skipped => ("-", "skipped", AnsiColor::BrightBlack),
        };
        let style = Style::new().fg_color(Some(color.into()));
        let subject = self.subject.iter().map(|subject| format!("{subject}: "));
        let mut lines = vec![format!(
            "  {style}{sign} {word:<7}{style:#}  {:<id_width$}  {}{}",
            self.check,
            subject.collect::<String>(),
            self.seen
        )];
        let indent = " ".repeat(INDENT + id_width);
        lines.extend(self.fix.iter().map(|fix| format!("{indent}fix: {fix}")));
        let see = self.see.iter();
        lines.extend(see.map(|id| format!("{indent}see: espctl explain {id}")));
        lines
    }
}

/// The report: a heading for each section, a sign and a word for each finding. Color is decoration.
pub(super) fn format_report(findings: &[Finding]) -> Vec<String> {
    let id_lengths = findings
        .iter()
        .map(|finding| finding.check.into_str().len());
    let id_width = id_lengths.max().unwrap_or_default();
    let mut lines = Vec::new();
    let mut last_heading = "";
    for finding in findings {
        let (heading, _) = finding.check.place();
        if heading != last_heading {
            lines.push(heading.to_owned());
            last_heading = heading;
        }
        lines.extend(finding.format_lines(id_width));
    }
    let count = |state| {
        let findings = findings.iter();
        findings.filter(|finding| finding.state == state).count()
    };
    let with_noun = |count, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    lines.push(
        match (count(CheckState::Problem), count(CheckState::Warning)) {
            (0, 0) => "No problems found.".to_owned(),
            (problems, warnings) => format!(
                "{}, {}.",
                with_noun(problems, "problem"),
                with_noun(warnings, "warning")
            ),
        },
    );
    lines
}

/// Of the lines below a finding, in addition to the id: the sign, the word and the spaces around.
const INDENT: usize = 2 + 9 + 2 + 2;

#[cfg(test)]
mod tests {
    use super::super::checks::Check;
    use super::*;

    #[test]
    fn report_is_complete_without_color() {
        let findings = [
            Finding::ok(Check::BluetoothAdapter, "hci0"),
            Finding::problem(Check::BluetoothPower, "it is off")
                .with_fix("bluetoothctl power on")
                .with_error(ErrorId::BluetoothOff),
            Finding::skipped(Check::SerialPort, "cannot be read here").with_subject("COM3"),
        ];
        let plain = anstream::adapter::strip_str(&format_report(&findings).join("\n")).to_string();
        let expected = [
            "Bluetooth",
            "  ✓ ok       bluetooth-adapter  hci0",
            "  ✗ problem  bluetooth-power    it is off",
            "                                fix: bluetoothctl power on",
            "                                see: espctl explain bluetooth-off",
            "Serial ports",
            "  - skipped  serial-port        COM3: cannot be read here",
            "1 problem, 0 warnings.",
        ];
        assert_eq!(plain.lines().collect::<Vec<_>>(), expected);
        assert_eq!(format_report(&[]), ["No problems found."]);
    }
}
