//! The account's secrets are seen by the cloud, and the secret key by the device as well: tokens,
//! passwords, one-time codes, the session between password and code. Each is shown to have arrived,
//! and is then looked for in everything that was written, the emulated cloud's log included.

use std::fs;

use serde_json::{Value, json};

use super::found;
use crate::cli::account::{Home, answer_ok, ended, refuses, tokens, with_cloud};
use crate::support::cloud::Cloud;
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::{Output, Run};
use crate::support::owner::Owner;
use crate::support::scripted_server::{ReceivedRequest, Turn, ok};

const PASSWORD: &str = "canary+password=ß41c2";
const CODE: &str = "canary-24";
const WRONG_CODE: &str = "canary-25";
const WRONG_PASSWORD: &str = "canary wrong \"password\" 77";
const SESSION: &str = "canary-session/4f2a+b0";

/// A part of a token is enough for the search: no code prints less on purpose.
fn with_signatures(tokens: Vec<String>) -> Vec<String> {
    let signatures = tokens.iter().filter_map(|token| token.rsplit('.').next());
    let signatures: Vec<String> = signatures.map(str::to_owned).collect();
    [tokens, signatures].concat()
}

#[track_caller]
fn assert_none(output: &Output, secrets: &[String]) {
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    assert_eq!(found(output, &secrets), None, "{output}");
}

/// What was written to a file, as if it had been printed.
fn written(text: String) -> Output {
    Output {
        exit: None,
        stdout: text,
        stderr: String::new(),
    }
}

