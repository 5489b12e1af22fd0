//! The errors that no device and no command line can be made to produce; `tests/cli/errors.rs`
//! produces the others by the binary.

use std::io;
use std::time::Duration;

use anyhow::anyhow;

use super::*;
use crate::endpoint::Command as _;
use crate::endpoint::wifi_ctrl::ResetWifi;
use crate::flows::Pace;
use crate::flows::connect::Access;
use crate::flows::find::Target;
use crate::security::SecurityScheme;
use crate::transport::Address;
use crate::transport::{TransportError, TransportKind};

fn asked() -> Asked {
    Asked {
        target: Target {
            ..Target::of_kind(TransportKind::SoftAp)
        },
        access: Access::default(),
        pace: Pace::default(),
        label: "PROV_1".to_owned(),
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
                address: Address::Http {
                    host: "127.0.0.1".to_owned(),
                    port: 80,
                },
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
    use crate::transport::BluetoothProblem as Problem;
    for (problem, id, command) in [
        (Problem::Blocked, "bluetooth-blocked", "rfkill"),
        (Problem::Denied, "bluetooth-denied", ""),
        (Problem::Failed, "bluetooth-failed", ""),
        (
            Problem::NoAdapter,
            "no-bluetooth-adapter",
            "ls /sys/class/bluetooth",
        ),
        (
            Problem::NoSuchAdapter {
                wanted: "hci7".into(),
                there: "hci0".into(),
            },
            "no-bluetooth-adapter",
            "--adapter",
        ),
        (Problem::NoBus, "no-bluetooth-service", "systemctl"),
        (Problem::NoService, "no-bluetooth-service", "systemctl"),
        (Problem::Off, "bluetooth-off", ""),
    ] {
        let source = None;
        let error = FlowError::Transport(TransportError::Bluetooth { problem, source });
        let failure = Failure::of_flow(&error, &asked());
        assert_eq!(failure.id.as_str(), id);
        assert_eq!(failure.exit.code(), 3, "{id}");
        let [hint] = &failure.hints[..] else {
            panic!("{id}: {:?}", failure.hints);
        };
        assert!(hint.contains(command), "{id}: {hint}");
    }
}
