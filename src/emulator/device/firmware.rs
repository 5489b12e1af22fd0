//! The firmware generations that can be played, and in one table what each does differently. Not
//! how: the endpoint, the manager or the medium that has a rule asks here for it.

use strum::{Display, EnumString};
use thiserror::Error;

/// A generation of the provisioning component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString)]
#[strum(parse_err_ty = UnknownFirmware, parse_err_fn = unknown)]
pub enum Firmware {
    /// `wifi_provisioning` of ESP-IDF 4.4.
    #[strum(serialize = "v4.4")]
    V44,
    /// `wifi_provisioning` of ESP-IDF 5.1 to 5.4.
    #[strum(serialize = "v5")]
    V5,
    /// The component `network_provisioning` 1.2.4 on today's ESP-IDF, with a RainMaker application.
    #[default]
    #[strum(serialize = "network_provisioning")]
    NetworkProvisioning,
}

/// What differs. A field is named for what the firmware does when it is set.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table of yes and no, one column a rule"
)]
pub struct Rules {
    /// What the version document says of the protocol.
    pub(super) protocol: &'static str,
    /// The version document has `sec_ver`, and Security 2 exists.
    pub announces_scheme: bool,
    /// The version document lists `wifi_prov`.
    pub(super) lists_wifi: bool,
    /// There is a `prov-ctrl`.
    pub(super) has_control: bool,
    /// Messages about Thread are understood, and refused; elsewhere they do not exist.
    pub(super) knows_thread: bool,
    /// A limit of attempts, and a word to the client about each that failed.
    pub counts_attempts: bool,
    /// A reset at the start is a success.
    pub(super) resets_at_start: bool,
    /// The reason `AUTH_EXPIRE` is told as an authentication error; elsewhere it is one of those
    /// for which the device tries for ever.
    pub(super) knows_auth_expire: bool,
    /// A command without its body brings the device down.
    pub(super) crashes_without_body: bool,
    /// Scan results beyond the last fail the request; elsewhere they come empty, with a status.
    pub(super) refuses_results_beyond: bool,
    /// An empty PoP is a PoP. In 4.4 it is an allocation of no bytes, which fails the start.
    pub takes_empty_pop: bool,
    /// `CONFIG_HTTPD_MAX_REQ_HDR_LEN`.
    pub(in crate::emulator) longest_head: usize,
    /// The failed attempts after which the application takes the manager back to its start:
    /// five in ESP-IDF's example, none where it leaves that to the client.
    pub(super) application_resets_after: Option<u32>,
}

impl Firmware {
    /// The table.
    pub const fn rules(self) -> Rules {
        const V44: Rules = Rules {
            protocol: "v1.1",
            announces_scheme: false,
            lists_wifi: false,
            has_control: false,
            knows_thread: false,
            counts_attempts: false,
            resets_at_start: false,
            knows_auth_expire: true,
            crashes_without_body: true,
            refuses_results_beyond: false,
            takes_empty_pop: false,
            longest_head: 512,
            application_resets_after: Some(5),
        };
        match self {
            Self::V44 => V44,
            Self::V5 => Rules {
                announces_scheme: true,
                has_control: true,
                knows_auth_expire: false,
                takes_empty_pop: true,
                ..V44
            },
            Self::NetworkProvisioning => Rules {
                protocol: "netprov-v1.2",
                announces_scheme: true,
                lists_wifi: true,
                has_control: true,
                knows_thread: true,
                counts_attempts: true,
                resets_at_start: true,
                knows_auth_expire: false,
                crashes_without_body: false,
                refuses_results_beyond: true,
                takes_empty_pop: true,
                longest_head: 1024,
                application_resets_after: None,
            },
        }
    }
}

/// A text that names no firmware.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected v4.4, v5 or network_provisioning")]
pub struct UnknownFirmware;

fn unknown(_: &str) -> UnknownFirmware {
    UnknownFirmware
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_there_and_back() {
        for (name, firmware) in [
            ("v4.4", Firmware::V44),
            ("v5", Firmware::V5),
            ("network_provisioning", Firmware::NetworkProvisioning),
        ] {
            assert_eq!(name.parse(), Ok(firmware));
            assert_eq!(firmware.to_string(), name);
        }
        assert_eq!("v4".parse::<Firmware>(), Err(UnknownFirmware));
    }
}
