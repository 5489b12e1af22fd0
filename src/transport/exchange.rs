//! An open connection to one device: one request of bytes, one answer of bytes.

use std::fmt;

use async_trait::async_trait;

use super::error::TransportError;
use crate::proto::EndpointName;

/// An open connection to one device.
#[async_trait]
pub trait Transport: fmt::Debug + Send {
    /// Sends `request` to `endpoint` and returns the device's answer. Only one exchange runs at a
    /// time: devices handle one request at once, and both directions may share one keystream.
    async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError>;

    /// Closes the connection in order, if the medium supports that. The transport cannot be used
    /// afterwards.
    async fn close(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// The longest messages that this connection can carry.
    fn capacity(&self) -> Capacity {
        Capacity::default()
    }
}

/// The longest messages that reliably arrive, in bytes; `None` if no limit matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// The longest request during the handshake.
    pub request: Option<usize>,
    /// The longest answer.
    pub answer: Option<usize>,
    /// The longest answer of firmware that supports Security 2, which has larger buffers.
    pub answer_with_sec2: Option<usize>,
}
