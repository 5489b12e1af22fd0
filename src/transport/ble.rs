//! The `ble` driver: a device that offers its endpoints as characteristics of a Bluetooth service.
//! Finding it is `ble/scan.rs`'s, what travels `ble/exchange.rs`'s; here a found one is opened.
//!
//! Sources: `protocomm_nimble.c`, `protocomm_ble.c`, `NP/src/scheme_ble.c`.

mod adapter;
mod advertisement;
#[cfg(target_os = "linux")]
mod bluez;
mod endpoints;
mod exchange;
mod gatt;
mod goodbye;
mod native;
mod scan;
#[cfg(not(target_os = "linux"))]
mod system;

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use btleplug::platform::Peripheral;
use futures_util::stream::BoxStream;
use tokio::time::timeout;

use self::adapter::Radio;
use self::exchange::BleTransport;
use self::gatt::Gatt;
use self::native::Native;
use super::{
    Address, Candidate, Driver, Handle, Limits, Remarks, Search, Transport, TransportError,
    TransportKind,
};

pub use advertisement::{MakerData, PROVISIONING_SERVICES, looks_like_provisioning};
pub use goodbye::say_goodbye;

/// Bluetooth Low Energy.
#[derive(Debug)]
pub(super) struct Ble;

/// What is kept between finding a device and opening a path to it.
struct Found {
    radio: Arc<Radio>,
    peripheral: Peripheral,
    remarks: Remarks,
}

#[async_trait]
impl Driver for Ble {
    fn kind(&self) -> TransportKind {
        TransportKind::Ble
    }

    /// Every device that advertises, again whenever it says something new; with an address, that
    /// one only.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        scan::run(search.clone())
    }

    async fn open(
        &self,
        candidate: Candidate,
        limits: &Limits,
    ) -> Result<Box<dyn Transport>, TransportError> {
        let address = candidate.address;
        let unreachable = |source| TransportError::Unreachable {
            address: address.clone(),
            source,
        };
        let Some(Found {
            radio,
            peripheral,
            remarks,
        }) = candidate.handle.and_then(Handle::take::<Found>)
        else {
            let lost = "it was not found by a search";
            return Err(unreachable(io::Error::new(io::ErrorKind::NotFound, lost)));
        };
        // Few controllers connect well while they scan, and the search that found it is just ending.
        say_goodbye().await;
        let gatt: Box<dyn Gatt> = Box::new(Native::new(radio, peripheral, remarks));
        let transport = BleTransport::open(gatt, address, limits.clone()).await?;
        Ok(Box::new(transport))
    }
}

/// The future's outcome, or that it took too long.
async fn within<T>(
    limit: std::time::Duration,
    future: impl Future<Output = Result<T, gatt::GattError>>,
) -> Result<T, gatt::GattError> {
    timeout(limit, future)
        .await
        .unwrap_or(Err(gatt::GattError::TimedOut))
}

/// The address of a peripheral: the system's name for it, and what people read.
fn address_of(peripheral: &Peripheral) -> Address {
    use btleplug::api::{BDAddr, Peripheral as _};
    let id: Arc<str> = peripheral.id().to_string().into();
    let mac = peripheral.address();
    let shown = if mac == BDAddr::default() {
        Arc::clone(&id)
    } else {
        mac.to_string().into()
    };
    Address::Ble { id, shown }
}
