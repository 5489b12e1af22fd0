//! Has the device join a network, and finds out what came of it: hand over, apply, ask until it is
//! joined; after a definite failure make it forget and try again; find it again when it was lost
//! on the way. An outcome counts only when the device said so with the details that prove it.
//!
//! Rules of the device's side: `NP/src/manager.c`, `network_config.c`, `network_ctrl.c`.

use tokio::time::{Instant, sleep, timeout};

use super::connect::{NotRegained, Secured};
use super::wifi::{self, Settled, sighting};
use super::{Doing, Event, FlowError, Left, Observer, Pace, Question, Stage, StageState};
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
    /// The conversation; another one after contact was lost.
    pub secured: &'a mut Secured,
    /// What the device said about itself.
    pub version: &'a Version,
    /// Intervals and limits.
    pub pace: &'a Pace,
    /// What the device would be left with, were this the end.
    pub left: Left,
}

impl Joining<'_> {
    /// Has the network joined; after a definite failure up to `retries` times more, and as often
    /// as somebody has another passphrase.
    pub async fn run(
        &mut self,
        settled: Settled,
        retries: u32,
        observer: &mut dyn Observer,
    ) -> Result<(Ssid, ConnectedNetwork), FlowError> {
        let Settled {
            mut network,
            mut seen,
        } = settled;
        let mut attempt = 1;
        let mut before = None;
        loop {
            let reason = match (
                self.once(&network, attempt > 1, observer).await,
                before.take(),
            ) {
                (Ok(joined), _) => return Ok((network.ssid, joined)),
                (Err(FlowError::JoinFailed { reason, .. }), _) => reason,
                (Err(FlowError::JoinTimedOut { ssid, waited, .. }), _) => {
                    let forgotten = self.forget(observer).await;
                    if seen.is_none() && forgotten {
                        seen = self.look(observer).await;
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
            let forgotten = self.forget(observer).await;
            if reason == Some(JoinFailure::NetworkNotFound) && seen.is_none() && forgotten {
                seen = self.look(observer).await;
            }
            let failure = FlowError::JoinFailed {
                ssid: network.ssid.clone(),
                reason,
                forgotten,
                sighting: seen.as_deref().map(|seen| sighting(&network.ssid, seen)),
            };
            if attempt > retries {
                match another_passphrase(reason, &network.ssid, observer).await {
                    Some(passphrase) => network.passphrase = passphrase,
                    None => return Err(failure),
                }
            }
            attempt += 1;
            observer.event(&Event::WifiRetried {
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
        observer: &mut dyn Observer,
    ) -> Result<ConnectedNetwork, FlowError> {
        let began = Instant::now();
        observer.event(&Stage::SendWifi.event(StageState::Started, None));
        let mut sent = self.send(network, observer).await;
        // Before ESP-IDF 5.1 only the application can clear a failure, after attempts of its own.
        let deadline = Instant::now() + self.pace.apply_again;
        while retried && self.version.legacy && is_wrong_state(&sent) && Instant::now() < deadline {
            sleep(self.pace.slowest_status).await;
            sent = self.send(network, observer).await;
        }
        // What an earlier client left behind: a device that failed takes others after a reset.
        if is_wrong_state(&sent) && self.left == Left::Unapplied && self.forget(observer).await {
            sent = self.send(network, observer).await;
        }
        Stage::SendWifi.ended(began, StageState::of(sent.is_ok()), observer);
        sent?;

        let began = Instant::now();
        observer.event(&Stage::ConfirmWifi.event(StageState::Started, None));
        let confirmed = self.confirm(&network.ssid, observer).await;
        Stage::ConfirmWifi.ended(began, StageState::of(confirmed.is_ok()), observer);
        confirmed
    }

    async fn send(
        &mut self,
        network: &SetWifi,
        observer: &mut dyn Observer,
    ) -> Result<(), FlowError> {
        // Firmware without prov-ctrl took the session with it when it was asked to forget.
        if self.secured.session.is_lost() && self.secured.regain(self.pace).await.is_err() {
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
        observer.event(&Event::WifiSent {
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
        observer.event(&Event::WifiApplied);
        Ok(())
    }

    async fn confirm(
        &mut self,
        ssid: &Ssid,
        observer: &mut dyn Observer,
    ) -> Result<ConnectedNetwork, FlowError> {
        let deadline = Instant::now() + self.pace.join;
        let mut told = None;
        let mut intervals = self.pace.status_intervals();
        sleep(self.pace.first_status.min(self.pace.join)).await;
        loop {
            let state = match self.status().await {
                Ok(state) => state,
                Err(lost) => self.status_after(lost, ssid, deadline, observer).await?,
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
                    observer.event(&Event::joined(ssid, &network));
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
                        observer.event(&Event::WifiJoining { attempts_remaining });
                    }
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(FlowError::JoinTimedOut {
                    ssid: ssid.clone(),
                    waited: self.pace.join,
                    forgotten: false,
                    sighting: None,
                });
            }
            sleep(intervals.next().map_or(left, |interval| interval.min(left))).await;
        }
    }

    /// Asks once how joining goes. A question that was begun in time gets all of its own.
    async fn status(&mut self) -> Result<WifiState, SessionError> {
        let limit = self.pace.status_answer;
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
        observer: &mut dyn Observer,
    ) -> Result<WifiState, FlowError> {
        let deadline = deadline.min(Instant::now() + self.pace.regain);
        observer.event(&Event::ContactLost);
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
            match timeout(left, self.secured.regain(self.pace)).await {
                Ok(Ok(())) => {
                    observer.event(&Event::ContactRegained);
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
            sleep(self.pace.regain_pause.min(left)).await;
        }
        Err(FlowError::Unconfirmed {
            ssid: ssid.clone(),
            source: lost,
        })
    }

    /// Asks the device to forget the credentials: they are stored, and a restart would go on with
    /// them. Firmware refuses while it joins, and some has done so by itself.
    pub async fn forget(&mut self, observer: &mut dyn Observer) -> bool {
        // Before ESP-IDF 5.1 there is nobody to ask.
        if self.version.legacy {
            return false;
        }
        let accepted = timeout(self.pace.forget, self.reset())
            .await
            .unwrap_or(false);
        observer.event(&Event::WifiReset { accepted });
        if accepted {
            self.left = Left::Forgotten;
        }
        accepted
    }

    async fn reset(&mut self) -> bool {
        match self.secured.session.call(&ResetWifi).await {
            // A request was cut off in the middle.
            Err(SessionError::Lost) => {
                self.secured.regain(self.pace).await.is_ok()
                    && self.secured.session.call(&ResetWifi).await.is_ok()
            }
            outcome => outcome.is_ok(),
        }
    }

    /// What the device sees now that it waits for credentials again. Only a help for words.
    async fn look(&mut self, observer: &mut dyn Observer) -> Option<Vec<AccessPoint>> {
        if !self.version.has(WIFI_SCAN) {
            return None;
        }
        wifi::scan(&mut self.secured.session, self.pace, observer)
            .await
            .ok()
    }
}

/// Asks for another passphrase where that could help.
async fn another_passphrase(
    reason: Option<JoinFailure>,
    ssid: &Ssid,
    observer: &mut dyn Observer,
) -> Option<Passphrase> {
    if reason == Some(JoinFailure::NetworkNotFound) {
        return None;
    }
    let question = Question::NewPassphrase { ssid: ssid.clone() };
    let answer = observer.ask(&question).await?;
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
