//! HTTP answers as `esp_http_server` writes them, and as a fault spoils them. Not which answer a
//! request gets.

use std::io;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// What is written, and how much of it.
pub(super) struct Answer<'a> {
    pub(super) status: &'a str,
    pub(super) cookie: Option<&'a str>,
    pub(super) body: &'a [u8],
    /// Whether the connection ends in the middle of the body.
    pub(super) is_cut: bool,
}

/// Piece by piece, as `httpd_resp_send` writes.
pub(super) async fn respond(stream: &mut TcpStream, answer: Answer<'_>) -> io::Result<()> {
    let Answer {
        status,
        cookie,
        body,
        is_cut,
    } = answer;
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
    let (half, _) = body.split_at(body.len() / 2);
    stream.write_all(if is_cut { half } else { body }).await
}

pub(super) const OK: &str = "200 OK";
