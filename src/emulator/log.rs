//! What the emulated device was told and what it made of it, in order. Not how it is shown: the
//! owner of a [`Log`] brings the file and the reader.
//!
//! A log holds everything that reached the device, **the Wi-Fi passphrase included**, as text and
//! as hexadecimal digits, and the secret key of a user mapping: it is a test instrument, and the
//! secrets of a test are made up. What a person reads (the `Display` of an [`Entry`]) never has
//! them.

mod ending;

use std::fmt;
use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use self::ending::Open;
use super::json_lines::JsonLines;
use crate::ident::printable;
use crate::security::SecurityScheme;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// A client connected.
    ConnectionOpened {
        /// Where from.
        peer: String,
    },
    /// A connection ended.
    ConnectionClosed {
        /// Who ended it and for what.
        why: String,
    },
    /// A transport session began. Whatever keys another one had are gone.
    SessionOpened {
        /// Its number.
        session: u32,
    },
    /// A request reached an endpoint.
    Request {
        /// The transport session that it belongs to.
        session: u32,
        /// The endpoint's name, as the client spelled it.
        endpoint: String,
        /// How long it is.
        bytes: usize,
    },
    /// A request was answered.
    Answered {
        /// The endpoint's name.
        endpoint: String,
        /// How long the answer is.
        bytes: usize,
    },
    /// A request was not answered, or not with what it asked for.
    Refused {
        /// The endpoint's name, or the path where there is no such endpoint.
        endpoint: String,
        /// What is wrong with it.
        why: String,
    },
    /// The first message of a handshake in the device's own scheme.
    HandshakeStarted {
        /// That scheme.
        scheme: SecurityScheme,
    },
    /// A Security 2 public key without its leading zeros, which firmware refuses.
    ShortA {
        /// How long it is.
        bytes: usize,
    },
    /// Both sides have the keys.
    Secured {
        /// Under which scheme.
        scheme: SecurityScheme,
        /// The user name that the client gave (Security 2).
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        /// Whether the client proved that it holds a PoP (Security 1).
        #[serde(skip_serializing_if = "Option::is_none")]
        pop: Option<bool>,
    },
    /// A handshake that counts towards the lock-out.
    Strike {
        /// How many there were since the device started.
        count: u32,
    },
    /// One strike too many.
    Locked,
    /// The file of this log could not be written any more; only readers see this.
    LogLost,
    /// The provisioning component told its application.
    ProvEvent {
        /// What.
        name: ProvEvent,
        /// For `cred_fail`: `auth_error` or `network_not_found`.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    /// A request met a fault that was ordered.
    Fault {
        /// Which endpoint's.
        endpoint: String,
        /// Which one, as it was ordered.
        kind: String,
        /// The how-manieth request to that endpoint it was.
        number: u32,
    },
    /// The application took the provisioning manager back to its start.
    ApplicationReset,
    /// A request brought the device down; it has started again, and knows nothing of before.
    Crashed,
    /// Its board lost power for a moment; it has started again, and knows nothing of before.
    Restarted,
    /// Bytes arrived on its serial line faster than it read them, and are lost.
    Overrun {
        /// How many.
        bytes: usize,
    },
    /// Nobody can reach the device: it listens nowhere.
    Unreachable,
    /// It can be reached again.
    Reachable,
    /// What the device should keep could not be written.
    StateLost {
        /// Why not.
        why: String,
    },
    /// Wi-Fi credentials were stored.
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
    /// The stored credentials are being tried.
    WifiApplied,
    /// The client asked how that goes.
    WifiStatus {
        /// `connecting`, `attempt_failed`, `connected` or `failed`.
        state: &'static str,
    },
    /// The device is on the network.
    WifiJoined {
        /// Which one, as text.
        ssid: String,
    },
    /// The client took the provisioning manager back to its start.
    Reset {
        /// Whether the manager let it.
        accepted: bool,
    },
    /// The client asked to provision a provisioned device anew.
    Reprov {
        /// Whether the manager let it.
        accepted: bool,
    },
    /// A challenge was signed with the node's key.
    ChallengeSigned {
        /// Whose signature it says it is.
        node_id: String,
        /// How long the challenge is.
        challenge_bytes: usize,
    },
    /// The device signs no challenge any more, until it restarts.
    ChalRespDisabled,
    /// The device was told which user it belongs to.
    UserMappingReceived {
        /// That user.
        user_id: String,
        /// What the cloud compares with what the user's client tells it.
        secret_key: String,
    },
    /// The cloud took the device's half of a user mapping.
    UserMappingSent {
        /// Which user's.
        user_id: String,
    },
    /// The cloud was told that the device is online.
    ConnectivitySent,
    /// The cloud could not be told something.
    CloudFailed {
        /// `connectivity` or `user_mapping`.
        what: &'static str,
        /// The how-manieth attempt it was.
        attempt: u32,
        /// Why not.
        why: String,
    },
    /// The network was told of a service by mDNS.
    Announced {
        /// Its type, such as `_esp_rmaker_chal_resp._tcp`.
        service: &'static str,
        /// Its name.
        instance: String,
        /// The name of its host.
        host: String,
        /// Its port.
        port: u16,
        /// Its TXT record.
        txt: Map<String, Value>,
    },
    /// The network was told that there is a service no more.
    AnnouncementRemoved {
        /// Its type.
        service: &'static str,
        /// Its name.
        instance: String,
    },
    /// The network could not be told.
    AnnouncementFailed {
        /// Why not.
        why: String,
    },
    /// Somebody looks for devices by Bluetooth.
    DiscoveryStarted,
    /// Nobody does any more.
    DiscoveryStopped,
    /// A computer and the device have keys for an encrypted link.
    Paired,
    /// The computer has forgotten what it knew of the device.
    Forgotten,
    /// The device listens no longer.
    ServiceStopped {
        /// For which reason.
        why: String,
    },
}

