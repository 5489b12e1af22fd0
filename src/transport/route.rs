//! The way back to a device that was connected before.

use std::time::Duration;

use futures_util::StreamExt as _;

use super::record::Transcript;
use super::{Candidate, Driver, Search, TransportError};

/// Where a device was found, and with which driver.
#[derive(Clone, Debug)]
pub struct Route {
    /// The driver that found it.
    pub driver: &'static dyn Driver,
    /// A search that finds this device only.
    pub search: Search,
    /// Where conversations with it are recorded.
    pub transcript: Option<Transcript>,
}

impl Route {
    /// Looks for the device again, for so long at most. `None`: it is not there now.
    pub async fn find(&self, within: Duration) -> Option<Result<Candidate, TransportError>> {
        // A device that announces itself may do so seldom; one at a known address answers at once,
        // or not at all.
        let wait = if self.driver.kind().announces() {
            within
        } else {
            within.min(AT_ADDRESS)
        };
        let search = Search {
            wait,
            ..self.search.clone()
        };
        self.driver.scan(&search).next().await
    }
}

const AT_ADDRESS: Duration = Duration::from_millis(500);
