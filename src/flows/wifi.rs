//! Which network: as given, or chosen from what the device itself sees. Having it joined is
//! `join`'s.
//!
//! Rules of the device's side: `NP/src/manager.c`, `network_config.c`, `network_scan.c`.

use std::cmp::Reverse;

use tokio::time::{Instant, sleep};

use super::{Choice, Chosen, Doing, Event, FlowError, Network, Question, Run, Sighting};
use crate::endpoint::ReplyError;
use crate::endpoint::version::{Version, WIFI_SCAN};
use crate::endpoint::wifi_config::SetWifi;
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
    /// How often to try again after a definite failure, with the same credentials.
    pub retries: u32,
}

/// The network that it is to be.
#[derive(Clone, Debug)]
pub struct Settled {
    /// What the device will be told.
    pub network: SetWifi,
    /// What the device's scan showed, if one was needed.
    pub seen: Option<Vec<AccessPoint>>,
}

/// What a scan shows of a network.
pub(super) fn sighting(ssid: &Ssid, seen: &[AccessPoint]) -> Sighting {
    let mut channels = seen
        .iter()
        .filter(|network| network.ssid.as_ref() == Some(ssid))
        .map(|network| network.channel)
        .peekable();
    if channels.peek().is_none() {
        Sighting::NotSeen
    } else if channels.all(|channel| channel > LAST_2_4_GHZ_CHANNEL) {
        Sighting::OnlyFiveGhz
    } else {
        Sighting::Seen
    }
}

/// Settles which network: as given, or chosen from what the device sees.
pub async fn settle(
    run: &Run,
    session: &mut Session,
    wanted: &Wanted,
    version: &Version,
) -> Result<Settled, FlowError> {
    match (&wanted.ssid, &wanted.passphrase) {
        (Some(ssid), Some(passphrase)) => Ok(Settled {
            network: SetWifi {
                ssid: ssid.clone(),
                passphrase: passphrase.clone(),
            },
            seen: None,
        }),
        (Some(ssid), None) => {
            // Only the scan can tell that a network needs no passphrase.
            let seen = if version.has(WIFI_SCAN) {
                scan(run, session).await?
            } else {
                Vec::new()
            };
            let network = find_by_name(ssid, &seen);
            let network = complete(run, ssid.clone(), network, wanted).await?;
            let seen = version.has(WIFI_SCAN).then_some(seen);
            Ok(Settled { network, seen })
        }
        (None, _) if !version.has(WIFI_SCAN) => {
            let named = run.ask(&Question::Ssid).await;
            let ssid = named.and_then(|name| name.expose().parse().ok());
            let ssid = ssid.ok_or(FlowError::MissingInput(Question::Ssid))?;
            let network = complete(run, ssid, None, wanted).await?;
            Ok(Settled {
                network,
                seen: None,
            })
        }
        (None, _) => loop {
            let seen = scan(run, session).await?;
            match run.choose(Choice::Networks(&seen)).await {
                Chosen::Item(index) => {
                    let network = seen.get(index);
                    let ssid = network.and_then(|network| network.ssid.clone());
                    let ssid = ssid.ok_or(FlowError::MissingInput(Question::Ssid))?;
                    let network = complete(run, ssid, network, wanted).await?;
                    let seen = Some(seen);
                    return Ok(Settled { network, seen });
                }
                Chosen::Manual(ssid) => {
                    let network = complete(run, ssid, None, wanted).await?;
                    let seen = Some(seen);
                    return Ok(Settled { network, seen });
                }
                Chosen::Declined | Chosen::Nothing => {
                    return Err(FlowError::MissingInput(Question::Ssid));
                }
                Chosen::Rescan => {}
            }
        },
    }
}

/// The network with this name. Several networks can share a name: if one of them requires a
/// passphrase, the name requires one. An open twin is how passwords and traffic are stolen.
fn find_by_name<'a>(ssid: &Ssid, seen: &'a [AccessPoint]) -> Option<&'a AccessPoint> {
    let named = || {
        seen.iter()
            .filter(|network| network.ssid.as_ref() == Some(ssid))
    };
    named()
        .find(|network| !network.auth.takes_no_passphrase())
        .or_else(|| named().next())
}

