//! The interface from a flow to its face: events of what happened, questions for missing values.
//! These are the only calls upward in this program. Events are facts in the past tense; a face turns
//! them into text or JSON.

use std::fmt;

use async_trait::async_trait;
use derive_more::Display;
use serde::{Serialize, Serializer};
use serde_json::json;

use super::growing::Growing;
use super::journal::RowName;
use super::mapping_method::MappingMethod;
use crate::endpoint::version::Version;
use crate::endpoint::wifi_scan::AccessPoint;
use crate::ident::Ssid;
use crate::provisioner::{JoinedNetwork, JoinedThread, JoinedWifi, NetworkName};
use crate::secret::Secret;
use crate::security::SecurityScheme;
use crate::transport::{Candidate, Medium};

/// The face that a flow reports to.
#[async_trait]
pub trait Observer: fmt::Debug + Send + Sync {
    /// Receives an event about the device of this row.
    fn event(&self, row: Option<&RowName>, event: &Event);

    /// Lets the user choose from a list, which may grow meanwhile. The flow drops the future if it no
    /// longer needs the choice. A face that does not implement this is non-interactive.
    async fn choose(&self, _row: Option<&RowName>, _choice: Choice) -> Chosen {
        Chosen::Nothing
    }

    /// Lets the user type a value. `None`: the run is non-interactive, or the user gave no answer.
    async fn ask(&self, _row: Option<&RowName>, _question: &Question) -> Option<Secret<String>> {
        None
    }
}

/// A fact about a run. The field names are those of the JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The search for a device began.
    SearchStarted {
        /// The medium that is searched.
        transport: &'static Medium,
        /// The device's address, if the user gave it.
        address: Option<String>,
        /// The name to search for, on media where devices announce names.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A device was found.
    DeviceFound {
        /// The medium that was searched.
        transport: &'static Medium,
        /// The device's address.
        address: String,
        /// The name that it announced.
        name: Option<String>,
        /// The node id that it announced.
        #[serde(skip_serializing_if = "Option::is_none")]
        node_id: Option<String>,
    },
    /// A search found a device, or new data about one that it found before.
    DeviceSeen {
        /// The announcement.
        #[serde(flatten, serialize_with = "serialize_announcement")]
        device: Candidate,
        /// Whether the search is for this device.
        is_wanted: bool,
    },
    /// The connection to the device is open.
    Connected {
        /// The device's address.
        address: String,
    },
    /// The device's version document was read.
    VersionRead {
        /// The document.
        #[serde(flatten)]
        version: Version,
    },
    /// The security scheme of the session was selected.
    SchemeChosen {
        /// 0, 1 or 2.
        scheme: SecurityScheme,
        /// The reason for this scheme.
        source: SchemeSource,
    },
    /// The handshake succeeded.
    Secured {
        /// 0, 1 or 2.
        scheme: SecurityScheme,
    },
    /// The device began a Wi-Fi scan.
    WifiScanStarted,
    /// The device finished a Wi-Fi scan.
    WifiScanned {
        /// Strongest first.
        networks: Vec<AccessPoint>,
    },
    /// The device stored the credentials.
    WifiSent {
        /// The network.
        ssid: Ssid,
        /// Its bytes.
        ssid_hex: String,
    },
    /// The device accepted Apply. It starts to join one second later.
    WifiApplied,
    /// The device is joining. Reported once, and again after each failed attempt.
    WifiJoining {
        /// The attempts that remain, if the firmware reports them.
        attempts_remaining: Option<u32>,
    },
    /// Contact was lost while the device joined, for example because its access point changed channel.
    ContactLost,
    /// A new session with the device is open.
    ContactRegained,
    /// espctl asked the device to forget the credentials and accept others.
    WifiReset {
        /// Whether the device accepted. Some firmware rejects because it has already forgotten them.
        accepted: bool,
    },
    /// Another attempt to join begins, over the same session.
    WifiRetried {
        /// The number of the attempt, from 1.
        attempt: u32,
        /// The failure of the previous attempt.
        after: String,
    },
    /// The device stored the credentials of a Thread network.
    ThreadSent {
        /// The name of the network.
        network_name: String,
    },
    /// The device joined a Thread network.
    ThreadJoined(JoinedThread),
    /// The device joined a Wi-Fi network.
    WifiJoined(JoinedWifi),
    /// The account was not reachable for a challenge. The run goes on: the device may need none.
    ChallengeMissed {
        /// The cause, as text.
        why: String,
    },
    /// espctl began to fetch a challenge from the account.
    ChallengeRequested,
    /// The node signed the challenge.
    ChallengeSigned {
        /// The node's id in the account.
        node_id: String,
    },
    /// The device signs no more challenges until it restarts.
    ChallengeResponseDisabled {
        /// Whether challenge-response was disabled before.
        already: bool,
    },
    /// The node is in the account.
    Mapped {
        /// The node's id in the account.
        node_id: String,
        /// The mapping method.
        #[serde(rename = "way")]
        method: MappingMethod,
        /// The host name of the account's cloud.
        host: String,
    },
    /// The account is not reachable from here. The run goes on and confirms the mapping later.
    MappingDeferred {
        /// The node.
        node_id: String,
        /// The cause, as text.
        why: String,
        /// The time in which the account still accepts the confirmation.
        seconds_left: u64,
    },
    /// The account reported a new status of the mapping.
    MappingPolled {
        /// The status, as the account names it.
        status: String,
        /// The time since the mapping was requested.
        elapsed_s: u64,
    },
    /// The device's half of the mapping began.
    MappingStarted {
        /// The mapping method.
        #[serde(rename = "way")]
        method: MappingMethod,
    },
    /// The device's half is done, and the run waits until the account is reachable.
    MappingWaits {
        /// The node.
        node_id: String,
        /// The time limit of the wait.
        seconds_left: u64,
    },
    /// The device accepted the user's id and the secret key.
    UserSent {
        /// The node id that the device answered with.
        node_id: String,
    },
    /// One of the five stages began, ended, or is not part of this run.
    Stage {
        /// The stage.
        stage: Stage,
        /// The stage's name, for display.
        title: String,
        /// The new state.
        state: StageState,
        /// The duration; absent when the stage began or was skipped.
        #[serde(skip_serializing_if = "Option::is_none")]
        took_ms: Option<u64>,
    },
    /// A problem that does not end the run.
    Warned {
        /// The kind of problem. Stable: scripts compare it.
        id: Warning,
        /// The problem, as text.
        message: String,
    },
}

