//! protocomm over HTTP, as a device serves it on its SoftAP and on its network: one socket, one
//! session, and a closed socket for every refusal (`protocomm_httpd.c` on `esp_http_server`). Not
//! a web server: it rejects what the firmware rejects, even where a real server is lenient.
//!
//! The response is written in as many pieces as the firmware writes, and Nagle's algorithm is left
//! on, so that a client that leaves its acknowledgements to the system waits for them here too.
//! Requests and headers are held against the limits of ESP-IDF.
#![expect(
    clippy::disallowed_types,
    reason = "this file is one end of a socket, the listening one"
)]

mod connection;
mod head;
mod port;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::OptionFuture;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;

use self::connection::{Answer, Closing, Connection, NoHead};
use self::head::{MAX_TARGET, NOT_FOUND, Page, URI_TOO_LONG, WRONG_METHOD, path_of};
use self::port::{BACKLOG, open, reserve};
use crate::emulator::announce::Announcement;
use crate::emulator::device::{Advertisement, Device, Reply, StopReason};
use crate::emulator::fault::FaultKind;
use crate::emulator::log::Entry;
use crate::emulator::server::{DeviceServer, Listener};

/// Opens a port; port 0 takes a free one.
pub async fn bind(address: SocketAddr) -> io::Result<HttpPort> {
    let socket = open(address).await?;
    Ok(HttpPort {
        address: socket.local_addr()?,
        socket: Some(socket),
        reserved: None,
        held: None,
        connections: 0,
        service: Service::default(),
    })
}

/// An open port.
#[derive(Debug)]
pub struct HttpPort {
    /// `None` while the device is out of reach.
    socket: Option<TcpListener>,
    /// Keeps the port while the device is out of reach: a socket that is bound and does not listen
    /// refuses connections.
    reserved: Option<TcpSocket>,
    address: SocketAddr,
    /// The device has room for one.
    held: Option<Connection>,
    connections: u64,
    service: Service,
}

impl HttpPort {
    /// The address and the port that were taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Announces the device while it is served.
    #[must_use]
    pub fn announced(mut self, announcement: Announcement) -> Self {
        self.service.announcement = announcement;
        self
    }

    /// Serves `device` until its service ends; then the port is closed. Dropping the future ends
    /// it as well.
    pub async fn serve(self, device: Device) -> StopReason {
        DeviceServer::run(device, self).await
    }
}

pub(in crate::emulator) enum Event {
    Announcement(Entry),
    Received(io::Result<usize>),
    Accepted(io::Result<(TcpStream, SocketAddr)>),
}

impl Listener for HttpPort {
    type Event = Event;

    async fn start(&mut self, server: &mut DeviceServer) {
        self.service.announcement.begin(server.log()).await;
    }

    /// As in the firmware's loop, a request comes before a new connection.
    async fn next_event(&mut self) -> Event {
        let read = OptionFuture::from(self.held.as_mut().map(Connection::read));
        let accepted = OptionFuture::from(self.socket.as_ref().map(TcpListener::accept));
        tokio::select! {
            biased;
            entry = self.service.announcement.next_entry() => Event::Announcement(entry),
            Some(read) = read => Event::Received(read),
            Some(accepted) = accepted => Event::Accepted(accepted),
        }
    }

