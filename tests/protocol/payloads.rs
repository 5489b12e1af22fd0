//! Every provisioning message of `tests/vectors/vectors.json`, written by hand: the bytes must
//! decode to the message, and the message must encode to the bytes.

use std::fmt::Debug;

use espctl::proto::network_provisioning::{
    CmdApplyThreadConfig, CmdApplyWifiConfig, CmdCtrlThreadReprov, CmdCtrlThreadReset,
    CmdCtrlWifiReprov, CmdCtrlWifiReset, CmdGetThreadStatus, CmdGetWifiStatus, CmdScanThreadStart,
    CmdScanWifiResult, CmdScanWifiStart, CmdScanWifiStatus, CmdSetThreadConfig, CmdSetWifiConfig,
    NetworkConfigPayload, NetworkCtrlPayload, NetworkScanPayload, RespApplyWifiConfig,
    RespCtrlWifiReset, RespGetWifiStatus, RespScanWifiResult, RespScanWifiStart,
    RespScanWifiStatus, RespSetWifiConfig, WiFiScanResult, WifiAttemptFailed,
    WifiConnectFailedReason, WifiConnectedState, WifiStationState,
    network_config_payload as config, network_ctrl_payload as ctrl, network_scan_payload as scan,
    resp_get_wifi_status as status,
};
use espctl::proto::protocomm::Status;
use espctl::proto::rainmaker::{
    CmdSetUserMapping, RMakerConfigPayload, RespSetUserMapping, r_maker_config_payload as user,
};
use espctl::proto::rmaker_ch_resp::{
    CmdCrPayload, CmdDisableChalRespPayload, RMakerChRespPayload, RespCrPayload,
    r_maker_ch_resp_payload as challenge,
};
use prost::Message;

use crate::support::vector_file::{bytes, keys, load};

#[test]
fn every_payload_of_file_is_tested() {
    let mut tested: Vec<&str> = Vec::new();
    tested.extend(config_payloads().iter().map(|(name, _)| *name));
    tested.extend(scan_payloads().iter().map(|(name, _)| *name));
    tested.extend(ctrl_payloads().iter().map(|(name, _)| *name));
    tested.extend(user_payloads().iter().map(|(name, _)| *name));
    tested.extend(challenge_payloads().iter().map(|(name, _)| *name));
    tested.sort_unstable();
    let file = load();
    assert_eq!(keys(&file["payloads"]), tested);
    // Python's protobuf library wrote the same bytes for its messages.
    for (name, outcome) in file["payloads_vs_python_protobuf"].as_object().unwrap() {
        assert!(tested.contains(&name.as_str()), "{name}");
        assert_eq!(outcome, "same bytes", "{name}");
    }
}

#[test]
fn config_messages() {
    assert_both_ways(config_payloads());
}

#[test]
fn scan_messages() {
    assert_both_ways(scan_payloads());
}

#[test]
fn mapping_messages() {
    assert_both_ways(user_payloads());
    assert_both_ways(challenge_payloads());
}

#[test]
fn ctrl_messages() {
    assert_both_ways(ctrl_payloads());
}

/// The payload has no fields, but must be sent: firmware cannot answer a message of zero bytes.
#[test]
fn commands_are_never_empty() {
    for (name, payload) in config_payloads() {
        assert!(payload.encoded_len() > 0, "{name}");
    }
}

