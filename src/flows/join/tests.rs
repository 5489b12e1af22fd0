//! Joining with a scripted device, on a clock that does not wait.

use std::time::Duration;

use prost::Message as _;

use super::*;
use crate::endpoint::version::Version;
use crate::flows::StageState;
use crate::flows::scripted_observer::ScriptedObserver;
use crate::proto::network_provisioning::network_config_payload::Payload;
use crate::proto::network_provisioning::network_ctrl_payload::Payload as CtrlPayload;
use crate::proto::network_provisioning::network_scan_payload::Payload as ScanPayload;
use crate::proto::network_provisioning::resp_get_wifi_status::State;
use crate::proto::network_provisioning::{
    NetworkConfigPayload, NetworkCtrlPayload, NetworkScanPayload, RespApplyWifiConfig,
    RespCtrlWifiReset, RespGetWifiStatus, RespScanWifiStart, RespScanWifiStatus, RespSetWifiConfig,
    WifiConnectedState, WifiStationState,
};
use crate::provisioner::{Abilities, JoinedWifi};
use crate::secret::Secret;
use crate::security::DeviceSecret;
use crate::session::Handshakes;
use crate::session::scripted_device::ScriptedDevice;

/// What a device reports about joining.
#[derive(Clone, Copy, PartialEq)]
enum Report {
    Connected,
    NotFound,
    WrongPassphrase,
}

fn status(report: Report) -> RespGetWifiStatus {
    let (state, details) = match report {
        Report::Connected => {
            let connected = WifiConnectedState {
                ip4_addr: "192.0.2.7".to_owned(),
                ssid: b"Home".to_vec(),
                bssid: vec![2; 6],
                channel: 6,
                auth_mode: 3,
            };
            let details = State::WifiConnected(connected);
            (WifiStationState::Connected, details)
        }
        Report::NotFound => (WifiStationState::ConnectionFailed, State::WifiFailReason(1)),
        Report::WrongPassphrase => (WifiStationState::ConnectionFailed, State::WifiFailReason(0)),
    };
    RespGetWifiStatus {
        wifi_sta_state: state.into(),
        state: Some(details),
        ..RespGetWifiStatus::default()
    }
}

/// A device whose scan shows nothing. It answers each poll with the next report.
fn device(reports: &[Report]) -> ScriptedDevice {
    let mut reports = Vec::from(reports).into_iter();
    ScriptedDevice::new(DeviceSecret::Sec0, move |endpoint, request| {
        Ok(match endpoint {
            "prov-config" => {
                let asked = NetworkConfigPayload::decode(request).unwrap();
                let payload = match asked.payload.unwrap() {
                    Payload::CmdSetWifiConfig(_) => {
                        Payload::RespSetWifiConfig(RespSetWifiConfig::default())
                    }
                    Payload::CmdApplyWifiConfig(_) => {
                        Payload::RespApplyWifiConfig(RespApplyWifiConfig::default())
                    }
                    _ => Payload::RespGetWifiStatus(status(reports.next().unwrap())),
                };
                NetworkConfigPayload {
                    msg: asked.msg + 1,
                    payload: Some(payload),
                }
                .encode_to_vec()
            }
            "prov-ctrl" => {
                let asked = NetworkCtrlPayload::decode(request).unwrap();
                NetworkCtrlPayload {
                    msg: asked.msg + 1,
                    payload: Some(CtrlPayload::RespCtrlWifiReset(RespCtrlWifiReset::default())),
                    ..asked
                }
                .encode_to_vec()
            }
            _ => {
                let asked = NetworkScanPayload::decode(request).unwrap();
                let payload = match asked.payload {
                    Some(ScanPayload::CmdScanWifiStart(_)) => {
                        ScanPayload::RespScanWifiStart(RespScanWifiStart::default())
                    }
                    _ => ScanPayload::RespScanWifiStatus(RespScanWifiStatus {
                        scan_finished: true,
                        result_count: 0,
                    }),
                };
                NetworkScanPayload {
                    msg: asked.msg + 1,
                    payload: Some(payload),
                    ..asked
                }
                .encode_to_vec()
            }
        })
    })
}