/// The keys of `device_found`, and the signal strength.
fn serialize_announcement<S: Serializer>(device: &Candidate, to: S) -> Result<S::Ok, S::Error> {
    let keys = json!({
        "transport": device.medium,
        "address": device.address.to_string(),
        "name": device.name,
        "node_id": device.hints.node_id,
        "signal": device.hints.signal,
    });
    keys.serialize(to)
}

/// Why a security scheme was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemeSource {
    /// The device announced it.
    Announced,
    /// The user passed it.
    #[serde(rename = "asked")]
    Requested,
    /// The device announced nothing, and accepted this one.
    Probed,
}

/// The stages of provisioning, with their names as the phone apps show them.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Done when the device accepted Set and Apply.
    #[display("Sending Wi-Fi credentials")]
    SendWifi,
    /// Done when the device reported the network that it joined.
    #[display("Confirming Wi-Fi connection")]
    ConfirmWifi,
    /// Done when the device signed the challenge, or accepted the user's id and the secret key.
    #[display("Configuring device association")]
    Associate,
    /// Done when the cloud confirmed the mapping.
    #[display("Verifying device association")]
    VerifyAssociation,
    /// Done when the node has its tags, metadata and group.
    #[display("Setting up the node")]
    SetupNode,
}

impl Stage {
    pub(super) fn event(self, state: StageState, took_ms: Option<u64>) -> Event {
        Event::Stage {
            stage: self,
            title: self.to_string(),
            state,
            took_ms,
        }
    }
}

/// The state of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// It ended, and its condition is met.
    Done,
    /// It ended, and its condition is not met.
    Failed,
    /// It is not part of this run.
    Skipped,
    /// It began.
    Started,
}

/// The kind of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// The driver changed a setting of this computer for the run.
    HostChanged,
    /// The login was renewed, but could not be stored.
    LoginNotKept,
    /// The session is not encrypted.
    NoSecurity,
    /// Challenge-response could not be disabled.
    NotDisabled,
    /// The journal could not record the outcome of a step.
    NotRecorded,
    /// The node is in the account, but lacks some of its tags, metadata or group.
    NotSetUp,
    /// espctl tries another form of the password.
    Sec2Compat,
}

impl Event {
    pub(super) fn credentials_sent(network: &NetworkName) -> Self {
        match network {
            NetworkName::Wifi(ssid) => Self::WifiSent {
                ssid: ssid.clone(),
                ssid_hex: ssid.to_hex(),
            },
            NetworkName::Thread(name) => Self::ThreadSent {
                network_name: name.to_string(),
            },
        }
    }

    pub(super) fn joined(network: &JoinedNetwork) -> Self {
        match network {
            JoinedNetwork::Wifi(wifi) => Self::WifiJoined(wifi.clone()),
            JoinedNetwork::Thread(thread) => Self::ThreadJoined(thread.clone()),
        }
    }
}

/// A list to choose from.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Devices that announced themselves.
    Devices(Growing<Candidate>),
    /// Networks that the device sees, strongest first.
    Networks(Growing<AccessPoint>),
}

/// The answer to a [`Choice`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The user chose none.
    Declined,
    /// The index of the chosen item, from 0.
    Item(usize),
    /// A network that is not in the list.
    Manual(Ssid),
    /// The run is non-interactive.
    Nothing,
    /// The user asked for another scan.
    Rescan,
}

/// A value that the user can type.
#[derive(Clone, Debug, Display, PartialEq, Eq)]
pub enum Question {
    /// The passphrase of this network.
    #[display("the passphrase of {_0}")]
    Passphrase(Ssid),
    /// Another passphrase for this network, after the device failed to join with the first one.
    #[display("another passphrase of {_0}")]
    NewPassphrase(Ssid),
    /// The password of Security 2.
    #[display("the Security 2 password")]
    Password,
    /// The proof of possession.
    #[display("the proof of possession")]
    Pop,
    /// The network to join.
    #[display("the Wi-Fi network")]
    Ssid,
}
