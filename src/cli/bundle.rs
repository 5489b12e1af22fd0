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
use super::doctor::for_bundle::{Reach, findings};
use super::drivers::Drivers;
use super::interrupt::Interrupts;
use super::settings::{Existing, create_private};
use super::ui::{Color, Ui};
use super::usage;
use crate::report::{ErrorId, Failure, Findings, Recorder, ResultPolicy, RunStart, compose_bundle};

/// A file that is there already, and what it will say.
#[derive(Debug)]
pub(super) struct Bundle {
    file: File,
    path: PathBuf,
    line: RunLine,
    recorder: Recorder,
    began: Instant,
    began_at: SystemTime,
}

impl Bundle {
    /// Takes the place before anything is touched.
    pub(super) fn begin(
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
    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Has doctor look at what the run had to do with, and at nothing else. A signal ends that.
    pub(super) async fn look(
        &self,
        reach: Reach,
        matches: &ArgMatches,
        ui: &Ui,
        interrupts: &mut Interrupts,
        drivers: &Drivers,
    ) -> Findings {
        ui.wait("Looking at this computer for the support bundle");
        let medium = self.recorder.searched();
        let looking = async { Ok(timeout(LOOK, findings(reach, medium, matches, drivers)).await) };
        let outcome = interrupts.or(looking).await;
        ui.stop_waiting();
        match outcome {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err("it did not end in time"),
            Err(_) => Err("it was interrupted"),
        }
    }

    /// Writes it, and says so. That it cannot be written changes nothing of how the run ended.
    pub(super) fn write(
        mut self,
        answer: ResultPolicy,
        failure: Option<&Failure>,
        findings: &Findings,
        ui: &Ui,
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
            Ok(()) => ui.say(&format!(
                "The support bundle is in {path}: no secret is in it, but names and addresses are"
            )),
            Err(error) => super::ui::note(&format!(
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
pub(super) fn of_no_run(arguments: &[OsString]) {
    let Some(path) = output_path::of_line(arguments) else {
        return;
    };
    let ui = Ui::new(usage::format_of(arguments), Color::Auto);
    let message = "the command line was not understood (not shown: it may hold a secret)";
    let failure = Failure::new(ErrorId::Usage, message);
    match Bundle::at(&path, RunLine::of_nothing()) {
        Ok(bundle) => bundle.write(
            ResultPolicy::Omit,
            Some(&failure),
            &Err("there was no run"),
            &ui,
        ),
        Err(failure) => super::ui::note(&format!("warning: {}", failure.message)),
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
