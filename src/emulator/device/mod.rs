//! One emulated device: [`Device::handle`] is the twin of firmware's `protocomm_req_handle`.
//! Not a medium: whoever listens brings requests here and shows refusals in the medium's way.
//!
//! The firmware it plays is `network_provisioning` 1.2.4 on today's protocomm, with a RainMaker
//! application's lock-out. Time is asked for and never waited for: a wait is a number in the
//! [`Reply`], and the end of the service a moment ([`Device::stops_at`]).

mod keys;
mod manager;
mod version;
mod wifi_config;
mod wifi_ctrl;
mod wifi_scan;
mod world;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use rand_core::CryptoRng;
use thiserror::Error;
use tokio::time::Instant;

use self::keys::Keys;
use self::manager::Manager;
use super::log::{Entry, Log};
use crate::proto::{EndpointName, Service};
use crate::security::DeviceSecret;

pub use world::{AUTH_NAMES, AccessPoint, NoTimeScale, TimeScale, World, WorldError};

/// What a device is made with.
#[derive(Clone, Debug)]
pub struct DeviceSettings {
    /// Its security scheme, and what opens it.
    pub secret: DeviceSecret,
    /// What surrounds it.
    pub world: World,
    /// Names that the version document lists for the application, such as `ch_resp` or `claim`.
    pub capabilities: Vec<String>,
    /// Whether the service ends once the device is provisioned. Applications can turn that off.
    pub auto_stop: bool,
    /// How many failed handshakes lock it. 0: none do.
    pub max_strikes: u32,
    /// How fast its time runs.
    pub time_scale: TimeScale,
}

impl DeviceSettings {
    /// As the examples of the firmware have it, in [`World::neighbourhood`].
    pub fn new(secret: DeviceSecret) -> Self {
        Self {
            secret,
            world: World::neighbourhood(),
            capabilities: Vec::new(),
            auto_stop: true,
            max_strikes: 5,
            time_scale: TimeScale::REAL,
        }
    }
}

/// What a device answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer, sealed where the endpoint is.
    pub bytes: Vec<u8>,
    /// How long the device is busy before the answer leaves. It does nothing else meanwhile.
    pub after: Duration,
}

/// That a request is not answered. Each medium has its own way to show it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No endpoint has this name.
    #[error("no such endpoint")]
    NoSuchEndpoint,
    /// The security scheme or the endpoint's handler failed.
    #[error("{why}")]
    Failed {
        /// For the log: a client is not told.
        why: Cow<'static, str>,
    },
}

/// Why a device no longer offers its service.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StopReason {
    /// Too many failed handshakes: not until it restarts.
    #[error("locked after too many failed handshakes")]
    Locked,
    /// It joined its network, and nobody asked how that went.
    #[error("provisioned, and nobody asked")]
    NobodyAsked,
    /// A client was told that it joined its network.
    #[error("provisioned")]
    Provisioned,
}

/// A device that is not there.
pub struct Device {
    version: String,
    time_scale: TimeScale,
    rng: Box<dyn CryptoRng + Send>,
    log: Log,
    session: Option<u32>,
    keys: Keys,
    manager: Manager,
}

/// The endpoints that this firmware registers.
#[derive(Clone, Copy)]
enum Endpoint {
    Config,
    Control,
    Scan,
    Session,
    Version,
}

impl Endpoint {
    fn named(name: &str) -> Option<Self> {
        [
            (EndpointName::PROV_CONFIG, Self::Config),
            (EndpointName::PROV_CTRL, Self::Control),
            (EndpointName::PROV_SCAN, Self::Scan),
            (Service::Provisioning.session_endpoint(), Self::Session),
            (Service::Provisioning.version_endpoint(), Self::Version),
        ]
        .into_iter()
        .find(|(known, _)| known.as_str() == name)
        .map(|(_, endpoint)| endpoint)
    }
}

/// What an endpoint's handler answers, before it is sealed.
struct Handled {
    bytes: Vec<u8>,
    after: Duration,
}

impl Device {
    /// A device that has just started. `rng` makes its keys and session numbers.
    pub fn new(settings: DeviceSettings, rng: impl CryptoRng + Send + 'static) -> Self {
        let DeviceSettings {
            secret,
            world,
            capabilities,
            auto_stop,
            max_strikes,
            time_scale,
        } = settings;
        Self {
            version: version::document(&secret, &capabilities),
            keys: Keys::new(secret, max_strikes),
            time_scale,
            rng: Box::new(rng),
            log: Log::new(),
            session: None,
            manager: Manager::new(world, time_scale, auto_stop),
        }
    }

