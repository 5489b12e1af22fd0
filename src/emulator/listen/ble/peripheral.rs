//! The device's side of the link: a GATT server before a [`Device`], with the sizes, the errors and
//! the temper of its Bluetooth stack (`protocomm_nimble.c`, `protocomm_ble.c`). Not what a client
//! sees of it, which is the host's.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::layout::Attribute;
use super::link::{Access, FromDevice, Operation, Report, Reports, ToDevice};
use super::stack::{
    INSUFFICIENT_ENCRYPTION, INVALID_HANDLE, INVALID_LENGTH, INVALID_OFFSET, LONGEST_VALUE,
    READ_NOT_PERMITTED, StackRules, UNLIKELY, WRITE_NOT_PERMITTED,
};
use super::trouble::LinkTrouble;
use crate::emulator::device::{Device, Refusal, Reply, StopReason};
use crate::emulator::fault::{FaultKind, Faults};
use crate::emulator::log::Entry;
use crate::emulator::node_cloud::Uplink;

/// A device in the air that nobody plays yet.
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
    /// Plays `device` until its service ends; then it is no longer in the air. Dropping the
    /// future ends it as well.
    pub async fn serve(self, mut device: Device) -> StopReason {
        device.start(Instant::now());
        let mut server = Server {
            faults: Faults::new(device.faults().to_vec()),
            uplink: device.uplink(),
            device,
            place: self,
            link: None,
            advertised: false,
            out_of_reach: false,
            values: BTreeMap::new(),
            previous: Vec::new(),
            lost_at_read: None,
            unread_since: None,
        };
        let reason = server.run().await;
        server.report(FromDevice::Gone);
        server.device.log().set_connection(None);
        server.device.end();
        server.device.log().write(&Entry::ServiceStopped {
            why: reason.to_string(),
        });
        let Server {
            mut device, uplink, ..
        } = server;
        uplink.send(device.outgoing());
        uplink.finish(device.log()).await;
        reason
    }
}

struct Server {
    place: Peripheral,
    device: Device,
    uplink: Uplink,
    faults: Faults,
    link: Option<Link>,
    advertised: bool,
    out_of_reach: bool,
    /// The last reply of each endpoint, which a read returns.
    values: BTreeMap<usize, Vec<u8>>,
    /// The last answer that was due, for a fault that sends it again.
    previous: Vec<u8>,
    /// The endpoint whose next read ends the link, by a fault.
    lost_at_read: Option<usize>,
    /// When a write was answered whose reply was not read yet.
    unread_since: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Link {
    connection: u64,
    encrypted: bool,
}

/// What becomes of an operation.
enum Outcome {
    Answer(Result<Vec<u8>, u8>),
    /// An answer, and then the device ends the link.
    AnswerAndClose(Result<Vec<u8>, u8>, String),
    /// The link is lost before there is an answer.
    Lost(String),
    /// Nothing at all.
    Silence,
}

impl Server {
    async fn run(&mut self) -> StopReason {
        loop {
            self.note_connection();
            let now = Instant::now();
            let stopped = self.device.stopped(now);
            let stops_at = self.stops_at(stopped);
            if let Some(reason) = stopped
                && stops_at.is_none_or(|at| at <= now)
            {
                self.lose("the service ended");
                return reason;
            }
            self.uplink.send(self.device.outgoing());
            let outage = self.device.outage();
            self.be_out_of_reach(outage.is_some_and(|outage| outage.covers(now)));
            let is_held = self.place.troubles.contains(&LinkTrouble::Held);
            self.advertise(self.link.is_none() && !self.out_of_reach && !is_held);
            let turns = outage.map(|outage| [Some(outage.from), outage.until]);
            let wake_at = turns
                .into_iter()
                .flatten()
                .flatten()
                .filter(|turn| *turn > now)
                .chain(stops_at)
                .chain(self.device.next_news())
                .min();
            tokio::select! {
                biased;
                () = at(wake_at) => {}
                (when, entry) = self.uplink.outcome() => self.device.log().write_at(when, &entry),
                message = receive(&mut self.place.inbox) => match message {
                    ToDevice::Operate(operation) => tokio::select! {
                        biased;
                        () = self.operate(operation) => {}
                        // A service that ends does not wait for a handler that hangs.
                        () = at(stops_at) => {}
                    },
                    other => self.hear(other),
                },
            }
        }
    }

    /// When the service ends. However fast the device's time runs, a client has the time of a real
    /// device's clean-up to read what it was answered.
    fn stops_at(&self, stopped: Option<StopReason>) -> Option<Instant> {
        let at = self.device.stops_at();
        let unread = self.unread_since.filter(|_| {
            matches!(
                stopped,
                Some(StopReason::Provisioned | StopReason::NobodyAsked)
            )
        });
        let read_by = unread.and_then(|since| since.checked_add(CLEANUP));
        at.map(|at| read_by.map_or(at, |read_by| at.max(read_by)))
    }

