//! Makes the device join a network, and finds out what came of it: hand over, apply, follow until it
//! is joined; after a definite failure make it forget and try again; find it again when it was lost
//! on the way. An outcome counts only when the device said so with the details that prove it.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::wifi::{self, NetworkSelection, visibility};
use super::{
    CredentialState, Event, FlowError, FlowStep, Irreversible, Question, Run, Stage, Taken,
};
use crate::endpoint::ReplyError;
use crate::endpoint::wifi_scan::AccessPoint;
use crate::ident::Passphrase;
use crate::provisioner::{
    Cause, JoinFailure, JoinReports, JoinState, JoinedNetwork, NetworkCredentials, NetworkName,
    ProvisionError, Provisioner, ReconnectError, ResetAbility, WifiCredentials,
};
use crate::session::{HandshakePermit, SessionError};
use crate::transport::Limits;

/// A device that is being given a network.
#[derive(Debug)]
pub struct Joining<'a> {
    /// The run that this is a part of.
    pub run: &'a Run,
    /// The device; another connection to it after contact was lost.
    pub device: &'a mut dyn Provisioner,
    /// What the device would be left with, were this the end.
    pub credentials: CredentialState,
}

/// A network that a device joined.
#[derive(Clone, Debug)]
pub struct Joined {
    /// As the device reports it.
    pub network: JoinedNetwork,
    /// Pages of the device that a person can open now.
    pub urls: Vec<String>,
}

