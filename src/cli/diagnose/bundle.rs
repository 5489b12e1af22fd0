//! `--support-bundle`: one file about a run, to attach to a report. `report` records the run and
//! composes the text; here are the file, the command line without its secrets, and what doctor says.

mod output_path;
mod run_line;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{ArgMatches, Command};
use tokio::time::{Instant, timeout};

use self::run_line::RunLine;
use crate::cli::args::inputs::{Existing, create_private};
use crate::cli::diagnose::doctor::for_bundle::findings;
use crate::cli::subcommand::Touches;
use crate::cli::terminal::{Printer, print_note};
use crate::cli::usage;
use crate::cli::workplace::Workplace;
use crate::report::{ErrorId, Failure, Findings, Recorder, ResultPolicy, RunStart, compose_bundle};

/// A file that is there already, and what it will say.
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
    /// Takes the place before anything is touched.
    pub(in crate::cli) fn begin(
        path: &Path,
        mut tree: Command,
        matches: &ArgMatches,
    ) -> Result<Self, Failure> {
        // Flags of every command are known to the innermost one, too.
        tree.build();
        output_path::refuse_shared(path, &tree, matches)?;
        Self::at(path, RunLine::of(&tree, matches))
    }

    fn at(path: &Path, line: RunLine) -> Result<Self, Failure> {
        Ok(Self {
            file: create_private(path, "--support-bundle", Existing::Replaced)?,
            path: path.to_owned(),
            line,
            recorder: Recorder::default(),
            began: Instant::now(),
            began_at: now(),
        })
    }

    /// Where the run is recorded.
    pub(in crate::cli) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Has doctor look at what the run had to do with, and at nothing else. A signal ends that.
    pub(in crate::cli) async fn look(&self, touches: Touches, workplace: &Workplace) -> Findings {
        let Workplace {
            drivers,
            matches,
            printer,
            interrupts,
            ..
        } = workplace;
        printer.start_waiting("Looking at this computer for the support bundle");
        let medium = self.recorder.searched();
        let looking =
            async { Ok(timeout(LOOK, findings(touches, medium, matches, drivers)).await) };
        let outcome = interrupts.or(looking).await;
        printer.stop_waiting();
        match outcome {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err("it did not end in time"),
            Err(_) => Err("it was interrupted"),
        }
    }

    /// Writes it, and says so. That it cannot be written changes nothing of how the run ended.
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
        match self.write_text(&text) {
            Ok(()) => printer.say(&format!(
                "The support bundle is in {path}: no secret is in it, but names and addresses are"
            )),
            Err(error) => print_note(&format!(
                "warning: the support bundle cannot be written to {path}: {error}"
            )),
        }
    }

    fn write_text(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.file.flush()
    }
}

/// A bundle for a command line that was not understood, so that none of an earlier run is taken for
/// this one's. Such a line is not repeated, nor what is wrong with it: it may be part of a secret.
pub(in crate::cli) fn write_without_run(arguments: &[OsString]) {
    let Some(path) = output_path::of_line(arguments) else {
        return;
    };
    let printer = Printer::new(usage::format_of(arguments));
    let message = "the command line was not understood (not shown: it may hold a secret)";
    let failure = Failure::new(ErrorId::Usage, message);
    match Bundle::at(&path, RunLine::of_nothing()) {
        Ok(bundle) => bundle.write(
            ResultPolicy::Omit,
            Some(&failure),
            &Err("there was no run"),
            &printer,
        ),
        Err(failure) => print_note(&format!("warning: {}", failure.message)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "for whoever compares it with other logs; nothing is decided by it"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Of all that doctor looks at. Each part has a limit of its own below it.
const LOOK: Duration = Duration::from_secs(3);
