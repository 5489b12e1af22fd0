//! The entries of a device's log: each with its JSON keys, and its text line, which has no passphrase and
//! no secret key.

use derive_more::Display;
use serde::Serialize;

use crate::emulator::device::Advertisement;
use crate::security::SecurityScheme;

/// An event of a device.
#[derive(Clone, Debug, Display, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum DeviceEvent {
    /// A client connected from this address.
    #[display("connection from {peer}")]
    ConnectionOpened { peer: String },
    /// A connection ended, for this reason.
    #[display("connection closed: {why}")]
    ConnectionClosed { why: String },
    /// A transport session of this number began, which ended the keys of another one.
    #[display("new transport session {session}")]
    SessionOpened { session: u32 },
    /// A request reached an endpoint.
    #[display("{endpoint}: request of {bytes} bytes")]
    Request {
        session: u32,
        endpoint: String,
        bytes: usize,
    },
    /// The device answered a request.
    #[display("{endpoint}: answered with {bytes} bytes")]
    Answered { endpoint: String, bytes: usize },
    /// The device refused a request. The endpoint is a path if there is no such endpoint.
    #[display("{endpoint}: refused, {why}")]
    Refused { endpoint: String, why: String },
    /// The first message of a handshake in the device's scheme.
    #[display("handshake of {scheme}")]
    HandshakeStarted { scheme: SecurityScheme },
    /// A Security 2 public key without its leading zeros, which firmware refuses.
    #[display("public key of {bytes} bytes instead of 384")]
    ShortA { bytes: usize },
    /// Both sides have the keys.
    #[display("secured with {scheme}{}", optional(" as ", username.as_ref(), ""))]
    Secured {
        scheme: SecurityScheme,
        /// The user name that the client sent (Security 2).
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        /// Whether the client proved that it holds a PoP (Security 1).
        #[serde(skip_serializing_if = "Option::is_none")]
        pop: Option<bool>,
    },
    /// A failed handshake that counts towards the lock-out, with their number since the start.
    #[display("strike {count}")]
    Strike { count: u32 },
    /// The device locked itself, after too many failed handshakes.
    #[display("locked until restart")]
    Locked,
    /// The provisioning component reported an event to its application.
    #[display("event {name}{}", optional(": ", *reason, ""))]
    ProvEvent {
        name: ProvEvent,
        /// For `cred_fail`: `auth_error` or `network_not_found`.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    /// An injected fault affected a request.
    #[display("{endpoint}: fault {kind} at request {number}")]
    Fault {
        endpoint: String,
        kind: String,
        /// The number of the request among those to that endpoint, from 1.
        number: u32,
    },
    /// The application reset the provisioning manager.
    #[display("reset by the application")]
    ApplicationReset,
    /// A request crashed the device. It has restarted, and lost its state.
    #[display("crashed and started again")]
    Crashed,
    /// Its board lost power for a moment. It has restarted, and lost its state.
    #[display("started again")]
    Restarted,
    /// Bytes arrived on its serial line faster than it read them, and are lost.
    #[display("{bytes} bytes lost: the device did not read them in time")]
    Overrun { bytes: usize },
    /// Clients cannot reach the device.
    #[display("out of reach")]
    Unreachable,
    /// Clients can reach the device again.
    #[display("in reach again")]
    Reachable,
    /// The device could not store its state.
    #[display("state not stored: {why}")]
    StateLost { why: String },
    /// The device received Wi-Fi credentials.
    #[display("credentials for {ssid} stored")]
    WifiSet {
        /// As text.
        ssid: String,
        /// Byte for byte.
        ssid_hex: String,
        /// As text.
        passphrase: String,
        /// Byte for byte.
        passphrase_hex: String,
    },
    /// The device began to join with the stored credentials.
    #[display("joining")]
    WifiApplied,
    /// The device reported the progress of joining: `connecting`, `attempt_failed`, `connected` or
    /// `failed`.
    #[display("reported status: {state}")]
    WifiStatus { state: &'static str },
    /// The device joined the network.
    #[display("joined {ssid}")]
    WifiJoined { ssid: String },
    /// The client requested a reset of the provisioning manager, which accepted or refused it.
    #[display("reset{}", if *accepted { "" } else { " refused" })]
    Reset { accepted: bool },
    /// The client requested to provision a provisioned device again.
    #[display("provisioning anew{}", if *accepted { "" } else { " refused" })]
    Reprov { accepted: bool },
    /// The device signed a challenge of this length with the node's key.
    #[display("challenge of {challenge_bytes} bytes signed as {node_id}")]
    ChallengeSigned {
        /// The node id in the answer.
        node_id: String,
        challenge_bytes: usize,
    },
    /// The device signs no challenges until it restarts.
    #[display("signs no challenge until restart")]
    ChalRespDisabled,
    /// The client sent the user of the device. The cloud compares the secret key with that of the user's
    /// client.
    #[display("received its user: {user_id}")]
    UserMappingReceived { user_id: String, secret_key: String },
    /// The cloud accepted the device's half of a user mapping.
    #[display("reported its user to the cloud: {user_id}")]
    UserMappingSent { user_id: String },
    /// The cloud accepted that the device is online.
    #[display("reported to the cloud that it is online")]
    ConnectivitySent,
    /// A message to the cloud failed.
    #[display("message to the cloud failed: {what} (attempt {attempt}): {why}")]
    CloudFailed {
        /// `connectivity` or `user_mapping`.
        what: &'static str,
        /// The number of the attempt, from 1.
        attempt: u32,
        why: String,
    },
    /// The device announced a service by mDNS.
    #[display("{} announced as {}", _0.instance, _0.service)]
    Announced(Advertisement),
    /// The device sent the mDNS goodbye of a service.
    #[display("{instance} no longer announced as {service}")]
    AnnouncementRemoved {
        /// Its type.
        service: &'static str,
        instance: String,
    },
    /// The device could not announce a service, or not under its name.
    #[display("not announced: {why}")]
    AnnouncementFailed { why: String },
    /// A client began to discover Bluetooth devices.
    #[display("discovery started")]
    DiscoveryStarted,
    /// The last client stopped discovering Bluetooth devices.
    #[display("discovery stopped")]
    DiscoveryStopped,
    /// A computer and the device have keys for an encrypted link.
    #[display("paired")]
    Paired,
    /// The computer removed the device from its cache.
    #[display("forgotten by the computer")]
    Forgotten,
    /// The service of the device ended.
    #[display("service stopped: {why}")]
    ServiceStopped { why: String },
}

/// The events of the provisioning component (`network_prov_cb_event_t`), by their old names.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, Serialize)]
#[display(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProvEvent {
    /// The component was initialized.
    Init,
    /// The service started.
    Start,
    /// The component accepted an apply.
    CredRecv,
    /// Joining failed, for a reason that the component knows.
    CredFail,
    /// The device has an address.
    CredSuccess,
    /// The service ended.
    End,
    /// The component was deinitialized.
    Deinit,
}

/// Formats an optional part of a text line.
pub(in crate::emulator) fn optional(
    before: &str,
    value: Option<impl std::fmt::Display>,
    after: &str,
) -> String {
    value.map_or_else(String::new, |value| format!("{before}{value}{after}"))
}
