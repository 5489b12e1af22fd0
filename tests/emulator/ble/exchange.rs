//! Links, attributes and exchanges: sizes, errors, faults, with both stacks.

use std::time::{Duration, Instant};

use serde_json::json;
use zbus::{OwnedVariant, Variant};

use crate::support::bluez::{CHARACTERISTIC, Client, error, flag};
use crate::support::device::Device;

const DEVICE: &str = "org.bluez.Device1";
const SCAN: u16 = 0xff50;
const SESSION: u16 = 0xff51;
const VERSION: u16 = 0xff53;

/// That characteristic has no handler.
const NO_SCAN: [&str; 2] = ["--fault", "prov-scan:1:not-found"];

fn refused(code: &str) -> Result<(), (String, String)> {
    error(
        "Failed",
        &format!("Operation failed with ATT error: {code}"),
    )
}

async fn linked(flags: &[&str]) -> (Device, Client, String) {
    let device = Device::over_bluetooth(&[&["--time-scale", "0.01"], flags].concat());
    let mut client = Client::connect(device.bus()).await;
    let path = client.reach().await;
    (device, client, path)
}

#[tokio::test]
async fn client_connects_and_exchanges() {
    let device = Device::over_bluetooth(&["--time-scale", "0.01", "--cap", "ch_resp,claim"]);
    let mut client = Client::connect(device.bus()).await;
    client.start_discovery().await.unwrap();
    let (path, _) = client.added().await;
    client.stop_discovery().await.unwrap();
    client.device(&path, "Connect").await.unwrap();
    let (changed, _) = client.change("Connected").await;
    assert_eq!(changed.len(), 1, "the rest comes after the answer");
    let (changed, _) = client.change("ServicesResolved").await;
    assert!(flag(&changed, "ServicesResolved"));
    let uuids: Vec<String> = changed["UUIDs"].try_clone().unwrap().try_into().unwrap();
    let starts: Vec<&str> = uuids.iter().map(|uuid| &uuid[..8]).collect();
    assert_eq!(starts, ["00001800", "00001801", "0000180a", "021a9004"]);

    // Each endpoint has its name in a descriptor, also without a handler.
    for (number, name) in [
        (0xff4f, "prov-ctrl"),
        (SCAN, "prov-scan"),
        (SESSION, "prov-session"),
        (0xff52, "prov-config"),
        (VERSION, "proto-ver"),
        (0xff54, "ch_resp"),
        (0xff55, "rmaker_claim"),
    ] {
        let characteristic = client.endpoint(number).await;
        let handle = characteristic.rsplit("/char").next().unwrap();
        let handle = u16::from_str_radix(handle, 16).unwrap();
        let descriptor = format!("{characteristic}/desc{:04x}", handle + 2);
        assert_eq!(client.read(&descriptor).await.unwrap(), name.as_bytes());
        let uuid = client.property::<String>(&descriptor, "org.bluez.GattDescriptor1", "UUID");
        assert!(uuid.await.unwrap().starts_with("00002901"));
        let flags = client.property::<Vec<String>>(&characteristic, CHARACTERISTIC, "Flags");
        assert_eq!(flags.await.unwrap(), ["read", "write"]);
    }
    assert!(client.with_uuid("00002902").await.is_some());

    let version = client.endpoint(VERSION).await;
    assert_eq!(client.read(&version).await.unwrap(), b"", "before a write");
    client.write(&version, b"---").await.unwrap();
    let answer = client.read(&version).await.unwrap();
    assert!(answer.starts_with(b"{\n\t\"rmaker\""), "{answer:?}");
    assert_eq!(client.read(&version).await.unwrap(), answer, "and again");
    assert_eq!(client.read_from(&version, 4).await.unwrap(), answer[4..]);
    assert_eq!(
        client.read_from(&version, 400).await,
        error("InvalidArguments", "Invalid offset")
    );
    let claim = client.endpoint(0xff55).await;
    assert_eq!(client.write(&claim, b"a").await, refused("0x0e"));

    client.device(&path, "Disconnect").await.unwrap();
    let connected = client.property::<bool>(&path, DEVICE, "Connected").await;
    assert_eq!(connected, Some(false));
    // The objects stay, without a link behind them.
    assert_eq!(
        client.write(&version, b"a").await,
        error("Failed", "Not connected")
    );
    assert_eq!(client.device(&path, "Disconnect").await.map(drop), Ok(()));
    assert_eq!(device.log_entries("connection_opened").len(), 1);
    let why = json!("by the client");
    assert_eq!(device.log_entries("connection_closed")[0]["why"], why);
    assert_eq!(device.requests("proto-ver"), 1);
}

