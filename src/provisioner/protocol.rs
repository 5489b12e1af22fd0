//! The protocols that give devices a network, and the choice of the protocol for a device.

use std::fmt;

use async_trait::async_trait;

use super::api::Provisioner;
use crate::session::Connection;
use crate::transport::{Candidate, Link, TransportError};

/// A protocol that gives devices a network.
#[async_trait]
pub trait Protocol: fmt::Debug + Send + Sync {
    /// Whether a device that announces itself like this uses the protocol.
    fn recognizes(&self, candidate: &Candidate) -> bool;

    /// Prepares a link for the protocol. If that fails, the link is closed.
    async fn open(
        &self,
        link: Box<dyn Link>,
        candidate: &Candidate,
    ) -> Result<Opened, TransportError>;
}

/// A link that was prepared for a protocol.
#[derive(Debug)]
pub enum Opened {
    /// A protocomm connection: it requires a handshake, which may need the user's input.
    Connection(Connection),
    /// A device that is ready for credentials.
    Ready(Box<dyn Provisioner>),
}

/// protocomm, the protocol of ESP-IDF and RainMaker firmware.
#[derive(Clone, Copy, Debug)]
pub struct ProtocommProtocol;

#[async_trait]
impl Protocol for ProtocommProtocol {
    /// Announcements do not name the protocol: any device may use it.
    fn recognizes(&self, _candidate: &Candidate) -> bool {
        true
    }

    async fn open(
        &self,
        link: Box<dyn Link>,
        candidate: &Candidate,
    ) -> Result<Opened, TransportError> {
        let transport = link.into_transport().await?;
        let connection = Connection::new(transport, candidate.service);
        Ok(Opened::Connection(connection))
    }
}
