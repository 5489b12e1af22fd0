//! The HTTP port of an emulated device, announced when the device is on its network.

use std::net::SocketAddr;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::args::{EmulateDevice, Medium};
use super::ready::{Listener, NewDevice};
use crate::cli::commands::emulate::listen::cannot_listen;
use crate::emulator::announce::{AnnounceError, Announcer};
use crate::emulator::device::{Advertisement, Device};
use crate::emulator::listen::http;
use crate::report::{ErrorId, Failure, remedies};

/// Starts announcing, if the devices are on their network and announced.
pub(super) fn start_announcer(args: &EmulateDevice) -> Result<Option<Announcer>, Failure> {
    let flags = &args.on_network;
    if args.transport != Medium::OnNetwork || flags.no_announce {
        return Ok(None);
    }
    Announcer::start(flags.interface.as_deref(), flags.mdns_port)
        .map(Some)
        .map_err(|error| cannot_announce(&error))
}

/// Opens the port of the n-th device, and announces its node.
pub(super) fn open_port(
    new: &NewDevice<'_>,
    announcer: Option<&Announcer>,
    device: Device,
) -> Result<Listener, Failure> {
    let NewDevice { args, name, .. } = new;
    let port = match args.listen.port {
        0 => 0,
        first => first.saturating_add(new.number.saturating_sub(1)),
    };
    let address = SocketAddr::new(args.listen.listen, port);
    let mut port = http::bind(address).map_err(|error| cannot_listen(address, &error))?;
    let bound = port.address();
    if let (Some(announcer), Some(node)) = (announcer, new.node) {
        let (offering, secret) = (args.offering(), &new.label.secret);
        let mut services = Advertisement::list(offering, secret, &node.id, name, bound.port());
        let challenge_response = services
            .iter_mut()
            .find(|service| service.is_challenge_response());
        if let Some(service) = challenge_response {
            for (key, value) in &args.on_network.txt {
                service.set(key, value);
            }
        }
        let announcement = announcer.prepare(bound.ip(), services);
        port = port.with_announcement(announcement.map_err(|error| cannot_announce(&error))?);
    }
    Ok(Listener {
        address: http_address(bound),
        serving: port.serve(device).boxed_local(),
    })
}

/// The address of a port, as keys of the first line.
pub(super) fn http_address(bound: SocketAddr) -> Value {
    json!({
        "address": bound.ip(),
        "port": bound.port(),
        "url": format!("http://{bound}"),
    })
}

fn cannot_announce(error: &AnnounceError) -> Failure {
    let failure = Failure::new(ErrorId::CannotAnnounce, "cannot announce the device").cause(error);
    match error {
        AnnounceError::NoAddress { .. } => failure.hint(remedies::LISTEN_ON_INTERFACE),
        AnnounceError::NoInterface(_) => failure
            .hint(remedies::OTHER_INTERFACE)
            .hint(remedies::NO_ANNOUNCE),
        AnnounceError::InvalidName(_) => failure.hint(remedies::SHORTER_NAME),
        AnnounceError::Mdns(_) => failure.hint(remedies::NO_ANNOUNCE),
    }
}