    fn hear(&mut self, message: ToDevice) {
        match message {
            ToDevice::Connected {
                connection,
                encrypted,
            } => {
                self.link = Some(Link {
                    connection,
                    encrypted,
                });
                // The host knows that a link ends it.
                self.advertised = false;
                if self.out_of_reach {
                    return self.lose("out of reach");
                }
                self.note_connection();
                self.device.log().write(&Entry::ConnectionOpened {
                    peer: CENTRAL.to_owned(),
                });
                self.device.open_session(HANDLE);
            }
            ToDevice::Disconnected { why } => self.end_link(why),
            ToDevice::Encrypted => {
                if let Some(link) = &mut self.link {
                    link.encrypted = true;
                }
            }
            ToDevice::Note(entry) => self.device.log().write(&entry),
            ToDevice::Operate(_) => {}
        }
    }

    /// The link goes, and the host finds out.
    fn lose(&mut self, why: &str) {
        if let Some(Link { connection, .. }) = self.link {
            self.end_link(why);
            self.report(FromDevice::LinkLost { connection });
        }
    }

    /// A link that ends takes the session and all replies with it.
    fn end_link(&mut self, why: &str) {
        if self.link.take().is_some() {
            self.device.log().write(&Entry::ConnectionClosed {
                why: why.to_owned(),
            });
            self.device.close_session(HANDLE);
            self.values.clear();
            self.lost_at_read = None;
            self.unread_since = None;
        }
    }

    fn be_out_of_reach(&mut self, out: bool) {
        if out && !self.out_of_reach {
            self.lose("the radio went to another channel");
            self.device.log().set_connection(None);
            self.device.log().write(&Entry::Unreachable);
        } else if !out && self.out_of_reach {
            self.device.log().write(&Entry::Reachable);
        }
        self.out_of_reach = out;
    }

    fn advertise(&mut self, on: bool) {
        if self.advertised != on {
            self.advertised = on;
            self.report(FromDevice::Advertising(on));
        }
    }

    fn report(&self, what: FromDevice) {
        let device = self.place.number;
        // A host that is gone hears of nothing any more.
        let _sent = self.place.reports.send(Report { device, what });
    }

    fn note_connection(&mut self) {
        let connection = self.link.map(|link| link.connection);
        self.device.log().set_connection(connection);
    }

    async fn operate(&mut self, operation: Operation) {
        let Operation {
            id,
            attribute,
            access,
        } = operation;
        if self.link.is_none() {
            // It came too late; the host knows.
            return;
        }
        let outcome = match access {
            Access::Read { offset } => self.read(&attribute, offset).await,
            Access::Write { value } => self.write(&attribute, value).await,
        };
        let answer = |outcome| FromDevice::Answered {
            operation: id,
            outcome,
        };
        match outcome {
            Outcome::Answer(outcome) => self.report(answer(outcome)),
            Outcome::AnswerAndClose(outcome, why) => {
                self.report(answer(outcome));
                self.lose(&why);
            }
            Outcome::Lost(why) => self.lose(&why),
            Outcome::Silence => {}
        }
    }

    async fn read(&mut self, attribute: &Attribute, offset: usize) -> Outcome {
        let value = match attribute {
            Attribute::Constant(value) => (*value).to_vec(),
            Attribute::Name(place) => match self.place.endpoints.get(*place) {
                Some(name) => name.clone().into_bytes(),
                None => return self.refuse(INVALID_HANDLE).await,
            },
            Attribute::Endpoint(place) => {
                if !self.may_access() {
                    return self.refuse(INSUFFICIENT_ENCRYPTION).await;
                }
                if self.lost_at_read == Some(*place) {
                    return Outcome::Lost("at the reading of an answer".to_owned());
                }
                self.unread_since = None;
                self.values.get(place).cloned().unwrap_or_default()
            }
            Attribute::Indication => return self.refuse(READ_NOT_PERMITTED).await,
            Attribute::Gone => return self.refuse(INVALID_HANDLE).await,
        };
        let Some(rest) = value.get(offset..) else {
            return self.refuse(INVALID_OFFSET).await;
        };
        self.travel(rest.len(), 1).await;
        Outcome::Answer(Ok(rest.to_vec()))
    }

