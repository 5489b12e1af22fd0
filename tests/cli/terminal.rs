//! The prompts at a terminal and the effect of each answer: the screens of the shipped binary, against
//! emulated devices that log what they received.

mod manners;

use serde_json::json;

use crate::support::device::{Device, access_points};
use crate::support::pty::{CTRL_R, DOWN, ENTER, ESC, Terminal, UP};

const PASSPHRASE: &str = "correct horse battery";
const PROMPT: &str = "Select AP by number (0 to rescan) :";

/// Of falling strength, as the list shows them.
fn neighbours() -> String {
    access_points(&json!([
        {"ssid": "Nest", "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 3,
         "passphrase": PASSPHRASE},
        {"ssid": "Cellar", "channel": 11, "rssi": -50, "passphrase": PASSPHRASE},
        {"ssid": "Plaza", "channel": 1, "rssi": -60},
        {"ssid": "Attic", "channel": 1, "rssi": -65, "passphrase": PASSPHRASE, "hidden": true},
        {"ssid": "Office", "channel": 3, "rssi": -70, "auth": 5, "passphrase": PASSPHRASE},
    ]))
}

fn device() -> Device {
    Device::start(&["--aps", &neighbours(), "--time-scale", "0.2"])
}

/// A run with the PoP, but without a network.
fn provision(device: &Device) -> Terminal {
    let mut line = bare(device);
    line.extend(["--pop".to_owned(), device.pop().to_owned()]);
    Terminal::start(line, &[])
}

fn bare(device: &Device) -> Vec<String> {
    let mut line = vec!["provision".to_owned(), "--no-cloud".to_owned()];
    line.extend(device.address());
    line
}

fn joined(device: &Device, ssid: &str) {
    assert_eq!(device.log_entries("wifi_set")[0]["ssid"], ssid);
    assert_eq!(device.log_entries("wifi_joined").len(), 1);
    assert_eq!(device.log_entries("secured").len(), 1);
}

#[test]
fn network_list_has_familiar_words_and_columns() {
    let device = device();
    let terminal = provision(&device);
    terminal.shows(PROMPT);
    let screen = terminal.screen();
    let expected = "\
Select the Wi-Fi network from the following list:
  S.N. SSID                              BSSID        CHN  RSSI AUTH
> [ 1] Nest                              a0b1c2d3e4f5    6 -40  WPA2_PSK
  [ 2] Cellar ";
    assert!(screen.contains(expected), "{screen}");
    assert!(screen.contains("  [ 4] (hidden) "), "{screen}");
    assert!(screen.contains("  [ 6] Join another network\n"), "{screen}");
    assert!(screen.contains("Establishing session - Successful"));
}

#[test]
fn selects_network_with_arrow_keys() {
    let device = device();
    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys(DOWN);
    terminal.shows("> [ 2] Cellar");
    terminal.type_keys(DOWN);
    terminal.type_keys(UP);
    terminal.type_keys(ENTER);
    terminal.shows("Passphrase of Cellar:");
    terminal.type_keys(PASSPHRASE);
    terminal.type_keys(ENTER);
    let screen = terminal.exits(0);
    joined(&device, "Cellar");
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
    assert!(
        screen.contains(&format!("{PROMPT} 2")),
        "what was chosen stays: {screen}"
    );
    assert!(screen.contains("Wi-Fi Provisioning Successful"), "{screen}");
    // The stages with their times, in the order in which they were.
    for line in [
        "[1] Sending Wi-Fi credentials: done, ",
        "[2] Confirming Wi-Fi connection: done, ",
        "[-] Configuring device association: skipped",
    ] {
        assert!(screen.contains(line), "{line}\n{screen}");
    }
    assert!(!terminal.raw().contains(PASSPHRASE));
}

#[test]
fn selects_network_by_number() {
    let device = device();
    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys("9");
    terminal.type_keys(ENTER);
    terminal.shows("there is no number 9 in the list");
    terminal.type_keys("2");
    terminal.shows("> [ 2] Cellar");
    terminal.type_keys(ENTER);
    terminal.shows("Passphrase of Cellar:");
    terminal.type_keys(PASSPHRASE);
    terminal.type_keys(ENTER);
    terminal.exits(0);
    joined(&device, "Cellar");
}

#[test]
fn zero_rescans() {
    let device = device();
    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys("0");
    terminal.type_keys(ENTER);
    terminal.shows_times(PROMPT, 2);
    terminal.type_keys("1");
    terminal.type_keys(ENTER);
    terminal.shows("Passphrase of Nest:");
    terminal.type_keys(PASSPHRASE);
    terminal.type_keys(ENTER);
    let screen = terminal.exits(0);
    joined(&device, "Nest");
    assert_eq!(screen.matches("Scanning Wi-Fi AP's...").count(), 2);
}

#[test]
fn accepts_unlisted_and_hidden_network_names() {
    for number in ["6", "4"] {
        let device = device();
        let mut terminal = provision(&device);
        terminal.shows(PROMPT);
        terminal.type_keys(number);
        terminal.type_keys(ENTER);
        terminal.shows("network (SSID):");
        // Not this one after all: back to the list.
        terminal.type_keys(ESC);
        terminal.shows_times(PROMPT, 2);
        terminal.type_keys(number);
        terminal.type_keys(ENTER);
        terminal.shows_times("network (SSID):", 2);
        terminal.type_keys("Attic");
        terminal.type_keys(ENTER);
        terminal.shows("Passphrase of Attic:");
        terminal.type_keys("short");
        terminal.type_keys("er");
        terminal.type_keys(ENTER);
        terminal.shows("a passphrase has at least 8 bytes");
        terminal.type_keys(&"\x7f".repeat(7));
        terminal.type_keys(PASSPHRASE);
        terminal.type_keys(ENTER);
        terminal.exits(0);
        joined(&device, "Attic");
    }
}

