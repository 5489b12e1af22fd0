//! A device on its network: which endpoints it has, its version document, and what is left
//! of it once challenge-response is switched off. How it is announced is tested with its medium.

use super::*;
use crate::emulator::node_cloud::Message as ToCloud;

fn settings(offering: Offering, secret: DeviceSecret) -> DeviceSettings {
    DeviceSettings {
        offering,
        node: Some(NodeSettings {
            id: "N".to_owned(),
            key: NodeKey::generate(KeyKind::Ec).unwrap(),
            association: Association::ChallengeResponse,
            is_claimed: true,
            cloud: None,
        }),
        ..DeviceSettings::new(secret)
    }
}

fn on_network(offering: Offering, secret: DeviceSecret) -> Client {
    let mut client = Client::of(settings(offering, secret));
    client.device.start(Instant::now());
    client
}

fn ask(client: &mut Client, request: &str) -> Result<String, Refusal> {
    let request = hex::decode(request).unwrap();
    Ok(hex::encode(&client.call("ch_resp", &request)?.0))
}

const CHALLENGE: &str = "52050a03616263";
const DISABLE: &str = "0804";
const DISABLED: &str = "08011003";

#[test]
fn device_on_network_has_three_endpoints() {
    for offering in [Offering::Standalone, Offering::LocalControl] {
        let device = on_network(offering, DeviceSecret::Sec0).device;
        for (endpoint, expected) in [
            ("esp_local_ctrl/version", true),
            ("esp_local_ctrl/session", true),
            ("ch_resp", true),
            ("esp_local_ctrl/control", false),
            ("esp_local_ctrl/ch_resp", false),
            ("proto-ver", false),
            ("prov-session", false),
            ("prov-config", false),
            ("prov-scan", false),
            ("prov-ctrl", false),
            ("cloud_user_assoc", false),
        ] {
            assert_eq!(device.has_endpoint(endpoint), expected, "{endpoint}");
        }
    }
    let waits = Client::of(settings(Offering::Provisioning, DeviceSecret::Sec0)).device;
    assert!(waits.has_endpoint("prov-session") && !waits.has_endpoint("esp_local_ctrl/session"));
}

#[test]
fn only_local_control_document_has_scheme() {
    let local = |scheme, patch| {
        format!(r#"{{"local_ctrl":{{"ver":"v1.0","sec_ver":{scheme},"sec_patch_ver":{patch}}}}}"#)
    };
    for (secret, expected) in [
        (DeviceSecret::Sec0, local(0, 0)),
        (sec1("a"), local(1, 0)),
        (sec2(NonceRule::Fixed), local(2, 0)),
        (sec2(NonceRule::Counter), local(2, 1)),
    ] {
        for (offering, expected) in [
            (
                Offering::Standalone,
                r#"{"on_network":{"ver":"v1.0","cap":["ch_resp"]}}"#,
            ),
            (Offering::LocalControl, &expected),
        ] {
            let mut client = on_network(offering, secret.clone());
            let reply = client.raw("esp_local_ctrl/version", b"---").unwrap();
            assert_eq!(reply.bytes, expected.as_bytes());
        }
    }
}

#[test]
fn signs_with_every_scheme_and_nonce_rule() {
    for (secret, credentials) in [
        (DeviceSecret::Sec0, Credentials::None),
        (sec1("a"), pop("a")),
        (sec2(NonceRule::Fixed), user("abcd1234")),
        (sec2(NonceRule::Counter), user("abcd1234")),
    ] {
        let mut client = on_network(Offering::Standalone, secret);
        client.secure(&credentials).unwrap();
        let reply = ask(&mut client, CHALLENGE).unwrap();
        assert!(
            reply.starts_with("08015a") && reply.ends_with("12014e"),
            "{reply}"
        );
    }
}

#[test]
fn wrong_secrets_do_not_lock_device_on_network() {
    let mut client = on_network(Offering::Standalone, sec1("right"));
    for _ in 0..6 {
        assert!(client.secure(&pop("wrong")).is_err());
    }
    client.secure(&pop("right")).unwrap();
    assert!(!client.log.events().contains(&"locked".to_owned()));
    assert!(!client.log.events().contains(&"prov_event".to_owned()));
    let messages = client.device.take_outgoing();
    assert!(matches!(messages[..], [ToCloud::Online]), "{messages:?}");
}

#[tokio::test(start_paused = true)]
async fn standalone_service_ends_after_disable() {
    let mut client = on_network(Offering::Standalone, sec1("a"));
    client.secure(&pop("a")).unwrap();
    assert_eq!(client.device.stops_at(), None);
    let begin = Instant::now();
    assert_eq!(ask(&mut client, DISABLE).unwrap(), "0805");
    assert!(client.device.has_challenges_disabled());
    // The first command counts.
    advance(Duration::from_millis(1999)).await;
    for request in [CHALLENGE, DISABLE, "ff"] {
        assert_eq!(ask(&mut client, request).unwrap(), DISABLED);
    }
    let stop = begin + Duration::from_secs(2);
    assert_eq!(client.device.stops_at(), Some(stop));
    assert_eq!(client.device.stopped(Instant::now()), None);
    advance(Duration::from_millis(1)).await;
    let stopped = client.device.stopped(Instant::now());
    assert_eq!(stopped, Some(StopReason::ChallengesDisabled));
    assert!(client.raw("esp_local_ctrl/version", b"---").is_err());
}

#[tokio::test(start_paused = true)]
async fn local_control_goes_on_without_signing() {
    let mut client = on_network(Offering::LocalControl, sec1("a"));
    client.secure(&pop("a")).unwrap();
    assert_eq!(ask(&mut client, DISABLE).unwrap(), "0805");
    assert!(client.device.has_challenges_disabled());
    advance(Duration::from_hours(1)).await;
    assert_eq!(client.device.stops_at(), None);
    assert_eq!(ask(&mut client, CHALLENGE).unwrap(), DISABLED);
}

#[test]
fn initially_disabled_device_stays_reachable() {
    let mut settings = settings(Offering::Standalone, sec1("a"));
    settings.scenarios = vec![Scenario::ChalRespDisabled];
    let mut client = Client::of(settings);
    client.device.start(Instant::now());
    client.secure(&pop("a")).unwrap();
    for request in [CHALLENGE, DISABLE] {
        assert_eq!(ask(&mut client, request).unwrap(), DISABLED);
    }
    assert!(!client.device.has_challenges_disabled());
    assert_eq!(client.device.stops_at(), None);
}
