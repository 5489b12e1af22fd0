//! The errors that no device and no command line can be made to produce; `tests/cli/errors.rs`
//! produces the others by the binary.

use std::io;
use std::time::Duration;

use anyhow::anyhow;

use super::*;
use crate::cli::drivers::Drivers;
use crate::endpoint::Command as _;
use crate::endpoint::wifi_ctrl::ResetWifi;
use crate::flows::Pace;
use crate::flows::SeenDevice;
use crate::flows::connect::Access;
use crate::flows::find::Target;
use crate::security::SecurityScheme;
use crate::transport::{Address, Hints, TransportError, built_in_drivers};

fn any_device(medium: &str) -> Target {
    let drivers = Drivers::new(built_in_drivers());
    drivers.target(drivers.find(medium).unwrap())
}

fn asked() -> Asked {
    Asked {
        target: any_device("softap"),
        access: Access::default(),
        pace: Pace::default(),
        label: "PROV_1".to_owned(),
        network: None,
    }
}

#[test]
fn faults_and_oddities_have_their_ids() {
    let during = |source: SessionError| FlowError::Session {
        doing: Doing::Scanning,
        source,
    };
    let scheme = SecurityScheme::Sec2;
    let cases = [
        (
            "challenge-expired",
            7,
            FlowError::ChallengeExpired {
                node_id: "n".to_owned(),
                source: None,
            },
        ),
        (
            "mapping-pending",
            7,
            FlowError::MappingPending {
                node_id: "n".to_owned(),
                waited: Duration::from_mins(1),
                status: None,
            },
        ),
        (
            "permission-denied",
            3,
            FlowError::Transport(TransportError::PermissionDenied {
                address: Address::new("127.0.0.1:80"),
                source: io::ErrorKind::PermissionDenied.into(),
            }),
        ),
        (
            "scan-unfinished",
            6,
            FlowError::ScanUnfinished {
                waited: Duration::from_secs(20),
            },
        ),
        (
            "session-exhausted",
            6,
            during(SecurityError::CounterExhausted.into()),
        ),
        ("session-lost", 6, during(SessionError::Lost)),
        (
            "transport-unavailable",
            3,
            FlowError::Transport(TransportError::Unavailable {
                what: "mDNS",
                source: io::Error::other("no sockets"),
            }),
        ),
        (
            "wrong-credentials",
            2,
            during(SecurityError::WrongKindOfCredentials { scheme }.into()),
        ),
    ];
    for (id, exit, error) in cases {
        let failure = Failure::of_flow(&error, &asked());
        assert_eq!((failure.id.as_str(), failure.exit.code()), (id, exit));
        assert_eq!(failure.to_json()["id"], id);
    }
    let fault = Failure::fault(&anyhow!("below").context("above"));
    assert_eq!((fault.id.as_str(), fault.exit), ("fault", Exit::Fault));
    assert_eq!(
        (&*fault.message, &*fault.causes),
        ("above", &["below".to_owned()][..])
    );
}

#[test]
fn a_missing_control_endpoint_is_a_matter_of_old_firmware() {
    let missing = |doing| {
        let endpoint = ResetWifi::ENDPOINT;
        let error = FlowError::Session {
            doing,
            source: TransportError::NoSuchEndpoint { endpoint }.into(),
        };
        Failure::of_flow(&error, &asked()).hints.join("\n")
    };
    assert!(missing(Doing::Resetting).contains("before ESP-IDF 5.1"));
    assert!(missing(Doing::Reopening).contains("before ESP-IDF 5.1"));
    assert!(!missing(Doing::Calling).contains("5.1"));
}

