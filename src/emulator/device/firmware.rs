//! The firmware generations, and in one table what each does differently. The endpoint, the manager or
//! the listener to which a rule belongs reads it here.

use clap::ValueEnum;
use strum::Display;

/// A generation of the provisioning component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, ValueEnum)]
pub enum Firmware {
    /// `wifi_provisioning` of ESP-IDF 4.4.
    #[strum(serialize = "v4.4")]
    #[value(name = "v4.4")]
    V44,
    /// `wifi_provisioning` of ESP-IDF 5.1 to 5.4.
    #[strum(serialize = "v5")]
    #[value(name = "v5")]
    V5,
    /// The component `network_provisioning` 1.2.4 on today's ESP-IDF, with a RainMaker application.
    #[default]
    #[strum(serialize = "network_provisioning")]
    #[value(name = "network_provisioning")]
    NetworkProvisioning,
}

/// The differences. The name of a field is what the firmware does if it is set.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table with a column for each rule"
)]
pub struct Rules {
    /// The protocol version in the version document.
    pub(super) protocol: &'static str,
    /// The version document has `sec_ver`, and Security 2 exists.
    pub announces_scheme: bool,
    /// The version document lists `wifi_prov`.
    pub(super) lists_wifi: bool,
    /// There is a `prov-ctrl`.
    pub(super) has_control: bool,
    /// Messages for Thread exist, and are refused.
    pub(super) has_thread: bool,
    /// The device limits its attempts, and reports each that failed.
    pub counts_attempts: bool,
    /// A reset at the start succeeds.
    pub(super) resets_at_start: bool,
    /// After `AUTH_EXPIRE` the device retries without end; otherwise it reports an authentication
    /// error.
    pub(super) has_auth_expire_retry: bool,
    /// A command without its body crashes the device.
    pub(super) crashes_without_body: bool,
    /// Scan results beyond the last fail the request; otherwise they are empty, with a status.
    pub(super) refuses_results_beyond: bool,
    /// An empty PoP is a PoP. In 4.4 it is an allocation of no bytes, which fails the start.
    pub accepts_empty_pop: bool,
    /// `CONFIG_HTTPD_MAX_REQ_HDR_LEN`.
    pub(in crate::emulator) max_head: usize,
    /// The failed attempts after which the application resets the manager: five in ESP-IDF's
    /// example, none if it leaves that to the client.
    pub(super) application_resets_after: Option<u32>,
}

impl Firmware {
    /// What this generation does differently.
    pub const fn rules(self) -> Rules {
        const V44: Rules = Rules {
            protocol: "v1.1",
            announces_scheme: false,
            lists_wifi: false,
            has_control: false,
            has_thread: false,
            counts_attempts: false,
            resets_at_start: false,
            has_auth_expire_retry: false,
            crashes_without_body: true,
            refuses_results_beyond: false,
            accepts_empty_pop: false,
            max_head: 512,
            application_resets_after: Some(5),
        };
        const V5: Rules = Rules {
            announces_scheme: true,
            has_control: true,
            has_auth_expire_retry: true,
            accepts_empty_pop: true,
            ..V44
        };
        match self {
            Self::V44 => V44,
            Self::V5 => V5,
            Self::NetworkProvisioning => Rules {
                protocol: "netprov-v1.2",
                lists_wifi: true,
                has_thread: true,
                counts_attempts: true,
                resets_at_start: true,
                crashes_without_body: false,
                refuses_results_beyond: true,
                max_head: 1024,
                application_resets_after: None,
                ..V5
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_shown() {
        for (name, firmware) in [
            ("v4.4", Firmware::V44),
            ("v5", Firmware::V5),
            ("network_provisioning", Firmware::NetworkProvisioning),
        ] {
            assert_eq!(Firmware::from_str(name, false), Ok(firmware));
            assert_eq!(firmware.to_string(), name);
        }
        assert!(Firmware::from_str("v4", false).is_err());
    }
}
