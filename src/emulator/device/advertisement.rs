//! What a device on its network says about itself by mDNS, as RainMaker's firmware puts it. Not how
//! it gets there, which is `announce`'s.

use super::offering::Offering;
use crate::proto::Service;
use crate::security::DeviceSecret;

/// One service, as it is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// Its type, as in `_http._tcp`.
    pub service: &'static str,
    /// The instance's name.
    pub instance: String,
    /// The host's name, `.local` included.
    pub host: String,
    /// The port that its SRV record has.
    pub port: u16,
    /// Its TXT record, in order.
    pub txt: Vec<(String, String)>,
}

impl Advertisement {
    /// What a node announces; the first is its challenge-response service. Nothing while it waits to
    /// be provisioned.
    pub fn of(
        offering: Offering,
        secret: &DeviceSecret,
        node_id: &str,
        instance: &str,
        port: u16,
    ) -> Vec<Self> {
        let new = |service, instance: &str| {
            let mut advertisement = Self {
                service,
                instance: instance.to_owned(),
                host: format!("{node_id}.local"),
                port,
                txt: Vec::new(),
            };
            advertisement.set("node_id", node_id);
            advertisement
        };
        let mut challenge_response = new(CHALLENGE_RESPONSE, instance);
        challenge_response.set("port", &port.to_string());
        let scheme = secret.scheme().number();
        challenge_response.set("sec_version", &scheme.to_string());
        // Whether there is a PoP, not whether it is empty. Security 2 has one and says no.
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

    /// Puts this into its TXT record, in place of what has the same key.
    pub fn set(&mut self, key: &str, value: &str) {
        match self.txt.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => value.clone_into(known),
            None => self.txt.push((key.to_owned(), value.to_owned())),
        }
    }

    /// Whether it is the challenge-response service, which goes when that is switched off.
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
        let all = Advertisement::of(offering, secret, "N", "Lamp", 80);
        let pairs = all[0]
            .txt
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pop_required_is_said_by_the_rules_of_each_variant() {
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
    fn local_control_announces_itself_too() {
        let secret = DeviceSecret::Sec0;
        let said = Advertisement::of(Offering::LocalControl, &secret, "N", "Lamp", 8080);
        let of = |at: usize| (said[at].service, &*said[at].instance, &*said[at].host);
        assert_eq!(of(0), ("_esp_rmaker_chal_resp._tcp", "Lamp", "N.local"));
        assert_eq!(of(1), ("_esp_local_ctrl._tcp", "N", "N.local"));
        let txt: Vec<_> = said[1]
            .txt
            .iter()
            .map(|(key, value)| (&**key, &**value))
            .collect();
        assert_eq!(
            txt,
            [
                ("node_id", "N"),
                ("version_endpoint", "/esp_local_ctrl/version"),
                ("session_endpoint", "/esp_local_ctrl/session"),
                ("control_endpoint", "/esp_local_ctrl/control"),
            ]
        );
        assert_eq!(
            Advertisement::of(Offering::Provisioning, &secret, "N", "N", 1),
            []
        );
    }

    #[test]
    fn a_key_is_replaced_or_added() {
        let secret = DeviceSecret::Sec0;
        let mut said = Advertisement::of(Offering::Standalone, &secret, "N", "N", 80);
        said[0].set("port", "81");
        said[0].set("ch_resp", "");
        let expected = [
            ("node_id", "N"),
            ("port", "81"),
            ("sec_version", "0"),
            ("ch_resp", ""),
        ];
        assert_eq!(
            said[0].txt,
            expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }
}
