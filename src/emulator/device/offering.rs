//! What a device offers to clients: to be provisioned, or, on its network already, to be mapped. Which
//! endpoints that means, and what its version document says. Not what the endpoints do.

use std::time::Duration;

use super::version::patch_version;
use crate::proto::Service;
use crate::security::DeviceSecret;

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

    /// The version document of a device on its network: formats of `printf`, not of cJSON, and so
    /// without any space. `None`: the provisioning manager writes it.
    pub(super) fn version(self, secret: &DeviceSecret) -> Option<String> {
        match self {
            Self::Provisioning => None,
            Self::Standalone => {
                Some(r#"{"on_network":{"ver":"v1.0","cap":["ch_resp"]}}"#.to_owned())
            }
            Self::LocalControl => Some(format!(
                r#"{{"local_ctrl":{{"ver":"v1.0","sec_ver":{},"sec_patch_ver":{}}}}}"#,
                secret.scheme().number(),
                patch_version(secret),
            )),
        }
    }

    /// How long its service lasts once challenge-response is switched off; `None`: as before.
    pub(super) const fn outlasts_challenges(self) -> Option<Duration> {
        match self {
            Self::Standalone => Some(STOP_DELAY),
            Self::Provisioning | Self::LocalControl => None,
        }
    }
}

/// The timer that the disable command arms, so that its answer still leaves.
const STOP_DELAY: Duration = Duration::from_secs(2);
