//! The `ble` driver: connects to a device that `scan.rs` found. `exchange.rs` does the exchanges.
//!
//! Sources: `protocomm_nimble.c`, `protocomm_ble.c`, `NP/src/scheme_ble.c`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::adapter::Adapters;
use super::exchange::BleLink;
use super::gatt::Gatt;
use super::native::NativeGatt;
use super::scan::{self, ScannedDevice};
use crate::transport::address::{Address, AddressError};
use crate::transport::candidate::{Candidate, Handle};
use crate::transport::driver::Driver;
use crate::transport::error::TransportError;
use crate::transport::exchange_limits::Limits;
use crate::transport::link::Link;
use crate::transport::medium::{Columns, Discovery, HostPart, Medium, Words};
use crate::transport::options::{DriverOptions, OptionError, OptionSpec, find_option};
use crate::transport::search::Search;

/// The driver of devices over Bluetooth Low Energy.
#[derive(Debug, Default)]
pub(in crate::transport) struct Ble {
    adapters: Arc<Adapters>,
}

pub(super) static MEDIUM: Medium = Medium {
    name: "ble",
    discovery: Discovery::Announced,
    columns: Columns::Advertisement,
    names_are_unique: false,
    joins_device_network: false,
    has_network_already: false,
    needs: Some(HostPart::Bluetooth),
    limits: Limits {
        // Each attempt starts by receiving an advertisement, and weak ones are received rarely.
        connect: Duration::from_secs(20),
        ..Limits::USUAL
    },
    usual_address: None,
    words: Words {
        searching_by_name: "Looking for BLE device: {}\nDiscovering...",
        unlisted: "more advertise by Bluetooth",
        addresses: (
            "Bluetooth has no such address",
            "pass the name or the address that `espctl discover --transport ble` shows with `--device-name`",
        ),
        ..Words::USUAL
    },
};

static OPTIONS: [OptionSpec; 1] = [OptionSpec {
    help: "Bluetooth adapter, such as hci1 [default: the first that is switched on]",
    heading: "Bluetooth",
    is_for_doctor: true,
    ..OptionSpec::text(ADAPTER, ADAPTER, "ESPCTL_ADAPTER")
}];

/// The requested adapter; `None` means the first that works.
#[derive(Clone, Debug, Default)]
struct Adapter(Option<String>);

#[async_trait]
impl Driver for Ble {
    fn medium(&self) -> &'static Medium {
        &MEDIUM
    }

    fn options(&self) -> &'static [OptionSpec] {
        &OPTIONS
    }

    /// Only the adapter is an option: the device is selected by its name.
    fn parse_options(&self, given: &[(&str, String)]) -> Result<DriverOptions, OptionError> {
        let adapter = find_option(given, ADAPTER).map(str::to_owned);
        Ok(DriverOptions::new(given, None, Adapter(adapter)))
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        if text.is_empty() {
            let expected = "the address that `espctl discover --transport ble` shows";
            return Err(AddressError { expected });
        }
        Ok(Address::new(text))
    }

    /// Every device that advertises, again whenever it advertises new data; with an address, only
    /// that device.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let adapter = adapter_of(&search.options);
        scan::stream_candidates(&MEDIUM, Arc::clone(&self.adapters), adapter, search.clone())
    }

    async fn open(
        &self,
        candidate: &Candidate,
        _options: &DriverOptions,
        limits: &Limits,
    ) -> Result<Box<dyn Link>, TransportError> {
        let address = candidate.address.clone();
        let device: Option<&ScannedDevice> = candidate.handle.as_ref().and_then(Handle::read);
        let device = device.ok_or_else(|| {
            let not_found = io::Error::new(io::ErrorKind::NotFound, "no search found this device");
            TransportError::unreachable(&address, not_found)
        })?;
        // Few controllers connect well while they scan, and the search may still be stopping.
        device.radio.closing.wait().await;
        let gatt: Box<dyn Gatt> = Box::new(NativeGatt::new(
            Arc::clone(&device.radio),
            device.peripheral.clone(),
            candidate.changes.clone(),
        ));
        let closing = Arc::clone(&device.radio.closing);
        let link = BleLink::connect(gatt, address, limits.clone(), closing).await?;
        Ok(Box::new(link))
    }

    async fn finish_closing(&self) {
        self.adapters.finish_closing().await;
    }
}

fn adapter_of(options: &DriverOptions) -> Option<String> {
    let Adapter(name) = options.settings()?;
    name.clone()
}

const ADAPTER: &str = "adapter";

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn adapter_comes_from_flag() {
        let ble = Ble::default();
        let options = ble.parse_options(&[(ADAPTER, "hci1".to_owned())]).unwrap();
        assert_eq!(adapter_of(&options).as_deref(), Some("hci1"));
        let any = ble.parse_options(&[]).unwrap();
        assert_eq!((adapter_of(&any), any.address()), (None, None));
        assert!(!ble.parse_address("C0:FF:EE:00:00:01").unwrap().has_id());
        assert!(ble.parse_address("").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn driver_waits_only_for_its_own_closing_tasks() {
        let (idle, closing) = (Ble::default(), Ble::default());
        let time = Duration::from_millis(100);
        let tasks = closing.adapters.closing_tasks("hci0");
        tasks.spawn(tokio::time::sleep(time));
        let start = Instant::now();
        idle.finish_closing().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        closing.finish_closing().await;
        assert_eq!(start.elapsed(), time);
    }
}
