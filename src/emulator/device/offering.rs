//! What a device offers to clients: to be provisioned, or, on its network already, to be mapped.

use std::time::Duration;

use crate::proto::Service;

/// What a device offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offering {
    /// The provisioning manager, until the device is on a network.
    #[default]
    Provisioning,
    /// RainMaker's stand-alone challenge-response service (`esp_rmaker_on_network_chal_resp.c`).
    Standalone,
    /// RainMaker's local control with challenge-response beside it (`esp_rmaker_local_ctrl.c`). Its
    /// properties, and so `esp_local_ctrl/control`, are not played.
    LocalControl,
}

impl Offering {
    /// Whether the device is on its network from the start.
    pub const fn is_on_network(self) -> bool {
        matches!(self, Self::Standalone | Self::LocalControl)
    }

    /// Which names two of its endpoints have.
    pub(super) const fn service(self) -> Service {
        match self {
            Self::Provisioning => Service::Provisioning,
            Self::Standalone | Self::LocalControl => Service::LocalControl,
        }
    }

    /// How long its service lasts once challenge-response is switched off; `None`: as before.
    pub(super) fn outlasts_challenges(self) -> Option<Duration> {
        (self == Self::Standalone).then_some(STOP_DELAY)
    }
}

/// The timer that the disable command arms, so that its answer still leaves.
const STOP_DELAY: Duration = Duration::from_secs(2);
