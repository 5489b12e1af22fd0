//! Makes the device join a network: set, apply, poll until it has joined; after a failure that the
//! device reports, reset and retry; after lost contact, reconnect. The device has joined only if it
//! reports the details of the network.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::network::{self, NetworkSelection};
use super::{
    CredentialState, Event, FlowError, FlowStep, Irreversible, JoinProblem, NetworkVisibility,
    Question, Run, Stage, Taken,
};
use crate::endpoint::ReplyError;
use crate::endpoint::wifi_scan::AccessPoint;
use crate::ident::Passphrase;
use crate::provisioner::{
    Cause, JoinFailure, JoinReports, JoinState, JoinedNetwork, NetworkCredentials, NetworkName,
    ProvisionError, Provisioner, ReconnectError, RequestFate, ResetAbility, WifiCredentials,
};
use crate::session::SessionError;
use crate::transport::Limits;

/// A device that gets network credentials.
#[derive(Debug)]
pub struct Joining<'a> {
    /// The context.
    pub run: &'a Run,
    /// The device. It reconnects after lost contact.
    pub device: &'a mut dyn Provisioner,
    /// The current state of the credentials on the device.
    pub credentials: CredentialState,
}

/// A network that a device joined.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The network, as the device reports it.
    pub network: JoinedNetwork,
    /// The addresses of the device's web pages that the user can open now.
    pub urls: Vec<String>,
}

