//! espctl puts ESP32 devices on a network and into their owner's account.

pub mod endpoint;
pub mod flows;
pub mod ident;
pub mod proto;
pub mod secret;
pub mod security;
pub mod session;
pub mod transport;
