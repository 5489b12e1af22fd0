//! The server of an emulated device, the same on every medium: it starts and ends the service, applies
//! faults, and sends messages to the cloud. A [`Listener`] accepts clients, replies, refuses and closes
//! connections in the way of its medium.

use tokio::time::{Instant, sleep_until};

use super::device::{Device, Refusal, Reply, StopReason};
use super::fault::{FaultKind, Faults};
use super::log::{DeviceEvent, Log};
use super::node_cloud::Uplink;

/// A medium by which clients reach a device.
pub(super) trait Listener {
    /// An action of a client or of the medium.
    type Event;

    /// Runs once, when the device has started.
    async fn start(&mut self, _server: &mut DeviceServer) {}

    /// Does the work that is due. Returns when the next work without an event is due.
    async fn run_due(&mut self, _server: &mut DeviceServer) -> Result<Option<Instant>, StopReason> {
        Ok(None)
    }

    /// Waits for the next event. The future is dropped if something else happens first.
    async fn next_event(&mut self) -> Self::Event;

    /// Handles an event. The future is dropped if the service ends first.
    async fn handle(
        &mut self,
        server: &mut DeviceServer,
        event: Self::Event,
    ) -> Result<(), StopReason>;

    /// Closes the connection, if there is one.
    fn disconnect(&mut self, _server: &mut DeviceServer, _why: &str) {}

    /// Makes the device reachable or unreachable. The connection is closed before.
    async fn set_reachable(&mut self, _is_reachable: bool) -> Result<(), StopReason> {
        Ok(())
    }

    /// How long a client can still read the last answer after the service has ended for `reason`.
    fn lingers_until(&self, _reason: StopReason) -> Option<Instant> {
        None
    }

    /// Runs once, when the service has ended. Returns the reason to report.
    async fn end(&mut self, server: &mut DeviceServer, reason: StopReason) -> StopReason;
}

/// A device with its faults and its uplink.
pub(super) struct DeviceServer {
    pub(super) device: Device,
    faults: Faults,
    uplink: Uplink,
    /// The last answer of the device, before a fault altered it.
    pub(super) previous: Vec<u8>,
    pub(super) is_unreachable: bool,
}

impl DeviceServer {
    /// Serves `device` until its service ends. Dropping the future also ends it.
    pub(super) async fn run(device: Device, mut listener: impl Listener) -> StopReason {
        let mut server = Self {
            faults: Faults::new(device.settings.faults.clone()),
            uplink: device.start_uplink(),
            device,
            previous: Vec::new(),
            is_unreachable: false,
        };
        server.device.start(Instant::now());
        listener.start(&mut server).await;
        let reason = loop {
            if let Err(reason) = server.wait_and_handle(&mut listener).await {
                break reason;
            }
        };
        listener.disconnect(&mut server, "the service ended");
        let reason = listener.end(&mut server, reason).await;
        server.device.end();
        server.log().end_service(&reason.to_string());
        // The device outlives its service, and sends the remaining messages to the cloud.
        server.uplink.send(server.device.take_outgoing());
        server.uplink.finish(server.device.log()).await;
        reason
    }

    /// Waits for the next event or moment, and handles it.
    async fn wait_and_handle(&mut self, listener: &mut impl Listener) -> Result<(), StopReason> {
        let now = Instant::now();
        let stopped = self.device.stopped(now);
        let lingers_until = stopped.and_then(|reason| listener.lingers_until(reason));
        if let Some(reason) = stopped
            && lingers_until.is_none_or(|until| until <= now)
        {
            return Err(reason);
        }
        self.uplink.send(self.device.take_outgoing());
        let reachability_changes_at = self.update_reachability(listener, now).await?;
        let due_at = listener.run_due(self).await?;
        // After the work that was due, which may have handled a request.
        let stops_at = self.device.stops_at().max(lingers_until);
        let next_event = self.device.next_event_at();
        let wake_at = [due_at, reachability_changes_at, stops_at, next_event];
        tokio::select! {
            biased;
            () = wait_until(wake_at.into_iter().flatten().min()) => Ok(()),
            Some((when, entry)) = self.uplink.outcomes.recv() => {
                self.device.log().write_at(when, &entry);
                Ok(())
            }
            event = listener.next_event() => tokio::select! {
                biased;
                handled = listener.handle(self, event) => handled,
                // The end of the service does not wait for a hanging handler.
                () = wait_until(stops_at) => Ok(()),
            },
        }
    }

    /// Makes the device reachable or unreachable, if that is due. Returns when the next change is due.
    async fn update_reachability(
        &mut self,
        listener: &mut impl Listener,
        now: Instant,
    ) -> Result<Option<Instant>, StopReason> {
        let outage = self.device.outage();
        let is_unreachable = outage.is_some_and(|outage| outage.contains(now));
        if is_unreachable != self.is_unreachable {
            self.is_unreachable = is_unreachable;
            if is_unreachable {
                listener.disconnect(self, "the radio went to another channel");
            }
            listener.set_reachable(!is_unreachable).await?;
            self.log().write(if is_unreachable {
                &DeviceEvent::Unreachable
            } else {
                &DeviceEvent::Reachable
            });
        }
        let changes = outage.map(|outage| [Some(outage.from), outage.until]);
        let changes = changes.into_iter().flatten().flatten();
        Ok(changes.filter(|at| *at > now).min())
    }

    pub(super) fn log(&mut self) -> &mut Log {
        self.device.log()
    }

    /// Logs a new connection.
    pub(super) fn log_connection(&mut self, number: u64, peer: String) {
        self.log().connection = Some(number);
        self.log().write(&DeviceEvent::ConnectionOpened { peer });
    }

    /// Logs a request that the medium refuses by itself.
    pub(super) fn log_refusal(&mut self, endpoint: &str, why: &str) {
        let (endpoint, why) = (endpoint.to_owned(), why.to_owned());
        self.log().write(&DeviceEvent::Refused { endpoint, why });
    }

    /// Counts a request. Returns the fault to apply to its answer; `Err` is a fault that prevents handling
    /// the request.
    pub(super) fn count_request(&mut self, endpoint: &str) -> Result<Option<FaultKind>, FaultKind> {
        let Some((number, kind)) = self.faults.next_call("", endpoint) else {
            return Ok(None);
        };
        self.log().write(&DeviceEvent::Fault {
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

    /// Lets the device handle a request, and applies the fault to the answer. The medium applies `cut`,
    /// `duplicate` and `mute`.
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
            // Only the first answer is sent; the effect of the second request on the device remains.
            let _second = device.handle(session, endpoint, request);
        }
        let mut reply = reply?;
        let previous = std::mem::replace(&mut self.previous, reply.bytes.clone());
        match fault {
            None => {}
            Some(FaultKind::Delay(wait)) => reply.after = reply.after.saturating_add(wait),
            Some(kind) => reply.bytes = kind.alter(reply.bytes, &previous),
        }
        Ok(reply)
    }
}

/// Waits for a moment; without one, it waits without end.
pub(super) async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
