//! One emulated device: [`Device::handle`] corresponds to firmware's `protocomm_req_handle`. A listener
//! passes requests to it, and shows refusals in its medium's way.
//!
//! [`Firmware`] selects the generation; a RainMaker application's lock-out is added to each. The device
//! never waits: a wait is a number in the [`Reply`], and the end of the service a moment
//! ([`Device::stops_at`]).

mod advertisement;
mod endpoint;
mod firmware;
mod keys;
mod manager;
mod node;
mod node_key;
mod offering;
mod outage;
mod reply;
mod scenario;
mod settings;
mod version;
mod wifi_config;
mod wifi_ctrl;
mod wifi_scan;
mod world;
mod wrong_type_reply;

use std::sync::Arc;
use std::time::Duration;

use rand_core::CryptoRng;
use tokio::time::Instant;

use self::endpoint::{Endpoint, list_endpoints};
use self::keys::SessionKeys;
use self::manager::{Manager, ManagerEvent, later};
use self::node::NodeState;
use self::reply::refuse;
use self::wrong_type_reply::wrong_type_reply;
use super::flash::{Flash, StoredConfig};
use super::log::{DeviceEvent, Log, ProvEvent};
use super::node_cloud::{Message, Uplink};
use crate::proto::EndpointName;

pub use advertisement::Advertisement;
pub use firmware::{Firmware, Rules};
pub use node::{NodeSettings, node_config};
pub use node_key::{KeyKind, NodeKey, NodeKeyError};
pub use offering::{Association, Offering};
pub use outage::{Outage, StopReason};
pub use reply::{Refusal, Reply};
pub use scenario::Scenario;
pub use settings::DeviceSettings;
pub use world::{AccessPoint, TimeScale, World};

/// An emulated device.
#[derive(derive_more::Debug)]
pub struct Device {
    pub(super) settings: Arc<DeviceSettings>,
    version: String,
    endpoints: Vec<(EndpointName, Endpoint)>,
    #[debug(skip)]
    rng: Box<dyn CryptoRng + Send>,
    log: Log,
    session: Option<u32>,
    keys: SessionKeys,
    manager: Manager,
    /// What a RainMaker application adds.
    node: Option<NodeState>,
    flash: Flash,
    /// When it started with credentials.
    provisioned_before: Option<Instant>,
}

impl Device {
    /// Creates a device. `rng` generates its keys and session numbers.
    pub fn new(settings: DeviceSettings, rng: impl CryptoRng + Send + 'static) -> Self {
        let settings = Arc::new(settings);
        // The lock-out belongs to the application's provisioning.
        let max_strikes = match settings.offering {
            Offering::Provisioning => settings.max_strikes,
            Offering::Standalone | Offering::LocalControl => 0,
        };
        let node = settings.node.clone();
        Self {
            version: version::write_document(&settings),
            endpoints: list_endpoints(&settings),
            keys: SessionKeys::new(settings.secret.clone(), max_strikes),
            rng: Box::new(rng),
            log: Log::default(),
            session: None,
            manager: Manager::new(Arc::clone(&settings)),
            node: node.map(|node| NodeState::new(node, &settings.scenarios)),
            flash: Flash::default(),
            provisioned_before: None,
            settings,
        }
    }

    /// Stores its credentials there.
    #[must_use]
    pub fn with_flash(mut self, flash: Flash) -> Self {
        self.flash = flash;
        self
    }

