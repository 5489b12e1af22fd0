//! What the account owns.

use serde_json::{Value, json};

use super::{Home, access, body, refuses, request_line, says, tokens, with_cloud};

fn details() -> Value {
    json!({
        "id": "node-1",
        "role": "primary",
        "config": {"info": {"name": "Lamp\u{1b}[2J", "type": "Lightbulb", "fw_version": "1.2"}},
        "status": {"connectivity": {"connected": true, "timestamp": 1_700_000_000_000_u64}},
        "params": {"RMUserAuth": {"UserToken": "canary"}},
        "tags": ["room:office"],
    })
}

#[test]
fn nodes_are_listed_page_by_page() {
    let first = json!({"nodes": ["node-1"], "node_details": [details()], "next_id": "node-1"});
    let last = json!({"nodes": ["node-2"], "total": 2});
    let script = vec![vec![says(&first), says(&last)]; 2];
    let heard = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        let listed = home.result(&["node", "list"]);
        assert_eq!(listed["nodes"][0]["node_id"], "node-1");
        assert_eq!(listed["nodes"][0]["role"], "primary");
        assert_eq!(listed["nodes"][1]["node_id"], "node-2");
        assert!(!listed.to_string().contains("canary"), "{listed}");
        let output = home.run(&["node", "list"]).output().exits(0);
        let lines: Vec<&str> = output.stdout.lines().collect();
        assert!(lines[0].starts_with("NODE ID"), "{output}");
        assert!(
            lines[1].contains("Lightbulb") && lines[1].contains("room:office"),
            "{output}"
        );
        assert!(lines[2].starts_with("node-2"), "{output}");
        assert!(!output.stdout.contains('\u{1b}'), "{output}");
    });
    assert!(request_line(&heard[0]).starts_with("GET /v1/user/nodes?"));
    assert_eq!(
        heard[0].header("authorization"),
        Some(access("me").as_str())
    );
}

#[test]
fn one_node_is_described_or_unknown() {
    let page = json!({"nodes": ["node-1"], "node_details": [details()]});
    let script = vec![vec![says(&page)], vec![says(&json!({"nodes": []}))]];
    with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        let node = home.result(&["node", "info", "node-1"])["node"].clone();
        assert_eq!(node["config"]["info"]["type"], "Lightbulb");
        assert_eq!(node["params"]["RMUserAuth"]["UserToken"], "<redacted>");
        home.error(&["node", "info", "node-9"], 2, "unknown-node");
    });
}

#[test]
fn a_node_is_removed_when_that_is_confirmed() {
    let refusal =
        json!({"status": "failure", "error_code": 103_012, "description": "No such mapping"});
    let script = vec![
        vec![says(&json!({"status": "success"}))],
        vec![refuses("400 Bad Request", &refusal)],
    ];
    let heard = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        home.error(&["node", "remove", "node-1"], 2, "confirmation-needed");
        let removed = home.result(&["node", "remove", "node-1", "--yes"]);
        assert_eq!(removed["removed"], "node-1");
        let output = home.error(&["node", "remove", "node-1", "--yes"], 7, "cloud-refused");
        assert!(output.stderr.contains("No such mapping"), "{output}");
    });
    assert_eq!(heard.len(), 2, "what was not confirmed was not sent");
    assert_eq!(
        body(&heard[0]),
        json!({"node_id": "node-1", "operation": "remove"})
    );
}

#[cfg(unix)]
#[test]
fn a_terminal_is_asked_before_a_node_is_removed() {
    use crate::support::pty::{ENTER, Terminal};
    let heard = with_cloud(vec![vec![says(&json!({"status": "success"}))]], |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        for (answer, exit) in [("n", 2), ("y", 0)] {
            let folder = home.0.to_str().unwrap();
            let variables = [("RM_USER_CONFIG_DIR", folder)];
            let mut terminal = Terminal::start(["node", "remove", "node-1"], &variables);
            terminal.shows("Remove node-1 from the account?");
            terminal.types(answer);
            terminal.types(ENTER);
            terminal.exits(exit);
        }
    });
    assert_eq!(heard.len(), 1);
}