impl Joining<'_> {
    /// Makes the device join; after a definite failure up to `retries` times more, and as often as
    /// a person has another passphrase.
    pub async fn join(
        &mut self,
        settled: NetworkSelection,
        retries: u32,
    ) -> Result<Joined, FlowError> {
        let NetworkSelection {
            mut network,
            mut seen,
        } = settled;
        let name = network.name();
        let mut attempt = 1;
        let mut before = None;
        loop {
            let reason = match (self.attempt(&network, attempt > 1).await, before.take()) {
                (Ok(joined), _) => return Ok(joined),
                (Err(FlowError::JoinFailed { reason, .. }), _) => reason,
                (Err(FlowError::JoinTimedOut { waited, .. }), _) => {
                    let forgotten = self.reset_credentials().await;
                    if seen.is_none() && forgotten {
                        seen = self.rescan().await;
                    }
                    return Err(FlowError::JoinTimedOut {
                        visibility: seen.and_then(|seen| visibility_of(&name, &seen)),
                        forgotten,
                        network: name,
                        waited,
                    });
                }
                // Firmware that did not forget takes no others: the attempt before is the story.
                (
                    Err(failure),
                    Some(
                        before @ FlowError::JoinFailed {
                            forgotten: false, ..
                        },
                    ),
                ) if is_refused(&failure) => return Err(before),
                (Err(failure), _) => return Err(failure),
            };
            let forgotten = self.reset_credentials().await;
            if reason == Some(JoinFailure::NetworkNotFound) && seen.is_none() && forgotten {
                seen = self.rescan().await;
            }
            let failure = FlowError::JoinFailed {
                network: name.clone(),
                reason,
                forgotten,
                visibility: seen.as_deref().and_then(|seen| visibility_of(&name, seen)),
            };
            if attempt > retries {
                match another_passphrase(self.run, reason, &network).await {
                    Some(other) => network = other,
                    None => return Err(failure),
                }
            }
            attempt += 1;
            self.run.report(&Event::WifiRetried {
                attempt,
                after: failure.to_string(),
            });
            before = Some(failure);
        }
    }

    /// One attempt. Ends with `JoinFailed` without having tidied up.
    async fn attempt(
        &mut self,
        network: &NetworkCredentials,
        retried: bool,
    ) -> Result<Joined, FlowError> {
        let stage = self.run.start_stage(Stage::SendWifi);
        let mut sent = self.send(network).await;
        // Such firmware clears a failure by itself, some time later.
        let deadline = Instant::now() + self.run.pace.apply_again;
        let clears_by_itself = self.device.abilities().reset == ResetAbility::ByItself;
        while retried && clears_by_itself && is_wrong_state(&sent) && Instant::now() < deadline {
            sleep(self.run.pace.slowest_status).await;
            sent = self.send(network).await;
        }
        // What an earlier client left behind: a device that failed takes others after a reset.
        if is_wrong_state(&sent)
            && self.credentials == CredentialState::Unapplied
            && self.reset_credentials().await
        {
            sent = self.send(network).await;
        }
        self.run.end_stage(&stage, sent.is_ok());
        sent?;

        let stage = self.run.start_stage(Stage::ConfirmWifi);
        let confirmed = self.confirm(network).await;
        self.run.end_stage(&stage, confirmed.is_ok());
        confirmed
    }

    async fn send(&mut self, network: &NetworkCredentials) -> Result<(), FlowError> {
        let before = self.credentials;
        self.credentials = CredentialState::Unapplied;
        let mut set = self.device.set_credentials(network).await;
        // Firmware that was asked to forget may have closed the session. Nothing was sent then.
        if matches!(set, Err(ProvisionError::LinkLost(_))) {
            self.credentials = before;
            let permit = self.run.handshakes.begin().await;
            if self.reconnect(&permit).await.is_ok() {
                self.credentials = CredentialState::Unapplied;
                set = self.device.set_credentials(network).await;
            }
        }
        set.map_err(|error| FlowError::of_provisioner(FlowStep::SendingWifi, error))?;
        self.run.report(&Event::credentials_sent(&network.name()));
        let taken = |applied: &Result<(), ProvisionError>| match applied {
            Ok(()) => Taken::Yes,
            Err(ProvisionError::LinkLost(_) | ProvisionError::Unanswered(_)) => Taken::Perhaps,
            Err(_) => Taken::No,
        };
        let (left, device) = (&mut self.credentials, &mut self.device);
        let applying = async {
            // Until it has answered.
            *left = CredentialState::Unknown;
            device.apply().await
        };
        let step = FlowStep::ApplyingWifi;
        let applied = self
            .run
            .irreversible(step, &Irreversible::Apply, taken, applying);
        match applied.await? {
            Ok(()) => {}
            // Perhaps it got the request, and perhaps what cannot be read was a yes.
            Err(ProvisionError::LinkLost(source) | ProvisionError::Unanswered(source)) => {
                let network = network.name();
                return Err(FlowError::Unconfirmed { network, source });
            }
            Err(
                error @ (ProvisionError::NotSent(_)
                | ProvisionError::Refused { .. }
                | ProvisionError::ScanUnfinished { .. }
                | ProvisionError::Unsupported { .. }),
            ) => {
                self.credentials = CredentialState::Unapplied;
                return Err(FlowError::of_provisioner(FlowStep::ApplyingWifi, error));
            }
        }
        self.credentials = CredentialState::Applied;
        self.run.report(&Event::WifiApplied);
        Ok(())
    }

    async fn confirm(&mut self, network: &NetworkCredentials) -> Result<Joined, FlowError> {
        let name = network.name();
        let deadline = Instant::now() + self.run.pace.join;
        let mut reported = None;
        let mut intervals = self.run.pace.status_intervals();
        let is_polled = self.device.abilities().reports == JoinReports::Polled;
        if is_polled {
            sleep(self.run.pace.first_status.min(self.run.pace.join)).await;
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let asked = self.device.join_state();
            let state = if is_polled {
                // A question that was begun in time gets all of its own.
                Some(asked.await)
            } else {
                timeout(left, asked).await.ok()
            };
            let state = match state {
                None => None,
                Some(Ok(state)) => Some(state),
                Some(Err(error)) => Some(self.state_after(error, &name, deadline).await?),
            };
            let mut is_new = true;
            match state {
                Some(JoinState::Joined { network, .. }) if network.name() != name => {
                    let expected = "a connection to the network that was asked for";
                    let source = SessionError::from(ReplyError::Unexpected { expected }).into();
                    return Err(FlowError::Unconfirmed {
                        network: name,
                        source,
                    });
                }
                Some(JoinState::Joined { network, urls }) => {
                    self.run.report(&Event::joined(&network));
                    return Ok(Joined { network, urls });
                }
                Some(JoinState::Failed(reason)) => {
                    return Err(FlowError::JoinFailed {
                        network: name,
                        reason,
                        forgotten: false,
                        visibility: None,
                    });
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
                return Err(FlowError::JoinTimedOut {
                    network: name,
                    waited: self.run.pace.join,
                    forgotten: false,
                    visibility: None,
                });
            }
            // A device that says the same again and again must not keep this thread busy.
            if is_polled || !is_new {
                sleep(intervals.next().map_or(left, |interval| interval.min(left))).await;
            }
        }
    }

    /// Looks for a device that was lost, and asks it. An access point that changes channel comes
    /// back within seconds; a device that has joined may have closed its own for good.
    async fn state_after(
        &mut self,
        error: ProvisionError,
        name: &NetworkName,
        deadline: Instant,
    ) -> Result<JoinState, FlowError> {
        let mut deadline = deadline.min(Instant::now() + self.run.pace.regain);
        self.run.report(&Event::ContactLost);
        self.credentials = CredentialState::Unknown;
        let unconfirmed = |source| FlowError::Unconfirmed {
            network: name.clone(),
            source,
        };
        let mut lost = cause_of(error)
            .map_err(|error| FlowError::of_provisioner(FlowStep::ConfirmingWifi, error))?;
        if !self.device.abilities().can_reconnect {
            return Err(unconfirmed(lost));
        }
        let mut reconnected = 0;
        while reconnected < MAX_RECONNECTS && Instant::now() < deadline {
            let waiting = Instant::now();
            let permit = self.run.handshakes.begin().await;
            // The limit is for the device, and not for other handshakes.
            deadline += waiting.elapsed();
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, self.reconnect(&permit)).await {
                Ok(Ok(())) => {
                    self.run.report(&Event::ContactRegained);
                    self.credentials = CredentialState::Applied;
                    reconnected += 1;
                    let error = match self.device.join_state().await {
                        Ok(state) => return Ok(state),
                        Err(error) => error,
                    };
                    self.credentials = CredentialState::Unknown;
                    lost = cause_of(error).map_err(|error| {
                        FlowError::of_provisioner(FlowStep::ConfirmingWifi, error)
                    })?;
                    // A device that answers, but not what it should, will do so again.
                    if matches!(lost, Cause::Session(SessionError::Reply(_))) {
                        break;
                    }
                }
                Ok(Err(ReconnectError::Final(cause))) => {
                    lost = cause;
                    break;
                }
                Ok(Err(ReconnectError::Unreachable)) | Err(_) => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            sleep(self.run.pace.regain_pause.min(left)).await;
        }
        Err(unconfirmed(lost))
    }

    async fn reconnect(&mut self, permit: &HandshakePermit) -> Result<(), ReconnectError> {
        let pace = &self.run.pace;
        // A device that cannot be reached at once may be back a moment later.
        let limits = Limits {
            connect: pace.limits.connect.min(pace.regain / 3),
            ..pace.limits.clone()
        };
        self.device.reconnect(permit, pace.regain, &limits).await
    }

    /// Asks the device to forget the credentials: they are stored, and a restart would go on with
    /// them. Firmware refuses while it joins, and some has done so by itself.
    pub async fn reset_credentials(&mut self) -> bool {
        match self.device.abilities().reset {
            ResetAbility::ByItself => return false,
            ResetAbility::NotNeeded => {
                self.credentials = CredentialState::Forgotten;
                return true;
            }
            ResetAbility::OnRequest => {}
        }
        let accepted = self.reset(self.run.pace.forget).await;
        self.run.report(&Event::WifiReset { accepted });
        if accepted {
            self.credentials = CredentialState::Forgotten;
        }
        accepted
    }

    /// Resets the device, on another connection if this one was cut off in the middle of a request. Each
    /// of the two has this limit.
    async fn reset(&mut self, limit: Duration) -> bool {
        match timeout(limit, self.device.reset()).await {
            Ok(Err(ProvisionError::LinkLost(_))) => {}
            outcome => return matches!(outcome, Ok(Ok(()))),
        }
        let permit = self.run.handshakes.begin().await;
        let again = timeout(limit, async {
            self.reconnect(&permit).await.is_ok() && self.device.reset().await.is_ok()
        });
        again.await.unwrap_or(false)
    }

    /// What the device sees now that it waits for credentials again. Only a help for words.
    async fn rescan(&mut self) -> Option<Vec<AccessPoint>> {
        if !self.device.abilities().can_scan {
            return None;
        }
        wifi::scan(self.run, self.device).await.ok()
    }
}

