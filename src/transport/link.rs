//! A connection to a device that was just opened. The caller chooses the protocol.

use std::fmt;

use async_trait::async_trait;

use super::error::TransportError;
use super::exchange::Transport;

/// A connection to a device, before any protocol runs over it.
#[derive(Debug)]
pub struct Link(Box<dyn IntoTransport>);

impl Link {
    /// Wraps the connection that a driver opened.
    pub fn new(opened: impl IntoTransport + 'static) -> Self {
        Self(Box::new(opened))
    }

    /// Prepares the connection for protocomm. This may discover the device's services, and fails if
    /// the device has none for protocomm; the connection is then closed.
    pub async fn into_transport(self) -> Result<Box<dyn Transport>, TransportError> {
        self.0.into_transport().await
    }
}

/// A driver's connection before a protocol is chosen. Dropping it closes the connection.
#[async_trait]
pub trait IntoTransport: fmt::Debug + Send {
    /// Prepares the connection for protocomm.
    async fn into_transport(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError>;
}

/// A transport that needs no preparation.
#[async_trait]
impl<T: Transport + 'static> IntoTransport for T {
    async fn into_transport(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        Ok(self)
    }
}
