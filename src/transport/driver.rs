//! What a transport has to bring: how its devices are found, and how one is connected to.

use std::fmt;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::address::{Address, AddressError};
use super::candidate::Candidate;
use super::error::TransportError;
use super::limits::Limits;
use super::link::Link;
use super::medium::Medium;
use super::options::{DriverOptions, OptionError, OptionSpec};
use super::search::Search;
use crate::host::Host;

/// One kind of transport.
#[async_trait]
pub trait Driver: fmt::Debug + Send + Sync {
    /// What everybody else knows of its medium, on this computer.
    fn medium(&self, host: &Host) -> &'static Medium;

    /// Its flags.
    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    /// What its flags were given, by their ids; only those that it has, and each checked already.
    fn parse_options(&self, given: &[(&str, String)]) -> Result<DriverOptions, OptionError>;

    /// The address that a text names.
    fn parse_address(&self, text: &str) -> Result<Address, AddressError>;

    /// Streams devices as they announce themselves, until `search.wait` is over or the stream is
    /// dropped: the first match ends a search.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>>;

    /// Connects to a device that a scan found.
    async fn open(
        &self,
        candidate: &Candidate,
        options: &DriverOptions,
        limits: &Limits,
    ) -> Result<Link, TransportError>;

    /// Waits until the links and scans that were dropped are closed, for a short time at most: a
    /// program that ends earlier would leave devices occupied.
    async fn finish_closing(&self) {}
}
