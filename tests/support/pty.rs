//! Runs the shipped binary at a terminal: a pty, a screen with what a user would see, and keys.
//! Waits end with the expected event or at a time limit.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, tcgetattr};
use vt100::Parser;

use super::espctl::{NO_BUS, harness_arguments, join_arguments};
#[cfg(target_os = "linux")]
use super::espctl::{SHELL, programs};

/// A run at a terminal. Dropping it ends the run.
pub(crate) struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    shown: Arc<TerminalOutput>,
}

/// The output of the terminal.
struct TerminalOutput {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    screen: Parser,
    raw: Vec<u8>,
    ended: bool,
}

impl Terminal {
    /// Starts the binary with these arguments. Its environment has only these variables and the
    /// terminal type.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(
        arguments: impl IntoIterator<Item = S>,
        variables: &[(&str, &str)],
    ) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_espctl"));
        Self::at(program.args(arguments), variables)
    }

    /// Starts a shell command.
    #[cfg(target_os = "linux")]
    pub(crate) fn typed(line: &str, variables: &[(&str, &str)]) -> Self {
        let path = programs().to_str().expect("a path of ASCII");
        let shell = Command::new(SHELL).args(["-c", line]);
        Self::at(shell, &[&[("PATH", path)], variables].concat())
    }

    /// Starts the program with other transports than its own, as `espctl_with` does.
    pub(crate) fn start_with(test: &str, variable: &str, arguments: &[&str]) -> Self {
        let binary = std::env::current_exe().expect("a path");
        let program = Command::new(binary).args(harness_arguments(test));
        Self::at(program, &[(variable, &join_arguments(arguments))])
    }

    fn at(program: Command, variables: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().expect("a pty");
        pty.resize(Size::new(ROWS.get(), COLUMNS.get()))
            .expect("a pty of ours");
        let child = program
            .env_clear()
            .env("TERM", "xterm-256color")
            .env("DBUS_SYSTEM_BUS_ADDRESS", NO_BUS)
            .envs(variables.iter().copied())
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .spawn(pts)
            .expect("the binary starts");
        let pty = Arc::new(pty);
        let shown = Arc::new(TerminalOutput {
            state: Mutex::new(State {
                screen: Parser::new(ROWS, COLUMNS, 0),
                raw: Vec::new(),
                ended: false,
            }),
            changed: Condvar::new(),
        });
        let (from, to) = (Arc::clone(&pty), Arc::clone(&shown));
        thread::spawn(move || to.follow(&from));
        Self { child, pty, shown }
    }

    /// Waits until the screen shows this text.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        self.shows_times(text, 1);
    }

    /// Waits until the screen shows this text the given number of times.
    #[track_caller]
    pub(crate) fn shows_times(&self, text: &str, times: usize) {
        let shown = |state: &State| state.screen.screen().contents();
        let state = self
            .shown
            .wait_until(|state| state.ended || shown(state).matches(text).count() >= times);
        let screen = shown(&state);
        assert!(
            screen.matches(text).count() >= times,
            "{times} times {text:?} was never shown; the screen:\n{screen}"
        );
    }

    /// The current content of the screen.
    pub(crate) fn screen(&self) -> String {
        let state = self.shown.state.lock().unwrap();
        state.screen.screen().contents()
    }

    /// All output so far.
    pub(crate) fn raw(&self) -> String {
        let state = self.shown.state.lock().unwrap();
        String::from_utf8_lossy(&state.raw).into_owned()
    }

    /// Types keys.
    pub(crate) fn type_keys(&self, keys: &str) {
        (&*self.pty)
            .write_all(keys.as_bytes())
            .expect("a pty of ours");
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of the run. Checks the exit code, and that the terminal was restored.
    /// Returns the content of the screen.
    #[track_caller]
    pub(crate) fn exits(&mut self, code: i32) -> String {
        let state = self.shown.wait_until(|state| state.ended);
        let screen = state.screen.screen().contents();
        assert!(state.ended, "still running; the screen:\n{screen}");
        assert!(!state.screen.screen().hide_cursor(), "no cursor:\n{screen}");
        let modes = tcgetattr(&*self.pty).expect("a pty of ours").local_modes;
        let usual = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        assert!(modes.contains(usual), "{modes:?}");
        let status = self.child.wait().expect("a child of ours");
        assert_eq!(status.code(), Some(code), "{screen}");
        screen
    }
}

impl TerminalOutput {
    /// Waits until the condition is met, or the time limit is over.
    fn wait_until(&self, is_met: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.state.lock().unwrap();
        let waited = self
            .changed
            .wait_timeout_while(state, LIMIT, |state| !is_met(state));
        waited.unwrap().0
    }

    /// Reads output until the other side is closed.
    fn follow(&self, mut pty: &Pty) {
        let mut buffer = [0; 4096];
        loop {
            let read = pty.read(&mut buffer).unwrap_or_default();
            let mut state = self.state.lock().unwrap();
            state.ended = read == 0;
            state.screen.process(&buffer[..read]);
            state.raw.extend_from_slice(&buffer[..read]);
            self.changed.notify_all();
            if read == 0 {
                return;
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Keys without a printable character.
pub(crate) const DOWN: &str = "\x1b[B";
pub(crate) const UP: &str = "\x1b[A";
pub(crate) const ENTER: &str = "\r";
pub(crate) const ESC: &str = "\x1b";
pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_R: &str = "\x12";

/// High enough that no output of a run scrolls away.
const ROWS: NonZeroU16 = NonZeroU16::new(90).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).unwrap();
/// Longer than any wait of a test.
const LIMIT: Duration = Duration::from_mins(2);
