//! The duration of a provisioning run: espctl compared with esp-rainmaker-cli, on the same machine,
//! in the same run, taking turns.
//!
//! Each run has an emulated device of its own (`espctl emulate device`, over loopback HTTP, or over Bluetooth on an
//! adapter that is emulated on a bus of its own) that keeps a real device's time, but for the radio: a link that is
//! emulated has no delay. What is timed is the client's whole process, from its start to its end, as a person at a
//! terminal would see it:
//!
//! * ours: `espctl provision --no-cloud` with SSID and passphrase;
//! * the other: `tests/interop/incumbent.py as-shipped`, which calls the function behind the package's own
//!   `provision` command, with the waits it ships with. Neither side associates the node with an account.
//!   The package's own command line imports more than this program does, so the comparison is in its favour.
//!
//! *The device's own time* is what no client can save: from the moment the device answered Apply
//! (`wifi_applied` in its log) to the moment it had joined (`wifi_joined`). Firmware waits one second before it
//! starts to join, so it is a little more than that. It is taken from each run's own log and subtracted from that
//! run; the ratio compares the medians of what is left: start-up, handshake, requests, and needless
//! waiting. The device's computing, in the handshake above all, is left in, for both.
//!
//! How long a client waits for nothing depends on when the device has joined and when the client asks. A device
//! that joins *at once* suits a client that first asks after a second, as ours does. So the same is done with
//! devices that need anything *from 0 to 5 s*, spread evenly over the runs: 5 s is the other client's pause
//! between two questions. That row is closer to a real device.
//!
//! Over a serial line there is no comparison: the other client's console transport cannot send. There,
//! `line` compares the run with what its bytes need on the line.
//!
//! ```text
//! cargo bench --bench provision                  5 runs each
//! cargo bench --bench provision -- --runs 20
//! cargo bench --bench provision -- --test        1 run each: does it still work?
//! ```

#![expect(clippy::print_stdout, reason = "the report is this program's output")]

mod line;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

const ESPCTL: &str = env!("CARGO_BIN_EXE_espctl");
const INCUMBENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/incumbent.py");
/// A folder in the target folder, made by cargo for benches.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const SSID: &str = "Home";
const PASSPHRASE: &str = "correct horse battery";
const RUNS: u32 = 5;
/// Fixed, because the incumbent cannot open a Security 2 device with some passwords (one in 256).
const POP: &str = "abcd1234";
/// A leading zero in its public key or in the device's salt makes the incumbent fail in two Security 2 runs of
/// 256; such a run is repeated.
const TRIES: u32 = 3;

fn main() -> Result<()> {
    let runs = runs_from(std::env::args().skip(1))?;
    let python = interop_python()?;

    println!("start to end of the client's process; medians of {runs} runs each");
    println!("in brackets, and in the ratio: beyond the device's own time\n");
    println!(
        "{:<31}{:>13}{:>20}{:>20}{:>8}",
        "", "device's own", "espctl", "esp-rainmaker-cli", "ratio"
    );
    let at_once = ("joins at once", 0);
    let spread = ("joins in 0 to 5 s", 5000);
    let mut cases = vec![("softap", at_once), ("softap", spread)];
    // An adapter can be emulated on Linux only.
    if cfg!(target_os = "linux") {
        cases.push(("ble", at_once));
    }
    for (transport, (joins, spread)) in cases {
        for sec_ver in ["1", "2"] {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for run in 0..runs {
                // The middle of this run's share of the spread.
                let join_ms = spread * (2 * run + 1) / (2 * runs);
                let kind = (transport, sec_ver, join_ms);
                ours.push(provision_once(kind, ours_command)?);
                theirs.push(provision_once(kind, |device| {
                    incumbent_command(&python, device)
                })?);
            }
            report(
                &format!("{transport}, Sec{sec_ver}, {joins}"),
                &ours,
                &theirs,
            );
        }
    }
    if cfg!(unix) {
        line::measure(runs)?;
    }
    Ok(())
}

