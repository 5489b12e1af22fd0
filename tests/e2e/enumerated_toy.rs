//! A transport that only these tests have, and that lists places rather than devices, as the console
//! lists serial ports. It has the rules of such media, and neither the words nor the hints of the console.

use std::fmt;
use std::io;

use async_trait::async_trait;
use espctl::proto::Service;
use espctl::transport::{
    Address, AddressError, Candidate, Columns, Discovery, Driver, DriverOptions, Hints, Limits,
    Link, Medium, OptionError, OptionSpec, Search, TransportError, Words, find_option,
};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde_json::Value;

use super::toy::{HOME, device, espctl};
#[cfg(unix)]
use super::toy::{LINE, PROGRAM};
use crate::support::espctl::Output;
use crate::support::memory_transport::MemoryDevice;
#[cfg(unix)]
use crate::support::pty::{ENTER, Terminal};

/// Slots for boxes.
pub(super) struct Shelf {
    device: MemoryDevice,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            device: device("abcd1234"),
        }
    }
}

static MEDIUM: Medium = Medium {
    name: "shelf",
    discovery: Discovery::Enumerated,
    columns: Columns::Version,
    names_are_unique: false,
    joins_device_network: false,
    has_network_already: false,
    needs: None,
    limits: Limits::USUAL,
    usual_address: None,
    words: Words {
        searching: "Looking along the shelf",
        nothing_found: Some("there is no box on the shelf"),
        reach: "put the box into a slot of the shelf",
        choose: "name the slot with --slot",
        unlisted: "more slot(s) look empty",
        addresses: ("a box is in a slot", "--slot names it"),
        ..Words::USUAL
    },
};

static OPTIONS: [OptionSpec; 2] = [
    OptionSpec {
        value_name: "SLOT",
        help: "The slot of the box",
        is_address: true,
        ..OptionSpec::text("slot", "slot", "ESPCTL_SLOT")
    },
    OptionSpec {
        value_name: "SHELF",
        help: "The shelf to look along [default: oak]",
        ..OptionSpec::text("shelf", "shelf", "ESPCTL_SHELF")
    },
];

/// Slot, label of the box, and whether the slot has a box.
type Slot = (&'static str, Option<&'static str>, bool);

/// The slots of a shelf. Only `upper` holds a device that answers.
fn slots_of(shelf: &str) -> &'static [Slot] {
    match shelf {
        "oak" => &[
            ("upper", Some("blue box"), true),
            ("lower", Some("red box"), true),
            ("floor", None, false),
        ],
        "pine" => &[("upper", Some("blue box"), true), ("floor", None, false)],
        "bare" => &[("floor", None, false)],
        _ => &[],
    }
}

