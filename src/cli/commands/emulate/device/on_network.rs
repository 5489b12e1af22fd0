//! The flags of a device that is on its network already: which service it runs, and how it is
//! announced. Not what it announces, which is `emulator`'s.

use std::net::SocketAddr;

use super::node::CH_RESP;
use super::{EmulateDevice, Medium, conflict, first_given};
use crate::emulator::announce::{AnnounceError, Announcement, Announcer};
use crate::emulator::device::{Advertisement, Offering, Scenario};
use crate::report::{ErrorId, Failure, remedies};
use crate::security::DeviceSecret;

#[derive(clap::Args, Debug)]
pub(super) struct OnNetworkFlags {
    /// Service of a device on its network: RainMaker's challenge-response by itself, or next to
    /// local control (whose properties are not played) [default: standalone].
    #[arg(long, value_enum)]
    variant: Option<Variant>,

    /// Network interface on which a device on its network is announced by mDNS [default: the
    /// loopback one, so that nobody else hears of it].
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,

    /// Put this into the TXT record of the challenge-response service, in place of what has the
    /// same key, as in port=81; KEY= is an empty value; can be given again.
    #[arg(long, value_name = "KEY=VALUE", value_parser = txt)]
    txt: Vec<(String, String)>,

    /// Announce a device on its network to nobody.
    #[arg(long, conflicts_with_all = ["interface", "txt"])]
    no_announce: bool,

    /// UDP port of mDNS, for tests that want to be by themselves [default: 5353].
    #[arg(long, value_name = "N", env = "ESPCTL_MDNS_PORT", hide = true)]
    mdns_port: Option<u16>,
}

/// Which service a device on its network runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Variant {
    /// Challenge-response by itself, until it is switched off.
    Standalone,
    /// Local control, with challenge-response beside it.
    LocalControl,
}

impl EmulateDevice {
    /// What the device offers.
    pub(super) fn offering(&self) -> Offering {
        match (self.transport, self.on_network.variant) {
            (Medium::Softap | Medium::Ble | Medium::Console, _) => Offering::Provisioning,
            (Medium::OnNetwork, None | Some(Variant::Standalone)) => Offering::Standalone,
            (Medium::OnNetwork, Some(Variant::LocalControl)) => Offering::LocalControl,
        }
    }

    /// Rejects flags and scenarios of the other kind of device.
    pub(super) fn check_medium(&self) -> Result<(), Failure> {
        let flags = &self.on_network;
        if self.transport != Medium::OnNetwork {
            let given = first_given(&[
                ("--variant", flags.variant.is_some()),
                ("--interface", flags.interface.is_some()),
                ("--txt", !flags.txt.is_empty()),
                ("--no-announce", flags.no_announce),
            ]);
            return given.map_or(Ok(()), |flag| {
                conflict(format!(
                    "{flag} is about a device that is on its network: --transport on-network"
                ))
            });
        }
        let given = first_given(&[
            ("--aps", self.aps.is_some()),
            ("--join-ms", self.join_ms.is_some()),
            ("--firmware", self.firmware.is_some()),
            ("--max-strikes", self.max_strikes.is_some()),
            ("--state", self.state.is_some()),
            ("--force-provisioning", self.force_provisioning),
            ("--cap", self.cap.iter().any(|name| **name != *CH_RESP)),
        ]);
        if let Some(flag) = given {
            return conflict(format!(
                "{flag} is about a device that waits to be provisioned, and not about one on its \
                 network"
            ));
        }
        Scenario::check_on_network(&self.scenario)
            .or_else(|error| conflict(format!("--scenario: {error}")))
    }
}

impl OnNetworkFlags {
    /// Who announces the devices, if they are to be.
    pub(super) fn announcer(&self, medium: Medium) -> Result<Option<Announcer>, Failure> {
        if medium != Medium::OnNetwork || self.no_announce {
            return Ok(None);
        }
        Announcer::start(self.interface.as_deref(), self.mdns_port)
            .map(Some)
            .map_err(|error| cannot_announce(&error))
    }
}

impl EmulateDevice {
    /// What the device at this address announces, with the entries of `--txt`.
    pub(super) fn announcement(
        &self,
        announcer: &Announcer,
        secret: &DeviceSecret,
        node_id: &str,
        instance: &str,
        bound: SocketAddr,
    ) -> Result<Announcement, Failure> {
        let mut services =
            Advertisement::of(self.offering(), secret, node_id, instance, bound.port());
        let challenge_response = services
            .iter_mut()
            .find(|service| service.is_challenge_response());
        if let Some(service) = challenge_response {
            for (key, value) in &self.on_network.txt {
                service.set(key, value);
            }
        }
        announcer
            .announcement(bound.ip(), services)
            .map_err(|error| cannot_announce(&error))
    }
}

fn cannot_announce(error: &AnnounceError) -> Failure {
    let failure = Failure::new(ErrorId::CannotAnnounce, "cannot announce the device").cause(error);
    match error {
        AnnounceError::NoAddress { .. } => failure.remedy(&remedies::LISTEN_ON_INTERFACE),
        AnnounceError::NoInterface(_) => failure
            .remedy(&remedies::OTHER_INTERFACE)
            .remedy(&remedies::NO_ANNOUNCE),
        AnnounceError::NoName(_) => failure.remedy(&remedies::SHORTER_NAME),
        AnnounceError::Mdns(_) | AnnounceError::Unreadable(_) => {
            failure.remedy(&remedies::NO_ANNOUNCE)
        }
    }
}

/// One entry of a TXT record: a key of printable ASCII, and as much as its length byte can count.
fn txt(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value))
            if !key.is_empty()
                && key.chars().all(|c| matches!(c, ' '..='~'))
                && u8::try_from(text.len()).is_ok() =>
        {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err("expected KEY=VALUE, of at most 255 bytes"),
    }
}
