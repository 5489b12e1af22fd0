//! What a person would name as one thing to do: find a device, secure it, give it Wi-Fi. A flow
//! is the order of steps and nothing else: bytes, keys and sockets are the layers' below, words
//! and exit codes `cli`'s. A flow never prints and never prompts; it tells an [`Observer`].
//!
//! | flow | steps |
//! |---|---|
//! | [`find`] | scan with a driver → a candidate |
//! | [`discover`] | scan with a driver → every candidate, and what it says |
//! | [`connect`] | open, read the version, choose scheme and credentials, secure → a session |
//! | [`wifi`] | list networks; set, apply, wait until joined |
//! | [`provision`] | connect → Wi-Fi → confirmed |

pub mod connect;
pub mod discover;
mod error;
pub mod find;
mod observer;
pub mod provision;
pub mod wifi;

use std::time::Duration;

pub use error::{Doing, FlowError};
pub use observer::{
    Choice, Chosen, Event, Network, Observer, Question, SchemeSource, SilentObserver, Stage,
    StageState, Warning,
};

use crate::transport::Limits;

/// Every interval and limit of the flows, in one place: tests shorten them, nothing else does.
#[derive(Clone, Debug)]
pub struct Pace {
    /// How long to look for a device.
    pub search: Duration,
    /// The limits of single exchanges.
    pub limits: Limits,
    /// From the answer to Apply to the first question how joining goes. Devices start joining
    /// 1000 ms after Apply and say "connecting" until then.
    pub first_status: Duration,
    /// Between the first questions; grows up to `slowest_status`.
    pub status: Duration,
    /// Between later questions.
    pub slowest_status: Duration,
    /// How long a device may say "connecting".
    pub join: Duration,
    /// Between two questions whether a scan has finished.
    pub scan_status: Duration,
    /// How long a scan may take.
    pub scan: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            search: Duration::from_secs(5),
            limits: Limits::default(),
            first_status: Duration::from_secs(1),
            status: Duration::from_millis(250),
            slowest_status: Duration::from_secs(1),
            join: Duration::from_mins(1),
            scan_status: Duration::from_millis(300),
            scan: Duration::from_secs(20),
        }
    }
}
