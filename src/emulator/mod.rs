//! Emulated devices and an emulated cloud to test against. They are not mocks: they answer real bytes on
//! real ports, and refuse requests in the way of firmware.
//!
//! | module | contents |
//! |---|---|
//! | [`announce`] | announces devices on the network by mDNS |
//! | [`cloud`] | the user's account behind HTTP, which checks tokens and signatures |
//! | [`device`] | a device without its medium: security, provisioning manager, surroundings |
//! | [`fault`] | injected faults of both |
//! | [`flash`] | the flash memory of a device |
//! | [`listen`] | a file for each medium: how clients reach a [`device::Device`], and see its refusals |
//! | [`log`] | the log of both, as JSON lines and for people |
//! | [`node_cloud`] | sends a device's messages to the cloud, in place of MQTT |
//! | [`parse`] | reads flags and files |
//! | `server` | serves a device on any medium, with faults |
//!
//! The emulator parses raw messages without `endpoint`, so that a mistake there is not repeated here. It
//! shares the security schemes with the client; test vectors prove those.

pub mod announce;
pub mod cloud;
pub mod device;
pub mod fault;
pub mod flash;
pub mod listen;
pub mod log;
pub mod node_cloud;
pub mod parse;
mod server;
