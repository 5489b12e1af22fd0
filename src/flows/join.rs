//! Has the device join a network, and finds out what came of it: hand over, apply, ask until it is
//! joined; after a definite failure make it forget and try again; find it again when it was lost
//! on the way. An outcome counts only when the device said so with the details that prove it.
//!
//! Rules of the device's side: `NP/src/manager.c`, `network_config.c`, `network_ctrl.c`.

use tokio::time::{Instant, sleep, timeout};

use super::connect::{NotRegained, Secured};
use super::wifi::{self, Settled, sighting};
use super::{Doing, Event, FlowError, Left, Question, Run, Stage};
use crate::endpoint::ReplyError;
use crate::endpoint::version::{Version, WIFI_SCAN};
use crate::endpoint::wifi_config::{
    ApplyWifi, ConnectedNetwork, JoinFailure, SetWifi, WifiState, WifiStatus,
};
use crate::endpoint::wifi_ctrl::ResetWifi;
use crate::endpoint::wifi_scan::AccessPoint;
use crate::ident::{Passphrase, Ssid};
use crate::proto::EndpointName;
use crate::session::SessionError;
use crate::transport::TransportError;

/// A device that is being given a network.
#[derive(Debug)]
pub struct Joining<'a> {
    /// The run that this is a part of.
    pub run: &'a Run,
    /// The conversation; another one after contact was lost.
    pub secured: &'a mut Secured,
    /// What the device said about itself.
    pub version: &'a Version,
    /// What the device would be left with, were this the end.
    pub left: Left,
}

