//! Opens a TCP connection from one of this computer's interfaces, whatever the routes say: a VPN
//! may have taken the way to the device's network. It neither finds nor lists interfaces.

#![expect(clippy::disallowed_types, reason = "this is where device sockets live")]

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use tokio::net::{TcpSocket, TcpStream};

use crate::host::{HostNetwork, list_networks};

/// Connects; from any interface when none is named.
pub(super) async fn connect(to: SocketAddr, interface: Option<&str>) -> io::Result<TcpStream> {
    let Some(interface) = interface else {
        return TcpStream::connect(to).await;
    };
    let socket = if to.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if !keeps_to(&socket, interface)? {
        socket.bind(address_of(interface, to)?)?;
    }
    socket.connect(to).await
}

/// Whether the system ties the socket to the interface: Linux since 5.7, and before that for root.
#[cfg(target_os = "linux")]
fn keeps_to(socket: &TcpSocket, interface: &str) -> io::Result<bool> {
    match socket.bind_device(Some(interface.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::debug!(%error, interface, "only the source address is kept to");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "Linux may fail here")]
fn keeps_to(_: &TcpSocket, _: &str) -> io::Result<bool> {
    Ok(false)
}

/// The address of the interface that suits the other end, on any port.
fn address_of(interface: &str, to: SocketAddr) -> io::Result<SocketAddr> {
    let own = list_networks().into_iter().filter(|network| {
        network.interface == interface && network.address.is_ipv4() == to.is_ipv4()
    });
    // A link-local address is heard from another link-local one.
    own.max_by_key(|network| is_link_local(network.address) == is_link_local(to.ip()))
        .map(|network| on_any_port(&network))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("{interface} has no address of this family"),
            )
        })
}

fn on_any_port(own: &HostNetwork) -> SocketAddr {
    match own.address {
        IpAddr::V6(six) if six.is_unicast_link_local() => {
            SocketAddrV6::new(six, 0, 0, own.index).into()
        }
        other => SocketAddr::new(other, 0),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> String {
        let mut networks = list_networks().into_iter();
        networks.find(HostNetwork::is_loopback).unwrap().interface
    }

    #[tokio::test]
    async fn a_connection_is_made_from_the_interface_that_is_named() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let stream = connect(to, Some(&loopback())).await.unwrap();
        #[cfg(target_os = "linux")]
        assert_eq!(
            socket2::SockRef::from(&stream).device().unwrap(),
            Some(loopback().into_bytes())
        );
        assert!(stream.local_addr().unwrap().ip().is_loopback());
        assert!(connect(to, Some("nowhere0")).await.is_err());
    }

    #[test]
    fn an_address_of_the_interface_is_the_source_where_it_cannot_be_tied() {
        let to: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let own = address_of(&loopback(), to).unwrap();
        assert!(own.ip().is_loopback() && own.is_ipv4() && own.port() == 0);
        let error = address_of("nowhere0", to).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
