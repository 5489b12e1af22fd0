//! mDNS for devices on their network: announces on one interface that they are there, and that they
//! are gone. What is announced is a device's [`Advertisement`]; the other side, which looks for
//! devices, is elsewhere.
//!
//! Unless another interface is named, it is the loopback one, so that an emulated device does not
//! show up on a real network by accident.
#![expect(
    clippy::disallowed_types,
    reason = "a socket that sends nothing tells whether there is a route"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use derive_more::Debug;
use if_addrs::{Interface, get_if_addrs};
use mdns_sd::{DaemonEvent, Error, IfKind, Receiver, ServiceDaemon, ServiceInfo};
use thiserror::Error as ThisError;
use tokio::time::{Instant, sleep, timeout_at};

use super::device::Advertisement;
use super::log::{Entry, Log};

/// Speaks mDNS on one interface, for any number of devices. When it is dropped, it ends, and takes
/// back all that is still announced.
#[derive(Debug)]
pub struct Announcer {
    #[debug(skip)]
    daemon: ServiceDaemon,
    interface: Option<String>,
}

impl Announcer {
    /// On the interface of this name, or on the loopback one. The port is mDNS's own unless tests
    /// want to be by themselves.
    pub fn start(interface: Option<&str>, port: Option<u16>) -> Result<Self, AnnounceError> {
        if addresses_of(interface)?.is_empty() {
            let name = interface.unwrap_or(LOOPBACK).to_owned();
            return Err(AnnounceError::NoInterface(name));
        }
        let announcer = Self {
            daemon: ServiceDaemon::new_with_port(port.unwrap_or(mdns_sd::MDNS_PORT))?,
            interface: interface.map(str::to_owned),
        };
        announcer.daemon.disable_interface(IfKind::All)?;
        announcer.daemon.enable_interface(match interface {
            Some(name) => vec![IfKind::Name(name.to_owned())],
            None => vec![IfKind::LoopbackV4, IfKind::LoopbackV6],
        })?;
        // `esp_rmaker_chal_resp` has 20 letters, and 15 are allowed.
        announcer
            .daemon
            .set_service_name_len_max(MAX_SERVICE_NAME)?;
        Ok(announcer)
    }

    /// Prepares the announcement of a device that listens on `address`.
    pub fn announcement(
        &self,
        address: IpAddr,
        advertisements: Vec<Advertisement>,
    ) -> Result<Announcement, AnnounceError> {
        let mut interfaces = addresses_of(self.interface.as_deref())?;
        interfaces.retain(|interface| match address {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => interface.ip().is_ipv4(),
            // Both families: the socket is open to both.
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
            address => interface.ip() == address,
        });
        if interfaces.is_empty() {
            return Err(AnnounceError::NoAddress {
                address,
                interface: self.interface.as_deref().unwrap_or(LOOPBACK).to_owned(),
            });
        }
        // Each family is announced by its own multicast.
        interfaces.retain(|interface| interface.ip().is_ipv4() || has_multicast_v6(interface));
        let addresses: Vec<IpAddr> = interfaces.iter().map(Interface::ip).collect();
        let services = advertisements
            .into_iter()
            .map(|advertisement| Service::new(advertisement, &addresses))
            .collect::<Result<_, _>>()?;
        Ok(Announcement {
            daemon: Some(self.daemon.clone()),
            has_route: !addresses.is_empty(),
            services,
            ..Announcement::default()
        })
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.daemon.shutdown();
    }
}

/// What one device announces of itself; by default, nothing.
#[derive(Debug, Default)]
pub struct Announcement {
    #[debug(skip)]
    daemon: Option<ServiceDaemon>,
    has_route: bool,
    /// While something is announced.
    #[debug(skip)]
    events: Option<Receiver<DaemonEvent>>,
    /// When to report a service of which the daemon has not reported anything.
    overdue: Option<Instant>,
    services: Vec<Service>,
}

#[derive(Debug)]
struct Service {
    advertisement: Advertisement,
    #[debug(skip)]
    info: ServiceInfo,
    is_announced: bool,
}

