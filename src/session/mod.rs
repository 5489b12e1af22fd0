//! A secure session with one device. Only this module combines endpoint, security and transport.
//! `flows` defines the order of commands.
//!
//! ```text
//! command ──encode──▶ plaintext ──seal──▶ ciphertext ──exchange──▶ answer ──open──▶ ──decode──▶ reply
//!         endpoint             security            transport               security   endpoint
//! ```
//!
//! A [`Connection`] has no keys yet, a [`Session`] has: a session cannot start another handshake,
//! and a connection can only read the version document.

mod connection;
mod error;
mod established;
mod handshakes;
mod keys;
#[cfg(test)]
pub(crate) mod scripted_device;
mod secured;

pub use connection::Connection;
pub use error::SessionError;
pub use established::Session;
pub use handshakes::{HandshakePermit, Handshakes};
pub use keys::Keys;
pub use secured::{NotReconnected, Secured};
