//! What only the log of a device has: errors in keeping its state, ends of connections, and the last
//! lines of a device that is ended from outside, as by a signal. A device that ends by itself logs its
//! own end.

use std::io;

use super::{Entry, Log};

impl Log {
    /// Logs an error in keeping the device's state. It changes nothing for the device.
    pub(in super::super) fn kept(&mut self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            let why = error.to_string();
            self.write(&Entry::StateLost { why });
        }
    }

    /// From now on there is a service, and the log has its end, whatever ends it.
    pub(in super::super) fn begin_service(&mut self) {
        self.has_service = true;
    }

    /// Logs that a connection ended.
    pub(in super::super) fn close_connection(&mut self, why: &str) {
        let why = why.to_owned();
        self.write(&Entry::ConnectionClosed { why });
        self.connection = None;
    }

    /// Logs that the service ended, and a connection that was still open before that.
    pub(in super::super) fn end_service(&mut self, why: &str) {
        if self.connection.is_some() {
            self.close_connection(why);
        }
        let why = why.to_owned();
        self.write(&Entry::ServiceStopped { why });
        self.has_service = false;
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.has_service {
            self.end_service("interrupted");
        }
    }
}
