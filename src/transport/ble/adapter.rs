//! This computer's Bluetooth adapters: selects one, checks that it works, and starts its scan.
//! `scan.rs` and `native.rs` deal with the devices.

use std::collections::HashMap;
use std::convert::Infallible;
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

/// This computer's adapters, as one driver uses them.
#[derive(Debug, Default)]
pub(super) struct Adapters {
    /// Opened by the first search: espctl does not contact the system's Bluetooth without one.
    connection: OnceCell<Arc<SystemConnection>>,
    /// The closing tasks by adapter name.
    closing: Mutex<HashMap<String, Arc<ClosingTasks>>>,
}

impl Adapters {
    /// Opens the adapter with the requested name. Without a name, it opens the first adapter that is
    /// switched on, or else the first one.
    pub(super) async fn open(&self, requested: Option<&str>) -> Result<Radio, TransportError> {
        within_system_timeout(self.select(requested)).await
    }

    async fn select(&self, requested: Option<&str>) -> Result<Radio, TransportError> {
        let connection = self.connection.get_or_try_init(connect_to_system).await?;
        let mut first = None;
        let mut names = Vec::new();
        for adapter in connection.manager.adapters().await.map_err(system_error)? {
            let info = adapter.adapter_info().await.map_err(system_error)?;
            let name = info.split_whitespace().next().unwrap_or_default();
            let is_match = match requested {
                Some(requested) => requested == name,
                None => is_on(&adapter).await,
            };
            names.push(name.to_owned());
            let radio = Radio {
                adapter,
                closing: self.closing_tasks(name),
                connection: Arc::clone(connection),
            };
            if is_match {
                return Ok(radio);
            }
            first.get_or_insert(radio);
        }
        match (first, requested) {
            (Some(_), Some(requested)) => {
                let (requested, available) = (requested.into(), names.join(", ").into());
                Err(bluetooth_error(BluetoothProblem::NoSuchAdapter {
                    requested,
                    available,
                }))
            }
            (Some(radio), None) => Ok(radio),
            (None, _) => Err(bluetooth_error(BluetoothProblem::NoAdapter)),
        }
    }

    /// The closing tasks of the adapter with this name.
    pub(super) fn closing_tasks(&self, adapter: &str) -> Arc<ClosingTasks> {
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(closing.entry(adapter.to_owned()).or_default())
    }

    /// Waits until every dropped link and scan of all adapters is closed.
    pub(super) async fn finish_closing(&self) {
        let closing: Vec<Arc<ClosingTasks>> = {
            let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
            closing.values().map(Arc::clone).collect()
        };
        join_all(closing.iter().map(|tasks| tasks.wait())).await;
    }
}

/// An adapter that works.
#[derive(derive_more::Debug)]
#[debug("Radio")]
pub(super) struct Radio {
    pub(super) adapter: Adapter,
    /// Closes the links and scans of this adapter.
    pub(super) closing: Arc<ClosingTasks>,
    /// The adapter and its devices work as long as this is alive.
    connection: Arc<SystemConnection>,
}

impl Radio {
    /// Subscribes to all events of the adapter.
    pub(super) async fn events(&self) -> Result<AdapterEvents, btleplug::Error> {
        Ok(AdapterEvents {
            stream: Some(self.adapter.events().await?),
            connection: Arc::clone(&self.connection),
        })
    }

    /// Starts an active scan: devices send their names only in scan responses. If the adapter is
    /// off, the system switches it on where it permits that, and the change is recorded.
    pub(super) async fn start_scan(
        self: &Arc<Self>,
        changes: &HostChanges,
    ) -> Result<Scanning, TransportError> {
        let was_off = !is_on(&self.adapter).await;
        // The scan may run from here on, even if this future is dropped.
        let scanning = Scanning(Some(Arc::clone(self)));
        self.adapter
            .start_scan(ScanFilter::default())
            .await
            .map_err(|error| match classify(error) {
                GattError::Other(message) if was_off => bluetooth_error(BluetoothError {
                    problem: BluetoothProblem::Off,
                    source: Some(GattError::Other(message).into_io()),
                }),
                other => adapter_error(other),
            })?;
        if was_off && is_on(&self.adapter).await {
            changes.add("Bluetooth was off on this computer; it is switched on now");
        }
        Ok(scanning)
    }
}

