//! The computer's Bluetooth adapters: which one to use, whether it works, and its scan. Devices are
//! `scan.rs`'s and `native.rs`'s.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use btleplug::api::{Central as _, CentralEvent, CentralState, Manager as _, ScanFilter};
use btleplug::platform::{Adapter, Manager};
use futures_util::future::join_all;
use futures_util::stream::Stream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{OnceCell, oneshot};
use tokio::time::timeout;

use super::closing::ClosingTasks;
use super::gatt::GattError;
use super::system_errors::classify;
use crate::host::{BluetoothError, BluetoothProblem};
use crate::transport::error::TransportError;
use crate::transport::search::HostChanges;

/// The adapters of this computer, as one driver uses them.
#[derive(Debug, Default)]
pub(super) struct Adapters {
    /// Made for the first search: without one, the system is never asked.
    connection: OnceCell<Arc<SystemConnection>>,
    /// By the name of the adapter.
    closing: Mutex<HashMap<String, Arc<ClosingTasks>>>,
}

impl Adapters {
    /// Opens the adapter of this name, or the first one, preferring those that are switched on.
    pub(super) async fn open(&self, wanted: Option<&str>) -> Result<Radio, TransportError> {
        timeout(PATIENCE, self.find(wanted))
            .await
            .unwrap_or_else(|_| Err(silent()))
    }

    async fn find(&self, wanted: Option<&str>) -> Result<Radio, TransportError> {
        let connection = self.connection.get_or_try_init(connect_to_system).await?;
        let mut first = None;
        let mut names = Vec::new();
        for adapter in connection.manager.adapters().await.map_err(failed)? {
            let info = adapter.adapter_info().await.map_err(failed)?;
            let name = info.split_whitespace().next().unwrap_or_default();
            let is_choice = match wanted {
                Some(wanted) => wanted == name,
                None => is_on(&adapter).await,
            };
            names.push(name.to_owned());
            let radio = Radio {
                adapter,
                closing: self.closing_tasks(name),
                connection: Arc::clone(connection),
            };
            if is_choice {
                return Ok(radio);
            }
            first.get_or_insert(radio);
        }
        match (first, wanted) {
            (Some(_), Some(wanted)) => {
                let (wanted, there) = (wanted.into(), names.join(", ").into());
                Err(bluetooth(BluetoothProblem::NoSuchAdapter { wanted, there }))
            }
            (Some(radio), None) => Ok(radio),
            (None, _) => Err(bluetooth(BluetoothProblem::NoAdapter)),
        }
    }

    /// The closing tasks of the adapter of this name.
    pub(super) fn closing_tasks(&self, adapter: &str) -> Arc<ClosingTasks> {
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(closing.entry(adapter.to_owned()).or_default())
    }

    /// Waits until every link and scan that was dropped is closed, of all adapters at once.
    pub(super) async fn finish_closing(&self) {
        let closing: Vec<Arc<ClosingTasks>> = {
            let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
            closing.values().map(Arc::clone).collect()
        };
        join_all(closing.iter().map(|tasks| tasks.wait())).await;
    }
}

/// An adapter that works.
pub(super) struct Radio {
    pub(super) adapter: Adapter,
    /// What closes the links and scans over this adapter.
    pub(super) closing: Arc<ClosingTasks>,
    /// Serves the adapter and its devices, as long as it is held.
    connection: Arc<SystemConnection>,
}

impl Radio {
    /// Subscribes to everything that the adapter reports.
    pub(super) async fn events(&self) -> Result<AdapterEvents, btleplug::Error> {
        Ok(AdapterEvents {
            stream: Some(self.adapter.events().await?),
            connection: Arc::clone(&self.connection),
        })
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
            let closing = Arc::clone(&radio.closing);
            closing.spawn(async move { stop(&radio).await });
        }
    }
}

async fn stop(radio: &Radio) {
    if let Err(error) = radio.adapter.stop_scan().await {
        tracing::debug!(%error, "the scan did not end");
    }
}

/// What an adapter reports, for as long as this is held.
pub(super) struct AdapterEvents {
    /// `None` only while it is dropped.
    stream: Option<Pin<Box<dyn Stream<Item = CentralEvent> + Send>>>,
    connection: Arc<SystemConnection>,
}

impl Stream for AdapterEvents {
    type Item = CentralEvent;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<CentralEvent>> {
        match &mut self.stream {
            Some(stream) => stream.as_mut().poll_next(context),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for AdapterEvents {
    /// `bluez-async` spawns a task that unsubscribes. It has to end with the connection: on another
    /// runtime it would wait for an answer in vain, and without one it could not be spawned.
    fn drop(&mut self) {
        let _guard = self.connection.runtime.enter();
        self.stream = None;
    }
}

/// The connection to the system's Bluetooth.
#[derive(Debug)]
struct SystemConnection {
    manager: Manager,
    /// The runtime of the connection's thread.
    runtime: Handle,
    /// The connection's thread ends when this is dropped.
    _thread: oneshot::Sender<Infallible>,
}

/// Connects to the system's Bluetooth. That blocks, for ever if the bus does not answer: so the
/// connection has a thread of its own, which then carries what goes over it.
async fn connect_to_system() -> Result<Arc<SystemConnection>, TransportError> {
    let (opened, is_open) = oneshot::channel();
    let (in_use, unused) = oneshot::channel();
    let thread = thread::Builder::new().name("bluetooth".to_owned());
    let started = thread.spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                // The caller may have stopped waiting, here as below.
                let _sent = opened.send(Err(btleplug::Error::Other(Box::new(error))));
                return;
            }
        };
        runtime.block_on(async {
            let manager = Manager::new().await;
            let _sent = opened.send(manager.map(|manager| (manager, Handle::current())));
            let _unused = unused.await;
        });
    });
    let broken = |source: io::Error| bluetooth(BluetoothError::failed(source));
    started.map_err(broken)?;
    let ended = |_| broken(io::Error::other("its thread has ended"));
    let (manager, runtime) = is_open.await.map_err(ended)?.map_err(failed)?;
    Ok(Arc::new(SystemConnection {
        manager,
        runtime,
        _thread: in_use,
    }))
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
