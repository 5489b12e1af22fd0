//! The shipped binary at a terminal: a pty of its own, a screen that shows what a person would
//! see, and keys. Waits end with what they wait for, or with the limit.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, tcgetattr};
use vt100::Parser;

use super::espctl::{NO_BUS, harness, one_line};
#[cfg(target_os = "linux")]
use super::espctl::{SHELL, programs};

/// A run at a terminal. Ends with the test.
pub(crate) struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    shown: Arc<Shown>,
}

/// What the terminal was sent.
struct Shown {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    screen: Parser,
    raw: Vec<u8>,
    ended: bool,
}

impl Terminal {
    /// Starts the binary with these arguments and nothing in its environment but these variables
    /// and the kind of terminal.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(
        arguments: impl IntoIterator<Item = S>,
        variables: &[(&str, &str)],
    ) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_espctl"));
        Self::at(program.args(arguments), variables)
    }

    /// Likewise with a line that is typed into a shell.
    #[cfg(target_os = "linux")]
    pub(crate) fn typed(line: &str, variables: &[(&str, &str)]) -> Self {
        let path = programs().to_str().expect("a path of ASCII");
        let shell = Command::new(SHELL).args(["-c", line]);
        Self::at(shell, &[&[("PATH", path)], variables].concat())
    }

    /// Starts the program with other transports than its own, as `espctl_with` does.
    pub(crate) fn start_with(test: &str, variable: &str, arguments: &[&str]) -> Self {
        let binary = std::env::current_exe().expect("a path");
        let program = Command::new(binary).args(harness(test));
        Self::at(program, &[(variable, &one_line(arguments))])
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
        let shown = Arc::new(Shown {
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

    /// Waits until the screen shows this.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        self.shows_times(text, 1);
    }

    /// Waits until the screen shows this so many times.
    #[track_caller]
    pub(crate) fn shows_times(&self, text: &str, times: usize) {
        let deadline = Instant::now() + LIMIT;
        let mut state = self.shown.state.lock().unwrap();
        while state.screen.screen().contents().matches(text).count() < times {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !state.ended && !left.is_zero(),
                "{times} times {text:?} was never shown; the screen:\n{}",
                state.screen.screen().contents()
            );
            state = self.shown.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// What the screen shows now.
    pub(crate) fn screen(&self) -> String {
        let state = self.shown.state.lock().unwrap();
        state.screen.screen().contents()
    }

    /// Everything that was sent to the terminal so far.
    pub(crate) fn raw(&self) -> String {
        let state = self.shown.state.lock().unwrap();
        String::from_utf8_lossy(&state.raw).into_owned()
    }

    /// Types.
    pub(crate) fn types(&self, keys: &str) {
        (&*self.pty)
            .write_all(keys.as_bytes())
            .expect("a pty of ours");
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, checks the exit code and that the terminal is as it was, and gives what
    /// the screen shows then.
    #[track_caller]
    pub(crate) fn exits(&mut self, code: i32) -> String {
        let deadline = Instant::now() + LIMIT;
        let mut state = self.shown.state.lock().unwrap();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "still running; the screen:\n{}",
                state.screen.screen().contents()
            );
            state = self.shown.changed.wait_timeout(state, left).unwrap().0;
        }
        let screen = state.screen.screen().contents();
        assert!(!state.screen.screen().hide_cursor(), "no cursor:\n{screen}");
        let modes = tcgetattr(&*self.pty).expect("a pty of ours").local_modes;
        let usual = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        assert!(modes.contains(usual), "{modes:?}");
        let status = self.child.wait().expect("a child of ours");
        assert_eq!(status.code(), Some(code), "{screen}");
        screen
    }
}

impl Shown {
    /// Takes what arrives until nobody holds the other side any more.
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
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Keys that are no characters.
pub(crate) const DOWN: &str = "\x1b[B";
pub(crate) const UP: &str = "\x1b[A";
pub(crate) const ENTER: &str = "\r";
pub(crate) const ESC: &str = "\x1b";
pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_R: &str = "\x12";

/// High enough that nothing of a run scrolls away.
const ROWS: NonZeroU16 = NonZeroU16::new(90).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).unwrap();
/// No wait of a test takes as long.
const LIMIT: Duration = Duration::from_mins(2);
