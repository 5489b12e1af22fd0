//! This computer, as data: its networks and routes, mDNS, serial ports, Bluetooth, radio switches,
//! browser. Drivers, `doctor` and the hints read it. Nothing is changed, and no device is contacted. The
//! callers decide what is wrong, and what to do about it.

mod bluetooth;
mod browser;
mod mdns;
mod memory;
mod networks;
mod port_access;
mod routes;
mod serial_ports;
mod switches;
mod this;
mod variables;

#[cfg(target_os = "linux")]
pub(crate) use bluetooth::find_dbus_problem;
pub(crate) use bluetooth::{AdapterHealth, BluetoothHealth, Power, check_bluetooth};
pub use bluetooth::{BluetoothError, BluetoothProblem};
pub(crate) use browser::open_page;
pub(crate) use mdns::{GROUP_V4, MdnsAccess, join_mdns_groups};
pub(crate) use memory::protect_memory;
pub(crate) use networks::{HostNetwork, list_networks, list_wifi_interfaces};
pub(crate) use port_access::{PortAccess, PortGroup, check_port_access};
pub(crate) use routes::{HostRoute, find_default_networks, find_route};
pub use serial_ports::UsbIdentity;
pub(crate) use serial_ports::{SerialPort, list_serial_ports};
pub(crate) use switches::{RadioSwitch, list_switches};
pub use this::Host;
pub(crate) use variables::list_own_variables;
