//! The device's side of the link: a GATT server for a [`Device`], with the sizes, the errors and the behavior
//! of its Bluetooth stack (`protocomm_nimble.c`, `protocomm_ble.c`).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::layout::Attribute;
use super::link::{Access, BleLink, FromDevice, Operation, Report, Reports, ToDevice};
use super::stack::{
    INSUFFICIENT_ENCRYPTION, INVALID_HANDLE, INVALID_LENGTH, INVALID_OFFSET, MAX_ATTRIBUTE,
    READ_NOT_PERMITTED, StackRules, UNLIKELY, WRITE_NOT_PERMITTED,
};
use super::trouble::LinkTrouble;
use crate::emulator::device::{Device, Refusal, Reply, StopReason};
use crate::emulator::fault::FaultKind;
use crate::emulator::server::{DeviceServer, Listener};

/// A device in range of the adapter, before it is served.
#[derive(Debug)]
pub struct Peripheral {
    pub(super) number: usize,
    pub(super) endpoints: Vec<String>,
    pub(super) rules: StackRules,
    pub(super) max_value: usize,
    pub(super) operation_wait: Duration,
    pub(super) troubles: Vec<LinkTrouble>,
    pub(super) inbox: mpsc::UnboundedReceiver<ToDevice>,
    pub(super) reports: Reports,
}

impl Peripheral {
    /// Serves `device` until its service ends, and stops advertising. Dropping the future also ends it.
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
    link: Option<BleLink>,
    is_advertised: bool,
    /// The last reply of each endpoint, which a read returns.
    values: BTreeMap<usize, Vec<u8>>,
    /// The endpoint whose next read ends the link, because of a fault.
    lost_at_read: Option<usize>,
    /// When the device answered a write whose reply was not read.
    unread_since: Option<Instant>,
}

