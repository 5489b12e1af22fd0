//! What the same documents promise around their lines, and the tests that show each. Nothing is
//! shown here a second time; this only holds that the tests are there.

use std::fs;
use std::path::Path;

use super::is_refused;

/// How a promise is kept.
enum Kept {
    /// By these tests: the file below `tests/`, and the name.
    By(&'static [(&'static str, &'static str)]),
    /// Not yet: why, and a line that is refused until then.
    Later(&'static str, &'static str),
}
use Kept::{By, Later};

const PROMISES: [(&str, Kept); 16] = [
    (
        "Bluetooth, SoftAP, console and network, each with its flags",
        By(&[
            ("e2e/documented.rs", "the_documented_lines_run_as_they_are"),
            (
                "e2e/on_network/addresses.rs",
                "a_device_is_reached_by_name_and_by_either_kind_of_address",
            ),
            (
                "e2e/on_network/names.rs",
                "the_wanted_device_ends_the_search_by_its_name_or_its_node_id",
            ),
            (
                "e2e/console/ports.rs",
                "the_board_is_on_the_only_port_on_usb_and_of_several_one_is_named",
            ),
        ]),
    ),
    (
        "Security 0, 1 with a PoP or without, and 2; detected when it is not given",
        By(&[
            (
                "e2e/provision.rs",
                "every_scheme_is_detected_and_ends_with_a_joined_device",
            ),
            (
                "e2e/ble/schemes.rs",
                "every_scheme_ends_with_a_joined_device_on_both_stacks",
            ),
            (
                "e2e/on_network/schemes.rs",
                "without_a_word_about_security_the_scheme_is_tried_out",
            ),
        ]),
    ),
    (
        "a QR payload gives transport, name and PoP; flags win, then it, then defaults",
        By(&[
            (
                "e2e/documented/label.rs",
                "todays_firmware_is_provisioned_and_mapped_by_its_qr_code_alone",
            ),
            (
                "cli/settings.rs",
                "a_flag_wins_over_the_environment_and_that_over_the_label",
            ),
        ]),
    ),
    (
        "the network is chosen from the device's own scan, or is another one, or 0 scans again",
        By(&[
            (
                "cli/terminal.rs",
                "the_list_has_the_words_and_columns_that_people_know",
            ),
            (
                "cli/terminal.rs",
                "another_network_can_be_named_and_so_can_a_hidden_one",
            ),
            ("cli/terminal.rs", "zero_scans_again"),
        ]),
    ),
    (
        "mapping without Wi-Fi",
        By(&[(
            "e2e/mapping/ways.rs",
            "without_wifi_the_node_is_mapped_and_left_alone",
        )]),
    ),
    (
        "tags and metadata",
        By(&[(
            "e2e/mapping/ways.rs",
            "tags_metadata_and_group_arrive_in_both_ways",
        )]),
    ),
    (
        "challenge-response is switched off by itself on the network only",
        By(&[
            (
                "e2e/on_network/disable.rs",
                "a_service_of_its_own_is_switched_off_and_goes_away",
            ),
            (
                "e2e/mapping/ways.rs",
                "challenge_response_is_switched_off_only_when_asked_and_then_it_is_off",
            ),
        ]),
    ),
    (
        "the table of devices on the network, of which one is chosen, or none",
        By(&[
            (
                "e2e/on_network/choice.rs",
                "a_person_chooses_from_the_table_that_people_know",
            ),
            (
                "e2e/on_network/choice.rs",
                "q_quits_and_no_device_has_heard_of_it",
            ),
            (
                "e2e/on_network/txt.rs",
                "discover_lists_each_with_what_it_says",
            ),
        ]),
    ),
    (
        "the positional PoP of old scripts",
        By(&[(
            "cli/settings.rs",
            "a_flag_wins_over_the_environment_and_that_over_the_label",
        )]),
    ),
    (
        "a page in the browser, where the network is picked",
        Later("the page is not written", "espctl provision --web"),
    ),
    (
        "afterwards the device shows as online",
        Later(
            "nothing asks the cloud for it yet",
            "espctl provision --pop abcd1234 --wait-online",
        ),
    ),
    (
        "troubleshooting: the device is not found, and nothing is discovered",
        By(&[
            (
                "e2e/ble/discover.rs",
                "with_nobody_there_it_says_who_is_and_why_that_may_be",
            ),
            (
                "e2e/on_network/names.rs",
                "where_nobody_is_the_error_says_where_it_looked",
            ),
            ("e2e/outcomes.rs", "nobody_at_the_address"),
        ]),
    ),
    (
        "troubleshooting: the handshake fails",
        By(&[
            ("e2e/outcomes.rs", "a_wrong_secret_is_tried_once"),
            (
                "e2e/outcomes.rs",
                "another_scheme_than_the_devices_is_no_strike",
            ),
        ]),
    ),
    (
        "troubleshooting: the device does not join",
        By(&[
            ("e2e/outcomes.rs", "the_device_cannot_join"),
            ("e2e/outcomes.rs", "a_device_that_never_joins_is_given_up"),
        ]),
    ),
    (
        "troubleshooting: this computer or the way to the device is at fault",
        By(&[
            (
                "e2e/ble/host.rs",
                "each_trouble_of_the_host_has_its_id_and_its_command",
            ),
            (
                "e2e/console.rs",
                "each_trouble_of_a_line_is_told_as_what_it_is",
            ),
            (
                "cli/doctor/namespace.rs",
                "a_computer_without_any_network_is_told_each_lack",
            ),
            (
                "cli/doctor/bluetooth.rs",
                "each_trouble_is_named_with_what_fixes_it",
            ),
        ]),
    ),
    (
        "troubleshooting: the time is up; and every error is explained",
        By(&[
            (
                "e2e/outcomes.rs",
                "time_for_the_whole_run_has_the_exit_code_of_what_it_cut_short",
            ),
            ("cli/errors.rs", "every_error_id_comes_about"),
        ]),
    ),
];

#[test]
fn every_promise_is_kept_by_a_test_or_refused_until_it_is() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (promise, kept) in &PROMISES {
        match kept {
            By(shown) => {
                for (file, test) in *shown {
                    let source = fs::read_to_string(tests.join(file));
                    let source =
                        source.unwrap_or_else(|error| panic!("{promise}: {file}: {error}"));
                    let test = format!("#[test]\nfn {test}() {{");
                    assert!(source.contains(&test), "{promise}: not in {file}: {test}");
                }
            }
            Later(why, line) => {
                let output = is_refused(line);
                let flag = line.rsplit(' ').next().unwrap();
                assert!(output.stderr.contains(flag), "{promise}, {why}: {output}");
            }
        }
    }
}
