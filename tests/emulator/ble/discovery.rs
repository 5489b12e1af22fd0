//! Discovering devices, without a connection.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use zbus::{OwnedVariant, Variant};

use crate::support::bluez::{ADAPTER, Client, error};
use crate::support::device::{Device, fresh_path};

const DEVICE: &str = "org.bluez.Device1";

#[tokio::test]
async fn discovery_shows_device_with_all_properties() {
    let device = Device::over_bluetooth(&[
        "--name",
        "PROV_1",
        "--mac",
        "7c:df:a1:00:00:01",
        "--rssi",
        "-61",
        "--customer-id",
        "7",
        "--device-type",
        "128",
    ]);
    assert_eq!(device.ready["address"], "7C:DF:A1:00:00:01");
    let mut client = Client::connect(device.bus()).await;
    let before: Vec<String> = client
        .objects()
        .await
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(before.len(), 2, "{before:?}");
    client.start_discovery().await.unwrap();
    let (path, interfaces) = client.added().await;
    assert_eq!(path, "/org/bluez/hci0/dev_7C_DF_A1_00_00_01");
    let properties = &interfaces[DEVICE];
    for (name, expected) in [
        ("Address", Variant::from("7C:DF:A1:00:00:01")),
        ("Name", "PROV_1".into()),
        ("Alias", "PROV_1".into()),
        ("RSSI", (-61_i16).into()),
        ("Connected", false.into()),
        ("Paired", false.into()),
        ("ServicesResolved", false.into()),
        ("UUIDs", vec!["021a9004-0382-4aea-bff4-6b3f1c5adfb4"].into()),
    ] {
        assert_eq!(*properties[name], expected, "{name}");
    }
    let data = properties["ManufacturerData"].try_clone().unwrap();
    let data: HashMap<u16, OwnedVariant> = data.try_into().unwrap();
    let bytes: Vec<u8> = data[&0x02e5].try_clone().unwrap().try_into().unwrap();
    assert_eq!(bytes, [0x4e, 0x6f, 0x76, 0x61, 0, 7, 0, 0x80, 1, 0]);

    // The advertisement is repeated.
    let (changed, _) = client.change("RSSI").await;
    assert!(changed.contains_key("ManufacturerData"));
    client.stop_discovery().await.unwrap();
    while client.change("RSSI").await.1.is_empty() {}
    assert_eq!(client.property::<i16>(&path, DEVICE, "RSSI").await, None);
    assert_eq!(device.log_entries("discovery_started").len(), 1);
    assert_eq!(device.log_entries("discovery_stopped").len(), 1);
}

#[tokio::test]
async fn simultaneous_devices_exist_before_first_signal() {
    let line = ["--count", "3", "--mac", "7c:df:a1:00:00:fe", "--at-once"];
    let device = Device::over_bluetooth(&line);
    let addresses: Vec<&str> = device
        .all
        .iter()
        .map(|ready| ready["address"].as_str().unwrap())
        .collect();
    assert_eq!(
        addresses,
        [
            "7C:DF:A1:00:00:FE",
            "7C:DF:A1:00:00:FF",
            "7C:DF:A1:00:01:00"
        ]
    );
    let mut client = Client::connect(device.bus()).await;
    client.start_discovery().await.unwrap();
    client.added().await;
    assert_eq!(client.objects().await.len(), 2 + 3);
}

#[tokio::test]
async fn devices_appear_one_by_one() {
    // Slowly, so that the computer keeps up: an interval is 1.6 seconds.
    let slowly = ["--time-scale", "10", "--mac", "7c:df:a1:00:00:01"];
    let device = Device::over_bluetooth(&[&slowly[..], &["--count", "3"]].concat());
    let mut client = Client::connect(device.bus()).await;
    client.start_discovery().await.unwrap();
    for count in 1..=3 {
        client.added().await;
        assert_eq!(client.objects().await.len(), 2 + count);
    }
}

#[tokio::test]
async fn each_client_looks_for_itself() {
    let device = Device::over_bluetooth(&[]);
    let mut one = Client::connect(device.bus()).await;
    let other = Client::connect(device.bus()).await;
    let discovering = async |client: &Client| {
        let asked = client.property::<bool>(ADAPTER, "org.bluez.Adapter1", "Discovering");
        asked.await.unwrap()
    };
    assert_eq!(
        one.stop_discovery().await.map(drop),
        error("Failed", "No discovery started")
    );
    one.start_discovery().await.unwrap();
    assert_eq!(
        one.start_discovery().await.map(drop),
        error("InProgress", "Operation already in progress")
    );
    other.start_discovery().await.unwrap();
    one.stop_discovery().await.unwrap();
    assert!(discovering(&one).await);
    // Who leaves the bus looks no longer.
    drop(other);
    while one.change("Discovering").await.0.is_empty() {}
    while discovering(&one).await {
        one.change("Discovering").await;
    }
}

#[tokio::test]
async fn service_filter_hides_other_devices() {
    let device = Device::over_bluetooth(&[]);
    let mut client = Client::connect(device.bus()).await;
    for (uuid, is_seen) in [
        ("0000180a-0000-1000-8000-00805f9b34fb", false),
        ("021A9004-0382-4AEA-BFF4-6B3F1C5ADFB4", true),
    ] {
        let body = (HashMap::from([("UUIDs", Variant::from(vec![uuid]))]),);
        let set = client.call(ADAPTER, "org.bluez.Adapter1", "SetDiscoveryFilter", &body);
        set.await.unwrap();
        client.start_discovery().await.unwrap();
        let seen = timeout(Duration::from_millis(300), client.added()).await;
        assert_eq!(seen.is_ok(), is_seen, "{uuid}");
        client.stop_discovery().await.unwrap();
    }
}

#[tokio::test]
async fn neighbors_cannot_be_connected() {
    let neighbours = json!([
        {"name": "Scale", "address": "AA:BB:CC:00:00:01", "rssi": -90, "at_once": true,
         "manufacturer": {"0x004c": "0102"}},
        {"address": "AA:BB:CC:00:00:02", "appears_after_ms": 150},
        {"name": "Gone", "address": "AA:BB:CC:00:00:03", "stale": true},
    ]);
    let path = fresh_path("neighbours.json");
    std::fs::write(&path, neighbours.to_string()).unwrap();
    let device = Device::over_bluetooth(&["--neighbours", path.to_str().unwrap(), "--at-once"]);
    let mut client = Client::connect(device.bus()).await;
    let at = |last: u8| format!("{ADAPTER}/dev_AA_BB_CC_00_00_{last:02}");
    let rssi =
        async |client: &Client, last| client.property::<i16>(&at(last), DEVICE, "RSSI").await;
    // Known from before, and not in reach.
    let alias = client.property::<String>(&at(3), DEVICE, "Alias").await;
    assert_eq!(alias.as_deref(), Some("Gone"));
    client.start_discovery().await.unwrap();
    client.added().await;
    assert_eq!(rssi(&client, 1).await, Some(-90));
    assert_eq!(
        (rssi(&client, 2).await, rssi(&client, 3).await),
        (None, None)
    );
    while client.added().await.0 != at(2) {}
    // Without a name it is called by its address.
    let alias = client.property::<String>(&at(2), DEVICE, "Alias").await;
    assert_eq!(alias.as_deref(), Some("AA-BB-CC-00-00-02"));
    assert_eq!(
        client.property::<String>(&at(2), DEVICE, "Name").await,
        None
    );
    assert_eq!(
        client.device(&at(1), "Connect").await.map(drop),
        error("Failed", "le-connection-abort-by-local")
    );
}
