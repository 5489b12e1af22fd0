//! protocomm over HTTP: `POST /<endpoint>`, one socket, one session cookie. Every driver whose
//! devices use HTTP uses this file; finding the devices is the driver's work.
//!
//! A device has room for one socket and one session, so this transport owns both: no pool, no
//! proxy, no redirect, no cookie jar. `protocomm_httpd.c` defines the cookie: any text other than
//! exactly `session=N` would start a new session with each request.

#![expect(clippy::disallowed_types, reason = "this is where device sockets live")]

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderMap, SET_COOKIE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, Join, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;
use tracing::debug;

use super::address::Address;
use super::candidate::{Candidate, Handle, Hints};
use super::error::{Rejection, TransportError};
use super::exchange::Transport;
use super::exchange_limits::Limits;
use super::host_address::HostAddress;
use super::link::Link;
use super::medium::Medium;
use super::options::DriverOptions;
use super::source::{self, Interface};
use crate::proto::{EndpointName, Service};

/// An open connection over HTTP.
#[derive(Debug)]
pub(super) struct HttpTransport {
    address: Address,
    /// The interface for every further socket.
    interface: Option<String>,
    limits: Limits,
    /// The socket that the scan opened, until the first exchange uses it.
    socket: Option<Socket>,
    connection: Option<Connection>,
    cookie: Option<u32>,
}

impl HttpTransport {
    pub(super) fn link(address: Address, socket: Socket, limits: &Limits) -> Box<dyn Link> {
        Box::new(Self {
            address,
            interface: socket.interface.clone(),
            limits: limits.clone(),
            socket: Some(socket),
            connection: None,
            cookie: None,
        })
    }

    /// Returns the open connection, or opens one. The cookie keeps the session alive when the
    /// socket closes between two exchanges.
    async fn take_or_open_connection(&mut self) -> Result<Connection, TransportError> {
        if let Some(connection) = self.connection.take() {
            // The runtime notices a close only when it polls the socket again. A request sent
            // before that would be lost, and would look like a refusal.
            yield_now().await;
            if connection.is_open() {
                return Ok(connection);
            }
        }
        let socket = if let Some(socket) = self.socket.take() {
            socket
        } else {
            let from = self.interface.as_deref();
            Socket::connect(&self.address, from, self.limits.connect).await?
        };
        let opened = Connection::new(socket).await;
        opened.map_err(|source| TransportError::unreachable(&self.address, source))
    }

    async fn send_and_read(
        &mut self,
        connection: &mut Connection,
        endpoint: &EndpointName,
        request: Request<Full<Bytes>>,
    ) -> Result<Vec<u8>, TransportError> {
        let response = match connection.send(request).await {
            Err(NoResponse {
                request: Some(request),
                ..
            }) => {
                // hyper returned the request unsent because the socket was closed, so sending it
                // again repeats nothing.
                *connection = self.take_or_open_connection().await?;
                connection.send(request).await
            }
            outcome => outcome,
        };
        let response = response.map_err(|failed| match failed.request {
            // Unsent a second time: the device accepts no requests.
            Some(_) => TransportError::unreachable(&self.address, io::Error::other(failed.error)),
            None => classify_failure(endpoint, &failed.error, connection),
        })?;
        if let Some(session) = parse_session_cookie(response.headers()) {
            self.cookie = Some(session);
        }
        match response.status() {
            StatusCode::OK => read_body(endpoint, response, connection).await,
            StatusCode::NOT_FOUND => Err(TransportError::no_such_endpoint(endpoint)),
            status => {
                let what = format!("HTTP status {}", status.as_u16());
                Err(TransportError::malformed(endpoint, what))
            }
        }
    }

