//! Emulated devices and an emulated cloud, honest enough to test against. Not a mock: it answers real
//! bytes on a real port and refuses what firmware refuses, in the way it does.
//!
//! | module | what it is |
//! |---|---|
//! | [`announce`] | that a device is on the network, told by mDNS |
//! | [`cloud`] | the owner's account behind HTTP, which checks tokens and signatures |
//! | [`device`] | the device behind its medium: security, provisioning manager, the world it sees |
//! | [`fault`] | what goes wrong on the way to and from both, when that was ordered |
//! | [`flash`] | what it keeps when it loses power |
//! | [`listen`] | one file a medium: how clients reach a [`device::Device`], and how a refusal looks there |
//! | [`log`] | what happened to both, as JSON lines and for people |
//! | [`node_cloud`] | the device's own way to the cloud, for which a real one has MQTT |
//! | `server` | serves a device on any medium, faults included |
//!
//! It reads raw messages and never `endpoint`'s idea of them, so that a mistake there cannot
//! cancel itself out here. Security schemes are shared with the client; their truth comes from
//! test vectors.

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