#[async_trait]
impl Driver for Shelf {
    fn medium(&self) -> &'static Medium {
        &MEDIUM
    }

    fn options(&self) -> &'static [OptionSpec] {
        &OPTIONS
    }

    fn parse_options(&self, given: &[(&str, String)]) -> Result<DriverOptions, OptionError> {
        let address = find_option(given, "slot").map(Address::new);
        let name = find_option(given, "shelf").unwrap_or("oak").to_owned();
        Ok(DriverOptions::new(given, address, name))
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        Ok(Address::new(text))
    }

    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let candidate = |address| Candidate::new(&MEDIUM, address, Service::Provisioning);
        if let Some(address) = &search.address {
            return stream::iter([Ok(candidate(address.clone()))]).boxed();
        }
        let name = search.options.settings::<String>();
        let slots = slots_of(name.map_or("oak", String::as_str)).iter();
        let found = slots.map(move |(slot, name, is_likely)| {
            Ok(Candidate {
                name: name.map(str::to_owned),
                hints: Hints {
                    is_likely: *is_likely,
                    ..Hints::default()
                },
                ..candidate(Address::new(*slot))
            })
        });
        stream::iter(found).boxed()
    }

    async fn open(
        &self,
        candidate: &Candidate,
        _options: &DriverOptions,
        _limits: &Limits,
    ) -> Result<Box<dyn Link>, TransportError> {
        if candidate.address.as_str() == "upper" {
            return Ok(Box::new(self.device.transport()));
        }
        Err(TransportError::Unreachable {
            address: candidate.address.clone(),
            source: io::Error::other("the slot is empty"),
        })
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

/// Runs the program, and checks that it speaks of no other medium than the shelf.
fn run(arguments: &[&str], exit: i32) -> Output {
    let output = espctl(arguments).exits(exit);
    let printed = format!("{}\n{}", output.stdout, output.stderr).to_lowercase();
    let words = printed.split(|letter: char| !letter.is_alphanumeric());
    let foreign = |word: &&str| FOREIGN.contains(word);
    let foreign: Vec<&str> = words.filter(foreign).collect();
    assert!(foreign.is_empty(), "{foreign:?}: {output}");
    output
}

fn error(arguments: &[&str], exit: i32) -> Value {
    let line = [arguments, &["--format", "json"]].concat();
    run(&line, exit).result()["error"].clone()
}

fn hints(error: &Value) -> Vec<&str> {
    let hints = error["hints"].as_array().unwrap().iter();
    hints.map(|hint| hint.as_str().unwrap()).collect()
}

fn devices(arguments: &[&str]) -> Vec<Value> {
    let line = [DISCOVER, arguments, &["--format", "json"]].concat();
    let result = run(&line, 0).result();
    result["devices"].as_array().unwrap().clone()
}

#[test]
fn discover_lists_addresses_and_probes_on_request() {
    let listed = devices(&[]);
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(listed[0]["transport"], "shelf");
    assert_eq!(listed[0]["address"], "upper");
    assert_eq!(listed[0]["name"], "blue box");
    for place in &listed {
        assert_eq!(
            (&place["version"], &place["silence"]),
            (&Value::Null, &Value::Null)
        );
        assert!(place.get("usb_vendor_id").is_none(), "{place}");
    }
    assert_eq!(devices(&["--all"]).len(), 3);
    // A place announces nothing that these could compare.
    assert_eq!(devices(&["--all", "--customer-id", "1"]).len(), 3);

    let probed = devices(&["--probe"]);
    assert_eq!(probed.len(), 2, "{probed:?}");
    assert_eq!(
        (&probed[0]["sec_ver"], &probed[0]["silence"]),
        (&1.into(), &Value::Null)
    );
    assert_eq!(
        (&probed[1]["version"], &probed[1]["silence"]),
        (&Value::Null, &"unreachable".into())
    );
    let all = devices(&["--probe", "--all"]);
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!(all[2]["silence"], "unreachable");

    let named = devices(&["--slot", "upper"]);
    assert_eq!((named.len(), &named[0]["pop_required"]), (1, &true.into()));
}

#[test]
fn discover_describes_addresses_in_words_of_the_medium() {
    let text = run(DISCOVER, 0);
    assert!(
        text.stdout
            .contains("1 more slot(s) look empty; --all lists them"),
        "{text}"
    );
    let text = run(&[DISCOVER, &["--probe"]].concat(), 0);
    assert!(text.stdout.contains("no device answers at lower"), "{text}");

    let bare = error(&[DISCOVER, &["--shelf", "bare"]].concat(), 4);
    assert_eq!(bare["id"], "no-device", "{bare}");
    assert_eq!(bare["message"], "there is no box on the shelf");
    assert_eq!(
        hints(&bare),
        [
            "put the box into a slot of the shelf",
            "pass `--slot floor` if the device is there",
        ]
    );
    let empty = error(&[DISCOVER, &["--shelf", "none"]].concat(), 4);
    assert_eq!(hints(&empty), ["put the box into a slot of the shelf"]);
}

#[test]
fn provision_uses_named_or_only_likely_address() {
    for which in [
        &["--slot", "upper"][..],
        &["--transport", "shelf", "--shelf", "pine"],
    ] {
        let line = [&["provision", "--no-cloud"], which, &HOME].concat();
        let text = run(&line, 0);
        assert!(text.stderr.contains("Connected to upper"), "{text}");
        assert!(text.stderr.contains("The device joined Home"), "{text}");
        let line = [&line[..], &["--format", "json"]].concat();
        let result = run(&line, 0).result();
        assert_eq!(result["summary"]["transport"], "shelf", "{result}");
    }
}

#[cfg(unix)]
#[test]
fn user_selects_one_of_several_addresses() {
    let line = [
        "device",
        "info",
        "--transport",
        "shelf",
        "--pop",
        "abcd1234",
    ];
    let mut terminal = Terminal::start_with(PROGRAM, LINE, &line);
    terminal.shows("Select device number");
    let screen = terminal.screen();
    for row in ["1  blue box  upper", "2  red box   lower"] {
        assert!(screen.contains(row), "{row}: {screen}");
    }
    terminal.type_keys("1");
    terminal.type_keys(ENTER);
    terminal.exits(0);
}

#[test]
fn errors_and_hints_mention_only_the_medium() {
    let of_shelf =
        |more: &[&'static str]| [&["device", "info", "--transport", "shelf"], more].concat();
    let several = error(&of_shelf(&["--no-input"]), 2);
    assert_eq!(several["id"], "ambiguous-device", "{several}");
    assert_eq!(
        hints(&several),
        [
            "name the slot with --slot",
            "found blue box at upper",
            "found red box at lower",
        ]
    );

    let nothing = error(&of_shelf(&["--shelf", "bare"]), 4);
    assert_eq!(nothing["id"], "no-device", "{nothing}");
    assert_eq!(
        hints(&nothing)[1],
        "pass `--slot floor` if the device is there"
    );

    let empty = error(&of_shelf(&["--slot", "lower"]), 4);
    assert_eq!(empty["id"], "unreachable", "{empty}");
    assert_eq!(hints(&empty), ["put the box into a slot of the shelf"]);
    run(&of_shelf(&["--slot", "lower"]), 4);

    let line = ["device", "wifi", "--slot", "upper", "--pop", "wrong"];
    let wrong = error(&line, 5);
    assert_eq!(wrong["id"], "wrong-pop", "{wrong}");
    assert_eq!(
        wrong["while"], "securing the session with upper over shelf",
        "{wrong}"
    );
    let printed = wrong["hints"].to_string();
    assert!(
        printed.contains("printed on the device") && printed.contains("five wrong tries"),
        "{wrong}"
    );

    let missing = error(&["device", "wifi", "--slot", "upper", "--no-input"], 2);
    assert_eq!(missing["id"], "missing-pop", "{missing}");
    assert!(
        missing["hints"]
            .to_string()
            .contains("printed on the device"),
        "{missing}"
    );

    // The hint names the transports that have the flag.
    let line = of_shelf(&["--device-ip", "127.0.0.1", "--format", "json"]);
    let elsewhere = espctl(&line).exits(2).result()["error"].clone();
    assert_eq!(elsewhere["id"], "conflicting-flags", "{elsewhere}");
    let printed = elsewhere["message"].to_string();
    assert!(printed.contains("a box is in a slot"), "{elsewhere}");
}

#[test]
fn doctor_has_no_checks_for_it() {
    let line = [
        "doctor",
        "--transport",
        "shelf",
        "--no-cloud",
        "--format",
        "json",
    ];
    let result = run(&line, 0).result();
    assert_eq!(result["findings"], Value::Array(Vec::new()), "{result}");
}

const DISCOVER: &[&str] = &["discover", "--transport", "shelf"];
/// Words of other media.
const FOREIGN: [&str; 18] = [
    "serial",
    "port",
    "ports",
    "usb",
    "baud",
    "board",
    "boards",
    "cable",
    "monitor",
    "console",
    "ble",
    "bluetooth",
    "adapter",
    "hotspot",
    "softap",
    "dbm",
    "advertises",
    "mdns",
];
