//! The side of an emulated device that clients reach.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::emulator::device::{Device, StopReason};

/// The open listener of one device.
pub(super) struct Listener {
    /// Its address: keys of the first line.
    pub(super) address: Value,
    pub(super) serve: Serve,
}

/// Serves a device until its service ends.
pub(super) type Serve = Box<dyn FnOnce(Device) -> LocalBoxFuture<'static, StopReason>>;

impl Listener {
    pub(super) fn new<F>(address: Value, serve: impl FnOnce(Device) -> F + 'static) -> Self
    where
        F: Future<Output = StopReason> + 'static,
    {
        Self {
            address,
            serve: Box::new(|device| serve(device).boxed_local()),
        }
    }
}