impl Joining<'_> {
    /// Makes the device join. After a failure that the device reports, retries up to `retries` times,
    /// and then as often as the user types another passphrase.
    pub async fn join(
        &mut self,
        selection: NetworkSelection,
        retries: u32,
    ) -> Result<Joined, FlowError> {
        let NetworkSelection {
            mut network,
            mut seen,
        } = selection;
        let name = network.name();
        let mut attempt = 1;
        // The failure before a reset that failed.
        let mut previous = None;
        loop {
            let mut failure = match (self.attempt(&network, attempt > 1).await, previous.take()) {
                (Ok(joined), _) => return Ok(joined),
                // Firmware rejects Apply because the reset failed: the previous failure is the cause.
                (Err(failure), Some(previous)) if find_refusal(&failure).is_some() => {
                    return Err(previous);
                }
                (Err(failure), _) => failure,
            };
            let FlowError::NotJoined {
                problem,
                is_forgotten,
                visibility,
                ..
            } = &mut failure
            else {
                return Err(failure);
            };
            let was_reset = self.reset_credentials().await;
            *is_forgotten = was_reset;
            let may_be_invisible = matches!(
                problem,
                JoinProblem::TimedOut(_)
                    | JoinProblem::Reported(Some(JoinFailure::NetworkNotFound))
            );
            if may_be_invisible && seen.is_none() && was_reset {
                seen = self.rescan().await;
            }
            *visibility = find_visibility(&name, seen.as_deref());
            let JoinProblem::Reported(reason) = *problem else {
                return Err(failure);
            };
            if attempt > retries {
                match ask_for_new_passphrase(self.run, reason, &network).await {
                    Some(corrected) => network = corrected,
                    None => return Err(failure),
                }
            }
            attempt += 1;
            self.run.report(&Event::WifiRetried {
                attempt,
                after: failure.to_string(),
            });
            previous = (!was_reset).then_some(failure);
        }
    }

    /// Makes one attempt. On `NotJoined`, the device is not reset yet.
    async fn attempt(
        &mut self,
        network: &NetworkCredentials,
        is_retry: bool,
    ) -> Result<Joined, FlowError> {
        let run = self.run;
        let sending = self.send_to_failed(network, is_retry);
        run.in_stage(Stage::SendWifi, sending).await?;
        run.in_stage(Stage::ConfirmWifi, self.confirm(network))
            .await
    }

    /// Sends the credentials, also to a device that still is in a failed state.
    async fn send_to_failed(
        &mut self,
        network: &NetworkCredentials,
        is_retry: bool,
    ) -> Result<(), FlowError> {
        let mut sent = self.send(network).await;
        // Firmware without a reset clears a failure by itself, some time later.
        let deadline = Instant::now() + self.run.timing.set_retry;
        let clears_by_itself = self.device.abilities().reset == ResetAbility::ByItself;
        while is_retry && clears_by_itself && is_wrong_state(&sent) && Instant::now() < deadline {
            sleep(self.run.timing.slowest_status).await;
            sent = self.send(network).await;
        }
        // An earlier client may have left the device in a failed state, which a reset clears.
        if is_wrong_state(&sent)
            && self.credentials == CredentialState::Unapplied
            && self.reset_credentials().await
        {
            sent = self.send(network).await;
        }
        sent
    }

    async fn send(&mut self, network: &NetworkCredentials) -> Result<(), FlowError> {
        let previous = self.credentials;
        self.credentials = CredentialState::Unapplied;
        let mut set = self.device.set_credentials(network).await;
        // A reset may have closed the session. Then the device did not get the credentials.
        if is_link_lost(&set) {
            self.credentials = previous;
            if self.reconnect(self.run.timing.reconnect).await.is_ok() {
                self.credentials = CredentialState::Unapplied;
                set = self.device.set_credentials(network).await;
            }
        }
        set.map_err(FlowError::of_provisioner(FlowStep::SendingWifi))?;
        self.run.report(&Event::credentials_sent(&network.name()));
        let taken = |applied: &Result<(), ProvisionError>| match applied {
            Ok(()) => Taken::Yes,
            Err(error) if error.may_be_done() => Taken::Perhaps,
            Err(_) => Taken::No,
        };
        let (credentials, device) = (&mut self.credentials, &mut self.device);
        let applying = async {
            // Until the device answers.
            *credentials = CredentialState::Unknown;
            device.apply().await
        };
        let step = FlowStep::ApplyingWifi;
        let applied = self
            .run
            .perform_irreversible(step, &Irreversible::Apply, taken, applying);
        match applied.await? {
            Ok(()) => {
                self.credentials = CredentialState::Applied;
                self.run.report(&Event::WifiApplied);
                Ok(())
            }
            // The device may have accepted the request: its answer is lost or not readable.
            Err(error) if error.may_be_done() => Err(FlowError::Unconfirmed {
                network: network.name(),
                source: error.cause,
            }),
            Err(error) => {
                self.credentials = CredentialState::Unapplied;
                Err(FlowError::of_provisioner(step)(error))
            }
        }
    }

    async fn confirm(&mut self, network: &NetworkCredentials) -> Result<Joined, FlowError> {
        let name = network.name();
        let not_joined = |problem| FlowError::NotJoined {
            network: name.clone(),
            problem,
            is_forgotten: false,
            visibility: None,
        };
        let mut deadline = Instant::now() + self.run.timing.join;
        let mut reported = None;
        let mut intervals = self.run.timing.status_intervals();
        let is_polled = self.device.abilities().reports == JoinReports::Polled;
        if is_polled {
            sleep(self.run.timing.first_status.min(self.run.timing.join)).await;
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let reading = self.device.join_state();
            let state = if is_polled {
                // A poll that began before the deadline has its own time limit.
                Some(reading.await)
            } else {
                timeout(left, reading).await.ok()
            };
            let state = match state {
                None => None,
                Some(Ok(state)) => Some(state),
                Some(Err(error)) => Some(self.regain_state(error, &name, &mut deadline).await?),
            };
            let mut is_new = true;
            match state {
                Some(JoinState::Joined { network, .. }) if network.name() != name => {
                    let expected = "a connection to the network that was asked for";
                    let source = SessionError::from(ReplyError::Unexpected { expected }).into();
                    let network = name;
                    return Err(FlowError::Unconfirmed { network, source });
                }
                Some(JoinState::Joined { network, urls }) => {
                    self.run.report(&Event::joined(&network));
                    return Ok(Joined { network, urls });
                }
                Some(JoinState::Failed(reason)) => {
                    return Err(not_joined(JoinProblem::Reported(reason)));
                }
                Some(JoinState::Joining { attempts_remaining })
                    if reported != Some(attempts_remaining) =>
                {
                    reported = Some(attempts_remaining);
                    self.run.report(&Event::WifiJoining { attempts_remaining });
                }
                Some(JoinState::Joining { .. }) | None => is_new = false,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(not_joined(JoinProblem::TimedOut(self.run.timing.join)));
            }
            // A device that repeats the same state at once must not keep this thread busy.
            if is_polled || !is_new {
                sleep(intervals.next().map_or(left, |interval| interval.min(left))).await;
            }
        }
    }

    /// Reconnects to a device after lost contact, and reads its state. An access point that changes
    /// its channel is back within seconds; a device that has joined may have closed its hotspot.
    async fn regain_state(
        &mut self,
        error: ProvisionError,
        name: &NetworkName,
        join_deadline: &mut Instant,
    ) -> Result<JoinState, FlowError> {
        let mut deadline = (*join_deadline).min(Instant::now() + self.run.timing.reconnect);
        self.run.report(&Event::ContactLost);
        self.credentials = CredentialState::Unknown;
        let unconfirmed = |source| FlowError::Unconfirmed {
            network: name.clone(),
            source,
        };
        let mut last_cause = error.cause;
        if !self.device.abilities().can_reconnect {
            return Err(unconfirmed(last_cause));
        }
        let mut reconnected = 0;
        while reconnected < MAX_RECONNECTS && Instant::now() < deadline {
            let began = Instant::now();
            let left = deadline.saturating_duration_since(began);
            let reconnected_now = self.reconnect(left).await;
            // Only the wait for other handshakes exceeds the limit, and it is not the device's.
            let excess = began.elapsed().saturating_sub(left);
            deadline += excess;
            *join_deadline += excess;
            match reconnected_now {
                Ok(()) => {
                    self.run.report(&Event::ContactRegained);
                    self.credentials = CredentialState::Applied;
                    reconnected += 1;
                    last_cause = match self.device.join_state().await {
                        Ok(state) => return Ok(state),
                        Err(error) => error.cause,
                    };
                    self.credentials = CredentialState::Unknown;
                    // A device that sends an invalid reply will send it again.
                    if matches!(last_cause, Cause::Session(SessionError::Reply(_))) {
                        break;
                    }
                }
                Err(ReconnectError::Final(cause)) => {
                    last_cause = cause;
                    break;
                }
                Err(ReconnectError::Unreachable) => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            sleep(self.run.timing.reconnect_interval.min(left)).await;
        }
        Err(unconfirmed(last_cause))
    }

    /// Reconnects within this time, which does not include the wait for other handshakes.
    async fn reconnect(&mut self, within: Duration) -> Result<(), ReconnectError> {
        let timing = &self.run.timing;
        // A device that is unreachable now may be reachable a moment later, so attempts are short.
        let limits = Limits {
            connect: timing.limits.connect.min(timing.reconnect / 3),
            ..timing.limits.clone()
        };
        let handshakes = &self.run.handshakes;
        self.device.reconnect(handshakes, within, &limits).await
    }

    /// Asks the device to forget the credentials, which it would use again after a restart. Returns
    /// whether it accepted: firmware rejects this while it joins, or if it has forgotten them already.
    pub async fn reset_credentials(&mut self) -> bool {
        match self.device.abilities().reset {
            ResetAbility::ByItself => return false,
            ResetAbility::NotNeeded => {
                self.credentials = CredentialState::Forgotten;
                return true;
            }
            ResetAbility::OnRequest => {}
        }
        let accepted = self.reset(self.run.timing.reset).await;
        self.run.report(&Event::WifiReset { accepted });
        if accepted {
            self.credentials = CredentialState::Forgotten;
        }
        accepted
    }

    /// Resets the device, over a new connection if this one was cut off. Each attempt and the new
    /// connection have this time limit.
    async fn reset(&mut self, limit: Duration) -> bool {
        let mut outcome = timeout(limit, self.device.reset()).await;
        if outcome.as_ref().is_ok_and(is_link_lost) && self.reconnect(limit).await.is_ok() {
            outcome = timeout(limit, self.device.reset()).await;
        }
        matches!(outcome, Ok(Ok(())))
    }

    /// Lists the networks that the device sees after a reset, for the message of the error only.
    async fn rescan(&mut self) -> Option<Vec<AccessPoint>> {
        if !self.device.abilities().can_scan {
            return None;
        }
        network::scan_networks(self.run, self.device).await.ok()
    }
}

