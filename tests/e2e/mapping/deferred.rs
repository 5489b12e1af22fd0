//! An account that is out of reach when the device has signed, as on a computer whose one radio is
//! on the device's hotspot: the signature is handed in later.

use super::{HOME, asked, events, failed, id_of, is_unchanged, mapped, node};
use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::switchable_proxy::SwitchableProxy;

#[test]
fn signature_is_submitted_when_account_is_reachable() {
    let cloud = Cloud::start(&[]);
    let proxy = SwitchableProxy::to(cloud.url());
    let account = Account::logged_in_through(&proxy.url(), &cloud);
    let device = node(&cloud, &[]);
    let arguments = [&HOME[..], &["--disable-chal-resp"]].concat();
    let output = account.watch(&device, &arguments, |line, _| {
        // The challenge is there by then, and the device not yet looked for.
        if line.contains("\"search_started\"") {
            proxy.off();
        } else if line.contains("\"mapping_waits\"") {
            assert!(cloud.log_entries("mapped").is_empty());
            proxy.on();
        }
    });
    let output = mapped(output, &device, "challenge_response");
    let order: Vec<String> = output
        .json()
        .iter()
        .map(|line| line["event"].as_str().unwrap().to_owned())
        .filter(|event| ORDER.contains(&event.as_str()))
        .collect();
    assert_eq!(order, ORDER);
    let deferred = &events(&output, "mapping_deferred")[0];
    assert_eq!(deferred["node_id"], id_of(&device));
    assert!(
        deferred["why"]
            .as_str()
            .unwrap()
            .contains("cannot be reached")
    );
    assert!((300..=360).contains(&deferred["seconds_left"].as_u64().unwrap()));
    // It is out of reach by then, and the warning explains it.
    assert_eq!(events(&output, "warned")[0]["id"], "not-disabled");
    assert!(device.log_entries("chal_resp_disabled").is_empty());
    assert_eq!(asked(&cloud, "POST", "user/nodes/mapping/verify").len(), 1);
    assert_eq!(cloud.log_entries("mapped").len(), 1);
}

/// The first answer is lost, and the lookup of the node also; then the cloud reports that the
/// challenge is used up.
#[test]
fn accepted_signature_is_not_reported_as_rejected() {
    let verify = "user/nodes/mapping/verify";
    let mut faults = in_doubt("mute");
    faults.extend((1..=3).map(|number| format!("--fault=GET user/nodes:{number}:close")));
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let cloud = Cloud::start(&faults);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let arguments = [&HOME[..], &["--cloud-timeout", "5"]].concat();
    let output = account.provision(&device, &arguments).output();
    let output = mapped(output, &device, "challenge_response");
    assert_eq!(events(&output, "mapping_deferred").len(), 1);
    assert_eq!(asked(&cloud, "POST", verify).len(), 3);
    assert_eq!(cloud.log_entries("mapping_refused").len(), 2);
    assert_eq!(account.nodes(&[]).len(), 1);
}

#[test]
fn signature_survives_closed_connection_of_cloud() {
    let verify = "user/nodes/mapping/verify";
    let faults = in_doubt("close");
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let cloud = Cloud::start(&faults);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let output = account.provision(&device, &["--no-wifi"]).output();
    let output = mapped(output, &device, "challenge_response");
    assert_eq!(events(&output, "mapping_deferred").len(), 1);
    assert_eq!(asked(&cloud, "POST", verify).len(), 2);
}

#[test]
fn invalid_signature_is_also_detected_later() {
    let faults = in_doubt("close");
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let cloud = Cloud::start(&faults);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &["--scenario", "wrong-signature"]);
    let output = account.provision(&device, &HOME).output();
    let error = failed(
        output,
        7,
        "cloud-refused",
        "the signature is not that of the node",
    );
    let words = error["message"].as_str().unwrap();
    assert!(words.contains("the device has joined Home"), "{words}");
    assert!(account.nodes(&[]).is_empty());

    let alone = node(&cloud, &["--scenario", "wrong-signature"]);
    let output = account.provision(&alone, &["--no-wifi"]).output();
    failed(
        output,
        7,
        "cloud-refused",
        "the signature is not that of the node",
    );
    is_unchanged(&alone);
}

/// The answer to the first signature is lost, and the cloud gives no other challenge.
fn in_doubt(kind: &str) -> Vec<String> {
    let mut faults = vec![format!("--fault=user/nodes/mapping/verify:1:{kind}")];
    // As often as the client asks by itself.
    faults.extend(
        (2..=4).map(|number| format!("--fault=user/nodes/mapping/initiate:{number}:close")),
    );
    faults
}

const ORDER: [&str; 6] = [
    "challenge_signed",
    "mapping_deferred",
    "wifi_sent",
    "wifi_joined",
    "mapping_waits",
    "mapped",
];