impl Joining<'_> {
    /// Has the network joined; after a definite failure up to `retries` times more, and as often
    /// as somebody has another passphrase.
    pub async fn join(
        &mut self,
        settled: Settled,
        retries: u32,
    ) -> Result<(Ssid, ConnectedNetwork), FlowError> {
        let Settled {
            mut network,
            mut seen,
        } = settled;
        let mut attempt = 1;
        let mut before = None;
        loop {
            let reason = match (self.once(&network, attempt > 1).await, before.take()) {
                (Ok(joined), _) => return Ok((network.ssid, joined)),
                (Err(FlowError::JoinFailed { reason, .. }), _) => reason,
                (Err(FlowError::JoinTimedOut { ssid, waited, .. }), _) => {
                    let forgotten = self.forget().await;
                    if seen.is_none() && forgotten {
                        seen = self.look().await;
                    }
                    return Err(FlowError::JoinTimedOut {
                        sighting: seen.map(|seen| sighting(&ssid, &seen)),
                        forgotten,
                        ssid,
                        waited,
                    });
                }
                // Firmware that did not forget takes no others: the attempt before is the story.
                (
                    Err(FlowError::Session {
                        doing: Doing::ApplyingWifi,
                        source: SessionError::Reply(ReplyError::Refused { .. }),
                    }),
                    Some(
                        before @ FlowError::JoinFailed {
                            forgotten: false, ..
                        },
                    ),
                ) => return Err(before),
                (Err(failure), _) => return Err(failure),
            };
            let forgotten = self.forget().await;
            if reason == Some(JoinFailure::NetworkNotFound) && seen.is_none() && forgotten {
                seen = self.look().await;
            }
            let failure = FlowError::JoinFailed {
                ssid: network.ssid.clone(),
                reason,
                forgotten,
                sighting: seen.as_deref().map(|seen| sighting(&network.ssid, seen)),
            };
            if attempt > retries {
                match another_passphrase(self.run, reason, &network.ssid).await {
                    Some(passphrase) => network.passphrase = passphrase,
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
    async fn once(
        &mut self,
        network: &SetWifi,
        retried: bool,
    ) -> Result<ConnectedNetwork, FlowError> {
        let stage = self.run.start_stage(Stage::SendWifi);
        let mut sent = self.send(network).await;
        // Before ESP-IDF 5.1 only the application can clear a failure, after attempts of its own.
        let deadline = Instant::now() + self.run.pace.apply_again;
        while retried && self.version.legacy && is_wrong_state(&sent) && Instant::now() < deadline {
            sleep(self.run.pace.slowest_status).await;
            sent = self.send(network).await;
        }
        // What an earlier client left behind: a device that failed takes others after a reset.
        if is_wrong_state(&sent) && self.left == Left::Unapplied && self.forget().await {
            sent = self.send(network).await;
        }
        self.run.end_stage(&stage, sent.is_ok());
        sent?;

        let stage = self.run.start_stage(Stage::ConfirmWifi);
        let confirmed = self.confirm(&network.ssid).await;
        self.run.end_stage(&stage, confirmed.is_ok());
        confirmed
    }

    async fn send(&mut self, network: &SetWifi) -> Result<(), FlowError> {
        // Firmware without prov-ctrl took the session with it when it was asked to forget.
        if self.secured.session.is_lost() && self.secured.regain(self.run).await.is_err() {
            return Err(FlowError::Session {
                doing: Doing::SendingWifi,
                source: SessionError::Lost,
            });
        }
        self.left = Left::Unapplied;
        let session = &mut self.secured.session;
        session
            .call(network)
            .await
            .map_err(|source| FlowError::Session {
                doing: Doing::SendingWifi,
                source,
            })?;
        self.run.report(&Event::WifiSent {
            ssid: network.ssid.clone(),
            ssid_hex: network.ssid.to_hex(),
        });
        // Until it has answered.
        self.left = Left::Unknown;
        if let Err(source) = session.call(&ApplyWifi).await {
            let ssid = network.ssid.clone();
            // Perhaps it heard us, and perhaps what cannot be read was a yes.
            if !is_surely_not_applied(&source) {
                return Err(FlowError::Unconfirmed { ssid, source });
            }
            self.left = Left::Unapplied;
            return Err(FlowError::Session {
                doing: Doing::ApplyingWifi,
                source,
            });
        }
        self.left = Left::Applied;
        self.run.report(&Event::WifiApplied);
        Ok(())
    }

    async fn confirm(&mut self, ssid: &Ssid) -> Result<ConnectedNetwork, FlowError> {
        let deadline = Instant::now() + self.run.pace.join;
        let mut told = None;
        let mut intervals = self.run.pace.status_intervals();
        sleep(self.run.pace.first_status.min(self.run.pace.join)).await;
        loop {
            let state = match self.status().await {
                Ok(state) => state,
                Err(lost) => self.status_after(lost, ssid, deadline).await?,
            };
            match state {
                WifiState::Connected(network)
                    if network.ssid.as_ref().is_some_and(|joined| joined != ssid) =>
                {
                    let expected = "a connection to the network that was asked for";
                    return Err(FlowError::Unconfirmed {
                        ssid: ssid.clone(),
                        source: ReplyError::Unexpected { expected }.into(),
                    });
                }
                WifiState::Connected(network) => {
                    self.run.report(&Event::joined(ssid, &network));
                    return Ok(*network);
                }
                WifiState::Failed { reason } => {
                    return Err(FlowError::JoinFailed {
                        ssid: ssid.clone(),
                        reason,
                        forgotten: false,
                        sighting: None,
                    });
                }
                WifiState::Connecting { attempts_remaining } => {
                    if told != Some(attempts_remaining) {
                        told = Some(attempts_remaining);
                        self.run.report(&Event::WifiJoining { attempts_remaining });
                    }
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(FlowError::JoinTimedOut {
                    ssid: ssid.clone(),
                    waited: self.run.pace.join,
                    forgotten: false,
                    sighting: None,
                });
            }
            sleep(intervals.next().map_or(left, |interval| interval.min(left))).await;
        }
    }

    /// Asks once how joining goes. A question that was begun in time gets all of its own.
    async fn status(&mut self) -> Result<WifiState, SessionError> {
        let limit = self.run.pace.status_answer;
        match timeout(limit, self.secured.session.call(&WifiStatus)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(SessionError::Transport(TransportError::TimedOut {
                endpoint: EndpointName::PROV_CONFIG,
                waited: limit,
            })),
        }
    }

    /// Looks for a device that was lost, and asks it. An access point that changes channel comes
    /// back within seconds; a device that has joined may have closed its own for good.
    async fn status_after(
        &mut self,
        mut lost: SessionError,
        ssid: &Ssid,
        deadline: Instant,
    ) -> Result<WifiState, FlowError> {
        let deadline = deadline.min(Instant::now() + self.run.pace.regain);
        self.run.report(&Event::ContactLost);
        self.left = Left::Unknown;
        if !self.secured.has_a_way_back() {
            return Err(FlowError::Unconfirmed {
                ssid: ssid.clone(),
                source: lost,
            });
        }
        let mut regained = 0;
        while regained < MOST_REGAINED && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, self.secured.regain(self.run)).await {
                Ok(Ok(())) => {
                    self.run.report(&Event::ContactRegained);
                    self.left = Left::Applied;
                    regained += 1;
                    match self.status().await {
                        Ok(state) => return Ok(state),
                        Err(error) => {
                            self.left = Left::Unknown;
                            lost = error;
                        }
                    }
                    // A device that answers, but not what it should, will do so again.
                    if matches!(lost, SessionError::Reply(_)) {
                        break;
                    }
                }
                Ok(Err(NotRegained::Final(error))) => {
                    lost = error;
                    break;
                }
                Ok(Err(NotRegained::Away)) | Err(_) => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            sleep(self.run.pace.regain_pause.min(left)).await;
        }
        Err(FlowError::Unconfirmed {
            ssid: ssid.clone(),
            source: lost,
        })
    }

    /// Asks the device to forget the credentials: they are stored, and a restart would go on with
    /// them. Firmware refuses while it joins, and some has done so by itself.
    pub async fn forget(&mut self) -> bool {
        // Before ESP-IDF 5.1 there is nobody to ask.
        if self.version.legacy {
            return false;
        }
        let accepted = timeout(self.run.pace.forget, self.reset())
            .await
            .unwrap_or(false);
        self.run.report(&Event::WifiReset { accepted });
        if accepted {
            self.left = Left::Forgotten;
        }
        accepted
    }

    async fn reset(&mut self) -> bool {
        match self.secured.session.call(&ResetWifi).await {
            // A request was cut off in the middle.
            Err(SessionError::Lost) => {
                self.secured.regain(self.run).await.is_ok()
                    && self.secured.session.call(&ResetWifi).await.is_ok()
            }
            outcome => outcome.is_ok(),
        }
    }

    /// What the device sees now that it waits for credentials again. Only a help for words.
    async fn look(&mut self) -> Option<Vec<AccessPoint>> {
        if !self.version.has(WIFI_SCAN) {
            return None;
        }
        wifi::scan(self.run, &mut self.secured.session).await.ok()
    }
}

/// Asks for another passphrase where that could help.
async fn another_passphrase(
    run: &Run,
    reason: Option<JoinFailure>,
    ssid: &Ssid,
) -> Option<Passphrase> {
    if reason == Some(JoinFailure::NetworkNotFound) {
        return None;
    }
    let question = Question::NewPassphrase { ssid: ssid.clone() };
    let answer = run.ask(&question).await?;
    Passphrase::new(answer).ok()
}

/// Whether the device refused Apply for the state that it is in.
fn is_wrong_state(sent: &Result<(), FlowError>) -> bool {
    matches!(
        sent,
        Err(FlowError::Session {
            doing: Doing::ApplyingWifi,
            source: SessionError::Reply(ReplyError::Refused { status }),
        }) if status.is_wrong_state()
    )
}

/// Whether the device said no to Apply, or never heard of it.
fn is_surely_not_applied(error: &SessionError) -> bool {
    matches!(
        error,
        SessionError::Reply(ReplyError::Refused { .. })
            | SessionError::Transport(
                TransportError::NoSuchEndpoint { .. }
                    | TransportError::PermissionDenied { .. }
                    | TransportError::Unreachable { .. }
            )
    )
}

/// A device that is lost again and again has another trouble than a change of channel.
const MOST_REGAINED: u32 = 3;

#[cfg(test)]
mod tests;
