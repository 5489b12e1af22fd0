//! A device that a search found, as lists and errors show it. Its data are unverified.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::transport::{Address, Candidate, Hints, Medium};

/// A device's announcement and address.
#[derive(Clone, Debug)]
pub struct SeenDevice {
    /// The medium that it was found on.
    pub medium: &'static Medium,
    /// The announced name.
    pub name: Option<String>,
    /// The device's address.
    pub address: Address,
    /// The rest of the announcement.
    pub hints: Hints,
}

impl SeenDevice {
    /// A candidate of a driver's scan.
    pub fn of(candidate: &Candidate) -> Self {
        Self {
            medium: candidate.medium,
            name: candidate.name.clone(),
            address: candidate.address.clone(),
            hints: candidate.hints.clone(),
        }
    }
}

/// The keys of `device_found`, and the signal strength.
impl Serialize for SeenDevice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut keys = to.serialize_struct("SeenDevice", 5)?;
        keys.serialize_field("transport", self.medium)?;
        keys.serialize_field("address", &self.address.to_string())?;
        keys.serialize_field("name", &self.name)?;
        keys.serialize_field("node_id", &self.hints.node_id)?;
        keys.serialize_field("signal", &self.hints.signal)?;
        keys.end()
    }
}
