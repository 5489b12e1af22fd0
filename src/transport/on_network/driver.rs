//! The `on-network` driver: finds a device by its mDNS announcement or at an address, and connects to
//! it. `http` does the exchanges; `mdns.rs` reads the announcements.
//!
//! Sources: esp-rainmaker `esp_rmaker_on_network_chal_resp.c`, `esp_rmaker_local_ctrl.c`.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{ready, select_ok};
use futures_util::stream::{self, BoxStream, FuturesUnordered};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::{Instant, timeout_at};

use super::collector::Announcement;
use super::mdns::{Browser, Resolver};
use crate::proto::Service;
use crate::transport::address::{Address, AddressError};
use crate::transport::candidate::{Candidate, Handle};
use crate::transport::driver::Driver;
use crate::transport::error::TransportError;
use crate::transport::exchange_limits::Limits;
use crate::transport::host_address::{
    DEVICE_HOST, DEVICE_IP, DEVICE_PORT, HTTP_ADDRESSES, HostAddress,
};
use crate::transport::http::{DEFAULT_PORT, HttpTransport, Socket, make_candidate, open_link};
use crate::transport::link::Link;
use crate::transport::medium::{Columns, Discovery, HostPart, Medium, Words};
use crate::transport::options::{DriverOptions, OptionError, OptionSpec};
use crate::transport::search::Search;
use crate::transport::source::{INTERFACE, Interface, MDNS_PORT};

/// The driver of devices on this computer's network.
#[derive(Debug)]
pub(in crate::transport) struct OnNetwork;

static MEDIUM: Medium = Medium {
    name: "on-network",
    discovery: Discovery::Announced,
    columns: Columns::Service,
    // mDNS resolves name conflicts.
    names_are_unique: true,
    joins_device_network: false,
    has_network_already: true,
    needs: Some(HostPart::LocalNetwork),
    limits: Limits::USUAL,
    usual_address: None,
    words: Words {
        addresses: HTTP_ADDRESSES,
        ..Words::USUAL
    },
};

/// The addresses of an announced device. It may have several, and this computer may not reach all
/// of them.
struct Reachable(Vec<Address>);

#[async_trait]
impl Driver for OnNetwork {
    fn medium(&self) -> &'static Medium {
        &MEDIUM
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[DEVICE_IP, DEVICE_HOST, DEVICE_PORT, INTERFACE, MDNS_PORT]
    }

    fn parse_options(&self, given: &[(&str, String)]) -> Result<DriverOptions, OptionError> {
        // A port without a host is not an address: the announcement gives the port.
        let (host, port) = HostAddress::from_options(given)?;
        let address = host.map(|host| HostAddress { host, port }.into_address());
        let interface = Interface::from_options(given)?;
        Ok(DriverOptions::new(given, address, interface))
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        Ok(HostAddress::parse(text)?.into_address())
    }

    /// Every device as it announces itself, or the one at the address.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let deadline = Instant::now() + search.wait;
        let interface = Interface::from_driver_options(&search.options);
        match search.address.clone() {
            None => scan_announcements(&interface, deadline),
            Some(address) => {
                stream::once(async move { find_at_address(&address, &interface, deadline).await })
                    .boxed()
            }
        }
    }

    async fn open(
        &self,
        candidate: &Candidate,
        options: &DriverOptions,
        limits: &Limits,
    ) -> Result<Box<dyn Link>, TransportError> {
        let Some(announced) = candidate.handle.as_ref().and_then(Handle::read) else {
            return open_link(candidate, options, limits).await;
        };
        let interface = Interface::from_driver_options(options);
        let connecting = connect_to_first_address(announced, interface.name(), limits.connect);
        let (address, socket) = connecting.await?;
        Ok(HttpTransport::link(address, socket, limits))
    }
}

fn scan_announcements(
    interface: &Interface,
    deadline: Instant,
) -> BoxStream<'static, Result<Candidate, TransportError>> {
    let announced = move |browser| {
        stream::unfold(browser, move |mut browser: Browser| async move {
            let announcement = browser.next(deadline).await?;
            Some((Ok(into_candidate(announcement)), browser))
        })
    };
    stream::iter([Browser::start(interface)])
        .map_ok(announced)
        .try_flatten()
        .boxed()
}