impl Service {
    fn new(advertisement: Advertisement, addresses: &[IpAddr]) -> Result<Self, AnnounceError> {
        let (instance, host) = (&advertisement.instance, &advertisement.host);
        for label in [instance, host.trim_end_matches(".local")] {
            if !(1..=MAX_LABEL).contains(&label.len()) {
                return Err(AnnounceError::NoName(label.to_owned()));
            }
        }
        let info = ServiceInfo::new(
            &format!("{}.local.", advertisement.service),
            instance,
            &format!("{host}."),
            addresses,
            advertisement.port,
            advertisement.txt.as_slice(),
        )?;
        Ok(Self {
            advertisement,
            info,
            is_announced: false,
        })
    }
}

impl Announcement {
    /// Begins to ask whether the names are free; announcing follows on that, see
    /// [`Announcement::news`].
    pub(super) async fn begin(&mut self, log: &mut Log) {
        let Some(daemon) = self.daemon.clone() else {
            return;
        };
        let begun = if self.has_route {
            let registered = self.register(&daemon).await;
            registered.map_err(|error| failed(error.to_string()))
        } else {
            Err(failed("the interface has no route for multicast of IPv6"))
        };
        if let Err(entry) = begun {
            log.write(&entry);
            *self = Self::default();
        }
    }

    async fn register(&mut self, daemon: &ServiceDaemon) -> Result<(), Error> {
        self.events = Some(with_room(|| daemon.monitor()).await?);
        self.overdue = Instant::now().checked_add(ANNOUNCE_TIMEOUT);
        for service in &self.services {
            with_room(|| daemon.register(service.info.clone())).await?;
        }
        Ok(())
    }

    /// What next came of it; waits for ever if nothing is under way.
    pub(super) async fn news(&mut self) -> Entry {
        while let Some(events) = &self.events {
            let event = match self.overdue {
                Some(overdue) => timeout_at(overdue, events.recv_async()).await,
                None => Ok(events.recv_async().await),
            };
            let entry = match event {
                Ok(Ok(event)) => self.entry_of(event),
                // The daemon has ended.
                Ok(Err(_)) => {
                    self.events = None;
                    None
                }
                Err(_) => {
                    self.overdue = None;
                    self.not_announced()
                }
            };
            if let Some(entry) = entry {
                return entry;
            }
        }
        std::future::pending().await
    }

    /// The log's entry for what mDNS reports, if it has one.
    fn entry_of(&mut self, event: DaemonEvent) -> Option<Entry> {
        match event {
            DaemonEvent::Announce(fullname, _) => self.announced(&fullname),
            DaemonEvent::NameChange(change) => self.renamed(&change.original, &change.new_name),
            DaemonEvent::Error(error) => Some(failed(error.to_string())),
            _ => None,
        }
    }

    /// Each interface and family is an event of its own; the first counts.
    fn announced(&mut self, fullname: &str) -> Option<Entry> {
        let service = self.services.iter_mut().find(|service| {
            !service.is_announced && service.info.get_fullname().eq_ignore_ascii_case(fullname)
        })?;
        service.is_announced = true;
        let advertisement = service.advertisement.clone();
        let txt = advertisement.txt.into_iter();
        Some(Entry::Announced {
            service: advertisement.service,
            instance: advertisement.instance,
            host: advertisement.host,
            port: advertisement.port,
            txt: txt.map(|(key, value)| (key, value.into())).collect(),
        })
    }

    /// Another device has a name already, and mDNS takes another one instead.
    fn renamed(&mut self, original: &str, new_name: &str) -> Option<Entry> {
        let is = |name: &str| name.eq_ignore_ascii_case(original);
        let service = self
            .services
            .iter_mut()
            .find(|service| is(service.info.get_fullname()) || is(service.info.get_hostname()))?;
        service.is_announced |= is(service.info.get_fullname());
        Some(failed(format!("{original} is taken; now {new_name}")))
    }

    /// A service that was never sent, if any: mDNS itself does not report that.
    fn not_announced(&self) -> Option<Entry> {
        let service = self.services.iter().find(|service| !service.is_announced)?;
        let (name, seconds) = (service.advertisement.service, ANNOUNCE_TIMEOUT.as_secs());
        Some(failed(format!(
            "{name} could not be sent within {seconds} s"
        )))
    }

