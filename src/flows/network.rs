//! Selects the network: as given, or chosen from the networks that the device sees. `join` makes the
//! device join it.
//!
//! The device's rules are in `NP/src/manager.c`, `network_config.c`, `network_scan.c`.

use super::growing::Growing;
use super::request::NetworkRequest;
use super::{Choice, Chosen, Event, FlowError, FlowStep, NetworkVisibility, Question, Run};
use crate::endpoint::wifi_scan::{AccessPoint, AuthMode};
use crate::ident::{Passphrase, Ssid};
use crate::provisioner::{NetworkCredentials, Provisioner, WifiCredentials};

/// The selected network.
#[derive(Clone, Debug)]
pub struct NetworkSelection {
    /// The credentials to send to the device.
    pub network: NetworkCredentials,
    /// The result of the device's scan, if one was needed.
    pub seen: Option<Vec<AccessPoint>>,
}

impl NetworkVisibility {
    /// Whether and on which band a scan shows the network.
    pub(super) fn of(ssid: &Ssid, seen: &[AccessPoint]) -> Self {
        let mut channels = seen
            .iter()
            .filter(|network| network.ssid.as_ref() == Some(ssid))
            .map(|network| network.channel)
            .peekable();
        if channels.peek().is_none() {
            Self::NotSeen
        } else if channels.all(|channel| channel > LAST_2_4_GHZ_CHANNEL) {
            Self::OnlyFiveGhz
        } else {
            Self::Seen
        }
    }
}

/// Selects the network: as given, or chosen from the networks that the device sees. Asks for a missing
/// passphrase.
pub async fn select_network(
    run: &Run,
    device: &mut dyn Provisioner,
    wanted: &NetworkRequest,
) -> Result<NetworkSelection, FlowError> {
    if let (Some(ssid), Some(passphrase)) = (&wanted.ssid, &wanted.passphrase) {
        let network = wifi_credentials(ssid.clone(), passphrase.clone());
        let seen = None;
        return Ok(NetworkSelection { network, seen });
    }
    loop {
        // Only a scan shows whether the network needs a passphrase.
        let seen = if device.abilities().can_scan {
            Some(scan_networks(run, device).await?)
        } else {
            None
        };
        let (ssid, network) = match (&wanted.ssid, &seen) {
            (Some(ssid), seen) => {
                let seen = seen.as_deref().unwrap_or_default();
                (Some(ssid.clone()), find_by_name(ssid, seen))
            }
            (None, None) => {
                let answer = run.require(Question::Ssid).await?;
                (answer.expose().parse().ok(), None)
            }
            (None, Some(seen)) => {
                let list = Growing::complete(seen.clone());
                match run.choose(Choice::Networks(list)).await {
                    Chosen::Item(index) => {
                        let network = seen.get(index);
                        (network.and_then(|network| network.ssid.clone()), network)
                    }
                    Chosen::Manual(ssid) => (Some(ssid), None),
                    Chosen::Declined | Chosen::Nothing => (None, None),
                    Chosen::Rescan => continue,
                }
            }
        };
        let ssid = ssid.ok_or(FlowError::MissingInput(Question::Ssid))?;
        let network = complete_credentials(run, ssid, network, wanted).await?;
        return Ok(NetworkSelection { network, seen });
    }
}

/// The network with this name. Several networks can share a name: if one of them requires a
/// passphrase, it is selected, because an open one may be an attacker's copy of it.
fn find_by_name<'a>(ssid: &Ssid, seen: &'a [AccessPoint]) -> Option<&'a AccessPoint> {
    let named = || {
        seen.iter()
            .filter(|network| network.ssid.as_ref() == Some(ssid))
    };
    named()
        .find(|network| !network.auth.takes_no_passphrase())
        .or_else(|| named().next())
}

/// Adds the passphrase: as given, none for an open network, or typed by the user. `network`: what the
/// scan shows.
async fn complete_credentials(
    run: &Run,
    ssid: Ssid,
    network: Option<&AccessPoint>,
    wanted: &NetworkRequest,
) -> Result<NetworkCredentials, FlowError> {
    let auth = network.map(|network| network.auth);
    if let Some(auth) = auth.filter(|auth| auth.is_enterprise()) {
        return Err(FlowError::EnterpriseNetwork { ssid, auth });
    }
    let passphrase = match &wanted.passphrase {
        Some(given) => given.clone(),
        None if auth.is_some_and(AuthMode::takes_no_passphrase) => Passphrase::none(),
        None => {
            let question = Question::Passphrase(ssid.clone());
            let answer = run.require(question.clone()).await?;
            Passphrase::new(answer).map_err(|_| FlowError::MissingInput(question))?
        }
    };
    Ok(wifi_credentials(ssid, passphrase))
}

const fn wifi_credentials(ssid: Ssid, passphrase: Passphrase) -> NetworkCredentials {
    NetworkCredentials::Wifi(WifiCredentials { ssid, passphrase })
}

/// Lists the networks that the device sees: the strongest first, each name once.
pub async fn scan_networks(
    run: &Run,
    device: &mut dyn Provisioner,
) -> Result<Vec<AccessPoint>, FlowError> {
    run.report(&Event::WifiScanStarted);
    let scanned = device.scan_networks().await;
    let networks = scanned.map_err(FlowError::of_provisioner(FlowStep::Scanning))?;
    run.report(&Event::WifiScanned {
        networks: networks.clone(),
    });
    Ok(networks)
}

/// Channels from 36 are in the 5 GHz band, which most devices do not support.
const LAST_2_4_GHZ_CHANNEL: u32 = 14;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Bssid;

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
        let selected = |seen: &[AccessPoint]| Some(find_by_name(&home, seen)?.auth.0);
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
    fn visibility_depends_on_bands_of_the_network_only() {
        let home: Ssid = "Home".parse().unwrap();
        let on = |ssid: &str, channel| AccessPoint {
            channel,
            ..network(ssid, 3)
        };
        for (seen, expected) in [
            (vec![], NetworkVisibility::NotSeen),
            (vec![on("Other", 6)], NetworkVisibility::NotSeen),
            (
                vec![on("Home", 36), on("Other", 6)],
                NetworkVisibility::OnlyFiveGhz,
            ),
            (
                vec![on("Home", 36), on("Home", 14)],
                NetworkVisibility::Seen,
            ),
            (
                vec![on("Other", 36), on("Home", 1)],
                NetworkVisibility::Seen,
            ),
        ] {
            assert_eq!(NetworkVisibility::of(&home, &seen), expected, "{seen:?}");
        }
    }
}
