//! Links and scans that are closed after their owner was dropped: a run that is interrupted, or that
//! fails, leaves its device and its adapter free for the next one.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

/// The tasks that close what was dropped, of one adapter. Each holds a receiver while it runs.
#[derive(Debug, Default)]
pub(super) struct ClosingTasks(watch::Sender<()>);

impl ClosingTasks {
    /// Runs a future that closes something, because `Drop` cannot wait for it.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        // Outside a runtime nothing can be sent; the system closes everything when the program ends.
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

/// To close a link or a scan. It is long enough to send the request; some systems then take seconds
/// to carry it out, and do so without us.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);
