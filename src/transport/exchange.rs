//! An open path to one device: bytes in, bytes out.

use std::fmt;

use async_trait::async_trait;

use super::error::TransportError;
use crate::proto::EndpointName;

/// An open path to one device.
#[async_trait]
pub trait Transport: fmt::Debug + Send {
    /// Sends `request` to `endpoint` and returns the device's answer. One at a time: devices
    /// handle one request at once, and both directions may share one keystream.
    async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError>;

    /// Says goodbye where the medium has a way to. Nothing can be exchanged after it.
    async fn close(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// How long messages can be.
    fn capacity(&self) -> Capacity {
        Capacity::default()
    }
}

/// The longest messages that are sure to come through, in bytes; `None` where there is no limit that
/// matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Of a request during the handshake.
    pub request: Option<usize>,
    /// Of an answer.
    pub answer: Option<usize>,
    /// Of an answer, where the firmware can speak Security 2: then it has room for more.
    pub answer_with_sec2: Option<usize>,
}
