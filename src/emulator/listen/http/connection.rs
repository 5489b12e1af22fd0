//! The connection of an HTTP client: reads requests, and writes responses in the pieces of
//! `esp_http_server`.
#![expect(clippy::disallowed_types, reason = "sockets of the listening end")]

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::head::{ErrorPage, Head, TOO_SLOW};

/// A connection. The device supports one at a time.
#[derive(Debug)]
pub(super) struct HttpConnection {
    pub(super) number: u64,
    pub(super) stream: TcpStream,
    /// The bytes that were read, and not used.
    pending: Vec<u8>,
}

/// Why a connection closes.
pub(super) struct Closing(pub(super) String);

impl From<io::Error> for Closing {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Why the head of a request cannot be read.
pub(super) enum HeadError {
    /// The request gets this error page.
    Page(ErrorPage),
    /// The client has disconnected.
    Disconnected(String),
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
    async fn read_within(&mut self, wait: Duration) -> Result<(), HeadError> {
        match timeout(wait, self.read()).await {
            Ok(Ok(0)) => Err(HeadError::Disconnected("by the client".to_owned())),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(HeadError::Disconnected(error.to_string())),
            Err(_) => Err(HeadError::Page(TOO_SLOW)),
        }
    }

    /// Waits for the head of a request, of at most `max_length` bytes.
    pub(super) async fn read_head(
        &mut self,
        wait: Duration,
        max_length: usize,
    ) -> Result<Head, HeadError> {
        loop {
            if let Some(head) = Head::parse(&self.pending, max_length).map_err(HeadError::Page)? {
                return Ok(head);
            }
            self.read_within(wait).await?;
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
            self.read_within(wait)
                .await
                .map_err(|failed| match failed {
                    HeadError::Disconnected(_) => {
                        "the client disconnected before its request was complete".to_owned()
                    }
                    HeadError::Page(_) => "the body came too slowly".to_owned(),
                })?;
        }
        let rest = self.pending.split_off(end);
        let mut request = std::mem::replace(&mut self.pending, rest);
        Ok(request.split_off(head.bytes))
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
