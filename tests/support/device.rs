//! An emulated device as a second process: the shipped binary starts it, tests address it over a
//! real socket and read its log afterwards.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::espctl::{self, Run};

/// A running emulated device. Dropping it stops it.
pub(crate) struct Device {
    child: Child,
    pub(crate) ready: Value,
    /// The first line of each device, if there are several.
    pub(crate) all: Vec<Value>,
    log: PathBuf,
}

impl Device {
    /// Starts `espctl emulate device` with these arguments and a fast join, on a free port.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn("softap", &with_fast_join(arguments))
    }

    /// Starts a device that is already on its network.
    pub(crate) fn on_network(arguments: &[&str]) -> Self {
        Self::spawn("on-network", arguments)
    }

    /// Starts a Bluetooth device with its own adapter and bus.
    pub(crate) fn over_bluetooth(arguments: &[&str]) -> Self {
        Self::spawn("ble", &with_fast_join(arguments))
    }

    /// Starts a device on a serial line, which is a pty. Its path is a symbolic link that is
    /// removed with the device: the next device may get a pty of the same number, and a client that
    /// searches for this device must not find that one.
    pub(crate) fn on_serial_line(arguments: &[&str]) -> Self {
        let link = fresh_path("tty");
        let link = link.to_str().expect("a path of ASCII");
        let is_linked = arguments.contains(&"--pty-link") || arguments.contains(&"--count");
        let mut arguments = with_fast_join(arguments);
        if !is_linked {
            arguments.extend(["--pty-link", link]);
        }
        let mut device = Self::spawn("console", &arguments);
        if !is_linked {
            device.ready["pty"] = Value::from(link);
        }
        device
    }

    fn spawn(transport: &str, arguments: &[&str]) -> Self {
        let log = fresh_path("device.log");
        let mut command = espctl::command(["emulate", "device", "--transport", transport]);
        command.arg("--log").arg(&log);
        for (flag, default) in [("--listen", "127.0.0.1"), ("--port", "0")] {
            if transport != "ble" && !arguments.contains(&flag) {
                command.args([flag, default]);
            }
        }
        let mut child = command
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut arguments = arguments
            .iter()
            .skip_while(|argument| **argument != "--count");
        let count = arguments.nth(1).map_or(1, |count| count.parse().unwrap());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let all: Vec<Value> = (0..count)
            .map(|_| {
                let mut line = String::new();
                stdout.read_line(&mut line).unwrap();
                serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("{error}: the device printed {line:?}"))
            })
            .collect();
        Self {
            child,
            ready: all[0].clone(),
            all,
            log,
        }
    }

    /// The flags that select the device.
    pub(crate) fn address(&self) -> [String; 4] {
        if self.is_over_bluetooth() {
            let name = self.ready["name"].as_str().expect("a name");
            return ["--transport", "ble", "--device-name", name].map(str::to_owned);
        }
        if let Some(port) = self.ready["pty"].as_str() {
            return ["--transport", "console", "--port", port].map(str::to_owned);
        }
        let port = self.ready["port"].to_string();
        [
            "--device-ip".into(),
            "127.0.0.1".into(),
            "--device-port".into(),
            port,
        ]
    }

    /// The address of the bus with its adapter.
    pub(crate) fn bus(&self) -> &str {
        self.ready["bus_address"]
            .as_str()
            .expect("a device over Bluetooth")
    }

    fn is_over_bluetooth(&self) -> bool {
        self.ready["transport"] == "ble"
    }

    /// A run of the binary that can reach the device.
    pub(crate) fn run<I: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Run {
        self.near(espctl::espctl(arguments))
    }

    /// Lets a run reach the device.
    pub(crate) fn near(&self, run: Run) -> Run {
        match &self.ready["baud"] {
            _ if self.is_over_bluetooth() => run.env("DBUS_SYSTEM_BUS_ADDRESS", self.bus()),
            Value::Number(baud) if baud.as_u64() != Some(0) => {
                run.env("ESPCTL_BAUD", &baud.to_string())
            }
            _ => run,
        }
    }

    /// The node id.
    pub(crate) fn node_id(&self) -> &str {
        self.ready["node_id"].as_str().expect("a node")
    }

    /// The PoP, or the Security 2 password.
    pub(crate) fn pop(&self) -> &str {
        self.ready["pop"].as_str().expect("a device with a PoP")
    }

    /// The entries of the device's log.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).expect("the device's log");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// The log entries of one kind.
    pub(crate) fn log_entries(&self, event: &str) -> Vec<Value> {
        self.log()
            .into_iter()
            .filter(|entry| entry["event"] == event)
            .collect()
    }

    /// The number of requests to an endpoint.
    pub(crate) fn requests(&self, endpoint: &str) -> usize {
        self.log_entries("request")
            .iter()
            .filter(|entry| entry["endpoint"] == endpoint)
            .count()
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait_until_ended(&mut self) {
        let status = self.child.wait().expect("a child of ours");
        assert!(status.success(), "{status}");
    }

    /// The process id.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Terminates the process and waits for its end, so that it removes its files.
    pub(crate) fn terminate(&mut self) {
        let process = self.child.id().to_string();
        // If the signal cannot be sent, the process is killed below.
        let _asked = Command::new("kill").args(["-TERM", &process]).status();
        let deadline = Instant::now() + TERMINATE_TIMEOUT;
        while self.is_running() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        // The process may have ended by now.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Suspends the process, so that requests wait for an answer.
    pub(crate) fn suspend(&self) {
        espctl::send_signal("-STOP", self.child.id());
    }

    /// Resumes a suspended process.
    pub(crate) fn resume(&self) {
        espctl::send_signal("-CONT", self.child.id());
    }

    /// Kills the process.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a child of ours");
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // Its bus is a folder that only the process removes.
        if self.is_over_bluetooth() && self.is_running() {
            return self.terminate();
        }
        // The process may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn with_fast_join<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = arguments.to_vec();
    if !arguments.contains(&"--join-ms") {
        arguments.extend(["--join-ms", "50"]);
    }
    arguments
}

/// Time limit for an orderly end.
const TERMINATE_TIMEOUT: Duration = Duration::from_secs(2);

/// A path that no other test uses.
pub(crate) fn fresh_path(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("run-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder.join(name)
}

/// Writes access points to a file. Returns its path.
pub(crate) fn access_points(json: &Value) -> String {
    let path = fresh_path("aps.json");
    fs::write(&path, json.to_string()).expect("a file for the test");
    path.to_str().expect("a path of ASCII").to_owned()
}