fn is_link_lost(outcome: &Result<(), ProvisionError>) -> bool {
    outcome
        .as_ref()
        .is_err_and(|error| error.fate == RequestFate::LinkLost)
}

/// Asks for another passphrase, unless the reason of the failure rules a wrong one out.
async fn ask_for_new_passphrase(
    run: &Run,
    reason: Option<JoinFailure>,
    network: &NetworkCredentials,
) -> Option<NetworkCredentials> {
    let NetworkCredentials::Wifi(WifiCredentials { ssid, .. }) = network else {
        return None;
    };
    if reason == Some(JoinFailure::NetworkNotFound) {
        return None;
    }
    let question = Question::NewPassphrase(ssid.clone());
    let answer = run.ask(&question).await?;
    Some(NetworkCredentials::Wifi(WifiCredentials {
        ssid: ssid.clone(),
        passphrase: Passphrase::new(answer).ok()?,
    }))
}

/// What a scan shows of the network; `None` without a scan, or for a Thread network.
fn find_visibility(name: &NetworkName, seen: Option<&[AccessPoint]>) -> Option<NetworkVisibility> {
    match name {
        NetworkName::Wifi(ssid) => Some(NetworkVisibility::of(ssid, seen?)),
        NetworkName::Thread(_) => None,
    }
}

/// Whether the device rejected Apply because of its current state.
fn is_wrong_state(sent: &Result<(), FlowError>) -> bool {
    sent.as_ref().err().and_then(find_refusal) == Some(true)
}

/// If the device rejected Apply: whether its current state is the reason.
fn find_refusal(failure: &FlowError) -> Option<bool> {
    match failure {
        FlowError::Session {
            step: FlowStep::ApplyingWifi,
            source: SessionError::Reply(ReplyError::Refused { status }),
        } => Some(status.is_wrong_state()),
        FlowError::Protocol {
            step: FlowStep::ApplyingWifi,
            source:
                ProvisionError {
                    fate: RequestFate::Refused { is_wrong_state },
                    ..
                },
        } => Some(*is_wrong_state),
        _ => None,
    }
}

/// The number of reconnects in a run: a channel change explains one, not many.
const MAX_RECONNECTS: u32 = 3;

#[cfg(test)]
mod tests;
