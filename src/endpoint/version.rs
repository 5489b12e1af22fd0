//! `proto-ver` and `esp_local_ctrl/version`: a device's description of itself, before any keys.
//! `flows::connect` decides what follows from it.
//!
//! Sources: `NP/src/manager.c` (the JSON), `protocomm.c` (the handler), `esp_local_ctrl.c`.

use serde::Serialize;
use serde_json::Value;

use super::command::ReplyError;

/// The request. Devices ignore its content, but an empty request never reaches the handler.
pub const REQUEST: &[u8] = b"---";

/// The version document, in any of its forms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Version {
    /// `prov.ver`, `local_ctrl.ver` or `on_network.ver`, or the whole text if it is not JSON.
    /// `v1.1` is `wifi_provisioning`, `netprov-v1.x` its successor. Never compare it for equality.
    pub ver: Option<String>,
    /// The announced or implied security scheme, if there is one. A number, because a device may
    /// announce a scheme that does not exist yet.
    pub sec_ver: Option<u64>,
    /// The announced patch level of Security 2. Informative only: the length of the nonce is
    /// authoritative.
    pub sec_patch_ver: Option<u64>,
    /// Whether a session requires a secret: Security 2 does, and Security 1 unless the document
    /// lists `no_pop`. `None` if the scheme is unknown, and for Security 1 of devices that are
    /// already on their network, which do not list it.
    pub pop_required: Option<bool>,
    /// Whether the scheme is implied, not announced: ESP-IDF before 5.0, which has no prov-ctrl.
    #[serde(skip)]
    pub legacy: bool,
    /// All entries of `prov.cap`, `rmaker.cap`, `rmaker_extra.cap` and `on_network.cap`.
    pub capabilities: Vec<String>,
}

impl Version {
    /// Parses the document. A short text that is not JSON is the version of an old device; any
    /// other text is not from a device.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReplyError> {
        const NOT_A_VERSION: ReplyError = ReplyError::Malformed {
            endpoint: "the version document",
        };
        let text = std::str::from_utf8(bytes).map_err(|_| NOT_A_VERSION)?;
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        match serde_json::from_str::<Value>(text) {
            Ok(document) => Self::from_json(&document).ok_or(NOT_A_VERSION),
            Err(_) if is_plain_version(text) => Ok(Self {
                ver: Some(text.to_owned()),
                ..Self::default()
            }),
            Err(_) => Err(NOT_A_VERSION),
        }
    }

    /// `None` if the document describes no known service.
    fn from_json(document: &Value) -> Option<Self> {
        let (label, service) = SERVICES
            .iter()
            .find_map(|label| Some((*label, document.get(label)?)))?;
        let number = |key| service.get(key).and_then(Value::as_u64);
        // Only the service's own capabilities concern its security.
        let lists = |capability: &str| names_in(service).any(|name| name == capability);

        // Firmware before 5.0 announces no number: `no_sec` means Security 0, otherwise Security 1.
        let implied = match label {
            "prov" if lists("no_sec") => Some(0),
            "prov" => Some(1),
            _ => None,
        };
        let sec_ver = number("sec_ver").or(implied);
        Some(Self {
            ver: service.get("ver").and_then(Value::as_str).map(truncated),
            sec_ver,
            legacy: number("sec_ver").is_none(),
            sec_patch_ver: number("sec_patch_ver"),
            pop_required: sec_ver.and_then(|scheme| match scheme {
                0 => Some(false),
                1 if lists("no_pop") => Some(false),
                // The other services do not list whether there is a PoP.
                1 => (label == "prov").then_some(true),
                _ => Some(true),
            }),
            capabilities: document
                .as_object()?
                .values()
                .flat_map(names_in)
                .take(MAX_CAPABILITIES)
                .map(truncated)
                .collect(),
        })
    }

    /// Whether the device listed this capability.
    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|name| name == capability)
    }
}

