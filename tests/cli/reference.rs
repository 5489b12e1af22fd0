//! What is generated from the command tree: explanations, completions, manual pages.

use std::fs;

use crate::support::device::fresh_path;
use crate::support::espctl::{command, espctl};

#[test]
fn explain_describes_error_id() {
    let output = espctl(["explain", "wrong-pop"]).output().exits(0);
    assert_eq!(output.stderr, "");
    for part in [
        "wrong-pop",
        "exit 5",
        "Why it happens",
        "What to do",
        "--pop",
    ] {
        assert!(output.stdout.contains(part), "{part}\n{output}");
    }
    let result = espctl(["explain", "wrong-pop", "--format", "json"])
        .output()
        .exits(0)
        .result();
    let explanation = &result["explanation"];
    assert_eq!(explanation["id"], "wrong-pop");
    assert_eq!(explanation["exits"], serde_json::json!([5]));
    for key in ["title", "why", "remedy"] {
        assert!(explanation[key].is_string(), "{result}");
    }
}

#[test]
fn explain_without_id_lists_all_by_exit_code() {
    let output = espctl(["explain"]).output().exits(0);
    let mut count = 0;
    let mut codes = Vec::new();
    for group in output.stdout.split("\n\n") {
        let (heading, ids) = group.split_once('\n').unwrap();
        let code = heading.split([' ', ':']).nth(1).unwrap();
        codes.push(code.parse::<u8>().unwrap());
        let ids: Vec<&str> = ids
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert!(ids.is_sorted(), "{output}");
        count += ids.len();
    }
    assert!(count > 40 && codes.is_sorted(), "{output}");
    assert!(codes.contains(&3) && codes.contains(&130), "{output}");
    // For machines it is one list, as ever.
    let result = espctl(["explain", "--format", "json"])
        .output()
        .exits(0)
        .result();
    let errors = result["errors"].as_array().unwrap();
    assert!(errors.len() > 40 && errors.iter().all(|one| one["exits"].is_array()));
}

#[test]
fn explain_describes_finding_of_doctor() {
    let output = espctl(["explain", "bluetooth-off"]).output().exits(0);
    for part in ["espctl doctor --transport ble", "`bluetooth-power`"] {
        assert!(output.stdout.contains(part), "{output}");
    }
    for (id, check) in [
        ("cloud-timed-out", "cloud".into()),
        ("wrong-pop", serde_json::Value::Null),
    ] {
        let run = espctl(["explain", id, "--format", "json"])
            .output()
            .exits(0);
        assert_eq!(run.result()["explanation"]["doctor"], check, "{id}");
    }
}

#[test]
fn unknown_id_suggests_similar_ids() {
    let output = espctl(["explain", "wrong-passwort", "--format=json"])
        .output()
        .exits(2);
    let error = &output.result()["error"];
    assert_eq!(error["id"], "unknown-id");
    assert!(
        error["hints"].to_string().contains("wrong-password"),
        "{output}"
    );
}

#[test]
fn every_shell_gets_a_completion_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = espctl(["completions", shell]).output().exits(0);
        for part in ["espctl", "ESPCTL_COMPLETE"] {
            assert!(output.stdout.contains(part), "{shell}: {part}");
        }
    }
    espctl(["completions", "dos"]).output().exits(2);
}

#[test]
fn installed_bash_parses_completion_script() {
    let script = espctl(["completions", "bash"]).output().exits(0).stdout;
    let path = fresh_path("completions.bash");
    fs::write(&path, script).unwrap();
    match std::process::Command::new("bash")
        .arg("-n")
        .arg(&path)
        .output()
    {
        Ok(checked) => assert!(checked.status.success(), "{checked:?}"),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
}

#[test]
fn man_pages_cover_every_command_without_environment() {
    let main = espctl(["man"])
        .env("ESPCTL_FORMAT", "text")
        .output()
        .exits(0);
    assert!(main.stdout.contains(".TH espctl 1"), "{main}");
    assert!(main.stdout.contains("Exit codes"), "{main}");

    let folder = fresh_path("man");
    let output = espctl(["man", "--out", folder.to_str().unwrap()])
        .env("ESPCTL_POP", "canary-pop")
        .output()
        .exits(0);
    let pages: Vec<&str> = output.stdout.lines().collect();
    for page in ["espctl.1", "espctl-provision.1", "espctl-device-call.1"] {
        let path = folder.join(page);
        assert!(pages.contains(&path.to_str().unwrap()), "{output}");
        let text = fs::read_to_string(path).unwrap();
        assert!(
            text.contains(".SH NAME") && !text.contains("canary-pop"),
            "{text}"
        );
    }
    assert!(!folder.join("espctl-reference.1").exists());
    espctl(["man", "--out", "/dev/null/x"]).output().exits(2);
}

#[test]
fn closed_pipe_does_not_crash() {
    let lines: [&[&str]; 5] = [
        &["explain"],
        &["completions", "bash"],
        &["man"],
        &["reference", "cli"],
        &["--help"],
    ];
    for line in lines {
        let mut child = command(line).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line:?}");
        assert_eq!(output.stderr, b"", "{line:?}");
    }
}
