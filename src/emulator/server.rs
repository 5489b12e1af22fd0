//! The server of an emulated device, the same on every medium: when the service starts, wakes up
//! and ends, which request meets which fault, and when the cloud hears of the device. A
//! [`Listener`] adds how its medium accepts clients, replies, refuses, and loses a connection.

use tokio::time::{Instant, sleep_until};

use super::device::{Device, Refusal, Reply, StopReason};
use super::fault::{FaultKind, Faults};
use super::log::{Entry, Log};
use super::node_cloud::Uplink;

/// A medium in front of a device.
pub(super) trait Listener {
    /// Something that a client or the medium did.
    type Event;

    /// Runs once, when the device has started.
    async fn start(&mut self, _server: &mut DeviceServer) {}

    /// Does what is due. Returns when it has something to do next without an event.
    async fn turn(&mut self, _server: &mut DeviceServer) -> Result<Option<Instant>, StopReason> {
        Ok(None)
    }

    /// Waits for the next event. This future is dropped whenever something else happens first.
    async fn event(&mut self) -> Self::Event;

    /// Handles an event. This future is dropped when the service ends first.
    async fn handle(
        &mut self,
        server: &mut DeviceServer,
        event: Self::Event,
    ) -> Result<(), StopReason>;

    /// Closes the connection, if there is one.
    fn disconnect(&mut self, _server: &mut DeviceServer, _why: &str) {}

    /// Puts the device out of reach, or back. The connection is closed already.
    async fn set_reachable(&mut self, _is_reachable: bool) -> Result<(), StopReason> {
        Ok(())
    }

    /// Until when a client may fetch the last answer after the service has ended for `reason`.
    fn lingers_until(&self, _reason: StopReason) -> Option<Instant> {
        None
    }

    /// Runs once, when the service has ended. Returns the reason to report.
    async fn end(&mut self, server: &mut DeviceServer, reason: StopReason) -> StopReason;
}

/// A device and what happens on the way to and from it.
pub(super) struct DeviceServer {
    pub(super) device: Device,
    faults: Faults,
    uplink: Uplink,
    /// The last answer of the device, before a fault altered it.
    pub(super) previous: Vec<u8>,
    pub(super) is_out_of_reach: bool,
}

impl DeviceServer {
    /// Serves `device` until its service ends. Dropping the future ends it as well.
    pub(super) async fn run(device: Device, mut listener: impl Listener) -> StopReason {
        let mut server = Self {
            faults: Faults::new(device.settings.faults.clone()),
            uplink: device.start_uplink(),
            device,
            previous: Vec::new(),
            is_out_of_reach: false,
        };
        server.device.start(Instant::now());
        listener.start(&mut server).await;
        let reason = loop {
            if let Err(reason) = server.next(&mut listener).await {
                break reason;
            }
        };
        listener.disconnect(&mut server, "the service ended");
        let reason = listener.end(&mut server, reason).await;
        server.device.end();
        server.log().end_service(&reason.to_string());
        // The device outlives its service, and sends the cloud what is left.
        server.uplink.send(server.device.take_outgoing());
        server.uplink.finish(server.device.log()).await;
        reason
    }

    /// Waits for the next thing to happen, and handles it.
    async fn next(&mut self, listener: &mut impl Listener) -> Result<(), StopReason> {
        let now = Instant::now();
        let stopped = self.device.stopped(now);
        let lingers_until = stopped.and_then(|reason| listener.lingers_until(reason));
        if let Some(reason) = stopped
            && lingers_until.is_none_or(|until| until <= now)
        {
            return Err(reason);
        }
        self.uplink.send(self.device.take_outgoing());
        let reach_changes_at = self.check_reach(listener, now).await?;
        let turns_at = listener.turn(self).await?;
        // Only now: in its turn, a listener may have handled a request.
        let stops_at = self.device.stops_at().max(lingers_until);
        let next_event = self.device.next_event_at();
        let wake_at = [turns_at, reach_changes_at, stops_at, next_event];
        tokio::select! {
            biased;
            () = wait_until(wake_at.into_iter().flatten().min()) => Ok(()),
            Some((when, entry)) = self.uplink.outcomes.recv() => {
                self.device.log().write_at(when, &entry);
                Ok(())
            }
            event = listener.event() => tokio::select! {
                biased;
                handled = listener.handle(self, event) => handled,
                // A service that ends does not wait for a handler that hangs.
                () = wait_until(stops_at) => Ok(()),
            },
        }
    }

