//! What can be wrong with an emulated link and with the computer that it leads from, by name. Not
//! what comes of it: the host and the device's side of the link ask here.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What is wrong with the link to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkTrouble {
    /// The first `Connect` fails, as real controllers have it now and then.
    ConnectFailsOnce,
    /// This computer is connected to it already: it is not advertised.
    Connected,
    /// Its characteristics want an encrypted link, and BlueZ pairs at the first access.
    EncryptionRequired,
    /// Somebody else is connected to it: it is not advertised.
    Held,
    /// The first link is lost before its services are known.
    LostBeforeResolved,
    /// BlueZ knows it by another name from before.
    NameInCache,
    /// Its characteristics want an encrypted link, and pairing fails, which ends the link.
    NoPairing,
    /// Its characteristics want an encrypted link, and BlueZ does not pair before it is asked to.
    PairingByHand,
    /// Likewise, and pairing fails, which ends the link.
    PairingByHandRefused,
    /// Its characteristics want an encrypted link, and pairing never ends: BlueZ gives the device
    /// up, and the access is not answered.
    PairingHangs,
    /// BlueZ remembers its attributes from before, without those of sessions.
    StaleCache,
    /// BlueZ remembers its attributes from before, at handles that are no more.
    StaleHandles,
    /// Its services are never found out.
    Unresolved,
    /// It is advertised, and nobody can connect to it.
    Vanishes,
}

impl LinkTrouble {
    /// Every one, and its name.
    pub const ALL: [(&'static str, Self); 14] = [
        ("connect-fails-once", Self::ConnectFailsOnce),
        ("connected", Self::Connected),
        ("encryption-required", Self::EncryptionRequired),
        ("held", Self::Held),
        ("lost-before-resolved", Self::LostBeforeResolved),
        ("name-in-cache", Self::NameInCache),
        ("no-pairing", Self::NoPairing),
        ("pairing-by-hand", Self::PairingByHand),
        ("pairing-by-hand-refused", Self::PairingByHandRefused),
        ("pairing-hangs", Self::PairingHangs),
        ("stale-cache", Self::StaleCache),
        ("stale-handles", Self::StaleHandles),
        ("unresolved", Self::Unresolved),
        ("vanishes", Self::Vanishes),
    ];

    /// Whether BlueZ knows the device before it was ever seen.
    pub(super) const fn is_known_from_before(self) -> bool {
        matches!(
            self,
            Self::Connected | Self::NameInCache | Self::StaleCache | Self::StaleHandles
        )
    }

    /// Whether characteristics want an encrypted link.
    pub(super) const fn wants_encryption(self) -> bool {
        matches!(
            self,
            Self::EncryptionRequired
                | Self::NoPairing
                | Self::PairingByHand
                | Self::PairingByHandRefused
                | Self::PairingHangs
        )
    }
}

/// What is wrong with the computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostTrouble {
    /// The bus lets nobody call BlueZ.
    AccessDenied,
    /// The adapter is blocked by a switch: it cannot be powered.
    AdapterBlocked,
    /// The adapter is not powered.
    AdapterOff,
    /// BlueZ ends when something is written to a characteristic.
    Dies,
    /// The bus takes clients, and answers nothing.
    Hangs,
    /// There is no adapter.
    NoAdapter,
    /// There is no BlueZ on the bus.
    NoBluez,
}

impl HostTrouble {
    /// Every one, and its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("access-denied", Self::AccessDenied),
        ("adapter-blocked", Self::AdapterBlocked),
        ("adapter-off", Self::AdapterOff),
        ("dies", Self::Dies),
        ("hangs", Self::Hangs),
        ("no-adapter", Self::NoAdapter),
        ("no-bluez", Self::NoBluez),
    ];
}

/// A text that names no trouble.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("expected one of {0}")]
pub struct UnknownTrouble(String);

fn named<T: Copy>(all: &[(&str, T)], text: &str) -> Result<T, UnknownTrouble> {
    let found = all.iter().find(|(name, _)| *name == text);
    found.map(|(_, trouble)| *trouble).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        UnknownTrouble(names.join(", "))
    })
}

fn name_of<T: PartialEq>(all: &[(&'static str, T)], trouble: &T) -> &'static str {
    let found = all.iter().find(|(_, known)| known == trouble);
    found.map_or("?", |(name, _)| name)
}

impl FromStr for LinkTrouble {
    type Err = UnknownTrouble;

    fn from_str(text: &str) -> Result<Self, UnknownTrouble> {
        named(&Self::ALL, text)
    }
}

impl fmt::Display for LinkTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(name_of(&Self::ALL, self))
    }
}

impl FromStr for HostTrouble {
    type Err = UnknownTrouble;

    fn from_str(text: &str) -> Result<Self, UnknownTrouble> {
        named(&Self::ALL, text)
    }
}

impl fmt::Display for HostTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(name_of(&Self::ALL, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_there_and_back() {
        for (name, trouble) in LinkTrouble::ALL {
            assert_eq!(name.parse(), Ok(trouble));
            assert_eq!(trouble.to_string(), name);
        }
        for (name, trouble) in HostTrouble::ALL {
            assert_eq!(name.parse(), Ok(trouble));
            assert_eq!(trouble.to_string(), name);
        }
        let error = "rain".parse::<HostTrouble>().unwrap_err().to_string();
        assert!(error.contains("no-bluez"), "{error}");
    }
}
