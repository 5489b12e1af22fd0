//! The data about a failed run that select its advice. Any face of the program can fill it in.

use std::time::Duration;

use super::shell::quote_word;
use crate::flows::{CredentialState, DeviceRequest, FlowStep, Target};
use crate::ident::printable;
use crate::security::SecurityScheme;
use crate::transport::{Address, DEFAULT_TRANSPORT, HostPart, Medium, OptionSpec, Words};

/// The data about a run that select its advice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    /// The medium of the device; `None` if the run involves no device.
    pub medium: Option<&'static Medium>,
    /// The device's name in messages.
    pub label: String,
    /// The device's address, given by the user or named by the error.
    pub address: Option<Address>,
    /// The flag that takes the whole address, if the medium has one.
    pub address_flag: Option<&'static str>,
    /// The flags that locate the device, with their values, as the user gave them.
    pub location: Vec<(&'static str, String)>,
    /// The device's name, given by the user or a label.
    pub name: Option<String>,
    /// The secret that a session starts with.
    pub secret: GivenSecret,
    /// Whether the user or a label chose the security scheme.
    pub has_scheme: bool,
    /// Whether the run tries the passwords of the known firmware faults.
    pub has_sec2_compat: bool,
    /// The duration of the search for the device.
    pub search: Duration,
    /// The flags that exclude devices from the search.
    pub narrowed_by: Option<&'static str>,
    /// The network interface that the search is limited to.
    pub interface: Option<String>,
    /// Whether the user gave the speed of the serial line.
    pub has_baud: bool,
    /// The words that follow `espctl login` for the account of this run.
    pub login: Vec<String>,
    /// The environment variables that override a default.
    pub environment: Environment,
    /// The data of the error.
    pub error: ErrorDetails,
}

/// Which secret the user or a label gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum GivenSecret {
    #[default]
    None,
    /// A PoP, which is also tried as the password of Security 2.
    Pop,
    /// A password of Security 2.
    Password,
}

/// The environment variables that override a default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Environment {
    /// An access token replaces the login.
    pub has_access_token: bool,
    /// A D-Bus address replaces the system bus.
    pub has_bus_address: bool,
}

/// The data of an error besides its id.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorDetails {
    /// The step that failed.
    pub step: Option<FlowStep>,
    /// The scheme of the failed handshake.
    pub scheme: Option<SecurityScheme>,
    /// The HTTP status of the cloud's answer.
    pub cloud_status: Option<u16>,
    /// The state of the credentials on the device after a stopped run.
    pub credentials: Option<CredentialState>,
    /// The name or address that selects one of several devices, quoted for a shell.
    pub example: Option<String>,
    /// The problem, if its error id has several.
    pub case: Option<ErrorCase>,
}

/// A problem that shares its error id with another problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCase {
    /// The system message bus is missing, not the Bluetooth service.
    NoBus,
    /// The chosen Bluetooth adapter is missing, but there are others.
    NoSuchAdapter,
}

impl Context {
    /// The context of a run with this device.
    pub(crate) fn of_device(device: &DeviceRequest, environment: Environment) -> Self {
        let DeviceRequest {
            target,
            access,
            timing,
            label,
            network: _,
        } = device;
        Self {
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
            search: timing.search,
            narrowed_by: describe_filters(target),
            interface: target.options.given("interface").map(str::to_owned),
            has_baud: target.options.given("baud").is_some(),
            environment,
            ..Self::default()
        }
    }

    /// Whether the failed step is this one.
    pub(super) fn is_during(&self, step: FlowStep) -> bool {
        self.error.step == Some(step)
    }

    /// The part of this computer that the medium needs.
    pub(super) fn needed_part(&self) -> Option<HostPart> {
        self.medium?.needs
    }

    /// The medium's own words. Only a medium that needs no part of this computer has them: the table of
    /// errors does not cover it.
    pub(super) fn own_words(&self) -> Option<&'static Words> {
        let medium = self.medium.filter(|medium| medium.needs.is_none())?;
        Some(&medium.words)
    }

    /// Whether the device waits for provisioning, so that the data on its label apply.
    pub(super) fn is_unprovisioned(&self) -> bool {
        self.medium
            .is_some_and(|medium| !medium.has_network_already)
    }

    /// Whether the device has a network already.
    pub(super) fn is_on_network(&self) -> bool {
        self.medium.is_some_and(|medium| medium.has_network_already)
    }

    /// Whether the medium has no room for the messages of Security 2.
    pub(super) fn has_no_room_for_sec2(&self) -> bool {
        self.medium
            .is_some_and(|medium| medium.words.no_room_for_sec2.is_some())
    }

    /// The flags that select the same device, quoted for a shell.
    pub(super) fn device_flags(&self) -> Vec<String> {
        let Some(medium) = self.medium else {
            return Vec::new();
        };
        let mut words = Vec::new();
        let mut add = |flag: &str, value: &str| words.extend([format!("--{flag}"), typed(value)]);
        // The default needs no flag.
        if medium.name != DEFAULT_TRANSPORT {
            add("transport", medium.name);
        }
        let name = self.name.as_deref().filter(|_| medium.announces());
        match (&self.location[..], name, self.address_flag, &self.address) {
            ([], Some(name), ..) => add("device-name", name),
            ([], None, Some(flag), Some(address)) => add(flag, address.as_str()),
            (location, ..) => {
                for (flag, value) in location {
                    add(flag, value);
                }
            }
        }
        words
    }

    /// The device's address, quoted for a shell.
    pub(super) fn typed_address(&self) -> Option<String> {
        Some(typed(&self.address.as_ref()?.to_string()))
    }

    /// A search time, in seconds, that finds more than this run did.
    pub(super) fn longer_search(&self) -> String {
        self.search.as_secs().saturating_mul(2).max(15).to_string()
    }
}

/// The flags that exclude devices from a search.
pub(crate) fn describe_filters(target: &Target) -> Option<&'static str> {
    match (target.customer_id, target.service) {
        (None, None) => None,
        (Some(_), None) => Some("--customer-id"),
        (None, Some(_)) => Some("--service-uuid"),
        (Some(_), Some(_)) => Some("--customer-id and --service-uuid"),
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

/// Text from a device, as one word for a shell.
pub(super) fn typed(text: &str) -> String {
    quote_word(&printable(text.as_bytes()))
}
