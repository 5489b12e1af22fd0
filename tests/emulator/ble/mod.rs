//! A device in the air, as a client of BlueZ meets it on D-Bus, with nothing between.

mod discovery;
mod exchange;
mod host;
mod troubles;
