//! Wi-Fi over a session: list what the device sees, hand over a network, wait until it is joined.
//! An outcome counts only when the device said so with the details that prove it.
//!
//! Rules of the device's side: `NP/src/manager.c`, `network_config.c`, `network_scan.c`.

use std::cmp::Reverse;

use tokio::time::{Instant, sleep};

use super::{
    Choice, Chosen, Doing, Event, FlowError, Network, Observer, Pace, Question, Stage, StageState,
};
use crate::endpoint::ReplyError;
use crate::endpoint::version::{Version, WIFI_SCAN};
use crate::endpoint::wifi_config::{ApplyWifi, ConnectedNetwork, SetWifi, WifiState, WifiStatus};
use crate::endpoint::wifi_ctrl::ResetWifi;
use crate::endpoint::wifi_scan::{AccessPoint, ScanResults, ScanStatus, StartScan};
use crate::ident::{Passphrase, Ssid};
use crate::session::{Session, SessionError};

/// What the person said about the network. What is missing is chosen or asked.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The network's name.
    pub ssid: Option<Ssid>,
    /// Its passphrase; empty for an open network, absent when not given.
    pub passphrase: Option<Passphrase>,
}

/// Settles which network: as given, or chosen from what the device sees.
pub async fn settle(
    session: &mut Session,
    wanted: &Wanted,
    version: &Version,
    pace: &Pace,
    observer: &mut dyn Observer,
) -> Result<SetWifi, FlowError> {
    match (&wanted.ssid, &wanted.passphrase) {
        (Some(ssid), Some(passphrase)) => Ok(SetWifi {
            ssid: ssid.clone(),
            passphrase: passphrase.clone(),
        }),
        (Some(ssid), None) => {
            // Only the scan can tell that a network needs no passphrase.
            let seen = if version.has(WIFI_SCAN) {
                scan(session, pace, observer).await?
            } else {
                Vec::new()
            };
            let network = seen
                .iter()
                .find(|network| network.ssid.as_ref() == Some(ssid));
            complete(ssid.clone(), network, wanted, observer).await
        }
        (None, _) if !version.has(WIFI_SCAN) => Err(FlowError::MissingInput(Question::Ssid)),
        (None, _) => loop {
            let seen = scan(session, pace, observer).await?;
            match observer.choose(&Choice::Networks(&seen)).await {
                Chosen::Item(index) => {
                    let network = seen.get(index);
                    let ssid = network.and_then(|network| network.ssid.clone());
                    let ssid = ssid.ok_or(FlowError::MissingInput(Question::Ssid))?;
                    return complete(ssid, network, wanted, observer).await;
                }
                Chosen::Manual(ssid) => return complete(ssid, None, wanted, observer).await,
                Chosen::Nothing => return Err(FlowError::MissingInput(Question::Ssid)),
                Chosen::Rescan => {}
            }
        },
    }
}

async fn complete(
    ssid: Ssid,
    network: Option<&AccessPoint>,
    wanted: &Wanted,
    observer: &mut dyn Observer,
) -> Result<SetWifi, FlowError> {
    if let Some(auth) = network
        .map(|network| network.auth)
        .filter(|auth| auth.is_enterprise())
    {
        return Err(FlowError::EnterpriseNetwork { ssid, auth });
    }
    if let Some(passphrase) = &wanted.passphrase {
        return Ok(SetWifi {
            ssid,
            passphrase: passphrase.clone(),
        });
    }
    if network.is_some_and(|network| network.auth.takes_no_passphrase()) {
        return Ok(SetWifi {
            ssid,
            passphrase: Passphrase::none(),
        });
    }
    let question = Question::Passphrase { ssid: ssid.clone() };
    let answer = observer.ask(&question).await;
    let passphrase = answer.and_then(|answer| Passphrase::new(answer).ok());
    let passphrase = passphrase.ok_or(FlowError::MissingInput(question))?;
    Ok(SetWifi { ssid, passphrase })
}

