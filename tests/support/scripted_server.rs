//! A TCP server on loopback that records requests and sends scripted answers, valid or not. It only
//! detects where a request ends.

#![expect(
    clippy::disallowed_types,
    reason = "this file is one end of a socket, the listening one"
)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The reaction to one request.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Sends this function's answer to the request; the socket stays open.
    Reply(fn(&ReceivedRequest) -> Vec<u8>),
    /// Sends these bytes; the socket stays open.
    Send(Vec<u8>),
    /// Sends these bytes, then closes the socket.
    SendAndClose(Vec<u8>),
    /// Sends an endless answer, until the client closes the socket.
    Flood,
    /// Sends these bytes, then resets the connection.
    SendAndReset(Vec<u8>),
}

impl Turn {
    pub(crate) fn send(bytes: impl AsRef<[u8]>) -> Self {
        Self::Send(bytes.as_ref().to_vec())
    }

    pub(crate) fn send_and_close(bytes: impl AsRef<[u8]>) -> Self {
        Self::SendAndClose(bytes.as_ref().to_vec())
    }

    pub(crate) fn silence() -> Self {
        Self::send("")
    }

    pub(crate) fn close() -> Self {
        Self::send_and_close("")
    }

    pub(crate) fn reset() -> Self {
        Self::SendAndReset(Vec::new())
    }
}

/// A valid answer.
pub(crate) fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    ok_with("", body)
}

/// A valid answer with additional header lines, each with its line end.
pub(crate) fn ok_with(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// One request, byte for byte.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedRequest {
    /// The number of the connection, starting at 0.
    pub(crate) connection: usize,
    /// Request line and headers, with the empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl ReceivedRequest {
    /// The value of a header; `None` if it is missing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// A running server. Dropping it stops it.
pub(crate) struct ScriptedServer {
    pub(crate) address: SocketAddr,
    state: watch::Receiver<State>,
    requests: Arc<Mutex<Vec<ReceivedRequest>>>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Default)]
struct State {
    connections: usize,
    turns: usize,
    flooded: usize,
}

impl ScriptedServer {
    /// Plays the first list on the first connection, the second on the second, and so on. Further
    /// connections are closed at once, and counted.
    pub(crate) async fn start(script: Vec<Vec<Turn>>) -> Self {
        Self::start_at("127.0.0.1:0", script).await.unwrap()
    }

    pub(crate) async fn start_at(at: &str, script: Vec<Vec<Turn>>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(at).await?;
        let address = listener.local_addr()?;
        let (state_sender, state) = watch::channel(State::default());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let player = Player {
            state_sender,
            requests: Arc::clone(&requests),
        };
        Ok(Self {
            address,
            state,
            requests,
            task: tokio::spawn(player.play(listener, script)),
        })
    }

    /// Closes the port and all its sockets.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        let ended = (&mut self.task).await;
        assert!(ended.is_err_and(|error| error.is_cancelled()));
    }

    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.borrow().connections
    }

    /// How many bytes of a flood the client's computer accepted.
    pub(crate) fn flooded(&self) -> usize {
        self.state.borrow().flooded
    }

    /// Waits until this many turns of the script are complete.
    pub(crate) async fn turns(&mut self, number: usize) {
        let reached = self.state.wait_for(|state| state.turns >= number);
        timeout(SCRIPT_TIMEOUT, reached)
            .await
            .expect("the script makes no progress")
            .expect("the server is running");
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Player {
    state_sender: watch::Sender<State>,
    requests: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl Player {
    async fn play(self, listener: TcpListener, script: Vec<Vec<Turn>>) {
        let mut script = script.into_iter();
        // A socket that a script leaves open stays open during later connections.
        let mut open = Vec::new();
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            self.state_sender
                .send_modify(|state| state.connections += 1);
            if let Some(turns) = script.next() {
                open.extend(self.serve(number, stream, turns).await);
            }
        }
    }

    async fn serve(
        &self,
        connection: usize,
        mut stream: TcpStream,
        turns: Vec<Turn>,
    ) -> Option<TcpStream> {
        for turn in turns {
            let request = read_request(&mut stream, connection).await?;
            self.requests.lock().unwrap().push(request.clone());
            let left = match turn {
                Turn::Reply(answer) => {
                    stream.write_all(&answer(&request)).await.unwrap();
                    Some(stream)
                }
                Turn::Send(bytes) => {
                    stream.write_all(&bytes).await.unwrap();
                    Some(stream)
                }
                Turn::SendAndClose(bytes) => {
                    stream.write_all(&bytes).await.unwrap();
                    drop(stream);
                    None
                }
                Turn::Flood => {
                    self.flood(stream).await;
                    None
                }
                Turn::SendAndReset(bytes) => {
                    stream.write_all(&bytes).await.unwrap();
                    socket2::SockRef::from(&stream)
                        .set_linger(Some(Duration::ZERO))
                        .unwrap();
                    drop(stream);
                    None
                }
            };
            self.state_sender.send_modify(|state| state.turns += 1);
            stream = left?;
        }
        Some(stream)
    }

    async fn flood(&self, mut stream: TcpStream) {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {FLOOD}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let piece = vec![b'x'; 64 * 1024];
        let mut written = 0;
        while written < FLOOD {
            // An error means that the client closed the connection.
            let Ok(()) = stream.write_all(&piece).await else {
                break;
            };
            written += piece.len();
        }
        self.state_sender
            .send_modify(|state| state.flooded = written);
    }
}

/// `None` if the client closed the connection without a request.
async fn read_request(stream: &mut TcpStream, connection: usize) -> Option<ReceivedRequest> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let mut request = ReceivedRequest {
                connection,
                head: String::from_utf8(bytes[..end + 4].to_vec()).unwrap(),
                body: bytes.split_off(end + 4),
            };
            let length = request.header("content-length");
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            while request.body.len() < length {
                assert_ne!(stream.read_buf(&mut request.body).await.unwrap(), 0);
            }
            assert_eq!(request.body.len(), length, "more than one request at once");
            return Some(request);
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            assert_eq!(bytes, b"", "a request was truncated");
            return None;
        }
    }
}

/// More than all buffers of the system between the two sides.
const FLOOD: usize = 512 * 1024 * 1024;
/// Longer than any script takes.
const SCRIPT_TIMEOUT: Duration = Duration::from_mins(1);
