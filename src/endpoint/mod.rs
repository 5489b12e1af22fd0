//! The meaning of the bytes: typed commands and their plaintext messages, one file for each
//! endpoint. This module uses no socket and no keys: `session` seals and sends what it encodes.
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
//! A reply is valid only with the expected message type and payload: proto3 omits zero values, and
//! zero means "success" and "connected".

pub mod challenge_response;
mod command;
mod node_id;
pub mod user_mapping;
pub mod version;
pub mod wifi_config;
pub mod wifi_ctrl;
pub mod wifi_scan;

pub use command::{Command, DeviceStatus, ReplyError};