async fn complete(
    run: &Run,
    ssid: Ssid,
    network: Option<&AccessPoint>,
    wanted: &Wanted,
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
    let answer = run.ask(&question).await;
    let passphrase = answer.and_then(|answer| Passphrase::new(answer).ok());
    let passphrase = passphrase.ok_or(FlowError::MissingInput(question))?;
    Ok(SetWifi { ssid, passphrase })
}

/// Lists the networks that the device sees: strongest first, each name once.
pub async fn scan(run: &Run, session: &mut Session) -> Result<Vec<AccessPoint>, FlowError> {
    let scanning = |source| FlowError::Session {
        doing: Doing::Scanning,
        source,
    };
    run.report(&Event::WifiScanStarted);
    match session.call(&SCAN).await {
        // The driver is busy now and then, such as right after a reset.
        Err(SessionError::Reply(ReplyError::Refused { status })) if status.is_wrong_state() => {
            sleep(run.pace.scan_again).await;
            session.call(&SCAN).await.map_err(scanning)?;
        }
        outcome => outcome.map_err(scanning)?,
    }

    let deadline = Instant::now() + run.pace.scan;
    let count = loop {
        let progress = session.call(&ScanStatus).await.map_err(scanning)?;
        if progress.finished {
            break progress.count;
        }
        if Instant::now() + run.pace.scan_status > deadline {
            return Err(FlowError::ScanUnfinished {
                waited: run.pace.scan,
            });
        }
        sleep(run.pace.scan_status).await;
    };

    let most = entries_that_fit(session.longest_answer());
    let mut found = Vec::new();
    let mut start = 0;
    // Never beyond the count: old firmware crashes there, newer fails the whole request.
    while start < count {
        let results = ScanResults {
            start,
            count: most.min(count - start),
        };
        let entries = session.call(&results).await.map_err(scanning)?;
        if u32::try_from(entries.len()).is_ok_and(|length| length > results.count) {
            let expected = "the results that were asked for";
            return Err(scanning(ReplyError::Unexpected { expected }.into()));
        }
        found.extend(entries);
        start += results.count;
    }
    let networks = merge(found);
    run.report(&Event::WifiScanned {
        networks: networks.iter().map(Network::from).collect(),
    });
    Ok(networks)
}

