//! The flags of a device that is on its network already: which service it runs, and how it is
//! announced. Not what it announces, which is `emulator`'s.

use super::node::CH_RESP;
use super::{EmulateDevice, Medium};
use crate::cli::error_id::ErrorId;
use crate::cli::failure::Failure;
use crate::emulator::announce::{AnnounceError, Announcer};
use crate::emulator::device::{Advertisement, Offering, Scenario};

/// The flags.
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

    /// Flags that the other kind of device has.
    pub(super) fn check_medium(&self) -> Result<(), Failure> {
        let conflict = |message: String| Err(Failure::new(ErrorId::ConflictingFlags, message));
        let flags = &self.on_network;
        let (of_the_other, why) = match self.transport {
            Medium::Softap | Medium::Ble | Medium::Console => (
                [
                    ("--variant", flags.variant.is_some()),
                    ("--interface", flags.interface.is_some()),
                    ("--txt", !flags.txt.is_empty()),
                    ("--no-announce", flags.no_announce),
                ]
                .to_vec(),
                "is about a device that is on its network: --transport on-network",
            ),
            Medium::OnNetwork => (
                [
                    ("--aps", self.aps.is_some()),
                    ("--join-ms", self.join_ms.is_some()),
                    ("--firmware", self.firmware.is_some()),
                    ("--max-strikes", self.max_strikes.is_some()),
                    ("--state", self.state.is_some()),
                    ("--force-provisioning", self.force_provisioning),
                    ("--cap", self.cap.iter().any(|name| name != CH_RESP)),
                ]
                .to_vec(),
                "is about a device that waits to be provisioned, and not about one on its network",
            ),
        };
        if let Some((flag, _)) = of_the_other.into_iter().find(|(_, given)| *given) {
            return conflict(format!("{flag} {why}"));
        }
        if self.transport == Medium::OnNetwork
            && let Err(error) = Scenario::check_on_network(&self.scenario)
        {
            return conflict(format!("--scenario: {error}"));
        }
        Ok(())
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

    /// Puts what was asked for into what is said.
    pub(super) fn alter(&self, advertisements: &mut [Advertisement]) {
        for said in advertisements {
            if said.is_challenge_response() {
                for (key, value) in &self.txt {
                    said.set(key, value);
                }
            }
        }
    }
}

pub(super) fn cannot_announce(error: &AnnounceError) -> Failure {
    let failure = Failure::new(ErrorId::CannotAnnounce, "cannot announce the device").cause(error);
    match error {
        AnnounceError::NoAddress { .. } => {
            failure.hint("--listen takes an address of that interface, or 0.0.0.0 for all")
        }
        AnnounceError::NoInterface(_) => {
            failure.hint("--interface names another one, and --no-announce does without")
        }
        AnnounceError::NoName(_) => failure.hint("--name and --node-id can be shorter"),
        AnnounceError::Mdns(_) | AnnounceError::Unreadable(_) => {
            failure.hint("--no-announce does without")
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
