//! A device that is ready for network credentials.

use crate::provisioner::{Protocomm, Provisioner};
use crate::session::Secured;

/// A connected device, by protocol.
#[derive(Debug)]
pub(super) enum Device {
    /// Has a session, over which it can also be mapped.
    Protocomm(Box<Protocomm>),
    /// Has no session: it accepts network credentials only.
    Ready(Box<dyn Provisioner>),
}

/// Closes the connection. The device closes its side by itself, so a failure has no effect.
pub(super) async fn close_device(device: &mut dyn Provisioner) {
    if let Err(error) = device.close().await {
        tracing::debug!(%error, "closing");
    }
}

impl Device {
    pub(super) fn provisioner(&mut self) -> &mut dyn Provisioner {
        match self {
            Self::Protocomm(device) => device.as_mut(),
            Self::Ready(device) => device.as_mut(),
        }
    }

    pub(super) fn secured(&mut self) -> Option<&mut Secured> {
        match self {
            Self::Protocomm(device) => Some(&mut device.secured),
            Self::Ready(_) => None,
        }
    }
}
