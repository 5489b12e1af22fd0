//! What a shell is offered, by the shipped binary in a home of the test's own: as fish asks for it,
//! and by a bash that is here.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::account::Account;
use crate::support::device::fresh_path;
use crate::support::espctl::{Run, espctl};

/// The words that fish would offer for the last of these.
fn offered(run: impl FnOnce(Run) -> Run, words: &[&str]) -> Vec<String> {
    let line = [&["--", "espctl"], words].concat();
    let output = run(espctl(line).env("ESPCTL_COMPLETE", "fish"))
        .output()
        .exits(0);
    assert_eq!(output.stderr, "");
    let words = output
        .stdout
        .lines()
        .map(|line| line.split('\t').next().unwrap());
    words.map(str::to_owned).collect()
}

fn nowhere(run: Run) -> Run {
    run
}

#[test]
fn completes_commands_flags_and_values() {
    assert!(offered(nowhere, &["prov"]).contains(&"provision".to_owned()));
    assert!(offered(nowhere, &["provision", "--disc"]).contains(&"--discovery-timeout".to_owned()));
    let transports = offered(nowhere, &["discover", "--transport", ""]);
    assert!(transports.contains(&"softap".to_owned()), "{transports:?}");
    // What is hidden stays so.
    assert!(!offered(nowhere, &["re"]).contains(&"reference".to_owned()));
    espctl(["--", "espctl", ""])
        .env("ESPCTL_COMPLETE", "dos")
        .output()
        .exits(2);
}

#[test]
fn completes_error_ids() {
    let ids = offered(nowhere, &["explain", "wrong-p"]);
    assert_eq!(ids, ["wrong-password", "wrong-pop"]);
}

#[test]
fn completes_profiles() {
    let account = Account::empty();
    account.add("my-lab", "http://127.0.0.1:1/");
    let here = |run: Run| run.env("RM_USER_CONFIG_DIR", account.folder());
    for words in [
        &["profile", "switch", "my"][..],
        &["profile", "remove", "m"],
        &["provision", "--profile", "my"],
        &["whoami", "--profile", "m"],
    ] {
        assert_eq!(offered(here, words), ["my-lab"], "{words:?}");
    }
    // Nothing is there, and nothing goes wrong.
    assert!(offered(nowhere, &["profile", "switch", "my"]).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn completes_devices_of_last_search() {
    use crate::support::device::Device;

    let device = Device::over_bluetooth(&["--name", "PROV_shelf", "--pop", "canary-pop"]);
    let home = fresh_path("home");
    fs::create_dir(&home).unwrap();
    let home = home.to_str().unwrap();
    let at_home = |run: Run| run.env("HOME", home);
    let names = |words: &[&str]| offered(at_home, words);
    let asked = ["provision", "--device-name", "PROV"];
    assert!(names(&asked).is_empty());

    // Without a home, nothing is written anywhere.
    let look = ["discover", "--transport", "ble", "--discovery-timeout", "2"];
    let caches = fresh_path("caches");
    let caches = caches.to_str().unwrap();
    device
        .run(look)
        .env("XDG_CACHE_HOME", caches)
        .output()
        .exits(0);
    assert!(!Path::new(caches).exists());

    at_home(device.run(look)).output().exits(0);
    assert_eq!(names(&asked), ["PROV_shelf"]);
    assert_eq!(
        names(&["device", "info", "--device-name", ""]),
        ["PROV_shelf"]
    );
    // As esp-rainmaker-cli spells it.
    let alias = ["provision", "--device_name", "PROV"];
    assert_eq!(names(&alias), ["PROV_shelf"]);
    let joined = names(&["provision", "--device_name=PROV"]);
    assert_eq!(joined, ["--device_name=PROV_shelf"]);
    assert!(!names(&["provision", "--device"]).contains(&"--device_name".to_owned()));
    let file = Path::new(home).join(".cache/espctl/seen.json");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, r#"{"names":["PROV_shelf"],"node_ids":[]}"#);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    // One that a run finds is added, elsewhere too.
    let other = Device::over_bluetooth(&["--name", "PROV_desk"]);
    let mut line = vec!["device".to_owned(), "info".to_owned()];
    line.extend(other.address());
    at_home(other.run(&line)).output().exits(0);
    let mut both = names(&asked);
    both.sort();
    assert_eq!(both, ["PROV_desk", "PROV_shelf"]);
    let in_caches = |run: Run| at_home(run).env("XDG_CACHE_HOME", caches);
    in_caches(device.run(look)).output().exits(0);
    assert_eq!(offered(in_caches, &asked), ["PROV_shelf"]);
}

#[test]
fn installed_bash_completes_with_script() {
    let script = espctl(["completions", "bash"]).output().exits(0).stdout;
    let path = fresh_path("completions.bash");
    let ask = "COMP_WORDS=(espctl explain wrong-po) COMP_CWORD=2 COMP_TYPE=9\n\
               _clap_complete_espctl espctl wrong-po explain\n\
               echo \"offered: ${COMPREPLY[*]}\"\n";
    fs::write(&path, format!("{script}\n{ask}")).unwrap();
    let folder = Path::new(env!("CARGO_BIN_EXE_espctl")).parent().unwrap();
    let mut search = folder.as_os_str().to_owned();
    search.push(":");
    search.push(std::env::var_os("PATH").unwrap_or_default());
    match Command::new("bash")
        .arg("--norc")
        .arg(&path)
        .env("PATH", search)
        .output()
    {
        Ok(run) => {
            let output = String::from_utf8_lossy(&run.stdout).into_owned();
            assert!(output.contains("offered: wrong-pop"), "{run:?}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
}
