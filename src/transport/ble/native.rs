//! A link through the system's Bluetooth, with `btleplug`. `bluez.rs` and `system.rs` have the
//! operations that differ between systems.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use btleplug::api::{CentralEvent, Characteristic, Descriptor, Peripheral as _, WriteType};
use btleplug::platform::Peripheral;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::time::{Duration, Instant, sleep_until, timeout};
use uuid::{Uuid, uuid};

use super::adapter::Radio;
#[cfg(target_os = "linux")]
use super::bluez as system;
use super::gatt::{Attribute, Gatt, GattError};
#[cfg(not(target_os = "linux"))]
use super::system;
use super::system_errors::classify;
use crate::transport::search::HostChanges;

/// A device, through the system's Bluetooth.
#[derive(derive_more::Debug)]
#[debug("NativeGatt({:?})", peripheral.id())]
pub(super) struct NativeGatt {
    radio: Arc<Radio>,
    peripheral: Peripheral,
    changes: HostChanges,
    characteristics: HashMap<Attribute, Characteristic>,
}

impl NativeGatt {
    pub(super) fn new(radio: Arc<Radio>, peripheral: Peripheral, changes: HostChanges) -> Self {
        Self {
            radio,
            peripheral,
            changes,
            characteristics: HashMap::new(),
        }
    }

    /// Closes a link that is already open, because a device serves only one link. A previous run's
    /// link closes by itself: BlueZ disconnects two seconds after the request, and would take a new
    /// link along. A link that stays open belongs to another program, or was left by a program that
    /// died.
    async fn close_existing_link(&self) -> Result<(), GattError> {
        if !self.is_connected().await {
            return Ok(());
        }
        if timeout(DISCONNECT_TIME, self.wait_closed()).await.is_ok() {
            return Ok(());
        }
        self.disconnect().await?;
        self.wait_closed().await?;
        self.changes
            .add("this computer was already connected to the device; that connection was closed");
        Ok(())
    }

    /// Waits until the link is closed.
    async fn wait_closed(&self) -> Result<(), GattError> {
        let events = self.radio.events().await;
        let mut events = events.map_err(classify)?;
        while self.is_connected().await {
            // Any event may be the disconnection.
            if events.next().await.is_none() {
                return Err(GattError::LinkLost);
            }
        }
        Ok(())
    }

    fn characteristic(&self, attribute: Attribute) -> Result<&Characteristic, GattError> {
        self.characteristics.get(&attribute).ok_or(GattError::Gone)
    }

    async fn read_description(&self, of: Attribute) -> Result<Vec<u8>, GattError> {
        let characteristic = self.characteristic(of)?;
        let descriptor = Descriptor {
            uuid: USER_DESCRIPTION,
            service_uuid: characteristic.service_uuid,
            characteristic_uuid: characteristic.uuid,
        };
        let read = self.peripheral.read_descriptor(&descriptor).await;
        read.map_err(classify)
    }
}

#[async_trait]
impl Gatt for NativeGatt {
    /// `btleplug` returns when the services are known, and does not notice a lost link before. This
    /// function therefore also watches the events.
    async fn connect(&mut self, services: Duration) -> Result<(), GattError> {
        self.close_existing_link().await?;
        let id = self.peripheral.id();
        let events = self.radio.events().await;
        let mut events = events.map_err(classify)?;
        let mut connecting = std::pin::pin!(self.peripheral.connect());
        let mut services_deadline = None;
        loop {
            let deadline = services_deadline.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                outcome = &mut connecting => return outcome.map_err(classify),
                event = events.next() => match event {
                    Some(CentralEvent::DeviceConnected(connected)) if connected == id => {
                        services_deadline = Some(Instant::now() + services);
                    }
                    Some(CentralEvent::DeviceDisconnected(disconnected))
                        if disconnected == id && services_deadline.is_some() =>
                    {
                        return Err(GattError::LinkLost);
                    }
                    Some(_) => {}
                    None => return Err(GattError::LinkLost),
                },
                () = sleep_until(deadline), if services_deadline.is_some() => {
                    return Err(GattError::ServicesTimedOut);
                }
            }
        }
    }

    async fn wait_while_busy(&self) {
        let next = async {
            if let Ok(mut events) = self.radio.events().await {
                events.next().await;
            }
        };
        // The pause only limits how often espctl asks. The operation in progress may take longer.
        let _waited = timeout(BUSY_RETRY_INTERVAL, next).await;
    }

    async fn discover_attributes(&mut self) -> Result<Vec<Attribute>, GattError> {
        let discovered = self.peripheral.discover_services().await;
        discovered.map_err(classify)?;
        let characteristics = self.peripheral.characteristics().into_iter();
        self.characteristics = characteristics
            .map(|characteristic| {
                let mut descriptors = characteristic.descriptors.iter();
                let attribute = Attribute {
                    service: characteristic.service_uuid,
                    uuid: characteristic.uuid,
                    is_described: descriptors.any(|descriptor| descriptor.uuid == USER_DESCRIPTION),
                };
                (attribute, characteristic)
            })
            .collect();
        tracing::debug!(
            mtu = self.peripheral.mtu(),
            characteristics = self.characteristics.len(),
            "services"
        );
        Ok(self.characteristics.keys().copied().collect())
    }

    async fn read_descriptions(&self, of: &[Attribute]) -> Vec<Result<Vec<u8>, GattError>> {
        join_all(of.iter().map(|attribute| self.read_description(*attribute))).await
    }

    async fn write(&self, to: Attribute, value: &[u8]) -> Result<(), GattError> {
        let to = self.characteristic(to)?;
        let written = self.peripheral.write(to, value, WriteType::WithResponse);
        written.await.map_err(classify)
    }

    async fn read(&self, from: Attribute) -> Result<Vec<u8>, GattError> {
        let from = self.characteristic(from)?;
        self.peripheral.read(from).await.map_err(classify)
    }

    async fn is_connected(&self) -> bool {
        self.peripheral.is_connected().await.unwrap_or(false)
    }

    async fn pair(&self) -> Result<(), GattError> {
        system::pair(&self.peripheral).await
    }

    async fn forget(&mut self) -> Result<(), GattError> {
        self.characteristics.clear();
        self.peripheral = system::forget(&self.radio, &self.peripheral).await?;
        Ok(())
    }

    async fn disconnect(&self) -> Result<(), GattError> {
        self.peripheral.disconnect().await.map_err(classify)
    }
}

const USER_DESCRIPTION: Uuid = uuid!("00002901-0000-1000-8000-00805f9b34fb");
/// The time that BlueZ takes to close a link, with a margin (`src/device.c`, `DISCONNECT_TIMER`).
const DISCONNECT_TIME: Duration = Duration::from_millis(2200);
/// The pause between two attempts of an operation for which the system is busy.
const BUSY_RETRY_INTERVAL: Duration = Duration::from_millis(500);