/// The events of the provisioning component (`network_prov_cb_event_t`), by their old names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvEvent {
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

impl ProvEvent {
    const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Start => "start",
            Self::CredRecv => "cred_recv",
            Self::CredFail => "cred_fail",
            Self::CredSuccess => "cred_success",
            Self::End => "end",
            Self::Deinit => "deinit",
        }
    }
}

impl Entry {
    /// An event without a reason.
    pub const fn prov_event(name: ProvEvent) -> Self {
        Self::ProvEvent { name, reason: None }
    }
}

/// One line for people: no passphrase in it, and nothing that steers a terminal.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionOpened { peer } => write!(f, "connection from {peer}"),
            Self::ConnectionClosed { why } => write!(f, "connection closed: {why}"),
            Self::SessionOpened { session } => write!(f, "new transport session {session}"),
            Self::Request {
                endpoint, bytes, ..
            } => write!(f, "{}: request of {bytes} bytes", text(endpoint)),
            Self::Answered { endpoint, bytes } => {
                write!(f, "{}: answered with {bytes} bytes", text(endpoint))
            }
            Self::Refused { endpoint, why } => write!(f, "{}: refused, {why}", text(endpoint)),
            Self::HandshakeStarted { scheme } => write!(f, "handshake of {scheme}"),
            Self::ShortA { bytes } => write!(f, "public key of {bytes} bytes instead of 384"),
            Self::Secured {
                scheme,
                username: Some(username),
                ..
            } => write!(f, "secured with {scheme} as {}", text(username)),
            Self::Secured { scheme, .. } => write!(f, "secured with {scheme}"),
            Self::Strike { count } => write!(f, "strike {count}"),
            Self::Locked => f.write_str("locked until restart"),
            Self::LogLost => f.write_str("the log file cannot be written, and ends here"),
            Self::ProvEvent {
                name,
                reason: Some(reason),
            } => write!(f, "event {}: {reason}", name.name()),
            Self::ProvEvent { name, reason: None } => write!(f, "event {}", name.name()),
            Self::Fault {
                endpoint,
                kind,
                number,
            } => write!(f, "{}: fault {kind} at request {number}", text(endpoint)),
            Self::ApplicationReset => f.write_str("reset by the application"),
            Self::Crashed => f.write_str("crashed and started again"),
            Self::Restarted => f.write_str("started again"),
            Self::Overrun { bytes } => write!(f, "{bytes} bytes lost, nobody read them in time"),
            Self::Unreachable => f.write_str("out of reach"),
            Self::Reachable => f.write_str("in reach again"),
            Self::StateLost { why } => write!(f, "what it should keep is lost: {why}"),
            Self::WifiSet { ssid, .. } => write!(f, "credentials for {} stored", text(ssid)),
            Self::WifiApplied => f.write_str("joining"),
            Self::WifiStatus { state } => write!(f, "status told: {state}"),
            Self::WifiJoined { ssid } => write!(f, "joined {}", text(ssid)),
            Self::Reset { accepted: true } => f.write_str("reset"),
            Self::Reset { accepted: false } => f.write_str("reset refused"),
            Self::Reprov { accepted: true } => f.write_str("provisioning anew"),
            Self::Reprov { accepted: false } => f.write_str("provisioning anew refused"),
            Self::ChallengeSigned {
                node_id,
                challenge_bytes,
            } => {
                let node_id = text(node_id);
                write!(
                    f,
                    "challenge of {challenge_bytes} bytes signed as {node_id}"
                )
            }
            Self::ChalRespDisabled => f.write_str("signs no challenge until restart"),
            Self::UserMappingReceived { user_id, .. } => {
                write!(f, "told that it belongs to {}", text(user_id))
            }
            Self::UserMappingSent { user_id } => {
                write!(f, "told the cloud that it belongs to {}", text(user_id))
            }
            Self::ConnectivitySent => f.write_str("told the cloud that it is online"),
            Self::CloudFailed { what, attempt, why } => {
                write!(
                    f,
                    "cloud not told of {what} (attempt {attempt}): {}",
                    text(why)
                )
            }
            Self::Announced {
                service, instance, ..
            } => write!(f, "{} announced as {service}", text(instance)),
            Self::AnnouncementRemoved { service, instance } => {
                write!(f, "{} no longer announced as {service}", text(instance))
            }
            Self::AnnouncementFailed { why } => write!(f, "not announced: {}", text(why)),
            Self::DiscoveryStarted => f.write_str("looked for"),
            Self::DiscoveryStopped => f.write_str("no longer looked for"),
            Self::Paired => f.write_str("paired"),
            Self::Forgotten => f.write_str("forgotten by the computer"),
            Self::ServiceStopped { why } => write!(f, "service stopped: {why}"),
        }
    }
}

