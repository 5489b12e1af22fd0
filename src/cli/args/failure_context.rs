//! The context of a failure: what the command line knows about a run with a device.

use crate::cli::args::environment::without_device;
use crate::cli::args::filters::narrowed_by;
use crate::flows::DeviceRequest;
use crate::flows::FlowError;
use crate::flows::Target;
use crate::report::{Context, Failure, GivenSecret};
use crate::transport::OptionSpec;

/// The context of a run with this device.
pub(in crate::cli) fn with_device(device: &DeviceRequest) -> Context {
    let DeviceRequest {
        target,
        access,
        pace,
        label,
        network: _,
    } = device;
    Context {
        medium: Some(target.medium),
        label: label.clone(),
        // The default address of a hotspot is not the user's.
        address: target
            .address
            .clone()
            .filter(|address| target.medium.usual_address != Some(address.as_str())),
        address_flag: address_flag(target),
        location: location(target),
        name: target.name.clone(),
        secret: match (&access.password, &access.pop) {
            (Some(_), _) => GivenSecret::Password,
            (None, Some(_)) => GivenSecret::Pop,
            (None, None) => GivenSecret::None,
        },
        has_scheme: access.scheme.is_some(),
        has_sec2_compat: access.sec2_compat,
        search: pace.search,
        narrowed_by: narrowed_by(target),
        interface: target.options.given("interface").map(str::to_owned),
        has_baud: target.options.given("baud").is_some(),
        ..without_device()
    }
}

/// The flag with the whole address: the only location flag of the medium, or the name if a device can
/// be named by its address.
fn address_flag(target: &Target) -> Option<&'static str> {
    let mut flags = location_flags(target);
    match (flags.next(), flags.next()) {
        (None, _) if target.medium.announces() => Some("device-name"),
        (Some(only), None) => Some(only.long),
        _ => None,
    }
}

/// The given flags that locate the device, with their values.
fn location(target: &Target) -> Vec<(&'static str, String)> {
    let given = |spec: &'static OptionSpec| {
        let value = target.options.given(spec.id)?;
        Some((spec.long, value.to_owned()))
    };
    location_flags(target).filter_map(given).collect()
}

fn location_flags(target: &Target) -> impl Iterator<Item = &'static OptionSpec> {
    target
        .driver
        .options()
        .iter()
        .filter(|spec| spec.is_address)
}

/// The failure of a flow.
pub(in crate::cli) fn flow_failure(error: &FlowError, device: &DeviceRequest) -> Failure {
    Failure::of_flow(error, &with_device(device))
}
