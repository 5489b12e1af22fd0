//! protocomm over HTTP, as a device serves it on its SoftAP and on its network: one socket, one session,
//! and a closed socket for every refusal (`protocomm_httpd.c` on `esp_http_server`). It rejects what the
//! firmware rejects, even if real web servers are lenient.
//!
//! It writes the response in the firmware's pieces, with Nagle's algorithm, so that a client with delayed
//! acknowledgments has to wait, as with a real device. Requests and headers have the limits of ESP-IDF.
#![expect(
    clippy::disallowed_types,
    reason = "this file is one end of a socket, the listening one"
)]

mod connection;
mod head;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::OptionFuture;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;

use self::connection::{Closing, HeadError, HttpConnection, HttpResponse};
use self::head::{ErrorPage, MAX_TARGET, NOT_FOUND, URI_TOO_LONG, WRONG_METHOD, path_of};
use crate::emulator::announce::Announcement;
use crate::emulator::device::{Advertisement, Device, Reply, StopReason};
use crate::emulator::fault::FaultKind;
use crate::emulator::log::DeviceEvent;
use crate::emulator::server::{DeviceServer, Listener};

/// Opens a port; port 0 selects a free one.
pub async fn bind(address: SocketAddr) -> io::Result<HttpPort> {
    let socket = open(address).await?;
    Ok(HttpPort {
        address: socket.local_addr()?,
        socket: Some(socket),
        reserved: None,
        connection: None,
        connection_count: 0,
        service: Service::default(),
    })
}

/// An open port.
#[derive(Debug)]
pub struct HttpPort {
    /// `None` while the device is unreachable.
    socket: Option<TcpListener>,
    /// Keeps the port while the device is unreachable: a bound socket that does not listen refuses
    /// connections.
    reserved: Option<TcpSocket>,
    address: SocketAddr,
    /// The device supports one connection.
    connection: Option<HttpConnection>,
    connection_count: u64,
    service: Service,
}

impl HttpPort {
    /// The address and the selected port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Announces the device while it is served.
    #[must_use]
    pub fn with_announcement(mut self, announcement: Announcement) -> Self {
        self.service.announcement = announcement;
        self
    }

    /// Serves `device` until its service ends, and closes the port. Dropping the future also ends it.
    pub async fn serve(self, device: Device) -> StopReason {
        DeviceServer::run(device, self).await
    }
}

/// An event of the port.
pub(in crate::emulator) enum HttpEvent {
    Announcement(DeviceEvent),
    Received(io::Result<usize>),
    Accepted(io::Result<(TcpStream, SocketAddr)>),
}

impl Listener for HttpPort {
    type Event = HttpEvent;

    async fn start(&mut self, server: &mut DeviceServer) {
        self.service.announcement.begin(server.log()).await;
    }

    /// Handles a request before a new connection, as the firmware's loop.
    async fn next_event(&mut self) -> HttpEvent {
        let read = OptionFuture::from(self.connection.as_mut().map(HttpConnection::read));
        let accepted = OptionFuture::from(self.socket.as_ref().map(TcpListener::accept));
        tokio::select! {
            biased;
            entry = self.service.announcement.next_entry() => HttpEvent::Announcement(entry),
            Some(read) = read => HttpEvent::Received(read),
            Some(accepted) = accepted => HttpEvent::Accepted(accepted),
        }
    }

    async fn handle(
        &mut self,
        server: &mut DeviceServer,
        event: HttpEvent,
    ) -> Result<(), StopReason> {
        match event {
            HttpEvent::Announcement(entry) => server.log().write(&entry),
            HttpEvent::Accepted(Ok((stream, peer))) => {
                // The firmware evicts the least recently used connection.
                self.disconnect(server, "evicted by another connection");
                self.connection_count = self.connection_count.saturating_add(1);
                server.log_connection(self.connection_count, peer.to_string());
                self.connection = Some(HttpConnection::new(self.connection_count, stream));
            }
            // No file descriptor is free, or the client has disconnected.
            HttpEvent::Accepted(Err(_)) => sleep(ACCEPT_PAUSE).await,
            HttpEvent::Received(read) => {
                let Some(connection) = &mut self.connection else {
                    return Ok(());
                };
                let outcome = match read {
                    Ok(0) => Err(Closing("by the client".to_owned())),
                    Ok(_) => self.service.serve_request(server, connection).await,
                    Err(error) => Err(error.into()),
                };
                if let Err(Closing(why)) = outcome {
                    self.disconnect(server, &why);
                }
            }
        }
        Ok(())
    }

