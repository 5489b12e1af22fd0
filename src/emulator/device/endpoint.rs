//! Which endpoints a device registers, by name. Not what they do.

use super::firmware::Rules;
use super::node::Association;
use super::offering::Offering;
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

/// The endpoints that provisioning firmware creates before it is known who handles them, in that
/// order: what Bluetooth has a characteristic for.
pub(super) fn created(
    rules: Rules,
    association: Option<Association>,
    waits_for_claim: bool,
) -> Vec<String> {
    let control = rules.has_control.then_some(EndpointName::PROV_CTRL);
    let association = association.map(Association::endpoint);
    control
        .into_iter()
        .chain([
            EndpointName::PROV_SCAN,
            Service::Provisioning.session_endpoint(),
            EndpointName::PROV_CONFIG,
            Service::Provisioning.version_endpoint(),
        ])
        .chain(association)
        .map(|name| name.as_str().to_owned())
        .chain(waits_for_claim.then(|| CLAIM.to_owned()))
        .collect()
}

impl Endpoint {
    /// Looks one up among those of what is offered, of this firmware, and of its RainMaker
    /// application if it has one.
    pub(super) fn named(
        name: &str,
        offering: Offering,
        rules: Rules,
        association: Option<Association>,
    ) -> Option<Self> {
        [
            (EndpointName::CH_RESP, Self::ChallengeResponse),
            (EndpointName::CLOUD_USER_ASSOC, Self::UserMapping),
            (EndpointName::PROV_CONFIG, Self::Config),
            (EndpointName::PROV_CTRL, Self::Control),
            (EndpointName::PROV_SCAN, Self::Scan),
            (offering.service().session_endpoint(), Self::Session),
            (offering.service().version_endpoint(), Self::Version),
        ]
        .into_iter()
        .find(|(known, _)| known.as_str() == name)
        .map(|(_, endpoint)| endpoint)
        .filter(|endpoint| match endpoint {
            Self::ChallengeResponse => association == Some(Association::ChallengeResponse),
            Self::Config | Self::Control | Self::Scan | Self::UserMapping
                if offering.is_on_network() =>
            {
                false
            }
            Self::Control => rules.has_control,
            Self::UserMapping => association == Some(Association::UserMapping),
            Self::Config | Self::Scan | Self::Session | Self::Version => true,
        })
    }
}

/// Nothing here handles it.
const CLAIM: &str = "rmaker_claim";
