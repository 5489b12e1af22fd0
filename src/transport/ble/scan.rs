//! Scans for devices that advertise, and yields each as soon as it is seen. The caller selects the
//! device. This file only drops stale devices: systems also list devices that they saw days ago.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use btleplug::api::{
    BDAddr, Central as _, CentralEvent, CentralState, Peripheral as _, PeripheralProperties,
};
use btleplug::platform::{Peripheral, PeripheralId};
use futures_util::future::join_all;
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use tokio::time::{Duration, Instant, timeout, timeout_at};

use super::adapter::{
    AdapterEvents, Adapters, Radio, Scanning, bluetooth_error, system_error, within_system_timeout,
};
use super::advertisement::looks_like_provisioning;
use super::closing::CLOSE_TIMEOUT;
use crate::host::BluetoothProblem;
use crate::proto::Service;
use crate::transport::address::Address;
use crate::transport::candidate::{Candidate, Handle, Hints};
use crate::transport::error::TransportError;
use crate::transport::manufacturer_data::ManufacturerData;
use crate::transport::medium::Medium;
use crate::transport::search::{HostChanges, Search};

/// What the connection to a scanned device needs.
pub(super) struct ScannedDevice {
    pub(super) radio: Arc<Radio>,
    pub(super) peripheral: Peripheral,
}

/// Yields devices until the time is up or the stream is dropped.
pub(super) fn stream_candidates(
    medium: &'static Medium,
    adapters: Arc<Adapters>,
    adapter: Option<String>,
    search: Search,
) -> BoxStream<'static, Result<Candidate, TransportError>> {
    let deadline = Instant::now() + search.wait;
    let starting = async move {
        let radio = Arc::new(adapters.open(adapter.as_deref()).await?);
        within_system_timeout(Scan::start(medium, radio, search, deadline)).await
    };
    stream::once(starting)
        .map_ok(|scan| stream::unfold(scan, |mut scan| async { Some((scan.next().await?, scan)) }))
        .try_flatten()
        .boxed()
}

struct Scan {
    radio: Arc<Radio>,
    /// `None` once the scan is over.
    events: Option<AdapterEvents>,
    scanning: Option<Scanning>,
    medium: &'static Medium,
    changes: HostChanges,
    /// If set, the only device to yield.
    only: Option<Address>,
    /// Every device that was seen, with its latest data.
    latest: HashMap<PeripheralId, Option<AdvertisedData>>,
    /// Devices that the system listed before the scan. The value is whether such a device was seen
    /// since: its first data may be from before the scan.
    cached: HashMap<PeripheralId, bool>,
    /// Devices that this computer is connected to. They do not advertise, but are in reach.
    connected: HashSet<PeripheralId>,
    ready: VecDeque<Candidate>,
    next_refresh: Instant,
    deadline: Instant,
}

/// What a device in reach advertises.
#[derive(Clone, PartialEq, Eq)]
struct AdvertisedData {
    name: Option<String>,
    hints: Hints,
}

impl AdvertisedData {
    fn new(properties: PeripheralProperties) -> Self {
        // The system's other name is its own alias, or an old name.
        let name = properties.advertisement_name;
        let mut hints = Hints {
            manufacturer: ManufacturerData::from_advertisement(&properties.manufacturer_data),
            services: properties.services,
            signal: properties.rssi.filter(|signal| *signal != UNKNOWN_RSSI),
            ..Hints::default()
        };
        hints.is_likely = looks_like_provisioning(name.as_deref(), &hints);
        Self { name, hints }
    }
}

impl Scan {
    async fn start(
        medium: &'static Medium,
        radio: Arc<Radio>,
        search: Search,
        deadline: Instant,
    ) -> Result<Self, TransportError> {
        // Subscribe first, so that no event is missed.
        let events = radio.events().await.map_err(system_error)?;
        let listed = radio.adapter.peripherals().await.map_err(system_error)?;
        let scanning = radio.start_scan(&search.changes).await?;
        Ok(Self {
            radio,
            events: Some(events),
            scanning: Some(scanning),
            medium,
            changes: search.changes,
            only: search.address,
            latest: HashMap::new(),
            cached: listed
                .iter()
                .map(|peripheral| (peripheral.id(), false))
                .collect(),
            connected: HashSet::new(),
            ready: VecDeque::new(),
            next_refresh: Instant::now() + REFRESH_INTERVAL,
            deadline,
        })
    }