    fn disconnect(&mut self, server: &mut DeviceServer, why: &str) {
        if self.connection.take().is_some() {
            // The firmware reuses the number of a closed socket.
            self.service.cookieless_connection = None;
            server.log().close_connection(why);
        }
    }

    async fn set_reachable(&mut self, is_reachable: bool) -> Result<(), StopReason> {
        self.socket = None;
        if !is_reachable {
            self.reserved = reserve(self.address).ok();
            return Ok(());
        }
        let reserved = self.reserved.take();
        self.socket = match reserved.map(|reserved| reserved.listen(BACKLOG)) {
            Some(Ok(socket)) => Some(socket),
            // Another process may have bound the port.
            _ => Some(
                TcpListener::bind(self.address)
                    .await
                    .map_err(|_| StopReason::Vanished)?,
            ),
        };
        Ok(())
    }

    async fn end(&mut self, server: &mut DeviceServer, reason: StopReason) -> StopReason {
        self.socket = None;
        self.service.announcement.end(server.log(), |_| true).await;
        reason
    }
}

#[derive(Debug, Default)]
struct Service {
    announcement: Announcement,
    /// `cookie_session_id`: the one session of the whole server.
    session: Option<u32>,
    /// `sock_session_id`: the connection that began the session and has sent no cookie, so that it needs
    /// none.
    cookieless_connection: Option<u64>,
}

impl Service {
    /// Answers a request. Bytes after it remain unread until more arrive.
    async fn serve_request(
        &mut self,
        server: &mut DeviceServer,
        connection: &mut HttpConnection,
    ) -> Result<(), Closing> {
        let wait = server.device.settings.time_scale.of(RECEIVE_WAIT);
        let wait = wait.max(MIN_RECEIVE_WAIT);
        let max_head = server.device.settings.rules().max_head;
        let head = match connection.read_head(wait, max_head).await {
            Ok(head) => head,
            Err(HeadError::Page(page)) => return send_page(server, connection, "?", page).await,
            Err(HeadError::Disconnected(why)) => return Err(Closing(why)),
        };
        let path = path_of(&head.target);
        let is_registered = path
            .strip_prefix('/')
            .is_some_and(|name| server.device.has_endpoint(name));
        if head.target.len() > MAX_TARGET {
            return send_page(server, connection, path, URI_TOO_LONG).await;
        } else if !is_registered {
            return send_page(server, connection, path, NOT_FOUND).await;
        } else if head.method != "POST" {
            return send_page(server, connection, path, WRONG_METHOD).await;
        }

        // The endpoint's name is the rest of the target, with a query: the path of such a request is
        // registered, but its endpoint does not exist.
        let endpoint = head.target.get(1..).unwrap_or_default();
        let fault = match server.count_request(endpoint) {
            Ok(fault) => fault,
            Err(fault) => {
                // With unread bytes, a close would be a reset.
                let length = head.length.min(MAX_BODY);
                return match connection.read_body(&head, length, wait).await {
                    Ok(_) => send_fault(server, connection, fault, path).await,
                    Err(why) => close_refused(server, endpoint, &why),
                };
            }
        };
        // Before the check of the length: even an empty request can end another client's session.
        let (session, is_new) =
            self.select_session(server, connection.number, head.cookie.as_deref());
        if !(1..=MAX_BODY).contains(&head.length) {
            let why = format!("a body of {} bytes", head.length);
            return close_refused(server, endpoint, &why);
        }
        let body = match connection.read_body(&head, head.length, wait).await {
            Ok(body) => body,
            Err(why) => return close_refused(server, endpoint, &why),
        };
        let exchanged = server.exchange(fault, session, endpoint, &body);
        if server.device.has_challenges_disabled() {
            // Within the handler, before the answer is sent.
            let announcement = &mut self.announcement;
            announcement
                .end(server.log(), Advertisement::is_challenge_response)
                .await;
        }
        let Reply { bytes, after } = match exchanged {
            Ok(reply) => reply,
            // Every refusal closes the connection: 404 is for unregistered paths.
            Err(refusal) => {
                if !server.device.has_session(session) {
                    // The device crashed, and its server with it.
                    self.session = None;
                }
                return Err(Closing(format!("refused: {refusal}")));
            }
        };
        sleep(after).await;
        if fault == Some(FaultKind::Mute) {
            return Ok(());
        }
        let response = HttpResponse {
            status: "200 OK",
            session: is_new.then_some(session),
            body: &bytes,
            is_cut: fault == Some(FaultKind::Cut),
        };
        connection.respond(&response).await?;
        if fault == Some(FaultKind::Duplicate) {
            connection.respond(&response).await?;
        }
        if response.is_cut {
            return Err(Closing("in the middle of the answer".to_owned()));
        }
        Ok(())
    }

