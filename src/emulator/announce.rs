//! Announces devices on their network by mDNS, on one interface, and sends goodbyes.
//!
//! The default is the loopback interface, so that an emulated device does not appear on a real network by
//! accident.
#![expect(
    clippy::disallowed_types,
    reason = "a socket that sends nothing shows whether there is a route"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use derive_more::Debug;
use if_addrs::{Interface, get_if_addrs};
use mdns_sd::{DaemonEvent, Error, IfKind, Receiver, ServiceDaemon, ServiceInfo};
use thiserror::Error as ThisError;
use tokio::time::{Instant, sleep, timeout_at};

use super::device::Advertisement;
use super::log::{DeviceEvent, Log};

/// The mDNS responder on one interface, for any number of devices. Dropping it ends all announcements.
#[derive(Debug)]
pub struct Announcer {
    #[debug(skip)]
    daemon: ServiceDaemon,
    interface: Option<String>,
}

impl Announcer {
    /// Starts on the interface of this name, or on the loopback one. Tests can select a port of their own
    /// instead of mDNS's.
    pub fn start(interface: Option<&str>, port: Option<u16>) -> Result<Self, AnnounceError> {
        if list_addresses(interface)?.is_empty() {
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
    pub fn prepare(
        &self,
        address: IpAddr,
        advertisements: Vec<Advertisement>,
    ) -> Result<Announcement, AnnounceError> {
        let mut interfaces = list_addresses(self.interface.as_deref())?;
        interfaces.retain(|interface| match address {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => interface.ip().is_ipv4(),
            // Both families: the socket accepts both.
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
        // It may have ended before.
        let _ended = self.daemon.shutdown();
    }
}

/// The announcement of a device; by default, of no service.
#[derive(Debug, Default)]
pub struct Announcement {
    #[debug(skip)]
    daemon: Option<ServiceDaemon>,
    has_route: bool,
    /// Exists while services are announced.
    #[debug(skip)]
    events: Option<Receiver<DaemonEvent>>,
    /// When to report a service that the daemon has not reported.
    report_missing_at: Option<Instant>,
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
                return Err(AnnounceError::InvalidName(label.to_owned()));
            }
        }
        let info = ServiceInfo::new(
            &format!("{}.local.", advertisement.service),
            instance,
            &format!("{host}."),
            addresses,
            advertisement.port,
            &*advertisement.txt_pairs(),
        )?;
        Ok(Self {
            advertisement,
            info,
            is_announced: false,
        })
    }

    fn has_name(&self, name: &str) -> bool {
        self.info.get_fullname().eq_ignore_ascii_case(name)
    }
}

impl Announcement {
    /// Begins to check whether the names are free. [`Announcement::next_entry`] returns what follows.
    pub(super) async fn begin(&mut self, log: &mut Log) {
        if let Some(daemon) = self.daemon.clone()
            && let Err(error) = self.register(&daemon).await
        {
            log.write(&announcement_failed(&error));
            *self = Self::default();
        }
    }

    async fn register(&mut self, daemon: &ServiceDaemon) -> Result<(), Error> {
        if !self.has_route {
            let why = "the interface has no route for multicast of IPv6";
            return Err(Error::Msg(why.to_owned()));
        }
        self.events = Some(retry_while_busy(|| daemon.monitor()).await?);
        self.report_missing_at = Instant::now().checked_add(ANNOUNCE_TIMEOUT);
        for service in &self.services {
            retry_while_busy(|| daemon.register(service.info.clone())).await?;
        }
        Ok(())
    }

    /// Waits for the next event of the announcement. Without one, it never returns.
    pub(super) async fn next_entry(&mut self) -> DeviceEvent {
        while let Some(events) = &self.events {
            let event = match self.report_missing_at {
                Some(report_missing_at) => timeout_at(report_missing_at, events.recv_async()).await,
                None => Ok(events.recv_async().await),
            };
            let entry = match event {
                Ok(Ok(event)) => self.convert_event(event),
                // The daemon has ended.
                Ok(Err(_)) => {
                    self.events = None;
                    None
                }
                Err(_) => {
                    self.report_missing_at = None;
                    self.report_missing()
                }
            };
            if let Some(entry) = entry {
                return entry;
            }
        }
        std::future::pending().await
    }

    /// Converts an event of the daemon to a log entry, if there is one for it.
    fn convert_event(&mut self, event: DaemonEvent) -> Option<DeviceEvent> {
        let mut services = self.services.iter_mut();
        match event {
            // Each interface and family causes an event; the first counts.
            DaemonEvent::Announce(name, _) => {
                let is_new =
                    |service: &&mut Service| !service.is_announced && service.has_name(&name);
                let service = services.find(is_new)?;
                service.is_announced = true;
                Some(DeviceEvent::Announced(service.advertisement.clone()))
            }
            // Another device has the name, so mDNS uses another one.
            DaemonEvent::NameChange(change) => {
                let (name, new_name) = (change.original, change.new_name);
                let service = services.find(|service| {
                    let host = service.info.get_hostname();
                    service.has_name(&name) || host.eq_ignore_ascii_case(&name)
                })?;
                service.is_announced |= service.has_name(&name);
                Some(announcement_failed(&format!(
                    "{name} is taken; now {new_name}"
                )))
            }
            DaemonEvent::Error(error) => Some(announcement_failed(&error)),
            _ => None,
        }
    }

