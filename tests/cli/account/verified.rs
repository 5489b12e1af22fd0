//! Which answers of the cloud confirm a signature: espctl reports a device as mapped only if the
//! answer confirms it.

use serde_json::{Value, json};

use super::{Home, answer_ok, request_line, tokens, with_cloud};
use crate::support::device::Device;
use crate::support::espctl::Output;
use crate::support::scripted_server::{ReceivedRequest, Turn, ok};

/// A run whose signature gets this answer. Asked for the node, the cloud has none.
fn verified(answer: Turn) -> (Output, Vec<ReceivedRequest>) {
    let challenge = json!({"challenge": "C", "request_id": "R"});
    let none = answer_ok(&json!({"nodes": []}));
    let (sender, output) = std::sync::mpsc::channel();
    let requests = with_cloud(
        vec![vec![answer_ok(&challenge), answer, none]],
        move |url| {
            let home = Home::with_lab(url);
            home.log_in("lab", &tokens("me"));
            let device = Device::start(&["--sec-ver", "0", "--node-id", "N", "--cap", "ch_resp"]);
            let address = device.address();
            let mut line = vec!["provision", "--no-wifi", "--format", "json"];
            line.extend(address.iter().map(String::as_str));
            sender.send(home.run(&line).output()).unwrap();
        },
    );
    (output.recv().unwrap(), requests)
}

#[test]
fn only_explicit_success_verifies_mapping() {
    for yes in [
        r#"{"status":"success","description":"done"}"#,
        "{}",
        r#"{"status":null}"#,
    ] {
        let (output, _) = verified(Turn::send(ok(yes)));
        let output = output.exits(0);
        assert_eq!(
            output.result()["summary"]["mapped"],
            true,
            "{yes}: {output}"
        );
    }
    let cases = [
        (
            r#"{"status":"error","description":"the words"}"#,
            "cloud-refused",
            "the words",
        ),
        (r#"{"status":"Failure"}"#, "cloud-refused", "HTTP 200"),
        (
            r#"{"error_code":103999,"description":"the words"}"#,
            "cloud-refused",
            "code 103999",
        ),
        (
            r#"{"status":"success","error_code":"103999"}"#,
            "cloud-refused",
            "code 103999",
        ),
        (r#"{"status":false}"#, "cloud-answer", "status"),
        ("null", "cloud-answer", "another type"),
        ("[]", "cloud-answer", "another type"),
        (r#""success""#, "cloud-answer", "another type"),
        ("", "cloud-answer", "empty"),
    ];
    for (no, id, words) in cases {
        let (output, _) = verified(Turn::send(ok(no)));
        let output = output.exits(7);
        let error = output.result()["error"].clone();
        assert_eq!(error["id"], id, "{no}: {output}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{no}: {output}");
        assert_eq!(output.result()["summary"], Value::Null, "{no}: {output}");
    }
}

#[test]
fn html_page_with_status_401_is_no_expired_login() {
    let page = "<html>Log in to the hotspot";
    let first = format!(
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\n\r\n",
        page.len()
    );
    let (output, requests) = verified(Turn::send(first + page));
    let output = output.exits(7);
    let error = output.result()["error"].clone();
    assert_eq!(error["id"], "cloud-answer", "{output}");
    assert!(
        error["message"].to_string().contains("a web page"),
        "{output}"
    );
    // Another challenge was asked for, and not the same signature handed in again; no login was
    // renewed for it.
    let asked: Vec<&str> = requests.iter().map(request_line).collect();
    assert_eq!(asked[1], "POST /v1/user/nodes/mapping/verify");
    assert_eq!(asked[2], "POST /v1/user/nodes/mapping/initiate");
    let handed_in = asked.iter().filter(|line| line.ends_with("/verify"));
    assert_eq!(handed_in.count(), 1, "{asked:?}");
}