/// How an operation fails.
enum OperationError {
    /// With an ATT error.
    Att(u8),
    /// With an ATT error, after which the device ends the link.
    AttAndClose(u8, String),
    /// The link is lost before the answer.
    Lost(String),
    /// Without an answer.
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
                // The host knows that a link ends advertising.
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
            ToDevice::Log(entry) => server.log().write(&entry),
            // Without a link, the operation is too late, and the host knows that.
            ToDevice::Operate(_) if self.link.is_none() => {}
            ToDevice::Operate(operation) => self.operate(server, operation).await,
        }
        Ok(())
    }

    /// Ends the link, and reports that to the host.
    fn disconnect(&mut self, server: &mut DeviceServer, why: &str) {
        if let Some(BleLink { connection, .. }) = self.link {
            self.end_link(server, why);
            self.report(FromDevice::LinkLost { connection });
        }
    }

    /// With any time scale, a client can read its answer during the clean-up time of a real device.
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
    /// Ends the link, with its session and all replies.
    fn end_link(&mut self, server: &mut DeviceServer, why: &str) {
        if self.link.take().is_some() {
            server.log().close_connection(why);
            server.device.close_session(HANDLE);
            self.values.clear();
            self.lost_at_read = None;
            self.unread_since = None;
        }
    }

    fn report(&self, event: FromDevice) {
        let device = self.peripheral.number;
        // The host may have ended.
        let _sent = self.peripheral.reports.send(Report { device, event });
    }

    async fn operate(&mut self, server: &mut DeviceServer, operation: Operation) {
        let attribute = &operation.attribute;
        let outcome = match operation.access {
            Access::Read { offset } => self.read(attribute, offset).await,
            Access::Write { value } => self.write(server, attribute, &value).await,
        };
        let (answer, closes) = match outcome {
            Ok(value) => (Some(Ok(value)), None),
            Err(OperationError::Att(code)) => (Some(Err(code)), None),
            Err(OperationError::AttAndClose(code, why)) => (Some(Err(code)), Some(why)),
            Err(OperationError::Lost(why)) => (None, Some(why)),
            Err(OperationError::Silence) => (None, None),
        };
        if let Some(outcome) = answer {
            self.report(FromDevice::Answered(operation.id, outcome));
        }
        if let Some(why) = closes {
            self.disconnect(server, &why);
        }
    }

    async fn read(
        &mut self,
        attribute: &Attribute,
        offset: usize,
    ) -> Result<Vec<u8>, OperationError> {
        let value = self.value(attribute).and_then(|value| {
            let rest = value.get(offset..).map(<[u8]>::to_vec);
            rest.ok_or(OperationError::Att(INVALID_OFFSET))
        });
        if !matches!(value, Err(OperationError::Lost(_))) {
            self.wait_for_packets(value.as_ref().map_or(0, Vec::len), 1)
                .await;
        }
        value
    }

    fn value(&mut self, attribute: &Attribute) -> Result<Vec<u8>, OperationError> {
        match attribute {
            Attribute::Constant(value) => Ok(value.to_vec()),
            Attribute::Name(index) => {
                let name = self.peripheral.endpoints.get(*index);
                let name = name.ok_or(OperationError::Att(INVALID_HANDLE))?;
                Ok(name.clone().into_bytes())
            }
            Attribute::Endpoint(_) if !self.is_access_allowed() => {
                Err(OperationError::Att(INSUFFICIENT_ENCRYPTION))
            }
            Attribute::Endpoint(index) if self.lost_at_read == Some(*index) => {
                Err(OperationError::Lost("at the read of an answer".to_owned()))
            }
            Attribute::Endpoint(index) => {
                self.unread_since = None;
                Ok(self.values.get(index).cloned().unwrap_or_default())
            }
            Attribute::Indication => Err(OperationError::Att(READ_NOT_PERMITTED)),
            Attribute::Gone => Err(OperationError::Att(INVALID_HANDLE)),
        }
    }

    /// Writes a request, which runs the handler.
    async fn write(
        &mut self,
        server: &mut DeviceServer,
        attribute: &Attribute,
        value: &[u8],
    ) -> Result<Vec<u8>, OperationError> {
        let endpoints = &self.peripheral.endpoints;
        let endpoint = match attribute {
            Attribute::Endpoint(index) => endpoints.get(*index).map(|name| (*index, name.clone())),
            _ => None,
        };
        let Some((index, endpoint)) = endpoint else {
            self.wait_for_packets(0, 1).await;
            return Err(OperationError::Att(match attribute {
                Attribute::Endpoint(_) | Attribute::Gone => INVALID_HANDLE,
                _ => WRITE_NOT_PERMITTED,
            }));
        };
        self.wait_for_packets(value.len(), 3).await;
        if !self.is_access_allowed() {
            server.log_refusal(&endpoint, "the link is not encrypted");
            return Err(OperationError::Att(INSUFFICIENT_ENCRYPTION));
        }
        let fault = server
            .count_request(&endpoint)
            .map_err(|fault| match fault {
                FaultKind::Att(code) => OperationError::Att(code),
                FaultKind::Drop => OperationError::Silence,
                FaultKind::NotFound => self.refuse(server, &Refusal::NoSuchEndpoint),
                _ => OperationError::Lost("before the request was handled".to_owned()),
            })?;
        self.check_length(server, &endpoint, "", value.len())?;
        let Reply { mut bytes, after } = server
            .exchange(fault, HANDLE, &endpoint, value)
            .map_err(|refusal| self.refuse(server, &refusal))?;
        sleep(after).await;
        let length = server.previous.len();
        self.check_length(server, &endpoint, "an answer of ", length)?;
        bytes.truncate(MAX_ATTRIBUTE);
        self.values.insert(index, bytes);
        self.unread_since = Some(Instant::now());
        match fault {
            Some(FaultKind::Mute) => return Err(OperationError::Silence),
            Some(FaultKind::Cut) => self.lost_at_read = Some(index),
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
    ) -> Result<(), OperationError> {
        if length <= self.peripheral.max_value {
            return Ok(());
        }
        let why = format!("{what}{length} bytes, longer than its stack supports");
        server.log_refusal(endpoint, &why);
        Err(OperationError::Att(INVALID_LENGTH))
    }

    /// The error of a refusal in this stack. The previous reply stays readable.
    fn refuse(&self, server: &DeviceServer, refusal: &Refusal) -> OperationError {
        let why = format!("refused: {refusal}");
        let rules = self.peripheral.rules;
        match refusal {
            // The device crashed, and lost the link.
            _ if !server.device.has_session(HANDLE) => OperationError::Lost(why),
            _ if rules.closes_after_failure => OperationError::AttAndClose(rules.failure, why),
            Refusal::NoSuchEndpoint => OperationError::Att(UNLIKELY),
            _ => OperationError::Att(rules.failure),
        }
    }

    fn is_access_allowed(&self) -> bool {
        let mut troubles = self.peripheral.troubles.iter();
        !troubles.any(|trouble| trouble.requires_encryption())
            || self.link.is_some_and(|link| link.is_encrypted)
    }

    /// Waits for the packets of a value, of which each has the MTU without the overhead.
    async fn wait_for_packets(&self, bytes: usize, overhead: u16) {
        let room = usize::from(self.peripheral.rules.mtu.saturating_sub(overhead));
        let packets = bytes.checked_div(room).unwrap_or(0).saturating_add(1);
        let packets = u32::try_from(packets).unwrap_or(u32::MAX);
        sleep(self.peripheral.operation_wait.saturating_mul(packets)).await;
    }
}

/// The handle of the one connection, which is also the number of its session.
const HANDLE: u32 = 1;
/// `cleanup_delay` of a real device.
const CLEANUP: Duration = Duration::from_secs(1);
/// The address of the emulated adapter.
pub(super) const CENTRAL: &str = "00:AA:01:00:00:23";
