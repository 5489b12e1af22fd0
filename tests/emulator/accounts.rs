//! Logging in, tokens, and what is refused without one.

use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::espctl::{espctl, send_signal};

#[test]
fn only_right_password_logs_in() {
    let cloud = Cloud::start(&["--also-user", "bob@example.com:Bobs-Passw0rd"]);
    let answer = cloud.log_in(cloud.user(), cloud.password());
    assert_eq!(answer.status, 200);
    assert!(answer.json()["refreshtoken"].is_string());
    let token = answer.json()["accesstoken"].as_str().unwrap().to_owned();
    let me = cloud.call("GET", "/v1/user2?custom_data=true", &token, &Value::Null);
    assert_eq!(me.json()["user_name"], cloud.user());
    assert_eq!(me.json()["user_id"], cloud.user_id());
    assert_eq!(me.json()["custom_data"], json!({}));
    for (user, password) in [(cloud.user(), "wrong"), ("nobody", cloud.password())] {
        let refused = cloud.log_in(user, password);
        assert_eq!(refused.status, 401, "{refused:?}");
        assert_eq!(refused.json()["status"], "failure");
        assert!(refused.json()["error_code"].is_number());
    }
    assert_eq!(cloud.log_in("bob@example.com", "Bobs-Passw0rd").status, 200);
    assert_eq!(cloud.log_entries("login").len(), 2);
    assert_eq!(cloud.log_entries("login_refused").len(), 2);
}

#[test]
fn invalid_token_gets_401_of_gateway() {
    let cloud = Cloud::start(&["--access-life", "600"]);
    let token = cloud.token();
    let status = |token: &str| {
        let answer = cloud.call("GET", "/v1/user/nodes", token, &Value::Null);
        if answer.status == 401 {
            assert_eq!(answer.json(), json!({"message": "Unauthorized"}));
        }
        answer.status
    };
    assert_eq!(status(&token), 200);
    assert_eq!(status(""), 401);
    assert_eq!(status("nonsense"), 401);
    assert_eq!(status(&format!("Bearer {token}")), 401);
    cloud.advance(600);
    assert_eq!(status(&token), 401);
    let why: Vec<Value> = cloud
        .log_entries("unauthorized")
        .iter()
        .map(|entry| entry["why"].clone())
        .collect();
    assert!(why[2].as_str().unwrap().contains("Bearer"), "{why:?}");
    assert!(why[3].as_str().unwrap().contains("expired"), "{why:?}");
}

#[test]
fn refresh_token_returns_new_tokens() {
    for (flags, rotates) in [(&[][..], false), (&["--rotate-refresh"][..], true)] {
        let cloud = Cloud::start(flags);
        let first = cloud.log_in(cloud.user(), cloud.password()).json();
        cloud.advance(4000);
        let body = json!({"refreshtoken": first["refreshtoken"]});
        let second = cloud.call("POST", "/v1/login2", "", &body).json();
        assert_eq!(second["refreshtoken"].is_string(), rotates);
        let token = second["accesstoken"].as_str().unwrap();
        let nodes = cloud.call("GET", "/v1/user/nodes", token, &Value::Null);
        assert_eq!(nodes.status, 200);
        let again = cloud.call("POST", "/v1/login2", "", &body);
        assert_eq!(again.status == 401, rotates);
    }
}

#[test]
fn code_is_second_factor_or_sufficient_alone() {
    let cloud = Cloud::start(&["--otp", "471108"]);
    for password in [Some(cloud.password()), None] {
        let mut body = json!({"user_name": cloud.user()});
        if let Some(password) = password {
            body["password"] = json!(password);
        }
        let answer = cloud.call("POST", "/v1/login2", "", &body).json();
        assert!(answer.get("accesstoken").is_none());
        let mut body = json!({
            "user_name": cloud.user(), "session": answer["session"], "verification_code": "000000",
        });
        assert_eq!(cloud.call("POST", "/v1/login2", "", &body).status, 401);
        body["verification_code"] = json!("471108");
        let answer = cloud.call("POST", "/v1/login2", "", &body).json();
        assert!(answer["accesstoken"].is_string());
    }
}