    async fn handle(&mut self, server: &mut DeviceServer, event: Event) -> Result<(), StopReason> {
        match event {
            Event::Announcement(entry) => server.log().write(&entry),
            Event::Accepted(Ok((stream, peer))) => {
                // The least recently used one has to go.
                self.disconnect(server, "evicted by another connection");
                self.connections = self.connections.saturating_add(1);
                server.log_connection(self.connections, peer.to_string());
                self.held = Some(Connection::new(self.connections, stream));
            }
            // Out of file descriptors, or a client that has already left.
            Event::Accepted(Err(_)) => sleep(ACCEPT_PAUSE).await,
            Event::Received(read) => {
                let Some(connection) = &mut self.held else {
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
        if self.held.take().is_some() {
            // The firmware gives the number of a closed socket to the next one.
            self.service.bare_socket = None;
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
            // Another process may have taken the port meanwhile.
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
    /// `sock_session_id`: the connection that needs no cookie to be recognized, because it began
    /// the session and never sent one.
    bare_socket: Option<u64>,
}

impl Service {
    /// Answers one request. What the client sent beyond it stays unread until more arrives.
    async fn serve_request(
        &mut self,
        server: &mut DeviceServer,
        connection: &mut Connection,
    ) -> Result<(), Closing> {
        let wait = server.device.settings.time_scale.of(RECEIVE_WAIT);
        let wait = wait.max(LEAST_RECEIVE_WAIT);
        let max_head = server.device.settings.rules().max_head;
        let head = match connection.read_head(wait, max_head).await {
            Ok(head) => head,
            Err(NoHead::Page(page)) => return show(server, connection, "?", page).await,
            Err(NoHead::Gone(why)) => return Err(Closing(why)),
        };
        let path = path_of(&head.target);
        let is_registered = path
            .strip_prefix('/')
            .is_some_and(|name| server.device.has_endpoint(name));
        if head.target.len() > MAX_TARGET {
            return show(server, connection, path, URI_TOO_LONG).await;
        } else if !is_registered {
            return show(server, connection, path, NOT_FOUND).await;
        } else if head.method != "POST" {
            return show(server, connection, path, WRONG_METHOD).await;
        }

        // The endpoint's name is all that follows the first character, a query included: such a
        // request is for an endpoint, and then for one that does not exist.
        let endpoint = head.target.get(1..).unwrap_or_default();
        let fault = match server.count_request(endpoint) {
            Ok(fault) => fault,
            Err(fault) => {
                // What is not read would turn a close into a reset.
                let length = head.length.min(MAX_BODY);
                return match connection.read_body(&head, length, wait).await {
                    Ok(_) => lose(server, connection, fault, path).await,
                    Err(why) => refuse(server, endpoint, &why),
                };
            }
        };
        // Before the length is looked at: even an empty request can end another's session.
        let (session, is_new) = self.session_of(server, connection.number, head.cookie.as_deref());
        if !(1..=MAX_BODY).contains(&head.length) {
            let why = format!("a body of {} bytes", head.length);
            return refuse(server, endpoint, &why);
        }
        let body = match connection.read_body(&head, head.length, wait).await {
            Ok(body) => body,
            Err(why) => return refuse(server, endpoint, &why),
        };
        let exchanged = server.exchange(fault, session, endpoint, &body);
        if server.device.has_challenges_disabled() {
            // Within the handler, so that the answer leaves after it.
            let which = Advertisement::is_challenge_response;
            self.announcement.end(server.log(), which).await;
        }
        let Reply { bytes, after } = match exchanged {
            Ok(reply) => reply,
            // Every refusal looks the same here: 404 is for paths that were not registered.
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
        let answer = Answer {
            status: "200 OK",
            session: is_new.then_some(session),
            body: &bytes,
            is_cut: fault == Some(FaultKind::Cut),
        };
        connection.respond(&answer).await?;
        if fault == Some(FaultKind::Duplicate) {
            connection.respond(&answer).await?;
        }
        if answer.is_cut {
            return Err(Closing("in the middle of the answer".to_owned()));
        }
        Ok(())
    }

    /// To which session a request belongs, and whether it begins it.
    fn session_of(
        &mut self,
        server: &mut DeviceServer,
        connection: u64,
        cookie: Option<&str>,
    ) -> (u32, bool) {
        // Longer ones do not fit the firmware's buffer, and are ignored.
        let cookie = cookie.filter(|cookie| cookie.len() <= MAX_COOKIE);
        if let Some(current) = self.session {
            let continues = match cookie {
                Some(cookie) => cookie == format!("session={current}"),
                None => self.bare_socket == Some(connection),
            };
            if continues {
                if cookie.is_some() {
                    // A client with cookies is known by them alone from now on.
                    self.bare_socket = None;
                }
                return (current, false);
            }
            server.device.close_session(current);
        }
        let session = server.device.draw_session_id();
        server.device.open_session(session);
        self.session = Some(session);
        self.bare_socket = Some(connection);
        (session, true)
    }
}

/// Shows how a request gets lost that never reaches the device.
async fn lose(
    server: &mut DeviceServer,
    connection: &mut Connection,
    fault: FaultKind,
    path: &str,
) -> Result<(), Closing> {
    match fault {
        FaultKind::Drop => Ok(()),
        FaultKind::NotFound => show(server, connection, path, NOT_FOUND).await,
        FaultKind::Status(number) => {
            let status = format!("{number} Ordered");
            connection.respond(&Answer::empty(&status)).await?;
            Err(Closing(format!("status {number}")))
        }
        FaultKind::Reset => {
            // Without it, the other side sees an orderly close.
            SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO))?;
            Err(Closing("reset".to_owned()))
        }
        _ => Err(Closing("without an answer".to_owned())),
    }
}

/// No status line, no byte: the socket just closes.
fn refuse(server: &mut DeviceServer, endpoint: &str, why: &str) -> Result<(), Closing> {
    server.log_refusal(endpoint, why);
    Err(Closing(format!("refused: {why}")))
}

async fn show(
    server: &mut DeviceServer,
    connection: &mut Connection,
    path: &str,
    page: Page,
) -> Result<(), Closing> {
    let Page { status, text } = page;
    server.log_refusal(path, status);
    let answer = Answer {
        body: text.as_bytes(),
        ..Answer::empty(status)
    };
    let shown = connection.respond(&answer).await;
    // A socket that is closed with something unread in it is reset, and the page may be lost.
    let mut rest = [0; 1024];
    while matches!(connection.stream.try_read(&mut rest), Ok(1..)) {}
    shown?;
    Err(Closing(status.to_owned()))
}

/// `MAX_REQ_BODY_LEN`.
const MAX_BODY: usize = 4096;
/// What `char cookie_buf[20]` holds.
const MAX_COOKIE: usize = 19;
/// `recv_wait_timeout`.
const RECEIVE_WAIT: Duration = Duration::from_secs(5);
/// However fast the device's time runs, the client's computer is no faster.
const LEAST_RECEIVE_WAIT: Duration = Duration::from_millis(250);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
