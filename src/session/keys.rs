//! What a handshake ends with.

use crate::security::{Cipher, SecurityScheme};

/// What both ends agreed in a handshake. Good for the connection on which it was agreed.
#[derive(Debug)]
pub struct Keys {
    pub(super) scheme: SecurityScheme,
    pub(super) cipher: Box<dyn Cipher>,
}
