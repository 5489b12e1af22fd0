//! How a flow can end badly, by whose fault it is and with the data to say so. What to do about
//! it, and the exit code, are `cli/failure.rs`'s.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::{Question, StopReason};
use crate::endpoint::wifi_config::JoinFailure;
use crate::endpoint::wifi_scan::AuthMode;
use crate::ident::Ssid;
use crate::session::SessionError;
use crate::transport::{TransportError, TransportKind};

/// Why a flow did not reach its end.
#[derive(Debug, Error)]
pub enum FlowError {
    /// The device announces plaintext although a secret was given for it. Somebody in between
    /// could announce that to learn the Wi-Fi passphrase.
    #[error("the device announces no security, although a secret was given for it")]
    AnnouncedNoSecurity,
    /// The device announces that it needs no PoP although one was given. The same trick as
    /// announcing no security: without the PoP anybody can be the device.
    #[error("the device announces that it needs no proof of possession, although one was given")]
    AnnouncedNoPop,
    /// The network wants an identity, for which the protocol has no field.
    #[error("{ssid} is an enterprise network ({auth}), which cannot be joined by this protocol")]
    EnterpriseNetwork {
        /// The network.
        ssid: Ssid,
        /// What it asks for.
        auth: AuthMode,
    },
    /// The device gave up joining.
    #[error("the device could not join {ssid}: {}{}", reason_of(*reason), sight_of(*sighting))]
    JoinFailed {
        /// The network.
        ssid: Ssid,
        /// What the device says; `None` when it does not.
        reason: Option<JoinFailure>,
        /// Whether the device has been made to forget the credentials.
        forgotten: bool,
        /// What its own scan shows of the network, where it made one.
        sighting: Option<Sighting>,
    },
    /// The device was still trying when the time was up.
    #[error("the device was still trying to join {ssid} after {} s", waited.as_secs_f32())]
    JoinTimedOut {
        /// The network.
        ssid: Ssid,
        /// The limit.
        waited: Duration,
        /// Whether the device has been made to forget the credentials.
        forgotten: bool,
        /// What its own scan shows of the network, where it made one.
        sighting: Option<Sighting>,
    },
    /// Something that only a person could give, and nobody gave.
    #[error("{0} is missing")]
    MissingInput(Question),
    /// No device in reach.
    #[error("no device found over {kind}")]
    NoCandidate {
        /// Where we looked.
        kind: TransportKind,
    },
    /// The device cannot be given Wi-Fi.
    #[error("the device takes Thread credentials only")]
    NoWifi,
    /// The device did not finish its scan.
    #[error("the device did not finish its Wi-Fi scan within {} s", waited.as_secs_f32())]
    ScanUnfinished {
        /// The limit.
        waited: Duration,
    },
    /// A conversation failed.
    #[error("{source}")]
    Session {
        /// What was being done.
        doing: Doing,
        /// What happened.
        source: SessionError,
    },
    /// A device could not be found or opened.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The run was ended from outside.
    #[error("{}", stop_of(*reason))]
    Stopped {
        /// Why.
        reason: StopReason,
        /// What it cut short.
        doing: Doing,
        /// What is left on the device.
        left: Left,
    },
    /// Credentials were applied, and then contact was lost or its answers could not be read.
    #[error("the device was given the credentials of {ssid}, but has not confirmed that it joined")]
    Unconfirmed {
        /// The network.
        ssid: Ssid,
        /// What happened.
        source: SessionError,
    },
    /// The device announces a scheme that does not exist here.
    #[error("the device announces Security {number}, which this program does not know")]
    UnknownScheme {
        /// As announced.
        number: u64,
    },
    /// A transport that this program was built without.
    #[error("this program has no {0} transport")]
    UnsupportedTransport(TransportKind),
}

impl FlowError {
    /// The step that was under way.
    pub const fn doing(&self) -> Doing {
        match self {
            Self::AnnouncedNoPop
            | Self::AnnouncedNoSecurity
            | Self::UnknownScheme { .. }
            | Self::NoWifi => Doing::ReadingVersion,
            Self::EnterpriseNetwork { .. } => Doing::SendingWifi,
            Self::JoinFailed { .. } | Self::JoinTimedOut { .. } | Self::Unconfirmed { .. } => {
                Doing::ConfirmingWifi
            }
            Self::MissingInput(question) => match question {
                Question::Pop | Question::Password => Doing::Securing,
                Question::NewPassphrase { .. } | Question::Passphrase { .. } | Question::Ssid => {
                    Doing::SendingWifi
                }
            },
            Self::NoCandidate { .. } | Self::Transport(_) | Self::UnsupportedTransport(_) => {
                Doing::Connecting
            }
            Self::ScanUnfinished { .. } => Doing::Scanning,
            Self::Session { doing, .. } | Self::Stopped { doing, .. } => *doing,
        }
    }
}

/// What is left on a device by a run that was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It stored the credentials, is joining, and would not be told to forget them.
    Applied,
    /// It was given credentials, and has forgotten them.
    Forgotten,
    /// It was given none.
    Nothing,
    /// It was given some that it did not store, because they were not applied.
    Unapplied,
    /// It was told to join, and contact was lost.
    Unknown,
}

/// What a device's own scan shows of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Nothing.
    NotSeen,
    /// Only channels above 14.
    OnlyFiveGhz,
    /// It is there.
    Seen,
}

/// The step of a flow. Reads on with the device's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Have the stored network joined.
    ApplyingWifi,
    /// Ask an endpoint of the application.
    Calling,
    /// Wait until it is joined.
    ConfirmingWifi,
    /// Find the device and open a path to it.
    Connecting,
    /// Read `proto-ver`.
    ReadingVersion,
    /// Have it leave its network and wait for another.
    Reopening,
    /// Have it forget credentials that failed.
    Resetting,
    /// List networks.
    Scanning,
    /// The handshake.
    Securing,
    /// Hand over a network.
    SendingWifi,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApplyingWifi => "applying the Wi-Fi credentials on",
            Self::Calling => "calling an endpoint of",
            Self::ConfirmingWifi => "waiting for the Wi-Fi connection of",
            Self::Connecting => "connecting to",
            Self::ReadingVersion => "reading the version of",
            Self::Reopening => "reopening provisioning on",
            Self::Resetting => "resetting",
            Self::Scanning => "scanning for Wi-Fi networks with",
            Self::Securing => "securing the session with",
            Self::SendingWifi => "sending the Wi-Fi credentials to",
        })
    }
}

fn reason_of(reason: Option<JoinFailure>) -> String {
    reason.map_or_else(
        || "it does not say why".to_owned(),
        |reason| reason.to_string(),
    )
}

const fn sight_of(sighting: Option<Sighting>) -> &'static str {
    match sighting {
        Some(Sighting::NotSeen) => "; its own scan does not show the network",
        Some(Sighting::OnlyFiveGhz) => "; its own scan shows the network on 5 GHz only",
        Some(Sighting::Seen) | None => "",
    }
}

const fn stop_of(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Expired => "the time for the whole run is up",
        StopReason::Interrupted => "interrupted",
    }
}
