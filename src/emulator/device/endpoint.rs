//! The endpoints that a device registers, by name.

use super::offering::Association;
use super::settings::DeviceSettings;
use crate::proto::EndpointName;

/// The endpoints that firmware registers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Endpoint {
    ChallengeResponse,
    Config,
    Control,
    Scan,
    Session,
    UserMapping,
    Version,
}

/// Lists the endpoints, in the order in which provisioning firmware creates them.
pub(super) fn list_endpoints(settings: &DeviceSettings) -> Vec<(EndpointName, Endpoint)> {
    let provisions = !settings.offering.is_on_network();
    let has_control = provisions && settings.rules().has_control;
    let association = settings.node.as_ref().map(|node| node.association);
    let signs = association == Some(Association::ChallengeResponse);
    let maps = provisions && association == Some(Association::UserMapping);
    let user_mapping = EndpointName::CLOUD_USER_ASSOC;
    let service = settings.offering.service();
    [
        (has_control, EndpointName::PROV_CTRL, Endpoint::Control),
        (provisions, EndpointName::PROV_SCAN, Endpoint::Scan),
        (true, service.session_endpoint(), Endpoint::Session),
        (provisions, EndpointName::PROV_CONFIG, Endpoint::Config),
        (true, service.version_endpoint(), Endpoint::Version),
        (signs, EndpointName::CH_RESP, Endpoint::ChallengeResponse),
        (maps, user_mapping, Endpoint::UserMapping),
    ]
    .into_iter()
    .filter_map(|(exists, name, endpoint)| exists.then_some((name, endpoint)))
    .collect()
}
