//! Several devices: the user selects one.

use super::{Home, assert_not_contacted, failed};
use crate::support::device::Device;
use crate::support::pty::{DOWN, ENTER};

const SHORT: [&str; 2] = ["--discovery-timeout", "5"];
const PROMPT: &str = "Select device number (0 to look again, or 'q' to quit):";
const HEADER: &str = "#   Instance Name        Node ID                  IP Address       Port   Sec  PoP      Service";

/// Names longer and shorter than their columns.
fn two(home: &Home) -> (Device, Device) {
    let long = [
        "--name",
        "XeRQn9TDhQDTfhrGgcLesA",
        "--node-id",
        "bK1qV0cJRhS2o3u4v5w6xA",
    ];
    (
        home.device(&[
            "--name",
            "MyDevice",
            "--node-id",
            "NodeOfMyDevice",
            "--pop",
            "abcd1234",
        ]),
        home.device(&long),
    )
}

/// The line of a device in the table, without its number.
fn row(device: &Device, name: &str, pop: &str) -> String {
    let port = device.ready["port"].to_string();
    format!(
        "{name:<20} {:<24} {:<16} {port:<6} {:<4} {pop:<8} ChalResp",
        device.node_id(),
        "127.0.0.1",
        "1"
    )
}

/// The number in front of the last row with this text. A scan finds devices in any order.
fn number_of(screen: &str, row: &str) -> String {
    let line = screen.lines().rfind(|line| line.contains(row));
    let line = line.unwrap_or_else(|| panic!("{row}\n{screen}"));
    let number = line.trim_start_matches(['>', ' ']).split(' ').next();
    number.unwrap_or_default().to_owned()
}

#[test]
fn terminal_lists_devices_in_familiar_columns() {
    let home = Home::new();
    let (mine, other) = two(&home);
    let arguments = [&["--pop", "abcd1234"][..], &SHORT].concat();
    let mut terminal = home.network.at_a_terminal(&home.owner, &arguments);
    terminal.shows("Discovering...");
    terminal.shows("Discovered several devices:");
    // The prompt is the last part of the list.
    terminal.shows(PROMPT);
    let screen = terminal.screen();
    assert!(screen.contains(HEADER), "{screen}");
    let row_of_mine = row(&mine, "MyDevice", "Yes");
    let row_of_other = row(&other, "XeRQn9TDhQDTfhr...", "No");
    assert!(screen.contains(&row_of_other), "{row_of_other}\n{screen}");
    let number = number_of(&screen, &row_of_mine);
    terminal.type_keys("7");
    terminal.type_keys(ENTER);
    terminal.shows("there is no number 7 in the list");
    terminal.type_keys(&number);
    terminal.type_keys(ENTER);
    let screen = terminal.exits(0);
    let words = format!(
        "Node {} mapped to your account successfully!",
        mine.node_id()
    );
    assert!(screen.contains(&words), "{screen}");
    assert!(screen.contains(&format!("{PROMPT} {number}")), "{screen}");
    assert!(home.owner.has(&mine) && !home.owner.has(&other));
    assert_not_contacted(&other);
}

/// Long enough that no test sees its end.
const LONG: [&str; 2] = ["--discovery-timeout", "600"];

#[test]
fn choice_from_growing_list_ends_search() {
    let home = Home::new();
    let first = home.device(&["--name", "First"]);
    let mut terminal = home.network.at_a_terminal(&home.owner, &LONG);
    terminal.shows("> 1   First");
    terminal.shows(PROMPT);
    let second = home.device(&["--name", "Second"]);
    terminal.shows("  2   Second");
    terminal.shows("Discovered so far:");
    terminal.shows("> 1   First");
    terminal.type_keys(DOWN);
    terminal.shows("> 2   Second");
    // A third one does not move the choice.
    let third = home.device(&["--name", "Third"]);
    terminal.shows("  3   Third");
    terminal.shows("> 2   Second");
    terminal.type_keys(ENTER);
    let screen = terminal.exits(0);
    // The list was drawn again in its place, not below.
    assert_eq!(screen.matches(PROMPT).count(), 1, "{screen}");
    assert!(screen.contains(&format!("{PROMPT} 2")), "{screen}");
    assert!(home.owner.has(&second));
    assert_not_contacted(&first);
    assert_not_contacted(&third);
}

