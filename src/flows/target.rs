//! Which device is meant, and where to look for it.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::host::Host;
use crate::provisioner::Protocol;
use crate::transport::record::Transcript;
use crate::transport::{
    Address, Discovery, Driver, DriverOptions, Hints, HostChanges, Medium, Search,
};

/// Which device, and where.
#[derive(Clone, Debug)]
pub struct Target {
    /// By which driver.
    pub driver: Arc<dyn Driver>,
    /// The protocols that it may speak; the first one that recognizes it is used.
    pub protocols: Vec<Arc<dyn Protocol>>,
    /// The driver's medium, on this computer.
    pub medium: &'static Medium,
    /// Where it is, when that is known.
    pub address: Option<Address>,
    /// What it is called: its name, the beginning of it, or its node id. Over media that announce
    /// nothing, for messages only.
    pub name: Option<String>,
    /// Whether the beginning of the name is not enough: a label says it as a whole.
    pub is_whole_name: bool,
    /// What else the driver was told.
    pub options: DriverOptions,
    /// Only devices whose maker's data carry this customer.
    pub customer_id: Option<u16>,
    /// Only devices that announce this Bluetooth service.
    pub service: Option<Uuid>,
    /// Where the conversation with it is taken down.
    pub transcript: Option<Transcript>,
}

impl Target {
    /// Any device that the driver finds and that speaks one of the protocols.
    pub fn new(driver: Arc<dyn Driver>, protocols: Vec<Arc<dyn Protocol>>, host: &Host) -> Self {
        Self {
            medium: driver.medium(host),
            driver,
            protocols,
            address: None,
            name: None,
            is_whole_name: false,
            options: DriverOptions::default(),
            customer_id: None,
            service: None,
            transcript: None,
        }
    }

    /// What a driver needs to know of it.
    pub(super) fn search(&self, wait: Duration) -> Search {
        Search {
            address: self.address.clone(),
            options: self.options.clone(),
            changes: HostChanges::default(),
            wait,
        }
    }

    /// The name by which a device is known among others.
    pub(super) fn announced_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.medium.announces())
    }

    /// Whether what a device announces is what is wanted, its name aside. One that is not named has
    /// to look like a device of ours: on many media, all kinds of things announce themselves.
    pub(super) fn admits(&self, hints: &Hints) -> bool {
        if self.medium.discovery == Discovery::Enumerated {
            return self.address.is_some() || hints.is_likely;
        }
        let is_narrowed =
            self.name.is_some() || self.customer_id.is_some() || self.service.is_some();
        let customer = hints.manufacturer.map(|maker| maker.customer_id);
        (self.customer_id.is_none() || self.customer_id == customer)
            && self
                .service
                .is_none_or(|wanted| hints.services.contains(&wanted))
            && (is_narrowed || hints.is_likely)
    }
}
