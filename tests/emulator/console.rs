//! The emulated serial line, as a port that is open: every byte of it.

use std::fs::File;
use std::io::Read as _;
use std::thread;
use std::time::{Duration, Instant};

use espctl::emulator::device::{Device as Played, DeviceSettings, StopReason};
use espctl::emulator::listen::console::{self, ConsoleSettings, Noise};
use espctl::secret::Secret;
use espctl::security::DeviceSecret;

use crate::support::device::{Device, fresh_path};
use crate::support::scripted_rng::ScriptedRng;
use crate::support::serial::Port;
use crate::support::vector_file::{bytes, entry, load, text};

const PROMPT: &str = "\n>> ";
/// Three bytes, whatever they are, get the version document.
const VERSION: &str = "proto-ver 7 2d2d2d\r";

/// A fast device without log lines, and a client of it.
fn quiet(more: &[&str]) -> (Device, Port) {
    let (device, path) = played(more);
    (device, Port::open(path))
}

/// Such a device, and where it is.
fn played(more: &[&str]) -> (Device, String) {
    let own = [
        "--noise",
        "none",
        "--uart-baud",
        "0",
        "--time-scale",
        "0.01",
    ];
    let device = Device::on_serial_line(&[&own[..], more].concat());
    let path = device.ready["pty"].as_str().unwrap().to_owned();
    (device, path)
}

fn start(arguments: &[&str]) -> (Device, Port) {
    let device = Device::on_serial_line(arguments);
    let port = Port::open(device.ready["pty"].as_str().unwrap());
    (device, port)
}

/// The lines that hold nothing but digits.
fn digits(text: &str) -> Vec<&str> {
    text.split(['\r', '\n'])
        .filter(|line| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .collect()
}

fn version_of(text: &str) -> bool {
    digits(text).iter().any(|line| {
        let bytes = hex::decode(line).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains("netprov-v1.2")
    })
}

#[test]
fn exchange_matches_vectors_byte_for_byte() {
    let vectors = load()["console"].clone();
    let keys = entry("sec1", "with_pop");
    let rng = ScriptedRng::new([
        &bytes(&keys, "device_private"),
        &bytes(&keys, "device_random"),
    ]);
    let secret = DeviceSecret::Sec1 {
        pop: Some(Secret::new(text(&keys, "pop"))),
    };
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let settings = ConsoleSettings {
                noise: Noise::None,
                ..ConsoleSettings::default()
            };
            let console = console::open(settings, None).unwrap();
            sender.send(console.path().to_owned()).unwrap();
            console
                .serve(Played::new(DeviceSettings::new(secret), rng))
                .await
        })
    });
    let mut port = Port::open(receiver.recv().unwrap());
    let prompt = text(&vectors, "prompt");
    assert_eq!(port.until(&prompt), prompt);
    port.send(&text(&vectors, "request"));
    let expected = text(&vectors, "echo") + &text(&vectors, "reply") + &prompt;
    assert_eq!(port.until(&prompt), expected);

    // A refusal: nothing but the echo, and a prompt.
    port.send("prov-session 1 00\r");
    assert_eq!(port.until(&prompt), "prov-session 1 00\r\n\n>> ");
}

#[test]
fn invalid_line_gets_only_prompt() {
    let (device, mut port) = quiet(&[]);
    port.until(PROMPT);
    for (line, echo) in [
        ("\r", "\r\n"),
        ("help me\r", "help me\r\n"),
        ("custom-data 1 00\r", "custom-data 1 00\r\n"),
        ("proto-ver 1\r", "proto-ver 1\r\n"),
        ("proto-ver 1 zz\r", "proto-ver 1 zz\r\n"),
        // A LF stays in the buffer, and is the next line's.
        ("\n\r", "\n\r\n"),
    ] {
        port.send(line);
        assert_eq!(port.until(PROMPT), format!("{echo}{PROMPT}"), "{line:?}");
    }
    assert_eq!(device.log_entries("refused").len(), 4);
    port.send(VERSION);
    assert!(version_of(&port.until(PROMPT)));
}

