//! How the scheme and the secret are selected: announced by the device, given by the user, or neither.
//! `sec2_compat` covers the broken verifier forms.

use espctl::emulator::device::DeviceSettings;
use espctl::flows::Access;
use espctl::flows::connect::{find_and_open, start_session};
use espctl::flows::{Event, FlowError, FlowStep, Question, SchemeSource, Warning};
use espctl::secret::Secret;
use espctl::security::{DeviceSecret, Misbehaviour, NonceRule, SecurityError, SecurityScheme};
use espctl::session::SessionError;

use crate::support::altered::sec2;
use crate::support::memory_transport::MemoryDevice;
use crate::support::pair::Message;
use crate::support::recorder::Recorder;
use crate::support::scripted_rng::SeededRng;
use crate::support::scripted_server::{ScriptedServer, Turn, ok};
use crate::support::target::softap_at;

use SchemeSource::{Announced, Probed, Requested};
use SecurityScheme::{Sec0, Sec1, Sec2};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn device_of(scheme: SecurityScheme, pop: Option<&str>) -> MemoryDevice {
    let secret = match (scheme, pop) {
        (Sec0, _) => DeviceSecret::Sec0,
        (Sec1, pop) => DeviceSecret::Sec1 {
            pop: pop.map(secret),
        },
        (Sec2, pop) => {
            let rng = &mut SeededRng::new("verifier");
            let password = secret(pop.expect("Security 2 has a password"));
            DeviceSecret::sec2("wifiprov", &password, NonceRule::Counter, rng)
        }
    };
    MemoryDevice::new(DeviceSettings::new(secret))
}

fn with_pop(pop: &str) -> Access {
    Access {
        pop: Some(secret(pop)),
        ..Access::default()
    }
}

/// Starts a session with the device. Returns the result and the observer's record.
async fn run(
    device: &MemoryDevice,
    access: &Access,
) -> (Result<SecurityScheme, FlowError>, Recorder) {
    run_with(device, access, Recorder::default()).await
}

async fn run_with(
    device: &MemoryDevice,
    access: &Access,
    recorder: Recorder,
) -> (Result<SecurityScheme, FlowError>, Recorder) {
    let run = recorder.run();
    let opened = device.opened(&run).await;
    let outcome = start_session(&run, opened, access).await;
    (outcome.map(|secured| secured.scheme), recorder)
}

