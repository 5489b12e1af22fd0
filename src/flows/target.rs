//! Describes the device to find, and how to find it.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::provisioner::Protocol;
use crate::transport::record::Transcript;
use crate::transport::{
    Address, Discovery, Driver, DriverOptions, Hints, HostChanges, Medium, Search,
};

/// The device to find, and how to find it.
#[derive(Clone, Debug)]
pub struct Target {
    /// The driver that finds and opens it.
    pub driver: Arc<dyn Driver>,
    /// The protocols to try; the first one that recognizes the device is used.
    pub protocols: Vec<Arc<dyn Protocol>>,
    /// The driver's medium, on this computer.
    pub medium: &'static Medium,
    /// The device's address, if it was given.
    pub address: Option<Address>,
    /// The device's name, the beginning of it, or its node id. On media without announcements, for
    /// messages only.
    pub name: Option<String>,
    /// Whether `name` is complete, as on a label, so that its beginning does not match.
    pub is_whole_name: bool,
    /// The options of the driver.
    pub options: DriverOptions,
    /// Only devices whose manufacturer data have this customer id.
    pub customer_id: Option<u16>,
    /// Only devices that announce this Bluetooth service.
    pub service: Option<Uuid>,
    /// Records the exchanges with the device.
    pub transcript: Option<Transcript>,
}

impl Target {
    /// Any device that the driver finds and that speaks one of the protocols.
    pub fn new(driver: Arc<dyn Driver>, protocols: Vec<Arc<dyn Protocol>>) -> Self {
        Self {
            medium: driver.medium(),
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

    /// The search for it, as a driver needs it. `wait`: the duration of the search.
    pub(super) fn search(&self, wait: Duration) -> Search {
        Search {
            address: self.address.clone(),
            options: self.options.clone(),
            changes: HostChanges::default(),
            wait,
        }
    }

    /// The name to search for; `None` on media where devices do not announce names.
    pub(super) fn announced_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.medium.announces())
    }

    /// Whether an announcement matches, except for the name. Without a name or filter, the device must
    /// look like one that espctl supports: on many media, all kinds of devices announce themselves.
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
