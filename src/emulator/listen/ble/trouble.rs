//! What can be wrong with an emulated link and with its computer, by name.

use clap::ValueEnum;

/// What is wrong with the link to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LinkTrouble {
    /// The first Connect fails, as with some real controllers.
    ConnectFailsOnce,
    /// This computer is connected to the device already, so it does not advertise.
    Connected,
    /// Characteristics require an encrypted link, and BlueZ pairs at the first access.
    EncryptionRequired,
    /// Another computer is connected to the device, so it does not advertise.
    Held,
    /// The first link is lost before its services are known.
    LostBeforeResolved,
    /// BlueZ remembers another name of the device.
    NameInCache,
    /// Characteristics require an encrypted link, and pairing fails, which ends the link.
    NoPairing,
    /// Characteristics require an encrypted link, and BlueZ pairs only when a client asks for it.
    PairingByHand,
    /// Like pairing-by-hand, and pairing fails, which ends the link.
    PairingByHandRefused,
    /// Characteristics require an encrypted link, and pairing never ends: BlueZ gives the device up
    /// and never answers the access.
    PairingHangs,
    /// BlueZ remembers an older GATT table of the device, without the endpoint of sessions.
    StaleCache,
    /// BlueZ remembers a GATT table with handles that the device no longer has.
    StaleHandles,
    /// The services of the device are never found out.
    Unresolved,
    /// The device advertises, but no connection to it succeeds.
    Vanishes,
}

impl LinkTrouble {
    /// Whether it ends when BlueZ removes the device from its cache.
    pub(super) const fn is_in_cache(self) -> bool {
        matches!(
            self,
            Self::NameInCache | Self::StaleCache | Self::StaleHandles
        )
    }

    /// Whether pairing fails.
    pub(super) const fn refuses_pairing(self) -> bool {
        matches!(
            self,
            Self::NoPairing | Self::PairingByHandRefused | Self::PairingHangs
        )
    }

    /// Whether characteristics require an encrypted link.
    pub(super) const fn requires_encryption(self) -> bool {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HostTrouble {
    /// The bus denies every call to BlueZ.
    AccessDenied,
    /// A switch blocks the adapter, so it cannot be powered.
    AdapterBlocked,
    /// The adapter is not powered.
    AdapterOff,
    /// BlueZ ends at the first write to a characteristic.
    Dies,
    /// The bus accepts clients and answers nothing.
    Hangs,
    /// There is no adapter.
    NoAdapter,
    /// There is no BlueZ on the bus.
    NoBluez,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spellings<T: ValueEnum>() -> Vec<String> {
        let values = T::value_variants().iter();
        let values = values.filter_map(ValueEnum::to_possible_value);
        values.map(|value| value.get_name().to_owned()).collect()
    }

    #[test]
    fn spellings_do_not_change() {
        let links = [
            "connect-fails-once",
            "connected",
            "encryption-required",
            "held",
            "lost-before-resolved",
            "name-in-cache",
            "no-pairing",
            "pairing-by-hand",
            "pairing-by-hand-refused",
            "pairing-hangs",
            "stale-cache",
            "stale-handles",
            "unresolved",
            "vanishes",
        ];
        assert_eq!(spellings::<LinkTrouble>(), links);
        let hosts = [
            "access-denied",
            "adapter-blocked",
            "adapter-off",
            "dies",
            "hangs",
            "no-adapter",
            "no-bluez",
        ];
        assert_eq!(spellings::<HostTrouble>(), hosts);
    }
}
