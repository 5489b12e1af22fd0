//! The interface of a transport: finding its devices, and connecting to them.

use std::fmt;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::address::{Address, AddressError};
use super::candidate::Candidate;
use super::error::TransportError;
use super::exchange_limits::Limits;
use super::link::Link;
use super::medium::Medium;
use super::options::{DriverOptions, OptionError, OptionSpec};
use super::search::Search;

/// One kind of transport.
#[async_trait]
pub trait Driver: fmt::Debug + Send + Sync {
    /// The medium, as data for all other code.
    fn medium(&self) -> &'static Medium;

    /// The driver's flags.
    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    /// Parses the values of the driver's flags, by their ids. Each value was validated before.
    fn parse_options(&self, given: &[(&str, String)]) -> Result<DriverOptions, OptionError>;

    /// Parses an address that the user typed.
    fn parse_address(&self, text: &str) -> Result<Address, AddressError>;

    /// Streams devices as they announce themselves, until `search.wait` is over or the stream is
    /// dropped. A caller drops the stream after the first match.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>>;

    /// Connects to a device that a scan found.
    async fn open(
        &self,
        candidate: &Candidate,
        options: &DriverOptions,
        limits: &Limits,
    ) -> Result<Box<dyn Link>, TransportError>;

    /// Waits a short time until dropped links and scans are closed. A program that exits earlier would
    /// leave devices occupied.
    async fn finish_closing(&self) {}
}
