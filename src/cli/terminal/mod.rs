//! The only printer: results on stdout, everything else on stderr, as text or as one JSON object
//! a line. Text and JSON are two views of the same events; secrets are in neither. Also whom a
//! flow asks: somebody at a terminal, or nobody.

mod devices;
pub(super) mod duration;
mod list;
mod progress;
mod prompt;
mod text;

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use async_trait::async_trait;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::flows::{Choice, Chosen, Event, Observer, Question, RowName, Stage, Warning};
use crate::ident::printable_json;
use crate::report::{Failure, Recorder};
use crate::secret::Secret;
pub(in crate::cli) use devices::device_table;
use progress::Spinner;
pub(in crate::cli) use text::{columns, network_table, version_line};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one object a line on stdout.
    Json,
}

/// When colour is used. It never carries meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Color {
    Always,
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Never,
}

impl Color {
    /// Makes this the rule for everything that is printed from here on.
    pub(in crate::cli) fn settle(self) {
        match self {
            Self::Always => ColorChoice::Always,
            // Set to 0 it forces nothing, though anstream reads any value as force.
            Self::Auto if std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value == "0") => {
                if is_set("NO_COLOR") || !is_colourful() {
                    ColorChoice::Never
                } else {
                    ColorChoice::Always
                }
            }
            Self::Auto => ColorChoice::Auto,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }
}

/// Prints everything that a command says. Clones print to the same terminal.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Ui {
    format: Format,
    began: Instant,
    /// Whether a person can be asked.
    attended: bool,
    state: Arc<Mutex<State>>,
}

/// What changes while a command runs.
#[derive(Debug)]
struct State {
    stages: Vec<Stage>,
    /// Whether progress is shown; commands that answer one question show none in JSON.
    progress: bool,
    spinner: Spinner,
    /// Whether the passphrase that was refused was the last.
    no_second_passphrase: bool,
    /// What is said in place of the usual line when the search begins.
    invitation: Option<String>,
    /// What the run warned of.
    warnings: Vec<Warning>,
    /// What the result has besides an error.
    reported: Map<String, Value>,
    /// The device that was found: its name and its node id, as far as it announced them.
    found: Option<(Option<String>, Option<String>)>,
    /// Where all of this is recorded.
    recorder: Option<Recorder>,
}

impl Ui {
    /// Starts the clock of `elapsed_ms`. Nobody is asked anything.
    pub(in crate::cli) fn new(format: Format, color: Color) -> Self {
        color.settle();
        Self {
            format,
            began: Instant::now(),
            attended: false,
            state: Arc::new(Mutex::new(State {
                stages: Vec::new(),
                progress: true,
                spinner: Spinner::default(),
                no_second_passphrase: false,
                invitation: None,
                warnings: Vec::new(),
                reported: Map::new(),
                found: None,
                recorder: None,
            })),
        }
    }

    /// For runs that may show a spinner and ask questions, where a person is at the terminal.
    #[must_use]
    pub(in crate::cli) fn with_somebody(mut self, no_input: bool, verbose: u8) -> Self {
        let watched = io::stderr().is_terminal();
        self.attended = watched && io::stdin().is_terminal() && !no_input && !is_set("CI");
        // Log lines bypass the spinner and would tear it.
        let is_drawn = watched && verbose == 0 && self.format == Format::Text && !is_dumb();
        self.state().spinner = Spinner::new(is_drawn);
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device that was found, by name and node id.
    pub(in crate::cli) fn found(&self) -> Option<(Option<String>, Option<String>)> {
        self.state().found.clone()
    }

    /// Has everything that is told to machines taken down, too.
    pub(in crate::cli) fn record(&self, recorder: &Recorder) {
        self.state().recorder = Some(recorder.clone());
    }

    /// Where this is taken down.
    pub(in crate::cli) fn recorder(&self) -> Option<Recorder> {
        self.state().recorder.clone()
    }

    /// Whether somebody can be asked.
    pub(in crate::cli) fn is_attended(&self) -> bool {
        self.attended
    }

    /// What to say once the search begins: whoever follows it may lose the internet by that.
    pub(in crate::cli) fn invite(&self, invitation: String) {
        self.state().invitation = Some(invitation);
    }

    /// What the run warned of so far.
    pub(in crate::cli) fn warnings(&self) -> Vec<Warning> {
        self.state().warnings.clone()
    }

    /// For runs that end with the first passphrase that was refused.
    pub(in crate::cli) fn ask_no_second_passphrase(&self) {
        self.state().no_second_passphrase = true;
    }

    /// For commands beside which something else writes to the terminal.
    pub(in crate::cli) fn share_terminal(&self) {
        self.state().spinner = Spinner::default();
    }

    /// For commands that answer at once.
    pub(in crate::cli) fn answer_only(&self) {
        self.state().progress = false;
    }

    /// For commands whose JSON is one `result` object and nothing before it.
    pub(in crate::cli) fn result_only(&self) {
        self.state().progress = self.format == Format::Text;
    }

    /// How it speaks.
    pub(in crate::cli) fn format(&self) -> Format {
        self.format
    }

    /// Seconds since the start, to the hundredth.
    pub(in crate::cli) fn elapsed(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 100.0).round() / 100.0
    }