    async fn next(&mut self) -> Option<Result<Candidate, TransportError>> {
        loop {
            if let Some(candidate) = self.ready.pop_front() {
                return Some(Ok(candidate));
            }
            let events = self.events.as_mut()?;
            let until = self.next_refresh.min(self.deadline);
            let event = match next_until(events, until).await {
                Some(Some(event)) => Some(event),
                // The system's Bluetooth service stopped.
                Some(None) => {
                    self.events = None;
                    return Some(Err(bluetooth_error(BluetoothProblem::NoService)));
                }
                None if Instant::now() >= self.deadline => {
                    if let Some(scanning) = self.scanning.take() {
                        // `Drop` of the scan tries again if the system does not answer.
                        let _stopped = timeout(CLOSE_TIMEOUT, scanning.stop()).await;
                    }
                    return None;
                }
                // Systems do not report every change: a device's name may arrive later.
                None => {
                    self.next_refresh = Instant::now() + REFRESH_INTERVAL;
                    None
                }
            };
            let update = async {
                match event {
                    Some(event) => self.handle_event(event).await,
                    None => self.refresh_all().await,
                }
            };
            if let Err(error) = within_system_timeout(update).await {
                self.events = None;
                return Some(Err(error));
            }
        }
    }

    async fn handle_event(&mut self, event: CentralEvent) -> Result<(), TransportError> {
        match event {
            CentralEvent::DeviceConnected(id) => {
                self.connected.insert(id);
                self.refresh_all().await
            }
            CentralEvent::DeviceDisconnected(id) => {
                self.connected.remove(&id);
                Ok(())
            }
            // For a new device, all devices are read again, so that two devices that match equally
            // are yielded together.
            CentralEvent::DeviceDiscovered(id) if !self.latest.contains_key(&id) => {
                self.refresh_all().await
            }
            // Known devices wait for the next refresh: each read is a request to the system.
            CentralEvent::DeviceDiscovered(id)
            | CentralEvent::DeviceUpdated(id)
            | CentralEvent::ManufacturerDataAdvertisement { id, .. }
            | CentralEvent::RssiUpdate { id, .. }
                if self.has_yielded_name(&id) =>
            {
                Ok(())
            }
            CentralEvent::DeviceDiscovered(id)
            | CentralEvent::DeviceUpdated(id)
            | CentralEvent::DeviceServicesModified(id)
            | CentralEvent::ManufacturerDataAdvertisement { id, .. }
            | CentralEvent::ServiceDataAdvertisement { id, .. }
            | CentralEvent::ServicesAdvertisement { id, .. }
            | CentralEvent::RssiUpdate { id, .. } => {
                // The device may have left meanwhile.
                if let Ok(peripheral) = self.radio.adapter.peripheral(&id).await {
                    let properties = read_properties(&peripheral).await;
                    self.update(peripheral, properties);
                }
                Ok(())
            }
            CentralEvent::StateUpdate(CentralState::PoweredOff) => {
                Err(bluetooth_error(BluetoothProblem::Off))
            }
            CentralEvent::StateUpdate(_) => Ok(()),
        }
    }

    /// Whether the device was already yielded with a name.
    fn has_yielded_name(&self, id: &PeripheralId) -> bool {
        let latest = self.latest.get(id).and_then(Option::as_ref);
        latest.is_some_and(|data| data.name.is_some())
    }

    async fn refresh_all(&mut self) -> Result<(), TransportError> {
        let all = self.radio.adapter.peripherals().await;
        let all = all.map_err(system_error)?;
        let properties = join_all(all.iter().map(read_properties)).await;
        for (peripheral, properties) in all.into_iter().zip(properties) {
            self.update(peripheral, properties);
        }
        Ok(())
    }

