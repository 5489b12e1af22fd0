//! `--support-bundle` by the shipped binary: what is in the file, however the run ended, and what is
//! not done for it. That no secret is in it is shown by `canary/bundle.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::{Run, espctl, send_signal, watch_for};
use crate::support::owner::Owner;

/// A bundle that was read.
struct Bundle(String);

impl Bundle {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("espctl support bundle, form 1"), "{text}");
        Self(text)
    }

    #[track_caller]
    fn lines(&self, section: &str) -> Vec<&str> {
        let heading = format!("## {section}");
        let lines = self.0.lines();
        let mut lines = lines.skip_while(|line| *line != heading);
        assert!(lines.next().is_some(), "no {section}\n{}", self.0);
        let lines = lines.take_while(|line| !line.starts_with("## "));
        lines.filter(|line| !line.is_empty()).collect()
    }

    #[track_caller]
    fn objects(&self, section: &str) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        self.lines(section).into_iter().map(parse).collect()
    }

    fn one(&self, section: &str) -> Value {
        self.objects(section).remove(0)
    }

    fn findings(&self) -> Vec<String> {
        let ids = self.objects("doctor");
        let ids = ids.iter().filter_map(|one| one["id"].as_str());
        ids.map(str::to_owned).collect()
    }
}

/// Where a bundle goes.
fn place() -> PathBuf {
    fresh_path("bundle.txt")
}

fn with_bundle(line: &[&str], path: &Path) -> Run {
    let flags = ["--support-bundle", path.to_str().unwrap()];
    espctl([line, &flags[..]].concat())
}

fn provisioning(device: &Device, more: &[&str]) -> Vec<String> {
    let mut line = ["provision", "--no-cloud", "--ssid", "Home"]
        .map(str::to_owned)
        .to_vec();
    line.extend(device.address());
    line.extend(more.iter().map(ToString::to_string));
    line
}

const PASSPHRASE: [&str; 2] = ["--passphrase", "correct horse battery"];

