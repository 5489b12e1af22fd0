//! The ids of a device: how it is found, opened and talked to, and how it joins.

use espctl::proto::network_provisioning::NetworkCtrlMsgType;
use espctl::proto::protocomm::Status;

use super::Case::{self, Below, Run};
use super::arranged::{
    HOME, applied, at, device_not_authentic, enterprise_network, failed_without_reason,
    interrupted, on_serial_line, over_bluetooth, provision, reset, reset_answered, scripted,
    session_of_sec0, set, version,
};
use crate::support::device::Device;
use crate::support::espctl::espctl;
use crate::support::network::Network;
use crate::support::scripted_server::{Turn, ok};

pub(super) const CASES: &[(&str, Case)] = &[
    (
        "ambiguous-device",
        Run(|| {
            let network = Network::new();
            let _devices = [network.device(&[]), network.device(&[])];
            let look = network.run(&["device", "info"], &["--discovery-timeout", "5"]);
            look.output()
        }),
    ),
    (
        "announced-no-pop",
        Run(|| provision(&["--sec-ver", "1", "--no-pop"], &["--pop", "x"])),
    ),
    (
        "announced-no-security",
        Run(|| provision(&["--sec-ver", "0"], &["--pop", "x"])),
    ),
    (
        "bluetooth-blocked",
        Run(|| over_bluetooth(&["--host-trouble", "adapter-blocked"])),
    ),
    (
        "bluetooth-denied",
        Run(|| over_bluetooth(&["--host-trouble", "access-denied"])),
    ),
    (
        "bluetooth-failed",
        Below(
            "it takes a reason that only a system can have",
            "bluetooth_problems_have_ids_and_commands",
        ),
    ),
    (
        "bluetooth-off",
        Below(
            "an adapter that is off is switched on, but for reasons that only a system can have",
            "bluetooth_problems_have_ids_and_commands",
        ),
    ),
    ("device-not-authentic", Run(device_not_authentic)),
    (
        "disconnected",
        Run(|| {
            let cut_short = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"prov\"";
            scripted(vec![Turn::send_and_close(cut_short)], &["device", "info"])
        }),
    ),
    ("enterprise-network", Run(enterprise_network)),
    (
        "expired",
        Run(|| {
            provision(
                &["--join-ms", "600000"],
                &[&HOME[..], &["--timeout", "6"]].concat(),
            )
        }),
    ),
    (
        "garbled-answer",
        Run(|| on_serial_line(&["--fault", "proto-ver:1:cut"])),
    ),
    (
        "handshake-broken",
        Run(|| {
            let turns = vec![version(1, &[]), Turn::send(ok("nonsense"))];
            scripted(turns, &["device", "wifi", "--pop", "x"])
        }),
    ),
    (
        "hung-up",
        Run(|| scripted(vec![Turn::close()], &["device", "info"])),
    ),
    ("interrupted", Run(interrupted)),
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
        "message-not-authentic",
        Run(|| {
            let device = Device::start(&["--fault", "prov-scan:1:garble"]);
            at(&device, &["device", "wifi"], &["--pop", device.pop()])
        }),
    ),
    (
        "message-too-long",
        Run(|| {
            let device = Device::over_bluetooth(&["--sec-ver", "1", "--stack", "bluedroid"]);
            let data = "x".repeat(300);
            let line = ["device", "call", "prov-config", "--data", &data];
            at(&device, &line, &["--pop", device.pop()])
        }),
    ),
    (
        "no-bluetooth-adapter",
        Run(|| over_bluetooth(&["--host-trouble", "no-adapter"])),
    ),
    (
        "no-bluetooth-service",
        Run(|| espctl(["discover", "--transport", "ble"]).output()),
    ),
    (
        "no-code-in-log",
        Run(|| {
            let device = Device::on_serial_line(&[]);
            let port = device.ready["pty"].as_str().unwrap();
            let line = [
                "qr",
                "decode",
                "--from-serial",
                port,
                "--log-timeout",
                "0.2",
            ];
            espctl(line).output()
        }),
    ),
    (
        "no-console",
        Run(|| on_serial_line(&["--console-trouble", "silent"])),
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
        "no-serial-port",
        Run(|| {
            espctl([
                "device",
                "info",
                "--transport",
                "console",
                "--port",
                "/dev/not-there",
            ])
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
        Run(|| scripted(vec![Turn::send(ok("<html>"))], &["device", "info"])),
    ),
    (
        "not-paired",
        Run(|| over_bluetooth(&["--link-trouble", "pairing-by-hand-refused"])),
    ),
    (
        "not-text",
        Run(|| on_serial_line(&["--console-trouble", "binary"])),
    ),
    (
        "other-console",
        Run(|| on_serial_line(&["--console-trouble", "repl"])),
    ),
    (
        "not-recorded",
        Below(
            "only batches record their steps, and there is no batch yet",
            "rare_errors_have_ids_and_exit_codes",
        ),
    ),
    (
        "permission-denied",
        Below(
            "it takes a system that forbids connections to this computer itself",
            "rare_errors_have_ids_and_exit_codes",
        ),
    ),
    (
        "port-in-use",
        Run(|| {
            let device = Device::on_serial_line(&[]);
            let _other = serialport::new(device.ready["pty"].as_str().unwrap(), 115_200)
                .open()
                .unwrap();
            at(&device, &["device", "info"], &[])
        }),
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
        "restarted",
        Run(|| on_serial_line(&["--console-trouble", "resets=1"])),
    ),
    (
        "scan-unfinished",
        Below(
            "the limit of a scan is longer than a test should take",
            "rare_errors_have_ids_and_exit_codes",
        ),
    ),
    (
        "session-exhausted",
        Below(
            "it takes four thousand million messages",
            "rare_errors_have_ids_and_exit_codes",
        ),
    ),
    (
        "session-lost",
        Below(
            "flows end with the error that lost the session, and say that one",
            "rare_errors_have_ids_and_exit_codes",
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
        "transport-unavailable",
        Below(
            "it takes a system on which mDNS cannot even begin",
            "rare_errors_have_ids_and_exit_codes",
        ),
    ),
    (
        "unconfirmed",
        Run(|| {
            let turns = vec![
                version(0, &[]),
                session_of_sec0(),
                set(),
                applied(),
                Turn::close(),
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
            "rare_errors_have_ids_and_exit_codes",
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
