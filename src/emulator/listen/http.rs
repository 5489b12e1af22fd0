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

use self::connection::{Closing, HttpConnection, HttpResponse};
use self::head::{MAX_TARGET, NOT_FOUND, URI_TOO_LONG, WRONG_METHOD, path_of};
use crate::emulator::announce::Announcement;
use crate::emulator::device::{Advertisement, Device, Reply, StopReason};
use crate::emulator::fault::FaultKind;
use crate::emulator::log::DeviceEvent;
use crate::emulator::server::{DeviceServer, Listener};

/// Opens a port; port 0 selects a free one.
pub fn bind(address: SocketAddr) -> io::Result<HttpPort> {
    let socket = reserve(address)?.listen(BACKLOG)?;
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
                let handled = match read {
                    Ok(0) => Err(Closing::left()),
                    Ok(_) => self.service.serve_request(server, connection).await,
                    Err(error) => Err(error.into()),
                };
                let why = match handled {
                    Ok(()) => return Ok(()),
                    Err(Closing::Because(why)) => why,
                    Err(Closing::Refused { endpoint, why }) => {
                        server.log_refusal(&endpoint, &why);
                        format!("refused: {why}")
                    }
                    Err(Closing::Page(path, page)) => {
                        server.log_refusal(&path, page.0);
                        connection.send_page(page).await
                    }
                };
                self.disconnect(server, &why);
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
        let reserved = self.reserved.take();
        let reserved = reserved.map_or_else(|| reserve(self.address), Ok);
        if is_reachable {
            let listening = reserved.and_then(|reserved| reserved.listen(BACKLOG));
            // Another process may have bound the port.
            self.socket = Some(listening.map_err(|_| StopReason::Vanished)?);
        } else {
            self.reserved = reserved.ok();
        }
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
        let head = connection.read_head(wait, max_head).await?;
        let path = path_of(&head.target);
        let page = |page| Err(Closing::Page(path.to_owned(), page));
        let is_registered = path
            .strip_prefix('/')
            .is_some_and(|name| server.device.has_endpoint(name));
        if head.target.len() > MAX_TARGET {
            return page(URI_TOO_LONG);
        } else if !is_registered {
            return page(NOT_FOUND);
        } else if head.method != "POST" {
            return page(WRONG_METHOD);
        }

        // The endpoint's name is the rest of the target, with a query: the path of such a request is
        // registered, but its endpoint does not exist.
        let endpoint = head.target.get(1..).unwrap_or_default();
        let refused = |why| Closing::Refused {
            endpoint: endpoint.to_owned(),
            why,
        };
        let fault = match server.count_request(endpoint) {
            Ok(fault) => fault,
            Err(fault) => {
                // With unread bytes, a close would be a reset.
                let length = head.length.min(MAX_BODY);
                let body = connection.read_body(&head, length, wait).await;
                body.map_err(refused)?;
                return match fault {
                    FaultKind::Drop => Ok(()),
                    FaultKind::NotFound => page(NOT_FOUND),
                    _ => Err(connection.close_by_fault(fault).await?),
                };
            }
        };
        // Before the check of the length: even an empty request can end another client's session.
        let (session, is_new) =
            self.select_session(server, connection.number, head.cookie.as_deref());
        if !(1..=MAX_BODY).contains(&head.length) {
            return Err(refused(format!("a body of {} bytes", head.length)));
        }
        let body = connection.read_body(&head, head.length, wait).await;
        let body = body.map_err(refused)?;
        let exchanged = server.exchange(fault, session, endpoint, &body);
        if server.device.has_challenges_disabled() {
            // Within the handler, before the answer is sent.
            let is_ended = Advertisement::is_challenge_response;
            self.announcement.end(server.log(), is_ended).await;
        }
        let Reply { bytes, after } = match exchanged {
            Ok(reply) => reply,
            // Every refusal closes the connection: 404 is for unregistered paths.
            Err(refusal) => {
                if !server.device.has_session(session) {
                    // The device crashed, and its server with it.
                    self.session = None;
                }
                return Err(Closing::Because(format!("refused: {refusal}")));
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
            return Err(Closing::because("in the middle of the answer"));
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

/// Binds a port without listening.
fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if address.is_ipv6() && address.ip().is_unspecified() {
        // As on a device. The default differs between systems.
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