fn text(from_outside: &str) -> String {
    printable(from_outside.as_bytes())
}

/// Who wants to read entries as they happen.
pub type Reader = Box<dyn FnMut(&Entry) + Send>;

/// Takes entries down: as JSON lines, each with the milliseconds since the log was made and the
/// number of the connection it belongs to, and to one reader.
pub struct Log {
    started: Instant,
    connection: Option<u64>,
    device: Option<String>,
    open: Open,
    lines: JsonLines,
    reader: Option<Reader>,
}

impl Log {
    /// One that keeps nothing, until told where to.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            connection: None,
            device: None,
            open: Open::default(),
            lines: JsonLines::default(),
            reader: None,
        }
    }

    /// Writes JSON lines there, each flushed. It holds secrets: see the module.
    #[must_use]
    pub fn lines_to(mut self, sink: Box<dyn Write + Send>) -> Self {
        self.lines = JsonLines::to(sink);
        self
    }

    /// Puts this name into every line, for a log that several devices share.
    #[must_use]
    pub fn of_device(mut self, name: String) -> Self {
        self.device = Some(name);
        self
    }

    /// Shows every entry to `reader` too.
    #[must_use]
    pub fn shown_to(mut self, reader: Reader) -> Self {
        self.reader = Some(reader);
        self
    }

    /// Says to which connection the following entries belong.
    pub fn set_connection(&mut self, connection: Option<u64>) {
        self.connection = connection;
    }

    /// Takes down that something could not be kept, if so: it changes nothing for the device.
    pub(super) fn kept(&mut self, outcome: std::io::Result<()>) {
        if let Err(error) = outcome {
            self.write(&Entry::StateLost {
                why: error.to_string(),
            });
        }
    }

    /// Takes down what happens now.
    pub fn write(&mut self, entry: &Entry) {
        self.write_line(Instant::now(), self.connection, entry);
    }

    /// Takes down what happened without a client, at `when`.
    pub fn write_at(&mut self, when: Instant, entry: &Entry) {
        self.write_line(when, None, entry);
    }

    fn write_line(&mut self, when: Instant, connection: Option<u64>, entry: &Entry) {
        self.open.note(entry);
        if let Some(reader) = &mut self.reader {
            reader(entry);
        }
        let elapsed = when.saturating_duration_since(self.started);
        let line = Line {
            ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            connection,
            device: self.device.as_deref(),
            entry,
        };
        if !self.lines.write(&line)
            && let Some(reader) = &mut self.reader
        {
            reader(&Entry::LogLost);
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(flatten)]
    entry: &'a Entry,
}

#[cfg(test)]
pub(crate) mod tests;