    /// Takes back some services; returns when the goodbyes have left.
    pub(super) async fn end(&mut self, log: &mut Log, which: impl Fn(&Advertisement) -> bool) {
        let Some(daemon) = self.daemon.clone() else {
            return;
        };
        let mut ends = Vec::new();
        let is_meant = |service: &Service| which(&service.advertisement);
        for service in self.services.iter().filter(|service| is_meant(service)) {
            let fullname = service.info.get_fullname();
            ends.push(match with_room(|| daemon.unregister(fullname)).await {
                Ok(answer) => {
                    // The goodbye has left when this is answered, or when the daemon has ended.
                    let _status = answer.recv_async().await;
                    Entry::AnnouncementRemoved {
                        service: service.advertisement.service,
                        instance: service.advertisement.instance.clone(),
                    }
                }
                Err(error) => failed(error.to_string()),
            });
        }
        // mDNS reports an announcement after it has sent it. A client can be quicker than that.
        while let Some(Ok(event)) = self.events.as_ref().map(Receiver::try_recv) {
            if let Some(entry) = self.entry_of(event) {
                log.write(&entry);
            }
        }
        self.services.retain(|service| !is_meant(service));
        for end in &ends {
            log.write(end);
        }
    }
}

fn failed(why: impl Into<String>) -> Entry {
    Entry::AnnouncementFailed { why: why.into() }
}

/// Calls again while the daemon has no room for another command.
async fn with_room<T>(call: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..MAX_RETRIES {
        match call() {
            Err(Error::Again) => sleep(RETRY_INTERVAL).await,
            other => return other,
        }
    }
    call()
}

/// The interface that is meant, once for each of its addresses.
fn addresses_of(interface: Option<&str>) -> Result<Vec<Interface>, AnnounceError> {
    let mut all = get_if_addrs().map_err(|error| AnnounceError::Unreadable(error.to_string()))?;
    all.retain(|one| interface.map_or_else(|| one.is_loopback(), |name| one.name == name));
    Ok(all)
}

/// Linux's loopback interface has no route for it, unless one is added. Nothing is sent.
fn has_multicast_v6(interface: &Interface) -> bool {
    let scope = interface.index.unwrap_or(0);
    let group = SocketAddrV6::new(MDNS_GROUP, mdns_sd::MDNS_PORT, 0, scope);
    UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok_and(|socket| socket.connect(group).is_ok())
}

/// Why a device cannot be announced.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum AnnounceError {
    /// mDNS does not work here.
    #[error(transparent)]
    Mdns(#[from] Error),
    /// The interface does not have the address on which the device listens.
    #[error("the device listens on {address}, which is not an address of {interface}")]
    NoAddress {
        /// The device's.
        address: IpAddr,
        /// Which interface.
        interface: String,
    },
    /// There is no interface of this name, or it has no address.
    #[error("no interface {0} with an address")]
    NoInterface(String),
    /// A name that has no place in mDNS.
    #[error("{0:?} is not a name of 1 to 63 bytes")]
    NoName(String),
    /// The interfaces of this computer cannot be listed.
    #[error("the interfaces cannot be listed: {0}")]
    Unreadable(String),
}

/// Its name in messages.
const LOOPBACK: &str = "loopback";
const MDNS_GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
const MAX_SERVICE_NAME: u8 = 30;
const MAX_LABEL: usize = 63;
const MAX_RETRIES: u32 = 500;
/// mDNS asks for names during one second, and then announces them.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::device::Offering;
    use crate::security::DeviceSecret;

    fn said(node_id: &str) -> Vec<Advertisement> {
        Advertisement::list(
            Offering::Standalone,
            &DeviceSecret::Sec0,
            node_id,
            "Lamp",
            80,
        )
    }

    #[test]
    fn refuses_what_cannot_be_announced() {
        let Err(error) = Announcer::start(Some("nonesuch0"), Some(40_000)) else {
            panic!("an interface that is not there");
        };
        assert_eq!(error, AnnounceError::NoInterface("nonesuch0".to_owned()));

        let announcer = Announcer::start(None, Some(40_000)).unwrap();
        let elsewhere = "192.0.2.1".parse().unwrap();
        let error = announcer.announcement(elsewhere, said("N")).unwrap_err();
        assert!(error.to_string().contains("192.0.2.1"), "{error}");
        let local = Ipv4Addr::LOCALHOST.into();
        let error = announcer.announcement(local, said(&"N".repeat(64)));
        assert!(matches!(error, Err(AnnounceError::NoName(_))));
        assert!(announcer.announcement(local, said(&"N".repeat(63))).is_ok());
        let any = Ipv4Addr::UNSPECIFIED.into();
        assert!(announcer.announcement(any, said("N")).is_ok());
    }
}
