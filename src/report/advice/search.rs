//! The id and the advice if the device was not found, or is one of several.

use super::interfaces;
use crate::ident::printable;
use crate::report::context::{Context, typed};
use crate::report::error_table::ErrorId;
use crate::report::failure::Failure;
use crate::transport::{Candidate, Discovery, HostPart, Medium};

/// Several devices match.
pub(super) fn ambiguous(mut context: Context, seen: &[Candidate]) -> Failure {
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
    let choose = context.own_words().map(|words| words.choose);
    Failure::advised(ErrorId::AmbiguousDevice, &context)
        .before(choose)
        .hints(seen.iter().map(report_found))
}

/// No device matches.
pub(super) fn no_candidate(context: &Context, seen: &[Candidate]) -> Failure {
    if context
        .medium
        .is_some_and(|medium| medium.discovery == Discovery::Enumerated)
    {
        return no_likely_address(context, seen);
    }
    let spelling = suggest_spelling(context, seen).into_iter();
    let more = seen.len().saturating_sub(MAX_LISTED);
    let more = (more > 0).then(|| format!("found {more} more"));
    let searched = if seen.is_empty() && context.needed_part() == Some(HostPart::LocalNetwork) {
        interfaces::list_searched(context)
    } else {
        Vec::new()
    };
    Failure::advised(ErrorId::NoDevice, context)
        .before(context.own_words().map(|words| words.reach))
        .before(spelling.chain(suggest_omitting_filter(context, seen)))
        .hints(seen.iter().take(MAX_LISTED).map(report_found))
        .hints(more)
        .hints(searched)
}

/// A device is likely at none of the addresses that this computer lists. The hints name them.
fn no_likely_address(context: &Context, others: &[Candidate]) -> Failure {
    // Without a serial port, this computer is the problem; on other media, the device is missing.
    let id = match context.needed_part() {
        Some(HostPart::SerialPorts) => ErrorId::NoSerialPort,
        _ => ErrorId::NoDevice,
    };
    let others = others.iter().map(|seen| {
        let Some(flag) = context.address_flag else {
            return report_found(seen);
        };
        let purpose = seen.name.as_ref().map_or_else(
            || "if the device is there".to_owned(),
            |name| format!("to use {}", printable(name.as_bytes())),
        );
        format!("pass `--{flag} {}` {purpose}", typed(seen.address.as_str()))
    });
    Failure::advised(id, context)
        .before(context.own_words().map(|words| words.reach))
        .hints(others)
}

/// Suggests a device whose name differs from the given one only in case.
fn suggest_spelling(context: &Context, seen: &[Candidate]) -> Option<String> {
    let wanted = context.name.as_deref()?;
    let mut names = seen.iter().filter_map(|device| device.name.as_deref());
    let meant =
        names.find(|name| *name != wanted && name.to_lowercase() == wanted.to_lowercase())?;
    let meant = typed(meant);
    Some(format!(
        "did you mean `--device-name {meant}`? names are case-sensitive"
    ))
}

/// Suggests to omit the filters if only they exclude a device.
fn suggest_omitting_filter(context: &Context, seen: &[Candidate]) -> Option<String> {
    let filters = context.narrowed_by?;
    let matches = |device: &&Candidate| {
        let has_address = |wanted: &str| device.address.to_string().eq_ignore_ascii_case(wanted);
        match (&context.name, &device.name) {
            (Some(wanted), Some(name)) => name.starts_with(wanted) || has_address(wanted),
            (Some(wanted), None) => has_address(wanted),
            (None, _) => device.hints.is_likely,
        }
    };
    let device = describe(seen.iter().find(matches)?);
    Some(format!(
        "omit {filters} if you mean {device}, which it excludes"
    ))
}

fn report_found(device: &Candidate) -> String {
    format!("found {}", describe(device))
}

/// A device, in a few words.
fn describe(device: &Candidate) -> String {
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

/// The number of other devices that the hints name.
const MAX_LISTED: usize = 5;
