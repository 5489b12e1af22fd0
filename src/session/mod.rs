//! A secure conversation with one device: the one place where endpoint, security and transport
//! meet. What to say in which order is `flows`'.
//!
//! ```text
//! command ──encode──▶ plaintext ──seal──▶ ciphertext ──exchange──▶ answer ──open──▶ ──decode──▶ reply
//!         endpoint             security            transport               security   endpoint
//! ```
//!
//! [`Connection`] is the time before keys, [`Session`] after: a session cannot be secured again,
//! and nothing but the version document can be read before.

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
