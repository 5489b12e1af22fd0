//! espctl puts ESP32 devices on a network and into their owner's account.

pub mod emulator;
pub mod ident;
pub mod proto;
pub mod secret;
pub mod security;
