//! What to look for, and what looking for it changed on this computer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::address::Address;
use super::options::DriverOptions;

/// What to look for, and how long.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Where the device is, when that is known.
    pub address: Option<Address>,
    /// What else the driver was told.
    pub options: DriverOptions,
    /// Where the driver says what it changed on this computer.
    pub changes: HostChanges,
    /// How long to look.
    pub wait: Duration,
}

/// What a driver changed on this computer so that it could search or connect, in words for whoever
/// runs it. Copies share one list.
#[derive(Clone, Debug, Default)]
pub struct HostChanges(Arc<Mutex<Vec<String>>>);

impl HostChanges {
    /// Adds one.
    pub fn add(&self, change: impl Into<String>) {
        self.lock().push(change.into());
    }

    /// Those since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
