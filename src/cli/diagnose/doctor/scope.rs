//! What doctor checks, and how long each part may take.

use std::io;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::checks::Check;
use super::finding::{CheckState, Finding};
use crate::report::ErrorId;
use crate::transport::{HostPart, Medium};

/// The transports to check, and the values of their flags.
pub(super) struct Scope {
    pub(super) media: Vec<&'static Medium>,
    /// Whether the user named these transports, so that each of them has to work.
    pub(super) is_requested: bool,
    pub(super) adapter: Option<String>,
    pub(super) port: Option<String>,
    pub(super) interface: Option<String>,
    pub(super) mdns_port: Option<u16>,
    pub(super) device_ip: Option<String>,
    /// Whether to call the cloud. The files of the account are checked either way.
    pub(super) should_call_cloud: bool,
}

impl Scope {
    pub(super) fn has(&self, part: HostPart) -> bool {
        self.media_that_need(part).next().is_some()
    }

    /// The medium that needs this part, if it is the only one.
    pub(super) fn only_medium(&self, part: HostPart) -> Option<&'static Medium> {
        let mut media = self.media_that_need(part);
        media.next().filter(|_| media.next().is_none())
    }

    /// The address of the device: the given one, or that of all devices on their hotspots.
    pub(super) fn device(&self) -> Option<&str> {
        let mut media = self.media_that_need(HostPart::Hotspot);
        let usual = media.find_map(|medium| Some(medium.usual_address?.rsplit_once(':')?.0));
        self.device_ip.as_deref().or(usual)
    }

    fn media_that_need(&self, part: HostPart) -> impl Iterator<Item = &'static Medium> {
        let media = self.media.iter().copied();
        media.filter(move |medium| medium.needs == Some(part))
    }

    /// The state of a step that the user has not taken yet, such as plugging in a board. It is a
    /// problem only if the user requested the transport that needs it.
    pub(super) fn state_of_open_step(&self) -> CheckState {
        CheckState::problem_if(self.is_requested)
    }
}

/// Runs a system call on a thread. `None` if it fails or takes too long: it can hang in a driver.
pub(super) async fn call_system<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let outcome = timeout(CHECK_TIMEOUT, spawn_blocking(work)).await.ok()?;
    outcome
        .inspect_err(|error| tracing::debug!(%error, "a check failed"))
        .ok()
}

/// What the system lists. `what` is its name, such as "the ports"; `see` is the error that a run would
/// end with if it cannot be listed.
pub(super) async fn list_from_system<T: Send + 'static>(
    check: Check,
    what: &str,
    see: Option<ErrorId>,
    list: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Finding> {
    let Some(outcome) = call_system(list).await else {
        let seen = format!("the system did not list {what} in time");
        return Err(Finding::skipped(check, seen));
    };
    outcome.map_err(|error| Finding {
        see,
        ..Finding::problem(check, format!("{what} cannot be listed: {error}"))
    })
}

/// For each section. A working computer answers at once.
pub(super) const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