fn into_candidate(announcement: Announcement) -> Candidate {
    let Announcement {
        instance,
        addresses,
        hints,
    } = announcement;
    // `mdns.rs` drops announcements without an address.
    let address = addresses.first().cloned();
    let address = address.unwrap_or_else(|| Address::new(instance.as_str()));
    Candidate {
        handle: Some(Handle::new(Reachable(addresses))),
        name: Some(instance),
        hints,
        ..Candidate::new(&MEDIUM, address, Service::LocalControl)
    }
}

/// Connects to the device at a given address; without a port, at the two ports that firmware uses.
async fn find_at_address(
    address: &Address,
    interface: &Interface,
    deadline: Instant,
) -> Result<Candidate, TransportError> {
    let timeout = deadline
        .saturating_duration_since(Instant::now())
        .max(MIN_CONNECT_TIMEOUT);
    let HostAddress { host, port } = HostAddress::from_address(address);
    let ports = port.map_or_else(|| PORTS.to_vec(), |port| vec![port]);
    let name = host.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let (address, socket) = if name.ends_with(LOCAL_SUFFIX) {
        connect_by_local_name(name, &ports, interface, timeout).await
    } else {
        connect_to_first_port(vec![host], &ports, interface.name(), timeout).await
    }?;
    Ok(make_candidate(
        &MEDIUM,
        address,
        Service::LocalControl,
        socket,
    ))
}

/// Connects to the device with a name in `.local`. Many systems only ask an ordinary name server, so
/// espctl also asks by mDNS. Responders may announce addresses one by one, and each is tried.
async fn connect_by_local_name(
    name: &str,
    ports: &[u16],
    interface: &Interface,
    timeout: Duration,
) -> Result<(Address, Socket), TransportError> {
    let system = stream::once(async {
        let found = tokio::net::lookup_host((name, 0))
            .await
            .inspect_err(|error| {
                tracing::debug!(%error, name, "the system does not resolve the name");
            });
        let found = found.into_iter().flatten();
        found.map(format_host).collect::<Vec<_>>()
    });
    let ours = stream::unfold(Resolver::start(name, interface), |resolver| async {
        let mut resolver = resolver?;
        let hosts = resolver.next().await?;
        Some((hosts, Some(resolver)))
    });
    let hosts_found =
        stream::select(system.boxed(), ours.boxed()).filter(|hosts| ready(!hosts.is_empty()));
    let mut attempts = hosts_found
        .map(|hosts| connect_to_first_port(hosts, ports, interface.name(), timeout))
        .buffer_unordered(MAX_PARALLEL_ATTEMPTS);
    let deadline = Instant::now() + timeout;
    let mut first = None;
    while let Ok(Some(attempt)) = timeout_at(deadline, attempts.next()).await {
        match attempt {
            Ok(open) => return Ok(open),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| {
        TransportError::unreachable(
            &Address::new(name),
            io::Error::new(
                io::ErrorKind::NotFound,
                "neither the system nor mDNS resolves this name",
            ),
        )
    }))
}

/// Formats an address to connect to. A link-local address is useless without its scope.
fn format_host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(six) if six.scope_id() != 0 => format!("{}%{}", six.ip(), six.scope_id()),
        other => other.ip().to_string(),
    }
}

/// Connects to the first of the ports on which one of the hosts answers, within one limit for all.
/// If a port refuses, the next one is tried at once; if it is silent, the next attempt starts after
/// a while and runs in parallel.
async fn connect_to_first_port(
    hosts: Vec<String>,
    ports: &[u16],
    interface: Option<&str>,
    limit: Duration,
) -> Result<(Address, Socket), TransportError> {
    let deadline = Instant::now() + limit;
    let head_start = (limit / 3).max(HEAD_START).min(limit / 2);
    let mut attempts = FuturesUnordered::new();
    let mut waiting = ports.iter().enumerate().peekable();
    let mut errors = Vec::new();
    loop {
        if let Some((rank, &port)) = waiting.next() {
            let addresses = hosts.iter().map(|host| HostAddress::with_port(host, port));
            let reachable = Reachable(addresses.collect());
            attempts.push(async move {
                let timeout = deadline.saturating_duration_since(Instant::now());
                let attempt = connect_to_first_address(&reachable, interface, timeout);
                (rank, attempt.await)
            });
        }
        let until = match waiting.peek() {
            Some(_) => Instant::now() + head_start,
            // Each attempt has its own deadline.
            None => deadline + HEAD_START,
        };
        match timeout_at(until, attempts.next()).await {
            Ok(Some((_, Ok(open)))) => return Ok(open),
            Ok(Some((rank, Err(error)))) => errors.push((rank, error)),
            Err(_) if waiting.peek().is_some() => {}
            Ok(None) | Err(_) => break,
        }
    }
    // Most devices use the first port, so its error is reported.
    let first = errors.into_iter().min_by_key(|(rank, _)| *rank);
    Err(first.map_or_else(no_address, |(_, error)| error))
}