#[test]
fn other_session_number_begins_session() {
    let (device, mut port) = quiet(&["--sec-ver", "0"]);
    port.until(PROMPT);
    for line in [VERSION, VERSION, "proto-ver 8x 2d\r"] {
        port.send(line);
        port.until(PROMPT);
    }
    let sessions: Vec<_> = device
        .log_entries("session_opened")
        .iter()
        .map(|entry| entry["session"].as_u64().unwrap())
        .collect();
    assert_eq!(sessions, [7, 8]);
}

#[test]
fn line_is_cut_after_254_characters() {
    let (device, mut port) = quiet(&[]);
    port.until(PROMPT);
    let line = |length: usize| {
        let head = "proto-ver 7 ";
        format!("{head}{}", "a".repeat(length - head.len()))
    };
    port.send(&format!("{}\r", line(254)));
    assert!(version_of(&port.until(PROMPT)));
    assert_eq!(device.log_entries("request")[0]["bytes"], 121);
    // As long as Security 2's first message: the line is taken at 256, and the rest is other ones.
    port.send(&format!("{}\r", line(827)));
    let shown = port.until("a\r\n\n>> ");
    assert_eq!(shown.matches(PROMPT).count(), 4, "{shown}");
    assert_eq!(device.log_entries("request")[1]["bytes"], 121);
    assert_eq!(device.requests("proto-ver"), 2);
}

#[test]
fn two_commands_in_one_burst_are_one_line() {
    let (device, mut port) = quiet(&[]);
    port.until(PROMPT);
    port.send(&format!("{VERSION}{VERSION}"));
    assert_eq!(digits(&port.until(PROMPT)), Vec::<&str>::new());
    assert_eq!(device.requests("proto-ver"), 0);
}

#[test]
fn bytes_take_time_in_both_directions() {
    for (baud, name) in [(9600_u32, "9600"), (115_200, "115200")] {
        let (_device, mut port) = start(&["--noise", "none", "--uart-baud", name]);
        port.until(PROMPT);
        let began = Instant::now();
        port.send(VERSION);
        let answer = port.until(PROMPT);
        // It is sent before it is echoed: the hardware waits for a pause.
        let bytes = u32::try_from(VERSION.len() + answer.len()).unwrap();
        let least = Duration::from_secs(10) * bytes / baud;
        assert!(began.elapsed() >= least, "{baud}: {:?}", began.elapsed());
    }
}

#[test]
fn input_beyond_ring_is_lost() {
    let own = ["--noise", "none", "--sec-ver", "0", "--uart-baud", "115200"];
    let (device, mut port) = start(&own);
    port.until(PROMPT);
    // A scan that holds the task up for more than a second: 14 channels of 120 ms.
    port.send("prov-scan 7 520408012078\r");
    port.with("\r\n");
    for _ in 0..4 {
        port.send(&format!("{}\r", "x".repeat(199)));
    }
    port.until(PROMPT);
    let lost: u64 = device
        .log_entries("overrun")
        .iter()
        .map(|entry| entry["bytes"].as_u64().unwrap())
        .sum();
    assert!((300..=800 - 256).contains(&lost), "{lost} bytes lost");
}

#[test]
fn noise_is_everywhere_but_in_the_reply() {
    for noise in ["light", "heavy"] {
        let own = ["--noise", noise, "--sec-ver", "1", "--pop", "abcd1234"];
        let (_device, mut port) = start(&own);
        // Other tasks also print after the prompt.
        port.with(PROMPT);
        let message = text(&load()["console"], "request");
        let mut whole = 0;
        for _ in 0..4 {
            port.send(&message);
            let shown = port.with(PROMPT);
            let found = digits(&shown);
            // The rest of a broken echo also has only digits; the reply is last.
            let (reply, echo) = found.split_last().expect("a reply");
            assert_eq!(reply.len(), 122, "{shown}");
            assert!(echo.iter().all(|rest| message.contains(rest)), "{shown}");
            // Key dumps, in colour.
            assert!(shown.contains("\x1b[0;32mI ("), "{shown}");
            assert!(shown.contains("security1: 56 fd 7b 35 "), "{shown}");
            whole += usize::from(shown.contains(message.trim_end()));
        }
        // A light one breaks one echo in a while, a heavy one all.
        let expected = if noise == "light" { 2..4 } else { 0..1 };
        assert!(expected.contains(&whole), "{noise}: {whole}");
    }
}