#[test]
fn each_trouble_of_bluetooth_has_its_id_and_a_command() {
    use crate::host::{BluetoothError, BluetoothProblem as Problem};
    for (problem, id, command) in [
        (Problem::Blocked, "bluetooth-blocked", ""),
        (Problem::Denied, "bluetooth-denied", ""),
        (Problem::Failed, "bluetooth-failed", ""),
        (Problem::NoAdapter, "no-bluetooth-adapter", "--transport"),
        (
            Problem::NoSuchAdapter {
                wanted: "hci7".into(),
                there: "hci0".into(),
            },
            "no-bluetooth-adapter",
            "--adapter",
        ),
        (Problem::NoBus, "no-bluetooth-service", ""),
        (Problem::NoService, "no-bluetooth-service", "systemctl"),
        (Problem::Off, "bluetooth-off", ""),
    ] {
        let source = None;
        let error = FlowError::Transport(TransportError::Bluetooth(BluetoothError {
            problem,
            source,
        }));
        let failure = Failure::of_flow(&error, &asked());
        assert_eq!(failure.id.as_str(), id);
        assert_eq!(failure.exit.code(), 3, "{id}");
        let hints = failure.hints.join("\n");
        assert!(
            !hints.is_empty() && hints.contains(command),
            "{id}: {hints}"
        );
    }
}

#[test]
fn a_bus_of_somebody_s_own_is_suspected_first() {
    use crate::host::BluetoothProblem as Problem;
    for (problem, command) in [
        (Problem::NoBus, "systemctl start dbus"),
        (Problem::NoService, "systemctl enable"),
    ] {
        let hints = bluetooth::advise_on(&problem, false).hints;
        assert!(hints[0].contains(command), "{hints:?}");
        let hints = bluetooth::advise_on(&problem, true).hints;
        assert!(
            hints[0].contains("unset it, or start the emulator again"),
            "{hints:?}"
        );
    }
}

fn ble(name: Option<&str>) -> Asked {
    Asked {
        target: Target {
            name: name.map(str::to_owned),
            ..any_device("ble")
        },
        ..asked()
    }
}

fn at_address(last: u8) -> Address {
    let text = format!("C0:00:00:00:00:{last:02X}");
    Address::new(text.clone()).with_id(text)
}

fn sighted(name: Option<&str>, last: u8) -> SeenDevice {
    SeenDevice {
        medium: any_device("ble").medium,
        name: name.map(str::to_owned),
        address: at_address(last),
        hints: Hints {
            signal: Some(-50),
            is_likely: name.is_some_and(|name| name.starts_with("PROV_")),
            ..Hints::default()
        },
    }
}

fn hints_of_nobody(asked: &Asked, seen: Vec<SeenDevice>) -> Vec<String> {
    let medium = asked.target.medium;
    Failure::of_flow(&FlowError::NoCandidate { medium, seen }, asked).hints
}

#[test]
fn of_those_that_are_heard_instead_five_are_told_after_the_advice() {
    let seen = (1..=8).map(|last| sighted((last != 2).then_some("Watch"), last));
    let hints = hints_of_nobody(&ble(Some("PROV_1")), seen.collect());
    let told = hints.iter().filter(|hint| hint.starts_with("there is "));
    assert_eq!(told.count(), 5, "{hints:?}");
    let advised = hints
        .iter()
        .position(|hint| hint.contains("--all"))
        .unwrap();
    let first = hints.iter().position(|hint| hint.starts_with("there is "));
    assert!(advised < first.unwrap(), "{hints:?}");
    assert!(
        hints.contains(&"there is one without a name at C0:00:00:00:00:02 (-50 dBm)".to_owned()),
        "{hints:?}"
    );
    assert_eq!(hints.last().unwrap(), "and there are 3 more");
}

#[test]
fn a_name_in_other_letters_is_proposed() {
    let hints = hints_of_nobody(&ble(Some("prov_abc")), vec![sighted(Some("PROV_ABC"), 1)]);
    assert!(
        hints[0].contains("did you mean --device-name PROV_ABC?"),
        "{hints:?}"
    );
    let hints = hints_of_nobody(&ble(Some("prov_x")), vec![sighted(Some("PROV_ABC"), 1)]);
    assert!(!hints.concat().contains("did you mean"), "{hints:?}");
}