    /// Selects the session of a request. Returns whether the request begins it.
    fn select_session(
        &mut self,
        server: &mut DeviceServer,
        connection: u64,
        cookie: Option<&str>,
    ) -> (u32, bool) {
        // The firmware ignores longer cookies, which do not fit its buffer.
        let cookie = cookie.filter(|cookie| cookie.len() <= MAX_COOKIE);
        if let Some(current) = self.session {
            let is_current = match cookie {
                Some(cookie) => cookie == format!("session={current}"),
                None => self.cookieless_connection == Some(connection),
            };
            if is_current {
                if cookie.is_some() {
                    // From now on, only the cookie identifies the client.
                    self.cookieless_connection = None;
                }
                return (current, false);
            }
            server.device.close_session(current);
        }
        let session = server.device.draw_session_id();
        server.device.open_session(session);
        self.session = Some(session);
        self.cookieless_connection = Some(connection);
        (session, true)
    }
}

/// Answers a request that does not reach the device, as its fault requires.
async fn send_fault(
    server: &mut DeviceServer,
    connection: &mut HttpConnection,
    fault: FaultKind,
    path: &str,
) -> Result<(), Closing> {
    match fault {
        FaultKind::Drop => Ok(()),
        FaultKind::NotFound => send_page(server, connection, path, NOT_FOUND).await,
        FaultKind::Status(number) => {
            let status = format!("{number} Ordered");
            let response = HttpResponse {
                status: &status,
                ..HttpResponse::default()
            };
            connection.respond(&response).await?;
            Err(Closing(format!("status {number}")))
        }
        FaultKind::Reset => {
            // Without it, the socket would close in order.
            SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO))?;
            Err(Closing("reset".to_owned()))
        }
        _ => Err(Closing("without an answer".to_owned())),
    }
}

/// Refuses a request: the socket closes without a byte of an answer.
fn close_refused(server: &mut DeviceServer, endpoint: &str, why: &str) -> Result<(), Closing> {
    server.log_refusal(endpoint, why);
    Err(Closing(format!("refused: {why}")))
}

/// Answers with an error page, and closes the connection.
async fn send_page(
    server: &mut DeviceServer,
    connection: &mut HttpConnection,
    path: &str,
    (status, text): ErrorPage,
) -> Result<(), Closing> {
    server.log_refusal(path, status);
    let response = HttpResponse {
        body: text.as_bytes(),
        status,
        ..HttpResponse::default()
    };
    let shown = connection.respond(&response).await;
    // A socket that closes with unread bytes is reset, which may lose the page.
    let mut rest = [0; 1024];
    while matches!(connection.stream.try_read(&mut rest), Ok(1..)) {}
    shown?;
    Err(Closing(status.to_owned()))
}

/// Opens a port. The unspecified IPv6 address also accepts IPv4, as on a device.
async fn open(address: SocketAddr) -> io::Result<TcpListener> {
    if address.is_ipv6() && address.ip().is_unspecified() {
        return reserve(address)?.listen(BACKLOG);
    }
    TcpListener::bind(address).await
}

/// Binds a port without listening.
fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if address.is_ipv6() && address.ip().is_unspecified() {
        // The default differs between systems.
        SockRef::from(&socket).set_only_v6(false)?;
    }
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// As for `TcpListener::bind`.
const BACKLOG: u32 = 1024;
/// `MAX_REQ_BODY_LEN`.
const MAX_BODY: usize = 4096;
/// The capacity of `char cookie_buf[20]`.
const MAX_COOKIE: usize = 19;
/// `recv_wait_timeout`.
const RECEIVE_WAIT: Duration = Duration::from_secs(5);
/// The minimum for any time scale, which does not make the client's computer faster.
const MIN_RECEIVE_WAIT: Duration = Duration::from_millis(250);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
