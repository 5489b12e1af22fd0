//! What a RainMaker application adds: challenges, users, and the messages about them to the cloud.
//! Bytes are those of an independent encoder.

use ring::signature::{ECDSA_P256_SHA256_ASN1, RSA_PSS_2048_8192_SHA256};

use super::*;
use crate::emulator::device::node_key::tests::{RSA, verifies};
use crate::emulator::node_cloud::Message as ToCloud;
use crate::proto::rmaker_ch_resp::r_maker_ch_resp_payload::Payload as Signed;
use crate::proto::rmaker_ch_resp::{RMakerChRespPayload, RespCrPayload};

const ID: &str = "h3JXN2a9SdmYwZbTqRk5vA";

fn settings(association: Association, key: NodeKey) -> DeviceSettings {
    DeviceSettings {
        node: Some(NodeSettings {
            id: ID.to_owned(),
            key,
            association,
            is_claimed: true,
            cloud: None,
        }),
        ..DeviceSettings::new(sec1("a"))
    }
}

fn node(association: Association, scenarios: &[Scenario]) -> Client {
    let settings = DeviceSettings {
        scenarios: scenarios.to_vec(),
        ..settings(association, NodeKey::generate(KeyKind::Ec).unwrap())
    };
    secured(settings)
}

fn secured(settings: DeviceSettings) -> Client {
    let mut client = Client::of(settings);
    client.secure(&pop("a")).unwrap();
    client
}

/// Sends these bytes, and gives the answer's.
fn send(client: &mut Client, endpoint: &str, request: &str) -> Result<String, Refusal> {
    let request = hex::decode(request.replace(' ', "")).unwrap();
    let (reply, after) = client.call(endpoint, &request)?;
    assert_eq!(after, Duration::ZERO);
    Ok(hex::encode(&reply))
}

fn signature_of(reply: &str) -> Vec<u8> {
    let reply = hex::decode(reply).unwrap();
    match RMakerChRespPayload::decode(&*reply).unwrap().payload {
        Some(Signed::RespChallengeResponsePayload(signed)) => signed.payload,
        other => panic!("{other:?}"),
    }
}

/// Puts the device on its network.
async fn join(client: &mut Client) {
    client.set(b"Home", b"correct horse battery", b"");
    assert_eq!(client.apply(), 0);
    advance(Duration::from_secs(10)).await;
    assert_eq!(client.status().0, 0);
}

fn messages(client: &mut Client) -> Vec<String> {
    let describe = |message| match message {
        ToCloud::Online => "online".to_owned(),
        ToCloud::UserMapping {
            user_id,
            secret_key,
        } => format!("{user_id} {}", secret_key.expose()),
    };
    client
        .device
        .take_outgoing()
        .into_iter()
        .map(describe)
        .collect()
}

#[test]
fn node_has_one_association_endpoint() {
    let mut plain = Client::secured(sec1("a"), &pop("a"));
    let signs = node(Association::ChallengeResponse, &[]);
    let maps = node(Association::UserMapping, &[]);
    for (endpoint, expected) in [
        ("ch_resp", [false, true, false]),
        ("cloud_user_assoc", [false, false, true]),
    ] {
        let has = [&plain, &signs, &maps].map(|client| client.device.has_endpoint(endpoint));
        assert_eq!(has, expected, "{endpoint}");
        let refused = plain.raw(endpoint, b"x");
        assert_eq!(refused, Err(Refusal::NoSuchEndpoint));
    }
}

