//! The person, or the script, that a flow is run for: told what happened, asked what is missing.
//! The only calls in this program that go up. Events are facts in the past tense; text and JSON
//! are two views of them, both made in `cli/ui/`.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;

use super::growing::Growing;
use super::journal::RowName;
use super::mapping_method::MappingMethod;
use super::seen_device::SeenDevice;
use crate::endpoint::version::Version;
use crate::endpoint::wifi_scan::{AccessPoint, AuthMode};
use crate::ident::{Bssid, Ssid};
use crate::provisioner::{JoinedNetwork, JoinedWifi, NetworkName};
use crate::secret::Secret;
use crate::security::SecurityScheme;
use crate::transport::Medium;

/// Whoever a flow is run for.
#[async_trait]
pub trait Observer: fmt::Debug + Send + Sync {
    /// Something happened, to the device of this row.
    fn event(&self, row: Option<&RowName>, event: &Event);

    /// Something must be chosen from a list, which may grow meanwhile. The flow may drop the future:
    /// the choice is not needed anymore.
    async fn choose(&self, row: Option<&RowName>, choice: Choice) -> Chosen;

    /// Something must be typed. `None`: nobody is there, or nobody wants to.
    async fn ask(&self, row: Option<&RowName>, question: &Question) -> Option<Secret<String>>;
}

/// What happened, each a fact. The field names are the JSON's.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The search for a device began.
    SearchStarted {
        /// Where we look.
        transport: &'static Medium,
        /// The address, where it is known beforehand.
        address: Option<String>,
        /// The name, where one is wanted and devices announce theirs.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A device was found.
    DeviceFound {
        /// Where we found it.
        transport: &'static Medium,
        /// The device's address.
        address: String,
        /// The name that it announced.
        name: Option<String>,
        /// The node id that it announced.
        #[serde(skip_serializing_if = "Option::is_none")]
        node_id: Option<String>,
    },
    /// A search saw a device, or something new about one that it saw before.
    DeviceSeen {
        /// What it announced.
        #[serde(flatten)]
        device: SeenDevice,
        /// Whether the search is for this device.
        is_wanted: bool,
    },
    /// A path to it is open.
    Connected {
        /// The device's address.
        address: String,
    },
    /// The device said what it is.
    VersionRead {
        /// The document.
        #[serde(flatten)]
        version: Version,
    },
    /// The scheme of the session is decided.
    SchemeChosen {
        /// 0, 1 or 2.
        scheme: SecurityScheme,
        /// By whom.
        source: SchemeSource,
    },
    /// The keys are agreed.
    Secured {
        /// 0, 1 or 2.
        scheme: SecurityScheme,
    },
    /// The device began to look for networks.
    WifiScanStarted,
    /// The device has looked for networks.
    WifiScanned {
        /// Strongest first.
        networks: Vec<Network>,
    },
    /// The device stored the credentials.
    WifiSent {
        /// The network.
        ssid: Ssid,
        /// Its bytes.
        ssid_hex: String,
    },
    /// The device will join in a second.
    WifiApplied,
    /// The device is joining. Said once, and again after each failed attempt.
    WifiJoining {
        /// How many attempts are left, where the firmware counts them.
        attempts_remaining: Option<u32>,
    },
    /// Contact was lost while the device joined, as when its access point changes channel.
    ContactLost,
    /// A new secure connection to it is open.
    ContactRegained,
    /// The device was asked to forget the credentials and wait for others.
    WifiReset {
        /// Whether it did. Some firmware has done so by itself, and refuses for that reason.
        accepted: bool,
    },
    /// Another attempt begins, on the same session.
    WifiRetried {
        /// Counted from 1.
        attempt: u32,
        /// Why the one before failed.
        after: String,
    },
    /// The device stored the credentials of a Thread network.
    ThreadSent {
        /// The name of the network.
        network_name: String,
    },
    /// The device joined a Thread network.
    ThreadJoined {
        /// The name of the network.
        network_name: String,
        /// As `0x1a2b`.
        pan_id: String,
        /// 16 hexadecimal digits.
        ext_pan_id: String,
        /// The radio channel.
        channel: u32,
    },
    /// The device joined.
    WifiJoined {
        /// Its address there.
        ip: Option<String>,
        /// The network.
        ssid: Ssid,
        /// The access point, as the device reports it.
        bssid: Option<Bssid>,
        /// The radio channel.
        channel: Option<i32>,
        /// How it authenticated.
        auth: Option<AuthMode>,
    },
    /// The account was asked for a challenge, and could not be reached: the device may need none.
    ChallengeMissed {
        /// The cause, in words for people.
        why: String,
    },
    /// The account is asked for a challenge.
    ChallengeRequested,
    /// The node signed the challenge.
    ChallengeSigned {
        /// The node's id in the account.
        node_id: String,
    },
    /// The device signs nothing more until it restarts.
    ChallengeResponseDisabled {
        /// Whether it was so before.
        already: bool,
    },
    /// The node is in the account.
    Mapped {
        /// The node's id in the account.
        node_id: String,
        /// How that came about.
        way: MappingMethod,
        /// Whose account it is.
        host: String,
    },
    /// The account cannot be reached from here: the run goes on and confirms the mapping later.
    MappingDeferred {
        /// The node.
        node_id: String,
        /// The cause, in words for people.
        why: String,
        /// How long a confirmation counts yet.
        seconds_left: u64,
    },
    /// The account was asked how the mapping goes, and says something new.
    MappingPolled {
        /// In its words.
        status: String,
        /// Since it was asked for.
        elapsed_s: u64,
    },
    /// The device is being tied to the account.
    MappingStarted {
        /// How.
        way: MappingMethod,
    },
    /// The device is done, and the run waits for the account to be in reach.
    MappingWaits {
        /// The node.
        node_id: String,
        /// How long that can help.
        seconds_left: u64,
    },
    /// The device was told whose it is.
    UserSent {
        /// The id that it gave.
        node_id: String,
    },
    /// One of the five stages began, ended, or is not part of this run.
    Stage {
        /// The stage that the event is about.
        stage: Stage,
        /// For people.
        title: &'static str,
        /// What happened to it.
        state: StageState,
        /// How long it took; absent when it began or was skipped.
        #[serde(skip_serializing_if = "Option::is_none")]
        took_ms: Option<u64>,
    },
    /// Something the person should know, though the run goes on.
    Warned {
        /// Stable.
        id: Warning,
        /// For people.
        message: String,
    },
}