    /// Has it take down what it is told.
    #[must_use]
    pub fn with_log(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    /// For what only the medium sees.
    pub fn log(&mut self) -> &mut Log {
        &mut self.log
    }

    /// How fast its time runs, for the waits of the medium.
    pub fn time_scale(&self) -> TimeScale {
        self.time_scale
    }

    /// Whether an endpoint of this name is registered.
    pub fn has_endpoint(&self, name: &str) -> bool {
        Endpoint::named(name).is_some()
    }

    /// A number for a transport session, as `esp_random()` draws it.
    pub fn draw_session_id(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.rng.fill_bytes(&mut bytes);
        // The highest one means "none" (`PROTOCOMM_NO_SESSION_ID`).
        u32::from_le_bytes(bytes).min(u32::MAX - 1)
    }

    /// Begins a transport session. There is one at a time: the keys of another are gone.
    pub fn open_session(&mut self, id: u32) {
        if self.session != Some(id) {
            self.session = Some(id);
            self.keys.forget();
            self.log.write(&Entry::SessionOpened { session: id });
        }
    }

    /// Ends a transport session, if it is the current one.
    pub fn close_session(&mut self, id: u32) {
        if self.session == Some(id) {
            self.session = None;
            self.keys.forget();
        }
    }

    /// When the service ends, as far as that is settled by now.
    pub fn stops_at(&self) -> Option<Instant> {
        self.stop().map(|(at, _)| at)
    }

    /// Why the service has ended by `now`, if it has.
    pub fn stopped(&mut self, now: Instant) -> Option<StopReason> {
        self.note_joining(now);
        self.stop()
            .filter(|(at, _)| *at <= now)
            .map(|(_, reason)| reason)
    }

    /// Handles one request to one endpoint, as `protocomm_req_handle` does: handshake and version
    /// in the clear, everything else under the session's keys.
    pub fn handle(
        &mut self,
        session_id: u32,
        endpoint: &str,
        request: &[u8],
    ) -> Result<Reply, Refusal> {
        let now = Instant::now();
        self.note_joining(now);
        self.open_session(session_id);
        self.log.write(&Entry::Request {
            session: session_id,
            endpoint: endpoint.to_owned(),
            bytes: request.len(),
        });
        let answer = self.dispatch(now, endpoint, request);
        self.log.write(&match &answer {
            Ok(reply) => Entry::Answered {
                endpoint: endpoint.to_owned(),
                bytes: reply.bytes.len(),
            },
            Err(refusal) => Entry::Refused {
                endpoint: endpoint.to_owned(),
                why: refusal.to_string(),
            },
        });
        answer
    }

    fn dispatch(&mut self, now: Instant, endpoint: &str, request: &[u8]) -> Result<Reply, Refusal> {
        let endpoint = Endpoint::named(endpoint).ok_or(Refusal::NoSuchEndpoint)?;
        if self.stopped(now).is_some() {
            return Err(refuse("the service has ended"));
        }
        let handled = match endpoint {
            Endpoint::Session => {
                let (keys, log) = (&mut self.keys, &mut self.log);
                let bytes = keys.shake_hands(log, &mut *self.rng, now, request)?;
                return Ok(at_once(bytes));
            }
            Endpoint::Version => return Ok(at_once(self.version.clone().into_bytes())),
            Endpoint::Config => {
                let request = self.keys.open(request)?;
                wifi_config::handle(&mut self.manager, &mut self.log, now, &request)?
            }
            Endpoint::Control => {
                let request = self.keys.open(request)?;
                wifi_ctrl::handle(&mut self.manager, &mut self.log, now, &request)?
            }
            Endpoint::Scan => {
                let request = self.keys.open(request)?;
                wifi_scan::handle(&mut self.manager, now, &request)?
            }
        };
        // A handler that fails leaves here without this: the request has moved the keys on, and
        // there is no reply to move them further.
        Ok(Reply {
            bytes: self.keys.seal(&handled.bytes)?,
            after: handled.after,
        })
    }

    fn stop(&self) -> Option<(Instant, StopReason)> {
        match self.keys.locked() {
            Some(at) => Some((at, StopReason::Locked)),
            None => self.manager.stops_at(),
        }
    }

    /// Joining happens while nobody asks; it is taken down with the time at which it happened.
    fn note_joining(&mut self, now: Instant) {
        if let Some((at, ssid)) = self.manager.newly_joined(now) {
            let ssid = String::from_utf8_lossy(&ssid).into_owned();
            self.log.write_at(at, &Entry::WifiJoined { ssid });
        }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("session", &self.session)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

fn at_once(bytes: Vec<u8>) -> Reply {
    Reply {
        bytes,
        after: Duration::ZERO,
    }
}

fn refuse(why: &'static str) -> Refusal {
    Refusal::Failed {
        why: Cow::Borrowed(why),
    }
}

#[cfg(test)]
pub(crate) mod tests;
