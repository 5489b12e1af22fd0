//! protocomm over Bluetooth Low Energy, as a client on Linux meets it: BlueZ on a bus of its own, an
//! adapter, and devices in reach. Not a radio: what a client does with D-Bus is all there is, and it
//! needs neither hardware nor rights.
//!
//! | part | what it is |
//! |---|---|
//! | `advert`, `layout`, `stack` | what devices advertise and have, and what their Bluetooth stacks do differently |
//! | `answer`, `objects` | answers, errors and objects as they travel on D-Bus |
//! | `bus` | the bus |
//! | `host` | BlueZ: its objects, their order, its words |
//! | `link` | what passes between BlueZ and devices |
//! | `peripheral` | a device's side: a GATT server |
//! | `radio` | all of it together |
//! | `trouble` | what can be wrong with the computer and the links |

mod advert;
mod answer;
mod bus;
mod host;
mod layout;
mod link;
mod objects;
mod peripheral;
mod radio;
mod stack;
mod trouble;

pub use advert::{Address, Advert, Neighbour, rainmaker_data};
pub use bus::BusChoice;
pub use host::HostSettings;
pub use peripheral::Peripheral;
pub use radio::{RadioSettings, Served, VirtualRadio};
pub use stack::Stack;
pub use trouble::{HostTrouble, LinkTrouble};
