//! The three protocomm security schemes, each with its client and its device side. Pure code: no
//! socket, no clock, and the caller's `rng` is the only source of randomness. `transport` carries
//! the messages, `endpoint` defines their meaning.
//!
//! A handshake is a chain of values. Each is named for the message that it waits for and is
//! consumed by it, so no state can be used twice. Only the last one yields a [`Cipher`]:
//!
//! ```text
//! start() ─▶ Step::Send ──request──▶ device ──response──▶ Handshake::receive() ─▶ Step::…
//!                                                         Step::Established(Cipher)
//! ```
//!
//! Source: ESP-IDF `components/protocomm/src/security/security{0,1,2}.c`.

mod credentials;
mod device_secret;
mod envelope;
mod error;
mod handshake;
mod scheme;
mod sec0;
mod sec1;
mod sec2;
mod srp6a;
mod start;

pub use credentials::{Credentials, VerifierForm};
pub use device_secret::DeviceSecret;
pub use error::{Misbehaviour, SecurityError};
pub use handshake::{Answer, Cipher, Handshake, Responder, Step};
pub use scheme::{SecurityScheme, UnknownScheme};
pub use sec2::NonceRule;
pub use srp6a::inner_hash_is_ambiguous;
pub use start::{accept, opens_handshake, start};
