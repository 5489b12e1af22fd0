//! Emulated RainMaker nodes as a second process: their endpoints through the shipped binary, and
//! what they send to a cloud that answers by a script.

use serde_json::{Value, json};

use crate::support::device::Device;
use crate::support::espctl::{Output, espctl};
use crate::support::scripted_server::{ScriptedServer, Turn, ok};

const HOME: [&str; 4] = ["--ssid", "Home", "--passphrase", "correct horse battery"];

fn at(device: &Device, line: &[&str], arguments: &[&str]) -> Output {
    let mut line: Vec<String> = line.iter().map(ToString::to_string).collect();
    line.extend(device.address());
    line.extend(["--format", "json", "--pop", device.pop()].map(str::to_owned));
    line.extend(arguments.iter().map(ToString::to_string));
    espctl(line).output()
}

fn call(device: &Device, endpoint: &str, hex: &str) -> Output {
    at(device, &["device", "call", endpoint], &["--hex", hex])
}

fn answer(device: &Device, endpoint: &str, hex: &str) -> String {
    let output = call(device, endpoint, hex).exits(0);
    let answer = &output.result()["answer_hex"];
    answer.as_str().unwrap().to_owned()
}

/// `abc`, to be signed.
const CHALLENGE: &str = "52050a03616263";
/// The user `U` and the secret `S`.
const MAPPING: &str = "52060a0155120153";

#[test]
fn device_without_flags_has_no_mapping_endpoints() {
    let device = Device::start(&[]);
    for endpoint in ["ch_resp", "cloud_user_assoc"] {
        let output = call(&device, endpoint, CHALLENGE).exits(6);
        assert_eq!(output.result()["error"]["id"], "no-such-endpoint");
    }
    assert_eq!(device.ready.get("node_id"), None);
}

#[test]
fn node_signs_until_challenge_response_is_disabled() {
    let device = Device::start(&["--key", "rsa", "--node-id", "node1"]);
    assert_eq!(device.ready["node_id"], "node1");
    let version = at(&device, &["device", "info"], &[]).exits(0).result()["version"].clone();
    assert!(
        version["capabilities"]
            .as_array()
            .unwrap()
            .contains(&json!("ch_resp")),
        "{version}"
    );
    let signed = answer(&device, "ch_resp", CHALLENGE);
    assert!(signed.starts_with("08015a8a020a8002"), "{signed}");
    assert!(signed.ends_with("12056e6f646531"), "{signed}");
    assert_eq!(answer(&device, "ch_resp", "0804"), "0805");
    assert_eq!(answer(&device, "ch_resp", CHALLENGE), "08011003");
    assert_eq!(device.log_entries("challenge_signed").len(), 1);
    assert_eq!(device.log_entries("chal_resp_disabled").len(), 1);
    call(&device, "cloud_user_assoc", MAPPING).exits(6);
}

#[test]
fn faults_also_apply_to_mapping_endpoints() {
    let device = Device::start(&[
        "--cap",
        "ch_resp",
        "--fault",
        "ch_resp:1:close",
        "--fault",
        "ch_resp:2:wrong-type",
    ]);
    call(&device, "ch_resp", CHALLENGE).exits(6);
    assert_eq!(answer(&device, "ch_resp", CHALLENGE), "0805");
    assert_eq!(device.log_entries("fault").len(), 2);
}

#[tokio::test]
async fn older_node_reports_its_user_after_service_ends() {
    let success = || vec![Turn::send(ok(r#"{"status":"success"}"#))];
    let trouble = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";
    // Registration, connectivity, and the mapping at the third attempt.
    let script = vec![
        success(),
        success(),
        vec![Turn::send(trouble)],
        vec![Turn::close()],
        success(),
    ];
    let cloud = ScriptedServer::start(script).await;
    let url = format!("http://{}/v1", cloud.address);
    let (device, node_id) = tokio::task::spawn_blocking(move || {
        let mut device = Device::start(&[
            "--cloud",
            &url,
            "--cap",
            "user_assoc",
            "--time-scale",
            "0.1",
        ]);
        let node_id = device.ready["node_id"].as_str().unwrap().to_owned();
        answer(&device, "cloud_user_assoc", MAPPING);
        at(&device, &["provision", "--no-cloud"], &HOME).exits(0);
        device.wait_until_ended();
        (device, node_id)
    })
    .await
    .unwrap();

    let requests = cloud.requests();
    let lines: Vec<&str> = requests
        .iter()
        .map(|one| one.head.lines().next().unwrap())
        .collect();
    let nodes = format!("/emulator/nodes/{node_id}");
    let mapping = format!("POST {nodes}/user_mapping HTTP/1.1");
    assert_eq!(
        lines,
        [
            format!("PUT {nodes} HTTP/1.1"),
            format!("PUT {nodes}/connectivity HTTP/1.1"),
            mapping.clone(),
            mapping.clone(),
            mapping,
        ]
    );
    let registered: Value = serde_json::from_slice(&requests[0].body).unwrap();
    let pem = registered["public_keys"][0].as_str().unwrap();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----"));
    assert_eq!(registered["config"]["node_id"], node_id.as_str());
    let mapping: Value = serde_json::from_slice(&requests[4].body).unwrap();
    assert_eq!(
        mapping,
        json!({"node_id": node_id, "user_id": "U", "secret_key": "S"})
    );
    assert_eq!(device.log_entries("connectivity_sent").len(), 1);
    assert_eq!(device.log_entries("cloud_failed").len(), 2);
    assert_eq!(device.log_entries("user_mapping_sent").len(), 1);
}

#[tokio::test]
async fn several_nodes_register_with_separate_keys() {
    let success = || vec![Turn::send(ok("{}"))];
    let mut cloud = ScriptedServer::start(vec![success(), success()]).await;
    let url = format!("http://{}", cloud.address);
    let start = move || Device::start(&["--cloud", &url, "--node-id", "N", "--count", "2"]);
    let devices = tokio::task::spawn_blocking(start).await.unwrap();
    assert_eq!(devices.ready["node_id"], "N_1");
    cloud.turns(2).await;
    let requests = cloud.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].head.starts_with("PUT /emulator/nodes/N_2 "));
    let key = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["public_keys"].clone();
    assert_ne!(key(&requests[0].body), key(&requests[1].body));
}
