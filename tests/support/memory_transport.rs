//! An emulated device without a medium: requests are handed over in memory, written down on their
//! way, and answered by the device, or by a test that wants another answer.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use espctl::emulator::device::{Device, DeviceSettings, Refusal};
use espctl::emulator::log::Log;
use espctl::endpoint::version::Version;
use espctl::flows::Pace;
use espctl::flows::connect::Opened;
use espctl::proto::{EndpointName, Service};
use espctl::provisioner::Protocomm;
use espctl::security::{Credentials, SecurityScheme, opens_handshake};
use espctl::session::{Connection, Handshakes, Secured, Session, SessionError};
use espctl::transport::{Hints, No, Transport, TransportError};
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::scripted_rng::SeededRng;

/// What a transport brings back.
pub(crate) type Outcome = Result<Vec<u8>, TransportError>;

/// A device, and both ends of the path to it.
#[derive(Clone)]
pub(crate) struct MemoryDevice {
    log: Shared,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    device: Device,
    heard: Vec<(String, Vec<u8>)>,
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
            heard: Vec::new(),
            instead: Box::new(|_, _| None),
            altering: Box::new(|_, answer| Ok(answer)),
            delay: Duration::ZERO,
        };
        Self {
            log,
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Answers instead of the device, which then does not hear the request.
    pub(crate) fn instead(
        self,
        answer: impl FnMut(&str, &[u8]) -> Option<Outcome> + Send + 'static,
    ) -> Self {
        self.inner.lock().unwrap().instead = Box::new(answer);
        self
    }

    /// Alters what the device answers.
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

    /// Has it say this about itself; `None`: it has no version endpoint.
    pub(crate) fn saying(self, document: Option<&str>) -> Self {
        let document = document.map(|text| text.as_bytes().to_vec());
        self.instead(move |endpoint, _| {
            (endpoint == "proto-ver").then(|| match &document {
                Some(document) => Ok(document.clone()),
                None => Err(TransportError::NoSuchEndpoint {
                    endpoint: EndpointName::new(endpoint.to_owned()),
                }),
            })
        })
    }

    /// What a driver would open.
    pub(crate) fn transport(&self) -> impl Transport + 'static {
        MemoryTransport(Arc::clone(&self.inner))
    }

    /// A path to it.
    pub(crate) fn connection(&self) -> Connection {
        Connection::new(Box::new(self.transport()), Service::Provisioning)
    }

    /// Likewise, with the version document read.
    pub(crate) async fn opened(&self) -> Opened {
        let mut connection = self.connection();
        let version = match connection.version().await {
            Err(SessionError::Transport(TransportError::NoSuchEndpoint { .. })) => {
                Version::default()
            }
            version => version.unwrap(),
        };
        Opened {
            connection,
            version,
            hints: Hints::default(),
            route: None,
        }
    }

    /// A session without encryption, so that a test can read and write what travels.
    pub(crate) async fn plain_session(&self) -> Session {
        self.session(SecurityScheme::Sec0, &Credentials::None).await
    }

    /// The same, ready to be given a network at this pace.
    pub(crate) async fn protocomm(&self, version: Version, pace: &Pace) -> Protocomm {
        let session = self.plain_session().await;
        pace.protocomm(Secured {
            version,
            ..Secured::without_route(session, SecurityScheme::Sec0)
        })
    }

    pub(crate) async fn session(
        &self,
        scheme: SecurityScheme,
        credentials: &Credentials,
    ) -> Session {
        let (rng, handshakes) = (SeededRng::new("a client in memory"), Handshakes::default());
        let mut connection = self.connection();
        let agreed = connection
            .agree(scheme, credentials, rng, &handshakes)
            .await;
        connection.into_session(agreed.expect("a device that takes these"))
    }

    /// What was sent to an endpoint, as it travelled.
    pub(crate) fn requests(&self, endpoint: &str) -> Vec<Vec<u8>> {
        let inner = self.inner.lock().unwrap();
        let of_endpoint = inner.heard.iter().filter(|(name, _)| name == endpoint);
        of_endpoint.map(|(_, request)| request.clone()).collect()
    }

    /// How many handshakes were begun, in whatever scheme.
    pub(crate) fn handshakes(&self) -> usize {
        let requests = self.requests("prov-session");
        requests.iter().filter(|one| opens_handshake(one)).count()
    }

    /// The entries of one kind in the device's log.
    pub(crate) fn told(&self, event: &str) -> Vec<Value> {
        let text = String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|entry| entry["event"] == event)
            .collect()
    }
}

struct MemoryTransport(Arc<Mutex<Inner>>);

#[async_trait]
impl Transport for MemoryTransport {
    async fn exchange(&mut self, endpoint: &EndpointName, request: &[u8]) -> Outcome {
        // A device computes elsewhere, and not on the thread that waits for its answer.
        let (inner, endpoint) = (Arc::clone(&self.0), endpoint.clone());
        let request = request.to_vec();
        let answered = spawn_blocking(move || inner.lock().unwrap().answer(endpoint, &request));
        let (answer, after) = answered.await.unwrap()?;
        sleep(after).await;
        Ok(answer)
    }
}

impl Inner {
    /// The answer, and when it comes.
    fn answer(
        &mut self,
        endpoint: EndpointName,
        request: &[u8],
    ) -> Result<(Vec<u8>, Duration), TransportError> {
        let name = endpoint.as_str();
        self.heard.push((name.to_owned(), request.to_vec()));
        if let Some(outcome) = (self.instead)(name, request) {
            return outcome.map(|answer| (answer, Duration::ZERO));
        }
        match self.device.handle(SESSION, name, request) {
            Ok(reply) => Ok((
                (self.altering)(name, reply.bytes)?,
                reply.after + self.delay,
            )),
            Err(Refusal::NoSuchEndpoint) => Err(TransportError::NoSuchEndpoint { endpoint }),
            Err(_) => Err(TransportError::Refused {
                endpoint,
                how: No::HungUp,
            }),
        }
    }
}

impl fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryTransport")
    }
}

/// That the path breaks after the device has heard a request.
pub(crate) fn broken(endpoint: &str) -> TransportError {
    TransportError::Disconnected {
        endpoint: EndpointName::new(endpoint.to_owned()),
        source: None,
    }
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

/// There is one medium, and it never changes its mind about whom it talks to.
const SESSION: u32 = 7;
