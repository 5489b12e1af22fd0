//! Links that do not come to be, or not as they should.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;
use zbus::ObjectPath;

use crate::support::bluez::{ADAPTER, Client, error, flag};
use crate::support::device::Device;

const DEVICE: &str = "org.bluez.Device1";
const SESSION: u16 = 0xff51;
const VERSION: u16 = 0xff53;

async fn with(trouble: &str) -> (Device, Client) {
    let device = Device::over_bluetooth(&["--time-scale", "0.01", "--link-trouble", trouble]);
    let client = Client::connect(device.bus()).await;
    (device, client)
}

async fn found(client: &mut Client) -> String {
    client.start_discovery().await.unwrap();
    client.added().await.0
}

async fn forget(client: &Client, path: &str) -> Result<(), (String, String)> {
    let path = ObjectPath::try_from(path).unwrap();
    let body = (path,);
    let called = client.call(ADAPTER, "org.bluez.Adapter1", "RemoveDevice", &body);
    called.await.map(drop)
}

#[tokio::test]
async fn held_device_does_not_advertise() {
    let (_device, mut client) = with("held").await;
    client.start_discovery().await.unwrap();
    let added = timeout(Duration::from_millis(200), client.added()).await;
    assert!(added.is_err());
}

#[tokio::test]
async fn connected_device_exists_without_advertising() {
    let (device, mut client) = with("connected").await;
    let path = format!("{ADAPTER}/dev_{}", address(&device));
    let is = async |client: &Client, name| client.property::<bool>(&path, DEVICE, name).await;
    assert_eq!(is(&client, "Connected").await, Some(true));
    assert_eq!(is(&client, "ServicesResolved").await, Some(true));
    let version = client.endpoint(VERSION).await;
    client.write(&version, b"a").await.unwrap();
    client.device(&path, "Disconnect").await.unwrap();
    client.start_discovery().await.unwrap();
    client.change("RSSI").await;
}

#[tokio::test]
async fn connecting_vanished_device_does_not_return() {
    let (_device, mut client) = with("vanishes").await;
    let path = found(&mut client).await;
    let connecting = client.device(&path, "Connect");
    let aborted = error("Failed", "le-connection-abort-by-local");
    assert_eq!(connecting.await.map(drop), aborted);
    let (connecting, ended) = tokio::join!(
        client.device(&path, "Connect"),
        client.device(&path, "Disconnect")
    );
    ended.unwrap();
    let cancelled = error("Failed", "le-connection-canceled");
    assert_eq!(connecting.map(drop), cancelled);
}

#[tokio::test]
async fn first_connect_can_fail() {
    let (_device, mut client) = with("connect-fails-once").await;
    let path = found(&mut client).await;
    let aborted = error("Failed", "le-connection-abort-by-local");
    assert_eq!(client.device(&path, "Connect").await.map(drop), aborted);
    client.link(&path).await;
}

#[tokio::test]
async fn encryption_can_require_manual_pairing() {
    let (device, mut client) = with("pairing-by-hand").await;
    let path = client.reach().await;
    let version = client.endpoint(VERSION).await;
    let not_paired = error("NotPermitted", "Not paired");
    assert_eq!(client.write(&version, b"a").await, not_paired);
    let descriptor = format!("{version}/desc0037");
    assert_eq!(client.read(&descriptor).await.unwrap(), b"proto-ver");
    client.device(&path, "Pair").await.unwrap();
    client.write(&version, b"a").await.unwrap();
    assert_eq!(
        client.property::<bool>(&path, DEVICE, "Paired").await,
        Some(true)
    );
    assert_eq!(
        client.device(&path, "Pair").await.map(drop),
        error("AlreadyExists", "Already Exists")
    );
    assert_eq!(device.log_entries("paired").len(), 1);
    // The keys are kept.
    client.device(&path, "Disconnect").await.unwrap();
    client.link(&path).await;
    client.write(&version, b"a").await.unwrap();
}

#[tokio::test]
async fn pairing_can_fail() {
    for trouble in ["no-pairing", "pairing-by-hand-refused", "pairing-hangs"] {
        let (device, mut client) = with(trouble).await;
        let path = client.reach().await;
        let failed = error("AuthenticationFailed", "Authentication Failed");
        assert_eq!(client.device(&path, "Pair").await.map(drop), failed);
        // Which ends the link.
        assert!(!flag(&client.change("Connected").await.0, "Connected"));
        let closed = device.log_entries("connection_closed");
        assert_eq!(closed[0]["why"], "pairing failed");
    }
}

#[tokio::test]
async fn access_triggers_pairing() {
    let (device, mut client) = with("encryption-required").await;
    client.reach().await;
    let version = client.endpoint(VERSION).await;
    client.write(&version, b"a").await.unwrap();
    assert!(!client.read(&version).await.unwrap().is_empty());
    let (changed, _) = client.change("Paired").await;
    assert!(flag(&changed, "Paired") && flag(&changed, "Bonded"));
    assert_eq!(device.log_entries("paired").len(), 1);

    let (_device, mut client) = with("no-pairing").await;
    client.reach().await;
    let version = client.endpoint(VERSION).await;
    let lost = error("Failed", "Operation failed with ATT error: 0x0e");
    assert_eq!(client.write(&version, b"a").await, lost);
    assert!(!flag(&client.change("Connected").await.0, "Connected"));
}

