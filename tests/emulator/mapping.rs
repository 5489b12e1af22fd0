//! Nodes on their way into an account, by calls over a socket. Signatures are OpenSSL's where a
//! node's public key can be selected; the verifier has its own tests of signatures.

use serde_json::{Value, json};

use crate::support::cloud::Cloud;

const MAPPING: &str = "/v1/user/nodes/mapping";

fn node_keys() -> Value {
    let vectors: Value =
        serde_json::from_str(include_str!("../vectors/node_signatures.json")).unwrap();
    json!([vectors["public_keys"]["ec"], vectors["public_keys"]["rsa"]])
}

/// Registers a node and maps it by secret key.
fn map(cloud: &Cloud, token: &str, node_id: &str) {
    let node = json!({"public_keys": node_keys(), "config": {"node_id": node_id}});
    cloud.control("PUT", &format!("nodes/{node_id}"), &node);
    let message = json!({"node_id": node_id, "user_id": cloud.user_id(), "secret_key": "s"});
    cloud.control("POST", &format!("nodes/{node_id}/user_mapping"), &message);
    let ask = json!({"node_id": node_id, "secret_key": "s", "operation": "add"});
    assert_eq!(cloud.call("PUT", MAPPING, token, &ask).status, 200);
}

#[test]
fn request_without_node_message_times_out() {
    let cloud = Cloud::start(&["--mapping-timeout", "30"]);
    let token = cloud.token();
    cloud.control("PUT", "nodes/n1", &json!({"public_keys": [], "config": {}}));
    let ask = json!({"node_id": "n1", "secret_key": "s", "operation": "add"});
    let answer = cloud.call("PUT", MAPPING, &token, &ask).json();
    let poll = || {
        let target = format!(
            "{MAPPING}?&request_id={}",
            answer["request_id"].as_str().unwrap()
        );
        let answer = cloud.call("GET", &target, &token, &Value::Null).json();
        answer["request_status"].as_str().unwrap().to_owned()
    };
    assert_eq!(poll(), "requested");
    cloud.advance(30);
    assert_eq!(poll(), "timedout");
    assert_eq!(cloud.log_entries("mapping_timed_out").len(), 1);
    let unknown = json!({"node_id": "n2", "secret_key": "s", "operation": "add"});
    assert_eq!(cloud.call("PUT", MAPPING, &token, &unknown).status, 400);
    assert_eq!(cloud.log_entries("mapping_refused")[0]["node_id"], "n2");
}

#[test]
fn wrong_signature_does_not_map() {
    let cloud = Cloud::start(&[]);
    let token = cloud.token();
    cloud.control("PUT", "nodes/n1", &json!({"public_keys": node_keys()}));
    let verify = |body: &Value| {
        let answer = cloud.call("POST", &format!("{MAPPING}/verify"), &token, body);
        (answer.status, answer.json()["description"].clone())
    };
    let initiate = format!("{MAPPING}/initiate");
    let answer = cloud.call("POST", &initiate, &token, &json!({"timeout": 360}));
    let answer = answer.json();
    let body = json!({
        "request_id": answer["request_id"], "node_id": "n1", "challenge_response": "00ff",
    });
    assert_eq!(verify(&body).0, 401);
    assert_eq!(verify(&body).0, 400, "it is burnt");
    let issued = &cloud.log_entries("challenge_issued")[0];
    assert_eq!(issued["life_s"], 360);
    let nodes = cloud
        .call("GET", "/v1/user/nodes", &token, &Value::Null)
        .json();
    assert_eq!(nodes["nodes"], json!([]));
    assert_eq!(cloud.log_entries("mapping_refused").len(), 2);
}

#[test]
fn nodes_come_in_pages() {
    let cloud = Cloud::start(&["--page-size", "2"]);
    let token = cloud.token();
    let all: Vec<String> = (1..=5).map(|number| format!("n{number}")).collect();
    for id in &all {
        map(&cloud, &token, id);
    }
    let mut seen = Vec::new();
    let mut start = String::new();
    for _ in 0..3 {
        let target = format!("/v1/user/nodes?node_details=true&start_id={start}");
        let page = cloud.call("GET", &target, &token, &Value::Null).json();
        assert_eq!(page["total"], 5);
        let details = page["node_details"].as_array().unwrap();
        seen.extend(
            details
                .iter()
                .map(|node| node["id"].as_str().unwrap().to_owned()),
        );
        start = page["next_id"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((seen, start), (all, String::new()));
    assert_eq!(cloud.log_entries("mapped").len(), 5);
}

#[test]
fn groups_hold_nodes_of_the_account_alone() {
    let cloud = Cloud::start(&[]);
    let token = cloud.token();
    map(&cloud, &token, "n1");
    let groups = "/v1/user/node_group";
    let home = json!({"group_name": "home", "type": "home", "mutually_exclusive": true});
    let made = cloud.call("POST", groups, &token, &home).json();
    let id = made["group_id"].as_str().unwrap();
    let again = cloud.call("POST", groups, &token, &home);
    assert_eq!(
        (again.status, &again.json()["error_code"]),
        (400, &json!(108_007))
    );
    let target = format!("{groups}?group_id={id}");
    for (nodes, status) in [(["n1"], 200), (["n2"], 400), (["n1"], 200)] {
        let add = json!({"operation": "add", "nodes": nodes});
        assert_eq!(cloud.call("PUT", &target, &token, &add).status, status);
    }
    let answer = cloud.call(
        "GET",
        &format!("{target}&node_list=true"),
        &token,
        &Value::Null,
    );
    let group = &answer.json()["groups"][0];
    assert_eq!(
        (&group["nodes"], &group["type"]),
        (&json!(["n1"]), &json!("home"))
    );
    assert_eq!(
        cloud.call("DELETE", &target, &token, &Value::Null).status,
        200
    );
    assert_eq!(cloud.call("GET", &target, &token, &Value::Null).status, 400);
}
