//! A device that a search saw, as lists and errors show it. Nothing of it is proved.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::transport::{Address, Candidate, Hints, Medium};

/// What a device announced, and where.
#[derive(Clone, Debug)]
pub struct SeenDevice {
    /// Over which transport.
    pub medium: &'static Medium,
    /// The announced name.
    pub name: Option<String>,
    /// Where it is.
    pub address: Address,
    /// Everything else that it announced.
    pub hints: Hints,
}

impl SeenDevice {
    /// What a driver's scan found.
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