#[tokio::test]
async fn hanging_pairing_removes_device() {
    let (device, mut client) = with("pairing-hangs").await;
    let path = client.reach().await;
    let version = client.endpoint(VERSION).await;
    let mut watching = Client::connect(device.bus()).await;
    let answered = tokio::select! {
        answered = client.write(&version, b"a") => Some(answered),
        () = async {
            while watching.removed().await != path {}
            // Nor is it answered afterwards.
            tokio::time::sleep(Duration::from_millis(100)).await;
        } => None,
    };
    assert_eq!(answered, None);
    assert!(
        !client
            .objects()
            .await
            .keys()
            .any(|one| one.as_str() == path)
    );
    assert!(device.log_entries("request").is_empty());
    // Who looks finds it again.
    client.start_discovery().await.unwrap();
    assert_eq!(watching.added().await.0, path);
}

#[tokio::test]
async fn first_link_can_end_before_service_discovery() {
    let (device, mut client) = with("lost-before-resolved").await;
    let path = found(&mut client).await;
    client.device(&path, "Connect").await.unwrap();
    while flag(&client.change("Connected").await.0, "Connected") {}
    let resolved = client.property::<bool>(&path, DEVICE, "ServicesResolved");
    assert_eq!(resolved.await, Some(false));
    client.link(&path).await;
    let opened = device.log_entries("connection_opened");
    let numbers: Vec<&Value> = opened.iter().map(|entry| &entry["connection"]).collect();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn unreachable_device_does_not_advertise() {
    let device = Device::over_bluetooth(&[
        "--sec-ver",
        "0",
        "--scenario",
        "channel-change",
        "--join-ms",
        "100",
        "--time-scale",
        "0.5",
    ]);
    let mut client = Client::connect(device.bus()).await;
    let path = client.reach().await;
    let session = client.endpoint(SESSION).await;
    let config = client.endpoint(0xff52).await;
    let set = b"\x08\x02\x62\x1d\x0a\x04Home\x12\x15correct horse battery";
    client
        .write(&session, b"\x52\x03\xa2\x01\x00")
        .await
        .unwrap();
    client.write(&config, set).await.unwrap();
    client.write(&config, b"\x08\x04\x72\x00").await.unwrap();
    while flag(&client.change("Connected").await.0, "Connected") {}
    client.start_discovery().await.unwrap();
    let is_back = || !device.log_entries("reachable").is_empty();
    let watch_for = async {
        while !is_back() {
            let rssi = client.property::<i16>(&path, DEVICE, "RSSI").await;
            assert!(rssi.is_none() || is_back(), "it advertised");
        }
    };
    let connected = async {
        client.device(&path, "Connect").await.unwrap();
        assert!(is_back(), "it was reached");
    };
    tokio::join!(watch_for, connected);
    assert_eq!(device.log_entries("connection_opened").len(), 2);
}

#[tokio::test]
async fn stale_attributes_remain_until_device_is_removed() {
    for (trouble, has_session) in [("stale-cache", false), ("stale-handles", true)] {
        let (device, mut client) = with(trouble).await;
        let path = format!("{ADAPTER}/dev_{}", address(&device));
        let rssi = client.property::<i16>(&path, DEVICE, "RSSI").await;
        assert_eq!(rssi, None, "known, without advertising");
        client.start_discovery().await.unwrap();
        client.change("RSSI").await;
        client.link(&path).await;
        let session = client.with_uuid("021aff51").await;
        assert_eq!(session.is_some(), has_session);
        let version = client.endpoint(VERSION).await;
        assert_eq!(
            client.write(&version, b"a").await,
            error("Failed", "Operation failed with ATT error: 0x01")
        );
        forget(&client, &path).await.unwrap();
        assert_eq!(
            forget(&client, "/org/bluez/hci0/dev_0").await,
            error("DoesNotExist", "Does Not Exist")
        );
        while client.added().await.0 != path {}
        client.link(&path).await;
        client.endpoint(SESSION).await;
        client.write(&version, b"a").await.unwrap();
        assert_eq!(device.log_entries("forgotten").len(), 1);
    }
}

#[tokio::test]
async fn services_can_stay_unknown() {
    let (_device, mut client) = with("unresolved").await;
    let path = found(&mut client).await;
    client.device(&path, "Connect").await.unwrap();
    let resolved = timeout(
        Duration::from_millis(200),
        client.change("ServicesResolved"),
    )
    .await;
    assert!(resolved.is_err());
    assert_eq!(client.with_uuid("021aff51").await, None);
}

#[tokio::test]
async fn stale_name_remains_until_new_advertisement() {
    let device = Device::over_bluetooth(&["--name", "PROV_new", "--link-trouble", "name-in-cache"]);
    let mut client = Client::connect(device.bus()).await;
    let path = format!("{ADAPTER}/dev_{}", address(&device));
    let alias = async |client: &Client| client.property::<String>(&path, DEVICE, "Alias").await;
    assert_eq!(alias(&client).await.as_deref(), Some("PROV_old"));
    client.start_discovery().await.unwrap();
    let (changed, _) = client.change("RSSI").await;
    assert!(!changed.contains_key("Name"));
    client.change("Name").await;
    assert_eq!(alias(&client).await.as_deref(), Some("PROV_new"));
}

fn address(device: &Device) -> String {
    device.ready["address"].as_str().unwrap().replace(':', "_")
}

#[tokio::test]
async fn link_outlives_its_client() {
    let (device, mut client) = with("connect-fails-once").await;
    let path = found(&mut client).await;
    client.device(&path, "Connect").await.unwrap_err();
    client.link(&path).await;
    drop(client);
    let other = Client::connect(device.bus()).await;
    let properties = other.objects().await;
    let of_device = properties
        .iter()
        .find(|(one, _)| one.as_str() == path)
        .unwrap()
        .1;
    assert!(flag(&of_device[DEVICE], "Connected"));
}
