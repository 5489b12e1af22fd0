//! A device that is ready to be given a network.

use crate::provisioner::{Protocomm, Provisioner};
use crate::session::Secured;

/// A connected device, by what else than a network it can be given.
#[derive(Debug)]
pub(super) enum Device {
    /// With a session, over which it is also mapped.
    Protocomm(Box<Protocomm>),
    /// Without: it can be given a network, and nothing else.
    Ready(Box<dyn Provisioner>),
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