#[test]
fn browser_login_code_is_valid_once() {
    let cloud = Cloud::start(&[]);
    let page = cloud.call("GET", "/login?port=4711&host_url=x", "", &Value::Null);
    assert_eq!(page.status, 302);
    let target = page.header("location").unwrap();
    let code = target.strip_prefix("http://127.0.0.1:4711/?code=").unwrap();
    let form = |code: &str| {
        let form = format!(
            "grant_type=authorization_code&client_id=x&code={code}&redirect_uri=http%3A%2F%2Fx"
        );
        cloud.call("POST", "/token", "", &Value::String(form))
    };
    let tokens = form(code).json();
    for name in ["id_token", "access_token", "refresh_token"] {
        assert!(tokens[name].is_string(), "{name}");
    }
    assert_eq!(form(code).status, 400);
    let page = cloud.call("GET", "/login?port=4711&state=a%26b", "", &Value::Null);
    assert!(page.header("location").unwrap().ends_with("&state=a%26b"));
    assert_eq!(form("made-up").json(), json!({"error": "invalid_grant"}));
    assert!(!cloud.log_text().contains(code));
    for port in ["", "0", "99999", "x@evil"] {
        let page = cloud.call("GET", &format!("/login?port={port}"), "", &Value::Null);
        assert_eq!(page.status, 400, "{port}");
    }
}

#[test]
fn after_a_logout_nothing_counts_any_more() {
    let cloud = Cloud::start(&[]);
    let answer = cloud.log_in(cloud.user(), cloud.password()).json();
    let token = answer["accesstoken"].as_str().unwrap();
    let log_out = |token| cloud.call("POST", "/v1/logout2", token, &json!({})).status;
    assert_eq!(log_out(token), 200);
    assert_eq!(log_out(token), 401);
    let body = json!({"refreshtoken": answer["refreshtoken"]});
    assert_eq!(cloud.call("POST", "/v1/login2", "", &body).status, 401);
}

#[test]
fn claims_can_be_made_awkward() {
    let user = "ü~?>@example.com";
    for (flags, awkward) in [(&[][..], false), (&["--base64url-claims"][..], true)] {
        let cloud = Cloud::start(&[&["--user", user], flags].concat());
        let answer = cloud.log_in(user, cloud.password()).json();
        for name in ["accesstoken", "idtoken"] {
            let payload = answer[name].as_str().unwrap().split('.').nth(1).unwrap();
            assert_eq!(payload.contains(['-', '_']), awkward, "{payload}");
        }
    }
}

#[test]
fn log_contains_no_secret() {
    let cloud = Cloud::start(&["--password", "c4nary-Passw0rd"]);
    let answer = cloud.log_in(cloud.user(), "c4nary-Passw0rd").json();
    let token = answer["accesstoken"].as_str().unwrap();
    let refresh = json!({"refreshtoken": answer["refreshtoken"]});
    cloud.call("POST", "/v1/login2", "", &refresh);
    let map = json!({"node_id": "n", "secret_key": "c4nary-key", "operation": "add"});
    cloud.call("PUT", "/v1/user/nodes/mapping", token, &map);
    let params =
        json!([{"node_id": "n", "payload": {"RMUserAuth": {"UserToken": "c4nary-token"}}}]);
    cloud.call("PUT", "/v1/user/nodes/params", token, &params);
    let log = cloud.log_text();
    assert_eq!(cloud.log_entries("request").len(), 4);
    assert_eq!(cloud.log_entries("request")[2]["user_id"], cloud.user_id());
    let refresh = answer["refreshtoken"].as_str().unwrap();
    let id = answer["idtoken"].as_str().unwrap();
    for secret in ["c4nary", token, refresh, id] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
}

#[test]
fn large_bodies_and_unknown_paths_are_refused() {
    let cloud = Cloud::start(&[]);
    let large = vec![b'x'; 70 * 1024];
    // A refusal before all was read may also be seen as a reset.
    if let Ok(Some(answer)) = cloud.exchange("POST", "/v1/login2", "", &large) {
        assert_eq!(answer.status, 413);
    }
    let token = cloud.token();
    for path in ["/", "/v1", "/v1/user/nothing", "/emulator/nothing"] {
        assert_eq!(
            cloud.call("GET", path, &token, &Value::Null).status,
            404,
            "{path}"
        );
    }
    let versions = cloud.call("GET", "/apiversions", "", &Value::Null).json();
    assert_eq!(versions["supported_versions"], json!(["v1"]));
}

#[test]
fn interrupt_ends_cloud() {
    let mut cloud = Cloud::start(&[]);
    send_signal("-INT", cloud.process());
    assert_eq!(cloud.wait(), Some(130));
}

#[test]
fn rejects_invalid_flags() {
    for (flags, expected) in [
        (&["--fault", "login2:1:explode"][..], "no-challenge"),
        (&["--also-user", "bob"], "NAME:PASSWORD"),
        (&["--also-user", "user@example.com:x"], "already"),
        (&["--page-size", "0"], "page-size"),
    ] {
        let output = espctl(["emulate", "cloud"].iter().chain(flags)).output();
        let output = output.exits(2);
        assert!(output.stderr.contains(expected), "{output}");
    }
}
