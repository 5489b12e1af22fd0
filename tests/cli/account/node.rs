//! What the account owns.

use serde_json::{Value, json};

use super::{Home, access, answer_ok, body, refuses, request_line, tokens, with_cloud};
use crate::support::scripted_server::{Turn, ok};

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
fn lists_nodes_page_by_page() {
    let first = json!({"nodes": ["node-1"], "node_details": [details()], "next_id": "node-1"});
    let last = json!({"nodes": ["node-2"], "total": 2});
    let script = vec![vec![answer_ok(&first), answer_ok(&last)]; 2];
    let requests = with_cloud(script, |url| {
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
    assert!(request_line(&requests[0]).starts_with("GET /v1/user/nodes?"));
    assert_eq!(
        requests[0].header("authorization"),
        Some(access("me").as_str())
    );
}

/// Runs `node list` against these pages; it fails.
fn list_fails(pages: &[Value]) -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    let turns = pages.iter().map(answer_ok).collect();
    with_cloud(vec![turns], move |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        let output = home.error(&["node", "list"], 7, "cloud-answer");
        sender.send(output.stderr).unwrap();
    });
    receiver.recv().unwrap()
}

#[cfg(unix)]
#[test]
fn person_sees_that_the_cloud_is_awaited() {
    use crate::support::pty::{CTRL_C, Terminal};

    with_cloud(vec![vec![Turn::silence()]], |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        let variables = [("RM_USER_CONFIG_DIR", home.0.to_str().unwrap())];
        let mut terminal = Terminal::start(["node", "list"], &variables);
        terminal.shows("Waiting for the cloud");
        terminal.type_keys(CTRL_C);
        let screen = terminal.exits(130);
        assert!(screen.contains("error: interrupted"), "{screen}");
    });
}

#[test]
fn list_of_nodes_has_a_largest_size() {
    let ids: Vec<String> = (0..60_000).map(|number| format!("n{number}")).collect();
    let page = |next: &str| json!({"nodes": ids, "next_id": next});
    let error = list_fails(&[page("a"), page("")]);
    assert!(error.contains("more than 100000 entries"), "{error}");

    let padding = "x".repeat(7_000_000);
    let page =
        |number: u32| json!({"nodes": [], "padding": padding, "next_id": number.to_string()});
    let error = list_fails(&(1..=10).map(page).collect::<Vec<_>>());
    assert!(
        error.contains("all its pages together are too long"),
        "{error}"
    );
}

/// A quadratic search for repeated ids took minutes.
#[test]
fn longest_list_of_nodes_takes_seconds() {
    let ids: Vec<String> = (0..100_000).map(|number| format!("n{number}")).collect();
    with_cloud(vec![vec![answer_ok(&json!({"nodes": ids}))]], |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        let listed = home.result(&["node", "list"]);
        assert_eq!(listed["nodes"].as_array().unwrap().len(), 100_000);
    });
}

#[test]
fn paging_ends_for_any_answer_of_the_cloud() {
    let page = |id: &str, next: &str| {
        answer_ok(&json!({"nodes": [id], "groups": [{"group_id": id}], "next_id": next}))
    };
    let circle = vec![page("1", "a"), page("2", "b"), page("3", "a")];
    let provision = [
        "provision",
        "--no-wifi",
        "--device-ip",
        "127.0.0.1",
        "--device-port",
        "1",
    ];
    let groups = [&provision[..], &["--group", "Home"]].concat();
    let requests = with_cloud(vec![circle; 2], move |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        for line in [&["node", "list"][..], &groups] {
            let output = home.error(line, 7, "cloud-answer");
            assert!(output.stderr.contains("its pages do not end"), "{output}");
        }
    });
    assert_eq!(requests.len(), 6);

    // New ones for ever: the next page is named after the last.
    let another = Turn::Reply(|requests| {
        let start = request_line(requests).split_once("start_id=");
        let next = format!("{}x", start.map_or("", |(_, start)| start));
        ok(json!({"nodes": [next], "next_id": next}).to_string())
    });
    let requests = with_cloud(vec![vec![another; 1001]], |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        home.error(&["node", "list"], 7, "cloud-answer");
    });
    assert_eq!(requests.len(), 1000);
}

