//! The endpoints that a device registers, by name.

use super::offering::Association;
use super::settings::DeviceSettings;
use crate::proto::{EndpointName, Service};

/// The endpoints that firmware registers.
#[derive(Clone, Copy)]
pub(super) enum Endpoint {
    ChallengeResponse,
    Config,
    Control,
    Scan,
    Session,
    UserMapping,
    Version,
}

/// Lists the endpoints that provisioning firmware creates before it registers their handlers, in that
/// order: each has a characteristic over Bluetooth.
pub(super) fn list_created(settings: &DeviceSettings) -> Vec<String> {
    let node = settings.node.as_ref();
    let has_control = settings.rules().has_control;
    let names = [
        has_control.then_some(EndpointName::PROV_CTRL),
        Some(EndpointName::PROV_SCAN),
        Some(Service::Provisioning.session_endpoint()),
        Some(EndpointName::PROV_CONFIG),
        Some(Service::Provisioning.version_endpoint()),
        node.map(|node| node.association.endpoint()),
    ];
    let names = names.into_iter().flatten();
    let mut names: Vec<String> = names.map(|name| name.as_str().to_owned()).collect();
    if node.is_some_and(|node| !node.is_claimed) {
        names.push(CLAIM.to_owned());
    }
    names
}

impl Endpoint {
    /// Finds an endpoint that the device registers.
    pub(super) fn find(name: &str, settings: &DeviceSettings) -> Option<Self> {
        let service = settings.offering.service();
        let association = settings.node.as_ref().map(|node| node.association);
        let provisions = !settings.offering.is_on_network();
        let signs = association == Some(Association::ChallengeResponse);
        let maps = provisions && association == Some(Association::UserMapping);
        let has_control = provisions && settings.rules().has_control;
        [
            (EndpointName::CH_RESP, signs, Self::ChallengeResponse),
            (EndpointName::CLOUD_USER_ASSOC, maps, Self::UserMapping),
            (EndpointName::PROV_CONFIG, provisions, Self::Config),
            (EndpointName::PROV_CTRL, has_control, Self::Control),
            (EndpointName::PROV_SCAN, provisions, Self::Scan),
            (service.session_endpoint(), true, Self::Session),
            (service.version_endpoint(), true, Self::Version),
        ]
        .into_iter()
        .find(|(known, is_registered, _)| *is_registered && known.as_str() == name)
        .map(|(_, _, endpoint)| endpoint)
    }
}

/// Created without a handler.
const CLAIM: &str = "rmaker_claim";
