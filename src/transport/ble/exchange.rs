//! protocomm over Bluetooth: espctl writes the request to a characteristic and reads the answer
//! from the same one. The device has handled the request when the write returns, so espctl neither
//! polls nor subscribes. `endpoints.rs` maps the characteristics.
//!
//! After a failed write espctl does not read: `NimBLE` would return the previous answer
//! (`protocomm_nimble.c`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::adapter::bluetooth;
use super::closing::{CLOSE_TIMEOUT, ClosingTasks};
use super::endpoints::{Endpoints, is_bluetooths_own, is_provisionings_own};
use super::gatt::{Attribute, Gatt, GattError, INVALID_LENGTH, UNLIKELY, within};
use crate::proto::EndpointName;
use crate::transport::address::Address;
use crate::transport::error::{Rejection, TransportError};
use crate::transport::exchange::{Capacity, Transport};
use crate::transport::limits::Limits;
use crate::transport::link::IntoTransport;

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
    has_forgotten: bool,
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
            has_forgotten: false,
        };
        transport.connect().await?;
        Ok(Self(transport))
    }

    /// Discovers the endpoints. A table without endpoints is usually stale, so espctl makes the
    /// system discard it and reads it again, once.
    async fn learn(self) -> Result<BleTransport, TransportError> {
        let Self(mut transport) = self;
        if let Err(stale) = transport.learn().await? {
            tracing::debug!(%stale, "what the system knows of the device may be old");
            transport.renew().await?;
        }
        tracing::debug!(endpoints = ?transport.endpoints.names(), "open");
        Ok(transport)
    }
}

#[async_trait]
impl IntoTransport for BleLink {
    async fn into_transport(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        Ok(Box::new(self.learn().await?))
    }
}