    /// The handler runs within the write.
    async fn write(&mut self, attribute: &Attribute, value: Vec<u8>) -> Outcome {
        let Attribute::Endpoint(place) = *attribute else {
            let code = match attribute {
                Attribute::Gone => INVALID_HANDLE,
                _ => WRITE_NOT_PERMITTED,
            };
            return self.refuse(code).await;
        };
        let Some(endpoint) = self.place.endpoints.get(place).cloned() else {
            return self.refuse(INVALID_HANDLE).await;
        };
        self.travel(value.len(), 3).await;
        if !self.may_access() {
            self.note_refused(&endpoint, "the link is not encrypted");
            return Outcome::Answer(Err(INSUFFICIENT_ENCRYPTION));
        }
        let fault = self.faults.next(&endpoint);
        if let Some((number, kind)) = fault {
            self.device.log().write(&Entry::Fault {
                endpoint: endpoint.clone(),
                kind: kind.to_string(),
                number,
            });
        }
        let fault = fault.map(|(_, kind)| kind);
        match fault {
            Some(FaultKind::Close | FaultKind::Reset) => {
                return Outcome::Lost("before the request was handled".to_owned());
            }
            Some(FaultKind::Drop) => return Outcome::Silence,
            Some(FaultKind::NotFound) => return self.fail(&Refusal::NoSuchEndpoint),
            Some(FaultKind::Att(code)) => return Outcome::Answer(Err(code)),
            _ => {}
        }
        if value.len() > self.place.longest_value {
            let why = format!("{} bytes, longer than its stack takes", value.len());
            self.note_refused(&endpoint, &why);
            return Outcome::Answer(Err(INVALID_LENGTH));
        }
        let Reply { bytes, after } = match self.device.handle_with(fault, HANDLE, &endpoint, &value)
        {
            Ok(reply) => reply,
            Err(refusal) => return self.fail(&refusal),
        };
        sleep(after).await;
        let before = std::mem::replace(&mut self.previous, bytes.clone());
        if bytes.len() > self.place.longest_value {
            let why = format!(
                "an answer of {} bytes, longer than its stack takes",
                bytes.len()
            );
            self.note_refused(&endpoint, &why);
            return Outcome::Answer(Err(INVALID_LENGTH));
        }
        let bytes = match fault {
            Some(FaultKind::Delay(wait)) => {
                sleep(wait).await;
                bytes
            }
            Some(FaultKind::Cut) => {
                self.lost_at_read = Some(place);
                bytes
            }
            Some(kind) => {
                let mut altered = kind.alter(bytes, &before);
                altered.truncate(LONGEST_VALUE);
                altered
            }
            None => bytes,
        };
        self.values.insert(place, bytes);
        self.unread_since = Some(Instant::now());
        if fault == Some(FaultKind::Mute) {
            return Outcome::Silence;
        }
        Outcome::Answer(Ok(Vec::new()))
    }

    /// What the stack makes of a refusal. The reply before it stays where it is.
    fn fail(&self, refusal: &Refusal) -> Outcome {
        let why = format!("refused: {refusal}");
        if !self.device.has_session(HANDLE) {
            // It went down, and its radio with it.
            return Outcome::Lost(why);
        }
        let rules = self.place.rules;
        if rules.closes_after_failure {
            return Outcome::AnswerAndClose(Err(rules.failure), why);
        }
        Outcome::Answer(Err(match refusal {
            Refusal::NoSuchEndpoint => UNLIKELY,
            Refusal::Failed { .. } => rules.failure,
        }))
    }

    fn may_access(&self) -> bool {
        let wants_encryption = self
            .place
            .troubles
            .iter()
            .any(|trouble| trouble.wants_encryption());
        !wants_encryption || self.link.is_some_and(|link| link.encrypted)
    }

    async fn refuse(&self, code: u8) -> Outcome {
        self.travel(0, 1).await;
        Outcome::Answer(Err(code))
    }

    fn note_refused(&mut self, endpoint: &str, why: &str) {
        self.device.log().write(&Entry::Refused {
            endpoint: endpoint.to_owned(),
            why: why.to_owned(),
        });
    }

    /// As long as the packets of a value need, of which each holds that much less than the MTU.
    async fn travel(&self, bytes: usize, overhead: u16) {
        let room = usize::from(self.place.rules.mtu.saturating_sub(overhead));
        let packets = bytes.checked_div(room).unwrap_or(0).saturating_add(1);
        let packets = u32::try_from(packets).unwrap_or(u32::MAX);
        sleep(self.place.operation_wait.saturating_mul(packets)).await;
    }
}

/// Waits for the host; for ever where there is none any more.
async fn receive(inbox: &mut mpsc::UnboundedReceiver<ToDevice>) -> ToDevice {
    match inbox.recv().await {
        Some(message) => message,
        None => std::future::pending().await,
    }
}

/// Waits for that moment; for ever where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The handle of the one connection, which is also the number of its session.
const HANDLE: u32 = 1;
/// `cleanup_delay`, of a device whose time is that of everybody.
const CLEANUP: Duration = Duration::from_secs(1);
/// The address of the emulated adapter.
pub(super) const CENTRAL: &str = "00:AA:01:00:00:23";