#[tokio::test]
async fn nimble_refusal_keeps_link_and_previous_answer() {
    let (device, client, path) = linked(&["--sec-ver", "1"]).await;
    let session = client.endpoint(SESSION).await;
    let version = client.endpoint(VERSION).await;
    let mtu = client
        .property::<u16>(&session, CHARACTERISTIC, "MTU")
        .await;
    assert_eq!(mtu, Some(256));
    assert_eq!(client.write(&session, &[9; 20]).await, refused("0x04"));
    client.write(&version, &[b'a'; 512]).await.unwrap();
    let answer = client.read(&version).await.unwrap();
    assert_eq!(
        client.write(&version, &[b'a'; 513]).await,
        error("InvalidArguments", "Invalid Length")
    );
    assert_eq!(client.read(&version).await.unwrap(), answer, "stale");
    let connected = client.property::<bool>(&path, DEVICE, "Connected").await;
    assert_eq!(connected, Some(true));
    assert_eq!(device.log_entries("session_opened").len(), 1);
}

#[tokio::test]
async fn bluedroid_refuses_and_drops_the_link() {
    for (scheme, longest) in [("1", 257), ("2", 481)] {
        let (device, mut client, path) =
            linked(&[&["--stack", "bluedroid", "--sec-ver", scheme], &NO_SCAN[..]].concat()).await;
        let session = client.endpoint(SESSION).await;
        let version = client.endpoint(VERSION).await;
        let mtu = client
            .property::<u16>(&session, CHARACTERISTIC, "MTU")
            .await;
        assert_eq!(mtu, Some(500));
        client.write(&version, &vec![b'a'; longest]).await.unwrap();
        assert_eq!(
            client.write(&version, &vec![b'a'; longest + 1]).await,
            error("InvalidArguments", "Invalid Length")
        );
        assert_eq!(client.write(&session, &[9; 20]).await, refused("0x85"));
        let (changed, _) = client.change("Connected").await;
        assert!(!flag(&changed, "Connected") && !flag(&changed, "ServicesResolved"));
        client.link(&path).await;
        // Also for a characteristic without a handler.
        let scan = client.endpoint(SCAN).await;
        assert_eq!(client.write(&scan, b"a").await, refused("0x85"));
        while flag(&client.change("Connected").await.0, "Connected") {}
        // It is there again, and remembers nothing.
        client.link(&path).await;
        assert_eq!(client.read(&version).await.unwrap(), b"");
        assert_eq!(device.log_entries("session_opened").len(), 3);
    }
}

#[tokio::test]
async fn invalid_accesses_get_errors_of_bluez() {
    let (_device, client, path) = linked(&[]).await;
    let version = client.endpoint(VERSION).await;
    let changed = client.with_uuid("00002a05").await.unwrap();
    let constant = client.with_uuid("00002a50").await.unwrap();
    assert_eq!(
        client.read(&changed).await,
        error("NotPermitted", "Read not permitted")
    );
    assert_eq!(
        client.write(&constant, b"a").await,
        error("NotPermitted", "Write not permitted")
    );
    let notify = async |path: &str, method: &str| {
        let called = client.call(path, CHARACTERISTIC, method, &()).await;
        called.map(drop)
    };
    let not_supported = error("NotSupported", "Operation is not supported");
    assert_eq!(notify(&version, "StartNotify").await, not_supported);
    assert_eq!(notify(&changed, "StartNotify").await, Ok(()));
    let command = std::collections::HashMap::from([("type", Variant::from("command"))]);
    let body = (&b"a"[..], command);
    let written = client.call(&version, CHARACTERISTIC, "WriteValue", &body);
    assert_eq!(written.await.map(drop), not_supported);
    let (name, _) = client.device(&path, "Fly").await.unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.UnknownMethod");
    let (name, _) = client
        .device("/org/bluez/hci0/dev_00", "Connect")
        .await
        .unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.UnknownObject");
}

#[tokio::test]
async fn refuses_second_write_at_once() {
    let (_device, client, _) = linked(&["--fault", "proto-ver:1:delay=300"]).await;
    let version = client.endpoint(VERSION).await;
    let (first, second) = tokio::join!(client.write(&version, b"a"), client.write(&version, b"a"));
    assert_eq!(first, Ok(()));
    assert_eq!(second, error("InProgress", "In Progress"));
}

