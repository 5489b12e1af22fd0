//! A link through the system's own Bluetooth, by way of `btleplug`. What only one system can do is
//! `bluez.rs`'s, or `system.rs`'s.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use btleplug::api::{Central as _, Characteristic, Descriptor, Peripheral as _, WriteType};
use btleplug::platform::Peripheral;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use uuid::{Uuid, uuid};

use super::adapter::Radio;
#[cfg(target_os = "linux")]
use super::bluez as system;
use super::gatt::{Attribute, Gatt, GattError};
#[cfg(not(target_os = "linux"))]
use super::system;

/// One device, through the system.
pub(super) struct Native {
    radio: Arc<Radio>,
    peripheral: Peripheral,
    characteristics: HashMap<Attribute, Characteristic>,
}

impl Native {
    pub(super) fn new(radio: Arc<Radio>, peripheral: Peripheral) -> Self {
        Self {
            radio,
            peripheral,
            characteristics: HashMap::new(),
        }
    }

    /// Closes the link, and waits until it is closed.
    async fn end_the_link(&self) -> Result<(), GattError> {
        let events = self.radio.adapter.events().await;
        let mut events = events.map_err(system::classify)?;
        self.disconnect().await?;
        while self.is_connected().await {
            // Whatever happened: perhaps that.
            if events.next().await.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn characteristic(&self, attribute: Attribute) -> Result<&Characteristic, GattError> {
        self.characteristics.get(&attribute).ok_or(GattError::Gone)
    }

    async fn description(&self, of: Attribute) -> Result<Vec<u8>, GattError> {
        let characteristic = self.characteristic(of)?;
        let descriptor = Descriptor {
            uuid: USER_DESCRIPTION,
            service_uuid: characteristic.service_uuid,
            characteristic_uuid: characteristic.uuid,
        };
        self.peripheral
            .read_descriptor(&descriptor)
            .await
            .map_err(system::classify)
    }
}

#[async_trait]
impl Gatt for Native {
    /// A link that is open already is another run's, which has left: BlueZ closes it two seconds
    /// after it was told to, and would take ours along.
    async fn connect(&mut self) -> Result<(), GattError> {
        if self.is_connected().await {
            self.end_the_link().await?;
        }
        self.peripheral.connect().await.map_err(system::classify)
    }

    async fn attributes(&mut self) -> Result<Vec<Attribute>, GattError> {
        self.peripheral
            .discover_services()
            .await
            .map_err(system::classify)?;
        let found = self.peripheral.characteristics().into_iter();
        self.characteristics = found
            .map(|characteristic| {
                let mut descriptors = characteristic.descriptors.iter();
                let attribute = Attribute {
                    service: characteristic.service_uuid,
                    uuid: characteristic.uuid,
                    is_described: descriptors.any(|one| one.uuid == USER_DESCRIPTION),
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

    async fn descriptions(&self, of: &[Attribute]) -> Vec<Result<Vec<u8>, GattError>> {
        join_all(of.iter().map(|one| self.description(*one))).await
    }

    async fn write(&self, to: Attribute, value: &[u8]) -> Result<(), GattError> {
        self.peripheral
            .write(self.characteristic(to)?, value, WriteType::WithResponse)
            .await
            .map_err(system::classify)
    }

    async fn read(&self, from: Attribute) -> Result<Vec<u8>, GattError> {
        self.peripheral
            .read(self.characteristic(from)?)
            .await
            .map_err(system::classify)
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
        self.peripheral.disconnect().await.map_err(system::classify)
    }
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native")
            .field("peripheral", &self.peripheral.id())
            .finish_non_exhaustive()
    }
}

const USER_DESCRIPTION: Uuid = uuid!("00002901-0000-1000-8000-00805f9b34fb");
