//! Every error id, produced by the binary: a command line and, where it takes one, a device that
//! makes it happen. An id without a case fails here, and so does a case without an id.
//!
//! What no device can be made to do from outside stands in the table with the reason, and with
//! the unit test that produces it.

mod account;
mod arranged;

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use espctl::proto::network_provisioning::NetworkCtrlMsgType;
use espctl::proto::protocomm::Status;
use serde_json::json;

use self::arranged::{
    HOME, applied, at, cannot_listen, device_not_authentic, enterprise_network,
    failed_without_reason, interrupted, output_lost, provision, reset, reset_answered, scripted,
    session_of_sec0, set, text, version, without_device,
};
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::{Output, espctl};
use crate::support::scripted_server::{Turn, ok};

/// How an id comes about.
enum Case {
    /// This run ends with it.
    Run(fn() -> Output),
    /// Why the binary cannot be made to, and where it is produced instead.
    Below(&'static str, &'static str),
}
use Case::{Below, Run};

const CASES: &[(&str, Case)] = &[
    (
        "announced-no-pop",
        Run(|| provision(&["--sec-ver", "1", "--no-pop"], &["--pop", "x"])),
    ),
    (
        "announced-no-security",
        Run(|| provision(&["--sec-ver", "0"], &["--pop", "x"])),
    ),
    (
        "cannot-announce",
        Run(|| {
            let nowhere = ["--transport", "on-network", "--interface", "nonesuch0"];
            espctl(["emulate", "device"].iter().chain(&nowhere)).output()
        }),
    ),
    ("cannot-listen", Run(cannot_listen)),
    (
        "conflicting-flags",
        Run(|| without_device(&["--open", "--passphrase", "12345678"])),
    ),
    ("device-not-authentic", Run(device_not_authentic)),
    (
        "disconnected",
        Run(|| {
            let cut_short = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"prov\"";
            scripted(vec![Turn::say_and_close(cut_short)], &["device", "info"])
        }),
    ),
    (
        "emulated-cloud-unreachable",
        Run(|| espctl(["emulate", "device", "--cloud", "http://127.0.0.1:1"]).output()),
    ),
    ("enterprise-network", Run(enterprise_network)),
    (
        "expired",
        Run(|| {
            provision(
                &["--join-ms", "600000"],
                &[&HOME[..], &["--timeout", "1.6"]].concat(),
            )
        }),
    ),
    (
        "fault",
        Below(
            "a fault is what must not happen",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "handshake-broken",
        Run(|| {
            let turns = vec![version(1, &[]), Turn::say(ok("nonsense"))];
            scripted(turns, &["device", "wifi", "--pop", "x"])
        }),
    ),
    (
        "hung-up",
        Run(|| scripted(vec![Turn::hang_up()], &["device", "info"])),
    ),
    ("interrupted", Run(interrupted)),
    (
        "invalid-data",
        Run(|| {
            espctl([
                "device",
                "call",
                "x",
                "--hex",
                "0",
                "--device-ip",
                "127.0.0.1",
            ])
            .output()
        }),
    ),
    (
        "invalid-passphrase",
        Run(|| without_device(&["--passphrase", "7-chars"])),
    ),
    (
        "invalid-qrcode",
        Run(|| without_device(&["--open", "--qrcode", "{"])),
    ),
    (
        "invalid-ssid",
        Run(|| espctl(["provision", "--no-cloud", "--open", "--ssid", ""]).output()),
    ),
    (
        "invalid-username",
        Run(|| without_device(&["--open", "--sec2-username", ""])),
    ),
    (
        "join-timed-out",
        Run(|| {
            provision(
                &["--join-ms", "600000"],
                &[&HOME[..], &["--join-timeout", "0.2"]].concat(),
            )
        }),
    ),
    (
        "login-required",
        Run(|| {
            espctl([
                "provision",
                "--ssid",
                "Home",
                "--open",
                "--device-ip",
                "127.0.0.1",
            ])
            .output()
        }),
    ),
    (
        "message-not-authentic",
        Run(|| {
            let device = Device::start(&["--fault", "prov-scan:1:garble"]);
            at(&device, &["device", "wifi"], &["--pop", device.pop()])
        }),
    ),
    (
        "missing-data",
        Run(|| espctl(["device", "call", "x", "--device-ip", "127.0.0.1"]).output()),
    ),
    (
        "missing-passphrase",
        Run(|| provision(&[], &["--ssid", "Home"])),
    ),
    (
        "missing-pop",
        Run(|| {
            let device = Device::start(&["--sec-ver", "1"]);
            at(&device, &["device", "wifi"], &[])
        }),
    ),
    (
        "missing-ssid",
        Run(|| {
            espctl([
                "provision",
                "--no-cloud",
                "--device-ip",
                "127.0.0.1",
                "--device-port",
                "1",
            ])
            .output()
        }),
    ),
    (
        "no-device",
        Run(|| {
            espctl(["discover", "--discovery-timeout", "0.1"])
                .env("ESPCTL_DEVICE_IP", "127.0.0.1")
                .env("ESPCTL_DEVICE_PORT", "1")
                .output()
        }),
    ),
    (
        "no-such-endpoint",
        Run(|| {
            let device = Device::start(&[]);
            at(
                &device,
                &["device", "call", "nothing-here"],
                &["--pop", device.pop(), "--data", "x"],
            )
        }),
    ),
    (
        "not-a-device",
        Run(|| scripted(vec![Turn::say(ok("<html>"))], &["device", "info"])),
    ),
    ("output-lost", Run(output_lost)),
    (
        "permission-denied",
        Below(
            "it takes a system that forbids connections to this computer itself",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "refused",
        Run(|| {
            reset_answered(
                NetworkCtrlMsgType::TypeRespCtrlWifiReset,
                Status::InvalidArgument,
            )
        }),
    ),
    (
        "scan-unfinished",
        Below(
            "the limit of a scan is longer than a test should take",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "session-exhausted",
        Below(
            "it takes four thousand million messages",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "session-lost",
        Below(
            "flows end with the error that lost the session, and say that one",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "silent",
        Run(|| {
            scripted(
                vec![Turn::silence()],
                &["discover", "--discovery-timeout", "0.1"],
            )
        }),
    ),
    (
        "stdin-twice",
        Run(|| {
            let line = ["provision", "--no-cloud", "--ssid", "Home"];
            let both = ["--pop-file", "-", "--passphrase-file", "-"];
            espctl([&line[..], &both].concat()).stdin(b"x").output()
        }),
    ),
    (
        "thread-only",
        Run(|| {
            let line = ["provision", "--no-cloud", "--ssid", "Home", "--open"];
            scripted(vec![version(0, &["thread_prov"])], &line)
        }),
    ),
    (
        "timed-out",
        Run(|| {
            // Until the limit of one exchange is over.
            let turns = vec![version(0, &[]), session_of_sec0(), Turn::silence()];
            scripted(turns, &["device", "reset"])
        }),
    ),
    (
        "unconfirmed",
        Run(|| {
            let turns = vec![
                version(0, &[]),
                session_of_sec0(),
                set(),
                applied(),
                Turn::hang_up(),
            ];
            let line = [
                "provision",
                "--no-cloud",
                "--ssid",
                "Home",
                "--open",
                "--join-timeout",
                "1.5",
            ];
            scripted(turns, &line)
        }),
    ),
    (
        "unexpected-reply",
        Run(|| reset_answered(NetworkCtrlMsgType::TypeRespCtrlThreadReset, Status::Success)),
    ),
    (
        "unknown-id",
        Run(|| espctl(["explain", "wrong-poop"]).output()),
    ),
    (
        "unknown-scheme",
        Run(|| scripted(vec![version(7, &[])], &["device", "wifi"])),
    ),
    (
        "unreachable",
        Run(|| {
            let mut device = Device::start(&[]);
            device.kill();
            at(
                &device,
                &["device", "info", "--discovery-timeout", "0.1"],
                &[],
            )
        }),
    ),
    (
        "unreadable-file",
        Run(|| without_device(&["--passphrase-file", "/nowhere/at/all"])),
    ),
    (
        "unsupported-transport",
        Run(|| without_device(&["--open", "--qrcode", r#"{"transport":"ham"}"#])),
    ),
    (
        "unusable-secret",
        Run(|| {
            let path = fresh_path("empty");
            fs::write(&path, "\n").unwrap();
            without_device(&["--passphrase-file", path.to_str().unwrap()])
        }),
    ),
    (
        "unwritable-file",
        Run(|| without_device(&["--open", "--transcript", "/nowhere/at/all"])),
    ),
    (
        "usage",
        Run(|| espctl(["provision", "--no-such-flag"]).output()),
    ),
    (
        "wifi-auth-failed",
        Run(|| {
            let wrong = ["--ssid", "Home", "--passphrase", "wrong horse battery"];
            provision(&["--time-scale", "0.05"], &wrong)
        }),
    ),
    (
        "wifi-join-failed",
        Run(|| {
            let turns = vec![
                version(0, &[]),
                session_of_sec0(),
                set(),
                applied(),
                failed_without_reason(),
                reset(Status::Success),
            ];
            scripted(
                turns,
                &["provision", "--no-cloud", "--ssid", "Home", "--open"],
            )
        }),
    ),
    (
        "wifi-not-found",
        Run(|| {
            let elsewhere = ["--ssid", "Elsewhere", "--passphrase", "correct horse"];
            provision(&["--time-scale", "0.05"], &elsewhere)
        }),
    ),
    (
        "wrong-credentials",
        Below(
            "the command line always makes credentials of the scheme's kind",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "wrong-password",
        Run(|| {
            let device = Device::start(&[]);
            at(&device, &["device", "wifi"], &["--sec2-password", "not-it"])
        }),
    ),
    (
        "wrong-pop",
        Run(|| {
            let device = Device::start(&["--sec-ver", "1"]);
            at(&device, &["device", "wifi"], &["--pop", "not-it"])
        }),
    ),
    (
        "wrong-scheme",
        Run(|| {
            let device = Device::start(&["--sec-ver", "1"]);
            at(
                &device,
                &["device", "wifi"],
                &["--pop", "x", "--sec-ver", "2"],
            )
        }),
    ),
    (
        "wrong-state",
        Run(|| {
            let device = Device::start(&[]);
            at(
                &device,
                &["device", "reprovision"],
                &["--pop", device.pop()],
            )
        }),
    ),
];

/// Those of the account are in a file of their own.
fn cases() -> impl Iterator<Item = &'static (&'static str, Case)> {
    CASES.iter().chain(account::CASES)
}

#[test]
fn every_error_id_comes_about() {
    let listed = espctl(["explain", "--format", "json"]).output().exits(0);
    let errors = listed.result()["errors"].as_array().unwrap().clone();
    let ids: BTreeSet<&str> = errors.iter().map(|error| text(&error["id"])).collect();
    let cases: BTreeSet<&str> = cases().map(|(id, _)| *id).collect();
    assert_eq!(ids, cases, "the ids of `explain` and those of this table");
    assert_eq!(self::cases().count(), cases.len(), "two cases of one id");

    // Most of them wait for something, so all at once.
    let wrong: Vec<String> = thread::scope(|scope| {
        let checks: Vec<_> = self::cases()
            .filter_map(|(id, case)| match case {
                Run(run) => Some(scope.spawn(move || (id, run()))),
                Below(..) => None,
            })
            .collect();
        checks
            .into_iter()
            .map(|check| check.join().unwrap())
            .filter_map(|(id, output)| {
                let error = errors.iter().find(|error| error["id"] == **id).unwrap();
                let exits = error["exits"].as_array().unwrap();
                let see = format!("see: espctl explain {id}");
                let fits = output.exit.is_some_and(|exit| exits.contains(&json!(exit)))
                    && output.stderr.lines().last() == Some(&see);
                (!fits).then(|| format!("{id}, exit {exits:?}, but:\n{output}"))
            })
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n====\n"));
}

#[test]
fn what_the_binary_cannot_do_is_produced_below() {
    let source = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/cli/failure/tests.rs"
    ));
    let source = source.unwrap();
    for (id, case) in cases() {
        if let Below(why, test) = case {
            assert!(why.len() > 20, "{id}: {why}");
            assert!(
                source.contains(&format!("fn {test}()")),
                "{id}: no test {test}"
            );
            assert!(
                source.contains(&format!("\"{id}\"")),
                "{id} is not in {test}"
            );
        }
    }
}
