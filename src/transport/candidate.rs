//! A device that a driver found, and what it announced. Nothing of it is proved.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::address::Address;
use super::maker_data::MakerData;
use super::medium::Medium;
use super::search::HostChanges;
use crate::host::UsbIdentity;
use crate::proto::Service;

/// A device in reach, as it announced itself. What it did not say is `None`.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where it is.
    pub address: Address,
    /// What the driver keeps between finding and opening, so that nothing is done twice.
    pub handle: Option<Handle>,
    /// How it was found.
    pub medium: &'static Medium,
    /// The name that it announced.
    pub name: Option<String>,
    /// What else it announced.
    pub hints: Hints,
    /// Where its driver says what it changed on this computer.
    pub changes: HostChanges,
    /// Which service it runs.
    pub service: Service,
}

impl Candidate {
    /// A device at an address, of which nothing else is known.
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

/// What a device announced about itself. Nothing of it is proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Its id in the account.
    pub node_id: Option<String>,
    /// The number of its security scheme.
    pub sec_version: Option<u64>,
    /// Whether Security 1 needs a PoP.
    pub pop_required: Option<bool>,
    /// How strong its signal is, in dBm.
    pub signal: Option<i16>,
    /// The Bluetooth services that it announces.
    pub services: Vec<Uuid>,
    /// What is plugged into a serial port, if it is on USB.
    pub usb: Option<UsbIdentity>,
    /// What its maker says of it, in RainMaker's form.
    pub maker: Option<MakerData>,
    /// Whether it looks like a device that could be provisioned, where all kinds of things are found.
    pub is_likely: bool,
}

/// Something that only the driver understands which made it.
#[derive(Clone)]
pub struct Handle(Arc<dyn Any + Send + Sync>);

impl Handle {
    /// Keeps what the driver needs to open a path to what it found.
    pub fn new(value: impl Any + Send + Sync) -> Self {
        Self(Arc::new(value))
    }

    /// What it keeps; `None` if another driver made it.
    pub fn read<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}
