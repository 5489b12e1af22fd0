//! Each fault of the emulated cloud, as a client sees it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::cloud::{Answer, Cloud};

/// A cloud with that fault at the second `GET user/nodes`, and what comes of that request.
fn met(kind: &str) -> (Cloud, Option<Answer>) {
    let fault = format!("user/nodes:2:{kind}");
    let cloud = Cloud::start(&["--fault", &fault]);
    let token = cloud.token();
    let get = || {
        let exchanged = cloud.exchange("GET", "/v1/user/nodes", &token, b"");
        exchanged.expect("no socket error")
    };
    assert_eq!(get().unwrap().status, 200);
    let answer = get();
    assert_eq!(get().unwrap().status, 200, "{kind}: one request only");
    let entries = cloud.log_entries("fault");
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["kind"], &entries[0]["number"]),
        (&json!(kind), &json!(2))
    );
    (cloud, answer)
}

#[test]
fn refusals_of_the_gateway() {
    for (kind, status, message) in [
        ("unauthorized", 401, "Unauthorized"),
        ("status=500", 500, "Internal Server Error"),
        ("status=429", 429, "Too Many Requests"),
        ("not-found", 404, "Not Found"),
    ] {
        let (_, answer) = met(kind);
        let answer = answer.unwrap();
        assert_eq!(answer.status, status, "{kind}");
        assert_eq!(answer.json(), json!({"message": message}));
    }
}

#[test]
fn answers_that_are_none() {
    let (_, answer) = met("html");
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(answer.body.starts_with("<!DOCTYPE html>"));
    let (_, answer) = met("malformed");
    let answer = answer.unwrap();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(
        serde_json::from_str::<Value>(&answer.body).is_err(),
        "{answer:?}"
    );
    let (_, answer) = met("failure-200");
    let answer = answer.unwrap();
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("failure"))
    );
}

#[test]
fn close_and_delay_have_their_effect() {
    let (cloud, answer) = met("close");
    assert!(answer.is_none());
    assert_eq!(cloud.log_entries("request")[2]["status"], Value::Null);
    let began = Instant::now();
    let (_, answer) = met("delay=300");
    assert_eq!(answer.unwrap().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn drop_prevents_handling_and_mute_does_not() {
    for (kind, handled) in [("drop", false), ("mute", true)] {
        let fault = format!("PUT user/custom_data:1:{kind}");
        let cloud = Cloud::start(&["--fault", &fault]);
        let token = cloud.token();
        cloud.leave("PUT", "/v1/user/custom_data", &token, br#"{"x":1}"#);
        let data = cloud.call("GET", "/v1/user/custom_data", &token, &Value::Null);
        assert_eq!(data.json() == json!({"x": 1}), handled, "{kind}");
        let request = &cloud.log_entries("request")[1];
        assert_eq!(
            (&request["method"], &request["status"]),
            (&json!("PUT"), &Value::Null)
        );
    }
}

#[test]
fn faults_change_values_of_answers() {
    let cloud = Cloud::start(&[
        "--fault",
        "user/nodes/mapping/initiate:1:no-challenge",
        "--fault",
        "GET user/nodes/mapping:*:request-status=internal error",
        "--fault",
        "*:*:error-code-string",
    ]);
    let token = cloud.token();
    let initiate = "/v1/user/nodes/mapping/initiate";
    let first = cloud.call("POST", initiate, &token, &json!({})).json();
    assert!(first.get("challenge").is_none() && first["request_id"].is_string());
    let second = cloud.call("POST", initiate, &token, &json!({})).json();
    assert!(second["challenge"].is_string());
    cloud.control("PUT", "nodes/n", &json!({"public_keys": []}));
    let map = json!({"node_id": "n", "secret_key": "s", "operation": "add"});
    let map = cloud
        .call("PUT", "/v1/user/nodes/mapping", &token, &map)
        .json();
    let poll = format!(
        "/v1/user/nodes/mapping?request_id={}",
        map["request_id"].as_str().unwrap()
    );
    let poll = cloud.call("GET", &poll, &token, &Value::Null).json();
    assert_eq!(poll["request_status"], "internal error");
    let refused = cloud.call(
        "PUT",
        "/v1/user/nodes?node_id=n",
        &token,
        &json!({"tags": ["x"]}),
    );
    assert_eq!(refused.json()["error_code"], "105046");
}
