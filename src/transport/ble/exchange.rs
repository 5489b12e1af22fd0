//! protocomm over Bluetooth: espctl writes the request to a characteristic and reads the answer
//! from the same one. The device has handled the request when the write returns, so espctl neither
//! polls nor subscribes. `endpoints.rs` maps the characteristics.
//!
//! After a failed write espctl does not read: `NimBLE` would return the previous answer
//! (`protocomm_nimble.c`).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::adapter::bluetooth_error;
use super::closing::{CLOSE_TIMEOUT, ClosingTasks};
use super::endpoints::{Endpoints, is_bluetooth_sig_service, is_standard_endpoint};
use super::gatt::{Attribute, Gatt, GattError, INVALID_LENGTH, UNLIKELY, with_timeout};
use crate::proto::EndpointName;
use crate::transport::address::Address;
use crate::transport::error::{Rejection, TransportError};
use crate::transport::exchange::{Capacity, Transport};
use crate::transport::exchange_limits::Limits;
use crate::transport::link::Link;

/// An open connection over Bluetooth.
#[derive(Debug)]
pub(super) struct BleTransport {
    address: Address,
    link: OpenLink,
    endpoints: Endpoints,
    limits: Limits,
    /// Whether an exchange succeeded. From then on the connection cannot be opened again without
    /// losing the session.
    has_answered: bool,
    has_paired: bool,
    has_discarded_cache: bool,
}

/// An open link whose endpoints are not yet known.
#[derive(Debug)]
pub(super) struct BleLink(BleTransport);

impl BleLink {
    /// Opens the link.
    pub(super) async fn connect(
        gatt: Box<dyn Gatt>,
        address: Address,
        limits: Limits,
        closing: Arc<ClosingTasks>,
    ) -> Result<Self, TransportError> {
        let mut transport = BleTransport {
            address,
            link: OpenLink {
                gatt: Some(gatt),
                closing,
            },
            endpoints: Endpoints::default(),
            limits,
            has_answered: false,
            has_paired: false,
            has_discarded_cache: false,
        };
        transport.connect().await?;
        Ok(Self(transport))
    }

    /// Discovers the endpoints. A table without endpoints is usually stale, so espctl makes the
    /// system discard it and reads it again, once.
    async fn discover_endpoints(self) -> Result<BleTransport, TransportError> {
        let Self(mut transport) = self;
        if let Err(stale) = transport.read_endpoints().await? {
            tracing::debug!(%stale, "the system's attribute cache may be stale");
            transport.discard_cache_and_reconnect().await?;
        }
        tracing::debug!(endpoints = ?transport.endpoints.names(), "open");
        Ok(transport)
    }
}

#[async_trait]
impl Link for BleLink {
    async fn into_transport(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        Ok(Box::new(self.discover_endpoints().await?))
    }
}