/// Who decided the scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemeSource {
    /// The device announced it.
    Announced,
    /// The person asked for it.
    Asked,
    /// The device announced nothing, and answered to this one.
    Probed,
}

/// The stages of provisioning, as the phone apps show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Set and Apply were answered with success.
    SendWifi,
    /// Connected was seen with its details.
    ConfirmWifi,
    /// The device signed the challenge, or took user id and secret.
    Associate,
    /// The cloud confirmed the mapping.
    VerifyAssociation,
    /// The steps after provisioning ended.
    SetupNode,
}

impl Stage {
    /// What people read.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SendWifi => "Sending Wi-Fi credentials",
            Self::ConfirmWifi => "Confirming Wi-Fi connection",
            Self::Associate => "Configuring device association",
            Self::VerifyAssociation => "Verifying device association",
            Self::SetupNode => "Setting up the node",
        }
    }

    pub(super) const fn event(self, state: StageState, took_ms: Option<u64>) -> Event {
        Event::Stage {
            stage: self,
            title: self.title(),
            state,
            took_ms,
        }
    }
}

/// What happened to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Its condition is a fact.
    Done,
    /// It ended without.
    Failed,
    /// This run does not have it.
    Skipped,
    /// It began.
    Started,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// Something of this computer was changed for the run.
    HostChanged,
    /// The login was renewed, and could not be written.
    LoginNotKept,
    /// Nothing is encrypted.
    NoSecurity,
    /// Challenge-response could not be switched off.
    NotDisabled,
    /// The outcome of a step could not be recorded.
    NotRecorded,
    /// The node is in the account, but lacks what should have gone along.
    NotSetUp,
    /// A second password form is tried.
    Sec2Compat,
}

/// A network, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Network {
    /// `None` when hidden.
    pub ssid: Option<Ssid>,
    /// Its bytes; empty when hidden.
    pub ssid_hex: String,
    /// The strongest access point.
    pub bssid: Bssid,
    /// Its radio channel.
    pub channel: u32,
    /// Its signal strength in dBm.
    pub rssi: i32,
    /// The driver's number.
    pub auth: AuthMode,
    /// The driver's name for it.
    pub auth_name: String,
}

impl From<&AccessPoint> for Network {
    fn from(found: &AccessPoint) -> Self {
        Self {
            ssid: found.ssid.clone(),
            ssid_hex: found.ssid.as_ref().map(Ssid::to_hex).unwrap_or_default(),
            bssid: found.bssid.clone(),
            channel: found.channel,
            rssi: found.rssi,
            auth: found.auth,
            auth_name: found.auth.to_string(),
        }
    }
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
            JoinedNetwork::Wifi(JoinedWifi {
                ssid,
                ip,
                bssid,
                channel,
                auth,
            }) => Self::WifiJoined {
                ip: ip.clone(),
                ssid: ssid.clone(),
                bssid: bssid.clone(),
                channel: *channel,
                auth: *auth,
            },
            JoinedNetwork::Thread(thread) => Self::ThreadJoined {
                network_name: thread.network_name.clone(),
                pan_id: thread.pan_id_text(),
                ext_pan_id: thread.ext_pan_id_text(),
                channel: thread.channel,
            },
        }
    }
}

/// A list to choose from.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Devices that announced themselves.
    Devices(Growing<SeenDevice>),
    /// Networks that the device sees, strongest first.
    Networks(Growing<AccessPoint>),
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Somebody is there, and wants none of them.
    Declined,
    /// The n-th of the list, from 0.
    Item(usize),
    /// A network that is not in the list.
    Manual(Ssid),
    /// Nobody is there to choose.
    Nothing,
    /// Look again.
    Rescan,
}

/// What only a person can give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The passphrase of a network.
    Passphrase {
        /// The network's name.
        ssid: Ssid,
    },
    /// Another passphrase for a network, after one was refused.
    NewPassphrase {
        /// The network's name.
        ssid: Ssid,
    },
    /// The password of Security 2.
    Password,
    /// The proof of possession.
    Pop,
    /// The network to join.
    Ssid,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase { ssid } => write!(f, "the passphrase of {ssid}"),
            Self::NewPassphrase { ssid } => write!(f, "another passphrase of {ssid}"),
            Self::Password => f.write_str("the Security 2 password"),
            Self::Pop => f.write_str("the proof of possession"),
            Self::Ssid => f.write_str("the Wi-Fi network"),
        }
    }
}
