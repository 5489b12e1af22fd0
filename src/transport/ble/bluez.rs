//! Linux: pairs with a device and removes it from BlueZ, which `btleplug` cannot do.
//!
//! Source: BlueZ `src/adapter.c`, `src/device.c`.

use std::sync::Arc;

use btleplug::api::{Central as _, CentralEvent, Peripheral as _};
use btleplug::platform::Peripheral;
use futures_util::StreamExt as _;
use zbus::ObjectPath;

use super::adapter::Radio;
use super::gatt::GattError;
use super::system_errors::{classify, classify_dbus_error};
use crate::host::BluetoothProblem;
use crate::transport::error::TransportError;
use crate::transport::search::HostChanges;

/// Pairs with the desktop's agent, or without one: devices that wait to be provisioned have neither
/// keys nor a display, so the user has nothing to type.
pub(super) async fn pair(peripheral: &Peripheral) -> Result<(), GattError> {
    let path = object_path(peripheral);
    match call_method(&path, "org.bluez.Device1", "Pair", &()).await {
        // BlueZ paired meanwhile by itself.
        Err(GattError::AlreadyDone) => Ok(()),
        outcome => outcome,
    }
}

/// Makes BlueZ remove a device with its cached attributes, and finds the device again.
pub(super) async fn forget(
    radio: &Arc<Radio>,
    peripheral: &Peripheral,
) -> Result<Peripheral, GattError> {
    let device = object_path(peripheral);
    let adapter = device.rsplit_once('/').map_or("", |(adapter, _)| adapter);
    let path = ObjectPath::try_from(device.as_str()).map_err(|error| other_error(&error))?;
    let removed = call_method(adapter, "org.bluez.Adapter1", "RemoveDevice", &path).await;
    match removed {
        // BlueZ had no data about the device.
        Ok(()) | Err(GattError::Gone) => {}
        Err(error) => return Err(error),
    }
    let id = peripheral.id();
    let mut events = radio.events().await.map_err(classify)?;
    let scanning = radio.start_scan(&HostChanges::default()).await;
    let scanning = scanning.map_err(|error| match error {
        TransportError::Bluetooth(error) => GattError::Radio(error.problem),
        other => GattError::Other(other.to_string()),
    })?;
    let mut found = None;
    while let Some(event) = events.next().await {
        if let CentralEvent::DeviceDiscovered(seen_id)
        | CentralEvent::RssiUpdate { id: seen_id, .. } = event
            && seen_id == id
        {
            found = radio.adapter.peripheral(&id).await.ok();
            if found.is_some() {
                break;
            }
        }
    }
    scanning.stop().await;
    found.ok_or(GattError::Radio(BluetoothProblem::NoService))
}

fn object_path(peripheral: &Peripheral) -> String {
    format!("/org/bluez/{}", peripheral.id())
}

async fn call_method<B>(
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> Result<(), GattError>
where
    B: serde::Serialize + zbus::zvariant::DynamicType + Sync,
{
    let bus = zbus::Connection::system()
        .await
        .map_err(|error| other_error(&error))?;
    let reply = bus.call_method(Some("org.bluez"), path, Some(interface), method, body);
    match reply.await {
        Ok(_) => Ok(()),
        Err(zbus::Error::MethodError(name, message, _)) => Err(classify_dbus_error(
            name.as_str(),
            message.as_deref().unwrap_or_default(),
        )),
        Err(error) => Err(other_error(&error)),
    }
}

fn other_error(error: &dyn std::error::Error) -> GattError {
    GattError::Other(error.to_string())
}