    /// Puts the device out of reach, or back, as it is due. Returns when that changes next.
    async fn check_reach(
        &mut self,
        listener: &mut impl Listener,
        now: Instant,
    ) -> Result<Option<Instant>, StopReason> {
        let outage = self.device.outage();
        let is_out_of_reach = outage.is_some_and(|outage| outage.contains(now));
        if is_out_of_reach != self.is_out_of_reach {
            self.is_out_of_reach = is_out_of_reach;
            if is_out_of_reach {
                listener.disconnect(self, "the radio went to another channel");
            }
            listener.set_reachable(!is_out_of_reach).await?;
            self.log().write(if is_out_of_reach {
                &Entry::Unreachable
            } else {
                &Entry::Reachable
            });
        }
        let changes = outage.map(|outage| [Some(outage.from), outage.until]);
        let changes = changes.into_iter().flatten().flatten();
        Ok(changes.filter(|at| *at > now).min())
    }

    pub(super) fn log(&mut self) -> &mut Log {
        self.device.log()
    }

    pub(super) fn connection_opened(&mut self, number: u64, peer: String) {
        self.log().connection = Some(number);
        self.log().write(&Entry::ConnectionOpened { peer });
    }

    /// Logs a request that the medium refuses by itself.
    pub(super) fn note_refused(&mut self, endpoint: &str, why: &str) {
        let (endpoint, why) = (endpoint.to_owned(), why.to_owned());
        self.log().write(&Entry::Refused { endpoint, why });
    }

    /// Counts a request. Returns the fault to handle it with; `Err` is a fault that keeps the
    /// request from the device.
    pub(super) fn admit(&mut self, endpoint: &str) -> Result<Option<FaultKind>, FaultKind> {
        let Some((number, kind)) = self.faults.next_call("", endpoint) else {
            return Ok(None);
        };
        self.log().write(&Entry::Fault {
            endpoint: endpoint.to_owned(),
            kind: kind.to_string(),
            number,
        });
        match kind {
            FaultKind::Att(_)
            | FaultKind::Close
            | FaultKind::Drop
            | FaultKind::NotFound
            | FaultKind::Reset
            | FaultKind::Status(_) => Err(kind),
            _ => Ok(Some(kind)),
        }
    }

    /// Has the device handle a request, and alters the answer as the fault requires. `cut`,
    /// `duplicate` and `mute` are left to the medium.
    pub(super) fn exchange(
        &mut self,
        fault: Option<FaultKind>,
        session: u32,
        endpoint: &str,
        request: &[u8],
    ) -> Result<Reply, Refusal> {
        let is_wrong_type = fault == Some(FaultKind::WrongType);
        let device = &mut self.device;
        let reply = device.handle_with_fault(session, endpoint, request, is_wrong_type);
        if fault == Some(FaultKind::Repeat) {
            // The second answer is not sent; what the second request does to the device stays.
            let _second = device.handle(session, endpoint, request);
        }
        let mut reply = reply?;
        let before = std::mem::replace(&mut self.previous, reply.bytes.clone());
        match fault {
            None => {}
            Some(FaultKind::Delay(wait)) => reply.after = reply.after.saturating_add(wait),
            Some(kind) => reply.bytes = kind.alter(reply.bytes, &before),
        }
        Ok(reply)
    }
}

/// Waits for a moment; forever if there is none.
pub(super) async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
