//! mDNS for devices on their network: says on one interface that they are there, and that they are
//! gone. Not what is said, which is a device's [`Advertisement`], nor the other side, which looks
//! for devices.
//!
//! It is the loopback interface unless another is named: an emulated device is nobody's business
//! on a real network until somebody wants that.
#![expect(
    clippy::disallowed_types,
    reason = "a socket that sends nothing tells whether there is a route"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use if_addrs::{Interface, get_if_addrs};
use mdns_sd::{DaemonEvent, DnsNameChange, Error, IfKind, Receiver, ServiceDaemon, ServiceInfo};
use thiserror::Error as ThisError;
use tokio::time::{Instant, sleep, timeout_at};

use super::device::Advertisement;
use super::log::{Entry, Log};

/// Speaks mDNS on one interface, for any number of devices. Falls silent when it is dropped.
#[derive(Debug)]
pub struct Announcer {
    daemon: Daemon,
    interface: Option<String>,
}

impl Announcer {
    /// On the interface of this name, or on the loopback one. The port is mDNS's own but for those
    /// who want to be by themselves.
    pub fn start(interface: Option<&str>, port: Option<u16>) -> Result<Self, AnnounceError> {
        if parts_of(interface)?.is_empty() {
            let name = interface.unwrap_or(LOOPBACK).to_owned();
            return Err(AnnounceError::NoInterface(name));
        }
        let daemon = ServiceDaemon::new_with_port(port.unwrap_or(mdns_sd::MDNS_PORT))?;
        daemon.disable_interface(IfKind::All)?;
        daemon.enable_interface(match interface {
            Some(name) => vec![IfKind::Name(name.to_owned())],
            None => vec![IfKind::LoopbackV4, IfKind::LoopbackV6],
        })?;
        // `esp_rmaker_chal_resp` has 20 letters, and 15 are allowed.
        daemon.set_service_name_len_max(LONGEST_SERVICE)?;
        Ok(Self {
            daemon: Daemon(daemon),
            interface: interface.map(str::to_owned),
        })
    }

    /// What a device that listens on `address` will say of itself.
    pub fn announcement(
        &self,
        address: IpAddr,
        advertisements: Vec<Advertisement>,
    ) -> Result<Announcement, AnnounceError> {
        let mut parts = parts_of(self.interface.as_deref())?;
        parts.retain(|part| match address {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => part.ip().is_ipv4(),
            // Both families: the socket is open to both.
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
            one => part.ip() == one,
        });
        if parts.is_empty() {
            return Err(AnnounceError::NoAddress {
                address,
                interface: self.interface.as_deref().unwrap_or(LOOPBACK).to_owned(),
            });
        }
        // Each family is told of by its own multicast.
        parts.retain(|part| part.ip().is_ipv4() || has_multicast_v6(part));
        let addresses: Vec<IpAddr> = parts.iter().map(Interface::ip).collect();
        let mut services = Vec::new();
        for said in advertisements {
            for label in [&said.instance, said.host.trim_end_matches(".local")] {
                if !(1..=LONGEST_LABEL).contains(&label.len()) {
                    return Err(AnnounceError::NoName(label.to_owned()));
                }
            }
            let info = ServiceInfo::new(
                &format!("{}.local.", said.service),
                &said.instance,
                &format!("{}.", said.host),
                addresses.as_slice(),
                said.port,
                said.txt.as_slice(),
            )?;
            services.push(Service {
                said,
                info,
                is_told: false,
            });
        }
        Ok(Announcement(Some(Saying {
            daemon: self.daemon.0.clone(),
            can_be_heard: !addresses.is_empty(),
            events: None,
            overdue: None,
            services,
        })))
    }
}

/// The task that speaks. It ends with its owner, and says so for all that it still announces.
struct Daemon(ServiceDaemon);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.shutdown();
    }
}

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Daemon")
    }
}

/// What one device says of itself, if anything.
#[derive(Debug)]
pub struct Announcement(Option<Saying>);

