//! A device that a driver found, with what it announced. Announced data is not authenticated.

use std::any::Any;
use std::sync::Arc;

use uuid::Uuid;

use super::address::Address;
use super::manufacturer_data::ManufacturerData;
use super::medium::Medium;
use super::search::HostChanges;
use crate::host::UsbIdentity;
use crate::proto::Service;

/// A device in reach, as it announced itself. A field is `None` if the device did not announce it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where the driver connects.
    pub address: Address,
    /// What the driver keeps between scan and connection, so that it does no work twice.
    pub handle: Option<Handle>,
    /// The medium over which the driver found the device.
    pub medium: &'static Medium,
    /// The announced name.
    pub name: Option<String>,
    /// The other announced data.
    pub hints: Hints,
    /// Where the driver records what it changed on this computer.
    pub changes: HostChanges,
    /// The service that the device runs: provisioning or local control.
    pub service: Service,
}

impl Candidate {
    /// A device at a known address, with no announced data.
    pub fn new(medium: &'static Medium, address: Address, service: Service) -> Self {
        Self {
            address,
            handle: None,
            medium,
            name: None,
            hints: Hints::default(),
            changes: HostChanges::default(),
            service,
        }
    }
}

/// What a device announced about itself. The data is not authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The node id in the account.
    pub node_id: Option<String>,
    /// The number of the security scheme: 0, 1 or 2.
    pub sec_version: Option<u64>,
    /// Whether Security 1 requires a PoP.
    pub pop_required: Option<bool>,
    /// Signal strength (RSSI), in dBm.
    pub signal: Option<i16>,
    /// UUIDs of the advertised Bluetooth services.
    pub services: Vec<Uuid>,
    /// The USB identity of a serial port; `None` if the port is not on USB.
    pub usb: Option<UsbIdentity>,
    /// RainMaker's manufacturer data.
    pub manufacturer: Option<ManufacturerData>,
    /// Whether the device looks provisionable. A scan also finds unrelated Bluetooth devices and
    /// serial ports.
    pub is_likely: bool,
}

/// Data that only the driver that made it understands.
#[derive(Clone, derive_more::Debug)]
#[debug("Handle")]
pub struct Handle(Arc<dyn Any + Send + Sync>);

impl Handle {
    /// Wraps what the driver needs to connect to the scanned device.
    pub fn new(value: impl Any + Send + Sync) -> Self {
        Self(Arc::new(value))
    }

    /// The wrapped value; `None` if another driver made the handle.
    pub fn read<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}
