//! The errors that no device and no command line can be made to produce; `tests/cli/errors.rs`
//! produces the others by the binary.

use std::io;
use std::time::Duration;

use anyhow::anyhow;

use crate::endpoint::Command as _;
use crate::endpoint::wifi_ctrl::ResetWifi;
use crate::flows::{CredentialState, FlowError, FlowStep, JournalError, Question, StopReason};
use crate::provisioner::{Cause, ProvisionError, RequestFate};
use crate::report::{Context, Environment, Exit, Failure};
use crate::security::{SecurityError, SecurityScheme};
use crate::session::SessionError;
use crate::transport::{Address, Candidate, TransportError, found_over, medium_named};

fn over_softap() -> Context {
    Context {
        medium: Some(medium_named("softap")),
        label: "PROV_1".to_owned(),
        ..Context::default()
    }
}

/// The hints, as a terminal shows them.
fn hints_of(error: &FlowError, context: &Context) -> Vec<String> {
    Failure::of_flow(error, context).hints
}

#[test]
fn rare_errors_have_ids_and_exit_codes() {
    let during = |source: SessionError| FlowError::Session {
        step: FlowStep::Scanning,
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
            "not-recorded",
            3,
            FlowError::NotRecorded {
                step: FlowStep::ApplyingWifi,
                source: JournalError("the disk is full".to_owned()),
            },
        ),
        (
            "scan-unfinished",
            6,
            FlowError::Protocol {
                step: FlowStep::Scanning,
                source: ProvisionError {
                    fate: RequestFate::Unanswered,
                    cause: Cause::ScanUnfinished {
                        waited: Duration::from_secs(20),
                    },
                },
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
        let failure = Failure::of_flow(&error, &over_softap());
        assert_eq!((failure.id.into_str(), failure.exit.code()), (id, exit));
        assert_eq!(serde_json::json!(failure)["id"], id);
    }
    let fault = Failure::fault(&anyhow!("below").context("above"));
    assert_eq!((fault.id.into_str(), fault.exit), ("fault", Exit::Fault));
    assert_eq!(
        (&*fault.message, &*fault.causes),
        ("above", &["below".to_owned()][..])
    );
}

#[test]
fn missing_control_endpoint_hints_at_old_firmware() {
    let missing = |step| {
        let endpoint = ResetWifi::ENDPOINT;
        let error = FlowError::Session {
            step,
            source: TransportError::NoSuchEndpoint { endpoint }.into(),
        };
        hints_of(&error, &over_softap()).join("\n")
    };
    assert!(missing(FlowStep::Resetting).contains("before ESP-IDF 5.1"));
    assert!(missing(FlowStep::Reopening).contains("before ESP-IDF 5.1"));
    assert!(!missing(FlowStep::Calling).contains("5.1"));
}

#[test]
fn bluetooth_problems_have_ids_and_commands() {
    use crate::host::{BluetoothError, BluetoothProblem as Problem};
    for (problem, id, command) in [
        (Problem::Blocked, "bluetooth-blocked", ""),
        (Problem::Denied, "bluetooth-denied", ""),
        (Problem::Failed, "bluetooth-failed", ""),
        (Problem::NoAdapter, "no-bluetooth-adapter", "--transport"),
        (
            Problem::NoSuchAdapter {
                requested: "hci7".into(),
                available: "hci0".into(),
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
        let failure = Failure::of_flow(&error, &over_softap());
        assert_eq!(failure.id.into_str(), id);
        assert_eq!(failure.exit.code(), 3, "{id}");
        let hints = hints_of(&error, &over_softap()).join("\n");
        assert!(
            !hints.is_empty() && hints.contains(command),
            "{id}: {hints}"
        );
    }
}

#[test]
fn custom_bus_address_is_the_first_hint() {
    use crate::host::BluetoothProblem as Problem;
    for (problem, command) in [
        (Problem::NoBus, "systemctl start dbus"),
        (Problem::NoService, "systemctl enable"),
    ] {
        let hints = |has_bus_address| {
            let environment = Environment {
                has_bus_address,
                ..Environment::default()
            };
            let context = Context {
                environment,
                ..Context::default()
            };
            Failure::of_bluetooth(&problem, &context).hints
        };
        assert!(hints(false)[0].contains(command), "{problem}");
        let advice = "unset `DBUS_SYSTEM_BUS_ADDRESS`, or start the emulator again";
        assert!(hints(true)[0].contains(advice), "{problem}");
    }
}

fn over_ble(name: Option<&str>) -> Context {
    Context {
        medium: Some(medium_named("ble")),
        name: name.map(str::to_owned),
        ..over_softap()
    }
}

fn at_address(last: u8) -> Address {
    let text = format!("C0:00:00:00:00:{last:02X}");
    Address::new(text.clone()).with_id(text)
}

fn sighted(name: Option<&str>, last: u8) -> Candidate {
    let mut device = found_over("ble", at_address(last), name);
    device.hints.signal = Some(-50);
    device.hints.is_likely = name.is_some_and(|name| name.starts_with("PROV_"));
    device
}

fn hints_without_candidate(context: &Context, seen: Vec<Candidate>) -> Vec<String> {
    let medium = context.medium.unwrap();
    hints_of(&FlowError::NoCandidate { medium, seen }, context)
}

#[test]
fn lists_five_other_devices_after_advice() {
    let seen = (1..=8).map(|last| sighted((last != 2).then_some("Watch"), last));
    let hints = hints_without_candidate(&over_ble(Some("PROV_1")), seen.collect());
    let listed = hints
        .iter()
        .filter(|hint| hint.starts_with("found ") && !hint.ends_with(" more"));
    assert_eq!(listed.count(), 5, "{hints:?}");
    let advised = hints
        .iter()
        .position(|hint| hint.contains("--all"))
        .unwrap();
    let first = hints
        .iter()
        .position(|hint| hint.starts_with("found ") && !hint.ends_with(" more"));
    assert!(advised < first.unwrap(), "{hints:?}");
    assert!(
        hints.contains(&"found a device without a name at C0:00:00:00:00:02 (-50 dBm)".to_owned()),
        "{hints:?}"
    );
    assert_eq!(hints.last().unwrap(), "found 3 more");
}

#[test]
fn suggests_name_that_differs_only_in_case() {
    let hints = hints_without_candidate(
        &over_ble(Some("prov_abc")),
        vec![sighted(Some("PROV_ABC"), 1)],
    );
    assert!(
        hints[0].contains("did you mean `--device-name PROV_ABC`?"),
        "{hints:?}"
    );
    let hints = hints_without_candidate(
        &over_ble(Some("prov_x")),
        vec![sighted(Some("PROV_ABC"), 1)],
    );
    assert!(!hints.concat().contains("did you mean"), "{hints:?}");
}

#[test]
fn names_filter_that_excludes_device() {
    for (name, fits) in [(Some("PROV_1"), true), (None, true), (Some("Lamp"), false)] {
        let context = Context {
            narrowed_by: Some("--customer-id"),
            ..over_ble(name)
        };
        let hints = hints_without_candidate(&context, vec![sighted(Some("PROV_12"), 1)]);
        let is_named = hints[0].contains("omit --customer-id if you mean PROV_12 at");
        assert_eq!(is_named, fits, "{hints:?}");
    }
}

#[test]
fn equal_names_are_distinguished_by_address() {
    let hints = |seen: Vec<Candidate>| {
        let medium = medium_named("ble");
        hints_of(&FlowError::Ambiguous { medium, seen }, &over_ble(None))
    };
    let twins = hints(vec![sighted(Some("PROV_1"), 1), sighted(Some("PROV_1"), 2)]);
    assert!(
        twins[0].contains("--device-name C0:00:00:00:00:01"),
        "{twins:?}"
    );
    let two = hints(vec![sighted(Some("PROV_1"), 1), sighted(Some("PROV_2"), 2)]);
    assert!(
        two[0].contains("its whole name") && two[0].contains("--device-name PROV_1"),
        "{two:?}"
    );
}

#[test]
fn bluetooth_errors_do_not_suggest_hotspot() {
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
        let error = FlowError::Transport(error);
        let hints = hints_of(&error, &over_ble(Some("PROV_1"))).join("\n");
        assert!(hints.contains(forget), "{hints}");
        assert!(
            !hints.contains("hotspot") && !hints.contains("--device-ip"),
            "{hints}"
        );
    }
}

#[test]
fn suggested_command_selects_same_device() {
    let missing =
        |context: &Context| hints_of(&FlowError::MissingInput(Question::Ssid), context).concat();
    for (name, command) in [
        (
            Some("PROV_1"),
            "`espctl device wifi --transport ble --device-name PROV_1`",
        ),
        (Some("Bob's lamp"), r#"--device-name "Bob's lamp"`"#),
        (None, "`espctl device wifi --transport ble`"),
    ] {
        let hints = missing(&over_ble(name));
        assert!(hints.contains(command), "{hints}");
    }
    assert!(missing(&over_softap()).contains("`espctl device wifi`"));
    let endpoint = ResetWifi::ENDPOINT;
    let error = FlowError::Session {
        step: FlowStep::Calling,
        source: TransportError::NoSuchEndpoint { endpoint }.into(),
    };
    let hints = hints_of(&error, &over_ble(Some("PROV_1"))).concat();
    assert!(
        hints.contains("`espctl device info --transport ble --device-name PROV_1`"),
        "{hints}"
    );
}

#[test]
fn interrupted_while_joining_keeps_credentials() {
    let error = FlowError::Stopped {
        reason: StopReason::Interrupted,
        step: FlowStep::ConfirmingWifi,
        credentials: CredentialState::Applied,
    };
    let hints = hints_of(&error, &over_softap()).join("\n");
    assert!(hints.contains("keeps the credentials"), "{hints}");
    assert!(
        hints.contains(
            "wait until the device has joined or failed before the next run, or restart it"
        ),
        "{hints}"
    );
}
