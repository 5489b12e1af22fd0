//! Opens TCP connections from a given network interface of this computer, regardless of the routes:
//! a VPN may cover the route to the device's network. Listing the interfaces is the work of `host`.

#![expect(clippy::disallowed_types, reason = "this is where device sockets live")]

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use tokio::net::{TcpSocket, TcpStream};

use super::options::{
    DriverOptions, OptionError, OptionSpec, check_number, find_number, find_option,
};
use crate::host::{HostNetwork, list_networks};
use crate::ident::printable;

/// The network interface for searches and connections; `None` means all.
#[derive(Clone, Debug, Default)]
pub(super) struct Interface {
    name: Option<String>,
    /// Replaces the mDNS port, which separates tests from each other.
    pub(super) mdns_port: Option<u16>,
}

impl Interface {
    /// The requested interface. An interface that does not exist is an error.
    pub(super) fn from_options(given: &[(&str, String)]) -> Result<Self, OptionError> {
        let name = find_option(given, INTERFACE.id).map(str::to_owned);
        if let Some(name) = &name {
            let networks = list_networks().map_err(|error| OptionError::NotListed {
                error: error.to_string(),
            })?;
            let mut available: Vec<String> = networks
                .into_iter()
                .map(|network| network.interface)
                .collect();
            available.dedup();
            if !available.contains(name) {
                return Err(OptionError::NoSuchInterface {
                    requested: printable(name.as_bytes()),
                    available,
                });
            }
        }
        let mdns_port = find_number(given, MDNS_PORT.id)?;
        Ok(Self { name, mdns_port })
    }

    /// The interface in a driver's options.
    pub(super) fn from_driver_options(options: &DriverOptions) -> Self {
        options.settings::<Self>().cloned().unwrap_or_default()
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

pub(super) const INTERFACE: OptionSpec = OptionSpec {
    help: "Network interface to look on, such as eth0; `lo` for emulators [default: all]",
    is_for_doctor: true,
    ..OptionSpec::text("interface", "interface", "ESPCTL_INTERFACE")
};
pub(super) const MDNS_PORT: OptionSpec = OptionSpec {
    value_name: "PORT",
    help: "mDNS port, for tests that must not see each other",
    check: |text| check_number(text, 1..=65_535),
    is_for_doctor: true,
    is_hidden: true,
    ..OptionSpec::text("mdns_port", "mdns-port", "ESPCTL_MDNS_PORT")
};

/// Connects to `to`, from `interface` if there is one.
pub(super) async fn connect(to: SocketAddr, interface: Option<&str>) -> io::Result<TcpStream> {
    let Some(interface) = interface else {
        return TcpStream::connect(to).await;
    };
    let socket = if to.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if !bind_to_interface(&socket, interface)? {
        socket.bind(select_source_address(interface, to)?)?;
    }
    socket.connect(to).await
}

/// Binds the socket to the interface. Returns whether the system allows it: Linux since 5.7, before
/// that only for root.
#[cfg(target_os = "linux")]
fn bind_to_interface(socket: &TcpSocket, interface: &str) -> io::Result<bool> {
    match socket.bind_device(Some(interface.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::debug!(%error, interface, "cannot bind to the interface, so only the source address is set");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "Linux may fail here")]
fn bind_to_interface(_: &TcpSocket, _: &str) -> io::Result<bool> {
    Ok(false)
}

/// The interface's address for connections to `to`, with any port.
fn select_source_address(interface: &str, to: SocketAddr) -> io::Result<SocketAddr> {
    let own = list_networks()?.into_iter().filter(|network| {
        network.interface == interface && network.address.is_ipv4() == to.is_ipv4()
    });
    // A link-local address is only reachable from a link-local address.
    own.max_by_key(|network| is_link_local(network.address) == is_link_local(to.ip()))
        .map(|network| with_any_port(&network))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("{interface} has no address of this family"),
            )
        })
}

fn with_any_port(own: &HostNetwork) -> SocketAddr {
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
    use futures_util::StreamExt as _;

    use super::*;
    use crate::transport::{Search, TransportError, built_in_drivers};

    fn loopback() -> String {
        let mut networks = list_networks().unwrap().into_iter();
        networks.find(HostNetwork::is_loopback).unwrap().interface
    }

    #[tokio::test]
    async fn connects_from_named_interface() {
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
    fn selects_interface_address_as_source() {
        let to: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let own = select_source_address(&loopback(), to).unwrap();
        assert!(own.ip().is_loopback() && own.is_ipv4() && own.port() == 0);
        let error = select_source_address("nowhere0", to).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }

    #[tokio::test]
    async fn drivers_use_only_named_interface() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut count = 0;
        for driver in built_in_drivers() {
            if driver.options().iter().all(|spec| spec.id != INTERFACE.id) {
                continue;
            }
            // This computer has no interface of this name, so nothing is sent.
            let interface = Interface {
                name: Some("nowhere0".to_owned()),
                mdns_port: None,
            };
            let search = Search {
                address: Some(driver.parse_address(&address).unwrap()),
                options: DriverOptions::new(&[], None, interface),
                ..Search::default()
            };
            let found: Vec<_> = driver.scan(&search).collect().await;
            assert!(
                matches!(&found[..], [Err(TransportError::Unreachable { .. })]),
                "{found:?}"
            );
            count += 1;
        }
        assert_eq!(count, 2);
    }
}