    /// Yields the device if it is in reach and its data changed.
    fn update(&mut self, peripheral: Peripheral, properties: Option<PeripheralProperties>) {
        let id = peripheral.id();
        let data = properties
            // BlueZ reports the signal strength only of devices that it sees in this scan.
            .filter(|properties| {
                properties.rssi.is_some()
                    || self.connected.contains(&id)
                    || !cfg!(target_os = "linux")
            })
            .map(AdvertisedData::new);
        if data.is_some()
            && !self.connected.contains(&id)
            && let Some(was_seen) = self.cached.get_mut(&id)
            && !std::mem::replace(was_seen, true)
        {
            return;
        }
        let previous = self.latest.insert(id, data.clone()).flatten();
        let Some(AdvertisedData { name, hints }) =
            data.filter(|data| previous.as_ref() != Some(data))
        else {
            return;
        };
        let address = make_address(&peripheral);
        let only = self.only.as_ref();
        if only.is_some_and(|only| !matches_address(only, &address)) {
            return;
        }
        let device = ScannedDevice {
            radio: Arc::clone(&self.radio),
            peripheral,
        };
        self.ready.push_back(Candidate {
            handle: Some(Handle::new(device)),
            name,
            hints,
            changes: self.changes.clone(),
            ..Candidate::new(self.medium, address, Service::Provisioning)
        });
    }
}

impl Drop for Scan {
    /// The caller drops a search as soon as it has its device, and cannot wait then.
    fn drop(&mut self) {
        let (scanning, events) = (self.scanning.take(), self.events.take());
        if let Some(scanning) = scanning {
            self.radio.closing.spawn(async move {
                scanning.stop().await;
                drop(events);
            });
        }
    }
}

/// Whether an address is the requested one, which comes from an earlier scan or from the user.
fn matches_address(only: &Address, address: &Address) -> bool {
    if only.has_id() {
        only == address
    } else {
        address.is_called(only.as_str())
    }
}

/// Makes the address of a peripheral: the text for the user, and the system's id.
fn make_address(peripheral: &Peripheral) -> Address {
    let id = peripheral.id().to_string();
    let mac = peripheral.address();
    let text = Some(mac).filter(|mac| *mac != BDAddr::default());
    Address::new(text.map_or_else(|| id.clone(), |mac| mac.to_string())).with_id(id)
}

/// The next event, or the end of the stream; `None` when the time is up. With many devices there is
/// always an event, so the deadline is checked first.
async fn next_until<T>(
    events: &mut (impl Stream<Item = T> + Unpin),
    until: Instant,
) -> Option<Option<T>> {
    if Instant::now() >= until {
        return None;
    }
    timeout_at(until, events.next()).await.ok()
}

async fn read_properties(peripheral: &Peripheral) -> Option<PeripheralProperties> {
    peripheral.properties().await.unwrap_or_else(|error| {
        // The device left meanwhile.
        tracing::debug!(%error, "the system has no properties of the device");
        None
    })
}

/// The value of a controller that did not measure the signal strength (Bluetooth Core, vol 4, part
/// E, 7.7.65.2).
const UNKNOWN_RSSI: i16 = 127;
/// The interval at which all devices are read again.
const REFRESH_INTERVAL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn constant_events_do_not_delay_deadline() {
        let mut crowd = stream::repeat(1);
        let later = Instant::now() + REFRESH_INTERVAL;
        assert_eq!(next_until(&mut crowd, later).await, Some(Some(1)));
        assert_eq!(next_until(&mut crowd, Instant::now()).await, None);
        let mut silence = stream::pending::<u8>();
        assert_eq!(next_until(&mut silence, later).await, None);
        assert_eq!(Instant::now(), later);
        let mut over = stream::empty::<u8>();
        let later = later + REFRESH_INTERVAL;
        assert_eq!(next_until(&mut over, later).await, Some(None));
    }
}
