//! The way back to a device that was connected before.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::candidate::Candidate;
use super::driver::Driver;
use super::error::TransportError;
use super::exchange::Transport;
use super::exchange_limits::Limits;
use super::record::Transcript;
use super::search::Search;

/// Where a device was found, and by which driver.
#[derive(Clone, Debug)]
pub struct Route {
    /// The driver that found it.
    pub driver: Arc<dyn Driver>,
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
        let wait = if self.driver.medium().announces() {
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

    /// Connects to the device as it was found now.
    pub async fn open(
        &self,
        candidate: &Candidate,
        limits: &Limits,
    ) -> Result<Box<dyn Transport>, TransportError> {
        let options = &self.search.options;
        let link = self.driver.open(candidate, options, limits).await?;
        link.into_transport().await
    }
}

const AT_ADDRESS: Duration = Duration::from_millis(500);