#[tokio::test]
async fn lost_link_fails_operation() {
    for kind in ["close", "reset"] {
        let fault = format!("proto-ver:1:{kind}");
        let (device, mut client, path) = linked(&["--fault", &fault]).await;
        let version = client.endpoint(VERSION).await;
        assert_eq!(
            client.write(&version, b"a").await,
            refused("0x0e"),
            "{kind}"
        );
        assert!(!flag(&client.change("Connected").await.0, "Connected"));
        assert_eq!(
            client.read(&version).await,
            error("Failed", "Not connected")
        );
        client.link(&path).await;
        client.write(&version, b"a").await.unwrap();
        assert_eq!(device.requests("proto-ver"), 1);
    }
    let (device, client, _) = linked(&["--fault", "proto-ver:1:cut"]).await;
    let version = client.endpoint(VERSION).await;
    client.write(&version, b"a").await.unwrap();
    assert_eq!(client.read(&version).await.map(drop), refused("0x0e"));
    assert_eq!(device.requests("proto-ver"), 1);
}

#[tokio::test]
async fn unanswered_write_ends_link() {
    for (kind, handled) in [("drop", 0), ("mute", 1)] {
        let fault = format!("proto-ver:1:{kind}");
        let (device, mut client, _) = linked(&["--fault", &fault]).await;
        let version = client.endpoint(VERSION).await;
        assert_eq!(
            client.write(&version, b"a").await,
            refused("0x0e"),
            "{kind}"
        );
        assert!(!flag(&client.change("Connected").await.0, "Connected"));
        assert_eq!(device.requests("proto-ver"), handled);
    }
}

#[tokio::test]
async fn faults_alter_answers() {
    let (device, client, _) = linked(&[
        "--fault",
        "proto-ver:2:garble",
        "--fault",
        "proto-ver:3:truncate",
        "--fault",
        "proto-ver:4:oversize",
        "--fault",
        "proto-ver:5:att=0x11",
        "--fault",
        "proto-ver:6:not-found",
        "--fault",
        "proto-ver:7:repeat",
    ])
    .await;
    let version = client.endpoint(VERSION).await;
    let exchange = async || {
        client.write(&version, b"a").await?;
        client.read(&version).await
    };
    let good = exchange().await.unwrap();
    let garbled: Vec<u8> = good.iter().map(|byte| !byte).collect();
    assert_eq!(exchange().await.unwrap(), garbled);
    assert_eq!(exchange().await.unwrap(), good[..good.len() / 2]);
    assert_eq!(exchange().await.unwrap(), [b'x'; 512]);
    assert_eq!(exchange().await.map(drop), refused("0x11"));
    assert_eq!(exchange().await.map(drop), refused("0x0e"));
    assert_eq!(exchange().await.unwrap(), good);
    let kinds: Vec<String> = device
        .log_entries("fault")
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "garble",
            "truncate",
            "oversize",
            "att=0x11",
            "not-found",
            "repeat"
        ]
    );
    assert_eq!(device.requests("proto-ver"), 6);
}

#[tokio::test]
async fn ending_device_closes_link() {
    // Whatever else runs can hold up a device, so one quick end is enough: without clients it does
    // not wait the five seconds that it has for them.
    let mut all = Vec::new();
    for _ in 0..10 {
        let took = time_from_last_client_to_end().await;
        if took < Duration::from_secs(3) {
            return;
        }
        all.push(took);
    }
    panic!("nobody was left: {all:?}");
}

async fn time_from_last_client_to_end() -> Duration {
    let (mut device, mut client, path) = linked(&["--sec-ver", "1", "--max-strikes", "1"]).await;
    let session = client.endpoint(SESSION).await;
    // A handshake, whose second half proves nothing.
    let hello = [
        &[0x10, 0x01, 0x5a, 0x25, 0xa2, 0x01, 0x22, 0x0a, 0x20][..],
        &[7; 32],
    ]
    .concat();
    assert_eq!(client.write(&session, &hello).await, Ok(()), "a first half");
    let proof = [
        &[
            0x10, 0x01, 0x5a, 0x27, 0x08, 0x02, 0xb2, 0x01, 0x22, 0x12, 0x20,
        ][..],
        &[7; 32],
    ]
    .concat();
    assert_eq!(client.write(&session, &proof).await, refused("0x04"));
    assert!(!flag(&client.change("Connected").await.0, "Connected"));
    let found: Option<OwnedVariant> = client.property(&path, DEVICE, "Address").await;
    assert!(found.is_some(), "BlueZ is there as long as somebody asks");
    let began = Instant::now();
    client.leave().await;
    device.wait_until_ended();
    let took = began.elapsed();
    assert_eq!(device.log_entries("service_stopped").len(), 1);
    took
}
