//! The states of a handshake on both sides, and the resulting cipher, for all schemes.

use std::fmt;

use zeroize::Zeroizing;

use super::error::SecurityError;

/// The next step of the client side.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Send `request` to the session endpoint and pass the answer to `next`.
    Send {
        /// Encoded `SessionData`.
        request: Vec<u8>,
        /// The state that waits for the answer.
        next: Box<dyn Handshake>,
    },
    /// The handshake succeeded.
    Established(Box<dyn Cipher>),
}

/// The client side, which waits for one answer and is consumed by it.
pub trait Handshake: fmt::Debug + Send {
    /// Reads the device's answer.
    fn receive(self: Box<Self>, response: &[u8]) -> Result<Step, SecurityError>;

    /// Interprets a missing answer in this state. protocomm has no error message: a wrong PoP and a
    /// wrong scheme both look like a broken connection.
    fn refused(self: Box<Self>) -> SecurityError;
}

/// The device side, which waits for one request and is consumed by it.
pub trait Responder: fmt::Debug + Send {
    /// Reads the client's request. After an error the device does not answer.
    fn answer(self: Box<Self>, request: &[u8]) -> Result<Answer, SecurityError>;
}

/// The device side's reaction to a request.
#[derive(Debug)]
#[must_use]
pub enum Answer {
    /// Send a response, and wait for another request.
    Reply {
        /// Encoded `SessionData`.
        response: Vec<u8>,
        /// The state that waits for the next request.
        next: Box<dyn Responder>,
    },
    /// Send a response; the handshake succeeded.
    Established {
        /// Encoded `SessionData`.
        response: Vec<u8>,
        /// The device's side of the session.
        cipher: Box<dyn Cipher>,
    },
}

/// The keys of an established session, on either side. Messages must be sealed and opened in the
/// order in which they are sent: both directions share one keystream or counter.
pub trait Cipher: fmt::Debug + Send {
    /// Encrypts one message.
    fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, SecurityError>;

    /// Decrypts one message.
    fn open(&mut self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecurityError>;
}