    /// A line for people, on stderr. Nothing in JSON.
    pub(in crate::cli) fn say(&self, line: &str) {
        if self.format == Format::Text {
            self.state().spinner.above(|| note(line));
        }
    }

    /// Lines that stand for now and are drawn over by later ones, for whoever watches.
    pub(in crate::cli) fn show(&self, lines: &[String]) {
        self.state().spinner.show(&lines.join("\n"));
    }

    /// For commands that show what they have so far, while they go on.
    pub(in crate::cli) fn listen(&self) {
        self.state().spinner.listen();
    }

    /// Says what goes on, to whoever watches.
    pub(in crate::cli) fn wait(&self, what: &'static str) {
        self.state().spinner.start(what);
    }

    /// It does not go on any more.
    pub(in crate::cli) fn stop_waiting(&self) {
        self.state().spinner.clear();
    }

    /// Something that whoever runs this has to act on: a line, or an event with these keys.
    pub(in crate::cli) fn tell(&self, event: &str, line: &str, keys: Map<String, Value>) {
        if let Some(recorder) = self.recorder() {
            // Its keys are for whoever acts on them.
            recorder.note(Value::Object(self.object(event)));
        }
        match self.format {
            Format::Text => self.say(line),
            Format::Json => {
                let mut object = self.object(event);
                object.extend(keys);
                // The result will fail likewise, and be told by the exit code.
                let _lost: io::Result<()> = print_json(&Value::Object(object));
            }
        }
    }

    /// What is typed unseen. `None`: nobody is there, or they would rather not.
    pub(in crate::cli) async fn ask_secret(
        &self,
        message: &str,
        help: &str,
    ) -> Option<Secret<String>> {
        if !self.attended {
            return None;
        }
        self.stop_waiting();
        prompt::ask_secret(message, help).await
    }

    /// Whether somebody is there, and says yes.
    pub(in crate::cli) async fn confirm(&self, message: &str) -> bool {
        if !self.attended {
            return false;
        }
        self.stop_waiting();
        prompt::confirm(message).await
    }

    /// The end of a run that succeeded: text lines, or the keys of the `result` object. It fails
    /// when the outcome cannot be told.
    pub(in crate::cli) fn result(
        &self,
        lines: &[String],
        keys: Map<String, Value>,
    ) -> Result<(), Failure> {
        self.stop_waiting();
        if let Some(recorder) = self.recorder() {
            recorder.result(keys.clone());
        }
        let told = match self.format {
            Format::Text => write_line(&mut anstream::stdout().lock(), &lines.join("\n")),
            Format::Json => {
                let mut object = self.object("result");
                object.insert("ok".to_owned(), Value::Bool(true));
                object.extend(keys);
                print_json(&Value::Object(object))
            }
        };
        told.map_err(|error| Failure::output_lost(&error))
    }

    /// What there is to tell, whichever way the run ends: text lines now, or keys of the `result`
    /// object that is still to come.
    pub(in crate::cli) fn report(
        &self,
        lines: &[String],
        keys: Map<String, Value>,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Text => self.result(lines, keys),
            Format::Json => {
                if let Some(recorder) = self.recorder() {
                    recorder.result(keys.clone());
                }
                self.state().reported = keys;
                Ok(())
            }
        }
    }

    /// The end of a run that failed.
    pub(in crate::cli) fn failure(&self, failure: &Failure) {
        self.stop_waiting();
        match self.format {
            Format::Text => {
                let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
                note(&format!("{red}error:{red:#} {}", failure.message));
                if let Some(step) = &failure.step {
                    note(&format!("  while: {step}"));
                }
                for cause in &failure.causes {
                    note(&format!("  cause: {cause}"));
                }
                for hint in &failure.hints {
                    note(&format!("hint: {hint}"));
                }
                note(&format!("see: espctl explain {}", failure.id));
            }
            Format::Json => {
                let mut object = self.object("result");
                object.insert("ok".to_owned(), Value::Bool(false));
                object.insert("error".to_owned(), failure.to_json());
                object.extend(self.state().reported.clone());
                // The exit code is all that is left when this fails.
                let _lost: io::Result<()> = print_json(&Value::Object(object));
            }
        }
    }

    fn object(&self, event: &str) -> Map<String, Value> {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut object = Map::new();
        object.insert("schema".to_owned(), SCHEMA.into());
        object.insert("event".to_owned(), event.into());
        object.insert("elapsed_ms".to_owned(), elapsed.into());
        object
    }

    fn event_as_json(&self, row: Option<&RowName>, event: &Event) -> Option<Value> {
        let Ok(Value::Object(keys)) = serde_json::to_value(event) else {
            return None;
        };
        let mut object = self.object("");
        object.extend(keys);
        if let Some(row) = row {
            object.insert("device".to_owned(), row.as_str().into());
        }
        Some(Value::Object(object))
    }
}

