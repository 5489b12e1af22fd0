//! The last lines of a device that is ended from outside, as by a signal. Not the end that a device
//! comes to by itself, which its listener takes down.

use super::{Entry, Log};

/// What has begun and not ended.
#[derive(Debug, Default)]
pub(super) struct Open {
    service: bool,
    connection: bool,
}

impl Open {
    pub(super) fn note(&mut self, entry: &Entry) {
        match entry {
            Entry::ConnectionOpened { .. } => self.connection = true,
            Entry::ConnectionClosed { .. } => self.connection = false,
            Entry::ServiceStopped { .. } => self.service = false,
            _ => {}
        }
    }
}

impl Log {
    /// From now on there is a service, of which the end is taken down whoever ends it.
    pub(in super::super) fn begin_service(&mut self) {
        self.open.service = true;
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if !self.open.service {
            return;
        }
        let why = || "interrupted".to_owned();
        if self.open.connection {
            self.write(&Entry::ConnectionClosed { why: why() });
        }
        self.set_connection(None);
        self.write(&Entry::ServiceStopped { why: why() });
    }
}