    /// Logs there.
    #[must_use]
    pub fn with_log(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    /// The log, for events that only the medium sees.
    pub fn log(&mut self) -> &mut Log {
        &mut self.log
    }

    /// Whether an endpoint of this name is registered.
    pub fn has_endpoint(&self, name: &str) -> bool {
        self.find_endpoint(name).is_some()
    }

    fn find_endpoint(&self, name: &str) -> Option<Endpoint> {
        let mut endpoints = self.endpoints.iter();
        let found = endpoints.find(|(known, _)| known.as_str() == name)?;
        Some(found.1)
    }

    /// The endpoints that have a characteristic over Bluetooth, with or without a handler, in order.
    pub fn created_endpoints(&self) -> Vec<String> {
        let names = self.endpoints.iter().map(|(name, _)| name.as_str());
        let node = self.settings.node.as_ref();
        // Without a handler.
        let claim = node
            .is_some_and(|node| !node.is_claimed)
            .then_some("rmaker_claim");
        names.chain(claim).map(str::to_owned).collect()
    }

    /// Starts an uplink to its cloud. Without a cloud, all messages are lost.
    pub(super) fn start_uplink(&self) -> Uplink {
        let node = self.settings.node.as_ref();
        let cloud = node.and_then(|node| Some((node.cloud.clone()?, node.id.clone())));
        Uplink::start(cloud, self.settings.time_scale)
    }

    /// Takes the messages to its cloud.
    pub(super) fn take_outgoing(&mut self) -> Vec<Message> {
        let outgoing = self.node.as_mut().map(|node| &mut node.outgoing);
        outgoing.map(std::mem::take).unwrap_or_default()
    }

    /// Starts as the application does after a power cycle: the service starts, unless there are
    /// credentials. On a network, the device reports that to its cloud.
    pub(super) fn start(&mut self, now: Instant) {
        self.log.begin_service();
        if self.settings.offering.is_on_network() {
            if let Some(node) = &mut self.node {
                node.go_online();
            }
            return;
        }
        self.log.write_prov_event(ProvEvent::Init);
        if self.flash.is_provisioned() && !self.settings.always_provisions {
            self.provisioned_before = Some(now);
        } else {
            self.log.write_prov_event(ProvEvent::Start);
        }
    }

    /// Logs that the service has ended, and the component with it.
    pub(super) fn end(&mut self) {
        if !self.settings.offering.is_on_network() {
            if self.provisioned_before.is_none() {
                self.log.write_prov_event(ProvEvent::End);
            }
            self.log.write_prov_event(ProvEvent::Deinit);
        }
    }

    /// When the next event without a request is due.
    pub(super) fn next_event_at(&self) -> Option<Instant> {
        self.manager.next_event_at()
    }

    /// Whether a client has disabled challenge-response, which ends its announcement.
    pub(super) fn has_challenges_disabled(&self) -> bool {
        let node = self.node.as_ref();
        node.is_some_and(|node| node.disabled_at.is_some())
    }

    /// When clients cannot reach it, as far as that is decided.
    pub fn outage(&self) -> Option<Outage> {
        self.manager.outage()
    }

    /// Whether this is the current transport session.
    pub(super) fn has_session(&self, id: u32) -> bool {
        self.session == Some(id)
    }

    /// Draws the number of a transport session, as `esp_random()` does.
    pub fn draw_session_id(&mut self) -> u32 {
        // The highest one means "none" (`PROTOCOMM_NO_SESSION_ID`).
        self.rng.next_u32().min(u32::MAX - 1)
    }

    /// Begins a transport session. There is one at a time, so this ends another one's keys.
    pub fn open_session(&mut self, id: u32) {
        if self.session != Some(id) {
            self.session = Some(id);
            self.keys.discard();
            self.log.write(&DeviceEvent::SessionOpened { session: id });
        }
    }

    /// Ends a transport session, if it is the current one.
    pub fn close_session(&mut self, id: u32) {
        if self.session == Some(id) {
            self.session = None;
            self.keys.discard();
        }
    }

    /// When the service ends, as far as that is decided.
    pub fn stops_at(&self) -> Option<Instant> {
        self.planned_stop().map(|(at, _)| at)
    }

    /// Why the service has ended by `now`, if it has.
    pub fn stopped(&mut self, now: Instant) -> Option<StopReason> {
        self.log_events(now);
        self.planned_stop()
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
        self.handle_with_fault(session_id, endpoint, request, false)
    }

    /// Handles a request. The answer can be one to another type of request.
    pub(super) fn handle_with_fault(
        &mut self,
        session_id: u32,
        endpoint: &str,
        request: &[u8],
        is_wrong_type: bool,
    ) -> Result<Reply, Refusal> {
        let now = Instant::now();
        self.log_events(now);
        self.open_session(session_id);
        self.log.write(&DeviceEvent::Request {
            session: session_id,
            endpoint: endpoint.to_owned(),
            bytes: request.len(),
        });
        let answer = self.dispatch(now, endpoint, request, is_wrong_type);
        self.log.write(&match &answer {
            Ok(reply) => DeviceEvent::Answered {
                endpoint: endpoint.to_owned(),
                bytes: reply.bytes.len(),
            },
            Err(refusal) => DeviceEvent::Refused {
                endpoint: endpoint.to_owned(),
                why: refusal.to_string(),
            },
        });
        if answer == Err(Refusal::Crashed) {
            self.log.write(&DeviceEvent::Crashed);
            self.restart(now);
        }
        answer
    }

    /// Restarts after a loss of power.
    pub(super) fn power_cycle(&mut self, now: Instant) {
        self.log.write(&DeviceEvent::Restarted);
        self.restart(now);
    }

    fn restart(&mut self, now: Instant) {
        self.session = None;
        self.keys.restart();
        self.manager.restart();
        if let Some(node) = &mut self.node {
            node.restart();
        }
        self.start(now);
    }

    fn dispatch(
        &mut self,
        now: Instant,
        endpoint: &str,
        request: &[u8],
        is_wrong_type: bool,
    ) -> Result<Reply, Refusal> {
        let endpoint = self.find_endpoint(endpoint);
        let endpoint = endpoint.ok_or(Refusal::NoSuchEndpoint)?;
        if self.stopped(now).is_some() {
            return Err(refuse("the service has ended"));
        }
        let is_sealed = !matches!(endpoint, Endpoint::Session | Endpoint::Version);
        let opened;
        let request = if is_sealed {
            opened = self.keys.open(request)?;
            opened.as_slice()
        } else {
            request
        };
        let mut after = Duration::ZERO;
        let node = self.node.as_mut().ok_or(Refusal::NoSuchEndpoint);
        let log = &mut self.log;
        let mut bytes = match endpoint {
            Endpoint::Session => self
                .keys
                .handle_handshake(log, &mut *self.rng, now, request)?,
            Endpoint::Version => self.version.clone().into_bytes(),
            Endpoint::Config => self.handle_config(now, request)?,
            Endpoint::Control => self.handle_control(now, request)?,
            Endpoint::Scan => {
                let reply;
                (reply, after) = self.handle_scan(now, request)?;
                reply
            }
            Endpoint::ChallengeResponse => node?.handle_challenge(log, now, request)?,
            Endpoint::UserMapping => node?.handle_user_mapping(log, request)?,
        };
        if is_wrong_type {
            bytes = wrong_type_reply(endpoint, &bytes);
        }
        // A handler that fails returns before this: the request has advanced the keys, and no reply
        // advances them further.
        if is_sealed {
            bytes = self.keys.seal(&bytes)?;
        }
        Ok(Reply { bytes, after })
    }

    /// Writes to its flash memory. An error does not affect the device.
    fn store_credentials(&mut self, config: Option<StoredConfig>) {
        if let Err(error) = self.flash.store(config) {
            let why = error.to_string();
            self.log.write(&DeviceEvent::StateLost { why });
        }
    }

    fn planned_stop(&self) -> Option<(Instant, StopReason)> {
        if self.settings.offering.is_on_network() {
            let disabled_at = self.node.as_ref()?.disabled_at?;
            let wait = self.settings.offering.stop_delay()?;
            let wait = self.settings.time_scale.of(wait);
            return Some((later(disabled_at, wait), StopReason::ChallengesDisabled));
        }
        if let Some(at) = self.provisioned_before {
            return Some((at, StopReason::AlreadyProvisioned));
        }
        match self.keys.locked_at {
            Some(at) => Some((at, StopReason::Locked)),
            None => self.manager.stops_at(),
        }
    }

    /// Logs the joining events that happened without a request, with their times.
    fn log_events(&mut self, now: Instant) {
        for (at, event) in self.manager.take_events(now) {
            match event {
                ManagerEvent::Joined(ssid) => {
                    let ssid = String::from_utf8_lossy(&ssid).into_owned();
                    let (name, reason) = (ProvEvent::CredSuccess, None);
                    self.log.write_at(at, &DeviceEvent::WifiJoined { ssid });
                    let event = DeviceEvent::ProvEvent { name, reason };
                    self.log.write_at(at, &event);
                    if let Some(node) = &mut self.node {
                        node.go_online();
                    }
                }
                ManagerEvent::Failed(reason) => {
                    let (name, reason) = (ProvEvent::CredFail, Some(reason.into()));
                    let event = DeviceEvent::ProvEvent { name, reason };
                    self.log.write_at(at, &event);
                }
                ManagerEvent::ApplicationReset => {
                    self.log.write_at(at, &DeviceEvent::ApplicationReset);
                    self.store_credentials(None);
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
