//! A computer on which Bluetooth does not work, each in its way.

use zbus::Variant;

use crate::support::bluez::{ADAPTER, Client, Error, error};
use crate::support::device::Device;
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
async fn without_an_adapter_there_is_bluez_and_nothing_else() {
    let (_device, client) = with("no-adapter").await;
    let objects = client.objects().await;
    assert_eq!(objects.len(), 1);
    let (name, _) = client.start_discovery().await.unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.UnknownObject");
}

#[tokio::test]
async fn an_adapter_that_is_off_can_be_switched_on() {
    let (_device, mut client) = with("adapter-off").await;
    let not_ready = error("NotReady", "Resource Not Ready");
    assert_eq!(client.start_discovery().await.map(drop), not_ready);
    power(&client).await.unwrap();
    client.reach().await;
}

#[tokio::test]
async fn an_adapter_that_is_blocked_cannot() {
    let (_device, client) = with("adapter-blocked").await;
    let blocked = error("Blocked", "Blocked through rfkill");
    assert_eq!(power(&client).await, blocked);
    let not_ready = error("NotReady", "Resource Not Ready");
    assert_eq!(client.start_discovery().await.map(drop), not_ready);
}

#[tokio::test]
async fn without_bluez_the_bus_says_so() {
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

#[test]
fn a_bus_where_none_can_be_is_refused() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let run = espctl(["emulate", "device", "--transport", "ble", "--bus", folder]).output();
    assert_ne!(run.exit, Some(0));
    assert!(run.stderr.contains("--bus"), "{run}");
}

#[tokio::test]
async fn a_bus_can_be_put_where_it_is_wanted_and_goes_at_the_end() {
    let path = crate::support::device::fresh_path("bus");
    let device = Device::over_bluetooth(&["--bus", path.to_str().unwrap()]);
    assert_eq!(device.bus(), format!("unix:path={}", path.display()));
    let client = Client::connect(device.bus()).await;
    assert_eq!(client.objects().await.len(), 2);
}