impl BleTransport {
    /// Opens the link, in several attempts. Some controllers abort a first attempt for no reason.
    /// Some systems abort, or wait for services forever, until they have discarded their cache of
    /// the device.
    async fn connect(&mut self) -> Result<(), TransportError> {
        let deadline = Instant::now() + self.limits.connect;
        let services = self.until_resolved();
        let mut attempts = 1;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let gatt = self.link.gatt()?;
            let error = match within(left, gatt.connect(services)).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            tracing::debug!(%error, attempts, "no connection");
            let (goes_on, forgets) = match &error {
                GattError::Busy => (Instant::now() < deadline, false),
                GattError::Unresolved => (!self.has_forgotten, true),
                GattError::Gone | GattError::LinkLost | GattError::Other(_) => (
                    attempts < MOST_ATTEMPTS,
                    attempts + 1 == MOST_ATTEMPTS && !self.has_forgotten,
                ),
                _ => (false, false),
            };
            if !goes_on {
                return Err(self.unreachable(error));
            }
            if forgets {
                let left = deadline.saturating_duration_since(Instant::now());
                self.has_forgotten = true;
                if let Err(why) = within(left, gatt.forget()).await {
                    tracing::debug!(%why, "the device was not forgotten");
                    return Err(self.unreachable(error));
                }
            } else if matches!(error, GattError::Busy) {
                gatt.settle().await;
            }
            attempts += 1;
        }
    }

    /// Discovers the endpoints. The inner error means that the attribute table is inconsistent.
    async fn learn(&mut self) -> Result<Result<(), GattError>, TransportError> {
        let limit = self.limits.services;
        let gatt = self.link.gatt()?;
        let table = match within(limit, gatt.attributes()).await {
            Ok(table) => table,
            Err(error) if error.is_stale() => return Ok(Err(error)),
            Err(error) => return Err(self.unreachable(error)),
        };
        let (described, others): (Vec<Attribute>, Vec<Attribute>) = table
            .into_iter()
            .filter(|attribute| !is_bluetooths_own(attribute.service))
            .partition(|attribute| attribute.is_described);
        let reading = async { Ok(gatt.descriptions(&described).await) };
        let names = match within(limit, reading).await {
            Ok(names) => names,
            Err(error) => return Err(self.unreachable(error)),
        };
        let mut known = Vec::new();
        for (attribute, name) in described.into_iter().zip(names) {
            let name = match name {
                Ok(bytes) => String::from_utf8(bytes).ok(),
                Err(error @ (GattError::LinkLost | GattError::Radio(_))) => {
                    return Err(self.unreachable(error));
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
            known.push((attribute, name));
        }
        known.extend(others.into_iter().map(|attribute| (attribute, None)));
        match Endpoints::of(&known) {
            Some(endpoints) => {
                self.endpoints = endpoints;
                Ok(Ok(()))
            }
            None => Ok(Err(GattError::Gone)),
        }
    }

    /// Makes the system discard its cache of the device, and connects again. This happens once, and
    /// only before the first answer, because a session ends with its link.
    async fn renew(&mut self) -> Result<(), TransportError> {
        if self.has_forgotten {
            return Err(self.no_device());
        }
        self.has_forgotten = true;
        let limit = self.limits.connect;
        if let Err(error) = within(limit, self.link.gatt()?.forget()).await {
            tracing::debug!(%error, "the device was not forgotten");
            return Err(match error {
                GattError::Unsupported(_) => self.no_device(),
                other => self.unreachable(other),
            });
        }
        self.connect().await?;
        match self.learn().await? {
            Ok(()) => Ok(()),
            Err(_) => Err(self.no_device()),
        }
    }

    async fn pair(&mut self) -> Result<(), TransportError> {
        self.has_paired = true;
        let limit = self.limits.services;
        let paired = within(limit, self.link.gatt()?.pair()).await;
        paired.map_err(|source| TransportError::NotPaired {
            address: self.address.clone(),
            source: source.into_io(),
        })
    }

    /// Sends one request and reads its answer. It pairs if the device requires it, and discards a
    /// stale cache, each once.
    async fn converse(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError> {
        let limit = self.limits.for_endpoint(endpoint);
        loop {
            let attribute = self.endpoints.attribute(endpoint);
            let attribute = attribute.ok_or_else(|| TransportError::NoSuchEndpoint {
                endpoint: endpoint.clone(),
            })?;
            let gatt = self.link.gatt()?;
            let written = async {
                gatt.write(attribute, request).await?;
                gatt.read(attribute).await
            };
            let error = match tokio::time::timeout(limit, written).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => {
                    return Err(TransportError::TimedOut {
                        endpoint: endpoint.clone(),
                        waited: limit,
                    });
                }
            };
            if error.wants_pairing() && !self.has_paired {
                tracing::debug!(%error, "pairing");
                self.pair().await?;
            } else if error.is_stale() && !self.has_answered && !self.has_forgotten {
                tracing::debug!(%error, "what the system knows of the device may be old");
                self.renew().await?;
            } else {
                return Err(self
                    .meaning(error, attribute, endpoint, request.len())
                    .await);
            }
        }
    }

    /// Converts the error of an exchange.
    async fn meaning(
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
                TransportError::Disconnected {
                    endpoint,
                    source: None,
                }
            }
            // Firmware reports this for endpoints without a handler. The standard endpoints always
            // have one while the device provisions.
            GattError::Att(UNLIKELY) if !is_provisionings_own(&endpoint) => {
                TransportError::NoSuchEndpoint { endpoint }
            }
            error if error.wants_pairing() => TransportError::NotPaired {
                address: self.address.clone(),
                source: error.into_io(),
            },
            error if error.is_stale() && !self.has_answered => self.no_device(),
            GattError::Att(number) => TransportError::Refused {
                endpoint,
                how: Rejection::Att(number),
            },
            GattError::LinkLost => TransportError::Disconnected {
                endpoint,
                source: None,
            },
            GattError::Radio(problem) => bluetooth(problem),
            // Some systems do not report the ATT code. If the link is still open, the device
            // refused.
            GattError::Other(said)
                if !cfg!(target_os = "linux") && self.is_alive(attribute).await =>
            {
                tracing::debug!(said, "an error without a number");
                TransportError::Refused {
                    endpoint,
                    how: Rejection::UnknownAttError,
                }
            }
            other => TransportError::Disconnected {
                endpoint,
                source: Some(other.into_io()),
            },
        }
    }

    /// Checks that the link still works, with a request that every device answers.
    async fn is_alive(&mut self, attribute: Attribute) -> bool {
        let Ok(gatt) = self.link.gatt() else {
            return false;
        };
        let asked = async {
            if attribute.is_described {
                let mut said = gatt.descriptions(&[attribute]).await;
                said.pop().is_some_and(|said| said.is_ok())
            } else {
                gatt.is_connected().await
            }
        };
        tokio::time::timeout(ALIVE, asked).await.unwrap_or(false)
    }

    /// Time limit for service discovery: short enough for a second attempt.
    fn until_resolved(&self) -> Duration {
        self.limits.services.min(self.limits.connect / 3)
    }

    fn no_device(&self) -> TransportError {
        TransportError::NotADevice {
            address: self.address.clone(),
        }
    }

    fn unreachable(&self, error: GattError) -> TransportError {
        match error {
            GattError::Radio(problem) => bluetooth(problem),
            error if error.wants_pairing() => TransportError::NotPaired {
                address: self.address.clone(),
                source: error.into_io(),
            },
            GattError::Unresolved => TransportError::Unresolved {
                address: self.address.clone(),
                waited: self.until_resolved(),
            },
            other => TransportError::Unreachable {
                address: self.address.clone(),
                source: other.into_io(),
            },
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
            let endpoint = endpoint.clone();
            let source = None;
            return Err(TransportError::Disconnected { endpoint, source });
        }
        let error = match self.converse(endpoint, request).await {
            Ok(answer) => {
                self.has_answered = true;
                return Ok(answer);
            }
            Err(error) => error,
        };
        // The system would queue the next request behind the one that hangs.
        if matches!(
            error,
            TransportError::Disconnected { .. } | TransportError::TimedOut { .. }
        ) {
            self.link.close().await;
        }
        Err(error)
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
    fn gatt(&mut self) -> Result<&mut dyn Gatt, TransportError> {
        match &mut self.gatt {
            Some(gatt) => Ok(gatt.as_mut()),
            None => Err(TransportError::Unreachable {
                address: Address::new(""),
                source: std::io::ErrorKind::NotConnected.into(),
            }),
        }
    }

    async fn close(&mut self) {
        if let Some(gatt) = &self.gatt
            // BlueZ takes two seconds to disconnect; sending the request is enough.
            && let Err(error) = within(CLOSE_TIMEOUT, gatt.disconnect()).await
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
const MOST_ATTEMPTS: u32 = 3;
/// Time limit for the check that a link still works.
const ALIVE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