#[async_trait]
impl Observer for Ui {
    fn event(&self, row: Option<&RowName>, event: &Event) {
        let mut state = self.state();
        if let Event::Warned { id, .. } = event {
            state.warnings.push(*id);
        }
        if let Some(recorder) = &state.recorder
            && let Some(object) = self.event_as_json(row, event)
        {
            recorder.event(event, object);
        }
        if let Event::DeviceFound {
            transport,
            name,
            node_id,
            ..
        } = event
            && transport.announces()
        {
            state.found = Some((name.clone(), node_id.clone()));
        }
        if let Event::SearchStarted { .. } = event
            && let Some(invitation) = state.invitation.take()
            && self.format == Format::Text
        {
            state.spinner.above(|| note(&invitation));
        }
        match self.format {
            // Changes to this computer are shown even by commands that show no progress.
            Format::Text if !state.progress && matches!(event, Event::Warned { .. }) => {
                state.print_line(event);
            }
            // The spinner alone shows that the command is at work.
            Format::Text if !state.progress => state.spinner.follow(event),
            Format::Json if !state.progress => {}
            Format::Json => {
                if let Some(object) = self.event_as_json(row, event) {
                    // The result fails likewise, and the exit code says so.
                    let _lost: io::Result<()> = print_json(&object);
                }
            }
            Format::Text => {
                state.print_line(event);
                state.spinner.follow(event);
            }
        }
    }

    async fn choose(&self, _row: Option<&RowName>, choice: Choice) -> Chosen {
        if !self.attended {
            return Chosen::Nothing;
        }
        self.stop_waiting();
        match choice {
            Choice::Devices(devices) => prompt::choose_device(devices).await,
            Choice::Networks(networks) => prompt::choose_network(networks).await,
        }
    }

    async fn ask(&self, _row: Option<&RowName>, question: &Question) -> Option<Secret<String>> {
        let again = matches!(question, Question::NewPassphrase { .. });
        if !self.attended || again && self.state().no_second_passphrase {
            return None;
        }
        self.stop_waiting();
        prompt::ask(question).await
    }
}

impl State {
    /// Prints what people read of an event, if there is anything, above the spinner.
    fn print_line(&mut self, event: &Event) {
        if let Some(line) = text::line_of(event, &mut self.stages) {
            self.spinner.above(|| note(&line));
        }
    }
}

/// An object of keys from anything that serialises to one.
pub(in crate::cli) fn keys_of(name: &str, value: &impl Serialize) -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert(name.to_owned(), json!(value));
    keys
}

/// A line of JSON on stdout, as it is: nothing may add colour to it or take characters out.
pub(in crate::cli) fn print_json(value: &Value) -> io::Result<()> {
    let line = printable_json(&value.to_string());
    write_line(&mut io::stdout().lock(), &line)
}

/// A line on stderr. When nobody can read it, nobody misses it.
pub(in crate::cli) fn note(line: &str) {
    let _gone: io::Result<()> = write_line(&mut anstream::stderr().lock(), line);
}

/// In one piece, because two processes may share a terminal. A closed pipe is nobody listening
/// any more, which is no reason to stop what is under way.
fn write_line(to: &mut impl Write, line: &str) -> io::Result<()> {
    let written = to
        .write_all(format!("{line}\n").as_bytes())
        .and_then(|()| to.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Whether stderr shows colours to those who ask for them.
fn has_colour() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Whether both streams are terminals that can show colours.
fn is_colourful() -> bool {
    let terminals = io::stdout().is_terminal() && io::stderr().is_terminal();
    terminals && std::env::var_os("TERM").is_some() && !is_dumb()
}

/// Whether the terminal cannot redraw a line.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// Raised when a key changes its meaning or goes away.
const SCHEMA: u32 = 1;
