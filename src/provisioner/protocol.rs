//! The protocols by which devices are given a network, and which of them a device speaks.

use std::fmt;

use async_trait::async_trait;

use super::api::Provisioner;
use crate::session::Connection;
use crate::transport::{Candidate, Link, TransportError};

/// One protocol.
#[async_trait]
pub trait Protocol: fmt::Debug + Send + Sync {
    /// Whether a device that announces itself like this speaks it.
    fn recognizes(&self, candidate: &Candidate) -> bool;

    /// Prepares a link for it. A link that cannot be prepared is closed.
    async fn open(&self, link: Link, candidate: &Candidate) -> Result<Opened, TransportError>;
}

/// A link that was prepared for a protocol.
#[derive(Debug)]
pub enum Opened {
    /// For protocomm: keys have to be agreed first, which may need a person's answers.
    Connection(Connection),
    /// Ready to be given a network.
    Ready(Box<dyn Provisioner>),
}

/// protocomm: what ESP-IDF and RainMaker firmware speaks.
#[derive(Clone, Copy, Debug)]
pub struct ProtocommProtocol;

#[async_trait]
impl Protocol for ProtocommProtocol {
    /// Any device may: only its answers tell.
    fn recognizes(&self, _candidate: &Candidate) -> bool {
        true
    }

    async fn open(&self, link: Link, candidate: &Candidate) -> Result<Opened, TransportError> {
        let transport = link.into_transport().await?;
        let connection = Connection::new(transport, candidate.service);
        Ok(Opened::Connection(connection))
    }
}
