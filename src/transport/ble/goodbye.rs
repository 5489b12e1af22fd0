//! Links that are still being closed when nobody holds them any more: a run that is interrupted, or
//! that fails, leaves its device free for the next one. Not a part of any conversation.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The tasks that end links. Whoever drops one cannot wait, so they are kept for the end of the
/// program.
static LEAVING: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Runs this on, whoever else ends.
pub(super) fn after_all(future: impl Future<Output = ()> + Send + 'static) {
    // Outside a runtime nothing can be sent any more, and the system notices that we are gone.
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    let task = runtime.spawn(future);
    let mut leaving = LEAVING.lock().unwrap_or_else(PoisonError::into_inner);
    leaving.retain(|task| !task.is_finished());
    leaving.push(task);
}

/// Waits until every link is closed, for as long as that is worth it.
pub async fn say_goodbye() {
    let leaving = std::mem::take(&mut *LEAVING.lock().unwrap_or_else(PoisonError::into_inner));
    if !leaving.is_empty() {
        // Some systems take seconds for what they do anyway once they have been told.
        let _told = timeout(LONGEST, join_all(leaving)).await;
    }
}

/// Of a goodbye: long enough for it to be sent.
pub(super) const LONGEST: Duration = Duration::from_millis(300);
