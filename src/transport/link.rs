//! A connection to a device that was just opened. The caller chooses the protocol.

use std::fmt;

use async_trait::async_trait;

use super::error::TransportError;
use super::exchange::Transport;

/// A connection to a device, before any protocol runs over it. Dropping it closes the connection.
#[async_trait]
pub trait Link: fmt::Debug + Send {
    /// Prepares the connection for protocomm. This may discover the device's services, and fails if
    /// the device has none for protocomm; the connection is then closed.
    async fn into_transport(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError>;
}

/// A transport that needs no preparation.
#[async_trait]
impl<T: Transport + 'static> Link for T {
    async fn into_transport(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        Ok(self)
    }
}
