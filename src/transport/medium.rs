//! The properties of a medium, as data that each driver provides. The code above the drivers uses only
//! these, and never compares names of media.

use serde::{Serialize, Serializer};

use super::exchange_limits::Limits;

/// A medium: what is the same for all devices that are connected over it.
#[derive(Debug, derive_more::Display)]
#[display("{name}")]
pub struct Medium {
    /// The name, as for `--transport`.
    pub name: &'static str,
    /// How devices are found.
    pub discovery: Discovery,
    /// The columns of device lists.
    pub columns: Columns,
    /// Whether each name belongs to at most one device.
    pub names_are_unique: bool,
    /// Whether this computer must join the device's own network, and may lose all others meanwhile.
    pub joins_device_network: bool,
    /// Whether a device on this medium already has a network, and only needs an owner.
    pub has_network_already: bool,
    /// The part of this computer that the medium requires, and that `doctor` checks.
    pub needs: Option<HostPart>,
    /// The time limits of exchanges.
    pub limits: Limits,
    /// The default address, if all devices have the same.
    pub usual_address: Option<&'static str>,
    /// Texts for the user.
    pub words: Words,
}

/// How devices are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// Devices announce themselves by name.
    Announced,
    /// This computer lists the places where a device may be, such as its ports. Only a connection shows
    /// whether a device is there. The candidate's name is that of the place, and `is_likely` is whether
    /// to expect a device.
    Enumerated,
    /// At most one device, at a fixed address.
    Fixed,
}

/// The columns of lists and the keys of JSON rows, in addition to name, address and security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Data of a Bluetooth advertisement: signal, services, manufacturer data.
    Advertisement,
    /// The USB device of a serial port.
    Plug,
    /// Data of a network service: node id, host and port.
    Service,
    /// The version document.
    Version,
}

/// A part of this computer that a medium requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPart {
    /// Bluetooth.
    Bluetooth,
    /// A route to a device's hotspot.
    Hotspot,
    /// mDNS on this computer's networks.
    LocalNetwork,
    /// Serial ports.
    SerialPorts,
}

/// Texts about a medium, for the user.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// A search starts.
    pub searching: &'static str,
    /// A search for a device with a name starts; `{}` is replaced by the name.
    pub searching_by_name: &'static str,
    /// The search found nothing; `None` for the default text.
    pub nothing_found: Option<&'static str>,
    /// How to get a device in reach. Used only for a medium that requires no part of this computer:
    /// the table of errors has texts for the others.
    pub reach: &'static str,
    /// How to select one of several devices. Used only for a medium without texts in the table of
    /// errors.
    pub choose: &'static str,
    /// Security 2 needs longer messages than the medium carries; `None` for the default text.
    pub no_room_for_sec2: Option<&'static str>,
    /// The text after the number of unlikely candidates, which are not listed.
    pub unlisted: &'static str,
    /// Why address flags of other media do not apply, and which flag does.
    pub addresses: (&'static str, &'static str),
}

impl Words {
    /// The texts of a medium that defines none of its own.
    pub const USUAL: Self = Self {
        searching: "Discovering...",
        searching_by_name: "Discovering...",
        nothing_found: None,
        reach: "the device must be powered and in reach, and wait to be provisioned",
        choose: "name one with --device-name",
        no_room_for_sec2: None,
        unlisted: "more were found",
        addresses: (
            "it has other addresses",
            "run `espctl discover` to list the devices in reach",
        ),
    };
}

impl Medium {
    /// Whether devices announce a name, by which the user can select one.
    pub fn announces(&self) -> bool {
        self.discovery == Discovery::Announced
    }

    /// Whether there can be several devices, of which the user selects one.
    pub fn has_a_choice(&self) -> bool {
        self.discovery != Discovery::Fixed
    }
}

impl PartialEq for Medium {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Medium {}

impl Serialize for Medium {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}
