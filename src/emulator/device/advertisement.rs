//! The mDNS services of a device on its network, as RainMaker's firmware announces them.

use serde::Serialize;
use serde_json::{Map, Value};

use super::offering::Offering;
use crate::proto::Service;
use crate::security::DeviceSecret;

/// An mDNS service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advertisement {
    /// Its type, as in `_http._tcp`.
    pub service: &'static str,
    /// The instance's name.
    pub instance: String,
    /// The host's name, `.local` included.
    pub host: String,
    /// The port that its SRV record has.
    pub port: u16,
    /// Its TXT record, in order: each value is a text.
    pub txt: Map<String, Value>,
}

impl Advertisement {
    /// The services that a node announces; the first is challenge-response. None while it waits for
    /// provisioning.
    pub fn list(
        offering: Offering,
        secret: &DeviceSecret,
        node_id: &str,
        instance: &str,
        port: u16,
    ) -> Vec<Self> {
        let new = |service, instance: &str| Self {
            service,
            instance: instance.to_owned(),
            host: format!("{node_id}.local"),
            port,
            txt: Map::from_iter([("node_id".to_owned(), node_id.into())]),
        };
        let mut challenge_response = new(CHALLENGE_RESPONSE, instance);
        challenge_response.set("port", &port.to_string());
        let scheme = secret.scheme().number();
        challenge_response.set("sec_version", &scheme.to_string());
        // True for any PoP, also an empty one. With Security 2 it is false despite the PoP.
        let pop_required = match secret {
            DeviceSecret::Sec1 { pop } => Some(pop.is_some()),
            DeviceSecret::Sec0 | DeviceSecret::Sec2 { .. } => {
                (offering == Offering::LocalControl).then_some(false)
            }
        };
        if let Some(required) = pop_required {
            challenge_response.set("pop_required", &required.to_string());
        }
        let mut local_control = new(LOCAL_CONTROL, node_id);
        let service = Service::LocalControl;
        for (key, endpoint) in [
            ("version_endpoint", service.version_endpoint().as_str()),
            ("session_endpoint", service.session_endpoint().as_str()),
            ("control_endpoint", "esp_local_ctrl/control"),
        ] {
            local_control.set(key, &format!("/{endpoint}"));
        }
        match offering {
            Offering::Provisioning => Vec::new(),
            Offering::Standalone => vec![challenge_response],
            Offering::LocalControl => vec![challenge_response, local_control],
        }
    }

    /// Adds a pair to its TXT record, or replaces the value of that key.
    pub fn set(&mut self, key: &str, value: &str) {
        self.txt.insert(key.to_owned(), value.into());
    }

    /// The pairs of its TXT record, in order.
    pub fn txt_pairs(&self) -> Vec<(&str, &str)> {
        let pairs = self.txt.iter();
        let pairs = pairs.map(|(key, value)| (&**key, value.as_str().unwrap_or_default()));
        pairs.collect()
    }

    /// Whether it is the challenge-response service, which ends when a client disables it.
    pub fn is_challenge_response(&self) -> bool {
        self.service == CHALLENGE_RESPONSE
    }
}

const CHALLENGE_RESPONSE: &str = "_esp_rmaker_chal_resp._tcp";
const LOCAL_CONTROL: &str = "_esp_local_ctrl._tcp";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::security::NonceRule;

    fn txt(offering: Offering, secret: &DeviceSecret) -> String {
        let all = Advertisement::list(offering, secret, "N", "Lamp", 80);
        let pairs = all[0].txt_pairs().into_iter();
        let pairs = pairs.map(|(key, value)| format!("{key}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pop_required_follows_rules_of_each_variant() {
        let sec1 = |pop: Option<&str>| DeviceSecret::Sec1 {
            pop: pop.map(|text| Secret::new(text.to_owned())),
        };
        let sec2 = DeviceSecret::Sec2 {
            salt: Vec::new(),
            verifier: Vec::new(),
            nonce: NonceRule::Counter,
        };
        for (secret, scheme, standalone, local) in [
            (DeviceSecret::Sec0, 0, "", " pop_required=false"),
            (sec1(None), 1, " pop_required=false", " pop_required=false"),
            (
                sec1(Some("")),
                1,
                " pop_required=true",
                " pop_required=true",
            ),
            (
                sec1(Some("a")),
                1,
                " pop_required=true",
                " pop_required=true",
            ),
            (sec2, 2, "", " pop_required=false"),
        ] {
            let rest = format!("node_id=N port=80 sec_version={scheme}");
            assert_eq!(
                txt(Offering::Standalone, &secret),
                format!("{rest}{standalone}")
            );
            assert_eq!(
                txt(Offering::LocalControl, &secret),
                format!("{rest}{local}")
            );
        }
    }

    #[test]
    fn local_control_is_announced() {
        let secret = DeviceSecret::Sec0;
        let services = Advertisement::list(Offering::LocalControl, &secret, "N", "Lamp", 8080);
        let of = |at: usize| {
            (
                services[at].service,
                &*services[at].instance,
                &*services[at].host,
            )
        };
        assert_eq!(of(0), ("_esp_rmaker_chal_resp._tcp", "Lamp", "N.local"));
        assert_eq!(of(1), ("_esp_local_ctrl._tcp", "N", "N.local"));
        assert_eq!(
            services[1].txt_pairs(),
            [
                ("node_id", "N"),
                ("version_endpoint", "/esp_local_ctrl/version"),
                ("session_endpoint", "/esp_local_ctrl/session"),
                ("control_endpoint", "/esp_local_ctrl/control"),
            ]
        );
        assert_eq!(
            Advertisement::list(Offering::Provisioning, &secret, "N", "N", 1),
            []
        );
    }

    #[test]
    fn set_replaces_or_adds_key() {
        let secret = DeviceSecret::Sec0;
        let mut services = Advertisement::list(Offering::Standalone, &secret, "N", "N", 80);
        services[0].set("port", "81");
        services[0].set("ch_resp", "");
        let expected = [
            ("node_id", "N"),
            ("port", "81"),
            ("sec_version", "0"),
            ("ch_resp", ""),
        ];
        assert_eq!(services[0].txt_pairs(), expected);
    }
}
