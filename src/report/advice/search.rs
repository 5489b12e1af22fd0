//! The id and the advice if the device was not found, or is one of several.

use super::{console, interfaces};
use crate::flows::SeenDevice;
use crate::ident::printable;
use crate::report::context::{Context, typed};
use crate::report::failure::Failure;
use crate::report::hint::{Action, Hint};
use crate::report::table::ErrorId;
use crate::transport::{HostPart, Medium};

/// Several devices match.
pub(super) fn ambiguous(mut context: Context, seen: &[SeenDevice]) -> Failure {
    context.error.example = seen.first().map(|first| {
        let name = first.name.as_deref();
        let is_unique = seen
            .iter()
            .skip(1)
            .all(|other| other.name.as_deref() != name);
        let announces = context.medium.is_some_and(Medium::announces);
        match name {
            Some(name) if is_unique && announces => typed(name),
            _ => typed(&first.address.to_string()),
        }
    });
    let choose = unknown_medium(&context).map(|medium| medium.words.choose);
    Failure::advised(ErrorId::AmbiguousDevice, &context)
        .before(choose)
        .hints(seen.iter().map(found))
}

/// No device matches.
pub(super) fn no_candidate(context: &Context, seen: &[SeenDevice]) -> Failure {
    if context.needed_part() == Some(HostPart::SerialPorts) {
        return console::no_ports(seen, context);
    }
    let before: Vec<Hint> = misspelled(context, seen)
        .into_iter()
        .chain(excluded(context, seen))
        .collect();
    let more = seen.len().saturating_sub(MAX_LISTED);
    let more = (more > 0).then(|| format!("found {more} more"));
    let searched = if seen.is_empty() && context.needed_part() == Some(HostPart::LocalNetwork) {
        interfaces::searched(context)
    } else {
        Vec::new()
    };
    Failure::advised(ErrorId::NoDevice, context)
        .before(unknown_medium(context).map(|medium| medium.words.reach))
        .before(before)
        .hints(seen.iter().take(MAX_LISTED).map(found))
        .hints(more)
        .hints(searched)
}

/// The medium, if the table of errors has no advice for it.
fn unknown_medium(context: &Context) -> Option<&'static Medium> {
    context.medium.filter(|medium| medium.needs.is_none())
}

/// A device whose name differs from the given one only in case.
fn misspelled(context: &Context, seen: &[SeenDevice]) -> Option<Hint> {
    let wanted = context.name.as_deref()?;
    let mut names = seen.iter().filter_map(|device| device.name.as_deref());
    let meant =
        names.find(|name| *name != wanted && name.to_lowercase() == wanted.to_lowercase())?;
    let action = Action::Flag {
        name: "--device-name".to_owned(),
        value: Some(typed(meant)),
    };
    Some(Hint::new(
        "did you mean {}? names are case-sensitive",
        Some(action),
    ))
}

/// A device that only the filters exclude.
fn excluded(context: &Context, seen: &[SeenDevice]) -> Option<Hint> {
    let filters = context.narrowed_by?;
    let matches = |device: &&SeenDevice| {
        let has_address = |wanted: &str| device.address.to_string().eq_ignore_ascii_case(wanted);
        match (&context.name, &device.name) {
            (Some(wanted), Some(name)) => name.starts_with(wanted) || has_address(wanted),
            (Some(wanted), None) => has_address(wanted),
            (None, _) => device.hints.is_likely,
        }
    };
    let device = describe(seen.iter().find(matches)?);
    Some(format!("omit {filters} if you mean {device}, which it excludes").into())
}

fn found(device: &SeenDevice) -> String {
    format!("found {}", describe(device))
}

/// A device, in a few words.
fn describe(device: &SeenDevice) -> String {
    let name = device.name.as_deref().unwrap_or("a device without a name");
    let name = printable(name.as_bytes());
    if let Some(signal) = device.hints.signal {
        return format!("{name} at {} ({signal} dBm)", device.address);
    }
    match &device.hints.node_id {
        Some(node_id) if Some(node_id) != device.name.as_ref() => {
            let node_id = printable(node_id.as_bytes());
            format!("{name} (node {node_id}) at {}", device.address)
        }
        _ => format!("{name} at {}", device.address),
    }
}

/// The number of other devices that a hint each names.
const MAX_LISTED: usize = 5;
