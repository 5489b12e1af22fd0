//! A cloud for tests: answers each request by the next turn of a script, and records the request.

#![expect(
    clippy::disallowed_types,
    reason = "this file is the listening end of a socket, in tests only"
)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::{Client, Limits, Settings, Tokens};
use crate::secret::Secret;

/// The reaction to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    /// An answer with this HTTP status and JSON body.
    Answer(u16, &'static str),
    /// The connection is closed without an answer.
    HangUp,
}

/// A running cloud. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct ScriptedCloud {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl ScriptedCloud {
    /// Starts the cloud. It records requests beyond the script, but does not answer them.
    pub(crate) async fn start(script: &[Turn]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::clone(&requests),
            task: tokio::spawn(play(listener, script.to_vec(), requests)),
        }
    }

    /// A client of this cloud with these tokens and number of retries.
    pub(crate) fn client(&self, tokens: Tokens, retries: usize) -> Client {
        let limits = Limits {
            retries,
            pause: Duration::from_millis(1),
            ..Limits::default()
        };
        client_of(self.address, limits).with_tokens(tokens, None)
    }

    /// Each request so far: method, path below the base URL, token and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for ScriptedCloud {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client, with a token, whose port refuses connections as long as the socket is kept.
pub(crate) fn refused_client(limits: Limits) -> (TcpSocket, Client) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let client = client_of(socket.local_addr().unwrap(), limits);
    (socket, client.with_tokens(tokens("token", None), None))
}

fn client_of(address: SocketAddr, limits: Limits) -> Client {
    let settings = Settings {
        base_url: format!("http://{address}/v1/").parse().unwrap(),
        ca_cert: None,
        allow_plain_http: false,
        limits,
    };
    Client::new(&settings).unwrap()
}

/// Tokens without an expiry time.
pub(crate) fn tokens(access: &str, refresh: Option<&str>) -> Tokens {
    let secret = |text: &str| Secret::new(text.to_owned());
    Tokens {
        refresh: refresh.map(secret),
        ..Tokens::access_only(secret(access))
    }
}

/// Serves one request on each connection.
async fn play(listener: TcpListener, script: Vec<Turn>, requests: Arc<Mutex<Vec<String>>>) {
    let mut script = script.into_iter();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        requests.lock().unwrap().push(request);
        if let Some(Turn::Answer(status, body)) = script.next() {
            let head = format!(
                "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            // The client may have closed the connection.
            let _sent = stream.write_all(body.as_bytes()).await;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                head.lines().find_map(|line| {
                    let (key, value) = line.split_once(": ")?;
                    key.eq_ignore_ascii_case(name).then_some(value)
                })
            };
            let length = header("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                let line = head.lines().next().unwrap_or_default();
                let line = line.replace(" /v1/", " ").replace(" HTTP/1.1", "");
                let token = header("authorization").unwrap_or("-");
                return format!("{line} {token} {body}").trim_end().to_owned();
            }
        }
        let read = stream.read_buf(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "a request was truncated");
    }
}