/// Cargo passes `--bench` to a benchmark, and nothing when it is run as a test.
fn runs_from(arguments: impl Iterator<Item = String>) -> Result<u32> {
    let arguments: Vec<String> = arguments.collect();
    let mut runs = if arguments.iter().any(|argument| argument == "--bench") {
        RUNS
    } else {
        1
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--bench" => {}
            "--test" | "--quick" => runs = 1,
            "--runs" => {
                let number = rest.next().context("--runs wants a number")?;
                runs = number.parse().context("--runs wants a number")?;
                ensure!(runs > 0, "--runs wants a number above 0");
            }
            other => bail!("unknown argument {other}; there are --runs N and --test"),
        }
    }
    Ok(runs)
}

/// The interpreter that has esp-rainmaker-cli. Its folder is made by `.ci/run`, next to the build profiles.
fn interop_python() -> Result<PathBuf> {
    let python = Path::new(SCRATCH)
        .parent()
        .context("the target folder")?
        .join("interop-venv/bin/python");
    ensure!(
        python.exists(),
        "there is no {}. Make it with .ci/run, or with\n    \
         python3 -m venv target/interop-venv\n    \
         target/interop-venv/bin/pip install -r tests/interop/requirements.txt",
        python.display()
    );
    Ok(python)
}

/// The first line of `emulate device`.
#[derive(Deserialize)]
struct Ready {
    name: String,
    /// Over HTTP.
    port: Option<u16>,
    /// On a serial line.
    pty: Option<String>,
    /// Over Bluetooth.
    bus_address: Option<String>,
    username: Option<String>,
}

/// An entry of the device's log, as far as it is looked at here.
#[derive(Deserialize)]
struct Entry {
    ms: u64,
    event: String,
}

/// An emulated device; its process ends with this value at the latest.
struct Device {
    process: Child,
    ready: Ready,
    log: PathBuf,
}

impl Device {
    fn start((transport, sec_ver, join_ms): Kind<'_>) -> Result<Self> {
        let log = Path::new(SCRATCH).join("bench-device.jsonl");
        if log.exists() {
            fs::remove_file(&log)?;
        }
        let mut command = Command::new(ESPCTL);
        command.args(["emulate", "device", "--transport", transport]);
        if transport == "softap" {
            command.args(["--listen", "127.0.0.1", "--port", "0"]);
        }
        if transport == "console" {
            command.args(["--noise", "none"]);
        }
        let mut process = command
            .args(["--sec-ver", sec_ver, "--pop", POP])
            .args(["--join-ms", &join_ms.to_string()])
            .arg("--log")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Its output there is for people, and the log file has it also.
            .stderr(Stdio::null())
            .spawn()
            .context("starting the emulated device")?;
        let mut line = String::new();
        let stdout = process.stdout.take().context("the device's stdout")?;
        let read = BufReader::new(stdout).read_line(&mut line);
        let ready = read
            .map_err(anyhow::Error::from)
            .and_then(|_| Ok(serde_json::from_str(&line)?));
        match ready {
            Ok(ready) => Ok(Self {
                process,
                ready,
                log,
            }),
            Err(error) => {
                process.kill()?;
                process.wait()?;
                Err(error.context("the device's ready line"))
            }
        }
    }

    fn log(&self) -> Result<Vec<Entry>> {
        fs::read_to_string(&self.log)?
            .lines()
            .map(|line| Ok(serde_json::from_str(line)?))
            .collect()
    }

