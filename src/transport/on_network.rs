//! The `on-network` driver: a device that is on this computer's network already, found by its
//! mDNS announcement or at a known address. What travels over HTTP is `http`'s, what an
//! announcement says `on_network/mdns.rs`'s.
//!
//! Sources: esp-rainmaker `esp_rmaker_on_network_chal_resp.c`, `esp_rmaker_local_ctrl.c`.

mod mdns;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::select_ok;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, timeout};

use super::http::{HttpTransport, Socket};
use super::{
    Address, Candidate, Driver, Handle, Hints, Limits, Search, Transport, TransportError,
    TransportKind,
};
use crate::proto::Service;

/// A device on the network.
#[derive(Debug)]
pub(super) struct OnNetwork;

/// What is known of an announced device: it has one port and may have several addresses, not all
/// of which can be reached from here.
struct Reachable(Vec<Address>);

#[async_trait]
impl Driver for OnNetwork {
    fn kind(&self) -> TransportKind {
        TransportKind::OnNetwork
    }

    /// Every device that announces itself, as it does; or the one at the address.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let deadline = Instant::now() + search.wait;
        match &search.address {
            None => announced(search, deadline),
            Some(address) => {
                let (address, search) = (address.clone(), search.clone());
                stream::once(async move { at(&address, &search, deadline).await }).boxed()
            }
        }
    }

    async fn open(
        &self,
        candidate: Candidate,
        limits: &Limits,
    ) -> Result<Box<dyn Transport>, TransportError> {
        let (address, socket) = match candidate.handle {
            None => (candidate.address.clone(), None),
            Some(handle) => match handle.take::<Found>() {
                Some(Found::Open(socket)) => (candidate.address.clone(), Some(*socket)),
                Some(Found::Announced(addresses)) => {
                    let (address, socket) = first_open(&addresses, limits.connect).await?;
                    (address, Some(socket))
                }
                None => (candidate.address.clone(), None),
            },
        };
        let socket = match socket {
            Some(socket) => socket,
            None => Socket::connect(&address, limits.connect).await?,
        };
        Ok(Box::new(HttpTransport::new(
            address,
            socket,
            limits.clone(),
        )))
    }
}

/// What is kept between finding a device and opening a path to it.
enum Found {
    /// The socket by which it was found.
    Open(Box<Socket>),
    /// Where it says that it is.
    Announced(Reachable),
}

fn announced(
    search: &Search,
    deadline: Instant,
) -> BoxStream<'static, Result<Candidate, TransportError>> {
    let browser = match mdns::Browser::start(search) {
        Ok(browser) => browser,
        Err(error) => return stream::iter([Err(error)]).boxed(),
    };
    stream::unfold(browser, move |mut browser| async move {
        let announcement = browser.next(deadline).await?;
        Some((Ok(candidate(announcement)), browser))
    })
    .boxed()
}

fn candidate(announcement: mdns::Announcement) -> Candidate {
    let mdns::Announcement {
        instance,
        addresses,
        hints,
    } = announcement;
    Candidate {
        // There is at least one: an announcement without is none.
        address: addresses.first().cloned().unwrap_or_else(|| Address::Host {
            host: instance.clone(),
        }),
        handle: Some(Handle::new(Found::Announced(Reachable(addresses)))),
        kind: TransportKind::OnNetwork,
        name: Some(instance),
        hints,
        service: Service::LocalControl,
    }
}

/// The device at an address that somebody gave. Without a port, the two that firmware uses.
async fn at(
    address: &Address,
    search: &Search,
    deadline: Instant,
) -> Result<Candidate, TransportError> {
    let left = deadline
        .saturating_duration_since(Instant::now())
        .max(SHORTEST);
    let (host, ports) = match address {
        Address::Host { host } => (host, PORTS.to_vec()),
        Address::Http { host, port } => (host, vec![*port]),
    };
    let name = host.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let hosts = if name.ends_with(LOCAL) {
        resolved(name, search, left).await
    } else {
        vec![host.clone()]
    };
    let mut last = None;
    for port in ports {
        let addresses = hosts.iter().map(|host| Address::Http {
            host: host.clone(),
            port,
        });
        match first_open(&Reachable(addresses.collect()), left).await {
            Ok((address, socket)) => {
                return Ok(Candidate {
                    address,
                    handle: Some(Handle::new(Found::Open(Box::new(socket)))),
                    kind: TransportKind::OnNetwork,
                    name: None,
                    hints: Hints::default(),
                    service: Service::LocalControl,
                });
            }
            // The first port's error is the story: most devices are there.
            Err(error) => last = last.or(Some(error)),
        }
    }
    Err(last.unwrap_or_else(|| unreachable(address)))
}

/// The addresses behind a name in `.local`: many systems ask an ordinary name server for those, so
/// mDNS is asked here. Whatever the system knows is tried too, as the name itself.
async fn resolved(host: &str, search: &Search, left: Duration) -> Vec<String> {
    let system = async {
        let mut found = tokio::net::lookup_host((host, 0)).await.map_err(drop)?;
        let address = found.next().ok_or(())?;
        Ok(vec![address.ip().to_string()])
    };
    let ours = async { mdns::resolve(host, search, left).await.ok_or(()) };
    let first = select_ok([system.boxed(), ours.boxed()]);
    match timeout(left, first).await {
        Ok(Ok((hosts, _))) => hosts,
        // The system's own words about it come with the attempt to connect.
        Ok(Err(())) | Err(_) => vec![host.to_owned()],
    }
}

/// Connects to whichever address answers first. One that swallows attempts must not hide another.
async fn first_open(
    Reachable(addresses): &Reachable,
    limit: Duration,
) -> Result<(Address, Socket), TransportError> {
    let attempts = addresses.iter().map(|address| {
        Box::pin(async move {
            let socket = Socket::connect(address, limit).await?;
            Ok((address.clone(), socket))
        })
    });
    match attempts.collect::<Vec<_>>() {
        none if none.is_empty() => Err(unreachable(&Address::Host {
            host: String::new(),
        })),
        attempts => select_ok(attempts).await.map(|(first, _)| first),
    }
}

fn unreachable(address: &Address) -> TransportError {
    TransportError::Unreachable {
        address: address.clone(),
        source: std::io::Error::new(std::io::ErrorKind::NotFound, "it has no address"),
    }
}

/// Of the service of its own, and of Local Control (`CONFIG_ESP_RMAKER_LOCAL_CTRL_HTTP_PORT`).
const PORTS: [u16; 2] = [super::DEVICE_PORT, 8080];
const LOCAL: &str = ".local";
/// Even with no time to look, one attempt is made.
const SHORTEST: Duration = Duration::from_millis(100);
