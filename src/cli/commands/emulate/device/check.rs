//! Conflicts between flags of `emulate device` that clap cannot see.

use clap::{ArgMatches, Args, Id};

#[cfg(target_os = "linux")]
use super::args::BleFlags;
#[cfg(unix)]
use super::args::ConsoleFlags;
use super::args::{EmulateDevice, Medium, OnNetworkFlags};
use super::node::{CH_RESP, USER_ASSOC, has_capability};
use crate::cli::args::inputs::Inputs;
use crate::cli::commands::emulate::failures::conflict;
use crate::cli::terminal::print_note;
use crate::emulator::device::Scenario;
use crate::emulator::fault::FaultKind;
#[cfg(target_os = "linux")]
use crate::emulator::listen::ble::HostTrouble;
use crate::report::Failure;

/// Rejects flags that contradict each other. `matches` are what `args` was parsed from.
pub(super) fn check_flags(args: &EmulateDevice, matches: &ArgMatches) -> Result<(), Failure> {
    check_medium(args, matches)?;
    let firmware = args.firmware;
    if args.sec_patch_ver.is_some() && !firmware.rules().announces_scheme {
        return conflict(format!("--sec-patch-ver: {firmware} has no Security 2"));
    }
    Scenario::check(&args.scenario, firmware)
        .or_else(|error| conflict(format!("--scenario: {error}")))?;
    let single = find_given(matches, ["state", "node_key", "pty_link"]);
    if let Some(flag) = single.filter(|_| args.count > 1) {
        return conflict(format!(
            "{flag} is for one device, and --count asks for several"
        ));
    }
    let port = args.listen.port;
    if port.checked_add(args.count.saturating_sub(1)).is_none() {
        return conflict("--port and --count lead beyond port 65535");
    }
    if has_capability(args, CH_RESP) && has_capability(args, USER_ASSOC) {
        return conflict("--cap: firmware has ch_resp or user_assoc, never both");
    }
    Ok(())
}

/// Rejects flags, scenarios and faults of other media.
fn check_medium(args: &EmulateDevice, matches: &ArgMatches) -> Result<(), Failure> {
    let medium = args.transport;
    let inapplicable =
        |given: String| conflict(format!("{given} does not apply to --transport {medium}"));
    let own_flags = [
        (Medium::OnNetwork, group_of::<OnNetworkFlags>(matches)),
        #[cfg(unix)]
        (Medium::Console, group_of::<ConsoleFlags>(matches)),
        #[cfg(target_os = "linux")]
        (Medium::Ble, group_of::<BleFlags>(matches)),
    ];
    for (owner, flags) in own_flags {
        if let Some(flag) = find_given(matches, flags).filter(|_| owner != medium) {
            return conflict(format!("{flag} requires --transport {owner}"));
        }
    }
    let foreign: &[&str] = match medium {
        Medium::Softap => &[],
        Medium::OnNetwork => &[
            "aps",
            "join_ms",
            "firmware",
            "max_strikes",
            "state",
            "force_provisioning",
        ],
        Medium::Ble => &["listen", "port"],
        Medium::Console => &["port"],
    };
    // Port 0, which opens none, is accepted everywhere.
    let foreign = foreign.iter().copied();
    let foreign = foreign.filter(|id| *id != "port" || args.listen.port != 0);
    if let Some(flag) = find_given(matches, foreign) {
        return inapplicable(flag);
    }
    if medium == Medium::OnNetwork {
        if args.cap.iter().any(|name| *name != *CH_RESP) {
            return conflict("--cap: a device on its network has only ch_resp");
        }
        Scenario::check_on_network(&args.scenario)
            .or_else(|error| conflict(format!("--scenario: {error}")))?;
    }
    #[cfg(target_os = "linux")]
    if args.ble.bus_address.is_some() && args.ble.host_trouble == Some(HostTrouble::Hangs) {
        return conflict("--host-trouble hangs requires a bus of its own: omit --bus-address");
    }
    for scenario in &args.scenario {
        let needs_radio = matches!(scenario, Scenario::ChannelChange | Scenario::ServiceGone);
        if needs_radio && medium == Medium::Console {
            return inapplicable(format!("--scenario {scenario}"));
        }
    }
    for fault in &args.fault {
        let is_possible = match fault.kind {
            FaultKind::Att(_) => medium == Medium::Ble,
            FaultKind::Status(_) => matches!(medium, Medium::Softap | Medium::OnNetwork),
            FaultKind::Duplicate => medium != Medium::Ble,
            _ => true,
        };
        if !is_possible {
            return inapplicable(format!("--fault {fault}"));
        }
    }
    Ok(())
}

/// The ids of these flags that have a value other than the default.
fn group_of<Flags: Args>(matches: &ArgMatches) -> Vec<&str> {
    let group = Flags::group_id();
    let ids = group.and_then(|group| matches.get_many::<Id>(group.as_str()));
    ids.into_iter().flatten().map(Id::as_str).collect()
}

/// The first of these flags that is on the command line.
fn find_given<'a>(matches: &ArgMatches, ids: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let inputs = Inputs::new(matches, print_note);
    let given = ids.into_iter().find(|id| inputs.is_typed(id));
    given.map(|id| format!("--{}", id.replace('_', "-")))
}
