//! The connection of an HTTP client: reads requests, and writes responses in the pieces of
//! `esp_http_server`.
#![expect(clippy::disallowed_types, reason = "sockets of the listening end")]

use std::io;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::head::{ErrorPage, Head, TOO_SLOW};
use crate::emulator::fault::FaultKind;

/// A connection. The device supports one at a time.
#[derive(Debug)]
pub(super) struct HttpConnection {
    pub(super) number: u64,
    stream: TcpStream,
    /// The bytes that were read, and not used.
    pending: Vec<u8>,
}

/// Why a connection closes.
pub(super) enum Closing {
    Because(String),
    /// After this error page, for a request to this path.
    Page(String, ErrorPage),
    /// The device refuses a request: the socket closes without a byte of an answer.
    Refused {
        endpoint: String,
        why: String,
    },
}

impl Closing {
    pub(super) fn because(why: &str) -> Self {
        Self::Because(why.to_owned())
    }

    pub(super) fn left() -> Self {
        Self::because("by the client")
    }
}

impl From<io::Error> for Closing {
    fn from(error: io::Error) -> Self {
        Self::Because(error.to_string())
    }
}

/// A response.
#[derive(Default)]
pub(super) struct HttpResponse<'a> {
    pub(super) status: &'a str,
    /// The session to set as a cookie.
    pub(super) session: Option<u32>,
    pub(super) body: &'a [u8],
    /// Whether only the first half of the body is sent.
    pub(super) is_cut: bool,
}

impl HttpConnection {
    pub(super) const fn new(number: u64, stream: TcpStream) -> Self {
        Self {
            number,
            stream,
            pending: Vec::new(),
        }
    }

    /// Waits for bytes.
    pub(super) async fn read(&mut self) -> io::Result<usize> {
        if self.pending.len() >= MAX_PENDING {
            return Ok(self.pending.len());
        }
        self.pending.reserve(READ_AHEAD);
        self.stream.read_buf(&mut self.pending).await
    }

    /// Waits for bytes, with a time limit for every piece, as `httpd_req_recv`.
    async fn read_within(&mut self, wait: Duration) -> Result<(), Closing> {
        match timeout(wait, self.read()).await {
            Ok(Ok(0)) => Err(Closing::left()),
            Ok(read) => Ok(read.map(|_| ())?),
            Err(_) => Err(Closing::Page(UNKNOWN_PATH.to_owned(), TOO_SLOW)),
        }
    }

    /// Waits for the head of a request, of at most `max_length` bytes.
    pub(super) async fn read_head(
        &mut self,
        wait: Duration,
        max_length: usize,
    ) -> Result<Head, Closing> {
        loop {
            match Head::parse(&self.pending, max_length) {
                Ok(Some(head)) => return Ok(head),
                Ok(None) => self.read_within(wait).await?,
                Err(page) => return Err(Closing::Page(UNKNOWN_PATH.to_owned(), page)),
            }
        }
    }

    /// Reads the body of a request, and removes head and body from the pending bytes.
    pub(super) async fn read_body(
        &mut self,
        head: &Head,
        length: usize,
        wait: Duration,
    ) -> Result<Vec<u8>, String> {
        let end = head.bytes.saturating_add(length);
        while self.pending.len() < end {
            let read = self.read_within(wait).await;
            read.map_err(|closing| match closing {
                Closing::Page(..) => "the body came too slowly".to_owned(),
                _ => "the client disconnected before its request was complete".to_owned(),
            })?;
        }
        let rest = self.pending.split_off(end);
        let mut request = std::mem::replace(&mut self.pending, rest);
        Ok(request.split_off(head.bytes))
    }

    /// Answers with an error page. Returns why the connection closes.
    pub(super) async fn send_page(&mut self, (status, text): ErrorPage) -> String {
        let response = HttpResponse {
            body: text.as_bytes(),
            status,
            ..HttpResponse::default()
        };
        let sent = self.respond(&response).await;
        // A socket that closes with unread bytes is reset, which may lose the page.
        let mut rest = [0; 1024];
        while matches!(self.stream.try_read(&mut rest), Ok(1..)) {}
        sent.map_or_else(|error| error.to_string(), |()| status.to_owned())
    }

    /// Does what a fault requires in place of an answer. Returns why the connection closes.
    pub(super) async fn close_by_fault(&mut self, fault: FaultKind) -> io::Result<Closing> {
        Ok(match fault {
            FaultKind::Status(number) => {
                let response = HttpResponse {
                    status: &format!("{number} Ordered"),
                    ..HttpResponse::default()
                };
                self.respond(&response).await?;
                Closing::Because(format!("status {number}"))
            }
            FaultKind::Reset => {
                // Without it, the socket would close in order.
                SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
                Closing::because("reset")
            }
            _ => Closing::because("without an answer"),
        })
    }

    /// Writes a response piece by piece, as `httpd_resp_send` does.
    pub(super) async fn respond(&mut self, response: &HttpResponse<'_>) -> io::Result<()> {
        let HttpResponse { status, body, .. } = response;
        let start = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n",
            body.len()
        );
        self.stream.write_all(start.as_bytes()).await?;
        if let Some(session) = response.session {
            for piece in ["Set-Cookie", ": ", &format!("session={session}"), "\r\n"] {
                self.stream.write_all(piece.as_bytes()).await?;
            }
        }
        self.stream.write_all(b"\r\n").await?;
        let (half, _) = body.split_at(body.len() / 2);
        let sent = if response.is_cut { half } else { body };
        self.stream.write_all(sent).await
    }
}

/// Enough for a head, a body, and the beginning of a premature request.
const MAX_PENDING: usize = 8192;
/// The bytes to read at a time.
const READ_AHEAD: usize = 1024;
/// The path in the log, if the head of a request cannot be read.
const UNKNOWN_PATH: &str = "?";
