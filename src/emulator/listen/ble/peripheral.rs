//! The device's side of the link: a GATT server for a device, with the sizes, the errors and the behavior
//! of its Bluetooth stack (`protocomm_nimble.c`, `protocomm_ble.c`).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::layout::Attribute;
use super::link::{Access, FromDevice, Operation, Report, ToDevice};
use super::stack::{
    INTERNAL_ERROR, INVALID_LENGTH, INVALID_OFFSET, INVALID_PDU, MAX_ATTRIBUTE, READ_NOT_PERMITTED,
    Stack, UNLIKELY, WRITE_NOT_PERMITTED,
};
use crate::emulator::device::{Refusal, Reply, StopReason};
use crate::emulator::fault::FaultKind;
use crate::emulator::server::{DeviceServer, Listener};

/// A device in range of the adapter.
#[derive(Debug)]
pub(super) struct Peripheral {
    pub(super) number: usize,
    pub(super) stack: Stack,
    /// The maximum length of a request and of a reply.
    pub(super) max_value: usize,
    pub(super) operation_wait: Duration,
    pub(super) inbox: mpsc::UnboundedReceiver<ToDevice>,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    /// The number of the link.
    pub(super) link: Option<u64>,
    /// The last reply of each endpoint, which a read returns.
    pub(super) values: BTreeMap<String, Vec<u8>>,
    /// The endpoint whose next read ends the link, because of a fault.
    pub(super) lost_at_read: Option<String>,
    /// When the device answered a write whose reply was not read.
    pub(super) unread_since: Option<Instant>,
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

impl Listener for Peripheral {
    type Event = ToDevice;

    async fn next_event(&mut self) -> ToDevice {
        match self.inbox.recv().await {
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
                if server.is_unreachable {
                    self.disconnect(server, "out of reach");
                } else {
                    server.log_connection(link, CENTRAL.to_owned());
                    server.device.open_session(HANDLE);
                }
            }
            ToDevice::Disconnected(why) => self.end_link(server, why),
            ToDevice::Log(entry) => server.log().write(&entry),
            // Without a link, the operation is too late, and the host knows that.
            ToDevice::Operate(_) if self.link.is_none() => {}
            ToDevice::Operate(operation) => self.operate(server, operation).await,
        }
        Ok(())
    }

    /// Ends the link, and reports that to the host.
    fn disconnect(&mut self, server: &mut DeviceServer, why: &str) {
        if let Some(link) = self.link {
            self.end_link(server, why);
            self.report(FromDevice::LinkLost(link));
        }
    }

