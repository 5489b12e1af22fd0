//! The one connection that a device has room for, and how requests are read off it. Not what they
//! are answered.
#![expect(clippy::disallowed_types, reason = "sockets of the listening end")]

use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::head::{Head, Page, TOO_SLOW};

/// The one connection that the device has room for.
pub(super) struct Connection {
    pub(super) number: u64,
    pub(super) stream: TcpStream,
    /// Read, and not yet used.
    pub(super) pending: Vec<u8>,
}

/// Waits for bytes; for ever where there is no connection.
pub(super) async fn receive(connection: Option<&mut Connection>) -> io::Result<usize> {
    match connection {
        Some(connection) => connection.read().await,
        None => std::future::pending().await,
    }
}

impl Connection {
    async fn read(&mut self) -> io::Result<usize> {
        if self.pending.len() >= MAX_PENDING {
            return Ok(self.pending.len());
        }
        self.pending.reserve(READ_AHEAD);
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

pub(super) async fn read_head(
    connection: &mut Connection,
    wait: Duration,
    longest: usize,
) -> Result<Head, NoHead> {
    loop {
        if let Some(head) = Head::parse(&connection.pending, longest).map_err(NoHead::Page)? {
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
pub(super) async fn read_body(
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

/// Why there is no head.
pub(super) enum NoHead {
    /// It is answered with an error page.
    Page(Page),
    /// The client is gone.
    Gone(String),
}

/// A head, a body, and the beginning of what should not have been sent yet.
const MAX_PENDING: usize = 8192;
/// How much is read at a time.
const READ_AHEAD: usize = 1024;