    /// Reports a service that was never sent, because the daemon does not.
    fn report_missing(&self) -> Option<DeviceEvent> {
        let service = self.services.iter().find(|service| !service.is_announced)?;
        let (name, seconds) = (service.advertisement.service, ANNOUNCE_TIMEOUT.as_secs());
        let why = format!("{name} could not be sent within {seconds} s");
        Some(announcement_failed(&why))
    }

    /// Ends the announcement of some services. Returns when the goodbyes are sent.
    pub(super) async fn end(&mut self, log: &mut Log, which: impl Fn(&Advertisement) -> bool) {
        let Some(daemon) = self.daemon.clone() else {
            return;
        };
        let mut ends = Vec::new();
        let is_selected = |service: &Service| which(&service.advertisement);
        for service in self.services.iter().filter(|service| is_selected(service)) {
            let fullname = service.info.get_fullname();
            let ended = retry_while_busy(|| daemon.unregister(fullname)).await;
            ends.push(match ended {
                Ok(answer) => {
                    // The answer follows the goodbye, unless the daemon has ended.
                    let _status = answer.recv_async().await;
                    let Advertisement {
                        service, instance, ..
                    } = service.advertisement.clone();
                    DeviceEvent::AnnouncementRemoved { service, instance }
                }
                Err(error) => announcement_failed(&error),
            });
        }
        // mDNS reports an announcement after sending it, and a client can react before the report.
        while let Some(Ok(event)) = self.events.as_ref().map(Receiver::try_recv) {
            if let Some(entry) = self.convert_event(event) {
                log.write(&entry);
            }
        }
        self.services.retain(|service| !is_selected(service));
        for end in &ends {
            log.write(end);
        }
    }
}

fn announcement_failed(why: &impl ToString) -> DeviceEvent {
    let why = why.to_string();
    DeviceEvent::AnnouncementFailed { why }
}

/// Calls again while the command queue of the daemon is full.
async fn retry_while_busy<T>(call: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..MAX_RETRIES {
        match call() {
            Err(Error::Again) => sleep(RETRY_INTERVAL).await,
            other => return other,
        }
    }
    call()
}

/// Lists the addresses of the interface.
fn list_addresses(interface: Option<&str>) -> Result<Vec<Interface>, Error> {
    let unreadable = |error| Error::Msg(format!("the interfaces cannot be listed: {error}"));
    let mut all = get_if_addrs().map_err(unreadable)?;
    all.retain(|entry| interface.map_or_else(|| entry.is_loopback(), |name| entry.name == name));
    Ok(all)
}

/// Whether the interface has a route for multicast: Linux's loopback interface has none by default. Sends
/// nothing.
fn has_multicast_v6(interface: &Interface) -> bool {
    let scope = interface.index.unwrap_or(0);
    let group = SocketAddrV6::new(MDNS_GROUP, mdns_sd::MDNS_PORT, 0, scope);
    UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok_and(|socket| socket.connect(group).is_ok())
}

/// Why a device cannot be announced.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum AnnounceError {
    /// mDNS does not work here, or the interfaces cannot be listed.
    #[error(transparent)]
    Mdns(#[from] Error),
    /// The interface does not have the address on which the device listens.
    #[error("the device listens on {address}, which is not an address of {interface}")]
    NoAddress {
        /// The address of the device.
        address: IpAddr,
        /// The name of the interface.
        interface: String,
    },
    /// There is no interface of this name, or it has no address.
    #[error("no interface {0} with an address")]
    NoInterface(String),
    /// A name that mDNS does not support.
    #[error("{0:?} is not a name of 1 to 63 bytes")]
    InvalidName(String),
}

/// Its name in messages.
const LOOPBACK: &str = "loopback";
const MDNS_GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
const MAX_SERVICE_NAME: u8 = 30;
const MAX_LABEL: usize = 63;
const MAX_RETRIES: u32 = 500;
/// mDNS checks names during one second, and then announces them.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::device::Offering;
    use crate::security::DeviceSecret;

    fn advertisements(node_id: &str) -> Vec<Advertisement> {
        Advertisement::list(
            Offering::Standalone,
            &DeviceSecret::Sec0,
            node_id,
            "Lamp",
            80,
        )
    }

    #[test]
    fn rejects_unsupported_addresses_and_names() {
        let Err(error) = Announcer::start(Some("nonesuch0"), Some(40_000)) else {
            panic!("an interface that is not there");
        };
        assert_eq!(error, AnnounceError::NoInterface("nonesuch0".to_owned()));

        let announcer = Announcer::start(None, Some(40_000)).unwrap();
        let elsewhere = "192.0.2.1".parse().unwrap();
        let error = announcer
            .prepare(elsewhere, advertisements("N"))
            .unwrap_err();
        assert!(error.to_string().contains("192.0.2.1"), "{error}");
        let local = Ipv4Addr::LOCALHOST.into();
        let error = announcer.prepare(local, advertisements(&"N".repeat(64)));
        assert!(matches!(error, Err(AnnounceError::InvalidName(_))));
        assert!(
            announcer
                .prepare(local, advertisements(&"N".repeat(63)))
                .is_ok()
        );
        let any = Ipv4Addr::UNSPECIFIED.into();
        assert!(announcer.prepare(any, advertisements("N")).is_ok());
    }
}