struct Saying {
    daemon: ServiceDaemon,
    can_be_heard: bool,
    events: Option<Receiver<DaemonEvent>>,
    /// When to say that something was not heard of, if nothing else is heard before.
    overdue: Option<Instant>,
    services: Vec<Service>,
}

impl std::fmt::Debug for Saying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.services.iter().map(|service| &service.said))
            .finish()
    }
}

struct Service {
    said: Advertisement,
    info: ServiceInfo,
    is_told: bool,
}

impl Announcement {
    /// Of a device that nobody is told of.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Begins to ask whether the names are free; announcing follows on that, see
    /// [`Announcement::news`].
    pub(super) async fn begin(&mut self, log: &mut Log) {
        let Some(saying) = &mut self.0 else {
            return;
        };
        let begun = if saying.can_be_heard {
            saying.begin().await.map_err(|error| error.to_string())
        } else {
            Err("the interface has no route for multicast of IPv6".to_owned())
        };
        if let Err(why) = begun {
            log.write(&Entry::AnnouncementFailed { why });
            self.0 = None;
        }
    }

    /// What next came of it; waits for ever where nothing is under way.
    pub(super) async fn news(&mut self) -> Entry {
        if let Some(saying) = &mut self.0 {
            while let Some(events) = &saying.events {
                let heard = match saying.overdue {
                    Some(overdue) => timeout_at(overdue, events.recv_async()).await,
                    None => Ok(events.recv_async().await),
                };
                let Ok(event) = heard else {
                    saying.overdue = None;
                    if let Some(entry) = saying.untold() {
                        return entry;
                    }
                    continue;
                };
                match event {
                    Ok(DaemonEvent::Announce(fullname, _)) => {
                        if let Some(entry) = saying.told(&fullname) {
                            return entry;
                        }
                    }
                    Ok(DaemonEvent::NameChange(change)) => {
                        if let Some(entry) = saying.renamed(&change) {
                            return entry;
                        }
                    }
                    Ok(DaemonEvent::Error(error)) => {
                        return Entry::AnnouncementFailed {
                            why: error.to_string(),
                        };
                    }
                    Ok(_) => {}
                    Err(_) => saying.events = None,
                }
            }
        }
        std::future::pending().await
    }

    /// Takes back what is said of challenge-response; done when the network has been told.
    pub(super) async fn end_challenge_response(&mut self, log: &mut Log) {
        self.take_back(log, Advertisement::is_challenge_response)
            .await;
    }

    /// Takes back the rest.
    pub(super) async fn end(&mut self, log: &mut Log) {
        self.take_back(log, |_| true).await;
    }

    async fn take_back(&mut self, log: &mut Log, which: impl Fn(&Advertisement) -> bool) {
        let Some(saying) = &mut self.0 else {
            return;
        };
        let (gone, kept) = std::mem::take(&mut saying.services)
            .into_iter()
            .partition(|service| which(&service.said));
        saying.services = kept;
        for service in gone {
            let Service { said, info, .. } = service;
            let fullname = info.get_fullname();
            let told = again(|| saying.daemon.unregister(fullname)).await;
            log.write(&match told {
                // The goodbye has left when this is answered; an end of the other side is one too.
                Ok(answer) => {
                    let _status = answer.recv_async().await;
                    Entry::AnnouncementRemoved {
                        service: said.service,
                        instance: said.instance,
                    }
                }
                Err(error) => Entry::AnnouncementFailed {
                    why: error.to_string(),
                },
            });
        }
    }
}

impl Saying {
    async fn begin(&mut self) -> Result<(), Error> {
        self.events = Some(again(|| self.daemon.monitor()).await?);
        self.overdue = Instant::now().checked_add(PATIENCE);
        for service in &self.services {
            again(|| self.daemon.register(service.info.clone())).await?;
        }
        Ok(())
    }

