//! What everything above the drivers knows of a medium: data, which each driver states about its own.
//! Nothing above compares names to decide what to do.

use std::fmt;

use serde::{Serialize, Serializer};

use super::limits::Limits;

/// A way to devices: what is the same for every device that is reached by it.
#[derive(Debug)]
pub struct Medium {
    /// As typed after `--transport`, and shown.
    pub name: &'static str,
    /// How devices become known.
    pub discovery: Discovery,
    /// Which of the things that can be known of a device its lists have columns for.
    pub columns: Columns,
    /// Whether a name belongs to one device at most.
    pub names_are_unique: bool,
    /// Whether this computer has to join a network of the device's own, and may lose every other
    /// by that.
    pub joins_device_network: bool,
    /// Whether a device that is reached like this has a network already, so that all it needs is an
    /// owner.
    pub has_network_already: bool,
    /// The part of this computer that has to work for it, as `doctor` looks at them.
    pub needs: Option<HostPart>,
    /// How long exchanges may take.
    pub limits: Limits,
    /// Where the device is unless something else is said, if that is the same for all devices.
    pub usual_address: Option<&'static str>,
    /// What people are told about it.
    pub words: Words,
}

/// How devices become known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// They announce themselves, by name, before anybody connects.
    Announced,
    /// This computer lists the places where one could be, such as its ports. A place may be empty and
    /// has no name of a device; only a question tells who is there. A candidate's name is the place's,
    /// and `is_likely` says whether to expect a device there.
    Enumerated,
    /// One device at most, at an address that is known beforehand.
    Fixed,
}

/// The columns of lists and the keys of JSON rows, beside name, address and security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Those of a Bluetooth advertisement: signal, services, the maker's data.
    Advertisement,
    /// Those of a plug: what is plugged in.
    Plug,
    /// Those of a network service: node id, host and port.
    Service,
    /// No others, but the version document.
    Version,
}

/// A part of this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPart {
    /// Its Bluetooth.
    Bluetooth,
    /// A route to a device's hotspot.
    Hotspot,
    /// mDNS on its networks.
    LocalNetwork,
    /// Its serial ports.
    SerialPorts,
}

/// What people are told about a medium.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// That a search begins.
    pub searching: &'static str,
    /// The same, where a device of a name is wanted; `{}` stands for the name.
    pub searching_by_name: &'static str,
    /// That the search found nothing; the usual words if `None`.
    pub nothing_found: Option<&'static str>,
    /// How a device gets into reach. Only for a medium that needs no part of this computer: for
    /// the others, the table of errors has more to say.
    pub reach: &'static str,
    /// How one of several is chosen. Likewise.
    pub choose: &'static str,
    /// That Security 2 needs longer messages than it carries; the usual words if `None`.
    pub no_room_for_sec2: Option<&'static str>,
    /// Unlikely candidates, which are not listed, behind their number.
    pub unlisted: &'static str,
    /// Why flags for the addresses of other media make no sense, and which flag does.
    pub addresses: (&'static str, &'static str),
}

impl Words {
    /// For a medium that needs no words of its own.
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
    /// Whether devices announce a name by which one can be chosen.
    pub fn announces(&self) -> bool {
        self.discovery == Discovery::Announced
    }

    /// Whether there can be several, of which one has to be chosen.
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

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl Serialize for Medium {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}
