//! When and why clients cannot reach a device: for a while, or for good.

use thiserror::Error;
use tokio::time::Instant;

/// A time in which clients cannot reach a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When it begins.
    pub from: Instant,
    /// When it ends; `None`: with the service.
    pub until: Option<Instant>,
}

impl Outage {
    /// Whether this moment is within the outage.
    pub fn contains(&self, now: Instant) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// Why a device no longer offers its service.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StopReason {
    /// It has credentials, so that it does not offer provisioning.
    #[error("provisioned before")]
    AlreadyProvisioned,
    /// Too many failed handshakes: it is locked until it restarts.
    #[error("locked after too many failed handshakes")]
    Locked,
    /// It joined its network, and no client requested the result in time.
    #[error("provisioned, and no client asked")]
    ResultNotRequested,
    /// It reported to a client that it joined its network.
    #[error("provisioned")]
    Provisioned,
    /// A client disabled challenge-response, and it offers nothing else.
    #[error("challenge-response switched off")]
    ChallengesDisabled,
    /// Its cable was unplugged.
    #[error("unplugged")]
    Unplugged,
    /// It joined its network, and its service disappeared with that.
    #[error("joined, and out of reach since")]
    Vanished,
}
