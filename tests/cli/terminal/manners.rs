//! How a person is treated at a terminal, whatever is asked: keys that end it, no questions where
//! none are wanted, what goes on, colour.

use super::{PASSPHRASE, PROMPT, bare, device, provision};
use crate::support::device::Device;
use crate::support::espctl::command;
use crate::support::pty::{CTRL_C, ENTER, ESC, Terminal};

#[test]
fn escape_answers_nothing() {
    let device = device();
    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys(ESC);
    let screen = terminal.exits(2);
    assert!(
        screen.contains("--ssid") && screen.contains("ESPCTL_SSID"),
        "{screen}"
    );

    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys("1");
    terminal.type_keys(ENTER);
    terminal.shows("Passphrase of Nest:");
    terminal.type_keys(ESC);
    let screen = terminal.exits(2);
    assert!(screen.contains("--passphrase-file"), "{screen}");
    assert!(device.log_entries("wifi_set").is_empty());
}

#[test]
fn ctrl_c_at_prompt_interrupts() {
    let device = device();
    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys(CTRL_C);
    let screen = terminal.exits(130);
    assert!(screen.contains("error: interrupted"), "{screen}");
    assert!(terminal.raw().contains("\x1b[?25h"));

    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys("1");
    terminal.type_keys(ENTER);
    terminal.shows("Passphrase of Nest:");
    terminal.type_keys(CTRL_C);
    terminal.exits(130);
    assert!(device.log_entries("wifi_set").is_empty());
}

#[test]
fn signal_at_prompt_restores_terminal() {
    let device = device();
    for keys in ["", "1\r"] {
        let mut terminal = provision(&device);
        terminal.shows(PROMPT);
        terminal.type_keys(keys);
        terminal.shows(if keys.is_empty() {
            PROMPT
        } else {
            "Passphrase of Nest:"
        });
        let killed = std::process::Command::new("kill")
            .args(["-TERM", &terminal.pid().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        let screen = terminal.exits(130);
        let own_line = screen
            .lines()
            .any(|line| line.starts_with("error: interrupted"));
        assert!(own_line, "{screen}");
    }
}

#[test]
fn timeout_also_applies_at_prompt() {
    let device = device();
    let mut line = bare(&device);
    line.extend(["--pop", device.pop(), "--timeout", "20"].map(str::to_owned));
    let mut terminal = Terminal::start(line, &[]);
    terminal.shows(PROMPT);
    let screen = terminal.exits(6);
    assert!(
        screen.lines().any(|line| line.starts_with("error: ")),
        "{screen}"
    );
}

#[test]
fn no_input_never_prompts() {
    let device = device();
    let line = [&bare(&device)[..], &["--pop".into(), device.pop().into()]].concat();
    let flag = [&line[..], &["--no-input".into()]].concat();
    for mut terminal in [
        Terminal::start(&flag, &[]),
        Terminal::start(&line, &[("ESPCTL_NO_INPUT", "1")]),
        Terminal::start(&line, &[("CI", "true")]),
    ] {
        let screen = terminal.exits(2);
        assert!(screen.contains("ESPCTL_SSID"), "{screen}");
    }
    assert!(device.log_entries("connection_opened").is_empty());
    // Set to nothing, or to no, they change nothing.
    for variables in [&[("ESPCTL_NO_INPUT", "0")], &[("CI", "")]] {
        Terminal::start(&line, variables).shows(PROMPT);
    }
}

#[test]
fn progress_shows_time_and_is_erased() {
    let device = Device::start(&["--join-ms", "2500"]);
    let mut line = bare(&device);
    line.extend(["--pop", device.pop(), "--ssid", "Home"].map(str::to_owned));
    line.extend(["--passphrase", PASSPHRASE].map(str::to_owned));
    let mut terminal = Terminal::start(line, &[]);
    terminal.shows("Confirming Wi-Fi connection... 1s");
    terminal.shows("Confirming Wi-Fi connection... 2s");
    let screen = terminal.exits(0);
    assert!(!screen.contains("connection... "), "{screen}");
}

#[test]
fn waits_until_user_joins_hotspot() {
    // A place where a device has been, and will be again.
    let mut before = Device::start(&[]);
    let port = before.ready["port"].to_string();
    before.kill();
    let line = |more: &[&str]| {
        let line = ["provision", "--no-cloud", "--device-ip", "127.0.0.1"];
        let home = ["--ssid", "Home", "--passphrase", PASSPHRASE];
        let address = ["--device-port", &port, "--pop", "right-one"];
        [&line[..], &address, &home, more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // A limit that was typed holds.
    Terminal::start(line(&["--discovery-timeout", "0.2"]), &[]).exits(4);

    let mut terminal = Terminal::start(line(&[]), &[]);
    terminal.shows("Looking for the device... 6s");
    let mut device = command(["emulate", "device", "--transport", "softap"])
        .args(["--listen", "127.0.0.1", "--port", &port])
        .args(["--pop", "right-one", "--join-ms", "50"])
        .spawn()
        .unwrap();
    let screen = terminal.exits(0);
    device.kill().unwrap();
    device.wait().unwrap();
    assert!(screen.contains("Wi-Fi Provisioning Successful"), "{screen}");
}

#[test]
fn color_is_optional_and_carries_no_information() {
    // A refusal, which has the one coloured word.
    let coloured = |flags: &[&str], variables: &[(&str, &str)]| {
        let line = [&["provision", "--ssid", ""][..], flags].concat();
        let mut terminal = Terminal::start(line, variables);
        let screen = terminal.exits(2);
        assert!(screen.contains("error: --ssid: an SSID has"), "{screen}");
        terminal.raw().contains("\x1b[1m")
    };
    assert!(coloured(&[], &[]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(coloured(&[], &[("NO_COLOR", "")]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
    assert!(!coloured(
        &[],
        &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "0")]
    ));
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("TERM", "dumb")]));
}

#[test]
fn warns_if_code_is_wider_than_terminal() {
    let label = |pop: &str| format!(r#"{{"ver":"v1","name":"n","pop":"{pop}","transport":"ble"}}"#);
    for (length, has_warning) in [(8, false), (620, true)] {
        let label = label(&"x".repeat(length));
        let mut terminal = Terminal::start(["qr", "encode", &label], &[]);
        terminal.exits(0);
        let raw = terminal.raw();
        assert_eq!(raw.contains("and the terminal 100"), has_warning, "{raw}");
    }
}
