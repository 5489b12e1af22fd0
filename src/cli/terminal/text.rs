//! Events, versions and networks as lines for people.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::duration::format_duration;
use super::table::align;
use crate::endpoint::version::Version;
use crate::endpoint::wifi_scan::AccessPoint;
use crate::flows::{Event, MappingMethod, SchemeSource, Stage, StageState};
use crate::ident::printable;

/// Formats an event; some have no line. `stages` has the stages that began: their numbers follow the
/// real order and stay the same when an attempt is repeated.
pub(super) fn format_event(event: &Event, stages: &mut Vec<Stage>) -> Option<String> {
    Some(match event {
        Event::SearchStarted {
            transport,
            address: Some(address),
            ..
        } => format!("Looking for a device over {transport} at {address}"),
        Event::SearchStarted {
            transport,
            name: Some(name),
            ..
        } => {
            let name = printable(name.as_bytes());
            transport.words.searching_by_name.replace("{}", &name)
        }
        Event::SearchStarted { transport, .. } => transport.words.searching.to_owned(),
        Event::DeviceFound { .. } => "Connecting...".to_owned(),
        Event::DeviceSeen { .. } => return None,
        Event::Connected { address } => format!("Connected to {address}"),
        Event::VersionRead { version } => version_line(version),
        Event::SchemeChosen { scheme, source } => {
            let origin = match source {
                SchemeSource::Announced | SchemeSource::Probed => "Auto-detected ",
                SchemeSource::Requested => "",
            };
            format!("==== {origin}Security Scheme: {} ====", scheme.number())
        }
        Event::Secured { .. } => "Establishing session - Successful".to_owned(),
        Event::WifiScanStarted => "Scanning Wi-Fi AP's...".to_owned(),
        Event::WifiScanned { networks } => {
            format!("The device sees {} network(s)", networks.len())
        }
        Event::ThreadSent { .. } => "Sending Thread credentials to node - Successful".to_owned(),
        Event::WifiSent { .. } => "Sending Wi-Fi credentials to node - Successful".to_owned(),
        Event::WifiApplied => "Applying Wi-Fi config to node - Successful".to_owned(),
        Event::WifiJoining { attempts_remaining } => match attempts_remaining {
            Some(left) => format!("An attempt to join failed, {left} left"),
            None => "The device is joining...".to_owned(),
        },
        Event::ContactLost => "Contact to the device was lost; looking for it again...".to_owned(),
        Event::ContactRegained => "The device is back".to_owned(),
        Event::WifiReset { accepted } => if *accepted {
            "The device forgot the credentials"
        } else {
            "The device did not take the request to forget the credentials"
        }
        .to_owned(),
        Event::WifiRetried { attempt, after } => format!("Attempt {attempt}, after: {after}"),
        Event::WifiJoined(wifi) => format!("The device joined {}", wifi.ssid),
        Event::ThreadJoined(thread) => format!(
            "The device joined the Thread network {}",
            printable(thread.network_name.as_bytes())
        ),
        Event::MappingStarted { method } => match method {
            MappingMethod::ChallengeResponse => {
                "Device supports challenge-response, initiating user-node association..."
            }
            MappingMethod::SecretKey => {
                "Device does not support challenge-response, proceeding with traditional flow"
            }
        }
        .to_owned(),
        Event::ChallengeMissed { why } => {
            format!("The account has given no challenge, which older firmware does not need: {why}")
        }
        Event::ChallengeRequested => "Fetching a challenge from the account...".to_owned(),
        Event::ChallengeSigned { node_id } => format!("The node {node_id} signed the challenge"),
        Event::ChallengeResponseDisabled { already } => if *already {
            "Challenge-response was switched off already"
        } else {
            "Challenge-response is switched off until the device restarts"
        }
        .to_owned(),
        Event::UserSent { .. } => "Sending user information to node - Successful".to_owned(),
        Event::MappingDeferred {
            why, seconds_left, ..
        } => format!(
            "The account cannot be reached from here ({why}). The run goes on, and confirms the \
             mapping when this computer is on the internet again, within {}",
            format_duration(Duration::from_secs(*seconds_left))
        ),
        Event::MappingWaits { seconds_left, .. } => format!(
            "The device is done. Connect this computer to the internet to confirm the mapping; \
             that counts for {}",
            format_duration(Duration::from_secs(*seconds_left))
        ),
        Event::MappingPolled { status, elapsed_s } => {
            format!("Mapping status: {status} (elapsed: {elapsed_s}s)")
        }
        Event::Mapped {
            node_id, method, ..
        } => match method {
            MappingMethod::ChallengeResponse => format!(
                "Challenge-response user-node association successful\n\
                 Node {node_id} mapped to your account successfully!"
            ),
            MappingMethod::SecretKey => {
                format!("Node {node_id} added to your account successfully!")
            }
        },
        Event::Stage {
            stage,
            title,
            state,
            took_ms,
        } => {
            let place = stages.iter().position(|began| began == stage);
            let number = place.unwrap_or_default() + 1;
            let took = Duration::from_millis(took_ms.unwrap_or_default()).as_secs_f32();
            match state {
                StageState::Started => {
                    stages.extend(place.is_none().then_some(*stage));
                    return None;
                }
                StageState::Done => format!("[{number}] {title}: done, {took:.1} s"),
                StageState::Failed => format!("[{number}] {title}: failed, {took:.1} s"),
                StageState::Skipped => format!("[-] {title}: skipped"),
            }
        }
        Event::Warned { message, .. } => {
            let yellow = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
            format!("{yellow}warning:{yellow:#} {message}")
        }
    })
}

/// Formats a version document as one line.
pub(in crate::cli) fn version_line(version: &Version) -> String {
    let ver = version.ver.as_deref().unwrap_or("unknown");
    let ver = printable(ver.as_bytes());
    match version.capabilities.join(", ") {
        none if none.is_empty() => format!("Firmware: {ver}"),
        all => format!("Firmware: {ver} ({})", printable(all.as_bytes())),
    }
}

/// Formats the networks that a device sees, with the columns of esp-rainmaker-cli.
pub(in crate::cli) fn network_table(networks: &[AccessPoint]) -> Vec<String> {
    let headings = [
        ("S.N.", 0),
        ("SSID", MAX_SSID_WIDTH),
        ("BSSID", 12),
        ("CHN ", 0),
        ("RSSI", 0),
        ("AUTH", 0),
    ];
    let rows = networks.iter().zip(1_usize..).map(|(network, number)| {
        let ssid = network.ssid.as_ref().map(ToString::to_string);
        vec![
            format!("[{number:>2}]"),
            ssid.unwrap_or_else(|| "(hidden)".to_owned()),
            network.bssid.to_string(),
            format!("{:>4}", network.channel),
            network.rssi.to_string(),
            network.auth.to_string(),
        ]
    });
    align(&headings, 1, rows)
}

/// Columns of the longest SSID, and a gap.
const MAX_SSID_WIDTH: usize = 33;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::wifi_scan::AuthMode;
    use crate::ident::Bssid;

    #[test]
    fn the_columns_of_a_list_are_those_that_people_know() {
        let network = AccessPoint {
            ssid: Some("MyWiFiNetwork".parse().unwrap()),
            bssid: Bssid::from_bytes(&[0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]),
            channel: 11,
            rssi: -45,
            auth: AuthMode(3),
        };
        assert_eq!(
            network_table(&[network]),
            [
                "S.N. SSID                              BSSID        CHN  RSSI AUTH",
                "[ 1] MyWiFiNetwork                     aabbccddeeff   11 -45  WPA2_PSK",
            ]
        );
    }
}