#[test]
fn open_network_needs_no_passphrase() {
    let device = device();
    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys("3");
    terminal.type_keys(ENTER);
    let screen = terminal.exits(0);
    joined(&device, "Plaza");
    assert!(!screen.contains("Passphrase"), "{screen}");
}

#[test]
fn empty_passphrase_needs_confirmation() {
    let device = device();
    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys("6");
    terminal.type_keys(ENTER);
    terminal.shows("network (SSID):");
    terminal.type_keys("Plaza");
    terminal.type_keys(ENTER);
    terminal.shows("Passphrase of Plaza:");
    terminal.type_keys(ENTER);
    terminal.shows("Is Plaza open, without a passphrase?");
    // No is what Enter means.
    terminal.type_keys(ENTER);
    terminal.shows_times("Passphrase of Plaza:", 2);
    terminal.type_keys(ENTER);
    terminal.shows_times("Is Plaza open, without a passphrase?", 2);
    terminal.type_keys("y");
    terminal.type_keys(ENTER);
    terminal.exits(0);
    joined(&device, "Plaza");
}

#[test]
fn retries_passphrase_over_same_session() {
    let device = device();
    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys("1");
    terminal.type_keys(ENTER);
    terminal.shows("Passphrase of Nest:");
    terminal.type_keys("battery staple");
    terminal.type_keys(ENTER);
    terminal.shows("The device could not join Nest with the passphrase before");
    terminal.shows("Another passphrase of Nest:");
    terminal.type_keys(PASSPHRASE);
    terminal.type_keys(ENTER);
    let screen = terminal.exits(0);
    assert!(
        screen.contains("[2] Confirming Wi-Fi connection: failed"),
        "{screen}"
    );
    assert!(
        screen.contains("[2] Confirming Wi-Fi connection: done"),
        "{screen}"
    );
    assert_eq!(device.log_entries("handshake_started").len(), 1);
    assert_eq!(device.log_entries("secured").len(), 1);
    let set = device.log_entries("wifi_set");
    assert_eq!(set.len(), 2);
    assert_eq!(set[0]["passphrase"], "battery staple");
    assert_eq!(set[1]["passphrase"], PASSPHRASE);
    assert_eq!(device.log_entries("wifi_joined").len(), 1);
    assert!(!terminal.raw().contains("staple") && !terminal.raw().contains(PASSPHRASE));
}

#[test]
fn no_new_passphrase_reports_first_failure() {
    for asked in [true, false] {
        let device = device();
        let mut line = bare(&device);
        line.extend(["--pop", device.pop(), "--ssid", "Nest"].map(str::to_owned));
        line.extend(["--passphrase", "battery staple"].map(str::to_owned));
        if !asked {
            line.push("--no-retry".to_owned());
        }
        let mut terminal = Terminal::start(line, &[]);
        if asked {
            terminal.shows("Another passphrase of Nest:");
            terminal.type_keys(ESC);
        }
        let screen = terminal.exits(9);
        assert_eq!(screen.contains("Another passphrase"), asked, "{screen}");
        assert_eq!(device.log_entries("wifi_set").len(), 1);
    }
}

#[test]
fn enterprise_network_is_listed_but_not_selectable() {
    let device = device();
    let mut terminal = provision(&device);
    terminal.shows(PROMPT);
    terminal.type_keys("5");
    terminal.type_keys(ENTER);
    terminal.shows("this is an enterprise network, which cannot be joined by this protocol");
    terminal.type_keys("3");
    terminal.type_keys(ENTER);
    terminal.exits(0);
    joined(&device, "Plaza");
}

#[test]
fn asks_for_pop_and_tries_it_once() {
    for scheme in ["1", "2"] {
        let device = Device::start(&["--sec-ver", scheme, "--pop", "right-one"]);
        let mut line = bare(&device);
        line.extend(["--ssid", "Home", "--passphrase", PASSPHRASE].map(str::to_owned));
        let question = match scheme {
            "1" => "Proof of possession (PoP):",
            _ => "Password of Security 2:",
        };

        let mut terminal = Terminal::start(&line, &[]);
        terminal.shows(question);
        terminal.type_keys(ENTER);
        terminal.shows("nothing was typed");
        terminal.type_keys("wrong-one");
        terminal.shows("*********");
        terminal.type_keys(ENTER);
        terminal.exits(5);
        assert_eq!(device.log_entries("strike").len(), 1);
        assert!(!terminal.raw().contains("wrong-one"));

        let mut terminal = Terminal::start(&line, &[]);
        terminal.shows(question);
        // What was typed can be looked at.
        terminal.type_keys("right-one");
        terminal.type_keys(CTRL_R);
        terminal.shows("right-one");
        terminal.type_keys(ENTER);
        let screen = terminal.exits(0);
        assert!(!screen.contains("right-one"), "{screen}");
    }
}
