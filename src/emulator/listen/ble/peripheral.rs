//! The device's side of the link: a GATT server in front of a [`Device`], with the sizes, the errors
//! and the behavior of its Bluetooth stack (`protocomm_nimble.c`, `protocomm_ble.c`). What a client
//! sees of it is the host's part.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::layout::Attribute;
use super::link::{Access, FromDevice, Link, Operation, Report, Reports, ToDevice};
use super::stack::{
    INSUFFICIENT_ENCRYPTION, INVALID_HANDLE, INVALID_LENGTH, INVALID_OFFSET, LONGEST_VALUE,
    READ_NOT_PERMITTED, StackRules, UNLIKELY, WRITE_NOT_PERMITTED,
};
use super::trouble::LinkTrouble;
use crate::emulator::device::{Device, Refusal, Reply, StopReason};
use crate::emulator::fault::FaultKind;
use crate::emulator::server::{DeviceServer, Listener};

/// A device in reach of the adapter, not served yet.
#[derive(Debug)]
pub struct Peripheral {
    pub(super) number: usize,
    pub(super) endpoints: Vec<String>,
    pub(super) rules: StackRules,
    pub(super) longest_value: usize,
    pub(super) operation_wait: Duration,
    pub(super) troubles: Vec<LinkTrouble>,
    pub(super) inbox: mpsc::UnboundedReceiver<ToDevice>,
    pub(super) reports: Reports,
}

impl Peripheral {
    /// Serves `device` until its service ends; then the adapter does not see it any more. Dropping
    /// the future ends it as well.
    pub async fn serve(self, device: Device) -> StopReason {
        let gatt = GattServer {
            peripheral: self,
            link: None,
            is_advertised: false,
            values: BTreeMap::new(),
            lost_at_read: None,
            unread_since: None,
        };
        DeviceServer::run(device, gatt).await
    }
}

struct GattServer {
    peripheral: Peripheral,
    link: Option<Link>,
    is_advertised: bool,
    /// The last reply of each endpoint, which a read returns.
    values: BTreeMap<usize, Vec<u8>>,
    /// The endpoint whose next read ends the link, by a fault.
    lost_at_read: Option<usize>,
    /// When a write was answered whose reply was not read yet.
    unread_since: Option<Instant>,
}

/// How an operation fails.
enum Failed {
    /// With an error of ATT.
    Att(u8),
    /// With an error of ATT, and then the device ends the link.
    AttAndClose(u8, String),
    /// The link is lost before there is an answer.
    Lost(String),
    /// Without any answer.
    Silence,
}

impl Listener for GattServer {
    type Event = ToDevice;

    async fn run_due(&mut self, server: &mut DeviceServer) -> Result<Option<Instant>, StopReason> {
        let is_held = self.peripheral.troubles.contains(&LinkTrouble::Held);
        let is_advertised = self.link.is_none() && !server.is_unreachable && !is_held;
        if self.is_advertised != is_advertised {
            self.is_advertised = is_advertised;
            self.report(FromDevice::Advertising(is_advertised));
        }
        Ok(None)
    }

    async fn next_event(&mut self) -> ToDevice {
        match self.peripheral.inbox.recv().await {
            Some(message) => message,
            None => std::future::pending().await,
        }
    }

    async fn handle(
        &mut self,
        server: &mut DeviceServer,
        message: ToDevice,
    ) -> Result<(), StopReason> {
        match message {
            ToDevice::Connected(link) => {
                self.link = Some(link);
                // The host knows that a link ends it.
                self.is_advertised = false;
                if server.is_unreachable {
                    self.disconnect(server, "out of reach");
                } else {
                    server.log_connection(link.connection, CENTRAL.to_owned());
                    server.device.open_session(HANDLE);
                }
            }
            ToDevice::Disconnected(why) => self.end_link(server, why),
            ToDevice::Encrypted => {
                if let Some(link) = &mut self.link {
                    link.is_encrypted = true;
                }
            }
            ToDevice::Note(entry) => server.log().write(&entry),
            // Without a link, the operation came too late, and the host knows.
            ToDevice::Operate(_) if self.link.is_none() => {}
            ToDevice::Operate(operation) => self.operate(server, operation).await,
        }
        Ok(())
    }