#[test]
fn signs_challenge_with_each_kind_of_key() {
    let mut ec = node(Association::ChallengeResponse, &[]);
    let reply = send(&mut ec, "ch_resp", "52 05 0a 03 61 62 63").unwrap();
    let signature = signature_of(&reply);
    let expected = hex::encode(ID.as_bytes());
    assert!(reply.starts_with("08015a"), "{reply}");
    assert!(reply.ends_with(&format!("1216{expected}")), "{reply}");
    let public = |client: &Client| {
        let node = client.device.node.as_ref().unwrap();
        node.settings.key.public_pem().unwrap()
    };
    let pem = public(&ec);
    assert!(verifies(&pem, &ECDSA_P256_SHA256_ASN1, b"abc", &signature));
    let entry = &ec.log.lines()[ec.log.lines().len() - 2];
    assert_eq!(entry["event"], "challenge_signed");
    assert_eq!(entry["node_id"], ID);
    assert_eq!(entry["challenge_bytes"], 3);

    let mut rsa = secured(settings(Association::ChallengeResponse, RSA.clone()));
    let challenge = [b'x'; 64];
    let request = format!("52420a40{}", hex::encode(challenge));
    let reply = send(&mut rsa, "ch_resp", &request).unwrap();
    assert!(reply.starts_with("08015a9b020a8002"), "{reply}");
    assert_eq!(reply.len(), 2 * 288);
    let signature = signature_of(&reply);
    let pem = public(&rsa);
    assert!(verifies(
        &pem,
        &RSA_PSS_2048_8192_SHA256,
        &challenge,
        &signature
    ));
}

#[test]
fn reply_matches_independent_encoder() {
    let message = |signature: usize| {
        let signed = RespCrPayload {
            payload: vec![0x30; signature],
            node_id: ID.to_owned(),
        };
        let message = RMakerChRespPayload {
            msg: 1,
            status: 0,
            payload: Some(Signed::RespChallengeResponsePayload(signed)),
        };
        hex::encode(message.encode_to_vec())
    };
    let of_ec = message(71);
    assert!(of_ec.len() == 2 * 101 && of_ec.starts_with("08015a610a47"));
    let of_rsa = message(256);
    assert!(of_rsa.len() == 2 * 288 && of_rsa.starts_with("08015a9b020a8002"));
}

#[test]
fn refuses_messages_that_are_not_challenges() {
    for (what, request) in [
        ("an empty challenge", "52 02 0a 00"),
        ("an empty body", "52 00"),
        ("GetNodeID", "08 02"),
        ("GetNodeID with its body", "08 02 62 00"),
        ("a response", "08 01"),
        ("a kind that does not exist", "08 63"),
        ("garbage", "ff ff ff"),
        ("nothing", ""),
    ] {
        let mut client = node(Association::ChallengeResponse, &[]);
        let outcome = send(&mut client, "ch_resp", request);
        assert!(matches!(outcome, Err(Refusal::Failed { .. })), "{what}");
        // The session goes on.
        assert!(send(&mut client, "ch_resp", "52 05 0a 03 61 62 63").is_ok());
    }
}

#[test]
fn disabled_endpoint_answers_so_until_restart() {
    for disable in ["08 04", "08 04 72 00"] {
        let mut client = node(Association::ChallengeResponse, &[]);
        assert_eq!(send(&mut client, "ch_resp", disable).unwrap(), "0805");
        assert!(
            client
                .log
                .events()
                .contains(&"chal_resp_disabled".to_owned())
        );
        for anything in ["52 05 0a 03 61 62 63", "08 04", "08 02", "ff ff ff"] {
            let reply = send(&mut client, "ch_resp", anything).unwrap();
            assert_eq!(reply, "08011003", "{anything}");
        }
        client.device.restart(Instant::now());
        client.secure(&pop("a")).unwrap();
        assert!(send(&mut client, "ch_resp", "52 05 0a 03 61 62 63").is_ok());
    }
    let disabled = [Scenario::ChalRespDisabled];
    let mut from_the_start = node(Association::ChallengeResponse, &disabled);
    let reply = send(&mut from_the_start, "ch_resp", "52 05 0a 03 61 62 63");
    assert_eq!(reply.unwrap(), "08011003");
}