#[test]
fn signal_ends_growing_list() {
    let home = Home::new();
    let device = home.device(&["--name", "Only"]);
    let mut terminal = home.network.at_a_terminal(&home.owner, &LONG);
    terminal.shows(PROMPT);
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &terminal.pid().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let screen = terminal.exits(130);
    let own_line = screen.lines().any(|line| line.starts_with("error: "));
    assert!(own_line, "{screen}");
    assert_not_contacted(&device);
}

#[test]
fn quit_at_device_list_contacts_no_device() {
    let home = Home::new();
    let (one, two) = two(&home);
    let mut terminal = home.network.at_a_terminal(&home.owner, &SHORT);
    terminal.shows(PROMPT);
    terminal.type_keys("q");
    let screen = terminal.exits(130);
    assert!(screen.contains("nothing was changed"), "{screen}");
    assert_not_contacted(&one);
    assert_not_contacted(&two);
    home.maps_nothing(&[&one, &two]);
}

#[test]
fn zero_rescans() {
    let home = Home::new();
    let one = home.device(&["--name", "One"]);
    let mut terminal = home.network.at_a_terminal(&home.owner, &LONG);
    terminal.shows(PROMPT);
    terminal.type_keys("0");
    terminal.type_keys(ENTER);
    terminal.shows_times("Discovering...", 2);
    let two = home.device(&["--name", "Two"]);
    terminal.shows(" Two ");
    terminal.type_keys(&number_of(&terminal.screen(), " Two "));
    terminal.type_keys(ENTER);
    terminal.exits(0);
    assert!(home.owner.has(&two));
    assert_not_contacted(&one);
}

#[test]
fn single_device_needs_confirmation() {
    let home = Home::new();
    let device = home.device(&["--name", "Neighbour"]);
    let mut terminal = home.network.at_a_terminal(&home.owner, &SHORT);
    terminal.shows("Discovered 1 device:");
    // The prompt is the last part of the list.
    terminal.shows(PROMPT);
    assert_not_contacted(&device);
    terminal.type_keys("q");
    terminal.exits(130);
    assert_not_contacted(&device);

    let mut terminal = home.network.at_a_terminal(&home.owner, &SHORT);
    terminal.shows(PROMPT);
    terminal.type_keys("1");
    terminal.type_keys(ENTER);
    terminal.exits(0);
    assert!(home.owner.has(&device));
}

#[test]
fn named_device_needs_no_choice() {
    let home = Home::new();
    let (mine, other) = two(&home);
    let named = ["--device-name", "MyDevice", "--pop", "abcd1234"];
    let mut terminal = home.network.at_a_terminal(&home.owner, &named);
    let screen = terminal.exits(0);
    assert!(!screen.contains(PROMPT), "{screen}");
    assert!(home.owner.has(&mine));
    assert_not_contacted(&other);
}

#[test]
fn non_interactive_run_lists_several_devices_and_selects_none() {
    let home = Home::new();
    let (one, two) = two(&home);
    let at = |device: &Device| format!("at 127.0.0.1:{}", device.ready["port"]);
    let (first, second) = (at(&one), at(&two));
    let words = [
        "MyDevice (node NodeOfMyDevice)",
        "bK1qV0cJRhS2o3u4v5w6xA",
        &first,
        &second,
        "--device-name",
    ];
    failed(home.provision(&SHORT), 2, "ambiguous-device", &words);
    assert_not_contacted(&one);
    assert_not_contacted(&two);
    home.maps_nothing(&[&one, &two]);
}