fn security_error(error: FlowError) -> SecurityError {
    match error {
        FlowError::Session {
            source:
                SessionError::HandshakeRefused { means: error, .. } | SessionError::Security(error),
            ..
        } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn uses_announced_scheme_in_every_form() {
    let open = Access::default();
    let pop = with_pop("abcd1234");
    for (document, scheme, access) in [
        (
            r#"{"prov":{"ver":"netprov-v1.2","sec_ver":2,"cap":["wifi_scan"]}}"#,
            Sec2,
            &pop,
        ),
        (
            r#"{"prov":{"ver":"v1.1","sec_ver":1,"cap":["wifi_scan"]}}"#,
            Sec1,
            &pop,
        ),
        (r#"{"prov":{"ver":"v1.1","cap":["wifi_scan"]}}"#, Sec1, &pop),
        (
            r#"{"prov":{"ver":"v1.1","cap":["no_sec","wifi_scan"]}}"#,
            Sec0,
            &open,
        ),
        (
            r#"{"local_ctrl":{"ver":"v1.0","sec_ver":2,"sec_patch_ver":1}}"#,
            Sec2,
            &pop,
        ),
        ("{\"prov\":\t{\n\"sec_ver\":\t1}}\0", Sec1, &pop),
    ] {
        let device = device_of(scheme, Some("abcd1234")).with_version_document(Some(document));
        let (outcome, recorder) = run(&device, access).await;
        assert_eq!(outcome.unwrap(), scheme, "{document}");
        assert_eq!(recorder.schemes(), [(scheme, Announced)], "{document}");
        assert_eq!(device.handshakes(), 1);
        assert_eq!(device.requests("proto-ver").len(), 1);
        assert!(recorder.asked().is_empty());
        let warned: &[Warning] = match scheme {
            Sec0 => &[Warning::NoSecurity],
            _ => &[],
        };
        assert_eq!(recorder.warnings(), warned);
    }
}

#[tokio::test]
async fn probes_unannounced_scheme_without_wrong_try() {
    for document in [
        None,
        Some("V0.1"),
        Some(r#"{"on_network":{"ver":"v1.0","cap":["ch_resp"]}}"#),
    ] {
        for (scheme, handshakes) in [(Sec1, 1), (Sec2, 2)] {
            let device = device_of(scheme, Some("abcd1234")).with_version_document(document);
            let (outcome, recorder) = run(&device, &with_pop("abcd1234")).await;
            assert_eq!(outcome.unwrap(), scheme, "{document:?}");
            // Not a word about a scheme that the device turned out not to speak.
            assert_eq!(recorder.schemes(), [(scheme, Probed)]);
            assert_eq!(device.handshakes(), handshakes);
            assert!(device.log_entries("strike").is_empty());
        }
    }
}

/// Without a PoP the first scheme would cost a strike on a device that wants one.
#[tokio::test]
async fn probe_asks_once_for_secret_of_both_schemes() {
    for scheme in [Sec1, Sec2] {
        let device = device_of(scheme, Some("typed")).with_version_document(None);
        let (outcome, recorder) = run(&device, &Access::default()).await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, FlowError::MissingInput(Question::Pop)),
            "{error:?}"
        );
        assert_eq!(
            (device.handshakes(), &recorder.asked()[..]),
            (0, &[Question::Pop][..])
        );

        let recorder = Recorder::with_answers(["typed"]);
        let (outcome, recorder) = run_with(&device, &Access::default(), recorder).await;
        assert_eq!(outcome.unwrap(), scheme);
        assert_eq!(recorder.asked(), [Question::Pop]);
        assert!(device.log_entries("strike").is_empty());
    }
    // The user can state that the device needs no PoP.
    let device = device_of(Sec1, None).with_version_document(None);
    let (outcome, _) = run(&device, &with_pop("")).await;
    assert_eq!(outcome.unwrap(), Sec1);
}

/// espctl never probes plaintext: an attacker in between could cause the silence.
#[tokio::test]
async fn probe_never_falls_back_to_plaintext() {
    let device = device_of(Sec0, None).with_version_document(None);
    let (outcome, recorder) = run(&device, &with_pop("abcd1234")).await;
    assert_eq!(
        security_error(outcome.unwrap_err()),
        SecurityError::PeerIncompatible { scheme: Sec2 }
    );
    assert_eq!(device.handshakes(), 2);
    assert!(recorder.schemes().is_empty());
}

#[tokio::test]
async fn requested_scheme_is_the_only_one_tried() {
    for scheme in [Sec0, Sec1, Sec2] {
        let asked = Access {
            scheme: Some(scheme),
            ..with_pop("abcd1234")
        };
        let wrong = r#"{"prov":{"sec_ver":7}}"#;
        let device = device_of(scheme, Some("abcd1234")).with_version_document(Some(wrong));
        let (outcome, recorder) = run(&device, &asked).await;
        assert_eq!(outcome.unwrap(), scheme);
        assert_eq!(recorder.schemes(), [(scheme, Requested)]);

        let other = if scheme == Sec1 { Sec2 } else { Sec1 };
        let device = device_of(other, Some("abcd1234"));
        let (outcome, _) = run(&device, &asked).await;
        assert_eq!(
            security_error(outcome.unwrap_err()),
            SecurityError::PeerIncompatible { scheme }
        );
        assert_eq!(device.requests("prov-session").len(), 1);
        assert!(device.log_entries("strike").is_empty());
    }
}

#[tokio::test]
async fn device_without_pop_gets_none() {
    for given in [Access::default(), with_pop("")] {
        let device = device_of(Sec1, None);
        let (outcome, recorder) = run(&device, &given).await;
        assert_eq!(outcome.unwrap(), Sec1);
        assert!(recorder.warnings().is_empty() && recorder.asked().is_empty());
        assert_eq!(device.handshakes(), 1);
    }
}

/// An attacker in between can announce it, and pose as the device without the PoP.
#[tokio::test]
async fn rejects_given_pop_if_none_is_announced() {
    let device = device_of(Sec1, None);
    let (outcome, _) = run(&device, &with_pop("abcd1234")).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, FlowError::AnnouncedNoPop), "{error:?}");
    assert_eq!(device.handshakes(), 0);
}

#[tokio::test]
async fn label_password_is_not_a_secret_for_security_0() {
    let access = Access {
        label_password: Some(secret("hotspot key")),
        ..Access::default()
    };
    let (outcome, _) = run(&device_of(Sec0, None), &access).await;
    assert_eq!(outcome.unwrap(), Sec0);
    // To one with Security 2 and no PoP it is the password.
    let (outcome, _) = run(&device_of(Sec2, Some("hotspot key")), &access).await;
    assert_eq!(outcome.unwrap(), Sec2);
}