#[test]
fn malformed_entry_does_not_hide_others() {
    let odd = json!({
        "nodes": ["node-1", null], "next_id": null, "total": 2,
        "node_details": [{"id": "node-1", "tags": ["a:b", 7, null]}, null],
    });
    let nothing = json!({"nodes": null, "node_details": null});
    with_cloud(
        vec![vec![answer_ok(&odd)], vec![answer_ok(&nothing)]],
        |url| {
            let home = Home::with_lab(url);
            home.log_in("lab", &tokens("me"));
            let listed = home.result(&["node", "list"])["nodes"].clone();
            assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
            assert_eq!(listed[0]["tags"], json!(["a:b"]));
            assert_eq!(home.result(&["node", "list"])["nodes"], json!([]));
        },
    );
}

#[test]
fn rejection_for_another_reason_is_reported() {
    let refusal =
        |code: u32| json!({"status": "failure", "error_code": code, "description": "the words"});
    let script = vec![
        vec![refuses("403 Forbidden", &refusal(100_001))],
        vec![refuses("400 Bad Request", &refusal(100_001))],
        vec![refuses("400 Bad Request", &refusal(103_905))],
        vec![refuses("404 Not Found", &refusal(100_001))],
    ];
    with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        for _ in 0..2 {
            let output = home.error(&["node", "info", "node-1"], 7, "cloud-refused");
            assert!(output.stderr.contains("the words"), "{output}");
        }
        for _ in 0..2 {
            home.error(&["node", "info", "node-1"], 2, "unknown-node");
        }
    });
}

#[test]
fn describes_one_node_or_reports_it_unknown() {
    let page = json!({"nodes": ["node-1"], "node_details": [details()]});
    let script = vec![
        vec![answer_ok(&page)],
        vec![answer_ok(&json!({"nodes": []}))],
    ];
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
fn removes_node_only_if_confirmed() {
    let refusal =
        json!({"status": "failure", "error_code": 103_012, "description": "No such mapping"});
    let script = vec![
        vec![answer_ok(&json!({"status": "success"}))],
        vec![
            refuses("400 Bad Request", &refusal),
            answer_ok(&json!({"nodes": ["node-1"]})),
        ],
        vec![
            refuses("400 Bad Request", &refusal),
            answer_ok(&json!({"nodes": []})),
        ],
    ];
    let requests = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        home.error(&["node", "remove", "node-1"], 2, "confirmation-needed");
        let removed = home.result(&["node", "remove", "node-1", "--yes"]);
        assert_eq!(removed["removed"], "node-1");
        let output = home.error(&["node", "remove", "node-1", "--yes"], 7, "cloud-refused");
        assert!(output.stderr.contains("No such mapping"), "{output}");
        // One that is not there is not for a later try.
        home.error(&["node", "remove", "node-1", "--yes"], 2, "unknown-node");
    });
    assert_eq!(requests.len(), 5, "what was not confirmed was not sent");
    assert_eq!(
        body(&requests[0]),
        json!({"node_id": "node-1", "operation": "remove"})
    );
}

#[cfg(unix)]
#[test]
fn terminal_confirms_before_removing_node() {
    use crate::support::pty::{ENTER, Terminal};
    let requests = with_cloud(
        vec![vec![answer_ok(&json!({"status": "success"}))]],
        |url| {
            let home = Home::with_lab(url);
            home.log_in("lab", &tokens("me"));
            for (answer, exit) in [("n", 2), ("y", 0)] {
                let folder = home.0.to_str().unwrap();
                let variables = [("RM_USER_CONFIG_DIR", folder)];
                let mut terminal = Terminal::start(["node", "remove", "node-1"], &variables);
                terminal.shows("Remove node-1 from the account?");
                terminal.type_keys(answer);
                terminal.type_keys(ENTER);
                terminal.exits(exit);
            }
        },
    );
    assert_eq!(requests.len(), 1);
}
