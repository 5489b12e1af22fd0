//! protocomm over HTTP, as a device's SoftAP serves it: one socket, one session, and a closed
//! socket for every refusal (`protocomm_httpd.c` on `esp_http_server`). Not a web server: what a
//! real one would forgive is refused here, because the firmware refuses it.
//!
//! The response is written in as many pieces as the firmware writes, and Nagle's algorithm is left
//! on, so that a client that leaves its acknowledgements to the system waits for them here too.
//! Requests and headers are held against the limits of ESP-IDF 5.5.
#![expect(
    clippy::disallowed_types,
    reason = "this file is one end of a socket, the listening one"
)]

mod head;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use self::head::{
    Head, MAX_HEAD, MAX_TARGET, NOT_FOUND, Page, TOO_SLOW, URI_TOO_LONG, WRONG_METHOD, path_of,
};
use crate::emulator::device::{Device, Refusal, StopReason};
use crate::emulator::log::Entry;

/// Opens a port; port 0 takes a free one.
pub async fn bind(address: SocketAddr) -> io::Result<Listener> {
    Ok(Listener {
        socket: TcpListener::bind(address).await?,
    })
}

/// An open port that nobody serves yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Where it really is.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves `device` until its service ends; then the port is closed. Dropping the future ends
    /// it as well.
    pub async fn serve(self, device: Device) -> Stopped {
        let mut server = Server {
            device,
            session: None,
            bare_socket: None,
            connections: 0,
        };
        let reason = server.run(&self.socket).await;
        server.device.log().set_connection(None);
        server.device.log().write(&Entry::ServiceStopped {
            why: reason.to_string(),
        });
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
    /// `cookie_session_id`: the one session of the whole server.
    session: Option<u32>,
    /// `sock_session_id`: the connection that needs no cookie to be recognised, because it began
    /// the session and never sent one.
    bare_socket: Option<u64>,
    connections: u64,
}

/// The one connection that the device has room for.
struct Connection {
    number: u64,
    stream: TcpStream,
    /// Read, and not yet used.
    pending: Vec<u8>,
}

/// What is next for a connection.
enum Next {
    KeepAlive,
    Close(String),
}

/// Why there is no head.
enum NoHead {
    /// It is answered with an error page.
    Page(Page),
    /// The client is gone.
    Gone(String),
}

impl Server {
    async fn run(&mut self, socket: &TcpListener) -> StopReason {
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
            let stops_at = self.device.stops_at();
            // As the firmware's loop: a request that is there comes before a new connection.
            tokio::select! {
                biased;
                () = at(stops_at) => {}
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

    fn take_in(&mut self, stream: TcpStream, peer: SocketAddr) -> Connection {
        self.connections = self.connections.saturating_add(1);
        let number = self.connections;
        self.device.log().set_connection(Some(number));
        self.device.log().write(&Entry::ConnectionOpened { peer });
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
        let head = match read_head(connection, wait).await {
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
        let reply = match self.device.handle(session, endpoint, &body) {
            Ok(reply) => reply,
            // Both look the same here: 404 is for paths that were not registered.
            Err(refusal @ (Refusal::NoSuchEndpoint | Refusal::Failed { .. })) => {
                return Next::Close(format!("refused: {refusal}"));
            }
        };
        sleep(reply.after).await;
        let cookie = is_new.then(|| format!("session={session}"));
        match respond(&mut connection.stream, OK, cookie.as_deref(), &reply.bytes).await {
            Ok(()) => Next::KeepAlive,
            Err(error) => Next::Close(error.to_string()),
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
        let shown = respond(stream, status, None, text.as_bytes()).await;
        // A socket that is closed with something unread in it is reset, and the page may be lost.
        let mut rest = [0; 1024];
        while matches!(stream.try_read(&mut rest), Ok(1..)) {}
        match shown {
            Ok(()) => Next::Close(status.to_owned()),
            Err(error) => Next::Close(error.to_string()),
        }
    }
}

/// Waits for bytes; for ever where there is no connection.
async fn receive(connection: Option<&mut Connection>) -> io::Result<usize> {
    match connection {
        Some(connection) => connection.read().await,
        None => std::future::pending().await,
    }
}

/// Waits for that moment; for ever where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

impl Connection {
    async fn read(&mut self) -> io::Result<usize> {
        if self.pending.len() >= MAX_PENDING {
            return Ok(self.pending.len());
        }
        self.pending.reserve(MAX_HEAD);
        self.stream.read_buf(&mut self.pending).await
    }

    /// As `httpd_req_recv`: the wait begins anew with every piece.
    async fn read_within(&mut self, wait: Duration) -> Result<(), Failed> {
        match timeout(wait, self.read()).await {
            Ok(Ok(0)) => Err(Failed::Gone("by the client".to_owned())),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failed::Gone(error.to_string())),
            Err(_) => Err(Failed::TooSlow),
        }
    }
}

enum Failed {
    Gone(String),
    TooSlow,
}

async fn read_head(connection: &mut Connection, wait: Duration) -> Result<Head, NoHead> {
    loop {
        if let Some(head) = Head::parse(&connection.pending).map_err(NoHead::Page)? {
            return Ok(head);
        }
        connection
            .read_within(wait)
            .await
            .map_err(|failed| match failed {
                Failed::Gone(why) => NoHead::Gone(why),
                Failed::TooSlow => NoHead::Page(TOO_SLOW),
            })?;
    }
}

/// Takes the head and its body out of what was read, and reads what is missing.
async fn read_body(
    connection: &mut Connection,
    head: &Head,
    length: usize,
    wait: Duration,
) -> Result<Vec<u8>, String> {
    let end = head.bytes.saturating_add(length);
    while connection.pending.len() < end {
        connection
            .read_within(wait)
            .await
            .map_err(|failed| match failed {
                Failed::Gone(_) => "the client left before its request was complete".to_owned(),
                Failed::TooSlow => "the body came too slowly".to_owned(),
            })?;
    }
    let rest = connection.pending.split_off(end);
    let mut request = std::mem::replace(&mut connection.pending, rest);
    Ok(request.split_off(head.bytes))
}

/// Piece by piece, as `httpd_resp_send` writes.
async fn respond(
    stream: &mut TcpStream,
    status: &str,
    cookie: Option<&str>,
    body: &[u8],
) -> io::Result<()> {
    let start = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n",
        body.len()
    );
    stream.write_all(start.as_bytes()).await?;
    if let Some(cookie) = cookie {
        for piece in ["Set-Cookie", ": ", cookie, "\r\n"] {
            stream.write_all(piece.as_bytes()).await?;
        }
    }
    stream.write_all(b"\r\n").await?;
    stream.write_all(body).await
}

const OK: &str = "200 OK";
/// `MAX_REQ_BODY_LEN`.
const MAX_BODY: u64 = 4096;
/// A head, a body, and the beginning of what should not have been sent yet.
const MAX_PENDING: usize = 8192;
/// What `char cookie_buf[20]` holds.
const MAX_COOKIE: usize = 19;
/// `recv_wait_timeout`.
const RECEIVE_WAIT: Duration = Duration::from_secs(5);
/// However fast the device's time runs, the client's computer is no faster.
const LEAST_RECEIVE_WAIT: Duration = Duration::from_millis(250);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