/// The texts in an object's `cap` list.
fn names_in(object: &Value) -> impl Iterator<Item = &str> {
    object
        .get("cap")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Whether the text is like that of old examples: `V0.1`, `v1.0`, `SUCCESS`.
fn is_plain_version(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    (1..=MAX_PLAIN_BYTES).contains(&text.len()) && text.chars().all(fits)
}

fn truncated(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

/// The capability of `prov-scan` to list Wi-Fi networks.
pub const WIFI_SCAN: &str = "wifi_scan";

/// The objects that describe the service, the most specific first.
const SERVICES: [&str; 3] = ["prov", "local_ctrl", "on_network"];
/// Longer than any old version text.
const MAX_PLAIN_BYTES: usize = 16;
/// Texts are displayed, so longer ones are truncated.
const MAX_TEXT_CHARS: usize = 64;
/// Firmware lists fewer than ten.
const MAX_CAPABILITIES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Version {
        Version::from_bytes(text.as_bytes()).unwrap()
    }

    #[test]
    fn document_without_number_implies_scheme() {
        let scheme = |text: &str| read(text).sec_ver;
        assert_eq!(
            scheme(r#"{"prov":{"ver":"v1.1","cap":["wifi_scan"]}}"#),
            Some(1)
        );
        assert_eq!(
            scheme(r#"{"prov":{"ver":"v1.1","cap":["no_sec"]}}"#),
            Some(0)
        );
        assert_eq!(
            scheme(r#"{"on_network":{"ver":"v1.0","cap":["ch_resp"]}}"#),
            None
        );
        assert_eq!(scheme(r#"{"prov":{"sec_ver":-1}}"#), Some(1));
        assert_eq!(scheme("{\"prov\":{\"sec_ver\":2}}\0"), Some(2));
        assert_eq!(scheme("V0.1"), None);
        assert_eq!(read("V0.1").ver.as_deref(), Some("V0.1"));
    }

    #[test]
    fn secret_is_required_unless_service_lists_no_pop() {
        let needed = |text: &str| read(text).pop_required;
        assert_eq!(needed(r#"{"prov":{"sec_ver":0}}"#), Some(false));
        assert_eq!(needed(r#"{"prov":{"sec_ver":1}}"#), Some(true));
        assert_eq!(
            needed(r#"{"prov":{"sec_ver":1,"cap":["no_pop"]}}"#),
            Some(false)
        );
        assert_eq!(
            needed(r#"{"prov":{"sec_ver":2,"cap":["no_pop"]}}"#),
            Some(true)
        );
        let elsewhere = r#"{"rmaker":{"cap":["no_pop","no_sec"]},"prov":{"cap":[]}}"#;
        assert_eq!(needed(elsewhere), Some(true));
        assert_eq!(read(elsewhere).sec_ver, Some(1));
        assert!(read(elsewhere).has("no_pop"));
        assert_eq!(needed("V0.1"), None);
        let local = |scheme| format!(r#"{{"local_ctrl":{{"ver":"v1.0","sec_ver":{scheme}}}}}"#);
        assert_eq!(needed(&local(0)), Some(false));
        assert_eq!(needed(&local(1)), None);
        assert_eq!(needed(&local(2)), Some(true));
    }

    #[test]
    fn rejects_documents_no_device_sends() {
        let page = "<html><body>Welcome to your router</body></html>";
        for odd in [
            "",
            "\0",
            "[1]",
            "7",
            "null",
            "{}",
            r#"{"error":"x"}"#,
            page,
            "two words",
        ] {
            assert!(Version::from_bytes(odd.as_bytes()).is_err(), "{odd:?}");
        }
        assert!(Version::from_bytes(&[0xff; 10]).is_err());
        let nested = "[".repeat(100_000);
        assert!(Version::from_bytes(nested.as_bytes()).is_err());
    }

    #[test]
    fn skips_invalid_capabilities() {
        for odd in [
            r#"{"prov":7}"#,
            r#"{"prov":{"cap":"x"}}"#,
            r#"{"prov":{"cap":[1]}}"#,
        ] {
            assert!(read(odd).capabilities.is_empty(), "{odd}");
        }
        let many = format!(
            r#"{{"prov":{{"cap":[{}]}}}}"#,
            vec![r#""x""#; 5000].join(",")
        );
        assert_eq!(read(&many).capabilities.len(), MAX_CAPABILITIES);
    }
}
