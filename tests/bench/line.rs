//! How well a run uses a serial line: the time of its exchanges, compared with the time that their bytes
//! need at 115200 baud, sent, echoed and received. The device keeps the time of a UART.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Device, SCRATCH, median, ours_command};

#[path = "../support/line_time.rs"]
mod line_time;

/// Takes so many runs, and fails where the median is above the limit.
pub(super) fn measure(runs: u32) -> Result<()> {
    let transcript = Path::new(SCRATCH).join("bench-transcript.jsonl");
    let (mut took, mut needs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let mut device = Device::start(("console", "1", 0))?;
        let output = ours_command(&device)
            .arg("--transcript")
            .arg(&transcript)
            .output()?;
        ensure!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        device.process.wait()?;
        let log = fs::read_to_string(&device.log)?;
        let opened = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find_map(|line| line.get("session")?.as_u64())
            .context("no session in the device's log")?;
        let exchanges = line_time::exchanges(&fs::read_to_string(&transcript)?, opened);
        let sum = |of: fn(&line_time::Exchange) -> Duration| exchanges.iter().map(of).sum();
        took.push(sum(|one| one.took));
        needs.push(sum(|one| one.needs));
    }
    let (took, needs) = (median(took.into_iter()), median(needs.into_iter()));
    let ratio = took / needs;
    println!(
        "\nconsole, Sec1, 115200 baud: {took:.3} s on the line, {ratio:.2} times the {needs:.3} s that its bytes need (at most {MOST})"
    );
    ensure!(ratio <= MOST, "the line is not used well");
    Ok(())
}

const MOST: f64 = 1.3;
