//! A connection to a device that was just opened, before anything is said over it: what is spoken
//! there is chosen above.

use std::fmt;

use async_trait::async_trait;

use super::error::TransportError;
use super::exchange::Transport;

/// A connection to a device, before any protocol.
#[derive(Debug)]
pub struct Link(Box<dyn IntoTransport>);

impl Link {
    /// Takes over what a driver opened.
    pub fn new(opened: impl IntoTransport + 'static) -> Self {
        Self(Box::new(opened))
    }

    /// Prepares it for protocomm. That may have to ask the device what it offers, and fails where it
    /// offers none; the connection is closed then.
    pub async fn into_transport(self) -> Result<Box<dyn Transport>, TransportError> {
        self.0.into_transport().await
    }
}

/// What a driver's connection becomes. Dropping it closes it.
#[async_trait]
pub trait IntoTransport: fmt::Debug + Send {
    /// A path for protocomm.
    async fn into_transport(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError>;
}

/// A path that needs no preparation.
#[async_trait]
impl<T: Transport + 'static> IntoTransport for T {
    async fn into_transport(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        Ok(self)
    }
}