    fn build_request(
        &self,
        endpoint: &EndpointName,
        body: &[u8],
    ) -> Result<Request<Full<Bytes>>, TransportError> {
        let (host, port) = host_and_port(&self.address);
        // A zone belongs to this computer, not to the device's name (RFC 6874, section 3).
        let host = host.split_once('%').map_or(host.as_str(), |(host, _)| host);
        let authority = HostAddress::with_port(host, port).to_string();
        let path = format!("/{endpoint}");
        let mut request = Request::post(&path)
            .header(HOST, authority)
            .header(CONTENT_LENGTH, body.len());
        if let Some(session) = self.cookie {
            request = request.header(COOKIE, format!("session={session}"));
        }
        request
            .body(Full::new(Bytes::copy_from_slice(body)))
            .ok()
            // A `#` or `?` in the name would end the path and address another endpoint.
            .filter(|request| request.uri().path() == path)
            .ok_or_else(|| TransportError::no_such_endpoint(endpoint))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError> {
        let limit = self.limits.for_endpoint(endpoint);
        let sent = request.len();
        let request = self.build_request(endpoint, request)?;
        let mut connection = self.take_or_open_connection().await?;
        debug!(%endpoint, sent, "request");
        // A connection whose exchange failed is dropped, so that a late answer is not read as the
        // next one.
        let exchange = self.send_and_read(&mut connection, endpoint, request);
        let outcome = timeout(limit, exchange).await;
        let answer = outcome.map_err(|_| TransportError::timed_out(endpoint, limit))??;
        debug!(%endpoint, received = answer.len(), "answer");
        self.connection = Some(connection);
        Ok(answer)
    }

    async fn close(&mut self) -> Result<(), TransportError> {
        self.connection = None;
        Ok(())
    }
}

/// One socket under hyper's HTTP/1.
#[derive(Debug)]
struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Whether the device sent anything since the last request.
    answered: Arc<AtomicBool>,
    driver: JoinHandle<()>,
}

/// Why there is no response. `request` is `Some` if not a single byte of it was sent.
struct NoResponse {
    request: Option<Request<Full<Bytes>>>,
    error: hyper::Error,
}

impl Connection {
    async fn new(socket: Socket) -> io::Result<Self> {
        let answered = Arc::clone(&socket.stream.reader().answered);
        let (sender, connection) = http1::handshake(TokioIo::new(socket.stream))
            .await
            .map_err(io::Error::other)?;
        let driver = tokio::spawn(async move {
            // The sender reports its errors.
            if let Err(error) = connection.await {
                debug!(%error, "connection ended");
            }
        });
        Ok(Self {
            sender,
            answered,
            driver,
        })
    }

    fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, NoResponse> {
        if let Err(error) = self.sender.ready().await {
            return Err(NoResponse {
                request: Some(request),
                error,
            });
        }
        self.answered.store(false, Ordering::Relaxed);
        self.sender
            .try_send_request(request)
            .await
            .map_err(|mut failed| NoResponse {
                request: failed.take_message(),
                error: failed.into_error(),
            })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn read_body(
    endpoint: &EndpointName,
    response: Response<Incoming>,
    connection: &Connection,
) -> Result<Vec<u8>, TransportError> {
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
    let body = body
        .collect()
        .await
        .map_err(|error| match error.downcast() {
            Ok(error) => classify_failure(endpoint, &error, connection),
            Err(_) => {
                TransportError::malformed(endpoint, format!("more than {MAX_ANSWER_BYTES} bytes"))
            }
        })?;
    Ok(body.to_bytes().to_vec())
}

/// Distinguishes a connection that the device closed without an answer, which is a refusal, from a
/// broken connection and from an answer that is not HTTP.
fn classify_failure(
    endpoint: &EndpointName,
    error: &hyper::Error,
    connection: &Connection,
) -> TransportError {
    if error.is_parse() {
        return TransportError::malformed(endpoint, "not HTTP".to_owned());
    }
    let cause = std::error::Error::source(error)
        .and_then(|cause| cause.downcast_ref::<io::Error>())
        .map(|cause| io::Error::new(cause.kind(), cause.to_string()));
    match cause {
        None if !connection.answered.load(Ordering::Relaxed) => {
            TransportError::refused(endpoint, Rejection::ConnectionClosed)
        }
        source => TransportError::disconnected(endpoint, source),
    }
}

/// The number in `Set-Cookie: session=N`, the only cookie that devices set.
fn parse_session_cookie(headers: &HeaderMap) -> Option<u32> {
    headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|value| value.trim().strip_prefix("session="))
        .map(|value| value.split(';').next().unwrap_or(value).trim())
        // `parse` alone accepts a sign, which devices neither send nor recognize.
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        .find_map(|number| number.parse().ok())
}

/// A TCP connection to a device.
///
/// The device's HTTP server writes an answer in several small pieces with Nagle's algorithm on.
/// Each exchange would therefore wait 40 ms for a delayed acknowledgement. On Linux espctl requests
/// immediate acknowledgements, again around each read, because the system resets the option.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Join<Reader, OwnedWriteHalf>,
    /// The only interface that the socket may use.
    interface: Option<String>,
}