#[test]
fn newlines_can_be_translated() {
    let (_device, mut port) = quiet(&["--console-newlines", "translated"]);
    port.until("\r\n>> ");
    port.send(VERSION);
    let shown = port.until("\r\n>> ");
    assert!(
        shown.starts_with("proto-ver 7 2d2d2d\r\n\r\r\n7b"),
        "{shown:?}"
    );
    assert!(shown.ends_with("\r\r\n\r\n>> "), "{shown:?}");
}

#[test]
fn board_can_restart_within_reply() {
    let (device, mut port) = quiet(&["--console-trouble", "resets=2"]);
    port.until(PROMPT);
    port.send(VERSION);
    assert!(version_of(&port.until(PROMPT)));
    port.send(VERSION);
    let shown = port.until(PROMPT);
    assert!(shown.contains("ets Jul 29 2019"), "{shown}");
    assert!(
        shown.contains("rst:0x1 (POWERON_RESET),boot:0x13"),
        "{shown}"
    );
    assert!(!version_of(&shown));
    assert_eq!(device.log_entries("restarted").len(), 1);
    port.send(VERSION);
    assert!(version_of(&port.until(PROMPT)));
    assert_eq!(device.log_entries("session_opened").len(), 2);
}

#[test]
fn cable_can_be_unplugged_within_reply() {
    let (mut device, mut port) = quiet(&["--console-trouble", "unplugged=1"]);
    port.until(PROMPT);
    port.send(VERSION);
    port.wait_closed();
    device.wait_until_ended();
    let stopped = &device.log_entries("service_stopped")[0];
    assert_eq!(stopped["why"], StopReason::Unplugged.to_string());
}

#[test]
fn line_can_have_other_console() {
    let (_repl, mut port) = quiet(&["--console-trouble", "repl"]);
    port.until("esp32> ");
    port.send(VERSION);
    let shown = port.until("esp32> ");
    assert_eq!(
        shown,
        "proto-ver 7 2d2d2d\r\nUnrecognized command\r\nesp32> "
    );

    let (_silent, mut port) = quiet(&["--console-trouble", "silent"]);
    port.send("\r");
    port.send(VERSION);
    assert_eq!(port.within(Duration::from_millis(300)), b"");

    let (_binary, mut port) = quiet(&["--console-trouble", "binary"]);
    port.send("\r");
    let garbage = port.at_least(25);
    assert!(garbage.iter().all(|byte| *byte == 0 || *byte >= 0x80));

    let (_mute, mut port) = quiet(&["--console-trouble", "no-prompt-after=1"]);
    port.until(PROMPT);
    port.send(VERSION);
    // The last digits of a version document.
    let shown = port.with("7d\r\n");
    let shown = shown + &String::from_utf8_lossy(&port.within(Duration::from_millis(300)));
    assert!(version_of(&shown) && !shown.contains(">>"), "{shown}");
}

#[test]
fn extra_digits_surround_reply() {
    for (trouble, place) in [("hex-before", 0), ("hex-after", 1)] {
        let (_device, mut port) = quiet(&["--console-trouble", trouble]);
        port.until(PROMPT);
        port.send(VERSION);
        let shown = port.until(PROMPT);
        let found = digits(&shown);
        assert_eq!(found.len(), 2, "{shown}");
        assert_eq!(found[place], "7cdfa1e0b2c4");
    }
}

#[test]
fn boot_log_has_qr_code_and_url() {
    let own = [
        "--console-trouble",
        "boot-log",
        "--pop",
        "abcd1234",
        "--name",
        "PROV_1",
    ];
    let (device, port) = quiet(&own);
    let shown = port.until(PROMPT);
    let code = device.ready["qrcode"].as_str().unwrap();
    let expected =
        r#"{"ver":"v1","name":"PROV_1","username":"wifiprov","pop":"abcd1234","transport":"ble"}"#;
    assert_eq!(code, expected);
    assert!(shown.starts_with("ets Jul 29 2019"), "{shown}");
    assert!(
        shown.contains(&format!("QRCODE: {code}\x1b[0m\r\n")),
        "{shown}"
    );
    let url = format!("\r\nhttps://rainmaker.espressif.com/qrcode.html?data={code}");
    assert!(shown.contains(&url), "{shown}");
}

