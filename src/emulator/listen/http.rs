//! protocomm over HTTP, as a device serves it on its SoftAP and on its network: one socket, one session, and a closed
//! socket for every refusal (`protocomm_httpd.c` on `esp_http_server`). Not a web server: what a
//! real one would forgive is refused here, because the firmware refuses it.
//!
//! The response is written in as many pieces as the firmware writes, and Nagle's algorithm is left
//! on, so that a client that leaves its acknowledgements to the system waits for them here too.
//! Requests and headers are held against the limits of ESP-IDF.
#![expect(
    clippy::disallowed_types,
    reason = "this file is one end of a socket, the listening one"
)]

mod answer;
mod connection;
mod head;
mod port;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};

use self::answer::{Answer, OK, respond};
use self::connection::{Connection, NoHead, read_body, read_head, receive};
use self::head::{MAX_TARGET, NOT_FOUND, Page, URI_TOO_LONG, WRONG_METHOD, path_of};
use self::port::{BACKLOG, open, reserve};
use crate::emulator::announce::Announcement;
use crate::emulator::device::{Device, Outage, Refusal, Reply, StopReason};
use crate::emulator::fault::{FaultKind, Faults};
use crate::emulator::log::Entry;
use crate::emulator::node_cloud::Uplink;

/// Opens a port; port 0 takes a free one.
pub async fn bind(address: SocketAddr) -> io::Result<Listener> {
    Ok(Listener {
        socket: open(address).await?,
        announcement: Announcement::none(),
    })
}

/// An open port that nobody serves yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    announcement: Announcement,
}

impl Listener {
    /// Where it really is.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Has it announced while it is served.
    #[must_use]
    pub fn announced(mut self, announcement: Announcement) -> Self {
        self.announcement = announcement;
        self
    }

    /// Serves `device` until its service ends; then the port is closed. Dropping the future ends
    /// it as well.
    pub async fn serve(self, mut device: Device) -> Stopped {
        device.start(Instant::now());
        let mut server = Server {
            faults: Faults::new(device.faults().to_vec()),
            longest_head: device.rules().longest_head,
            previous: Vec::new(),
            uplink: device.uplink(),
            device,
            announcement: self.announcement,
            session: None,
            bare_socket: None,
            connections: 0,
        };
        server.announcement.begin(server.device.log()).await;
        let reason = server.run(self.socket).await;
        server.device.log().set_connection(None);
        server.announcement.end(server.device.log()).await;
        server.device.end();
        server.device.log().write(&Entry::ServiceStopped {
            why: reason.to_string(),
        });
        // Its service is over; the device is still there, and finishes what it has to tell.
        let Server {
            mut device, uplink, ..
        } = server;
        uplink.send(device.outgoing());
        uplink.finish(device.log()).await;
        Stopped(reason)
    }
}

/// That a device no longer listens.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Stopped(
    /// For which reason.
    pub StopReason,
);

struct Server {
    device: Device,
    uplink: Uplink,
    announcement: Announcement,
    /// `cookie_session_id`: the one session of the whole server.
    session: Option<u32>,
    /// `sock_session_id`: the connection that needs no cookie to be recognised, because it began
    /// the session and never sent one.
    bare_socket: Option<u64>,
    connections: u64,
    faults: Faults,
    /// The last answer that was due, for a fault that sends it again.
    previous: Vec<u8>,
    longest_head: usize,
}

/// What is next for a connection.
enum Next {
    KeepAlive,
    Close(String),
}