    async fn set_reachable(&mut self, is_reachable: bool) -> Result<(), StopReason> {
        self.report(FromDevice::Reachable(is_reachable));
        Ok(())
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

impl Peripheral {
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
        // The host may have ended.
        let _sent = self.reports.send((self.number, event));
    }

    async fn operate(&mut self, server: &mut DeviceServer, operation: Operation) {
        let attribute = &operation.attribute;
        let outcome = match &operation.access {
            Access::Read { offset } => self.read(attribute, *offset).await,
            Access::Write { value } => self.write(server, attribute, value).await,
        };
        let (answer, closes) = match outcome {
            Ok(value) => (Some(Ok(value)), None),
            Err(OperationError::Att(code)) => (Some(Err(code)), None),
            Err(OperationError::AttAndClose(code, why)) => (Some(Err(code)), Some(why)),
            Err(OperationError::Lost(why)) => (None, Some(why)),
            Err(OperationError::Silence) => (None, None),
        };
        if let Some(outcome) = answer {
            self.report(FromDevice::Answered(operation.id(), outcome));
        }
        if let Some(why) = closes {
            self.disconnect(server, &why);
        }
    }

    async fn read(&mut self, from: &Attribute, offset: usize) -> Result<Vec<u8>, OperationError> {
        if matches!(from, Attribute::Endpoint(name) if self.lost_at_read.as_ref() == Some(name)) {
            return Err(OperationError::Lost("at the read of an answer".to_owned()));
        }
        let value = self.value(from).and_then(|value| {
            let rest = value.get(offset..).map(<[u8]>::to_vec);
            rest.ok_or(INVALID_OFFSET)
        });
        let length = value.as_ref().map_or(0, Vec::len);
        self.wait_for_packets(length, 1).await;
        value.map_err(OperationError::Att)
    }

    /// The value of an attribute, or an ATT error.
    fn value(&mut self, attribute: &Attribute) -> Result<Vec<u8>, u8> {
        match attribute {
            Attribute::Constant(value) => Ok(value.to_vec()),
            Attribute::Name(name) => Ok(name.clone().into_bytes()),
            Attribute::Endpoint(name) => {
                self.unread_since = None;
                Ok(self.values.get(name).cloned().unwrap_or_default())
            }
            Attribute::Indication => Err(READ_NOT_PERMITTED),
        }
    }

    /// Writes a request, which runs the handler.
    async fn write(
        &mut self,
        server: &mut DeviceServer,
        attribute: &Attribute,
        value: &[u8],
    ) -> Result<Vec<u8>, OperationError> {
        let Attribute::Endpoint(endpoint) = attribute else {
            self.wait_for_packets(0, 1).await;
            return Err(OperationError::Att(WRITE_NOT_PERMITTED));
        };
        self.wait_for_packets(value.len(), 3).await;
        let fault = server
            .count_request(endpoint)
            .map_err(|fault| match fault {
                FaultKind::Att(code) => OperationError::Att(code),
                FaultKind::Drop => OperationError::Silence,
                FaultKind::NotFound => self.refuse(server, &Refusal::NoSuchEndpoint),
                _ => OperationError::Lost("before the request was handled".to_owned()),
            })?;
        self.check_length(server, endpoint, "", value.len())?;
        let Reply { mut bytes, after } = server
            .exchange(fault, HANDLE, endpoint, value)
            .map_err(|refusal| self.refuse(server, &refusal))?;
        sleep(after).await;
        let length = server.previous.len();
        self.check_length(server, endpoint, "an answer of ", length)?;
        bytes.truncate(MAX_ATTRIBUTE);
        self.values.insert(endpoint.clone(), bytes);
        self.unread_since = Some(Instant::now());
        match fault {
            Some(FaultKind::Mute) => return Err(OperationError::Silence),
            Some(FaultKind::Cut) => self.lost_at_read = Some(endpoint.clone()),
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
        if length <= self.max_value {
            return Ok(());
        }
        let why = format!("{what}{length} bytes, longer than its stack supports");
        server.log_refusal(endpoint, &why);
        Err(OperationError::Att(INVALID_LENGTH))
    }

    /// The error of a refusal in this stack. The previous reply stays readable.
    fn refuse(&self, server: &DeviceServer, refusal: &Refusal) -> OperationError {
        let why = format!("refused: {refusal}");
        match (self.stack, refusal) {
            // The device crashed, and lost the link.
            _ if !server.device.has_session(HANDLE) => OperationError::Lost(why),
            (Stack::Bluedroid, _) => OperationError::AttAndClose(INTERNAL_ERROR, why),
            (Stack::Nimble, Refusal::NoSuchEndpoint) => OperationError::Att(UNLIKELY),
            (Stack::Nimble, _) => OperationError::Att(INVALID_PDU),
        }
    }

    /// Waits for the packets of a value, of which each has the MTU without the overhead.
    async fn wait_for_packets(&self, bytes: usize, overhead: u16) {
        let room = usize::from(self.stack.mtu().saturating_sub(overhead));
        let packets = bytes.checked_div(room).unwrap_or(0).saturating_add(1);
        let packets = u32::try_from(packets).unwrap_or(u32::MAX);
        sleep(self.operation_wait.saturating_mul(packets)).await;
    }
}

/// The handle of the one connection, which is also the number of its session.
const HANDLE: u32 = 1;
/// `cleanup_delay` of a real device.
const CLEANUP: Duration = Duration::from_secs(1);
/// The address of the emulated adapter.
pub(super) const CENTRAL: &str = "00:AA:01:00:00:23";