fn config_payloads() -> Vec<(&'static str, NetworkConfigPayload)> {
    use config::Payload;
    let of = |msg, payload| NetworkConfigPayload {
        msg,
        payload: Some(payload),
    };
    let reports = |state: WifiStationState, details| {
        of(
            1,
            Payload::RespGetWifiStatus(RespGetWifiStatus {
                status: Status::Success.into(),
                wifi_sta_state: state.into(),
                state: details,
            }),
        )
    };
    let failed = |reason: WifiConnectFailedReason| {
        reports(
            WifiStationState::ConnectionFailed,
            Some(status::State::WifiFailReason(reason.into())),
        )
    };
    vec![
        (
            "get_status",
            of(0, Payload::CmdGetWifiStatus(CmdGetWifiStatus {})),
        ),
        (
            "resp_status_connecting",
            reports(WifiStationState::Connecting, None),
        ),
        (
            "resp_status_attempt_failed_2_left",
            reports(
                WifiStationState::Connecting,
                Some(status::State::AttemptFailed(WifiAttemptFailed {
                    attempts_remaining: 2,
                })),
            ),
        ),
        (
            "resp_status_failed_auth",
            failed(WifiConnectFailedReason::AuthError),
        ),
        (
            "resp_status_failed_not_found",
            failed(WifiConnectFailedReason::WifiNetworkNotFound),
        ),
        (
            "resp_status_connected",
            reports(
                WifiStationState::Connected,
                Some(status::State::WifiConnected(WifiConnectedState {
                    ip4_addr: "192.168.1.77".into(),
                    auth_mode: 3,
                    ssid: SSID.into(),
                    bssid: BSSID.into(),
                    channel: 11,
                })),
            ),
        ),
        (
            "set_config",
            of(
                2,
                Payload::CmdSetWifiConfig(CmdSetWifiConfig {
                    ssid: SSID.into(),
                    passphrase: "päss phrase€".into(),
                    bssid: Vec::new(),
                    channel: 0,
                }),
            ),
        ),
        (
            "resp_set_config_ok",
            of(
                3,
                Payload::RespSetWifiConfig(RespSetWifiConfig { status: 0 }),
            ),
        ),
        (
            "apply_config",
            of(4, Payload::CmdApplyWifiConfig(CmdApplyWifiConfig {})),
        ),
        (
            "resp_apply_config_ok",
            of(
                5,
                Payload::RespApplyWifiConfig(RespApplyWifiConfig { status: 0 }),
            ),
        ),
        (
            "thread_get_status",
            of(6, Payload::CmdGetThreadStatus(CmdGetThreadStatus {})),
        ),
        (
            "thread_set_config",
            of(
                8,
                Payload::CmdSetThreadConfig(CmdSetThreadConfig {
                    dataset: DATASET.into(),
                }),
            ),
        ),
        (
            "thread_apply",
            of(10, Payload::CmdApplyThreadConfig(CmdApplyThreadConfig {})),
        ),
    ]
}

fn scan_payloads() -> Vec<(&'static str, NetworkScanPayload)> {
    use scan::Payload;
    let of = |msg, payload| NetworkScanPayload {
        msg,
        status: Status::Success.into(),
        payload: Some(payload),
    };
    let start = CmdScanWifiStart {
        blocking: true,
        passive: false,
        group_channels: 5,
        period_ms: 120,
    };
    let entries = vec![
        WiFiScanResult {
            ssid: SSID.into(),
            channel: 36,
            rssi: -47,
            bssid: BSSID.into(),
            auth: 9,
        },
        WiFiScanResult {
            ssid: "open net".into(),
            channel: 1,
            rssi: -90,
            bssid: vec![0, 1, 2, 3, 4, 5],
            auth: 0,
        },
    ];
    vec![
        ("scan_start", of(0, Payload::CmdScanWifiStart(start))),
        (
            "resp_scan_start",
            of(1, Payload::RespScanWifiStart(RespScanWifiStart {})),
        ),
        (
            "scan_status",
            of(2, Payload::CmdScanWifiStatus(CmdScanWifiStatus {})),
        ),
        (
            "resp_scan_status",
            of(
                3,
                Payload::RespScanWifiStatus(RespScanWifiStatus {
                    scan_finished: true,
                    result_count: 2,
                }),
            ),
        ),
        (
            "scan_result",
            of(
                4,
                Payload::CmdScanWifiResult(CmdScanWifiResult {
                    start_index: 0,
                    count: 2,
                }),
            ),
        ),
        (
            "resp_scan_result",
            of(
                5,
                Payload::RespScanWifiResult(RespScanWifiResult { entries }),
            ),
        ),
        (
            "thread_scan_start",
            of(
                6,
                Payload::CmdScanThreadStart(CmdScanThreadStart {
                    blocking: true,
                    channel_mask: 0,
                }),
            ),
        ),
    ]
}