/// How many entries to ask for at once: as many as the medium carries.
fn entries_that_fit(longest_answer: Option<usize>) -> u32 {
    let fits = longest_answer.map_or(PAGE, |longest| {
        let entries = longest.saturating_sub(AROUND) / ENTRY;
        u32::try_from(entries).unwrap_or(PAGE)
    });
    fits.clamp(1, PAGE)
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

/// Over HTTP: five channels at a time, so that the device's hotspot keeps us; not blocking, so
/// that its server keeps answering.
const SCAN: StartScan = StartScan {
    blocking: false,
    passive: false,
    group_channels: 5,
    period_ms: 120,
};
/// Entries in one answer, where it may be of any length: no device lists more by default.
const PAGE: u32 = 16;
/// One entry, at its longest.
const ENTRY: usize = 59;
/// What is around them: the message's own fields, and a tag of 16 bytes at its longest.
const AROUND: usize = 21;
/// From 36 on they are in the 5 GHz band, which most devices do not hear.
const LAST_2_4_GHZ_CHANNEL: u32 = 14;

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::endpoint::wifi_scan::AuthMode;
    use crate::flows::scripted_device::ScriptedDevice;
    use crate::flows::scripted_observer::ScriptedObserver;
    use crate::ident::Bssid;
    use crate::proto::network_provisioning::network_scan_payload::Payload;
    use crate::proto::network_provisioning::{
        NetworkScanPayload, RespScanWifiResult, RespScanWifiStart, RespScanWifiStatus,
        WiFiScanResult,
    };
    use crate::security::DeviceSecret;

    fn network(ssid: &str, auth: i32) -> AccessPoint {
        AccessPoint {
            ssid: ssid.parse().ok(),
            bssid: Bssid::from_bytes(&[2; 6]),
            channel: 6,
            rssi: -50,
            auth: AuthMode(auth),
        }
    }

    #[test]
    fn open_twin_of_secured_network_is_not_selected() {
        const OPEN: i32 = 0;
        const OWE: i32 = 9;
        const WPA2: i32 = 3;
        const ENTERPRISE: i32 = 5;
        let home: Ssid = "Home".parse().unwrap();
        let selected = |seen: &[AccessPoint]| find_by_name(&home, seen).map(|one| one.auth.0);
        for open in [OPEN, OWE] {
            for secured in [WPA2, ENTERPRISE] {
                let (open, secured) = (network("Home", open), network("Home", secured));
                let auth = Some(secured.auth.0);
                // In either order of signal strength.
                assert_eq!(selected(&[open.clone(), secured.clone()]), auth);
                assert_eq!(selected(&[secured, open]), auth);
            }
            let other = network("Other", WPA2);
            assert_eq!(selected(&[other, network("Home", open)]), Some(open));
        }
        assert_eq!(selected(&[network("Other", WPA2), network("", OPEN)]), None);
    }

    #[test]
    fn visibility_depends_on_the_bands_of_the_network_alone() {
        let home: Ssid = "Home".parse().unwrap();
        let on = |ssid: &str, channel| AccessPoint {
            channel,
            ..network(ssid, 3)
        };
        for (seen, expected) in [
            (vec![], Sighting::NotSeen),
            (vec![on("Other", 6)], Sighting::NotSeen),
            (vec![on("Home", 36), on("Other", 6)], Sighting::OnlyFiveGhz),
            (vec![on("Home", 36), on("Home", 14)], Sighting::Seen),
            (vec![on("Other", 36), on("Home", 1)], Sighting::Seen),
        ] {
            assert_eq!(sighting(&home, &seen), expected, "{seen:?}");
        }
    }

    /// A device that sees so many networks.
    fn device(count: u32) -> ScriptedDevice {
        ScriptedDevice::new(DeviceSecret::Sec0, move |_, request| {
            let asked = NetworkScanPayload::decode(request).unwrap();
            let payload = match asked.payload {
                Some(Payload::CmdScanWifiResult(page)) => {
                    let entries = page.start_index..page.start_index + page.count;
                    assert!(entries.end <= count, "beyond the count: {entries:?}");
                    Payload::RespScanWifiResult(RespScanWifiResult {
                        entries: entries.map(entry).collect(),
                    })
                }
                Some(Payload::CmdScanWifiStart(_)) => {
                    Payload::RespScanWifiStart(RespScanWifiStart::default())
                }
                _ => Payload::RespScanWifiStatus(RespScanWifiStatus {
                    scan_finished: true,
                    result_count: count,
                }),
            };
            let reply = NetworkScanPayload {
                msg: asked.msg + 1,
                payload: Some(payload),
                ..asked
            };
            Ok(reply.encode_to_vec())
        })
    }

    fn entry(number: u32) -> WiFiScanResult {
        WiFiScanResult {
            ssid: format!("network {number}").into_bytes(),
            ..WiFiScanResult::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn scan_fetches_every_page_and_nothing_beyond_the_count() {
        for (count, pages) in [(0, 0), (1, 1), (16, 1), (17, 2), (40, 3)] {
            let device = device(count);
            let mut session = device.secured().await.session;
            let found = scan(&ScriptedObserver::default().run(), &mut session).await;
            let found = found.unwrap();
            assert_eq!(u32::try_from(found.len()), Ok(count));
            // Beside the start and the status.
            assert_eq!(device.requests("prov-scan").len(), 2 + pages, "{count}");
        }
    }
}