#[test]
fn a_filter_that_leaves_the_device_out_is_named() {
    for (name, fits) in [(Some("PROV_1"), true), (None, true), (Some("Lamp"), false)] {
        let mut asked = ble(name);
        asked.target.customer_id = Some(7);
        let hints = hints_of_nobody(&asked, vec![sighted(Some("PROV_12"), 1)]);
        let told = hints[0].contains("--customer-id leaves it out: run the command without it");
        assert_eq!(told, fits, "{hints:?}");
    }
}

#[test]
fn devices_of_one_name_are_told_apart_by_address() {
    let hints = |seen: Vec<SeenDevice>| {
        let medium = any_device("ble").medium;
        Failure::of_flow(&FlowError::Ambiguous { medium, seen }, &ble(None)).hints
    };
    let twins = hints(vec![sighted(Some("PROV_1"), 1), sighted(Some("PROV_1"), 2)]);
    assert!(
        twins[0].contains("--device-name C0:00:00:00:00:01"),
        "{twins:?}"
    );
    let two = hints(vec![sighted(Some("PROV_1"), 1), sighted(Some("PROV_2"), 2)]);
    assert!(two[0].contains("its whole name"), "{two:?}");
}

#[test]
fn what_cannot_be_connected_to_by_bluetooth_needs_no_hotspot() {
    let gone = || io::Error::from(io::ErrorKind::TimedOut);
    let forget = if cfg!(target_os = "linux") {
        "`bluetoothctl remove C0:00:00:00:00:01`"
    } else {
        "settings"
    };
    let errors = [
        TransportError::Unreachable {
            address: at_address(1),
            source: gone(),
        },
        TransportError::NotPaired {
            address: at_address(1),
            source: gone(),
        },
        TransportError::NotADevice {
            address: at_address(1),
        },
    ];
    for error in errors {
        let failure = Failure::of_flow(&FlowError::Transport(error), &ble(Some("PROV_1")));
        let hints = failure.hints.join("\n");
        assert!(hints.contains(forget), "{hints}");
        assert!(
            !hints.contains("hotspot") && !hints.contains("--device-ip"),
            "{hints}"
        );
    }
}

#[test]
fn a_command_that_is_proposed_reaches_the_same_device() {
    let missing = |asked: &Asked| {
        Failure::of_flow(&FlowError::MissingInput(Question::Ssid), asked)
            .hints
            .concat()
    };
    for (name, command) in [
        (
            Some("PROV_1"),
            "`espctl device wifi --transport ble --device-name PROV_1`",
        ),
        (Some("Bob's lamp"), r#"--device-name "Bob's lamp"`"#),
        (None, "`espctl device wifi --transport ble`"),
    ] {
        let hints = missing(&ble(name));
        assert!(hints.contains(command), "{hints}");
    }
    assert!(missing(&asked()).contains("`espctl device wifi`"));
    let endpoint = ResetWifi::ENDPOINT;
    let error = FlowError::Session {
        doing: Doing::Calling,
        source: TransportError::NoSuchEndpoint { endpoint }.into(),
    };
    let hints = Failure::of_flow(&error, &ble(Some("PROV_1")))
        .hints
        .concat();
    assert!(
        hints.contains("`espctl device info --transport ble --device-name PROV_1`"),
        "{hints}"
    );
}

#[test]
fn a_device_that_joins_while_a_run_is_interrupted_keeps_what_it_has() {
    let error = FlowError::Stopped {
        reason: StopReason::Interrupted,
        doing: Doing::ConfirmingWifi,
        left: Left::Applied,
    };
    let hints = Failure::of_flow(&error, &asked()).hints.join("\n");
    assert!(hints.contains("keeps the credentials"), "{hints}");
    assert!(
        hints.contains("wait until it has joined or failed, or restart it"),
        "{hints}"
    );
}
