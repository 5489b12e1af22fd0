//! What can happen to an emulated device: each entry with its keys in JSON, and its line for
//! people, which has no passphrase and no secret key.

use derive_more::Display;
use serde::Serialize;
use serde_json::{Map, Value};

use super::optional;
use crate::security::SecurityScheme;

/// One thing that happened.
#[derive(Clone, Debug, Display, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A client connected from this address.
    #[display("connection from {peer}")]
    ConnectionOpened { peer: String },
    /// A connection ended: by whom, and for what.
    #[display("connection closed: {why}")]
    ConnectionClosed { why: String },
    /// A transport session of this number began. Whatever keys another one had are gone.
    #[display("new transport session {session}")]
    SessionOpened { session: u32 },
    /// A request reached an endpoint.
    #[display("{endpoint}: request of {bytes} bytes")]
    Request {
        session: u32,
        endpoint: String,
        bytes: usize,
    },
    /// A request was answered, with that many bytes.
    #[display("{endpoint}: answered with {bytes} bytes")]
    Answered { endpoint: String, bytes: usize },
    /// A request was not answered, or not with what it asked for. The endpoint is a path if there is
    /// no such endpoint.
    #[display("{endpoint}: refused, {why}")]
    Refused { endpoint: String, why: String },
    /// The first message of a handshake in the device's own scheme.
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
    /// A handshake that counts towards the lock-out, with how many there were since the start.
    #[display("strike {count}")]
    Strike { count: u32 },
    /// One strike too many.
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
    /// A request met a fault that was ordered.
    #[display("{endpoint}: fault {kind} at request {number}")]
    Fault {
        endpoint: String,
        kind: String,
        /// The number of the request among those to that endpoint, from 1.
        number: u32,
    },
    /// The application took the provisioning manager back to its start.
    #[display("reset by the application")]
    ApplicationReset,
    /// A request brought the device down; it has started again, and knows nothing of before.
    #[display("crashed and started again")]
    Crashed,
    /// Its board lost power for a moment; it has started again, and knows nothing of before.
    #[display("started again")]
    Restarted,
    /// Bytes arrived on its serial line faster than it read them, and are lost.
    #[display("{bytes} bytes lost, nobody read them in time")]
    Overrun { bytes: usize },
    /// Clients cannot reach the device: it listens nowhere.
    #[display("out of reach")]
    Unreachable,
    /// It can be reached again.
    #[display("in reach again")]
    Reachable,
    /// What the device should keep could not be written.
    #[display("what it should keep is lost: {why}")]
    StateLost { why: String },
    /// Wi-Fi credentials were stored.
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
    /// The client asked how joining goes, and was answered `connecting`, `attempt_failed`,
    /// `connected` or `failed`.
    #[display("status told: {state}")]
    WifiStatus { state: &'static str },
    /// The device is on the network.
    #[display("joined {ssid}")]
    WifiJoined { ssid: String },
    /// The client asked to reset the provisioning manager, which did it or refused.
    #[display("reset{}", if *accepted { "" } else { " refused" })]
    Reset { accepted: bool },
    /// The client asked to provision a provisioned device again.
    #[display("provisioning anew{}", if *accepted { "" } else { " refused" })]
    Reprov { accepted: bool },
    /// A challenge of this length was signed with the node's key.
    #[display("challenge of {challenge_bytes} bytes signed as {node_id}")]
    ChallengeSigned {
        /// Which node the answer names.
        node_id: String,
        challenge_bytes: usize,
    },
    /// The device does not sign challenges any more, until it restarts.
    #[display("signs no challenge until restart")]
    ChalRespDisabled,
    /// The client told the device which user it belongs to. The cloud compares the secret key with
    /// that of the user's client.
    #[display("told that it belongs to {user_id}")]
    UserMappingReceived { user_id: String, secret_key: String },
    /// The cloud accepted the device's half of a user mapping.
    #[display("told the cloud that it belongs to {user_id}")]
    UserMappingSent { user_id: String },
    /// The cloud accepted that the device is online.
    #[display("told the cloud that it is online")]
    ConnectivitySent,
    /// A message to the cloud failed.
    #[display("cloud not told of {what} (attempt {attempt}): {why}")]
    CloudFailed {
        /// `connectivity` or `user_mapping`.
        what: &'static str,
        /// The number of the attempt, from 1.
        attempt: u32,
        why: String,
    },
    /// A service was announced by mDNS.
    #[display("{instance} announced as {service}")]
    Announced {
        /// Its type, such as `_esp_rmaker_chal_resp._tcp`.
        service: &'static str,
        instance: String,
        host: String,
        port: u16,
        txt: Map<String, Value>,
    },
    /// The goodbye of a service was sent by mDNS.
    #[display("{instance} no longer announced as {service}")]
    AnnouncementRemoved {
        /// Its type.
        service: &'static str,
        instance: String,
    },
    /// A service could not be announced, or not under its name.
    #[display("not announced: {why}")]
    AnnouncementFailed { why: String },
    /// A client began to look for Bluetooth devices.
    #[display("looked for")]
    DiscoveryStarted,
    /// No client looks for Bluetooth devices any more.
    #[display("no longer looked for")]
    DiscoveryStopped,
    /// A computer and the device have keys for an encrypted link.
    #[display("paired")]
    Paired,
    /// The computer has forgotten what it knew of the device.
    #[display("forgotten by the computer")]
    Forgotten,
    /// The device does not listen any more.
    #[display("service stopped: {why}")]
    ServiceStopped { why: String },
}

impl Entry {
    /// An event without a reason.
    pub(crate) const fn prov_event(name: ProvEvent) -> Self {
        Self::ProvEvent { name, reason: None }
    }
}

/// The events of the provisioning component (`network_prov_cb_event_t`), by their old names.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, Serialize)]
#[display(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProvEvent {
    /// The component is there.
    Init,
    /// The service is up.
    Start,
    /// An apply was accepted.
    CredRecv,
    /// Joining failed for a reason that it knows.
    CredFail,
    /// The device has an address.
    CredSuccess,
    /// The service is down.
    End,
    /// The component is gone.
    Deinit,
}
