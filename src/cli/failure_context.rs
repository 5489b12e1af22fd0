//! What the command line knows about a run with a device, as the advice for its failure takes it.

use super::device_args::Asked;
use super::environment::without_device;
use super::radio_args::narrowed_by;
use crate::flows::FlowError;
use crate::report::{Context, Failure, GivenSecret};

/// What is known about a run with this device.
pub(super) fn with_device(asked: &Asked) -> Context {
    let Asked {
        target,
        access,
        pace,
        label,
        network: _,
    } = asked;
    Context {
        medium: Some(target.kind),
        label: label.clone(),
        address: target.address.clone(),
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
        interface: target.interface.clone(),
        baud: target.baud,
        ..without_device()
    }
}

/// The failure of a flow.
pub(super) fn flow_failure(error: &FlowError, asked: &Asked) -> Failure {
    Failure::of_flow(error, &with_device(asked))
}
