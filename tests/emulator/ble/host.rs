//! A computer on which Bluetooth does not work, each in its way.

use std::time::Duration;

use tokio::time::timeout;
use zbus::{Variant, connection};

use crate::support::bluez::{ADAPTER, Client, Error, error, start_bus};
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::espctl;

async fn with(trouble: &str) -> (Device, Client) {
    let device = Device::over_bluetooth(&["--host-trouble", trouble]);
    let client = Client::connect(device.bus()).await;
    (device, client)
}

async fn power(client: &Client) -> Result<(), Error> {
    let body = ("org.bluez.Adapter1", "Powered", Variant::from(true));
    let set = client.call(ADAPTER, "org.freedesktop.DBus.Properties", "Set", &body);
    set.await.map(drop)
}

#[tokio::test]
async fn without_adapter_only_bluez_exists() {
    let (_device, client) = with("no-adapter").await;
    let objects = client.objects().await;
    assert_eq!(objects.len(), 1);
    let (name, _) = client.start_discovery().await.unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.UnknownObject");
}

#[tokio::test]
async fn adapter_can_be_powered_on() {
    let (_device, mut client) = with("adapter-off").await;
    let not_ready = error("NotReady", "Resource Not Ready");
    assert_eq!(client.start_discovery().await.map(drop), not_ready);
    power(&client).await.unwrap();
    client.reach().await;
}

#[tokio::test]
async fn blocked_adapter_cannot_be_powered_on() {
    let (_device, client) = with("adapter-blocked").await;
    let blocked = error("Blocked", "Blocked through rfkill");
    assert_eq!(power(&client).await, blocked);
    let not_ready = error("NotReady", "Resource Not Ready");
    assert_eq!(client.start_discovery().await.map(drop), not_ready);
}

#[tokio::test]
async fn bus_reports_missing_bluez() {
    let (_device, client) = with("no-bluez").await;
    let (name, text) = client.start_discovery().await.unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.ServiceUnknown");
    assert!(text.contains("org.bluez"), "{text}");
}

#[tokio::test]
async fn without_permission_nothing_is_answered() {
    let (_device, client) = with("access-denied").await;
    let manager = "org.freedesktop.DBus.ObjectManager";
    let asked = client.call("/", manager, "GetManagedObjects", &()).await;
    let (name, _) = asked.unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.AccessDenied");
}

#[tokio::test]
async fn hanging_bus_accepts_clients_without_answers() {
    let device = Device::over_bluetooth(&["--host-trouble", "hangs"]);
    let connecting = connection::Builder::address(device.bus()).build();
    let connected = timeout(Duration::from_millis(300), connecting).await;
    assert!(connected.is_err());
}

#[tokio::test]
async fn bluez_can_die_of_a_write() {
    let (device, mut client) = with("dies").await;
    let path = client.reach().await;
    let version = client.endpoint(0xff53).await;
    let session = client.endpoint(0xff51).await;
    let (name, text) = client.write(&version, b"a").await.unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.NoReply");
    assert!(text.contains("without replying"), "{text}");
    let (name, text) = client.read(&session).await.unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.ServiceUnknown");
    assert!(text.contains("org.bluez"), "{text}");
    let (name, _) = client.device(&path, "Disconnect").await.unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.ServiceUnknown");
    assert!(device.log_entries("request").is_empty());
    assert_eq!(device.log_entries("connection_closed").len(), 1);
}

#[test]
fn rejects_unusable_bus_path() {
    let folder = env!("CARGO_TARGET_TMPDIR").to_owned();
    let stale = fresh_path("bus");
    drop(std::os::unix::net::UnixListener::bind(&stale));
    let stale = stale.to_str().unwrap().to_owned();
    let remove = format!("rm {stale}");
    let long = format!("{folder}/{}", "x".repeat(100));
    for (path, expected) in [
        (&folder, "another path"),
        (&stale, &remove),
        (&long, "107 bytes"),
        (&format!("{folder}/none/bus"), "folder"),
    ] {
        let run = espctl(["emulate", "device", "--transport", "ble", "--bus", path]).output();
        assert_ne!(run.exit, Some(0));
        assert!(run.stderr.contains("--bus"), "{run}");
        assert!(run.stderr.contains(expected), "{run}");
    }
}