#[test]
fn accepts_user_with_secret_only() {
    let mut client = node(Association::UserMapping, &[]);
    let success = format!("08015a181216{}", hex::encode(ID.as_bytes()));
    for (request, reply) in [
        ("52 06 0a 01 55 12 01 53", success.as_str()),
        ("52 03 0a 01 55", "08015a020801"),
        ("52 03 12 01 53", "08015a020801"),
        ("52 00", "08015a020801"),
    ] {
        let answer = send(&mut client, "cloud_user_assoc", request);
        assert_eq!(answer.unwrap(), reply, "{request}");
    }
    for request in ["08 01", "08 02", "ff ff"] {
        failed(send(&mut client, "cloud_user_assoc", request));
    }
    let of_user = |line: &serde_json::Value| line["event"] == "user_mapping_received";
    let lines: Vec<_> = client.log.lines().into_iter().filter(of_user).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["user_id"], "U");
    assert_eq!(lines[0]["secret_key"], "S");

    let mut named = settings(
        Association::UserMapping,
        NodeKey::generate(KeyKind::Ec).unwrap(),
    );
    named.node.as_mut().unwrap().id = "node1".to_owned();
    let reply = send(
        &mut secured(named),
        "cloud_user_assoc",
        "52 06 0a 01 55 12 01 53",
    );
    assert_eq!(reply.unwrap(), "08015a0712056e6f646531");
}

#[tokio::test(start_paused = true)]
async fn reports_user_to_cloud_when_online() {
    let mut client = node(Association::UserMapping, &[]);
    send(&mut client, "cloud_user_assoc", "52 06 0a 01 55 12 01 53").unwrap();
    assert!(messages(&mut client).is_empty());
    join(&mut client).await;
    assert_eq!(messages(&mut client), ["online", "U S"]);
    // A later user is reported at once, and nothing is reported twice.
    send(&mut client, "cloud_user_assoc", "52 06 0a 01 56 12 01 54").unwrap();
    assert_eq!(messages(&mut client), ["V T"]);
    assert!(messages(&mut client).is_empty());

    let mut signs = node(Association::ChallengeResponse, &[]);
    join(&mut signs).await;
    assert_eq!(messages(&mut signs), ["online"]);
}

#[tokio::test(start_paused = true)]
async fn scenarios_change_messages_to_cloud() {
    for (scenario, expected) in [
        (Scenario::NoUserMappingMessage, &["online"][..]),
        (Scenario::WrongSecretKey, &["online", "U not-S"]),
    ] {
        let mut client = node(Association::UserMapping, &[scenario]);
        send(&mut client, "cloud_user_assoc", "52 06 0a 01 55 12 01 53").unwrap();
        join(&mut client).await;
        assert_eq!(messages(&mut client), expected);
    }
    let mut unclaimed = settings(
        Association::UserMapping,
        NodeKey::generate(KeyKind::Ec).unwrap(),
    );
    unclaimed.node.as_mut().unwrap().is_claimed = false;
    let mut unclaimed = secured(unclaimed);
    send(
        &mut unclaimed,
        "cloud_user_assoc",
        "52 06 0a 01 55 12 01 53",
    )
    .unwrap();
    join(&mut unclaimed).await;
    assert!(messages(&mut unclaimed).is_empty());
}

#[test]
fn debug_output_shows_neither_key_nor_secret() {
    let mut client = node(Association::UserMapping, &[]);
    send(
        &mut client,
        "cloud_user_assoc",
        "52 0f 0a 01 55 12 0a 73 65 63 72 65 74 2d 6b 65 79",
    )
    .unwrap();
    let shown = format!("{:?}", client.device.node);
    assert!(
        shown.contains("<redacted>") && !shown.contains("secret-key"),
        "{shown}"
    );
    for entry in client.log.lines() {
        if entry["event"] == "user_mapping_received" {
            assert_eq!(entry["secret_key"], "secret-key");
        }
    }
}