impl Socket {
    /// Connects within `limit`, trying every address of the host in turn, from `interface` if there
    /// is one.
    pub(super) async fn connect(
        address: &Address,
        interface: Option<&str>,
        limit: Duration,
    ) -> Result<Self, TransportError> {
        let connected = timeout(limit, connect_any(address, interface, limit)).await;
        let connected = connected.unwrap_or_else(|_| Err(connect_timeout()));
        let stream = connected.map_err(|source| match source.kind() {
            io::ErrorKind::PermissionDenied => {
                let address = address.clone();
                TransportError::PermissionDenied { address, source }
            }
            _ => TransportError::unreachable(address, source),
        })?;
        let (stream, writer) = stream.into_split();
        let answered = Arc::default();
        Ok(Self {
            stream: tokio::io::join(Reader { stream, answered }, writer),
            interface: interface.map(str::to_owned),
        })
    }
}

/// The reading half of a socket.
#[derive(Debug)]
struct Reader {
    stream: OwnedReadHalf,
    /// Whether the device sent anything since the last request.
    answered: Arc<AtomicBool>,
}

impl Reader {
    #[cfg(target_os = "linux")]
    fn request_quick_acks(&self) {
        // Failure is harmless: exchanges only take longer.
        if let Err(error) = socket2::SockRef::from(self.stream.as_ref()).set_tcp_quickack(true) {
            debug!(%error, "TCP_QUICKACK is not available");
        }
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "only Linux has this option")]
    fn request_quick_acks(&self) {}
}

/// The socket that a scan opened, for the first connection to the candidate: the device has room
/// for one, and a second one would evict it.
struct KeptSocket(Mutex<Option<Socket>>);

/// A device that answers at the address, with the open socket.
pub(super) fn make_candidate(
    medium: &'static Medium,
    address: Address,
    service: Service,
    socket: Socket,
) -> Candidate {
    Candidate {
        handle: Some(Handle::new(KeptSocket(Mutex::new(Some(socket))))),
        hints: Hints {
            is_likely: true,
            ..Hints::default()
        },
        ..Candidate::new(medium, address, service)
    }
}

/// Connects to a candidate, with the socket that the scan opened if it was not used before.
pub(super) async fn open_link(
    candidate: &Candidate,
    options: &DriverOptions,
    limits: &Limits,
) -> Result<Box<dyn Link>, TransportError> {
    let address = candidate.address.clone();
    let kept = candidate.handle.as_ref().and_then(Handle::read);
    let kept = kept
        .and_then(|KeptSocket(kept)| kept.lock().unwrap_or_else(PoisonError::into_inner).take());
    let socket = if let Some(socket) = kept {
        socket
    } else {
        let interface = Interface::from_driver_options(options);
        Socket::connect(&address, interface.name(), limits.connect).await?
    };
    Ok(HttpTransport::link(address, socket, limits))
}

/// Tries one address after the other, each for its share of the time: an address that never answers
/// must not block the next.
async fn connect_any(
    address: &Address,
    interface: Option<&str>,
    limit: Duration,
) -> io::Result<TcpStream> {
    let (host, port) = host_and_port(address);
    let addresses: Vec<SocketAddr> = lookup_host((host.as_str(), port)).await?.collect();
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match timeout(share, source::connect(address, interface)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                debug!(%address, "connected");
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = connect_timeout(),
        }
    }
    Err(last)
}

fn host_and_port(address: &Address) -> (String, u16) {
    let HostAddress { host, port } = HostAddress::from_address(address);
    (host, port.unwrap_or(DEFAULT_PORT))
}

fn connect_timeout() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the connection attempt timed out")
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.request_quick_acks();
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.answered.store(true, Ordering::Relaxed);
            self.request_quick_acks();
        }
        outcome
    }
}

/// The port of the provisioning manager's HTTP server.
pub(super) const DEFAULT_PORT: u16 = 80;
/// Far above the answers of any firmware.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_without_port_gets_default_port() {
        let host = || "device.local".to_owned();
        let bare = Address::new(host());
        assert_eq!(host_and_port(&bare), (host(), DEFAULT_PORT));
        let full = HostAddress::with_port(host(), 8080);
        assert_eq!(host_and_port(&full), (host(), 8080));
        // Another driver's address, which no name server resolves.
        assert_eq!(host_and_port(&Address::new("COM3")).0, "COM3");
    }
}
