//! Why a device is not to be reached any more. What ends it is for the manager and the media.

use thiserror::Error;

/// Why a device no longer offers its service.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StopReason {
    /// It has credentials, so that it does not offer provisioning.
    #[error("provisioned before")]
    AlreadyProvisioned,
    /// Too many failed handshakes: not until it restarts.
    #[error("locked after too many failed handshakes")]
    Locked,
    /// It joined its network, and nobody asked how that went.
    #[error("provisioned, and nobody asked")]
    NobodyAsked,
    /// A client was told that it joined its network.
    #[error("provisioned")]
    Provisioned,
    /// A client was done with its challenges, and it offers nothing else.
    #[error("challenge-response switched off")]
    SwitchedOff,
    /// Its cable was pulled.
    #[error("unplugged")]
    Unplugged,
    /// It joined its network, and took its service away in doing so.
    #[error("joined, and out of reach since")]
    Vanished,
}