    /// From Apply answered to joined.
    fn own_time(&self) -> Result<Duration> {
        let log = self.log()?;
        let at = |event| {
            let entry = log.iter().find(|entry| entry.event == event);
            entry
                .map(|entry| entry.ms)
                .with_context(|| format!("no {event} in the device's log"))
        };
        let own = at("wifi_joined")?.checked_sub(at("wifi_applied")?);
        Ok(Duration::from_millis(own.context("joined before applied")?))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // Nothing can be done about a process that cannot be ended, and it may have ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What one run took.
struct Run {
    whole: Duration,
    device: Duration,
}

impl Run {
    fn beyond(&self) -> Duration {
        self.whole.saturating_sub(self.device)
    }
}

/// A device: how it is reached, its scheme, and how long it needs to join.
type Kind<'a> = (&'a str, &'a str, u32);

fn provision_once(kind: Kind<'_>, client: impl Fn(&Device) -> Command) -> Result<Run> {
    for _ in 0..TRIES {
        let mut device = Device::start(kind)?;
        let mut command = client(&device);
        if let Some(bus) = &device.ready.bus_address {
            command.env("DBUS_SYSTEM_BUS_ADDRESS", bus);
        }
        let started = Instant::now();
        let output = command
            .stdin(Stdio::null())
            .output()
            .context("starting the client")?;
        let whole = started.elapsed();
        if output.status.success() {
            // It ends by itself a second later, and its log is complete then.
            device.process.wait()?;
            return Ok(Run {
                whole,
                device: device.own_time()?,
            });
        }
        let short_a = device.log()?.iter().any(|entry| entry.event == "short_a");
        let zero_salt = String::from_utf8_lossy(&output.stdout).contains("\"zero_salt\": true");
        if !short_a && !zero_salt {
            bail!(
                "{command:?} failed with {}\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        println!("(a run of esp-rainmaker-cli failed over a leading zero, and is repeated)");
    }
    bail!("{TRIES} runs in a row failed over a leading zero")
}

fn ours_command(device: &Device) -> Command {
    let mut command = Command::new(ESPCTL);
    command
        .args(["provision", "--no-cloud"])
        .args(["--pop", POP])
        .args(["--ssid", SSID, "--passphrase", PASSPHRASE])
        .args(["--format", "json"])
        // A person's own settings have no part in a measurement.
        .env("RM_USER_CONFIG_DIR", SCRATCH);
    match (device.ready.port, &device.ready.pty) {
        (Some(port), _) => command
            .args(["--transport", "softap", "--device-ip", "127.0.0.1"])
            .args(["--device-port", &port.to_string()]),
        (None, Some(pty)) => command.args(["--transport", "console", "--port", pty]),
        (None, None) => command
            .args(["--transport", "ble"])
            .args(["--device-name", &device.ready.name]),
    };
    if let Some(username) = &device.ready.username {
        command.args(["--sec2-username", username]);
    }
    command
}

fn incumbent_command(python: &Path, device: &Device) -> Command {
    let mut command = Command::new(python);
    command
        .args([INCUMBENT, "as-shipped", "--address"])
        .arg(match device.ready.port {
            Some(port) => format!("127.0.0.1:{port}"),
            None => device.ready.name.clone(),
        })
        .args([
            "--transport",
            if device.ready.port.is_some() {
                "softap"
            } else {
                "ble"
            },
        ])
        .args(["--pop", POP])
        .args(["--ssid", SSID, "--passphrase", PASSPHRASE]);
    if let Some(username) = &device.ready.username {
        command.args(["--username", username]);
    }
    command
}

fn report(case: &str, ours: &[Run], theirs: &[Run]) {
    let device = median(ours.iter().chain(theirs).map(|run| run.device));
    let columns = |runs: &[Run]| {
        let whole = median(runs.iter().map(|run| run.whole));
        let beyond = median(runs.iter().map(Run::beyond));
        (format!("{whole:.3} s ({beyond:.3} s)"), beyond)
    };
    let (our_text, our_beyond) = columns(ours);
    let (their_text, their_beyond) = columns(theirs);
    let ratio = their_beyond / our_beyond;
    println!(
        "{case:<31}{:>13}{our_text:>20}{their_text:>20}{ratio:>8.1}",
        format!("{device:.3} s")
    );
}

/// In seconds.
fn median(durations: impl Iterator<Item = Duration>) -> f64 {
    let mut sorted: Vec<Duration> = durations.collect();
    sorted.sort_unstable();
    let upper = sorted.len() / 2;
    let lower = sorted.len().saturating_sub(1) / 2;
    let seconds = |index| sorted.get(index).map_or(0.0, Duration::as_secs_f64);
    f64::midpoint(seconds(lower), seconds(upper))
}
