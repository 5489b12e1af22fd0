//! The session keys of a device: the `prov-session` endpoint, and the lock-out that a RainMaker
//! application adds to it.

use prost::Message as _;
use rand_core::CryptoRng;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::reply::{Refusal, refuse};
use crate::emulator::log::{DeviceEvent, Log};
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{SessionData, sec2_payload::Payload};
use crate::security::{
    self, Answer, Cipher, DeviceSecret, Misbehaviour, Responder, SecurityError, SecurityScheme,
};

/// The device's secret, the keys of the current session, and the failed handshakes.
#[derive(Debug)]
pub(super) struct SessionKeys {
    secret: DeviceSecret,
    state: State,
    max_strikes: u32,
    /// Counted from start to restart; a success does not reset them.
    pub(super) strikes: u32,
    /// When the device locked itself.
    pub(super) locked_at: Option<Instant>,
}

/// The progress of the handshake of the current session.
#[derive(Debug)]
enum State {
    None,
    Awaiting {
        next: Box<dyn Responder>,
        username: Option<String>,
    },
    Agreed(Box<dyn Cipher>),
}

impl SessionKeys {
    pub(super) fn new(secret: DeviceSecret, max_strikes: u32) -> Self {
        Self {
            secret,
            state: State::None,
            max_strikes,
            strikes: 0,
            locked_at: None,
        }
    }

    /// Discards the keys of a session.
    pub(super) fn discard(&mut self) {
        self.state = State::None;
    }

    /// Returns to the state after a power cycle.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.secret.clone(), self.max_strikes);
    }

    /// Handles one message of a handshake.
    pub(super) fn handle_handshake(
        &mut self,
        log: &mut Log,
        rng: &mut dyn CryptoRng,
        now: Instant,
        request: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let scheme = self.secret.scheme();
        let message = SessionData::decode(request)
            .map_err(|_| refuse("a handshake message that cannot be read"))?;
        let is_of_scheme = match &message.proto {
            Some(Proto::Sec0(_)) => scheme == SecurityScheme::Sec0,
            Some(Proto::Sec1(_)) => scheme == SecurityScheme::Sec1,
            Some(Proto::Sec2(_)) => scheme == SecurityScheme::Sec2,
            None => false,
        };
        if message.sec_ver != i32::from(scheme.number()) || !is_of_scheme {
            return Err(refuse("a handshake of another security scheme"));
        }
        let (next, username) = if security::opens_handshake(request) {
            log.write(&DeviceEvent::HandshakeStarted { scheme });
            let username = log_client_key(log, &message);
            // The previous keys are gone, even if this handshake fails.
            (security::accept(&self.secret, rng), username)
        } else {
            match std::mem::replace(&mut self.state, State::None) {
                State::Awaiting { next, username } => (next, username),
                state => {
                    self.state = state;
                    return Err(refuse("a handshake that was not begun"));
                }
            }
        };
        self.state = State::None;
        match next.answer(request) {
            Ok(Answer::Reply { response, next }) => {
                self.state = State::Awaiting { next, username };
                Ok(response)
            }
            Ok(Answer::Established { response, cipher }) => {
                self.state = State::Agreed(cipher);
                let mut pop = None;
                if let DeviceSecret::Sec1 { pop: secret } = &self.secret {
                    pop = Some(secret.as_ref().is_some_and(|pop| !pop.expose().is_empty()));
                }
                let event = DeviceEvent::Secured {
                    scheme,
                    username,
                    pop,
                };
                log.write(&event);
                Ok(response)
            }
            Err(error) => {
                if is_strike(&error) {
                    self.add_strike(log, now);
                }
                Err(error.into())
            }
        }
    }

    fn add_strike(&mut self, log: &mut Log, now: Instant) {
        self.strikes = self.strikes.saturating_add(1);
        let count = self.strikes;
        log.write(&DeviceEvent::Strike { count });
        if self.max_strikes > 0 && self.strikes >= self.max_strikes && self.locked_at.is_none() {
            self.locked_at = Some(now);
            log.write(&DeviceEvent::Locked);
        }
    }

    /// Opens a request; with Security 0 also without a handshake.
    pub(super) fn open(&mut self, request: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        if self.secret.scheme() == SecurityScheme::Sec0 {
            return Ok(Zeroizing::new(request.to_vec()));
        }
        let State::Agreed(cipher) = &mut self.state else {
            return Err(refuse("no session with agreed keys"));
        };
        let message = cipher.open(request)?;
        // The firmware's decrypt allocates a buffer of no bytes, and takes the null pointer for a lack
        // of memory.
        if message.is_empty() {
            return Err(refuse("an empty message"));
        }
        Ok(message)
    }

    /// Seals a reply.
    pub(super) fn seal(&mut self, reply: &[u8]) -> Result<Vec<u8>, Refusal> {
        match &mut self.state {
            State::Agreed(cipher) => Ok(cipher.seal(reply)?),
            // Security 0, as above.
            State::None | State::Awaiting { .. } => Ok(reply.to_vec()),
        }
    }
}

/// Logs a short public key in the first message of Security 2. Returns its user name.
fn log_client_key(log: &mut Log, message: &SessionData) -> Option<String> {
    let Some(Proto::Sec2(payload)) = &message.proto else {
        return None;
    };
    let Payload::Sc0(command) = payload.payload.as_ref()? else {
        return None;
    };
    let bytes = command.client_pubkey.len();
    if bytes < SEC2_PUBLIC_KEY {
        log.write(&DeviceEvent::ShortA { bytes });
    }
    Some(String::from_utf8_lossy(&command.client_username).into_owned())
}

/// Whether firmware raises an event for this error that RainMaker's application counts:
/// `CREDENTIALS_MISMATCH` and `INVALID_SECURITY_PARAMS`.
fn is_strike(error: &SecurityError) -> bool {
    matches!(
        error,
        SecurityError::CredentialsMismatch { .. }
            | SecurityError::PeerMisbehaved {
                how: Misbehaviour::WrongLength { .. } | Misbehaviour::EmptyUsername,
                ..
            }
    )
}

/// Bytes of the public key A in Security 2, with leading zeros.
const SEC2_PUBLIC_KEY: usize = 384;
