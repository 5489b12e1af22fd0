//! Which scheme is spoken with a scripted device, and with what secret.

use super::*;
use crate::flows::scripted_observer::ScriptedObserver;
use crate::proto::EndpointName;
use crate::secret::Secret;
use crate::security::{DeviceSecret, NonceRule};
use crate::session::scripted_device::ScriptedDevice;

use SchemeSource::{Announced, Probed};
use SecurityScheme::{Sec1, Sec2};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn sec1(pop: &str) -> DeviceSecret {
    DeviceSecret::Sec1 {
        pop: Some(secret(pop)),
    }
}

fn sec2(password: &str) -> DeviceSecret {
    let rng = &mut UnwrapErr(SysRng);
    DeviceSecret::sec2(DEFAULT_USERNAME, &secret(password), NonceRule::Counter, rng)
}

/// A device with this version document that echoes every request in a session.
fn device(secret: DeviceSecret, document: &'static str) -> ScriptedDevice {
    ScriptedDevice::new(secret, move |endpoint, request| {
        Ok(match endpoint {
            "proto-ver" => document.as_bytes().to_vec(),
            _ => request.to_vec(),
        })
    })
}

async fn run(
    device: &ScriptedDevice,
    access: &Access,
    observer: &ScriptedObserver,
) -> Result<Secured, FlowError> {
    let mut connection = device.connection();
    let run = observer.run();
    let opened = OpenedDevice {
        version: connection.version().await.unwrap(),
        connection,
        hints: Hints::default(),
        route: None,
        permit: run.handshakes.begin().await,
    };
    start_session(&run, opened, access).await
}

fn with_pop(pop: &str) -> Access {
    Access {
        pop: Some(secret(pop)),
        ..Access::default()
    }
}

const OLD: &str = "V0.1";
const SEC0: &str = r#"{"prov":{"ver":"v1.1","sec_ver":0,"cap":[]}}"#;
const SEC1: &str = r#"{"prov":{"ver":"v1.1","sec_ver":1,"cap":[]}}"#;
const SEC2: &str = r#"{"prov":{"ver":"v1.1","sec_ver":2,"cap":[]}}"#;

#[tokio::test]
async fn announced_or_probed_scheme_is_reported_once_and_carries_data() {
    for (secret, document, schemes) in [
        (sec1("abcd1234"), SEC1, [(Sec1, Announced)]),
        (sec2("abcd1234"), SEC2, [(Sec2, Announced)]),
        (sec1("abcd1234"), OLD, [(Sec1, Probed)]),
        (sec2("abcd1234"), OLD, [(Sec2, Probed)]),
    ] {
        let (device, observer) = (device(secret, document), ScriptedObserver::default());
        let outcome = run(&device, &with_pop("abcd1234"), &observer).await;
        let mut secured = outcome.unwrap();
        assert_eq!(observer.schemes(), schemes, "{document}");
        assert_eq!(secured.scheme, schemes[0].0);
        let endpoint = EndpointName::from_static("echo");
        let answer = secured.session.exchange(&endpoint, b"data").await.unwrap();
        assert_eq!(answer[..], b"data"[..]);
    }
}

#[tokio::test]
async fn only_security_0_warns_that_nothing_is_encrypted() {
    for (secret, document, warned) in [
        (DeviceSecret::Sec0, SEC0, true),
        (sec1("abcd1234"), SEC1, false),
    ] {
        let access = if warned {
            Access::default()
        } else {
            with_pop("abcd1234")
        };
        let (device, observer) = (device(secret, document), ScriptedObserver::default());
        run(&device, &access, &observer).await.unwrap();
        let no_security = |event: &Event| {
            let id = Warning::NoSecurity;
            matches!(event, Event::Warned { id: of, .. } if *of == id)
        };
        assert_eq!(observer.events().iter().any(no_security), warned);
    }
}

#[tokio::test]
async fn rejects_wrong_secret_after_one_attempt() {
    for (secret, document, requests) in [(sec1("right"), SEC1, 2), (sec2("right"), SEC2, 2)] {
        let (device, observer) = (device(secret, document), ScriptedObserver::default());
        let outcome = run(&device, &with_pop("wrong"), &observer).await;
        let error = outcome.unwrap_err();
        let FlowError::Session { source, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(is_wrong_secret(source), "{error:?}");
        assert_eq!(device.requests("prov-session").len(), requests);
        assert!(observer.asked().is_empty());
    }
}

#[tokio::test]
async fn missing_secret_is_asked_for_before_the_handshake() {
    for (secret, document, question) in [
        (sec1("typed"), SEC1, Question::Pop),
        (sec2("typed"), SEC2, Question::Password),
    ] {
        let (device, observer) = (device(secret, document), ScriptedObserver::default());
        let outcome = run(&device, &Access::default(), &observer).await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(&error, FlowError::MissingInput(missing) if *missing == question),
            "{error:?}"
        );
        assert!(device.requests("prov-session").is_empty());

        observer.answer("typed");
        let outcome = run(&device, &Access::default(), &observer).await;
        outcome.unwrap();
        assert_eq!(observer.asked(), [question.clone(), question]);
    }
}
