//! Provisioning over a protocomm session: `prov-scan`, `prov-config`, `prov-ctrl`.
//!
//! Source: `NP/src/manager.c`, `network_config.c`, `network_scan.c`, `network_ctrl.c`.

use std::cmp::Reverse;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::api::{Abilities, JoinReports, Provisioner, ResetAbility};
use super::error::{Cause, ProvisionError, ReconnectError, RequestFate};
use super::network::{JoinedNetwork, JoinedWifi, NetworkCredentials, WifiCredentials};
use super::state::JoinState;
use crate::endpoint::ReplyError;
use crate::endpoint::version::{Version, WIFI_SCAN};
use crate::endpoint::wifi_config::{ApplyWifi, ConnectedNetwork, SetWifi, WifiState, WifiStatus};
use crate::endpoint::wifi_ctrl::ResetWifi;
use crate::endpoint::wifi_scan::{AccessPoint, ScanResults, ScanStatus, StartScan};
use crate::ident::Ssid;
use crate::proto::EndpointName;
use crate::session::{Handshakes, NotReconnected, Secured, Session, SessionError};
use crate::transport::{Limits, TransportError};

/// A device with a session.
#[derive(Debug)]
pub struct Protocomm {
    /// The session. Mapping and application endpoints use it directly.
    pub secured: Secured,
    scan: ScanIntervals,
    /// The time limit for an answer about the state of the join.
    status_answer: Duration,
    /// The network of the credentials that were sent.
    ssid: Option<Ssid>,
}

/// The intervals and the time limit of a scan.
#[derive(Clone, Copy, Debug)]
pub struct ScanIntervals {
    /// The pause before a scan that the Wi-Fi driver refused is requested again.
    pub retry: Duration,
    /// The pause between two requests for the progress.
    pub poll: Duration,
    /// The time limit of the scan.
    pub limit: Duration,
}

impl Protocomm {
    /// Creates a device with these intervals and limits.
    pub fn new(secured: Secured, scan: ScanIntervals, status_answer: Duration) -> Self {
        Self {
            secured,
            scan,
            status_answer,
            ssid: None,
        }
    }

    /// The device's version document.
    pub fn version(&self) -> &Version {
        &self.secured.version
    }

    fn session(&mut self) -> &mut Session {
        &mut self.secured.session
    }

    /// Asks once for the state of the join. The time limit is shorter than for other answers,
    /// because some answers are lost while the device changes its channel.
    async fn fetch_wifi_state(&mut self) -> Result<WifiState, SessionError> {
        let waited = self.status_answer;
        let call = timeout(waited, self.session().call(&WifiStatus));
        let timed_out = TransportError::timed_out(&EndpointName::PROV_CONFIG, waited);
        call.await
            .unwrap_or(Err(SessionError::Transport(timed_out)))
    }
}

#[async_trait]
impl Provisioner for Protocomm {
    fn abilities(&self) -> Abilities {
        Abilities {
            can_scan: self.version().has(WIFI_SCAN),
            can_reconnect: self.secured.route.is_some(),
            reset: if self.version().legacy {
                ResetAbility::ByItself
            } else {
                ResetAbility::OnRequest
            },
            reports: JoinReports::Polled,
        }
    }

    async fn scan_networks(&mut self) -> Result<Vec<AccessPoint>, ProvisionError> {
        let scan = self.scan;
        let session = self.session();
        match session.call(&SCAN).await {
            // The Wi-Fi driver is sometimes busy, such as right after a reset.
            Err(SessionError::Reply(ReplyError::Refused { status })) if status.is_wrong_state() => {
                sleep(scan.retry).await;
                session.call(&SCAN).await?;
            }
            outcome => outcome?,
        }
        let deadline = Instant::now() + scan.limit;
        let count = loop {
            let progress = session.call(&ScanStatus).await?;
            if progress.finished {
                break progress.count;
            }
            if Instant::now() + scan.poll > deadline {
                return Err(ProvisionError {
                    fate: RequestFate::Unanswered,
                    cause: Cause::ScanUnfinished { waited: scan.limit },
                });
            }
            sleep(scan.poll).await;
        };
        let page_size = count_entries_per_page(session.longest_answer());
        let mut entries = Vec::new();
        let mut start = 0;
        // Never request results beyond the count: old firmware crashes, newer firmware fails the
        // whole request.
        while start < count {
            let results = ScanResults {
                start,
                count: page_size.min(count - start),
            };
            let page = session.call(&results).await?;
            if u32::try_from(page.len()).is_ok_and(|length| length > results.count) {
                let expected = "the requested results";
                return Err(SessionError::from(ReplyError::Unexpected { expected }).into());
            }
            entries.extend(page);
            start += results.count;
        }
        Ok(merge_by_name(entries))
    }

    async fn set_credentials(
        &mut self,
        network: &NetworkCredentials,
    ) -> Result<(), ProvisionError> {
        match network {
            NetworkCredentials::Wifi(WifiCredentials { ssid, passphrase }) => {
                let command = SetWifi {
                    ssid: ssid.clone(),
                    passphrase: passphrase.clone(),
                };
                self.session().call(&command).await?;
                self.ssid = Some(command.ssid);
                Ok(())
            }
            NetworkCredentials::Thread(_) => {
                Err(ProvisionError::unsupported("join a Thread network"))
            }
        }
    }

