//! The result of a handshake.

use crate::security::{Cipher, SecurityScheme};

/// The keys of a handshake, valid for the connection of the handshake.
#[derive(Debug)]
pub struct Keys {
    pub(super) scheme: SecurityScheme,
    pub(super) cipher: Box<dyn Cipher>,
}
