//! Closes links and scans after their owner was dropped, so that an interrupted or failed run
//! leaves the device and the adapter free.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

/// The tasks that close dropped links and scans of one adapter. Each holds a receiver while it
/// runs.
#[derive(Debug, Default)]
pub(super) struct ClosingTasks(watch::Sender<()>);

impl ClosingTasks {
    /// Spawns a future that closes a link or a scan, because `Drop` cannot wait for it.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        // Outside a runtime nothing can be sent. The system closes everything when the program
        // exits.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let running = self.0.subscribe();
        runtime.spawn(async move {
            future.await;
            drop(running);
        });
    }

    /// Waits until all tasks have ended, up to [`CLOSE_TIMEOUT`].
    pub(super) async fn wait(&self) {
        if timeout(CLOSE_TIMEOUT, self.0.closed()).await.is_err() {
            tracing::debug!("a link or a scan did not close in time");
        }
    }
}

/// Time limit for closing a link or a scan: long enough to send the request. Some systems need
/// seconds to carry it out, and do so after espctl exits.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);