    async fn apply(&mut self) -> Result<(), ProvisionError> {
        Ok(self.session().call(&ApplyWifi).await?)
    }

    async fn join_state(&mut self) -> Result<JoinState, ProvisionError> {
        Ok(match self.fetch_wifi_state().await? {
            WifiState::Connected(network) => JoinState::Joined {
                network: self.joined_network(*network)?,
                urls: Vec::new(),
            },
            WifiState::Connecting { attempts_remaining } => {
                JoinState::Joining { attempts_remaining }
            }
            WifiState::Failed { reason } => JoinState::Failed(reason),
        })
    }

    async fn reset(&mut self) -> Result<(), ProvisionError> {
        Ok(self.session().call(&ResetWifi).await?)
    }

    async fn reconnect(
        &mut self,
        handshakes: &Handshakes,
        within: Duration,
        limits: &Limits,
    ) -> Result<(), ReconnectError> {
        let reconnected = self.secured.reconnect(handshakes, within, limits).await;
        reconnected.map_err(|error| match error {
            NotReconnected::Final(error) => ReconnectError::Final(Cause::Session(error)),
            NotReconnected::Unreachable => ReconnectError::Unreachable,
        })
    }

    fn secured(&mut self) -> Option<&mut Secured> {
        Some(&mut self.secured)
    }

    async fn close(&mut self) {
        if let Err(error) = self.session().close().await {
            debug!(%error, "closing");
        }
    }
}

impl Protocomm {
    /// Converts the network that the device reports. Some firmware omits the name.
    fn joined_network(&self, network: ConnectedNetwork) -> Result<JoinedNetwork, SessionError> {
        let expected = "the name of its network";
        let ssid = network.ssid.or_else(|| self.ssid.clone());
        Ok(JoinedNetwork::Wifi(JoinedWifi {
            ssid: ssid.ok_or(ReplyError::Unexpected { expected })?,
            ip: network.ip.map(|ip| ip.to_string()),
            bssid: Some(network.bssid),
            channel: Some(network.channel),
            auth: Some(network.auth),
        }))
    }
}

/// The number of entries to request at once: as many as the medium can carry.
fn count_entries_per_page(longest_answer: Option<usize>) -> u32 {
    let entries = longest_answer.map_or(MAX_ENTRIES_PER_PAGE, |longest| {
        let entries = longest.saturating_sub(OVERHEAD_BYTES) / MAX_ENTRY_BYTES;
        u32::try_from(entries).unwrap_or(MAX_ENTRIES_PER_PAGE)
    });
    entries.clamp(1, MAX_ENTRIES_PER_PAGE)
}

/// Keeps one entry for each network: several access points may share a name, and the strongest
/// represents them.
fn merge_by_name(mut access_points: Vec<AccessPoint>) -> Vec<AccessPoint> {
    access_points.sort_by_key(|network| Reverse(network.rssi));
    let mut networks: Vec<AccessPoint> = Vec::new();
    for network in access_points {
        let is_same = |other: &AccessPoint| {
            network.ssid.is_some() && other.ssid == network.ssid && other.auth == network.auth
        };
        if !networks.iter().any(is_same) {
            networks.push(network);
        }
    }
    networks
}

/// Five channels at a time, so that this computer stays connected to the device's hotspot. Not
/// blocking, so that the device's HTTP server keeps answering.
const SCAN: StartScan = StartScan {
    blocking: false,
    passive: false,
    group_channels: 5,
    period_ms: 120,
};
/// The maximum when answers may have any length: no device lists more entries by default.
const MAX_ENTRIES_PER_PAGE: u32 = 16;
/// The longest entry.
const MAX_ENTRY_BYTES: usize = 59;
/// The bytes around the entries: the message's own fields, and at most 16 bytes of authentication
/// tag.
const OVERHEAD_BYTES: usize = 21;

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::proto::network_provisioning::network_scan_payload::Payload;
    use crate::proto::network_provisioning::{
        NetworkScanPayload, RespScanWifiResult, RespScanWifiStart, RespScanWifiStatus,
        WiFiScanResult,
    };
    use crate::security::DeviceSecret;
    use crate::session::scripted_device::ScriptedDevice;

    /// A device that sees this many networks.
    fn device(count: u32) -> ScriptedDevice {
        ScriptedDevice::new(DeviceSecret::Sec0, move |_, request| {
            let request = NetworkScanPayload::decode(request).unwrap();
            let payload = match request.payload {
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
                msg: request.msg + 1,
                payload: Some(payload),
                ..request
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
    async fn scan_fetches_all_pages_within_count() {
        for (count, pages) in [(0, 0), (1, 1), (16, 1), (17, 2), (40, 3)] {
            let device = device(count);
            let scan = ScanIntervals {
                retry: Duration::from_secs(1),
                poll: Duration::from_secs(1),
                limit: Duration::from_secs(20),
            };
            let secured = device.secured().await;
            let mut protocomm = Protocomm::new(secured, scan, Duration::from_secs(3));
            let networks = protocomm.scan_networks().await;
            let networks = networks.unwrap();
            assert_eq!(u32::try_from(networks.len()), Ok(count));
            // In addition to the start and the status.
            assert_eq!(device.requests("prov-scan").len(), 2 + pages, "{count}");
        }
    }
}
