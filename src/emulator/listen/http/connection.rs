//! The one connection that a device has room for: how requests are read from it, and answers
//! written as `esp_http_server` writes them. Not which answer a request gets.
#![expect(clippy::disallowed_types, reason = "sockets of the listening end")]

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::head::{Head, Page, TOO_SLOW};

/// The one connection that the device has room for.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    pub(super) stream: TcpStream,
    /// Read, and not yet used.
    pending: Vec<u8>,
}

/// Why a connection closes.
pub(super) struct Closing(pub(super) String);

impl From<io::Error> for Closing {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Why there is no head.
pub(super) enum NoHead {
    /// An error page answers it.
    Page(Page),
    /// The client is gone.
    Gone(String),
}

/// An answer, and how much of it to write.
pub(super) struct Answer<'a> {
    pub(super) status: &'a str,
    /// The session for the cookie.
    pub(super) session: Option<u32>,
    pub(super) body: &'a [u8],
    /// Whether the connection ends in the middle of the body.
    pub(super) is_cut: bool,
}

impl<'a> Answer<'a> {
    /// Without a body.
    pub(super) const fn empty(status: &'a str) -> Self {
        Self {
            status,
            session: None,
            body: b"",
            is_cut: false,
        }
    }
}

impl Connection {
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

    /// As `httpd_req_recv`: the wait begins anew with every piece.
    async fn read_within(&mut self, wait: Duration) -> Result<(), NoHead> {
        match timeout(wait, self.read()).await {
            Ok(Ok(0)) => Err(NoHead::Gone("by the client".to_owned())),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(NoHead::Gone(error.to_string())),
            Err(_) => Err(NoHead::Page(TOO_SLOW)),
        }
    }

    /// Waits for the head of a request, of at most `longest` bytes.
    pub(super) async fn read_head(
        &mut self,
        wait: Duration,
        longest: usize,
    ) -> Result<Head, NoHead> {
        loop {
            if let Some(head) = Head::parse(&self.pending, longest).map_err(NoHead::Page)? {
                return Ok(head);
            }
            self.read_within(wait).await?;
        }
    }

    /// Takes the head and its body out of what was read, and reads what is missing.
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
                    NoHead::Gone(_) => "the client left before its request was complete".to_owned(),
                    NoHead::Page(_) => "the body came too slowly".to_owned(),
                })?;
        }
        let rest = self.pending.split_off(end);
        let mut request = std::mem::replace(&mut self.pending, rest);
        Ok(request.split_off(head.bytes))
    }

    /// Writes an answer piece by piece, as `httpd_resp_send` does.
    pub(super) async fn respond(&mut self, answer: &Answer<'_>) -> io::Result<()> {
        let Answer { status, body, .. } = answer;
        let start = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n",
            body.len()
        );
        self.stream.write_all(start.as_bytes()).await?;
        if let Some(session) = answer.session {
            for piece in ["Set-Cookie", ": ", &format!("session={session}"), "\r\n"] {
                self.stream.write_all(piece.as_bytes()).await?;
            }
        }
        self.stream.write_all(b"\r\n").await?;
        let (half, _) = body.split_at(body.len() / 2);
        let sent = if answer.is_cut { half } else { body };
        self.stream.write_all(sent).await
    }
}

/// A head, a body, and the beginning of what should not have been sent yet.
const MAX_PENDING: usize = 8192;
/// How much is read at a time.
const READ_AHEAD: usize = 1024;
