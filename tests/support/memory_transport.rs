//! An emulated device without a medium: it receives requests in memory and records them. The device
//! answers, or the test.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use espctl::emulator::device::{Device, DeviceSettings, Refusal};
use espctl::emulator::log::Log;
use espctl::endpoint::version::Version;
use espctl::flows::connect::OpenedDevice;
use espctl::flows::{Run, Timing};
use espctl::proto::{EndpointName, Service};
use espctl::provisioner::Protocomm;
use espctl::security::{Credentials, SecurityScheme, opens_handshake};
use espctl::session::{Connection, Handshakes, Secured, Session, SessionError};
use espctl::transport::{Hints, Rejection, Transport, TransportError};
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::scripted_rng::SeededRng;

/// The result of an exchange.
pub(crate) type Outcome = Result<Vec<u8>, TransportError>;

/// A device and the transport to it.
#[derive(Clone)]
pub(crate) struct MemoryDevice {
    log: Shared,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    device: Device,
    received: Vec<(String, Vec<u8>)>,
    instead: Box<Instead>,
    altering: Box<Altering>,
    delay: Duration,
}

type Instead = dyn FnMut(&str, &[u8]) -> Option<Outcome> + Send;
type Altering = dyn FnMut(&str, Vec<u8>) -> Outcome + Send;

impl MemoryDevice {
    pub(crate) fn new(settings: DeviceSettings) -> Self {
        let log = Shared::default();
        let device = Device::new(settings, SeededRng::new("a device in memory"))
            .with_log(Log::default().with_sink(Box::new(log.clone())));
        let inner = Inner {
            device,
            received: Vec::new(),
            instead: Box::new(|_, _| None),
            altering: Box::new(|_, answer| Ok(answer)),
            delay: Duration::ZERO,
        };
        Self {
            log,
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Answers in place of the device, which does not receive the request.
    pub(crate) fn instead(
        self,
        answer: impl FnMut(&str, &[u8]) -> Option<Outcome> + Send + 'static,
    ) -> Self {
        self.inner.lock().unwrap().instead = Box::new(answer);
        self
    }

    /// Alters the device's answers.
    pub(crate) fn altering(
        self,
        alter: impl FnMut(&str, Vec<u8>) -> Outcome + Send + 'static,
    ) -> Self {
        self.inner.lock().unwrap().altering = Box::new(alter);
        self
    }

    /// Delays every answer.
    pub(crate) fn delayed(self, delay: Duration) -> Self {
        self.inner.lock().unwrap().delay = delay;
        self
    }

    /// Sets the version document; `None` means that the device has no version endpoint.
    pub(crate) fn with_version_document(self, document: Option<&str>) -> Self {
        let document = document.map(|text| text.as_bytes().to_vec());
        self.instead(move |endpoint, _| {
            (endpoint == "proto-ver").then(|| match &document {
                Some(document) => Ok(document.clone()),
                None => Err(TransportError::no_such_endpoint(&EndpointName::new(
                    endpoint.to_owned(),
                ))),
            })
        })
    }

    /// The transport to the device.
    pub(crate) fn transport(&self) -> impl Transport + 'static {
        MemoryTransport(Arc::clone(&self.inner))
    }

    /// A connection to the device.
    pub(crate) fn connection(&self) -> Connection {
        Connection::new(Box::new(self.transport()), Service::Provisioning)
    }

    /// A connection to the device whose version document was read.
    pub(crate) async fn opened(&self, run: &Run) -> OpenedDevice {
        let permit = run.handshakes.begin().await;
        let mut connection = self.connection();
        let version = match connection.version().await {
            Err(SessionError::Transport(TransportError::NoSuchEndpoint { .. })) => {
                Version::default()
            }
            version => version.unwrap(),
        };
        OpenedDevice {
            connection,
            version,
            hints: Hints::default(),
            route: None,
            permit,
        }
    }

    /// A session without encryption, so that a test can read and write the messages.
    pub(crate) async fn plain_session(&self) -> Session {
        self.session(SecurityScheme::Sec0, &Credentials::None).await
    }

    /// Such a session, as a provisioner with this timing.
    pub(crate) async fn protocomm(&self, version: Version, timing: &Timing) -> Protocomm {
        let session = self.plain_session().await;
        timing.protocomm(plain_secured(session, version))
    }

    pub(crate) async fn session(
        &self,
        scheme: SecurityScheme,
        credentials: &Credentials,
    ) -> Session {
        let rng = SeededRng::new("a client in memory");
        let permit = Handshakes::default().begin().await;
        let mut connection = self.connection();
        let keys = connection.agree(scheme, credentials, rng, &permit).await;
        connection.into_session(keys.expect("the device accepts the credentials"))
    }

    /// The requests to an endpoint, as they were sent.
    pub(crate) fn requests(&self, endpoint: &str) -> Vec<Vec<u8>> {
        let inner = self.inner.lock().unwrap();
        let matching = inner.received.iter().filter(|(name, _)| name == endpoint);
        matching.map(|(_, request)| request.clone()).collect()
    }

    /// The number of started handshakes, in any scheme.
    pub(crate) fn handshakes(&self) -> usize {
        let requests = self.requests("prov-session");
        requests
            .iter()
            .filter(|request| opens_handshake(request))
            .count()
    }

    /// The log entries of one kind.
    pub(crate) fn log_entries(&self, event: &str) -> Vec<Value> {
        let text = String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|entry| entry["event"] == event)
            .collect()
    }
}

#[derive(derive_more::Debug)]
#[debug("MemoryTransport")]
struct MemoryTransport(Arc<Mutex<Inner>>);

#[async_trait]
impl Transport for MemoryTransport {
    async fn exchange(&mut self, endpoint: &EndpointName, request: &[u8]) -> Outcome {
        // A device computes elsewhere, not on the thread that waits for its answer.
        let (inner, endpoint) = (Arc::clone(&self.0), endpoint.clone());
        let request = request.to_vec();
        let answer = spawn_blocking(move || inner.lock().unwrap().answer(&endpoint, &request));
        let (answer, after) = answer.await.unwrap()?;
        sleep(after).await;
        Ok(answer)
    }
}

impl Inner {
    /// Returns the answer, and the delay before it.
    fn answer(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<(Vec<u8>, Duration), TransportError> {
        let name = endpoint.as_str();
        self.received.push((name.to_owned(), request.to_vec()));
        if let Some(outcome) = (self.instead)(name, request) {
            return outcome.map(|answer| (answer, Duration::ZERO));
        }
        match self.device.handle(SESSION, name, request) {
            Ok(reply) => Ok((
                (self.altering)(name, reply.bytes)?,
                reply.after + self.delay,
            )),
            Err(Refusal::NoSuchEndpoint) => Err(TransportError::no_such_endpoint(endpoint)),
            Err(_) => Err(TransportError::refused(
                endpoint,
                Rejection::ConnectionClosed,
            )),
        }
    }
}

/// A session without encryption that cannot be reconnected.
pub(crate) fn plain_secured(session: Session, version: Version) -> Secured {
    Secured {
        session,
        scheme: SecurityScheme::Sec0,
        version,
        credentials: Credentials::None,
        route: None,
    }
}

/// A connection that breaks after the device received a request.
pub(crate) fn broken(endpoint: &str) -> TransportError {
    TransportError::disconnected(&EndpointName::new(endpoint.to_owned()), None)
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// There is only one client, so one session id is enough.
const SESSION: u32 = 7;
