//! The computer's Bluetooth adapter: which one, whether it works, and its scan. Devices are
//! `scan.rs`'s and `native.rs`'s.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use btleplug::api::{Central as _, CentralState, Manager as _, ScanFilter};
use btleplug::platform::{Adapter, Manager};

use super::super::{BluetoothProblem, Remarks, TransportError};
#[cfg(target_os = "linux")]
use super::bluez as system;
use super::gatt::GattError;
#[cfg(not(target_os = "linux"))]
use super::system;

/// An adapter that works.
pub(super) struct Radio {
    pub(super) adapter: Adapter,
    is_scanning: AtomicBool,
}

impl Radio {
    /// The adapter of this name, or the first, one that is switched on before others.
    pub(super) async fn open(wanted: Option<&str>) -> Result<Self, TransportError> {
        let manager = Manager::new().await.map_err(failed)?;
        let mut first = None;
        let mut there = Vec::new();
        for adapter in manager.adapters().await.map_err(failed)? {
            let told = adapter.adapter_info().await.map_err(failed)?;
            let name = told.split_whitespace().next().unwrap_or_default();
            there.push(name.to_owned());
            match wanted {
                Some(wanted) if wanted == name => return Ok(Self::with(adapter)),
                Some(_) => {}
                None if is_on(&adapter).await => return Ok(Self::with(adapter)),
                None => {
                    first.get_or_insert(adapter);
                }
            }
        }
        match (first, wanted) {
            (Some(adapter), _) => Ok(Self::with(adapter)),
            (None, Some(wanted)) if !there.is_empty() => {
                let (wanted, there) = (wanted.into(), there.join(", ").into());
                Err(problem(BluetoothProblem::NoSuchAdapter { wanted, there }))
            }
            (None, _) => Err(problem(BluetoothProblem::NoAdapter)),
        }
    }

    fn with(adapter: Adapter) -> Self {
        Self {
            adapter,
            is_scanning: AtomicBool::new(false),
        }
    }

    /// Begins an active scan: names are in answers that only such a scan asks for. An adapter that
    /// is off is switched on where the system lets us, and that is remarked.
    pub(super) async fn start_scan(&self, remarks: &Remarks) -> Result<(), TransportError> {
        let was_off = !is_on(&self.adapter).await;
        self.adapter
            .start_scan(ScanFilter::default())
            .await
            .map_err(|error| match system::classify(error) {
                GattError::Other(said) if was_off => TransportError::Bluetooth {
                    problem: BluetoothProblem::Off,
                    source: Some(GattError::Other(said).into_io()),
                },
                other => radio_failed(other),
            })?;
        self.is_scanning.store(true, Ordering::Release);
        if was_off && is_on(&self.adapter).await {
            remarks.add("Bluetooth was switched off on this computer, and is on now".to_owned());
        }
        Ok(())
    }

    /// Ends the scan, if one runs. The system ends it too when we leave, so a failure is no matter.
    pub(super) async fn stop_scan(&self) {
        if self.is_scanning.swap(false, Ordering::AcqRel)
            && let Err(error) = self.adapter.stop_scan().await
        {
            tracing::debug!(%error, "the scan did not end");
        }
    }
}

impl fmt::Debug for Radio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Radio")
            .field("is_scanning", &self.is_scanning)
            .finish_non_exhaustive()
    }
}

async fn is_on(adapter: &Adapter) -> bool {
    // A system that does not say is not off.
    !matches!(adapter.adapter_state().await, Ok(CentralState::PoweredOff))
}

fn problem(problem: BluetoothProblem) -> TransportError {
    TransportError::Bluetooth {
        problem,
        source: None,
    }
}

/// What the system says while it is only the computer that is asked.
pub(super) fn failed(error: btleplug::Error) -> TransportError {
    radio_failed(system::classify(error))
}

fn radio_failed(error: GattError) -> TransportError {
    match error {
        GattError::Radio(found) => problem(found),
        other => TransportError::Bluetooth {
            problem: BluetoothProblem::Failed,
            source: Some(other.into_io()),
        },
    }
}