/// A running scan. Dropping it stops the scan.
#[derive(Debug)]
pub(super) struct Scanning(Option<Arc<Radio>>);

impl Scanning {
    /// Stops the scan. A failure is harmless, because the system also stops the scan when espctl
    /// exits.
    pub(super) async fn stop(mut self) {
        if let Some(radio) = self.0.take() {
            stop_scan(&radio).await;
        }
    }
}

impl Drop for Scanning {
    fn drop(&mut self) {
        if let Some(radio) = self.0.take() {
            let closing = Arc::clone(&radio.closing);
            closing.spawn(async move { stop_scan(&radio).await });
        }
    }
}

async fn stop_scan(radio: &Radio) {
    if let Err(error) = radio.adapter.stop_scan().await {
        tracing::debug!(%error, "the scan did not stop");
    }
}

/// The adapter's events, for as long as this is alive.
pub(super) struct AdapterEvents {
    /// `None` only in `drop`.
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
    /// `bluez-async` spawns a task that unsubscribes. The task must run on the connection's
    /// runtime: on another runtime it would wait for an answer forever, and without a runtime it
    /// could not be spawned.
    fn drop(&mut self) {
        let _guard = self.connection.runtime.enter();
        self.stream = None;
    }
}

/// A connection to the system's Bluetooth.
#[derive(Debug)]
struct SystemConnection {
    manager: Manager,
    /// The runtime of the connection's thread.
    runtime: Handle,
    /// Dropping it ends the connection's thread.
    _thread: oneshot::Sender<Infallible>,
}

/// Connects to the system's Bluetooth. This blocks, forever if the bus does not answer. The
/// connection therefore has a thread of its own, which also carries its traffic.
async fn connect_to_system() -> Result<Arc<SystemConnection>, TransportError> {
    let (opened, is_open) = oneshot::channel();
    let (in_use, unused) = oneshot::channel();
    let thread = thread::Builder::new().name("bluetooth".to_owned());
    let started = thread.spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                // The caller may have stopped waiting, here and below.
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
    let broken = |source: io::Error| bluetooth_error(BluetoothError::failed(source));
    started.map_err(broken)?;
    let ended = |_| broken(io::Error::other("its thread ended"));
    let (manager, runtime) = is_open.await.map_err(ended)?.map_err(system_error)?;
    Ok(Arc::new(SystemConnection {
        manager,
        runtime,
        _thread: in_use,
    }))
}

async fn is_on(adapter: &Adapter) -> bool {
    // An adapter that does not report its state is not off.
    !matches!(adapter.adapter_state().await, Ok(CentralState::PoweredOff))
}

/// Wraps an error of this computer's Bluetooth.
pub(super) fn bluetooth_error(error: impl Into<BluetoothError>) -> TransportError {
    TransportError::Bluetooth(error.into())
}

/// Limits the time of requests that only concern this computer.
pub(super) async fn within_system_timeout<T>(
    requests: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    timeout(SYSTEM_TIMEOUT, requests)
        .await
        .unwrap_or_else(|_| Err(adapter_error(GattError::TimedOut)))
}

/// Converts an error of a request that only concerns this computer.
pub(super) fn system_error(error: btleplug::Error) -> TransportError {
    match classify(error) {
        // No device is involved yet that could require pairing.
        GattError::NotPaired => bluetooth_error(BluetoothProblem::Denied),
        other => adapter_error(other),
    }
}

fn adapter_error(error: GattError) -> TransportError {
    match error {
        GattError::Radio(problem) => bluetooth_error(problem),
        other => bluetooth_error(BluetoothError::failed(other.into_io())),
    }
}

/// Time limit for answers of the system's Bluetooth service, which neither computes nor waits for
/// devices.
const SYSTEM_TIMEOUT: Duration = Duration::from_secs(10);
