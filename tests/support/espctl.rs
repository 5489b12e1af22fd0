//! Runs the shipped binary like a user: in an empty directory, with an empty environment, and with
//! a time limit.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A run before its start.
#[must_use]
pub(crate) struct Run {
    command: Command,
    stdin: Option<Vec<u8>>,
}

/// A run that ended.
pub(crate) struct Output {
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Prepares a run of the binary.
pub(crate) fn espctl<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Run {
    Run::new(command(arguments))
}

/// Prepares a run of the program with additional transports: it starts a test of this binary that
/// calls `cli::main` with the command line from a variable, one argument a line.
pub(crate) fn espctl_with(test: &str, variable: &str, arguments: &[&str]) -> Run {
    let binary = std::env::current_exe().expect("a path");
    let mut command = isolated_command(binary.to_str().expect("text"));
    command
        .args(harness_arguments(test))
        .env(variable, join_arguments(arguments));
    Run::new(command)
}

/// The arguments with which a test binary runs one of its ignored tests.
pub(super) const fn harness_arguments(test: &str) -> [&str; 5] {
    [test, "--exact", "--ignored", "--nocapture", "--quiet"]
}

/// A command line as the text of a variable, one argument a line.
pub(super) fn join_arguments(arguments: &[&str]) -> String {
    [&["espctl"], arguments].concat().join("\n")
}

/// Prepares a run of a shell command, unmodified.
#[cfg(target_os = "linux")]
pub(crate) fn typed(line: &str) -> Run {
    let mut command = isolated_command(SHELL);
    command.args(["-c", line]).env("PATH", programs());
    Run::new(command)
}

/// The folder in which a shell finds only the binary.
#[cfg(target_os = "linux")]
pub(crate) fn programs() -> &'static Path {
    let binary = Path::new(env!("CARGO_BIN_EXE_espctl"));
    binary.parent().expect("a folder")
}

/// The bare command, for runs whose output is read while they run.
pub(crate) fn command<I: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = I>,
) -> Command {
    let mut command = isolated_command(env!("CARGO_BIN_EXE_espctl"));
    command.args(arguments);
    command
}

/// A command with an empty environment.
fn isolated_command(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        // No account: the system may know a home directory without the environment.
        .env("RM_USER_CONFIG_DIR", NO_ACCOUNT)
        // No Bluetooth of this computer.
        .env("DBUS_SYSTEM_BUS_ADDRESS", NO_BUS)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end, and calls `act` with the process id for each line of stdout that contains
/// `text`.
pub(crate) fn watch_for<I: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = I>,
    text: &str,
    mut act: impl FnMut(u32),
) -> Output {
    watch(command(arguments), |line, process| {
        if line.contains(text) {
            act(process);
        }
    })
}

/// Runs to the end, and calls `act` with each line of stdout and the process id.
pub(crate) fn watch(mut command: Command, mut act: impl FnMut(&str, u32)) -> Output {
    let mut child = command
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut stdout = String::new();
    for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
        let line = line.expect("a line of text");
        act(&line, child.id());
        stdout += &line;
        stdout.push('\n');
    }
    let exit = child.wait().expect("a child of ours").code();
    Output {
        exit,
        stdout,
        stderr: String::new(),
    }
}

/// Sends a signal, such as `-INT`.
pub(crate) fn send_signal(signal: &str, process: u32) {
    let status = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(status.expect("kill is everywhere").success());
}

impl Run {
    fn new(command: Command) -> Self {
        let stdin = None;
        Self { command, stdin }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn stdin(mut self, bytes: &[u8]) -> Self {
        self.stdin = Some(bytes.to_vec());
        self
    }

    /// Runs to the end.
    pub(crate) fn output(mut self) -> Output {
        if self.stdin.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.command.spawn().expect("the binary starts");
        if let Some(bytes) = self.stdin {
            // The process may end without reading.
            let _ignored = child.stdin.take().expect("a pipe").write_all(&bytes);
        }
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let stdout = thread::spawn(move || read_all(&mut out));
        let stderr = thread::spawn(move || read_all(&mut err));
        let deadline = Instant::now() + LIMIT;
        let exit = loop {
            if let Some(status) = child.try_wait().expect("a child of ours") {
                break status.code();
            }
            if Instant::now() > deadline {
                child.kill().expect("a child of ours");
                let stderr = stderr.join().unwrap();
                panic!("still running after {LIMIT:?}; stderr so far:\n{stderr}");
            }
            thread::sleep(Duration::from_millis(5));
        };
        Output {
            exit,
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        }
    }
}

impl Output {
    /// Every line of stdout as JSON; fails if a line is not JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("{error} in the line {line:?}\n{self}"))
            })
            .collect()
    }

    /// The last line, which is the result.
    pub(crate) fn result(&self) -> Value {
        let result = self
            .json()
            .pop()
            .unwrap_or_else(|| panic!("nothing on stdout\n{self}"));
        assert_eq!(result["event"], "result", "{self}");
        assert_eq!(result["schema"], 1, "{self}");
        result
    }

    /// Checks the exit code, and shows all output if it differs.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.exit, Some(code), "{self}");
        self
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            exit,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "exit {exit:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

fn read_all(from: &mut impl std::io::Read) -> String {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).expect("a pipe of a child");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(target_os = "linux")]
pub(crate) const SHELL: &str = "/bin/sh";
/// A socket that does not exist.
pub(crate) const NO_BUS: &str = concat!("unix:path=", env!("CARGO_TARGET_TMPDIR"), "/no-bus");
/// A folder that does not exist.
const NO_ACCOUNT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/no-account");
/// Longer than any run takes on a loaded computer.
const LIMIT: Duration = Duration::from_mins(5);
