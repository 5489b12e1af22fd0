//! What to do when the device that is wanted was not found, or not reached, or is one of several;
//! and how a command has to look that reaches it. What went wrong with it later is `device`'s.

use super::{Advice, advice, console, interfaces};
use crate::cli::device_args::Asked;
use crate::cli::drivers::DEFAULT_TRANSPORT;
use crate::cli::error_id::ErrorId;
use crate::cli::radio_args::narrowed_by;
use crate::cli::shell::quote_word;
use crate::flows::{SeenDevice, find::Target};
use crate::ident::printable;
use crate::transport::{Address, HostPart, Medium};

/// Several fit.
pub(super) fn ambiguous(medium: &Medium, seen: &[SeenDevice]) -> Advice {
    let [first, others @ ..] = seen else {
        return advice(ErrorId::AmbiguousDevice, []);
    };
    let of_one_name = first.name.is_some() && others.iter().all(|one| one.name == first.name);
    let mut advice = if of_one_name && medium.announces() && !medium.names_are_unique {
        advice(ErrorId::AmbiguousDevice, []).and(format!(
            "they have one name: give the address of the one that is meant, such as --device-name {}",
            first.address
        ))
    } else {
        advice(ErrorId::AmbiguousDevice, [medium.words.choose])
    };
    advice.hints.extend(seen.iter().map(there_is));
    advice
}

/// Nobody fits.
pub(super) fn nobody(asked: &Asked, seen: &[SeenDevice]) -> Advice {
    let target = &asked.target;
    let medium = target.medium;
    if medium.needs == Some(HostPart::SerialPorts) {
        return console::no_ports(seen);
    }
    let mut advice = advice(ErrorId::NoDevice, []);
    advice.hints.extend(misspelt(target, seen));
    advice.hints.extend(left_out(target, seen));
    advice.hints.push(medium.words.reach.to_owned());
    if medium.needs == Some(HostPart::Bluetooth) {
        advice.hints.extend(unheard(asked));
    }
    advice
        .hints
        .extend(seen.iter().take(MOST_TOLD).map(there_is));
    let untold = seen.len().saturating_sub(MOST_TOLD);
    if untold > 0 {
        advice.hints.push(format!("and there are {untold} more"));
    }
    if seen.is_empty() && medium.needs == Some(HostPart::LocalNetwork) {
        advice.hints.extend(interfaces::tried(target));
    }
    advice
}

/// It was found, and does not answer.
pub(super) fn unreachable(medium: &Medium, address: &Address) -> Advice {
    let words = &medium.words;
    let mut advice = advice(ErrorId::Unreachable, []);
    if words.unreachable.is_empty() {
        return advice.and(words.reach);
    }
    let hints = words.unreachable.iter();
    advice.hints.extend(hints.map(|hint| (*hint).to_owned()));
    if medium.needs == Some(HostPart::Bluetooth) {
        return advice.and(format!("{}, then run the command again", forget(address)));
    }
    advice
}

/// How this computer is made to forget what it knows of a device.
pub(super) fn forget(address: &Address) -> String {
    if cfg!(target_os = "linux") {
        format!("have this computer forget it: `bluetoothctl remove {address}`")
    } else {
        "remove it in the system's Bluetooth settings".to_owned()
    }
}

/// A command about the same device, as it has to be typed.
pub(in crate::cli) fn command_for(command: &str, target: &Target) -> String {
    let medium = target.medium;
    if medium.name == DEFAULT_TRANSPORT {
        return format!("`espctl {command}`");
    }
    let name = target.name.as_deref().filter(|_| medium.announces());
    let name = name.map(|name| format!(" --device-name {}", quote_name(name)));
    let mut locating = target.driver.options().iter().filter(|one| one.locates);
    let place = match (locating.next(), locating.next(), &target.address) {
        // One flag has the whole address; several share it.
        (Some(flag), None, Some(address)) => Some(format!(" --{} {address}", flag.long)),
        _ => None,
    };
    let (name, place) = (name.unwrap_or_default(), place.unwrap_or_default());
    format!("`espctl {command} --transport {medium}{name}{place}`")
}

fn quote_name(name: &str) -> String {
    quote_word(&printable(name.as_bytes()))
}

/// Somebody typed the name in other letters.
fn misspelt(target: &Target, seen: &[SeenDevice]) -> Option<String> {
    let wanted = target.name.as_deref()?;
    let differs = |name: &&str| *name != wanted && name.to_lowercase() == wanted.to_lowercase();
    let name = seen.iter().filter_map(|one| one.name.as_deref());
    let meant = quote_name(name.clone().find(differs)?);
    Some(format!(
        "did you mean --device-name {meant}? capitals count in names"
    ))
}

/// Who would fit but for the filters.
fn left_out(target: &Target, seen: &[SeenDevice]) -> Option<String> {
    let filter = narrowed_by(target)?;
    let fits = |one: &&SeenDevice| match (&target.name, &one.name) {
        (Some(wanted), Some(name)) => {
            name.starts_with(wanted) || one.address.to_string().eq_ignore_ascii_case(wanted)
        }
        (Some(wanted), None) => one.address.to_string().eq_ignore_ascii_case(wanted),
        (None, _) => one.hints.is_likely,
    };
    let one = seen.iter().find(fits)?;
    Some(format!(
        "{} was heard, and {filter} leaves it out: run the command without {}, if it is the one",
        described(one),
        if filter.contains(" and ") {
            "them"
        } else {
            "it"
        }
    ))
}

/// Why a device is not heard over Bluetooth, the likeliest first, after the one that it was reset.
fn unheard(asked: &Asked) -> [String; 3] {
    let longer = asked.pace.search.as_secs().saturating_mul(2).max(15);
    [
        "it may be held by somebody else: a device serves one at a time, so close the phone app"
            .to_owned(),
        "its name may be another one: `espctl discover --transport ble --all` lists everything that advertises"
            .to_owned(),
        format!("it may be weak or slow to advertise: move closer, or --discovery-timeout {longer}"),
    ]
}

fn there_is(one: &SeenDevice) -> String {
    format!("there is {}", described(one))
}

/// A device, in a few words.
fn described(one: &SeenDevice) -> String {
    let name = one.name.as_deref().unwrap_or("one without a name");
    let name = printable(name.as_bytes());
    if let Some(signal) = one.hints.signal {
        return format!("{name} at {} ({signal} dBm)", one.address);
    }
    match &one.hints.node_id {
        Some(node_id) if Some(node_id) != one.name.as_ref() => {
            let node_id = printable(node_id.as_bytes());
            format!("{name} (node {node_id}) at {}", one.address)
        }
        _ => format!("{name} at {}", one.address),
    }
}

/// Of those that are not wanted.
const MOST_TOLD: usize = 5;