    /// Somebody else has a name already, and mDNS takes another one instead.
    fn renamed(&mut self, change: &DnsNameChange) -> Option<Entry> {
        let is = |name: &str| name.eq_ignore_ascii_case(&change.original);
        let service = self
            .services
            .iter_mut()
            .find(|service| is(service.info.get_fullname()) || is(service.info.get_hostname()))?;
        if is(service.info.get_fullname()) {
            service.is_told = true;
        }
        Some(Entry::AnnouncementFailed {
            why: format!("{} is taken; now {}", change.original, change.new_name),
        })
    }

    /// What was never sent, if anything: mDNS itself does not say.
    fn untold(&self) -> Option<Entry> {
        let service = self.services.iter().find(|service| !service.is_told)?;
        Some(Entry::AnnouncementFailed {
            why: format!(
                "{} could not be sent within {} s",
                service.said.service,
                PATIENCE.as_secs()
            ),
        })
    }

    /// Each interface and family is an event of its own; the first counts.
    fn told(&mut self, fullname: &str) -> Option<Entry> {
        let service = self.services.iter_mut().find(|service| {
            !service.is_told && service.info.get_fullname().eq_ignore_ascii_case(fullname)
        })?;
        service.is_told = true;
        let said = service.said.clone();
        Some(Entry::Announced {
            service: said.service,
            instance: said.instance,
            host: said.host,
            port: said.port,
            txt: said
                .txt
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect(),
        })
    }
}

/// Calls again while the other side has no room for what is asked.
async fn again<T>(call: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..ATTEMPTS {
        match call() {
            Err(Error::Again) => sleep(RETRY_AFTER).await,
            other => return other,
        }
    }
    call()
}

/// The interface that is meant, once for each of its addresses.
fn parts_of(interface: Option<&str>) -> Result<Vec<Interface>, AnnounceError> {
    let mut parts = get_if_addrs().map_err(|error| AnnounceError::Unreadable(error.to_string()))?;
    parts.retain(|one| interface.map_or_else(|| one.is_loopback(), |name| one.name == name));
    Ok(parts)
}

/// Linux's loopback interface has no route for it, unless somebody adds one. Nothing is sent.
fn has_multicast_v6(part: &Interface) -> bool {
    let group = SocketAddrV6::new(MDNS_GROUP, mdns_sd::MDNS_PORT, 0, part.index.unwrap_or(0));
    UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok_and(|socket| socket.connect(group).is_ok())
}

/// Why a device cannot be announced.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum AnnounceError {
    /// mDNS does not work here.
    #[error("{0}")]
    Mdns(String),
    /// The interface does not have the address on which the device listens.
    #[error("the device listens on {address}, which is not an address of {interface}")]
    NoAddress {
        /// The device's.
        address: IpAddr,
        /// Which interface.
        interface: String,
    },
    /// There is none of this name, or it has no address.
    #[error("no interface {0} with an address")]
    NoInterface(String),
    /// A name that has no place in mDNS.
    #[error("{0:?} is not a name of 1 to 63 bytes")]
    NoName(String),
    /// The interfaces of this computer cannot be listed.
    #[error("the interfaces cannot be listed: {0}")]
    Unreadable(String),
}

impl From<Error> for AnnounceError {
    fn from(error: Error) -> Self {
        Self::Mdns(error.to_string())
    }
}

/// How it is called in messages.
const LOOPBACK: &str = "loopback";
const MDNS_GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
const LONGEST_SERVICE: u8 = 30;
const LONGEST_LABEL: usize = 63;
const ATTEMPTS: u32 = 500;
/// Names are asked for during one second, and then announced.
const PATIENCE: Duration = Duration::from_secs(10);
const RETRY_AFTER: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::device::Offering;
    use crate::security::DeviceSecret;

    fn said(node_id: &str) -> Vec<Advertisement> {
        Advertisement::of(
            Offering::Standalone,
            &DeviceSecret::Sec0,
            node_id,
            "Lamp",
            80,
        )
    }

    #[test]
    fn what_cannot_be_announced_is_told_before_anybody_hears_of_it() {
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
