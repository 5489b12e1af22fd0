//! The `softap` driver: finds a device that offers its own hotspot at a known address. The user
//! joins the hotspot; `http` does the exchanges.
//!
//! Source: `NP/src/scheme_softap.c`.

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::time::{Duration, Instant, sleep};

use super::address::{Address, AddressError};
use super::candidate::Candidate;
use super::driver::Driver;
use super::error::TransportError;
use super::exchange_limits::Limits;
use super::host_address::{DEVICE_HOST, DEVICE_IP, DEVICE_PORT, HTTP_ADDRESSES, HostAddress};
use super::http::{DEFAULT_PORT, Socket, make_candidate, open_link};
use super::link::Link;
use super::medium::{Columns, Discovery, HostPart, Medium, Words};
use super::options::{DriverOptions, OptionError, OptionSpec};
use super::search::Search;
use super::source::{INTERFACE, Interface};
use crate::proto::Service;

/// The driver of devices with a hotspot of their own.
#[derive(Debug)]
pub(super) struct SoftAp;

static MEDIUM: Medium = Medium {
    name: "softap",
    discovery: Discovery::Fixed,
    columns: Columns::Version,
    names_are_unique: true,
    joins_device_network: true,
    has_network_already: false,
    needs: Some(HostPart::Hotspot),
    limits: Limits::USUAL,
    usual_address: Some("192.168.4.1:80"),
    words: Words {
        searching: "Looking for a device over softap: join its hotspot (PROV_…) with this computer",
        addresses: HTTP_ADDRESSES,
        ..Words::USUAL
    },
};

#[async_trait]
impl Driver for SoftAp {
    fn medium(&self) -> &'static Medium {
        &MEDIUM
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[DEVICE_IP, DEVICE_HOST, DEVICE_PORT, INTERFACE]
    }

    fn parse_options(&self, given: &[(&str, String)]) -> Result<DriverOptions, OptionError> {
        let (host, port) = HostAddress::from_options(given)?;
        let is_given = host.is_some() || port.is_some();
        let host = host.as_deref().unwrap_or(SOFTAP_HOST);
        let address = HostAddress::with_port(host, port.unwrap_or(DEFAULT_PORT));
        let interface = Interface::from_options(given)?;
        let address = is_given.then_some(address);
        Ok(DriverOptions::new(given, address, interface))
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        let HostAddress { host, port } = HostAddress::parse(text)?;
        Ok(HostAddress::with_port(host, port.unwrap_or(DEFAULT_PORT)))
    }

    /// At most one device: the one that answers at the address. The scan keeps trying, because the
    /// user may join the hotspot meanwhile.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let default = || HostAddress::with_port(SOFTAP_HOST, DEFAULT_PORT);
        let address = search.address.clone().unwrap_or_else(default);
        let interface = Interface::from_driver_options(&search.options);
        let deadline = Instant::now() + search.wait;
        stream::once(async move {
            let socket = connect_until(&address, interface.name(), deadline).await?;
            Ok(make_candidate(
                &MEDIUM,
                address,
                Service::Provisioning,
                socket,
            ))
        })
        .boxed()
    }

    async fn open(
        &self,
        candidate: &Candidate,
        options: &DriverOptions,
        limits: &Limits,
    ) -> Result<Box<dyn Link>, TransportError> {
        open_link(candidate, options, limits).await
    }
}

async fn connect_until(
    address: &Address,
    interface: Option<&str>,
    deadline: Instant,
) -> Result<Socket, TransportError> {
    loop {
        let timeout = deadline
            .saturating_duration_since(Instant::now())
            .clamp(MIN_CONNECT_TIMEOUT, MAX_CONNECT_TIMEOUT);
        match Socket::connect(address, interface, timeout).await {
            Err(TransportError::Unreachable { .. })
                if Instant::now() + RETRY_INTERVAL < deadline =>
            {
                sleep(RETRY_INTERVAL).await;
            }
            outcome => return outcome,
        }
    }
}

/// The address of every ESP-IDF SoftAP (`esp_netif_defaults.h`).
const SOFTAP_HOST: &str = "192.168.4.1";
/// The pause between two connection attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// At least one attempt is made, even without time left.
const MIN_CONNECT_TIMEOUT: Duration = Duration::from_millis(100);
/// An attempt keeps the route that it started with. If it started before this computer joined the
/// hotspot, it cannot succeed, however long the system tries.
const MAX_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
