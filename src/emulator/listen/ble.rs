//! protocomm over Bluetooth Low Energy for clients on Linux: BlueZ on a bus, with an adapter and devices in
//! its range. There is no radio: clients use only D-Bus, without hardware and privileges.
//!
//! | part | contents |
//! |---|---|
//! | `advert`, `layout`, `stack` | the advertisements, the GATT tables and the Bluetooth stacks of devices |
//! | `answer`, `objects` | errors and objects on D-Bus |
//! | `bus` | the bus |
//! | `host` | the adapter with all devices, and BlueZ: its objects, the order of its signals, its errors |
//! | `link` | the messages between BlueZ and devices |
//! | `peripheral` | the device's side: a GATT server |
//! | `trouble` | what can be wrong with the computer and the links |

mod advert;
mod answer;
mod bus;
mod host;
mod layout;
mod link;
mod objects;
mod peripheral;
mod stack;
mod trouble;

pub use advert::{Address, Advert, rainmaker_data};
pub use bus::BusChoice;
pub use host::{HostSettings, VirtualRadio};
pub use stack::Stack;
pub use trouble::{HostTrouble, LinkTrouble};