impl BleTransport {
    /// Opens the link, in several attempts. Some controllers abort a first attempt for no reason.
    /// Some systems abort, or wait for services forever, until they have discarded their cache of
    /// the device.
    async fn connect(&mut self) -> Result<(), TransportError> {
        let deadline = Instant::now() + self.limits.connect;
        let services = self.services_timeout();
        let mut attempts = 1;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let gatt = self.link.gatt()?;
            let error = match with_timeout(left, gatt.connect(services)).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            tracing::debug!(%error, attempts, "connection attempt failed");
            let (should_retry, should_discard_cache) = match &error {
                GattError::Busy => (Instant::now() < deadline, false),
                GattError::ServicesTimedOut => (!self.has_discarded_cache, true),
                GattError::Gone | GattError::LinkLost | GattError::Other(_) => (
                    attempts < MAX_CONNECT_ATTEMPTS,
                    attempts + 1 == MAX_CONNECT_ATTEMPTS && !self.has_discarded_cache,
                ),
                _ => (false, false),
            };
            if !should_retry {
                return Err(self.connect_error(error));
            }
            if should_discard_cache {
                let left = deadline.saturating_duration_since(Instant::now());
                self.has_discarded_cache = true;
                if let Err(forget_error) = with_timeout(left, gatt.forget()).await {
                    tracing::debug!(%forget_error, "the system did not discard its cache");
                    return Err(self.connect_error(error));
                }
            } else if matches!(error, GattError::Busy) {
                gatt.wait_while_busy().await;
            }
            attempts += 1;
        }
    }

    /// Discovers the endpoints. The inner error means that the attribute table is inconsistent.
    async fn read_endpoints(&mut self) -> Result<Result<(), GattError>, TransportError> {
        let limit = self.limits.services;
        let gatt = self.link.gatt()?;
        let table = match with_timeout(limit, gatt.discover_attributes()).await {
            Ok(table) => table,
            Err(error) if error.is_stale() => return Ok(Err(error)),
            Err(error) => return Err(self.connect_error(error)),
        };
        let (described, others): (Vec<Attribute>, Vec<Attribute>) = table
            .into_iter()
            .filter(|attribute| !is_bluetooth_sig_service(attribute.service))
            .partition(|attribute| attribute.is_described);
        let reading = async { Ok(gatt.read_descriptions(&described).await) };
        let names = with_timeout(limit, reading).await;
        let names = names.map_err(|error| self.connect_error(error))?;
        let mut attributes = Vec::new();
        for (attribute, name) in described.into_iter().zip(names) {
            let name = match name {
                Ok(bytes) => String::from_utf8(bytes).ok(),
                Err(error @ (GattError::LinkLost | GattError::Radio(_))) => {
                    return Err(self.connect_error(error));
                }
                Err(error) if error.is_stale() => return Ok(Err(error)),
                // The five standard endpoints are found without a description.
                Err(error) => {
                    tracing::debug!(%error, uuid = %attribute.uuid, "no description");
                    None
                }
            };
            // Some firmware includes the terminating NUL of the C string.
            let name = name.map(|name| name.trim_end_matches('\0').to_owned());
            attributes.push((attribute, name));
        }
        attributes.extend(others.into_iter().map(|attribute| (attribute, None)));
        let endpoints = Endpoints::from_table(&attributes).ok_or(GattError::Gone);
        Ok(endpoints.map(|endpoints| self.endpoints = endpoints))
    }

    /// Makes the system discard its cache of the device, and connects again. This happens once, and
    /// only before the first answer, because a session ends with its link.
    async fn discard_cache_and_reconnect(&mut self) -> Result<(), TransportError> {
        if self.has_discarded_cache {
            return Err(self.not_a_device());
        }
        self.has_discarded_cache = true;
        let limit = self.limits.connect;
        if let Err(error) = with_timeout(limit, self.link.gatt()?.forget()).await {
            tracing::debug!(%error, "the system did not discard its cache");
            return Err(match error {
                GattError::Unsupported(_) => self.not_a_device(),
                other => self.connect_error(other),
            });
        }
        self.connect().await?;
        let read = self.read_endpoints().await?;
        read.map_err(|_| self.not_a_device())
    }

    async fn pair(&mut self) -> Result<(), TransportError> {
        self.has_paired = true;
        let limit = self.limits.services;
        let paired = with_timeout(limit, self.link.gatt()?.pair()).await;
        paired.map_err(|error| self.not_paired(error))
    }

    /// Sends one request and reads its answer. It pairs if the device requires it, and discards a
    /// stale cache, each once.
    async fn send_and_read(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError> {
        let limit = self.limits.for_endpoint(endpoint);
        loop {
            let attribute = self.endpoints.attribute(endpoint);
            let attribute = attribute.ok_or_else(|| TransportError::no_such_endpoint(endpoint))?;
            let gatt = self.link.gatt()?;
            let written = async {
                gatt.write(attribute, request).await?;
                gatt.read(attribute).await
            };
            let exchanged = tokio::time::timeout(limit, written).await;
            let error = match exchanged.map_err(|_| TransportError::timed_out(endpoint, limit))? {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if error.requires_pairing() && !self.has_paired {
                tracing::debug!(%error, "pairing");
                self.pair().await?;
            } else if error.is_stale() && !self.has_answered && !self.has_discarded_cache {
                tracing::debug!(%error, "the system's attribute cache may be stale");
                self.discard_cache_and_reconnect().await?;
            } else {
                let bytes = request.len();
                return Err(self.classify_error(error, attribute, endpoint, bytes).await);
            }
        }
    }

    /// Converts the error of an exchange.
    async fn classify_error(
        &mut self,
        error: GattError,
        attribute: Attribute,
        endpoint: &EndpointName,
        bytes: usize,
    ) -> TransportError {
        let endpoint = endpoint.clone();
        match error {
            GattError::Att(INVALID_LENGTH) => TransportError::TooLong { endpoint, bytes },
            // Either the device reports this, or BlueZ lost the link: only the link's state
            // distinguishes them.
            GattError::Att(UNLIKELY) if !self.is_alive(attribute).await => {
                TransportError::disconnected(&endpoint, None)
            }
            // Firmware reports this for endpoints without a handler. The standard endpoints always
            // have one while the device provisions.
            GattError::Att(UNLIKELY) if !is_standard_endpoint(&endpoint) => {
                TransportError::no_such_endpoint(&endpoint)
            }
            error if error.requires_pairing() => self.not_paired(error),
            error if error.is_stale() && !self.has_answered => self.not_a_device(),
            GattError::Att(number) => TransportError::refused(&endpoint, Rejection::Att(number)),
            GattError::LinkLost => TransportError::disconnected(&endpoint, None),
            GattError::Radio(problem) => bluetooth_error(problem),
            // Some systems do not report the ATT code. If the link is still open, the device
            // refused.
            GattError::Other(message)
                if !cfg!(target_os = "linux") && self.is_alive(attribute).await =>
            {
                tracing::debug!(message, "an error without an ATT code");
                TransportError::refused(&endpoint, Rejection::UnknownAttError)
            }
            other => TransportError::disconnected(&endpoint, Some(other.into_io())),
        }
    }

    /// Checks that the link still works, with a request that every device answers.
    async fn is_alive(&mut self, attribute: Attribute) -> bool {
        let Ok(gatt) = self.link.gatt() else {
            return false;
        };
        let check = async {
            if attribute.is_described {
                let mut answers = gatt.read_descriptions(&[attribute]).await;
                answers.pop().is_some_and(|answer| answer.is_ok())
            } else {
                gatt.is_connected().await
            }
        };
        tokio::time::timeout(LIVENESS_TIMEOUT, check)
            .await
            .unwrap_or(false)
    }

    /// Time limit for service discovery: short enough for a second attempt.
    fn services_timeout(&self) -> Duration {
        self.limits.services.min(self.limits.connect / 3)
    }

    fn not_a_device(&self) -> TransportError {
        let address = self.address.clone();
        TransportError::NotADevice { address }
    }

    fn not_paired(&self, error: GattError) -> TransportError {
        let (address, source) = (self.address.clone(), error.into_io());
        TransportError::NotPaired { address, source }
    }

    fn connect_error(&self, error: GattError) -> TransportError {
        match error {
            GattError::Radio(problem) => bluetooth_error(problem),
            error if error.requires_pairing() => self.not_paired(error),
            GattError::ServicesTimedOut => TransportError::ServiceDiscoveryTimedOut {
                address: self.address.clone(),
                waited: self.services_timeout(),
            },
            other => TransportError::unreachable(&self.address, other.into_io()),
        }
    }
}

#[async_trait]
impl Transport for BleTransport {
    async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError> {
        if self.link.gatt.is_none() {
            return Err(TransportError::disconnected(endpoint, None));
        }
        let outcome = self.send_and_read(endpoint, request).await;
        match outcome {
            Ok(_) => self.has_answered = true,
            // The system would queue the next request behind the one that hangs.
            Err(TransportError::Disconnected { .. } | TransportError::TimedOut { .. }) => {
                self.link.close().await;
            }
            Err(_) => {}
        }
        outcome
    }

    async fn close(&mut self) -> Result<(), TransportError> {
        self.link.close().await;
        Ok(())
    }

    /// Bluedroid's buffer has 257 bytes without Security 2 and 481 with it; `NimBLE`'s is larger.
    fn capacity(&self) -> Capacity {
        Capacity {
            request: None,
            answer: Some(257),
            answer_with_sec2: Some(481),
        }
    }
}

/// A link that closes when it is dropped, so that the device is free for the next run.
#[derive(Debug)]
struct OpenLink {
    gatt: Option<Box<dyn Gatt>>,
    closing: Arc<ClosingTasks>,
}

impl OpenLink {
    fn gatt(&mut self) -> Result<&mut Box<dyn Gatt>, TransportError> {
        let closed = io::ErrorKind::NotConnected;
        let gatt = self.gatt.as_mut();
        gatt.ok_or_else(|| TransportError::unreachable(&Address::new(""), closed))
    }

    async fn close(&mut self) {
        if let Some(gatt) = &self.gatt
            // BlueZ takes two seconds to disconnect; sending the request is enough.
            && let Err(error) = with_timeout(CLOSE_TIMEOUT, gatt.disconnect()).await
        {
            tracing::debug!(%error, "the link did not close in time");
        }
        // Not before: if the caller stops waiting, `drop` closes the link.
        self.gatt = None;
    }
}

impl Drop for OpenLink {
    fn drop(&mut self) {
        if let Some(gatt) = self.gatt.take() {
            self.closing.spawn(async move {
                if let Err(error) = gatt.disconnect().await {
                    tracing::debug!(%error, "the link did not close");
                }
            });
        }
    }
}

/// Attempts to open one link.
const MAX_CONNECT_ATTEMPTS: u32 = 3;
/// Time limit for the check that a link still works.
const LIVENESS_TIMEOUT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
