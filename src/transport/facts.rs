//! What stands on this computer between a program and a device, as data: networks and routes, mDNS,
//! serial ports, switches. Nothing here is changed and no device hears of it; what is wrong with it
//! and what helps is the reader's to say. Bluetooth's are `ble::health`'s.

mod mdns;
mod network;
mod serial;
mod switches;

pub(crate) use mdns::{GROUP_V4, Joined, join};
pub(crate) use network::{Network, Route, default_interfaces, networks, route_to, wifi_interfaces};
pub(crate) use serial::{Access, Group, access};
pub(crate) use switches::{Switch, switches};
