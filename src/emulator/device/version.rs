//! proto-ver on the device (`NP/src/manager.c`, the version JSON): its capabilities, unencrypted, in the
//! format of cJSON. The contents of the request do not matter.

use super::firmware::Rules;
use super::offering::Offering;
use super::settings::DeviceSettings;
use crate::security::{DeviceSecret, NonceRule};

/// Writes the document. On a network, firmware prints it with formats of `printf`, without any space.
pub(super) fn write_document(settings: &DeviceSettings) -> String {
    let secret = &settings.secret;
    match settings.offering {
        Offering::Provisioning => write_provisioning_document(settings),
        Offering::Standalone => r#"{"on_network":{"ver":"v1.0","cap":["ch_resp"]}}"#.to_owned(),
        Offering::LocalControl => format!(
            r#"{{"local_ctrl":{{"ver":"v1.0","sec_ver":{},"sec_patch_ver":{}}}}}"#,
            secret.scheme().number(),
            patch_version(secret),
        ),
    }
}

/// As cJSON prints it, with tabs and line ends: this reveals a client that cuts it out of a fixed
/// frame, or compares it with a fixed text.
fn write_provisioning_document(settings: &DeviceSettings) -> String {
    let (secret, rules) = (&settings.secret, settings.rules());
    let (claiming, extra): (Vec<&str>, Vec<&str>) = settings
        .capabilities
        .iter()
        .map(String::as_str)
        .partition(|name| CLAIMING.contains(name));
    let mut objects = Vec::new();
    for (label, names) in [("rmaker", claiming), ("rmaker_extra", extra)] {
        if !names.is_empty() {
            let members = [("ver", quoted("1.0")), ("cap", list(&names))];
            objects.push(object(label, &members));
        }
    }
    let mut members = vec![("ver", quoted(rules.protocol))];
    if rules.announces_scheme {
        members.push(("sec_ver", secret.scheme().number().to_string()));
        if settings.with_patch_version {
            members.push(("sec_patch_ver", patch_version(secret).to_string()));
        }
    }
    members.push(("cap", list(&provisioning_capabilities(secret, rules))));
    objects.push(object("prov", &members));
    format!("{{\n{}\n}}", objects.join(",\n"))
}

fn provisioning_capabilities(secret: &DeviceSecret, rules: Rules) -> Vec<&'static str> {
    let mut names = match secret {
        DeviceSecret::Sec0 => vec!["no_sec"],
        // Only without a PoP: an empty PoP is a PoP here.
        DeviceSecret::Sec1 { pop: None } => vec!["no_pop"],
        DeviceSecret::Sec1 { .. } | DeviceSecret::Sec2 { .. } => Vec::new(),
    };
    names.extend(rules.lists_wifi.then_some("wifi_prov"));
    names.push("wifi_scan");
    names
}

fn patch_version(secret: &DeviceSecret) -> u8 {
    let counts = |nonce: &NonceRule| *nonce == NonceRule::Counter;
    u8::from(matches!(secret, DeviceSecret::Sec2 { nonce, .. } if counts(nonce)))
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

/// The capabilities of the `rmaker` object; `rmaker_extra` lists all others.
const CLAIMING: [&str; 2] = ["claim", "camera_claim"];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::emulator::device::firmware::Firmware;
    use crate::secret::Secret;

    fn settings(secret: &DeviceSecret, capabilities: &[&str]) -> DeviceSettings {
        let mut settings = DeviceSettings::new(secret.clone());
        settings.capabilities = capabilities.iter().map(ToString::to_string).collect();
        settings
    }

    fn read(secret: &DeviceSecret, capabilities: &[&str]) -> Value {
        serde_json::from_str(&write_document(&settings(secret, capabilities))).unwrap()
    }

    #[test]
    fn older_firmware_has_fewer_members() {
        let pop = DeviceSecret::Sec1 {
            pop: Some(Secret::new("abcd1234".to_owned())),
        };
        let none = DeviceSecret::Sec1 { pop: None };
        for (firmware, secret, patched, expected) in [
            (
                Firmware::V44,
                &DeviceSecret::Sec0,
                true,
                json!({"ver": "v1.1", "cap": ["no_sec", "wifi_scan"]}),
            ),
            (
                Firmware::V44,
                &none,
                false,
                json!({"ver": "v1.1", "cap": ["no_pop", "wifi_scan"]}),
            ),
            (
                Firmware::V44,
                &pop,
                false,
                json!({"ver": "v1.1", "cap": ["wifi_scan"]}),
            ),
            (
                Firmware::V5,
                &pop,
                false,
                json!({"ver": "v1.1", "sec_ver": 1, "cap": ["wifi_scan"]}),
            ),
            (
                Firmware::V5,
                &pop,
                true,
                json!({"ver": "v1.1", "sec_ver": 1, "sec_patch_ver": 0, "cap": ["wifi_scan"]}),
            ),
        ] {
            let mut settings = settings(secret, &[]);
            settings.firmware = firmware;
            settings.with_patch_version = patched;
            let written: Value = serde_json::from_str(&write_document(&settings)).unwrap();
            assert_eq!(written, json!({ "prov": expected }));
        }
    }

    #[test]
    fn document_has_format_of_cjson() {
        let text = write_document(&settings(&DeviceSecret::Sec0, &["ch_resp"]));
        assert_eq!(
            text,
            "{\n\t\"rmaker_extra\":\t{\n\t\t\"ver\":\t\"1.0\",\n\t\t\"cap\":\t[\"ch_resp\"]\n\t},\n\
             \t\"prov\":\t{\n\t\t\"ver\":\t\"netprov-v1.2\",\n\t\t\"sec_ver\":\t0,\n\
             \t\t\"sec_patch_ver\":\t0,\n\
             \t\t\"cap\":\t[\"no_sec\", \"wifi_prov\", \"wifi_scan\"]\n\t}\n}"
        );
    }

    #[test]
    fn document_has_scheme_and_pop_requirement() {
        let sec1 = |pop: Option<&str>| DeviceSecret::Sec1 {
            pop: pop.map(|text| Secret::new(text.to_owned())),
        };
        let written = read(&sec1(None), &["claim", "local_ctrl"]);
        assert_eq!(written["prov"]["sec_ver"], 1);
        assert_eq!(
            written["prov"]["cap"],
            json!(["no_pop", "wifi_prov", "wifi_scan"])
        );
        assert_eq!(written["rmaker"]["cap"], json!(["claim"]));
        assert_eq!(written["rmaker_extra"]["cap"], json!(["local_ctrl"]));
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
            let written = read(&sec2, &[]);
            assert_eq!(written["prov"]["sec_ver"], 2);
            assert_eq!(written["prov"]["sec_patch_ver"], patch);
            assert_eq!(written.get("rmaker"), None);
        }
    }
}
