//! proto-ver on the device (`NP/src/manager.c`, the version JSON): what it says about itself, in
//! the clear, in the shape in which cJSON prints it. What is asked makes no difference.

use crate::security::{DeviceSecret, NonceRule};

/// The document, tabs and line ends included: a client that cuts it out of a fixed frame, or
/// compares it with a text of its own, is found out here.
pub(super) fn document(secret: &DeviceSecret, capabilities: &[String]) -> String {
    let (claiming, extra): (Vec<&str>, Vec<&str>) = capabilities
        .iter()
        .map(String::as_str)
        .partition(|name| CLAIMING.contains(name));
    let mut objects = Vec::new();
    for (label, names) in [("rmaker", claiming), ("rmaker_extra", extra)] {
        if !names.is_empty() {
            objects.push(object(
                label,
                &[("ver", quoted("1.0")), ("cap", list(&names))],
            ));
        }
    }
    objects.push(object(
        "prov",
        &[
            ("ver", quoted("netprov-v1.2")),
            ("sec_ver", secret.scheme().number().to_string()),
            ("sec_patch_ver", patch_version(secret).to_string()),
            ("cap", list(&provisioning(secret))),
        ],
    ));
    format!("{{\n{}\n}}", objects.join(",\n"))
}

fn provisioning(secret: &DeviceSecret) -> Vec<&'static str> {
    let mut names = match secret {
        DeviceSecret::Sec0 => vec!["no_sec"],
        // Only where there is none at all: an empty PoP is a PoP here.
        DeviceSecret::Sec1 { pop: None } => vec!["no_pop"],
        DeviceSecret::Sec1 { .. } | DeviceSecret::Sec2 { .. } => Vec::new(),
    };
    names.extend(["wifi_prov", "wifi_scan"]);
    names
}

fn patch_version(secret: &DeviceSecret) -> u8 {
    match secret {
        DeviceSecret::Sec2 {
            nonce: NonceRule::Counter,
            ..
        } => 1,
        DeviceSecret::Sec0 | DeviceSecret::Sec1 { .. } | DeviceSecret::Sec2 { .. } => 0,
    }
}

fn object(label: &str, members: &[(&str, String)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("\t\t\"{name}\":\t{value}"))
        .collect();
    format!("\t\"{label}\":\t{{\n{}\n\t}}", members.join(",\n"))
}

fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("[{}]", names.join(", "))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What the `rmaker` object lists; everything else is `rmaker_extra`'s.
const CLAIMING: [&str; 2] = ["claim", "camera_claim"];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::secret::Secret;

    fn read(secret: &DeviceSecret, capabilities: &[&str]) -> Value {
        let capabilities: Vec<String> = capabilities.iter().map(ToString::to_string).collect();
        serde_json::from_str(&document(secret, &capabilities)).unwrap()
    }

    #[test]
    fn the_document_looks_as_firmware_prints_it() {
        let text = document(&DeviceSecret::Sec0, &["ch_resp".to_owned()]);
        assert_eq!(
            text,
            "{\n\t\"rmaker_extra\":\t{\n\t\t\"ver\":\t\"1.0\",\n\t\t\"cap\":\t[\"ch_resp\"]\n\t},\n\
             \t\"prov\":\t{\n\t\t\"ver\":\t\"netprov-v1.2\",\n\t\t\"sec_ver\":\t0,\n\
             \t\t\"sec_patch_ver\":\t0,\n\
             \t\t\"cap\":\t[\"no_sec\", \"wifi_prov\", \"wifi_scan\"]\n\t}\n}"
        );
    }

    #[test]
    fn it_says_which_scheme_and_whether_a_pop_is_wanted() {
        let sec1 = |pop: Option<&str>| DeviceSecret::Sec1 {
            pop: pop.map(|text| Secret::new(text.to_owned())),
        };
        let said = read(&sec1(None), &["claim", "local_ctrl"]);
        assert_eq!(said["prov"]["sec_ver"], 1);
        assert_eq!(
            said["prov"]["cap"],
            json!(["no_pop", "wifi_prov", "wifi_scan"])
        );
        assert_eq!(said["rmaker"]["cap"], json!(["claim"]));
        assert_eq!(said["rmaker_extra"]["cap"], json!(["local_ctrl"]));
        // As firmware: an empty PoP is used like none, but is not announced as none.
        for pop in ["", "abcd1234"] {
            assert_eq!(
                read(&sec1(Some(pop)), &[])["prov"]["cap"],
                json!(["wifi_prov", "wifi_scan"])
            );
        }
        for (nonce, patch) in [(NonceRule::Fixed, 0), (NonceRule::Counter, 1)] {
            let sec2 = DeviceSecret::Sec2 {
                salt: Vec::new(),
                verifier: Vec::new(),
                nonce,
            };
            let said = read(&sec2, &[]);
            assert_eq!(said["prov"]["sec_ver"], 2);
            assert_eq!(said["prov"]["sec_patch_ver"], patch);
            assert_eq!(said.get("rmaker"), None);
        }
    }
}
