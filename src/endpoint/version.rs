//! `proto-ver` and `esp_local_ctrl/version`: what a device says about itself before any keys.
//! Here it is read into facts; what to do about them is decided in `flows::connect`.
//!
//! Sources: `NP/src/manager.c` (the JSON), `protocomm.c` (the handler), `esp_local_ctrl.c`.

use serde::Serialize;
use serde_json::Value;

/// What is sent: the content is ignored, but empty requests never reach the handler.
pub const REQUEST: &[u8] = b"---";

/// The version document, in whichever of its forms the device sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Version {
    /// `prov.ver`, `local_ctrl.ver` or `on_network.ver`; the whole text when it is not JSON.
    /// `v1.1` is `wifi_provisioning`, `netprov-v1.x` its successor. Never compare it for equality.
    pub ver: Option<String>,
    /// The announced security scheme, as far as the document says or implies one. A number, since
    /// a device may announce a scheme that does not exist yet.
    pub sec_ver: Option<u64>,
    /// The announced patch level of Security 2. Informative: the nonce's length decides.
    pub sec_patch_ver: Option<u64>,
    /// Everything in `prov.cap`, `rmaker.cap`, `rmaker_extra.cap` and `on_network.cap`.
    pub capabilities: Vec<String>,
}

impl Version {
    /// Reads any document. None is an error: a text that is no JSON is an old device's version.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        match serde_json::from_str::<Value>(text) {
            Ok(document @ Value::Object(_)) => Self::from_json(&document),
            _ => Self {
                ver: Some(text.chars().take(MAX_TEXT).collect()),
                ..Self::default()
            },
        }
    }

    fn from_json(document: &Value) -> Self {
        let prov = document.get("prov");
        let service = SERVICES.iter().find_map(|label| document.get(label));
        let number = |key| {
            service
                .and_then(|service| service.get(key))
                .and_then(Value::as_u64)
        };
        let capabilities: Vec<String> = document
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::values)
            .filter_map(|object| object.get("cap")?.as_array())
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let has = |capability: &str| capabilities.iter().any(|one| one == capability);

        // Firmware before 5.0 does not announce a number: no_sec is Security 0, else 1.
        let implied = || match prov {
            Some(_) if has("no_sec") => Some(0),
            Some(_) => Some(1),
            None => None,
        };
        Self {
            ver: service
                .and_then(|service| service.get("ver"))
                .and_then(Value::as_str)
                .map(str::to_owned),
            sec_ver: number("sec_ver").or_else(implied),
            sec_patch_ver: number("sec_patch_ver"),
            capabilities,
        }
    }

    /// Whether the device listed this capability.
    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|one| one == capability)
    }

    /// Whether Security 1 needs a PoP: an absent `no_pop` means yes.
    pub fn pop_required(&self) -> bool {
        !self.has(NO_POP) && !self.has("no_sec")
    }
}

/// Security 1 without a PoP.
pub const NO_POP: &str = "no_pop";
/// `prov-scan` lists Wi-Fi networks.
pub const WIFI_SCAN: &str = "wifi_scan";

/// The objects that describe the service itself, most telling first.
const SERVICES: [&str; 3] = ["prov", "local_ctrl", "on_network"];
/// A text is shown to people; more than this of it says nothing.
const MAX_TEXT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_without_a_number_implies_a_scheme() {
        let read = |text: &str| Version::from_bytes(text.as_bytes());
        assert_eq!(
            read(r#"{"prov":{"ver":"v1.1","cap":["wifi_scan"]}}"#).sec_ver,
            Some(1)
        );
        assert_eq!(
            read(r#"{"prov":{"ver":"v1.1","cap":["no_sec"]}}"#).sec_ver,
            Some(0)
        );
        assert_eq!(
            read(r#"{"on_network":{"ver":"v1.0","cap":["ch_resp"]}}"#).sec_ver,
            None
        );
        assert_eq!(read("V0.1").sec_ver, None);
        assert_eq!(read("V0.1").ver.as_deref(), Some("V0.1"));
    }

    #[test]
    fn a_number_wins_over_what_the_capabilities_imply() {
        let version = Version::from_bytes(br#"{"prov":{"sec_ver":2,"cap":["no_sec","no_pop"]}}"#);
        assert_eq!(version.sec_ver, Some(2));
        assert!(!version.pop_required());
    }

    #[test]
    fn odd_documents_are_read_as_far_as_they_go() {
        for odd in [
            "",
            "\0",
            "[1]",
            "7",
            "null",
            "{}",
            r#"{"prov":7}"#,
            r#"{"prov":{"cap":"x"}}"#,
        ] {
            let version = Version::from_bytes(odd.as_bytes());
            assert!(version.capabilities.is_empty(), "{odd:?}");
        }
        assert_eq!(
            Version::from_bytes(br#"{"prov":{"sec_ver":-1}}"#).sec_ver,
            Some(1)
        );
        assert_eq!(
            Version::from_bytes(b"{\"prov\":{\"sec_ver\":2}}\0").sec_ver,
            Some(2)
        );
        assert_eq!(
            Version::from_bytes(&[0xff; 300])
                .ver
                .map(|text| text.chars().count()),
            Some(64)
        );
    }
}