    /// The link goes, and the host finds out.
    fn disconnect(&mut self, server: &mut DeviceServer, why: &str) {
        if let Some(Link { connection, .. }) = self.link {
            self.end_link(server, why);
            self.report(FromDevice::LinkLost { connection });
        }
    }

    /// However fast the device's time runs, a client has as long to read its answer as during the
    /// clean-up of a real device.
    fn lingers_until(&self, reason: StopReason) -> Option<Instant> {
        let cleans_up = matches!(
            reason,
            StopReason::Provisioned | StopReason::ResultNotRequested
        );
        let unread_since = self.unread_since.filter(|_| cleans_up)?;
        unread_since.checked_add(CLEANUP)
    }

    async fn end(&mut self, _: &mut DeviceServer, reason: StopReason) -> StopReason {
        self.report(FromDevice::Gone);
        reason
    }
}

impl GattServer {
    /// A link that ends takes the session and all replies with it.
    fn end_link(&mut self, server: &mut DeviceServer, why: &str) {
        if self.link.take().is_some() {
            server.log().close_connection(why);
            server.device.close_session(HANDLE);
            self.values.clear();
            self.lost_at_read = None;
            self.unread_since = None;
        }
    }

    fn report(&self, what: FromDevice) {
        let device = self.peripheral.number;
        // A host that has ended needs no reports.
        let _sent = self.peripheral.reports.send(Report { device, what });
    }

    async fn operate(&mut self, server: &mut DeviceServer, operation: Operation) {
        let attribute = &operation.attribute;
        let outcome = match operation.access {
            Access::Read { offset } => self.read(attribute, offset).await,
            Access::Write { value } => self.write(server, attribute, &value).await,
        };
        let (answer, closes) = match outcome {
            Ok(value) => (Some(Ok(value)), None),
            Err(Failed::Att(code)) => (Some(Err(code)), None),
            Err(Failed::AttAndClose(code, why)) => (Some(Err(code)), Some(why)),
            Err(Failed::Lost(why)) => (None, Some(why)),
            Err(Failed::Silence) => (None, None),
        };
        if let Some(outcome) = answer {
            self.report(FromDevice::Answered(operation.id, outcome));
        }
        if let Some(why) = closes {
            self.disconnect(server, &why);
        }
    }

    async fn read(&mut self, attribute: &Attribute, offset: usize) -> Result<Vec<u8>, Failed> {
        let value = self.value(attribute).and_then(|value| {
            let rest = value.get(offset..).map(<[u8]>::to_vec);
            rest.ok_or(Failed::Att(INVALID_OFFSET))
        });
        if !matches!(value, Err(Failed::Lost(_))) {
            self.travel(value.as_ref().map_or(0, Vec::len), 1).await;
        }
        value
    }

    fn value(&mut self, attribute: &Attribute) -> Result<Vec<u8>, Failed> {
        match attribute {
            Attribute::Constant(value) => Ok(value.to_vec()),
            Attribute::Name(place) => {
                let name = self.peripheral.endpoints.get(*place);
                let name = name.ok_or(Failed::Att(INVALID_HANDLE))?;
                Ok(name.clone().into_bytes())
            }
            Attribute::Endpoint(_) if !self.may_access() => {
                Err(Failed::Att(INSUFFICIENT_ENCRYPTION))
            }
            Attribute::Endpoint(place) if self.lost_at_read == Some(*place) => {
                Err(Failed::Lost("at the reading of an answer".to_owned()))
            }
            Attribute::Endpoint(place) => {
                self.unread_since = None;
                Ok(self.values.get(place).cloned().unwrap_or_default())
            }
            Attribute::Indication => Err(Failed::Att(READ_NOT_PERMITTED)),
            Attribute::Gone => Err(Failed::Att(INVALID_HANDLE)),
        }
    }

