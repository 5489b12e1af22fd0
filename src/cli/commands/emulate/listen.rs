//! The address that an emulator listens on.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::report::{ErrorId, Failure, remedies};

/// The flags of the address.
#[derive(clap::Args, Debug)]
pub(super) struct ListenFlags {
    /// Address to listen on. Other computers can connect to any but a loopback address.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(super) listen: IpAddr,

    /// Port to listen on; 0 chooses a free one, which the first line shows.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) port: u16,
}

/// Another program has the port, or this user may not open it.
pub(super) fn cannot_listen(address: SocketAddr, error: &Error) -> Failure {
    let message = format!("cannot listen on {address}");
    let failure = Failure::new(ErrorId::CannotListen, message).cause(error);
    match error.kind() {
        ErrorKind::AddrInUse => failure.hint(remedies::FREE_PORT),
        ErrorKind::PermissionDenied => failure.hint(remedies::HIGH_PORT),
        _ => failure,
    }
}