fn ctrl_payloads() -> Vec<(&'static str, NetworkCtrlPayload)> {
    use ctrl::Payload;
    let with = |msg, status: Status, payload| NetworkCtrlPayload {
        msg,
        status: status.into(),
        payload: Some(payload),
    };
    let of = |msg, payload| with(msg, Status::Success, payload);
    let reset_done = Payload::RespCtrlWifiReset(RespCtrlWifiReset {});
    vec![
        (
            "ctrl_reset",
            of(1, Payload::CmdCtrlWifiReset(CmdCtrlWifiReset {})),
        ),
        ("resp_ctrl_reset_ok", of(2, reset_done)),
        (
            "resp_ctrl_reset_internal_error",
            with(2, Status::InternalError, reset_done),
        ),
        (
            "ctrl_reprov",
            of(3, Payload::CmdCtrlWifiReprov(CmdCtrlWifiReprov {})),
        ),
        (
            "thread_ctrl_reset",
            of(5, Payload::CmdCtrlThreadReset(CmdCtrlThreadReset {})),
        ),
        (
            "thread_ctrl_reprov",
            of(7, Payload::CmdCtrlThreadReprov(CmdCtrlThreadReprov {})),
        ),
    ]
}

fn assert_both_ways<M: Debug + Default + Message + PartialEq>(payloads: Vec<(&str, M)>) {
    let file = load();
    for (name, payload) in payloads {
        let wire = bytes(&file["payloads"], name);
        assert_eq!(M::decode(&wire[..]).unwrap(), payload, "{name}");
        assert_eq!(
            hex::encode(payload.encode_to_vec()),
            hex::encode(&wire),
            "{name}"
        );
    }
}

const SSID: &str = "Café-中 5G";
const BSSID: [u8; 6] = [0xa0, 0xb1, 0xc2, 0xd3, 0xe4, 0xf5];
/// Active timestamp, channel and channel mask, as Thread TLVs.
const DATASET: [u8; 23] = *b"\x0e\x08\0\0\0\0\0\x01\0\0\0\x03\0\0\x0f\x35\x06\0\x04\0\x1f\xff\xe0";

fn user_payloads() -> Vec<(&'static str, RMakerConfigPayload)> {
    vec![
        (
            "cloud_user_assoc",
            RMakerConfigPayload {
                msg: 0,
                payload: Some(user::Payload::CmdSetUserMapping(CmdSetUserMapping {
                    user_id: "user-id".to_owned(),
                    secret_key: "0f1e2d3c".to_owned(),
                })),
            },
        ),
        (
            "resp_cloud_user_assoc",
            RMakerConfigPayload {
                msg: 1,
                payload: Some(user::Payload::RespSetUserMapping(RespSetUserMapping {
                    status: 0,
                    node_id: "NODEID12".to_owned(),
                })),
            },
        ),
    ]
}

fn challenge_payloads() -> Vec<(&'static str, RMakerChRespPayload)> {
    vec![
        (
            "ch_resp",
            RMakerChRespPayload {
                payload: Some(challenge::Payload::CmdChallengeResponsePayload(
                    CmdCrPayload {
                        payload: b"challenge-bytes".to_vec(),
                    },
                )),
                ..RMakerChRespPayload::default()
            },
        ),
        (
            "resp_ch_resp",
            RMakerChRespPayload {
                msg: 1,
                payload: Some(challenge::Payload::RespChallengeResponsePayload(
                    RespCrPayload {
                        payload: (0..16).collect(),
                        node_id: "NODEID12".to_owned(),
                    },
                )),
                ..RMakerChRespPayload::default()
            },
        ),
        (
            "ch_resp_disable",
            RMakerChRespPayload {
                msg: 4,
                payload: Some(challenge::Payload::CmdDisableChalRespPayload(
                    CmdDisableChalRespPayload {},
                )),
                ..RMakerChRespPayload::default()
            },
        ),
    ]
}