fn home() -> NetworkSelection {
    NetworkSelection {
        network: NetworkCredentials::Wifi(WifiCredentials {
            ssid: "Home".parse().unwrap(),
            passphrase: Passphrase::new(Secret::new("correct horse".to_owned())).unwrap(),
        }),
        seen: None,
    }
}

async fn join(
    device: &ScriptedDevice,
    version: &Version,
    retries: u32,
) -> (Result<Joined, FlowError>, CredentialState, ScriptedObserver) {
    let (mut secured, observer) = (device.secured().await, ScriptedObserver::default());
    secured.version = version.clone();
    let run = observer.run();
    let mut joining = Joining {
        run: &run,
        device: &mut run.timing.protocomm(secured),
        credentials: CredentialState::Nothing,
    };
    let outcome = joining.join(home(), retries).await;
    let left = joining.credentials;
    (outcome, left, observer)
}

/// The message types that went to `prov-config`.
fn config(device: &ScriptedDevice) -> Vec<i32> {
    let message = |bytes: &Vec<u8>| NetworkConfigPayload::decode(&bytes[..]).unwrap().msg;
    device.requests("prov-config").iter().map(message).collect()
}

fn scanning() -> Version {
    Version::from_bytes(br#"{"prov":{"sec_ver":0,"cap":["wifi_scan"]}}"#).unwrap()
}

const SET: i32 = 2;
const APPLY: i32 = 4;
const STATUS: i32 = 0;

#[tokio::test(start_paused = true)]
async fn network_is_set_applied_and_confirmed() {
    let device = device(&[Report::Connected]);
    let (outcome, left, observer) = join(&device, &Version::default(), 0).await;
    let JoinedNetwork::Wifi(wifi) = outcome.unwrap().network else {
        panic!("Thread");
    };
    assert_eq!(wifi.channel, Some(6));
    assert_eq!(left, CredentialState::Applied);
    assert_eq!(config(&device), [SET, APPLY, STATUS]);
    assert_eq!(
        observer.ended(),
        [
            (Stage::SendWifi, StageState::Done),
            (Stage::ConfirmWifi, StageState::Done)
        ]
    );
    assert!(device.requests("prov-ctrl").is_empty());
}

#[tokio::test(start_paused = true)]
async fn join_failure_resets_device_and_is_retried_up_to_limit() {
    let reports = [Report::WrongPassphrase, Report::Connected];
    let device_of = || device(&reports);
    let retried = device_of();
    let (outcome, ..) = join(&retried, &Version::default(), 1).await;
    outcome.unwrap();
    assert_eq!(config(&retried), [SET, APPLY, STATUS, SET, APPLY, STATUS]);
    assert_eq!(retried.requests("prov-ctrl").len(), 1);

    let once = device_of();
    let (outcome, left, observer) = join(&once, &Version::default(), 0).await;
    let error = outcome.unwrap_err();
    let FlowError::NotJoined {
        problem,
        is_forgotten,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    let reason = Some(JoinFailure::Authentication);
    assert_eq!(*problem, JoinProblem::Reported(reason));
    assert!(*is_forgotten && left == CredentialState::Forgotten);
    assert!(error.to_string().contains("authentication failed"));
    // The user may type another passphrase.
    assert_eq!(observer.asked().len(), 1);
}

/// Only firmware that lists the scan endpoint can report whether it sees the network.
#[tokio::test(start_paused = true)]
async fn device_that_can_scan_rescans_for_missing_network() {
    for (version, visibility, scans) in [
        (scanning(), Some(NetworkVisibility::NotSeen), 2),
        (Version::default(), None, 0),
    ] {
        let device = device(&[Report::NotFound]);
        let (outcome, _, observer) = join(&device, &version, 0).await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(&error, FlowError::NotJoined { visibility: seen, .. } if *seen == visibility),
            "{error:?}"
        );
        assert_eq!(device.requests("prov-scan").len(), scans);
        assert!(observer.asked().is_empty(), "no passphrase can help");
    }
}

/// A device that loses contact: with every request or, if it can reconnect, once.
#[derive(Debug)]
struct LostDevice {
    comes_back: bool,
    is_lost: bool,
}

impl LostDevice {
    fn answer(&self) -> Result<(), ProvisionError> {
        if self.is_lost {
            Err(SessionError::Lost.into())
        } else {
            Ok(())
        }
    }
}

#[async_trait::async_trait]
impl Provisioner for LostDevice {
    fn abilities(&self) -> Abilities {
        Abilities {
            can_scan: false,
            can_reconnect: true,
            reset: ResetAbility::OnRequest,
            reports: JoinReports::Polled,
        }
    }

    async fn scan_networks(&mut self) -> Result<Vec<AccessPoint>, ProvisionError> {
        self.answer().map(|()| Vec::new())
    }

    async fn set_credentials(&mut self, _: &NetworkCredentials) -> Result<(), ProvisionError> {
        self.answer()
    }

    async fn apply(&mut self) -> Result<(), ProvisionError> {
        let applied = self.answer();
        self.is_lost = true;
        applied
    }

    async fn join_state(&mut self) -> Result<JoinState, ProvisionError> {
        self.answer()?;
        let wifi = JoinedWifi {
            ssid: "Home".parse().unwrap(),
            ip: None,
            bssid: None,
            channel: None,
            auth: None,
        };
        Ok(JoinState::Joined {
            network: JoinedNetwork::Wifi(wifi),
            urls: Vec::new(),
        })
    }

    async fn reset(&mut self) -> Result<(), ProvisionError> {
        self.answer()
    }

    async fn reconnect(
        &mut self,
        handshakes: &Handshakes,
        _: Duration,
        _: &Limits,
    ) -> Result<(), ReconnectError> {
        if !self.comes_back {
            return std::future::pending().await;
        }
        let _permit = handshakes.begin().await;
        // On the paused clock: a device that is back at once would hide a limit that has passed.
        sleep(Duration::from_secs(1)).await;
        self.is_lost = false;
        Ok(())
    }

    async fn close(&mut self) {}
}

/// The run is stopped while it reconnects for another attempt. It sent nothing new, so the device still
/// has the credentials of the previous attempt.
#[tokio::test(start_paused = true)]
async fn stop_while_reconnecting_keeps_credential_state() {
    let run = ScriptedObserver::default().run();
    let mut joining = Joining {
        run: &run,
        device: &mut LostDevice {
            comes_back: false,
            is_lost: true,
        },
        credentials: CredentialState::Applied,
    };
    let stopped = timeout(Duration::from_secs(1), joining.join(home(), 0)).await;
    assert!(stopped.is_err());
    assert_eq!(joining.credentials, CredentialState::Applied);
}

/// Other runs use all permits for longer than any limit of reconnecting and resetting.
#[tokio::test(start_paused = true)]
async fn limits_exclude_wait_for_other_handshakes() {
    for is_reset in [false, true] {
        let handshakes = Handshakes::new(1, 1);
        let run = Run {
            handshakes: handshakes.clone(),
            ..ScriptedObserver::default().run()
        };
        let permit = handshakes.begin().await;
        let others = async {
            sleep(10 * run.timing.reconnect).await;
            drop(permit);
        };
        let mut joining = Joining {
            run: &run,
            device: &mut LostDevice {
                comes_back: true,
                is_lost: is_reset,
            },
            credentials: CredentialState::Nothing,
        };
        let joining = async {
            if is_reset {
                assert!(joining.reset_credentials().await);
            } else {
                joining.join(home(), 0).await.unwrap();
            }
        };
        tokio::join!(others, joining);
    }
}
