//! The time from the start of the program to a session, with a device that advertises at once: there is
//! no fixed wait.

use std::time::{Duration, Instant};

use super::{HOME, never_panicked};
use crate::support::device::Device;
use crate::support::espctl::{command, watch};

/// The same run over HTTP, a moment before on the same computer, is the measure. Whatever else runs can
/// hold up either, so one good pair is enough.
#[test]
fn known_name_is_secured_without_delay() {
    for scheme in ["1", "2"] {
        let mut reported = Vec::new();
        let is_quick = (0..20).any(|_| {
            let own = ["--sec-ver", scheme];
            let measure = until_secured(&Device::start(&own));
            let took = until_secured(&Device::over_bluetooth(&own));
            reported.push((took, measure));
            took < measure + LESS_THAN_ANY_WINDOW
        });
        assert!(is_quick, "Security {scheme}: {reported:?}");
    }
}

fn until_secured(device: &Device) -> Duration {
    let line = ["provision", "--no-cloud", "--format", "json"].map(str::to_owned);
    let mut command = command(line.into_iter().chain(device.address()));
    command.args(["--pop", device.pop()]).args(HOME);
    if let Some(bus) = device.ready["bus_address"].as_str() {
        command.env("DBUS_SYSTEM_BUS_ADDRESS", bus);
    }
    let began = Instant::now();
    let mut secured = None;
    let output = watch(command, |line, _| {
        if line.contains("\"event\":\"secured\"") {
            secured = Some(began.elapsed());
        }
    });
    never_panicked(&output);
    secured.unwrap_or_else(|| panic!("{output}"))
}

/// The client looks again by itself after 500 ms.
const LESS_THAN_ANY_WINDOW: Duration = Duration::from_millis(400);
