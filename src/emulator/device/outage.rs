//! A time in which a device cannot be reached, as its medium needs to know it. Not why: that is the
//! manager's.

use tokio::time::Instant;

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When it begins.
    pub from: Instant,
    /// When it ends; `None`: with the service.
    pub until: Option<Instant>,
}

impl Outage {
    /// Whether it is so at this moment.
    pub fn covers(&self, now: Instant) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}
