//! `--support-bundle`: one file about a run, to attach to a bug report. `report` records the run and
//! composes the text. This folder adds the file, the redacted command line and the findings of doctor.

mod output_path;
mod run_line;

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{ArgMatches, Command};
use tokio::time::{Instant, timeout};

use self::run_line::RunLine;
use crate::cli::args::inputs::{Existing, create_private};
use crate::cli::diagnose::doctor::for_bundle::collect_findings;
use crate::cli::subcommand::Touches;
use crate::cli::terminal::{Printer, print_note};
use crate::cli::usage;
use crate::cli::workplace::Workplace;
use crate::report::{ErrorId, Failure, Findings, Recorder, ResultPolicy, RunStart, compose_bundle};

/// The created file, and what is written to it at the end of the run.
#[derive(Debug)]
pub(in crate::cli) struct Bundle {
    file: File,
    path: PathBuf,
    line: RunLine,
    recorder: Recorder,
    began: Instant,
    began_at: SystemTime,
}

impl Bundle {
    /// Creates the file, before the command touches anything.
    pub(in crate::cli) fn begin(
        path: &Path,
        mut tree: Command,
        matches: &ArgMatches,
    ) -> Result<Self, Failure> {
        // Adds the global flags to the subcommands.
        tree.build();
        let (names, command, matches) = select_command(&tree, matches);
        output_path::reject_shared_path(path, command, matches)?;
        Self::create(path, RunLine::compose(&names, command, matches))
    }

    fn create(path: &Path, line: RunLine) -> Result<Self, Failure> {
        Ok(Self {
            file: create_private(path, "--support-bundle", Existing::Replaced)?,
            path: path.to_owned(),
            line,
            recorder: Recorder::default(),
            began: Instant::now(),
            began_at: now(),
        })
    }

    /// The recorder of the run.
    pub(in crate::cli) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Runs the checks of doctor for what the command touched. A signal ends them.
    pub(in crate::cli) async fn collect_findings(
        &self,
        touches: Touches,
        workplace: &Workplace,
    ) -> Findings {
        let spinner = &workplace.printer.spinner;
        spinner.start("Checking this computer for the support bundle");
        let checks = collect_findings(touches, self.recorder.searched(), workplace);
        let checks = async { Ok(timeout(CHECKS_TIMEOUT, checks).await) };
        let outcome = workplace.interrupts.run_until_signal(checks).await;
        spinner.clear();
        match outcome {
            Ok(Ok(findings)) => findings,
            Ok(Err(_)) => Err("the checks timed out"),
            Err(_) => Err("the checks were interrupted"),
        }
    }

    /// Writes the bundle, and reports on stderr that it did or could not. The exit code stays.
    pub(in crate::cli) fn write(
        mut self,
        answer: ResultPolicy,
        failure: Option<&Failure>,
        findings: &Findings,
        printer: &Printer,
    ) {
        let failure = failure.map(|failure| self.line.redact(failure));
        let start = RunStart {
            command: &self.line.command,
            environment: &self.line.environment,
            began: self.began_at,
            took: self.began.elapsed(),
        };
        let text = compose_bundle(&start, &self.recorder, answer, failure.as_ref(), findings);
        let path = self.path.display().to_string();
        let written = self.file.write_all(text.as_bytes());
        match written.and_then(|()| self.file.flush()) {
            Ok(()) => printer.print_line(&format!(
                "The support bundle is in {path}. It contains no secrets, but names and addresses"
            )),
            Err(error) => print_note(&format!(
                "warning: cannot write the support bundle to {path}: {error}"
            )),
        }
    }
}

/// Writes a bundle for a command line that cannot be parsed, so that the bundle of an earlier run is
/// not mistaken for this one's. Neither the line nor the error is shown: each may contain a secret.
pub(in crate::cli) fn write_without_run(arguments: &[OsString]) {
    let Some(path) = output_path::find_unshared_path(arguments) else {
        return;
    };
    let printer = Printer::new(usage::find_format(arguments));
    let message = "the command line is invalid (not shown: it may contain a secret)";
    let failure = Failure::new(ErrorId::Usage, message);
    match Bundle::create(&path, RunLine::unparsed()) {
        Ok(bundle) => bundle.write(
            ResultPolicy::Omit,
            Some(&failure),
            &Err("there was no run"),
            &printer,
        ),
        Err(failure) => print_note(&format!("warning: {}", failure.message)),
    }
}

/// The subcommand that runs, with the names that lead to it.
fn select_command<'a>(
    tree: &'a Command,
    matches: &'a ArgMatches,
) -> (Vec<&'a str>, &'a Command, &'a ArgMatches) {
    let mut names = vec![tree.get_name()];
    let (mut command, mut matches) = (tree, matches);
    while let Some((name, inner)) = matches.subcommand()
        && let Some(subcommand) = command.find_subcommand(name)
    {
        names.push(name);
        (command, matches) = (subcommand, inner);
    }
    (names, command, matches)
}

#[expect(
    clippy::disallowed_methods,
    reason = "to compare the bundle with other logs; no decision depends on it"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// For all checks together. Each section also has its own, shorter limit.
const CHECKS_TIMEOUT: Duration = Duration::from_secs(3);