#[test]
fn successful_run_writes_complete_bundle() {
    let device = Device::start(&[]);
    let path = place();
    fs::write(&path, "what was there before").unwrap();
    let line = provisioning(
        &device,
        &[&["--pop", device.pop()], &PASSPHRASE[..]].concat(),
    );
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let output = with_bundle(&line, &path)
        .env("ESPCTL_JOIN_TIMEOUT", "30")
        .output()
        .exits(0);
    assert!(output.stderr.contains("support bundle is in"), "{output}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let bundle = Bundle::read(&path);
    let run = bundle.one("run");
    assert_eq!(
        run["program"],
        concat!("espctl ", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(run["exit"], 0);
    let command = run["command"].as_str().unwrap();
    for part in [
        "espctl provision --pop <redacted> ",
        " --device-ip 127.0.0.1 --device-port ",
        " --ssid Home --passphrase <redacted> ",
    ] {
        assert!(command.contains(part), "{command}");
    }
    let environment = run["environment"].to_string();
    assert!(environment.contains("ESPCTL_JOIN_TIMEOUT=30"), "{run}");
    assert_eq!(bundle.one("system")["os"], std::env::consts::OS);
    assert_eq!(bundle.one("result")["summary"]["ssid"], "Home");
    let findings = bundle.findings();
    assert!(
        findings.iter().any(|id| id == "device-route"),
        "{findings:?}"
    );
    let timings = bundle.objects("timings");
    let took = |name: &str| {
        let of = |one: &&Value| one["step"] == name || one["stage"] == name;
        timings
            .iter()
            .find(of)
            .and_then(|one| one["took_ms"].as_u64())
    };
    assert!(took("secure").is_some() && took("confirm_wifi").is_some());
    let events = bundle.objects("events");
    assert!(events.iter().any(|one| one["event"] == "wifi_joined"));
    let transcript = bundle.objects("transcript");
    assert_eq!(transcript[0]["event"], "begun");
    assert!(transcript.iter().any(|one| one["event"] == "command"));
    let log = bundle.lines("log").join("\n");
    assert!(
        log.contains("TRACE") && log.contains("prov-config"),
        "{log}"
    );
}

#[test]
fn failed_run_writes_bundle() {
    let device = Device::start(&["--sec-ver", "1", "--pop", "another"]);
    let wrong_pop = provisioning(&device, &[&["--pop", "guess"], &PASSPHRASE[..]].concat());
    let missing = ["provision", "--no-cloud"].map(str::to_owned).to_vec();
    for (line, exit, id) in [(wrong_pop, 5, "wrong-pop"), (missing, 2, "missing-ssid")] {
        let path = place();
        let mut line: Vec<&str> = line.iter().map(String::as_str).collect();
        line.extend(["--format", "json"]);
        let output = espctl(&line)
            .env("ESPCTL_SUPPORT_BUNDLE", path.to_str().unwrap())
            .output()
            .exits(exit);
        assert_eq!(output.stderr, "");
        assert_eq!(output.result()["error"]["id"], id);
        let bundle = Bundle::read(&path);
        assert_eq!(bundle.one("run")["exit"], exit);
        assert_eq!(bundle.one("result")["error"]["id"], id);
        assert!(!bundle.findings().is_empty());
    }
}

#[test]
fn interrupted_run_writes_bundle() {
    // No device answers there anymore.
    let mut device = Device::start(&[]);
    device.kill();
    let address = device.address();
    let path = place();
    let mut line = vec!["provision", "--no-cloud", "--ssid", "Home", "--open"];
    line.extend(address.iter().map(String::as_str));
    line.extend(["--discovery-timeout", "50", "--format", "json"]);
    line.extend(["--support-bundle", path.to_str().unwrap()]);
    let output = watch_for(&line, "search_started", |run| send_signal("-INT", run));
    let output = output.exits(130);
    assert_eq!(output.result()["error"]["id"], "interrupted");
    let bundle = Bundle::read(&path);
    assert_eq!(bundle.one("run")["exit"], 130);
    let search = &bundle.objects("timings")[0];
    assert_eq!(
        (&search["step"], &search["took_ms"]),
        (&"search".into(), &Value::Null)
    );
}

#[test]
fn unwritable_bundle_path_fails_before_run() {
    let device = Device::start(&[]);
    let line = provisioning(
        &device,
        &[&["--pop", device.pop()], &PASSPHRASE[..]].concat(),
    );
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let output = with_bundle(&line, Path::new("/dev/null/bundle"))
        .output()
        .exits(2);
    assert!(
        output.stderr.contains("espctl explain unwritable-file"),
        "{output}"
    );
    assert_eq!(device.requests("proto-ver"), 0);
}

#[test]
fn invalid_command_line_writes_bundle() {
    let path = place();
    let line = ["explain", "wrong-pop", "--log-file", "/dev/null/x"];
    with_bundle(&line, &path).output().exits(2);
    let bundle = Bundle::read(&path);
    assert_eq!(bundle.one("result")["error"]["id"], "unwritable-file");

    // A line that is not understood is not repeated, and what was there does not stay.
    let flag = format!("--support-bundle={}", path.display());
    for line in [
        &["provision", "--nonsense", "canary", &flag][..],
        &[&flag, "nonsense", "canary"],
        &["provision", "canary"],
    ] {
        fs::write(&path, "what was there before").unwrap();
        let run = espctl(["--format", "json", "--retries=canary"].iter().chain(line));
        run.env("ESPCTL_SUPPORT_BUNDLE", path.to_str().unwrap())
            .output()
            .exits(2);
        let bundle = Bundle::read(&path);
        assert_eq!(bundle.one("run")["exit"], 2);
        assert_eq!(bundle.one("result")["error"]["id"], "usage");
        assert!(!bundle.0.contains("canary"), "{}", bundle.0);
    }
}

#[test]
fn bundle_does_not_replace_files_of_the_run() {
    let path = place();
    let folder = path.parent().unwrap();
    let name = path.file_name().unwrap();
    // Another spelling of the same place.
    let other = folder.join(".").join(name);
    let other = other.to_str().unwrap();
    let label = format!("@{other}");
    let provision = ["provision", "--no-cloud", "--ssid", "Home"];
    for (flag, value) in [
        ("--log-file", other),
        ("--transcript", other),
        ("--pop-file", other),
        ("--passphrase-file", other),
        ("--sec2-password-file", other),
        ("--qrcode", &label),
    ] {
        for is_there in [true, false] {
            if is_there {
                fs::write(&path, "dear").unwrap();
            } else {
                fs::remove_file(&path).unwrap();
            }
            let line = [&provision[..], &[flag, value]].concat();
            let output = with_bundle(&line, &path).output().exits(2);
            let message = format!("--support-bundle and {flag} name the same file");
            assert!(output.stderr.contains(&message), "{output}");
            assert!(output.stderr.contains("conflicting-flags"), "{output}");
            // Not even where the rest of the line is not understood.
            let line = [&line[..], &["--nonsense"]].concat();
            with_bundle(&line, &path).output().exits(2);
            let text = fs::read_to_string(&path).ok();
            assert_eq!(text.as_deref(), is_there.then_some("dear"), "{flag}");
        }
    }
    for flag in ["--support-bundle", "--log-file"] {
        let output = espctl(["explain", "wrong-pop", flag, "-"]).output();
        let output = output.exits(2);
        assert!(output.stderr.contains("`-` is not a file"), "{output}");
        assert!(!Path::new("-").exists());
    }
}

#[test]
fn bundle_contacts_no_additional_device_or_cloud() {
    let owner = Owner::start(&[]);
    let device = Device::start(&[]);
    let path = place();
    let flags = ["--support-bundle", path.to_str().unwrap()];
    let count_requests = || owner.cloud.log_text().lines().count();
    let before = count_requests();
    let run = |line: &[&str]| owner.account.run(&[line, &flags[..]].concat()).output();

    let pop = [&["--pop", device.pop()], &PASSPHRASE[..]].concat();
    let line = provisioning(&device, &pop);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    run(&line).exits(0);
    let findings = Bundle::read(&path).findings();
    let is_there = |id: &str| findings.iter().any(|one| one == id);
    assert!(is_there("device-route") && !is_there("login") && !is_there("mdns"));

    for (line, exit) in [
        (&["whoami"][..], 0),
        (&["profile", "list"], 0),
        // It ends before it comes to that.
        (&["provision", "--ssid", "x", "--no-wifi"], 2),
    ] {
        run(line).exits(exit);
        let findings = Bundle::read(&path).findings();
        let is_there = |id: &str| findings.iter().any(|one| one == id);
        assert!(
            is_there("login") && !is_there("cloud"),
            "{line:?} {findings:?}"
        );
    }
    run(&["explain", "wrong-pop"]).exits(0);
    assert!(Bundle::read(&path).one("doctor")["skipped"].is_string());
    assert_eq!(count_requests(), before, "{}", owner.cloud.log_text());

    run(&["node", "list"]).exits(0);
    assert!(Bundle::read(&path).findings().contains(&"cloud".to_owned()));
}

#[test]
fn bundle_shortens_email_addresses() {
    let cloud = Cloud::start(&["--user", "jane.doe@example.com"]);
    let account = crate::support::account::Account::logged_in(&cloud);
    let path = place();
    let flags = ["--support-bundle", path.to_str().unwrap()];
    account
        .run(&[&["whoami"], &flags[..]].concat())
        .output()
        .exits(0);
    let bundle = Bundle::read(&path);
    assert!(!bundle.0.contains("jane"), "{}", bundle.0);
    assert_eq!(
        bundle.one("result")["account"]["user_name"],
        "j…@example.com"
    );
}
