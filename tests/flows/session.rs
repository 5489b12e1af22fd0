//! When a session is over: an answer that was lost or is nonsense leaves the two ends out of step,
//! a refusal that was understood does not.

use espctl::emulator::device::DeviceSettings;
use espctl::endpoint::ReplyError;
use espctl::endpoint::wifi_config::{ApplyWifi, WifiState, WifiStatus};
use espctl::endpoint::wifi_ctrl::Reprovision;
use espctl::proto::EndpointName;
use espctl::secret::Secret;
use espctl::security::{
    Credentials, DeviceSecret, Misbehaviour, NonceRule, SecurityError, SecurityScheme, VerifierForm,
};
use espctl::session::{Session, SessionError};
use espctl::transport::TransportError;

use crate::support::memory_transport::{MemoryDevice, Outcome, broken};
use crate::support::scripted_rng::SeededRng;

/// A session of each scheme with a device that answers the n-th request after the handshake,
/// counted from 0, as `answer` wants.
async fn sessions(
    nth: usize,
    answer: impl Fn(&str, Vec<u8>) -> Outcome + Copy + Send + 'static,
) -> Vec<(MemoryDevice, Session)> {
    let password = || Secret::new("abcd1234".to_owned());
    let rng = &mut SeededRng::new("verifier");
    let sec2 = DeviceSecret::sec2("wifiprov", &password(), NonceRule::Counter, rng);
    let user = Credentials::UserPassword {
        username: "wifiprov".to_owned(),
        password: password(),
        verifier: VerifierForm::Standard,
    };
    let sec1 = DeviceSecret::Sec1 {
        pop: Some(password()),
    };
    let mut sessions = Vec::new();
    for (secret, credentials) in [
        (DeviceSecret::Sec0, Credentials::None),
        (sec1, Credentials::Pop(password())),
        (sec2, user),
    ] {
        let scheme = secret.scheme();
        let mut number = 0;
        let device =
            MemoryDevice::new(DeviceSettings::new(secret)).altering(move |endpoint, bytes| {
                if endpoint == "prov-session" {
                    return Ok(bytes);
                }
                number += 1;
                if number == nth + 1 {
                    answer(endpoint, bytes)
                } else {
                    Ok(bytes)
                }
            });
        let session = device.session(scheme, &credentials).await;
        sessions.push((device, session));
    }
    sessions
}

/// Neither a command nor bytes go out any more.
async fn assert_lost(device: &MemoryDevice, session: &mut Session) {
    let before = device.requests("prov-config").len();
    for _ in 0..2 {
        let error = session.call(&WifiStatus).await.unwrap_err();
        assert!(matches!(error, SessionError::Lost), "{error:?}");
    }
    let error = session
        .exchange(&EndpointName::PROV_CONFIG, b"x")
        .await
        .unwrap_err();
    assert!(matches!(error, SessionError::Lost), "{error:?}");
    assert_eq!(device.requests("prov-config").len(), before);
}

#[tokio::test]
async fn failed_exchange_ends_session() {
    for (device, mut session) in sessions(1, |endpoint, _| Err(broken(endpoint))).await {
        session.call(&WifiStatus).await.unwrap();
        let error = session.call(&WifiStatus).await.unwrap_err();
        assert!(
            matches!(
                error,
                SessionError::Transport(TransportError::Disconnected { .. })
            ),
            "{error:?}"
        );
        assert_lost(&device, &mut session).await;
    }
}

#[tokio::test]
async fn understood_rejection_keeps_session() {
    for (_, mut session) in sessions(usize::MAX - 1, |_, bytes| Ok(bytes)).await {
        for _ in 0..3 {
            // Nothing to apply; and nothing to provision anew.
            let applied = session.call(&ApplyWifi).await.unwrap_err();
            let anew = session.call(&Reprovision).await.unwrap_err();
            for error in [applied, anew] {
                let SessionError::Reply(ReplyError::Refused { status }) = error else {
                    panic!("{error:?}");
                };
                assert!(status.is_wrong_state());
            }
            let state = session.call(&WifiStatus).await.unwrap();
            let WifiState::Connecting {
                attempts_remaining: None,
            } = state
            else {
                panic!("{state:?}");
            };
        }
    }
}

/// Only without encryption can a test write a reply of its own.
#[tokio::test]
async fn reply_to_another_request_keeps_session() {
    // A reset, answered.
    let other = |_: &str, _| Ok(vec![0x08, 0x02, 0x62, 0x00]);
    let (_, mut session) = sessions(0, other).await.swap_remove(0);
    let error = session.call(&WifiStatus).await.unwrap_err();
    assert!(
        matches!(error, SessionError::Reply(ReplyError::Unexpected { .. })),
        "{error:?}"
    );
    session.call(&WifiStatus).await.unwrap();
}

#[tokio::test]
async fn undecodable_reply_ends_session() {
    let nonsense = |_: &str, bytes: Vec<u8>| Ok(vec![0xff; bytes.len()]);
    for (device, mut session) in sessions(0, nonsense).await {
        let error = session.call(&WifiStatus).await.unwrap_err();
        let scheme = SecurityScheme::Sec2;
        match error {
            // Under Security 1 nonsense decrypts to other nonsense.
            SessionError::Reply(ReplyError::Malformed { endpoint }) => {
                assert_eq!(endpoint, "prov-config");
            }
            SessionError::Security(error) => assert_eq!(
                error,
                SecurityError::PeerMisbehaved {
                    scheme,
                    how: Misbehaviour::NotAuthentic
                }
            ),
            other => panic!("{other:?}"),
        }
        assert_lost(&device, &mut session).await;
    }
}

/// protocomm never saw the request, but our keys have moved on. Taking that back would seal
/// another message with the same keystream or nonce.
#[tokio::test]
async fn missing_endpoint_ends_session() {
    let missing = |endpoint: &str, _| {
        Err(TransportError::NoSuchEndpoint {
            endpoint: EndpointName::new(endpoint.to_owned()),
        })
    };
    for (device, mut session) in sessions(1, missing).await {
        session.call(&WifiStatus).await.unwrap();
        let error = session.call(&WifiStatus).await.unwrap_err();
        assert!(
            matches!(
                error,
                SessionError::Transport(TransportError::NoSuchEndpoint { .. })
            ),
            "{error:?}"
        );
        assert!(session.is_lost());
        assert_lost(&device, &mut session).await;
    }
}
