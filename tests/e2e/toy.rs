//! A transport and a protocol that only these tests have: the program finds their devices, provisions
//! them, and names them in errors, help and JSON, although no other file knows of them.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use espctl::emulator::device::DeviceSettings;
use espctl::proto::Service;
use espctl::provisioner::built_in_protocols;
use espctl::secret::Secret;
use espctl::security::DeviceSecret;
use espctl::transport::{
    Address, AddressError, Candidate, Columns, Discovery, Driver, DriverOptions, Hints, Limits,
    Link, Medium, OptionError, OptionSpec, Search, TransportError, Words, built_in_drivers,
    find_option,
};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use super::enumerated_toy::Shelf;
use super::toy_protocol::{LetterBox, Mail};
use crate::support::espctl::{Output, espctl_with};
use crate::support::memory_transport::MemoryDevice;

/// A device for each room of a house, in the memory of the program. On the porch is one that does not
/// speak protocomm.
struct Toy {
    rooms: Vec<(&'static str, MemoryDevice)>,
}

pub(super) const PORCH: &str = "porch";

static MEDIUM: Medium = Medium {
    name: "toy",
    discovery: Discovery::Announced,
    columns: Columns::Version,
    names_are_unique: true,
    joins_device_network: false,
    has_network_already: false,
    needs: None,
    limits: Limits::USUAL,
    usual_address: None,
    words: Words {
        searching: "Looking into every room",
        reach: "put the toy into a room of this house",
        choose: "name the room with --toy-room",
        addresses: ("a toy is in a room", "--toy-room names it"),
        ..Words::USUAL
    },
};

static OPTIONS: [OptionSpec; 1] = [OptionSpec {
    value_name: "ROOM",
    help: "The room that the toy is in",
    is_address: true,
    ..OptionSpec::text("toy_room", "toy-room", "ESPCTL_TOY_ROOM")
}];

#[async_trait]
impl Driver for Toy {
    fn medium(&self) -> &'static Medium {
        &MEDIUM
    }

    fn options(&self) -> &'static [OptionSpec] {
        &OPTIONS
    }

    fn parse_options(&self, given: &[(&str, String)]) -> Result<DriverOptions, OptionError> {
        let address = find_option(given, "toy_room").map(Address::new);
        Ok(DriverOptions::new(given, address, ()))
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        Ok(Address::new(text))
    }

    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let wanted = search.address.as_ref().map(Address::as_str);
        let rooms = self.rooms.iter().map(|(room, _)| *room);
        // Only a run that names the porch goes there.
        let porch = wanted.filter(|wanted| *wanted == PORCH).map(|_| PORCH);
        let found: Vec<_> = rooms
            .filter(|room| wanted.is_none_or(|wanted| wanted == *room))
            .chain(porch)
            .map(|room| {
                let address = Address::new(room);
                Ok(Candidate {
                    name: Some(format!("PROV_{room}")),
                    hints: Hints {
                        is_likely: true,
                        ..Hints::default()
                    },
                    ..Candidate::new(&MEDIUM, address, Service::Provisioning)
                })
            })
            .collect();
        stream::iter(found).boxed()
    }

    async fn open(
        &self,
        candidate: &Candidate,
        _options: &DriverOptions,
        _limits: &Limits,
    ) -> Result<Box<dyn Link>, TransportError> {
        let room = candidate.address.as_str();
        if room == PORCH {
            return Ok(Box::new(LetterBox::default()));
        }
        let mut rooms = self.rooms.iter();
        let (_, device) = rooms.find(|(name, _)| *name == room).expect("a room");
        Ok(Box::new(device.transport()))
    }

    #[expect(
        clippy::print_stderr,
        reason = "the test reads what the program prints"
    )]
    async fn finish_closing(&self) {
        eprintln!("{CLOSED}");
    }
}

impl fmt::Debug for Toy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Toy")
    }
}

/// The program with two more transports, in a process of its own.
#[test]
#[ignore = "the other tests of the toys run it"]
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "output and exit code are the program's"
)]
fn program() {
    let Some(line) = std::env::var_os(LINE) else {
        return;
    };
    let line = line.into_string().unwrap();
    let arguments: Vec<OsString> = line.split('\n').map(OsString::from).collect();
    let mut drivers = built_in_drivers();
    drivers.push(Arc::new(Shelf::default()));
    drivers.push(Arc::new(Toy {
        rooms: vec![("kitchen", device("abcd1234")), ("attic", device("other"))],
    }));
    let mut protocols = built_in_protocols();
    protocols.insert(0, Arc::new(Mail));
    println!("{BEGINNING}");
    std::process::exit(espctl::cli::main(&arguments, drivers, protocols).into());
}

/// A device with Security 1.
pub(super) fn device(pop: &str) -> MemoryDevice {
    MemoryDevice::new(DeviceSettings::new(DeviceSecret::Sec1 {
        pop: Some(Secret::new(pop.to_owned())),
    }))
}

pub(super) fn espctl(arguments: &[&str]) -> Output {
    let mut output = espctl_with(PROGRAM, LINE, arguments).output();
    if let Some((_, own)) = output.stdout.split_once(BEGINNING) {
        output.stdout = own.trim_start().to_owned();
    }
    output
}

