//! The two broken forms of a Security 2 verifier that are in the field: opened when asked for, at
//! the price that is announced, and never otherwise. The devices are those of the test vectors.

use espctl::emulator::device::DeviceSettings;
use espctl::flows::Access;
use espctl::flows::connect::start_session;
use espctl::flows::{FlowError, Warning};
use espctl::secret::Secret;
use espctl::security::{
    DeviceSecret, NonceRule, SecurityError, SecurityScheme, inner_hash_is_ambiguous,
};
use espctl::session::SessionError;

use crate::support::memory_transport::MemoryDevice;
use crate::support::recorder::Recorder;
use crate::support::vector_file::{bytes, entry, text};

/// The device of an entry of `sec2`.
fn device(name: &str) -> MemoryDevice {
    let entry = entry("sec2", name);
    let secret = DeviceSecret::Sec2 {
        salt: bytes(&entry, "salt_on_wire"),
        verifier: bytes(&entry, "verifier"),
        nonce: match entry["patch_ver"].as_u64() {
            Some(0) => NonceRule::Fixed,
            _ => NonceRule::Counter,
        },
    };
    MemoryDevice::new(DeviceSettings::new(secret))
}

/// The person who holds the secret of an entry.
fn holder_of(name: &str, sec2_compat: bool) -> Access {
    let entry = entry("sec2", name);
    Access {
        username: Some(text(&entry, "username")),
        password: Some(Secret::new(text(&entry, "password"))),
        sec2_compat,
        ..Access::default()
    }
}

/// The outcome, and how many warnings it took.
async fn run(device: &MemoryDevice, access: &Access) -> (Result<SecurityScheme, FlowError>, usize) {
    let recorder = Recorder::default();
    let run = recorder.run();
    let opened = device.opened(&run).await;
    let outcome = start_session(&run, opened, access).await;
    let warnings = recorder.warnings();
    assert!(warnings.iter().all(|id| *id == Warning::Sec2Compat));
    (outcome.map(|secured| secured.scheme), warnings.len())
}

#[track_caller]
fn assert_mismatch(outcome: Result<SecurityScheme, FlowError>) {
    let error = outcome.unwrap_err();
    let FlowError::Session {
        source: SessionError::HandshakeRefused { means, .. },
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    let scheme = SecurityScheme::Sec2;
    assert_eq!(means, SecurityError::CredentialsMismatch { scheme });
}

const SHORT_SALT: &str = "salt_leading_zero_device_generated";
const STRIPPED: &str = "inner_hash_leading_zero_python_generated";

#[tokio::test]
async fn broken_verifier_fails_after_one_handshake() {
    for name in [SHORT_SALT, STRIPPED] {
        let device = device(name);
        let (outcome, warnings) = run(&device, &holder_of(name, false)).await;
        assert_mismatch(outcome);
        assert_eq!((device.handshakes(), warnings), (1, 0), "{name}");
        assert_eq!(device.log_entries("strike").len(), 1);
    }
}

#[tokio::test]
async fn sec2_compat_opens_broken_verifier_with_warnings() {
    for (name, handshakes) in [(SHORT_SALT, 2), (STRIPPED, 3)] {
        let device = device(name);
        let (outcome, warnings) = run(&device, &holder_of(name, true)).await;
        assert_eq!(outcome.unwrap(), SecurityScheme::Sec2, "{name}");
        assert_eq!(device.handshakes(), handshakes, "{name}");
        assert_eq!(warnings, handshakes - 1, "{name}");
        // As announced: every form but the right one counts.
        assert_eq!(device.log_entries("strike").len(), handshakes - 1, "{name}");
    }
}

/// Asking for it costs nothing where it is not needed.
#[tokio::test]
async fn correct_verifier_is_opened_at_once() {
    for name in [
        "patch0",
        "patch1",
        "inner_hash_leading_zero_device_generated",
    ] {
        let device = device(name);
        let (outcome, warnings) = run(&device, &holder_of(name, true)).await;
        assert_eq!(outcome.unwrap(), SecurityScheme::Sec2, "{name}");
        assert_eq!((device.handshakes(), warnings), (1, 0), "{name}");
    }
}

#[tokio::test]
async fn wrong_password_costs_one_try_for_each_form() {
    for (holder, handshakes) in [("patch1", 2), (STRIPPED, 3)] {
        let device = device("patch0");
        let mut access = holder_of(holder, true);
        if holder == "patch1" {
            access.password = Some(Secret::new("not it".to_owned()));
        }
        let (username, password) = (access.username.as_ref(), access.password.as_ref());
        assert_eq!(
            inner_hash_is_ambiguous(username.unwrap(), password.unwrap()),
            handshakes == 3
        );
        let (outcome, warnings) = run(&device, &access).await;
        assert_mismatch(outcome);
        assert_eq!(device.handshakes(), handshakes);
        assert_eq!(warnings, handshakes - 1);
        assert_eq!(device.log_entries("strike").len(), handshakes);
    }
}
