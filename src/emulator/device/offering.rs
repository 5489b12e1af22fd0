//! What a device offers to clients: provisioning, or, on its network already, mapping to a user; and
//! how it is mapped.

use std::time::Duration;

use clap::ValueEnum;

use crate::proto::{EndpointName, Service};

/// What a device offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Offering {
    /// The provisioning manager, until the device is on a network.
    #[default]
    #[value(skip)]
    Provisioning,
    // `esp_rmaker_on_network_chal_resp.c`.
    /// Challenge-response by itself, until it is switched off.
    Standalone,
    // `esp_rmaker_local_ctrl.c`. Its properties, and so `esp_local_ctrl/control`, are not emulated.
    /// Local control and challenge-response.
    LocalControl,
}

impl Offering {
    /// Whether the device is on its network from the start.
    pub const fn is_on_network(self) -> bool {
        matches!(self, Self::Standalone | Self::LocalControl)
    }

    /// The service that names its version and session endpoints.
    pub(super) const fn service(self) -> Service {
        match self {
            Self::Provisioning => Service::Provisioning,
            Self::Standalone | Self::LocalControl => Service::LocalControl,
        }
    }

    /// How long its service remains after challenge-response is disabled; `None`: for good.
    pub(super) fn stop_delay(self) -> Option<Duration> {
        (self == Self::Standalone).then_some(STOP_DELAY)
    }
}

/// How the device is mapped to a user's account, which decides its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Association {
    /// The device signs a challenge: today's firmware.
    ChallengeResponse,
    /// The device receives the user and reports it to the cloud: older firmware.
    UserMapping,
}

impl Association {
    /// Its endpoint. Firmware registers one of the two.
    pub const fn endpoint(self) -> EndpointName {
        match self {
            Self::ChallengeResponse => EndpointName::CH_RESP,
            Self::UserMapping => EndpointName::CLOUD_USER_ASSOC,
        }
    }
}

/// The timer that the disable command starts, so that its answer is still sent.
const STOP_DELAY: Duration = Duration::from_secs(2);