impl Server {
    async fn run(&mut self, mut socket: TcpListener) -> StopReason {
        let mut held: Option<Connection> = None;
        loop {
            self.device
                .log()
                .set_connection(held.as_ref().map(|connection| connection.number));
            if let Some(reason) = self.device.stopped(Instant::now()) {
                if held.take().is_some() {
                    self.note_closed("the service ended");
                }
                return reason;
            }
            self.uplink.send(self.device.outgoing());
            let stops_at = self.device.stops_at();
            let outage = self.device.outage();
            if let Some(outage) = outage.filter(|outage| outage.covers(Instant::now())) {
                if held.take().is_some() {
                    self.note_closed("the radio went to another channel");
                }
                match self.sit_out(outage, socket).await {
                    Some(reopened) => socket = reopened,
                    None => return StopReason::Vanished,
                }
                continue;
            }
            let out_at = outage
                .map(|outage| outage.from)
                .filter(|from| *from > Instant::now());
            let wake_at = [stops_at, out_at, self.device.next_news()]
                .into_iter()
                .flatten()
                .min();
            // As the firmware's loop: a request that is there comes before a new connection.
            tokio::select! {
                biased;
                () = at(wake_at) => {}
                (when, entry) = self.uplink.outcome() => self.device.log().write_at(when, &entry),
                entry = self.announcement.news() => self.device.log().write(&entry),
                read = receive(held.as_mut()) => {
                    let Some(connection) = &mut held else { continue };
                    let next = match read {
                        Ok(0) => Next::Close("by the client".to_owned()),
                        Ok(_) => tokio::select! {
                            biased;
                            next = self.serve_request(connection) => next,
                            // A service that ends does not wait for a handler that hangs.
                            () = at(stops_at) => continue,
                        },
                        Err(error) => Next::Close(error.to_string()),
                    };
                    if let Next::Close(why) = next {
                        held = None;
                        self.note_closed(&why);
                    }
                }
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => {
                        // Room for one: the least recently used one goes.
                        if held.take().is_some() {
                            self.note_closed("evicted by another connection");
                        }
                        held = Some(self.take_in(stream, peer));
                    }
                    // Out of file descriptors, or a client that has already left.
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                }
            }
        }
    }

    /// Waits with a closed port until the device can be reached again, if it ever can. A socket
    /// that is bound and does not listen refuses connections and keeps the number.
    async fn sit_out(&mut self, outage: Outage, socket: TcpListener) -> Option<TcpListener> {
        self.device.log().set_connection(None);
        self.device.log().write(&Entry::Unreachable);
        let address = socket.local_addr();
        drop(socket);
        let (Some(until), Ok(address)) = (outage.until, address) else {
            at(self.device.stops_at()).await;
            // For what happened at the end of the wait.
            self.device.stopped(Instant::now())?;
            return None;
        };
        let reserved = reserve(address);
        sleep_until(until).await;
        self.device.stopped(Instant::now());
        let reopened = match reserved.and_then(|reserved| reserved.listen(BACKLOG)) {
            Ok(listener) => listener,
            // Somebody else may have been quicker: then the number is not ours any more.
            Err(_) => TcpListener::bind(address).await.ok()?,
        };
        self.device.log().write(&Entry::Reachable);
        Some(reopened)
    }

    fn take_in(&mut self, stream: TcpStream, peer: SocketAddr) -> Connection {
        self.connections = self.connections.saturating_add(1);
        let number = self.connections;
        self.device.log().set_connection(Some(number));
        self.device.log().write(&Entry::ConnectionOpened {
            peer: peer.to_string(),
        });
        Connection {
            number,
            stream,
            pending: Vec::new(),
        }
    }

    fn note_closed(&mut self, why: &str) {
        // Numbers are given again, so a closed socket's must not be remembered.
        self.bare_socket = None;
        self.device.log().write(&Entry::ConnectionClosed {
            why: why.to_owned(),
        });
    }

    /// Answers one request. What the client sent beyond it stays unread until more arrives.
    async fn serve_request(&mut self, connection: &mut Connection) -> Next {
        let wait = self
            .device
            .time_scale()
            .of(RECEIVE_WAIT)
            .max(LEAST_RECEIVE_WAIT);
        let head = match read_head(connection, wait, self.longest_head).await {
            Ok(head) => head,
            Err(NoHead::Page(page)) => return self.show(connection, "?", page).await,
            Err(NoHead::Gone(why)) => return Next::Close(why),
        };
        let path = path_of(&head.target);
        if head.target.len() > MAX_TARGET {
            return self.show(connection, path, URI_TOO_LONG).await;
        }
        if !path
            .strip_prefix('/')
            .is_some_and(|name| self.device.has_endpoint(name))
        {
            return self.show(connection, path, NOT_FOUND).await;
        }
        if head.method != "POST" {
            return self.show(connection, path, WRONG_METHOD).await;
        }

        // The endpoint's name is all that follows the first character, a query included: such a
        // request is for an endpoint, and then for one that does not exist.
        let endpoint = head.target.get(1..).unwrap_or_default();
        let fault = self.faults.next(endpoint);
        if let Some((number, kind)) = fault {
            self.device.log().write(&Entry::Fault {
                endpoint: endpoint.to_owned(),
                kind: kind.to_string(),
                number,
            });
        }
        let fault = fault.map(|(_, kind)| kind);
        if let Some(kind) = fault.filter(|kind| comes_before_handling(*kind)) {
            // What is not read would turn a close into a reset.
            let length = usize::try_from(head.length.min(MAX_BODY)).unwrap_or(usize::MAX);
            return match read_body(connection, &head, length, wait).await {
                Ok(_) => self.lose(connection, kind, path).await,
                Err(why) => self.refuse(endpoint, &why),
            };
        }
        // Before the length is looked at: even an empty request can end another's session.
        let (session, is_new) = self.session_of(connection.number, head.cookie.as_deref());
        if !(1..=MAX_BODY).contains(&head.length) {
            return self.refuse(endpoint, &format!("a body of {} bytes", head.length));
        }
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        let body = match read_body(connection, &head, length, wait).await {
            Ok(body) => body,
            Err(why) => return self.refuse(endpoint, &why),
        };
        let handled = self.device.handle_with(fault, session, endpoint, &body);
        if self.device.is_switched_off() {
            // Within the handler, so that the answer leaves after it.
            let log = self.device.log();
            self.announcement.end_challenge_response(log).await;
        }
        let Reply { bytes, after } = match handled {
            Ok(reply) => reply,
            // Both look the same here: 404 is for paths that were not registered.
            Err(refusal @ (Refusal::NoSuchEndpoint | Refusal::Failed { .. })) => {
                if !self.device.has_session(session) {
                    // It went down, and its server with it.
                    self.session = None;
                }
                return Next::Close(format!("refused: {refusal}"));
            }
        };
        sleep(after).await;
        let before = std::mem::replace(&mut self.previous, bytes.clone());
        let bytes = match fault {
            Some(FaultKind::Mute) => return Next::KeepAlive,
            Some(FaultKind::Delay(wait)) => {
                sleep(wait).await;
                bytes
            }
            Some(kind) => kind.alter(bytes, &before),
            None => bytes,
        };
        let cookie = is_new.then(|| format!("session={session}"));
        let is_cut = fault == Some(FaultKind::Cut);
        let times = if fault == Some(FaultKind::Duplicate) {
            2
        } else {
            1
        };
        for _ in 0..times {
            let answer = Answer {
                status: OK,
                cookie: cookie.as_deref(),
                body: &bytes,
                is_cut,
            };
            if let Err(error) = respond(&mut connection.stream, answer).await {
                return Next::Close(error.to_string());
            }
        }
        if is_cut {
            return Next::Close("in the middle of the answer".to_owned());
        }
        Next::KeepAlive
    }

    /// What becomes of a request that the device never hears of.
    async fn lose(&mut self, connection: &mut Connection, kind: FaultKind, path: &str) -> Next {
        match kind {
            FaultKind::Drop => Next::KeepAlive,
            FaultKind::NotFound => self.show(connection, path, NOT_FOUND).await,
            FaultKind::Status(number) => {
                let answer = Answer {
                    status: &format!("{number} Ordered"),
                    cookie: None,
                    body: b"",
                    is_cut: false,
                };
                match respond(&mut connection.stream, answer).await {
                    Ok(()) => Next::Close(format!("status {number}")),
                    Err(error) => Next::Close(error.to_string()),
                }
            }
            FaultKind::Reset => {
                // Without it, the other side sees an orderly close.
                match SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO)) {
                    Ok(()) => Next::Close("reset".to_owned()),
                    Err(error) => Next::Close(error.to_string()),
                }
            }
            _ => Next::Close("without an answer".to_owned()),
        }
    }

    /// To which session a request belongs, and whether it begins it.
    fn session_of(&mut self, connection: u64, cookie: Option<&str>) -> (u32, bool) {
        // Longer ones do not fit the firmware's buffer, and count as none.
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
            self.device.close_session(current);
        }
        let session = self.device.draw_session_id();
        self.device.open_session(session);
        self.session = Some(session);
        self.bare_socket = Some(connection);
        (session, true)
    }

    /// No status line, no byte: the socket just closes.
    fn refuse(&mut self, endpoint: &str, why: &str) -> Next {
        self.device.log().write(&Entry::Refused {
            endpoint: endpoint.to_owned(),
            why: why.to_owned(),
        });
        Next::Close(format!("refused: {why}"))
    }

    async fn show(&mut self, connection: &mut Connection, path: &str, page: Page) -> Next {
        let Page { status, text } = page;
        self.device.log().write(&Entry::Refused {
            endpoint: path.to_owned(),
            why: status.to_owned(),
        });
        let stream = &mut connection.stream;
        let answer = Answer {
            status,
            cookie: None,
            body: text.as_bytes(),
            is_cut: false,
        };
        let shown = respond(stream, answer).await;
        // A socket that is closed with something unread in it is reset, and the page may be lost.
        let mut rest = [0; 1024];
        while matches!(stream.try_read(&mut rest), Ok(1..)) {}
        match shown {
            Ok(()) => Next::Close(status.to_owned()),
            Err(error) => Next::Close(error.to_string()),
        }
    }
}

/// Whether a fault keeps the request from the device.
fn comes_before_handling(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Close
            | FaultKind::Drop
            | FaultKind::NotFound
            | FaultKind::Reset
            | FaultKind::Status(_)
    )
}

/// Waits for that moment; for ever where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// `MAX_REQ_BODY_LEN`.
const MAX_BODY: u64 = 4096;
/// What `char cookie_buf[20]` holds.
const MAX_COOKIE: usize = 19;
/// `recv_wait_timeout`.
const RECEIVE_WAIT: Duration = Duration::from_secs(5);
/// However fast the device's time runs, the client's computer is no faster.
const LEAST_RECEIVE_WAIT: Duration = Duration::from_millis(250);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