#[tokio::test]
async fn asks_for_missing_secret_before_sending() {
    for (scheme, question) in [(Sec1, Question::Pop), (Sec2, Question::Password)] {
        let device = device_of(scheme, Some("typed"));
        let (outcome, recorder) = run(&device, &Access::default()).await;
        let FlowError::MissingInput(missing) = outcome.unwrap_err() else {
            panic!("{scheme}");
        };
        assert_eq!(
            (missing, &recorder.asked()[..]),
            (question.clone(), &[question.clone()][..])
        );
        assert_eq!(device.handshakes(), 0);

        let recorder = Recorder::with_answers(["typed"]);
        let (outcome, recorder) = run_with(&device, &Access::default(), recorder).await;
        assert_eq!(outcome.unwrap(), scheme);
        assert_eq!(recorder.asked(), [question]);
    }
}

#[tokio::test]
async fn wrong_secret_is_tried_once() {
    for scheme in [Sec1, Sec2] {
        let device = device_of(scheme, Some("abcd1234"));
        let (outcome, _) = run(&device, &with_pop("not it")).await;
        assert_eq!(
            security_error(outcome.unwrap_err()),
            SecurityError::CredentialsMismatch { scheme }
        );
        assert_eq!(device.handshakes(), 1);
        assert_eq!(device.log_entries("strike").len(), 1);
    }
}

#[tokio::test]
async fn announced_plaintext_is_rejected_if_secret_was_given() {
    let password = Access {
        password: Some(secret("abcd1234")),
        ..Access::default()
    };
    for access in [with_pop("abcd1234"), password] {
        let device = device_of(Sec0, None);
        let (outcome, _) = run(&device, &access).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, FlowError::AnnouncedNoSecurity), "{error:?}");
        assert_eq!(device.handshakes(), 0);
    }
}

#[tokio::test]
async fn unknown_scheme_is_reported_without_a_try() {
    let device = device_of(Sec1, None).with_version_document(Some(r#"{"prov":{"sec_ver":7}}"#));
    let (outcome, _) = run(&device, &Access::default()).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, FlowError::UnknownScheme(7)), "{error:?}");
    assert_eq!(device.handshakes(), 0);
}

#[tokio::test]
async fn uses_given_user_name_and_password() {
    let rng = &mut SeededRng::new("verifier");
    let made = DeviceSecret::sec2("somebody", &secret("right"), NonceRule::Fixed, rng);
    let device = MemoryDevice::new(DeviceSettings::new(made));
    let access = Access {
        username: Some("somebody".to_owned()),
        // Wins over the PoP.
        password: Some(secret("right")),
        ..with_pop("wrong")
    };
    let (outcome, _) = run(&device, &access).await;
    assert_eq!(outcome.unwrap(), Sec2);
    assert_eq!(device.log_entries("secured")[0]["username"], "somebody");
}

/// It would know nothing of the password, and is not asked a second time in another form.
#[tokio::test]
async fn rejects_device_without_valid_proof() {
    let tamper = sec2(Message::Sr1, |payload| {
        let espctl::proto::protocomm::sec2_payload::Payload::Sr1(reply) = payload else {
            panic!("{payload:?}");
        };
        reply.device_proof[63] ^= 1;
    });
    let mut responses = [Message::Sr0, Message::Sr1].into_iter();
    let device = device_of(Sec2, Some("abcd1234")).altering(move |endpoint, answer| {
        Ok(match endpoint {
            "prov-session" => tamper(responses.next().expect("one handshake"), answer),
            _ => answer,
        })
    });
    let access = Access {
        sec2_compat: true,
        ..with_pop("abcd1234")
    };
    let (outcome, recorder) = run(&device, &access).await;
    assert_eq!(
        security_error(outcome.unwrap_err()),
        SecurityError::PeerMisbehaved {
            scheme: Sec2,
            how: Misbehaviour::NoProofOfItsOwn
        }
    );
    assert_eq!(device.handshakes(), 1);
    assert!(recorder.warnings().is_empty());
}

/// What the version document of a device on a real socket comes to.
async fn opened(answer: Turn) -> (Result<Option<String>, FlowError>, Recorder) {
    let server = ScriptedServer::start(vec![vec![answer]]).await;
    let target = softap_at(server.address);
    let recorder = Recorder::default();
    let opened = find_and_open(&recorder.run(), &target).await;
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].head.starts_with("POST /proto-ver "));
    (opened.map(|opened| opened.version.ver), recorder)
}

#[tokio::test]
async fn missing_version_document_is_allowed_but_disconnect_fails() {
    let (version, recorder) = opened(Turn::send(ok("V0.1"))).await;
    assert_eq!(version.unwrap().as_deref(), Some("V0.1"));
    let events = recorder.events();
    let last = events.last().unwrap();
    assert!(matches!(last, Event::VersionRead { .. }), "{last:?}");

    let page = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
    let (version, _) = opened(Turn::send_and_close(page)).await;
    assert_eq!(version.unwrap(), None);

    let (version, _) = opened(Turn::close()).await;
    let error = version.unwrap_err();
    assert_eq!(error.step(), FlowStep::ReadingVersion, "{error:?}");
}
