//! The computer's Bluetooth adapter: which one, whether it works, and its scan. Devices are
//! `scan.rs`'s and `native.rs`'s.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use btleplug::api::{Central as _, CentralState, Manager as _, ScanFilter};
use btleplug::platform::{Adapter, Manager};
use tokio::runtime::Builder;
use tokio::sync::{OnceCell, oneshot};
use tokio::time::timeout;

use super::gatt::GattError;
use super::goodbye;
use super::system_errors::classify;
use crate::host::{BluetoothError, BluetoothProblem};
use crate::transport::error::TransportError;
use crate::transport::search::HostChanges;

/// An adapter that works.
pub(super) struct Radio {
    pub(super) adapter: Adapter,
}

impl Radio {
    /// The adapter of this name, or the first, one that is switched on before others.
    pub(super) async fn open(wanted: Option<&str>) -> Result<Self, TransportError> {
        timeout(PATIENCE, Self::find(wanted))
            .await
            .unwrap_or_else(|_| Err(silent()))
    }

    async fn find(wanted: Option<&str>) -> Result<Self, TransportError> {
        static MANAGER: OnceCell<Manager> = OnceCell::const_new();
        let manager = MANAGER.get_or_try_init(connect_to_system).await?;
        let mut first = None;
        let mut there = Vec::new();
        for adapter in manager.adapters().await.map_err(failed)? {
            let told = adapter.adapter_info().await.map_err(failed)?;
            let name = told.split_whitespace().next().unwrap_or_default();
            there.push(name.to_owned());
            match wanted {
                Some(wanted) if wanted == name => return Ok(Self { adapter }),
                Some(_) => {}
                None if is_on(&adapter).await => return Ok(Self { adapter }),
                None => {
                    first.get_or_insert(adapter);
                }
            }
        }
        match (first, wanted) {
            (Some(adapter), _) => Ok(Self { adapter }),
            (None, Some(wanted)) if !there.is_empty() => {
                let (wanted, there) = (wanted.into(), there.join(", ").into());
                Err(bluetooth(BluetoothProblem::NoSuchAdapter { wanted, there }))
            }
            (None, _) => Err(bluetooth(BluetoothProblem::NoAdapter)),
        }
    }

    /// Begins an active scan: names are in answers that only such a scan asks for. An adapter that
    /// is off is switched on where the system lets us, and that is reported.
    pub(super) async fn start_scan(
        self: &Arc<Self>,
        changes: &HostChanges,
    ) -> Result<Scanning, TransportError> {
        let was_off = !is_on(&self.adapter).await;
        // From here on it may run, whatever becomes of this future.
        let scanning = Scanning(Some(Arc::clone(self)));
        self.adapter
            .start_scan(ScanFilter::default())
            .await
            .map_err(|error| match classify(error) {
                GattError::Other(said) if was_off => bluetooth(BluetoothError {
                    problem: BluetoothProblem::Off,
                    source: Some(GattError::Other(said).into_io()),
                }),
                other => radio_failed(other),
            })?;
        if was_off && is_on(&self.adapter).await {
            changes.add("Bluetooth was switched off on this computer, and is on now");
        }
        Ok(scanning)
    }
}

impl fmt::Debug for Radio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Radio").finish_non_exhaustive()
    }
}

/// A scan that runs, until it is stopped or dropped.
#[derive(Debug)]
pub(super) struct Scanning(Option<Arc<Radio>>);

impl Scanning {
    /// Ends it. The system ends it too when we leave, so a failure is no matter.
    pub(super) async fn stop(mut self) {
        if let Some(radio) = self.0.take() {
            stop(&radio).await;
        }
    }
}

impl Drop for Scanning {
    fn drop(&mut self) {
        if let Some(radio) = self.0.take() {
            goodbye::after_all(async move { stop(&radio).await });
        }
    }
}

async fn stop(radio: &Radio) {
    if let Err(error) = radio.adapter.stop_scan().await {
        tracing::debug!(%error, "the scan did not end");
    }
}

/// Connecting to the system blocks, for ever if it is a bus that says nothing: so it has a thread of
/// its own, which then carries what goes over the connection. One serves the whole program.
async fn connect_to_system() -> Result<Manager, TransportError> {
    let (opened, is_open) = oneshot::channel();
    let thread = thread::Builder::new().name("bluetooth".to_owned());
    let started = thread.spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                // Whoever waits for it may have left, here as below.
                let _told = opened.send(Err(btleplug::Error::Other(Box::new(error))));
                return;
            }
        };
        runtime.block_on(async {
            let manager = Manager::new().await;
            let _told = opened.send(manager);
            std::future::pending::<()>().await;
        });
    });
    let broken = |source: io::Error| bluetooth(BluetoothError::failed(source));
    started.map_err(broken)?;
    let ended = |_| broken(io::Error::other("its thread has ended"));
    is_open.await.map_err(ended)?.map_err(failed)
}

async fn is_on(adapter: &Adapter) -> bool {
    // A system that does not say is not off.
    !matches!(adapter.adapter_state().await, Ok(CentralState::PoweredOff))
}

/// An error of the computer's Bluetooth, as the transport's.
pub(super) fn bluetooth(error: impl Into<BluetoothError>) -> TransportError {
    TransportError::Bluetooth(error.into())
}

/// A system that says nothing.
pub(super) fn silent() -> TransportError {
    radio_failed(GattError::TimedOut)
}

/// What the system says while it is only the computer that is asked.
pub(super) fn failed(error: btleplug::Error) -> TransportError {
    match classify(error) {
        // There is no device yet that could want it.
        GattError::NotPaired => bluetooth(BluetoothProblem::Denied),
        other => radio_failed(other),
    }
}

fn radio_failed(error: GattError) -> TransportError {
    match error {
        GattError::Radio(found) => bluetooth(found),
        other => bluetooth(BluetoothError::failed(other.into_io())),
    }
}

/// With the system's own service: it computes nothing and waits for nobody.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
