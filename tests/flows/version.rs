//! Every version document of `tests/vectors/vectors.json`, and what is decided from it.

use espctl::endpoint::version::Version;
use espctl::proto::Service;

use crate::support::vector_file::{entries, keys, text};

#[test]
fn reads_every_form_of_version_document() {
    let documents = entries("proto_ver");
    assert_eq!(documents.len(), 10);
    for entry in documents {
        let body = text(&entry, "body");
        let version = Version::from_bytes(body.as_bytes()).unwrap();
        let capability = |name: &str| Some(version.has(name));
        for key in keys(&entry) {
            let expected = &entry[key];
            match key {
                // A text is not a version document, so it announces nothing.
                "sec_ver" => assert_eq!(version.sec_ver, expected.as_u64(), "{body}"),
                "patch" if expected.is_u64() => {
                    // Firmware without patch levels has level 0 and does not announce it.
                    let level = version.sec_patch_ver.unwrap_or(0);
                    assert_eq!(Some(level), expected.as_u64(), "{body}");
                }
                "patch" => assert_eq!(version.sec_patch_ver, None, "{body}"),
                "pop_required" => {
                    assert_eq!(version.pop_required, expected.as_bool(), "{body}");
                }
                // Null: not announced.
                "wifi_prov" | "wifi_scan" | "ch_resp" | "local_ctrl" | "claim" => {
                    let expected = expected.as_bool().unwrap_or(false);
                    assert_eq!(capability(key), Some(expected), "{key} in {body}");
                }
                "thread" => assert_eq!(capability("thread_prov"), expected.as_bool(), "{body}"),
                "json" => {
                    assert_eq!(expected, false);
                    assert_eq!(version.ver.as_deref(), Some(&*body));
                    assert!(version.capabilities.is_empty());
                }
                "endpoint" => {
                    let endpoint = Service::LocalControl.version_endpoint();
                    assert_eq!(text(&entry, key), endpoint.as_str());
                }
                "body" | "note" => {}
                other => panic!("nobody reads {other}"),
            }
        }
    }
}