#[test]
fn each_fault_has_its_effect_on_line() {
    let reply = {
        let (_device, mut port) = quiet(&[]);
        port.until(PROMPT);
        port.send(VERSION);
        let shown = port.until(PROMPT);
        digits(&shown)[0].to_owned()
    };
    for (kind, expected) in [
        ("close", Some(vec![])),
        ("not-found", Some(vec![])),
        ("drop", None),
        ("mute", None),
        ("delay=20", Some(vec![reply.len()])),
        ("duplicate", Some(vec![reply.len(); 2])),
        ("repeat", Some(vec![reply.len()])),
        ("truncate", Some(vec![reply.len() / 4 * 2])),
        ("oversize", Some(vec![32 * 1024])),
        ("wrong-order", Some(vec![])),
        ("reset", Some(vec![])),
    ] {
        let fault = format!("proto-ver:1:{kind}");
        let (device, mut port) = quiet(&["--fault", &fault]);
        port.until(PROMPT);
        port.send(VERSION);
        if let Some(expected) = expected {
            let shown = port.until(PROMPT);
            let found: Vec<usize> = digits(&shown).iter().map(|line| line.len()).collect();
            assert_eq!(found, expected, "{kind}: {shown}");
        } else {
            let shown = port.with("\r\n");
            assert!(!shown.contains(">>"), "{kind}: {shown}");
            assert_eq!(port.within(Duration::from_millis(200)), b"", "{kind}");
        }
        // One only, and the console is there as before.
        port.send(VERSION);
        let shown = port.until(PROMPT);
        assert_eq!(digits(&shown), [&reply], "{kind}: {shown}");
        assert_eq!(device.log_entries("fault").len(), 1, "{kind}");
        let handled = if ["close", "not-found", "drop", "reset"].contains(&kind) {
            1
        } else {
            2
        };
        let handled = handled + usize::from(kind == "repeat");
        assert_eq!(device.requests("proto-ver"), handled, "{kind}");
    }
    let (_device, mut port) = quiet(&[
        "--fault",
        "proto-ver:1:garble",
        "--fault",
        "proto-ver:2:cut",
    ]);
    port.until(PROMPT);
    port.send(VERSION);
    assert!(port.until(PROMPT).contains("\r\n84"));
    port.send(VERSION);
    let shown = port.until(PROMPT);
    assert!(
        shown.contains("wifi: ") && !shown.contains(&reply),
        "{shown}"
    );
}

#[test]
fn clients_can_reconnect_through_link() {
    let link = fresh_path("port");
    let (mut device, path) = played(&["--pty-link", link.to_str().unwrap(), "--sec-ver", "0"]);
    let mut first = File::open(path).unwrap();
    let mut prompt = [0; PROMPT.len()];
    first.read_exact(&mut prompt).unwrap();
    assert_eq!(prompt, PROMPT.as_bytes());
    drop(first);
    let mut port = Port::open(&link);
    // Set "Guest", which is open; apply; ask until it is connected.
    let session = "prov-session 7 52020a00\r";
    let lines = ["08026207 0a054775657374", "08047200"];
    for line in [session.to_owned()].into_iter().chain(
        lines
            .iter()
            .map(|hex| format!("prov-config 7 {}\r", hex.replace(' ', ""))),
    ) {
        port.send(&line);
        port.until(PROMPT);
    }
    while device
        .log_entries("wifi_status")
        .iter()
        .all(|entry| entry["state"] != "connected")
    {
        port.send("prov-config 7 5200\r");
        port.until(PROMPT);
    }
    let rest = port.wait_closed();
    assert!(!rest.contains(">> "), "{rest:?}");
    device.wait_until_ended();
    assert!(!link.is_symlink());
}

#[test]
fn security_2_device_sends_version() {
    let (device, mut port) = quiet(&["--sec-ver", "2"]);
    assert_eq!(
        (&device.ready["sec_ver"], &device.ready["baud"]),
        (&2.into(), &0.into())
    );
    assert!(device.ready.get("qrcode").is_none());
    port.until(PROMPT);
    port.send(VERSION);
    assert!(version_of(&port.until(PROMPT)));
}