/// The cause of an error after which the device may be found again; any other error ends the run.
fn cause_of(error: ProvisionError) -> Result<Cause, ProvisionError> {
    match error {
        ProvisionError::LinkLost(cause)
        | ProvisionError::NotSent(cause)
        | ProvisionError::Refused { cause, .. }
        | ProvisionError::Unanswered(cause) => Ok(cause),
        error @ (ProvisionError::ScanUnfinished { .. } | ProvisionError::Unsupported { .. }) => {
            Err(error)
        }
    }
}

/// Asks for another passphrase if that could help.
async fn another_passphrase(
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
    let question = Question::NewPassphrase { ssid: ssid.clone() };
    let answer = run.ask(&question).await?;
    Some(NetworkCredentials::Wifi(WifiCredentials {
        ssid: ssid.clone(),
        passphrase: Passphrase::new(answer).ok()?,
    }))
}

/// What a Wi-Fi scan shows of the network.
fn visibility_of(name: &NetworkName, seen: &[AccessPoint]) -> Option<super::NetworkVisibility> {
    match name {
        NetworkName::Wifi(ssid) => Some(visibility(ssid, seen)),
        NetworkName::Thread(_) => None,
    }
}

/// Whether the device refused Apply.
fn is_refused(failure: &FlowError) -> bool {
    refusal(failure).is_some()
}

/// Whether the device refused Apply for the state that it is in.
fn is_wrong_state(sent: &Result<(), FlowError>) -> bool {
    sent.as_ref().err().and_then(refusal) == Some(true)
}

/// Of a refused Apply: whether another state of the device would allow it.
fn refusal(failure: &FlowError) -> Option<bool> {
    match failure {
        FlowError::Session {
            step: FlowStep::ApplyingWifi,
            source: SessionError::Reply(ReplyError::Refused { status }),
        } => Some(status.is_wrong_state()),
        FlowError::Protocol {
            step: FlowStep::ApplyingWifi,
            source: ProvisionError::Refused { is_wrong_state, .. },
        } => Some(*is_wrong_state),
        _ => None,
    }
}

/// A device that is lost again and again has another trouble than a change of channel.
const MAX_RECONNECTS: u32 = 3;

#[cfg(test)]
mod tests;