/// Lists the networks that the device sees: strongest first, each name once.
pub async fn scan(
    session: &mut Session,
    pace: &Pace,
    observer: &mut dyn Observer,
) -> Result<Vec<AccessPoint>, FlowError> {
    let scanning = |source| FlowError::Session {
        doing: Doing::Scanning,
        source,
    };
    observer.event(&Event::WifiScanStarted);
    session.call(&SCAN).await.map_err(scanning)?;

    let deadline = Instant::now() + pace.scan;
    let count = loop {
        let progress = session.call(&ScanStatus).await.map_err(scanning)?;
        if progress.finished {
            break progress.count;
        }
        if Instant::now() + pace.scan_status > deadline {
            return Err(FlowError::ScanUnfinished { waited: pace.scan });
        }
        sleep(pace.scan_status).await;
    };

    let mut found = Vec::new();
    let mut start = 0;
    // Never beyond the count: old firmware crashes there, newer fails the whole request.
    while start < count {
        let results = ScanResults {
            start,
            count: PAGE.min(count - start),
        };
        found.extend(session.call(&results).await.map_err(scanning)?);
        start += results.count;
    }
    let networks = merge(found);
    observer.event(&Event::WifiScanned {
        networks: networks.iter().map(Network::from).collect(),
    });
    Ok(networks)
}

/// One entry a network: several access points share a name, and the strongest stands for them.
fn merge(mut found: Vec<AccessPoint>) -> Vec<AccessPoint> {
    found.sort_by_key(|network| Reverse(network.rssi));
    let mut networks: Vec<AccessPoint> = Vec::new();
    for network in found {
        let known = |other: &AccessPoint| {
            network.ssid.is_some() && other.ssid == network.ssid && other.auth == network.auth
        };
        if !networks.iter().any(known) {
            networks.push(network);
        }
    }
    networks
}

/// Hands over a network, has it joined and waits for the outcome.
pub async fn join(
    session: &mut Session,
    network: &SetWifi,
    pace: &Pace,
    observer: &mut dyn Observer,
) -> Result<ConnectedNetwork, FlowError> {
    let began = Instant::now();
    observer.event(&Stage::SendWifi.event(StageState::Started, None));
    let sent = send(session, network, observer).await;
    end_stage(Stage::SendWifi, began, sent.is_ok(), observer);
    sent?;

    let began = Instant::now();
    observer.event(&Stage::ConfirmWifi.event(StageState::Started, None));
    let confirmed = confirm(session, &network.ssid, pace, observer).await;
    end_stage(Stage::ConfirmWifi, began, confirmed.is_ok(), observer);
    confirmed
}

fn end_stage(stage: Stage, began: Instant, ok: bool, observer: &mut dyn Observer) {
    let outcome = if ok {
        StageState::Done
    } else {
        StageState::Failed
    };
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    observer.event(&stage.event(outcome, Some(took)));
}

async fn send(
    session: &mut Session,
    network: &SetWifi,
    observer: &mut dyn Observer,
) -> Result<(), FlowError> {
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
    session
        .call(&ApplyWifi)
        .await
        .map_err(|source| match source {
            // The device said no: nothing was applied.
            SessionError::Reply(ReplyError::Refused { .. }) => FlowError::Session {
                doing: Doing::ApplyingWifi,
                source,
            },
            // Perhaps it heard us, and perhaps what cannot be read was a yes.
            source => FlowError::Unconfirmed {
                ssid: network.ssid.clone(),
                source,
            },
        })?;
    observer.event(&Event::WifiApplied);
    Ok(())
}

async fn confirm(
    session: &mut Session,
    ssid: &Ssid,
    pace: &Pace,
    observer: &mut dyn Observer,
) -> Result<ConnectedNetwork, FlowError> {
    let deadline = Instant::now() + pace.join;
    let mut told = None;
    let mut interval = pace.status;
    sleep(pace.first_status.min(pace.join)).await;
    loop {
        let state = session
            .call(&WifiStatus)
            .await
            .map_err(|source| FlowError::Unconfirmed {
                ssid: ssid.clone(),
                source,
            })?;
        match state {
            WifiState::Connected(network) => {
                observer.event(&Event::joined(ssid, &network));
                return Ok(*network);
            }
            WifiState::Failed { reason } => {
                // The device has stored the credentials; after a restart it would go on with them.
                let forgotten = session.call(&ResetWifi).await.is_ok();
                return Err(FlowError::JoinFailed {
                    ssid: ssid.clone(),
                    reason,
                    forgotten,
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
                waited: pace.join,
            });
        }
        sleep(interval.min(left)).await;
        interval = (interval + interval / 4).min(pace.slowest_status);
    }
}

/// Over HTTP: five channels at a time, so that the device's hotspot keeps us; not blocking, so
/// that its server keeps answering.
const SCAN: StartScan = StartScan {
    blocking: false,
    passive: false,
    group_channels: 5,
    period_ms: 120,
};
/// Entries in one answer: 59 bytes each at most, and no device lists more than this by default.
const PAGE: u32 = 16;