/// Connects to the address that answers first. An address that never answers must not block the
/// others.
async fn connect_to_first_address(
    Reachable(addresses): &Reachable,
    interface: Option<&str>,
    limit: Duration,
) -> Result<(Address, Socket), TransportError> {
    let attempts = addresses.iter().map(|address| {
        Box::pin(async move {
            let socket = Socket::connect(address, interface, limit).await?;
            Ok((address.clone(), socket))
        })
    });
    match attempts.collect::<Vec<_>>() {
        none if none.is_empty() => Err(no_address()),
        attempts => select_ok(attempts).await.map(|(first, _)| first),
    }
}

fn no_address() -> TransportError {
    TransportError::unreachable(
        &Address::new(""),
        io::Error::new(io::ErrorKind::NotFound, "it has no address"),
    )
}

/// The port of challenge-response's own server, and of Local Control's
/// (`CONFIG_ESP_RMAKER_LOCAL_CTRL_HTTP_PORT`).
const PORTS: [u16; 2] = [DEFAULT_PORT, 8080];
const LOCAL_SUFFIX: &str = ".local";
/// Parallel attempts to connect to one name.
const MAX_PARALLEL_ATTEMPTS: usize = 8;
/// How long a silent port delays the attempt at the next one.
const HEAD_START: Duration = Duration::from_secs(1);
/// At least one attempt is made, even without time left.
const MIN_CONNECT_TIMEOUT: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket as Raw, Type};

    use super::*;

    /// Listens on a loopback port with this backlog.
    fn listen(backlog: i32) -> (Raw, u16) {
        let socket = Raw::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        socket.listen(backlog).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (socket, address.port())
    }

    /// A port that never answers: on Linux, one whose backlog is full.
    #[cfg(target_os = "linux")]
    fn silent_port() -> (Raw, Raw, u16) {
        let (socket, port) = listen(0);
        let queued = Raw::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let address: SocketAddr = ([127, 0, 0, 1], port).into();
        queued.connect(&address.into()).unwrap();
        (socket, queued, port)
    }

    /// The paused clock does not advance while the test computes.
    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn silent_port_does_not_delay_next_port() {
        let (_one, _queued, first) = silent_port();
        let (_other, _queued_too, second) = silent_port();
        let (_open, open) = listen(4);
        let hosts = || vec!["127.0.0.1".to_owned()];
        let limit = Duration::from_secs(2);

        let began = Instant::now();
        let found = connect_to_first_port(hosts(), &[first, open], None, limit).await;
        let (address, _socket) = found.unwrap();
        assert_eq!(address.to_string(), format!("127.0.0.1:{open}"));
        assert!(began.elapsed() < limit);

        let began = Instant::now();
        let error = connect_to_first_port(hosts(), &[first, second], None, limit)
            .await
            .unwrap_err();
        let took = began.elapsed();
        assert!(took < limit + Duration::from_millis(500), "{took:?}");
        assert!(error.to_string().ends_with(&format!(":{first}")), "{error}");
    }

    #[test]
    fn link_local_address_keeps_scope() {
        let shown = |address: &str| format_host(address.parse().unwrap());
        assert_eq!(shown("[fe80::1%3]:80"), "fe80::1%3");
        assert_eq!(shown("[fd00::1]:80"), "fd00::1");
        assert_eq!(shown("192.168.1.100:80"), "192.168.1.100");
    }
}