#[test]
fn login_shows_no_secret_from_any_source() {
    let cloud = Cloud::start(&["--password", PASSWORD, "--otp", CODE]);
    let home = Home::with_lab(cloud.url());
    let file = |text: &str| {
        let path = fresh_path("secret");
        fs::write(&path, format!("{text}\n")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (password_file, code_file) = (file(PASSWORD), file(CODE));
    let log = fresh_path("log");
    let log = log.to_str().unwrap();
    let common = [
        "login",
        "--user-name",
        cloud.user(),
        "-vv",
        "--log-file",
        log,
    ];
    let log_in = |more: &[&str]| home.run(&[&common[..], more].concat());
    let from_variable = |name: &str| log_in(&["--code", CODE]).env(name, PASSWORD);

    let ways: [Run; 8] = [
        log_in(&["--password", PASSWORD, "--code", CODE, "--format", "json"]),
        log_in(&["--password", PASSWORD, "--code-file", &code_file]),
        log_in(&["--password-file", &password_file, "--code", CODE]),
        log_in(&["--password-file", "-", "--code", CODE]).stdin(PASSWORD.as_bytes()),
        log_in(&["--password", PASSWORD, "--code-file", "-"]).stdin(CODE.as_bytes()),
        log_in(&["--otp", "--code", CODE]),
        from_variable("ESPCTL_PASSWORD"),
        from_variable("ESP_RAINMAKER_PASSWORD"),
    ];
    let mut secrets = [PASSWORD, CODE, WRONG_CODE, WRONG_PASSWORD]
        .map(str::to_owned)
        .to_vec();
    let mut outputs = Vec::new();
    for (number, way) in ways.into_iter().enumerate() {
        outputs.push(way.output().exits(0));
        // It arrived: the cloud took it, and gave tokens for it.
        assert_eq!(cloud.log_entries("login").len(), number + 1);
        let stored = home.login("lab").unwrap();
        let stored = ["accesstoken", "idtoken", "refreshtoken"].map(|key| stored[key].clone());
        secrets.extend(with_signatures(
            stored
                .map(|token| token.as_str().unwrap().to_owned())
                .to_vec(),
        ));
    }
    for (wrong, format) in [
        (["--password", WRONG_PASSWORD, "--code", CODE], "text"),
        (["--password", PASSWORD, "--code", WRONG_CODE], "json"),
    ] {
        let refused = cloud.log_entries("login_refused").len();
        outputs.push(
            log_in(&[&wrong[..], &["--format", format]].concat())
                .output()
                .exits(8),
        );
        assert_eq!(cloud.log_entries("login_refused").len(), refused + 1);
    }
    let tokens = home.login("lab").unwrap();
    for line in [
        &["whoami", "--check"][..],
        &["node", "list"],
        &["node", "info", "nothing"],
        &["profile", "list"],
        &["profile", "current"],
        &["logout"],
        &["node", "list"],
    ] {
        for format in ["json", "text"] {
            let line = [line, &["-vv", "--log-file", log, "--format", format]].concat();
            outputs.push(home.run(&line).output());
        }
    }
    // In the environment, after they have ended at the cloud.
    let run = home.run(&["node", "list", "-vv"]);
    let run = run.env(
        "ESPCTL_ACCESS_TOKEN",
        tokens["accesstoken"].as_str().unwrap(),
    );
    let run = run.env("ESPCTL_ID_TOKEN", tokens["idtoken"].as_str().unwrap());
    outputs.push(run.output().exits(8));
    assert!(!cloud.log_entries("unauthorized").is_empty());

    outputs.push(written(fs::read_to_string(log).unwrap()));
    outputs.push(written(cloud.log_text()));
    for output in outputs {
        assert_none(&output, &secrets);
    }
}

/// The node's kind, how it goes wrong, what goes wrong at the cloud, how long a token lives, and
/// how the run ends.
const RUNS: [(&str, &[&str], &str, &str, i32); 11] = [
    ("ch_resp", &[], "", "3600", 0),
    ("ch_resp", &[], "", "30", 0),
    ("ch_resp", &["--scenario", "wrong-signature"], "", "3600", 7),
    ("ch_resp", &[], "login2:*:failure-200", "30", 8),
    ("ch_resp", &[], "login2:*:malformed", "30", 7),
    (
        "ch_resp",
        &[],
        "user/nodes/mapping/initiate:*:unauthorized",
        "3600",
        8,
    ),
    ("user_assoc", &[], "", "3600", 0),
    (
        "user_assoc",
        &[],
        "PUT user/nodes/mapping:*:html",
        "3600",
        7,
    ),
    (
        "user_assoc",
        &[],
        "PUT user/nodes/mapping:*:unauthorized",
        "3600",
        8,
    ),
    (
        "user_assoc",
        &[],
        "GET user/nodes/mapping:*:failure-200",
        "3600",
        7,
    ),
    (
        "user_assoc",
        &[],
        "GET user/nodes/mapping:*:request-status=timedout",
        "3600",
        7,
    ),
];

#[test]
fn provisioning_shows_neither_tokens_nor_secret_key() {
    for (number, (capability, scenario, fault, life, exit)) in RUNS.into_iter().enumerate() {
        let owner = Owner::start(&["--password", PASSWORD, "--access-life", life]);
        let mut own = vec!["--sec-ver", "1", "--cap", capability];
        own.extend(["--cloud", owner.cloud.url(), "--time-scale", "0.15"]);
        let device = Device::start(&[&own[..], scenario].concat());
        if !fault.is_empty() {
            owner.set_faults(&[fault.to_owned()]);
        }
        let files = [fresh_path("transcript"), fresh_path("log")];
        let [transcript, log] = files.each_ref().map(|path| path.to_str().unwrap());
        let format = ["text", "json"][number % 2];
        let address = device.address();
        let mut line = vec![
            "provision",
            "-vv",
            "--format",
            format,
            "--pop",
            device.pop(),
        ];
        line.extend(["--ssid", "Home", "--passphrase", "correct horse battery"]);
        line.extend(["--transcript", transcript, "--log-file", log]);
        line.extend(address.iter().map(String::as_str));

        let mut secrets = owner.tokens();
        let output = owner.account.run(&line).output().exits(exit);
        secrets.extend(owner.tokens());
        secrets = with_signatures(secrets);
        secrets.push(PASSWORD.to_owned());
        let received = device.log_entries("user_mapping_received");
        for entry in &received {
            secrets.push(entry["secret_key"].as_str().unwrap().to_owned());
        }
        assert_eq!(
            received.len(),
            usize::from(capability == "user_assoc"),
            "{fault}"
        );
        if exit == 0 {
            assert!(owner.has(&device), "it did not arrive");
        }
        assert_none(&output, &secrets);
        for path in files {
            // A run that ends before the device has none.
            assert_none(
                &written(fs::read_to_string(path).unwrap_or_default()),
                &secrets,
            );
        }
        assert_none(&written(owner.cloud.log_text()), &secrets);
    }
}

/// The secrets of a request.
fn carried(request: &ReceivedRequest) -> String {
    let token = request.header("authorization").unwrap_or_default();
    format!("{token} {}", String::from_utf8_lossy(&request.body))
}

fn with_status(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

type Parrot = fn(&ReceivedRequest) -> Vec<u8>;

/// Servers that repeat the request, each in another place.
const PARROTS: [(&str, Parrot); 8] = [
    ("description", |request| {
        let body = json!({"status": "failure", "description": carried(request)});
        with_status("400 Bad Request", &body.to_string())
    }),
    ("error_code", |request| {
        let body = json!({"status": "failure", "error_code": carried(request)});
        ok(body.to_string())
    }),
    ("message", |request| {
        let body = json!({"message": carried(request)});
        with_status("401 Unauthorized", &body.to_string())
    }),
    ("error_description", |request| {
        let body = json!({"error": "x", "error_description": carried(request)});
        with_status("403 Forbidden", &body.to_string())
    }),
    ("page", |request| ok(format!("<html>{}", carried(request)))),
    ("page of an error", |request| {
        with_status("401 Unauthorized", &format!("<html>{}", carried(request)))
    }),
    ("half of an answer", |request| {
        ok(format!("{{\"accesstoken\": {}", json!(carried(request))))
    }),
    ("another type", |request| {
        let received = carried(request);
        ok(json!({
            "accesstoken": {&received: received}, "session": [received], "nodes": received, "groups": received,
            "user_id": [received], "challenge": {&received: 1}, "request_id": 7,
        })
        .to_string())
    }),
];

#[test]
fn server_that_echoes_requests_reveals_no_secret() {
    let login = ["login", "--user-name", "me", "--password", WRONG_PASSWORD];
    let with_code = ["login", "--user-name", "me", "--otp", "--code", CODE];
    let device = Device::start(&["--sec-ver", "0"]);
    let address = device.address();
    let mut provision = vec!["provision", "--no-wifi"];
    provision.extend(address.iter().map(String::as_str));
    // What is run, whether its login has to be renewed first, and what has to have arrived.
    let (access, refresh) = ("canary-stored", "refresh-canary-stored");
    let runs: [(&[&str], bool, &[&str]); 7] = [
        (&login, false, &["77"]),
        (&with_code, false, &[SESSION, CODE]),
        (&["node", "list"], false, &[access]),
        (&["node", "list"], true, &[refresh]),
        (&["whoami", "--check"], false, &[access]),
        (&["logout"], false, &[access]),
        (&provision, false, &[access]),
    ];
    for (name, parrot) in PARROTS {
        for (line, renewed, arrived) in runs {
            let mut stored = tokens("canary-stored");
            if renewed {
                stored["accesstoken"] = json!(ended("canary-ended"));
            }
            let mut turns = vec![Turn::Reply(parrot); 4];
            if line.contains(&"--otp") {
                turns.insert(
                    0,
                    answer_ok(&json!({"status": "success", "session": SESSION})),
                );
            }
            let secrets = secrets_of(&stored);
            let line: Vec<String> = line.iter().map(ToString::to_string).collect();
            let request = with_cloud(vec![turns; 4], move |url| {
                for format in ["text", "json"] {
                    let home = Home::with_lab(url);
                    home.log_in("lab", &stored);
                    let mut line: Vec<&str> = line.iter().map(String::as_str).collect();
                    line.extend(["-vv", "--format", format]);
                    let output = home.run(&line).output();
                    assert_none(&output, &secrets);
                    assert!(
                        matches!(output.exit, Some(7 | 8)) || line[0] == "logout",
                        "{name}\n{output}"
                    );
                    if name == "description" && line[0] != "logout" {
                        assert!(output.to_string().contains("<redacted>"), "{output}");
                    }
                }
            });
            let all: String = request.iter().map(carried).collect();
            for secret in arrived {
                assert!(all.contains(secret), "{secret} did not arrive: {all}");
            }
        }
    }
    assert!(device.log_entries("connection_opened").is_empty());
}

fn secrets_of(stored: &Value) -> Vec<String> {
    let stored = ["accesstoken", "idtoken", "refreshtoken"].map(|key| stored[key].clone());
    let stored = stored.map(|token| token.as_str().unwrap().to_owned());
    let mut secrets = with_signatures(stored.to_vec());
    secrets.extend([WRONG_PASSWORD, CODE, SESSION].map(str::to_owned));
    secrets
}

/// The secret that a test cannot know before the run.
#[test]
fn server_that_echoes_secret_key_does_not_reveal_it() {
    let echo = Turn::Reply(PARROTS[0].1);
    let challenge = answer_ok(&json!({"challenge": "c", "request_id": "r"}));
    let device = Device::start(&["--sec-ver", "0", "--cap", "user_assoc"]);
    let (received, secret) = std::sync::mpsc::channel();
    let request = with_cloud(
        vec![vec![challenge, echo.clone()], vec![echo]],
        move |url| {
            let home = Home::with_lab(url);
            home.log_in("lab", &tokens("canary-stored"));
            let address = device.address();
            let mut line = vec!["provision", "-vv", "--ssid", "Home"];
            line.extend(["--passphrase", "correct horse battery"]);
            line.extend(address.iter().map(String::as_str));
            let output = home.run(&line).output().exits(7);
            let key = device.log_entries("user_mapping_received")[0]["secret_key"].clone();
            let key = key.as_str().unwrap().to_owned();
            assert!(output.stderr.contains("<redacted>"), "{output}");
            assert_none(&output, std::slice::from_ref(&key));
            received.send(key).unwrap();
        },
    );
    let key = secret.recv().unwrap();
    assert!(request.iter().any(|one| carried(one).contains(&key)));
}

/// A refusal in the cloud's own words is still shown.
#[test]
fn other_text_of_the_cloud_is_kept() {
    let body = json!({"status": "failure", "description": "this account is asleep"});
    with_cloud(vec![vec![refuses("400 Bad Request", &body)]], |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("me"));
        let output = home.run(&["node", "list"]).output().exits(7);
        assert!(output.stderr.contains("this account is asleep"), "{output}");
    });
}