#[test]
fn rejects_name_longer_than_advertisement() {
    let longest = "x".repeat(29);
    let longer = "x".repeat(30);
    let beside_data = ["--name", &longest[..16], "--customer-id", "1"];
    for flags in [&["--name", &longer][..], &beside_data] {
        let line = ["emulate", "device", "--transport", "ble"];
        let run = espctl(line.iter().chain(flags)).output().exits(2);
        assert!(run.stderr.contains("--name"), "{run}");
    }
    let short = ["--name", &longest[..15], "--customer-id", "1"];
    for flags in [&["--name", &longest][..], &short] {
        Device::over_bluetooth(flags);
    }
}

#[tokio::test]
async fn interrupted_device_logs_end_and_cleans_up() {
    let mut device = Device::over_bluetooth(&[]);
    let mut client = Client::connect(device.bus()).await;
    client.reach().await;
    let socket = device.bus().strip_prefix("unix:path=").unwrap().to_owned();
    let folder = std::path::Path::new(&socket).parent().unwrap().to_owned();
    assert!(folder.exists());
    device.terminate();
    assert!(!folder.exists(), "{}", folder.display());
    for event in ["connection_closed", "service_stopped"] {
        let entries = device.log_entries(event);
        assert_eq!(entries.len(), 1, "{event}");
        assert_eq!(entries[0]["why"], "interrupted");
    }
}

#[tokio::test]
async fn bus_at_given_path_is_removed_at_end() {
    let path = fresh_path("bus");
    let device = Device::over_bluetooth(&["--bus", path.to_str().unwrap()]);
    assert_eq!(device.bus(), format!("unix:path={}", path.display()));
    let client = Client::connect(device.bus()).await;
    assert_eq!(client.objects().await.len(), 2);
}

#[tokio::test]
async fn adapter_is_emulated_on_an_existing_bus() {
    let bus = start_bus();
    let mut device = Device::over_bluetooth(&["--bus-address", &bus]);
    assert_eq!(device.bus(), bus);
    let mut client = Client::connect(&bus).await;
    client.reach().await;
    let version = client.endpoint(0xff53).await;
    client.write(&version, b"a").await.unwrap();
    // Only one emulator at a time owns the name of BlueZ.
    let line = [
        "emulate",
        "device",
        "--transport",
        "ble",
        "--bus-address",
        &bus,
    ];
    let run = espctl(line).output();
    assert_ne!(run.exit, Some(0));
    assert!(run.stderr.contains("--bus-address"), "{run}");
    assert!(run.stderr.contains("dbus-daemon"), "{run}");
    // The bus outlives the emulator.
    device.terminate();
    let next = Device::over_bluetooth(&["--bus-address", &bus]);
    let mut client = Client::connect(&bus).await;
    client.reach().await;
    assert_eq!(next.log_entries("connection_opened").len(), 1);
}

#[test]
fn rejects_unusable_bus_addresses() {
    let missing = format!("unix:path={}", fresh_path("bus").display());
    for (flags, exit, message) in [
        (&["--bus-address", &missing][..], 3, "dbus-daemon"),
        (&["--bus-address", "nonsense"], 3, "dbus-daemon"),
        (
            &["--bus-address", &missing, "--host-trouble", "hangs"],
            2,
            "omit --bus-address",
        ),
        (&["--bus-address", &missing, "--bus", "bus"], 2, "--bus"),
    ] {
        let line = ["emulate", "device", "--transport", "ble"];
        let run = espctl(line.iter().chain(flags)).output().exits(exit);
        assert!(run.stderr.contains(message), "{run}");
    }
}
