//! What the bytes mean: typed commands ⇄ plaintext messages, one file an endpoint. No socket, no
//! keys: a command is encoded here, sealed and moved elsewhere, and its reply decoded here.
//!
//! | endpoint | command → reply | module |
//! |---|---|---|
//! | `proto-ver` | – → [`Version`](version::Version), never encrypted | [`version`] |
//! | `prov-scan` | [`StartScan`](wifi_scan::StartScan) → (), [`ScanStatus`](wifi_scan::ScanStatus) → progress, [`ScanResults`](wifi_scan::ScanResults) → access points | [`wifi_scan`] |
//! | `prov-config` | [`SetWifi`](wifi_config::SetWifi) → (), [`ApplyWifi`](wifi_config::ApplyWifi) → (), [`WifiStatus`](wifi_config::WifiStatus) → [`WifiState`](wifi_config::WifiState) | [`wifi_config`] |
//! | `ch_resp` | [`SignChallenge`](challenge_response::SignChallenge) → [`Challenged`](challenge_response::Challenged), [`DisableChallengeResponse`](challenge_response::DisableChallengeResponse) → [`Disabled`](challenge_response::Disabled) | [`challenge_response`] |
//! | `cloud_user_assoc` | [`SetUserMapping`](user_mapping::SetUserMapping) → the node's id | [`user_mapping`] |
//! | `prov-ctrl` | [`ResetWifi`](wifi_ctrl::ResetWifi) → (), [`Reprovision`](wifi_ctrl::Reprovision) → () | [`wifi_ctrl`] |
//!
//! A reply counts only if its message type and its expected arm are there: proto3 leaves zero
//! values out, and zero means "success" and "connected".

pub mod challenge_response;
mod command;
mod node_id;
pub mod user_mapping;
pub mod version;
pub mod wifi_config;
pub mod wifi_ctrl;
pub mod wifi_scan;

pub use command::{Command, DeviceStatus, ReplyError};
