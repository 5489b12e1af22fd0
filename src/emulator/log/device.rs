//! What only the log of a device has: errors in keeping its state, and the last lines of a device
//! that is ended from outside, as by a signal. A device that ends by itself logs its own end.

use std::io;

use super::{Entry, Log};

impl Log {
    /// Logs an error in keeping the device's state. It changes nothing for the device.
    pub(in super::super) fn kept(&mut self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            self.write(&Entry::StateLost {
                why: error.to_string(),
            });
        }
    }

    /// From now on there is a service, and the log has its end, whatever ends it.
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
