//! What a driver searches for, and what it changes on this computer to search.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::address::Address;
use super::options::DriverOptions;

/// What a driver searches for, and for how long.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The device's address, if it is known.
    pub address: Option<Address>,
    /// The driver's options.
    pub options: DriverOptions,
    /// Where the driver records what it changed on this computer.
    pub changes: HostChanges,
    /// The duration of the search.
    pub wait: Duration,
}

/// What a driver changed on this computer so that it could search or connect, as sentences for the
/// user. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct HostChanges(Arc<Mutex<Vec<String>>>);

impl HostChanges {
    /// Adds a change.
    pub fn add(&self, change: impl Into<String>) {
        self.lock().push(change.into());
    }

    /// Returns the changes since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
