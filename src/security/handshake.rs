//! The states of a handshake on either side, and the cipher that it ends with, whatever the scheme.

use std::fmt;

use zeroize::Zeroizing;

use super::error::SecurityError;

/// What the client side wants next.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Deliver `request` to the session endpoint and hand the answer to `next`.
    Send {
        /// Encoded `SessionData`.
        request: Vec<u8>,
        /// Waits for the answer.
        next: Box<dyn Handshake>,
    },
    /// The keys are agreed.
    Established(Box<dyn Cipher>),
}

/// The client side, waiting for one answer and consumed by it.
pub trait Handshake: fmt::Debug + Send {
    /// Reads the device's answer.
    fn receive(self: Box<Self>, response: &[u8]) -> Result<Step, SecurityError>;

    /// Says what it means that the device did not answer *here*. There is no in-band error in
    /// protocomm: a wrong PoP and a wrong scheme both look like a broken link.
    fn refused(self: Box<Self>) -> SecurityError;
}

/// The device side, waiting for one request and consumed by it.
pub trait Responder: fmt::Debug + Send {
    /// Reads the client's request. An error means that nothing is answered.
    fn answer(self: Box<Self>, request: &[u8]) -> Result<Answer, SecurityError>;
}

/// What the device side does with a request.
#[derive(Debug)]
#[must_use]
pub enum Answer {
    /// Answers, and waits for another request.
    Reply {
        /// Encoded `SessionData`.
        response: Vec<u8>,
        /// Waits for the next request.
        next: Box<dyn Responder>,
    },
    /// Answers, and has the keys.
    Established {
        /// Encoded `SessionData`.
        response: Vec<u8>,
        /// The device's end of the session.
        cipher: Box<dyn Cipher>,
    },
}

/// The keys of an established session, at either end. Messages must be sealed and opened in the
/// order in which they travel: both directions share one keystream or counter.
pub trait Cipher: fmt::Debug + Send {
    /// Encrypts one message.
    fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, SecurityError>;

    /// Decrypts one message.
    fn open(&mut self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecurityError>;
}