    /// The handler runs within the write.
    async fn write(
        &mut self,
        server: &mut DeviceServer,
        attribute: &Attribute,
        value: &[u8],
    ) -> Result<Vec<u8>, Failed> {
        let endpoints = &self.peripheral.endpoints;
        let endpoint = match attribute {
            Attribute::Endpoint(place) => endpoints.get(*place).map(|name| (*place, name.clone())),
            _ => None,
        };
        let Some((place, endpoint)) = endpoint else {
            self.travel(0, 1).await;
            return Err(Failed::Att(match attribute {
                Attribute::Endpoint(_) | Attribute::Gone => INVALID_HANDLE,
                _ => WRITE_NOT_PERMITTED,
            }));
        };
        self.travel(value.len(), 3).await;
        if !self.may_access() {
            server.log_refusal(&endpoint, "the link is not encrypted");
            return Err(Failed::Att(INSUFFICIENT_ENCRYPTION));
        }
        let fault = server
            .count_request(&endpoint)
            .map_err(|fault| match fault {
                FaultKind::Att(code) => Failed::Att(code),
                FaultKind::Drop => Failed::Silence,
                FaultKind::NotFound => self.failed(server, &Refusal::NoSuchEndpoint),
                _ => Failed::Lost("before the request was handled".to_owned()),
            })?;
        self.check_length(server, &endpoint, "", value.len())?;
        let Reply { mut bytes, after } = server
            .exchange(fault, HANDLE, &endpoint, value)
            .map_err(|refusal| self.failed(server, &refusal))?;
        sleep(after).await;
        let length = server.previous.len();
        self.check_length(server, &endpoint, "an answer of ", length)?;
        bytes.truncate(LONGEST_VALUE);
        self.values.insert(place, bytes);
        self.unread_since = Some(Instant::now());
        match fault {
            Some(FaultKind::Mute) => return Err(Failed::Silence),
            Some(FaultKind::Cut) => self.lost_at_read = Some(place),
            _ => {}
        }
        Ok(Vec::new())
    }

    fn check_length(
        &self,
        server: &mut DeviceServer,
        endpoint: &str,
        what: &str,
        length: usize,
    ) -> Result<(), Failed> {
        if length <= self.peripheral.longest_value {
            return Ok(());
        }
        let why = format!("{what}{length} bytes, longer than its stack takes");
        server.log_refusal(endpoint, &why);
        Err(Failed::Att(INVALID_LENGTH))
    }

    /// What the stack makes of a refusal. The reply before it stays where it is.
    fn failed(&self, server: &DeviceServer, refusal: &Refusal) -> Failed {
        let why = format!("refused: {refusal}");
        let rules = self.peripheral.rules;
        match refusal {
            // The device crashed, and its radio with it.
            _ if !server.device.has_session(HANDLE) => Failed::Lost(why),
            _ if rules.closes_after_failure => Failed::AttAndClose(rules.failure, why),
            Refusal::NoSuchEndpoint => Failed::Att(UNLIKELY),
            _ => Failed::Att(rules.failure),
        }
    }

    fn may_access(&self) -> bool {
        let mut troubles = self.peripheral.troubles.iter();
        !troubles.any(|trouble| trouble.wants_encryption())
            || self.link.is_some_and(|link| link.is_encrypted)
    }

    /// As long as the packets of a value need, of which each holds that much less than the MTU.
    async fn travel(&self, bytes: usize, overhead: u16) {
        let room = usize::from(self.peripheral.rules.mtu.saturating_sub(overhead));
        let packets = bytes.checked_div(room).unwrap_or(0).saturating_add(1);
        let packets = u32::try_from(packets).unwrap_or(u32::MAX);
        sleep(self.peripheral.operation_wait.saturating_mul(packets)).await;
    }
}

/// The handle of the one connection, which is also the number of its session.
const HANDLE: u32 = 1;
/// `cleanup_delay`, of a device at real speed.
const CLEANUP: Duration = Duration::from_secs(1);
/// The address of the emulated adapter.
pub(super) const CENTRAL: &str = "00:AA:01:00:00:23";
