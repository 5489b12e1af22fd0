//! The port itself: opened, and held while nobody listens on it. Not what happens on it.
#![expect(
    clippy::disallowed_types,
    reason = "this file opens the listening end of a socket"
)]

use std::io;
use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};

/// Listens there; all addresses of IPv6 take those of IPv4 in, as on a device.
pub(super) async fn open(address: SocketAddr) -> io::Result<TcpListener> {
    if address.is_ipv6() && address.ip().is_unspecified() {
        return reserve(address)?.listen(BACKLOG);
    }
    TcpListener::bind(address).await
}

/// Holds a port without listening on it.
pub(super) fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Systems differ in what they do unasked.
        SockRef::from(&socket).set_only_v6(false)?;
    }
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// As `TcpListener::bind` has it.
pub(super) const BACKLOG: u32 = 1024;