#[test]
fn discover_lists_devices_of_a_new_transport() {
    let line = ["discover", "--transport", "toy", "--format", "json"];
    let result = espctl(&line).exits(0).result();
    let devices = result["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 2, "{result}");
    assert_eq!(devices[0]["transport"], "toy");
    assert_eq!(devices[0]["address"], "kitchen");
    assert_eq!(devices[0]["name"], "PROV_kitchen");
    let text = espctl(&line[..3]).exits(0);
    assert!(text.stdout.contains("PROV_attic"), "{text}");
}

#[test]
fn provision_reaches_a_device_by_a_new_transport() {
    // Its own flag selects the transport; a name selects the device.
    let by_room = ["--toy-room", "kitchen"];
    let by_name = ["--transport", "toy", "--device-name", "PROV_kitchen"];
    for which in [&by_room[..], &by_name[..]] {
        let line = [
            &["provision", "--no-cloud", "--format", "json"],
            which,
            &HOME,
        ]
        .concat();
        let result = espctl(&line).exits(0).result();
        assert_eq!(result["summary"]["transport"], "toy", "{result}");
        assert_eq!(result["summary"]["ssid"], "Home", "{result}");
    }
}

#[test]
fn every_run_closes_what_drivers_opened() {
    let runs = [("kitchen", 0), ("cellar", 4)];
    for (room, exit) in runs {
        let line = ["device", "info", "--pop", "abcd1234", "--toy-room", room];
        let output = espctl(&line).exits(exit);
        assert_eq!(output.stderr.matches(CLOSED).count(), 1, "{output}");
    }
}

#[test]
fn errors_use_words_of_a_new_transport() {
    let error = |line: &[&str], exit: i32| {
        let line = [line, &["--format", "json"]].concat();
        espctl(&line).exits(exit).result()["error"].clone()
    };
    let missing = error(&["device", "info", "--toy-room", "cellar"], 4);
    assert_eq!(missing["id"], "no-device", "{missing}");
    assert_eq!(missing["message"], "no device found over toy", "{missing}");
    let hints = missing["hints"].to_string();
    assert!(hints.contains("into a room of this house"), "{missing}");

    let line = ["device", "wifi", "--toy-room", "kitchen", "--pop", "wrong"];
    let wrong = error(&line, 5);
    assert_eq!(wrong["id"], "wrong-pop", "{wrong}");
    assert!(wrong["while"].to_string().contains("over toy"), "{wrong}");

    let line = [
        "device",
        "info",
        "--transport",
        "toy",
        "--device-name",
        "PROV_x",
    ];
    let other = error(&line, 4);
    assert!(
        other["hints"]
            .to_string()
            .contains("PROV_kitchen at kitchen"),
        "{other}"
    );

    let line = ["device", "info", "--transport", "toy", "--no-input"];
    let several = error(&line, 2);
    assert_eq!(several["id"], "ambiguous-device", "{several}");
    assert!(
        several["hints"].to_string().contains("--toy-room"),
        "{several}"
    );

    let line = [
        "device",
        "info",
        "--transport",
        "toy",
        "--device-ip",
        "127.0.0.1",
    ];
    let elsewhere = error(&line, 2);
    assert_eq!(elsewhere["id"], "conflicting-flags", "{elsewhere}");
    assert!(
        elsewhere["message"]
            .to_string()
            .contains("a toy is in a room")
    );
    let line = [
        "device",
        "info",
        "--transport",
        "ble",
        "--toy-room",
        "attic",
    ];
    let hints = error(&line, 2)["hints"].to_string();
    assert!(
        hints.contains("`--toy-room` is for `--transport toy`"),
        "{hints}"
    );
}

#[test]
fn help_and_doctor_include_a_new_transport() {
    let help = espctl(&["provision", "--help"]).exits(0);
    assert!(help.stdout.contains("--toy-room <ROOM>"), "{help}");
    assert!(
        help.stdout.contains("The room that the toy is in"),
        "{help}"
    );
    let line = [
        "doctor",
        "--transport",
        "toy",
        "--no-cloud",
        "--format",
        "json",
    ];
    let result = espctl(&line).exits(0).result();
    assert_eq!(result["problems"], 0, "{result}");
    let unknown = espctl(&["device", "info", "--transport", "smoke"]).exits(2);
    assert!(
        unknown.stderr.contains("on-network, shelf, toy"),
        "{unknown}"
    );
}

/// Where the output of the program begins, and that of the test harness ends.
const BEGINNING: &str = "--- the program";
/// What the driver prints when the run waits for it to close everything.
const CLOSED: &str = "--- the toy is closed";
/// The test that is the program.
pub(super) const PROGRAM: &str = "e2e::toy::program";
/// The variable with the command line, an argument a line.
pub(super) const LINE: &str = "TOY_COMMAND_LINE";
pub(super) const HOME: [&str; 6] = [
    "--pop",
    "abcd1234",
    "--ssid",
    "Home",
    "--passphrase",
    "correct horse battery",
];
