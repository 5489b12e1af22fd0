//! The rules of the medium, over real sockets: what is closed, what is shown, whose session it
//! is. The waits that can be short are short; none decides an outcome that the peer does not.

mod faults;
mod on_network;

use std::net::{IpAddr, Ipv4Addr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::*;
use crate::emulator::device::tests::{rng, sec1};
use crate::emulator::device::{DeviceSettings, TimeScale};
use crate::emulator::log::Log;
use crate::emulator::log::tests::Shared;
use crate::secret::Secret;
use crate::security::{self, Cipher, Credentials, DeviceSecret, SecurityScheme, Step};

/// A device on a port of this computer.
struct Served {
    address: SocketAddr,
    log: Shared,
    task: JoinHandle<StopReason>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn serve(secret: DeviceSecret) -> Served {
    serve_at(0.01, secret)
}

fn serve_at(scale: f64, secret: DeviceSecret) -> Served {
    let mut settings = DeviceSettings::new(secret);
    settings.time_scale = TimeScale::new(scale).unwrap();
    serve_as(settings)
}

fn serve_as(settings: DeviceSettings) -> Served {
    let log = Shared::default();
    let device =
        Device::new(settings, rng()).with_log(Log::default().with_sink(Box::new(log.clone())));
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    Served {
        address: listener.address(),
        log,
        task: tokio::spawn(listener.serve(device)),
    }
}

/// Longer than anything takes on a loaded computer.
const HANG: Duration = Duration::from_mins(1);

/// One socket, and nothing that an HTTP client would add.
struct Client(TcpStream);

impl Client {
    async fn to(served: &Served) -> Self {
        Self(TcpStream::connect(served.address).await.unwrap())
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Status line and headers, and body; `None` if the socket closed without a byte.
    async fn answer(&mut self) -> Option<(String, Vec<u8>)> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
                let length: usize = header(&head, "Content-Length").unwrap().parse().unwrap();
                let mut body = bytes.split_off(end + 4);
                while body.len() < length {
                    assert_ne!(self.read(&mut body).await, 0, "the body was cut off");
                }
                assert_eq!(body.len(), length, "more than one answer");
                return Some((head, body));
            }
            if self.read(&mut bytes).await == 0 {
                assert_eq!(bytes, b"", "an answer was cut off");
                return None;
            }
        }
    }

    /// A reset is a close too: it is one when something was left unread.
    async fn read(&mut self, bytes: &mut Vec<u8>) -> usize {
        timeout(HANG, self.0.read_buf(bytes))
            .await
            .expect("neither answered nor closed")
            .unwrap_or(0)
    }

    async fn ask(&mut self, request: impl AsRef<[u8]>) -> Option<(String, Vec<u8>)> {
        self.send(request).await;
        self.answer().await
    }

    async fn is_closed(&mut self) -> bool {
        self.read(&mut Vec::new()).await == 0
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn post(target: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {target} HTTP/1.1\r\nHost: d\r\n{more}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

fn version(more: &str) -> Vec<u8> {
    post("/proto-ver", more, b"---")
}

#[tokio::test]
async fn answers_request_and_keeps_connection() {
    let served = serve(DeviceSecret::Sec0);
    let mut client = Client::to(&served).await;
    for _ in 0..3 {
        let (head, body) = client.ask(version("Connection: close\r\n")).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(header(&head, "Content-Type"), Some("text/html"));
        assert!(String::from_utf8(body).unwrap().contains("netprov-v1.2"));
    }
}

#[tokio::test]
async fn accepts_request_in_pieces() {
    let served = serve(DeviceSecret::Sec0);
    let mut client = Client::to(&served).await;
    for byte in version("") {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert!(client.answer().await.is_some());
}

#[tokio::test]
async fn invalid_head_gets_error_page_and_closes() {
    let served = serve(DeviceSecret::Sec0);
    let long_header = format!("X: {}\r\n", "x".repeat(1000));
    let long_target = format!("/{}", "x".repeat(600));
    let many: String = (0..300).map(|_| "a:\r\n").collect();
    for (request, status) in [
        (post("/cloud_user_assoc", "", b"x"), "404 Not Found"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "404 Not Found"),
        (
            b"GET /proto-ver HTTP/1.1\r\n\r\n".to_vec(),
            "405 Method Not Allowed",
        ),
        (version(&long_header), "431 Request Header Fields Too Large"),
        (version(&many), "431 Request Header Fields Too Large"),
        (post(&long_target, "", b"x"), "414 URI Too Long"),
        (b"nonsense\r\n\r\n".to_vec(), "400 Bad Request"),
        (
            b"POST /proto-ver HTTP/1.1\r\nContent-Length: many\r\n\r\n".to_vec(),
            "400 Bad Request",
        ),
    ] {
        let mut client = Client::to(&served).await;
        let (head, body) = client.ask(request).await.unwrap();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{head}"
        );
        assert_ne!(body, b"");
        assert!(client.is_closed().await, "open after {status}");
    }
    // A head of exactly 1024 bytes is still taken.
    let padding = 1024 - (version("X: \r\n").len() - 3);
    let mut client = Client::to(&served).await;
    let just = version(&format!("X: {}\r\n", "x".repeat(padding)));
    assert!(client.ask(just).await.unwrap().0.contains("200 OK"));
}

#[tokio::test]
async fn everything_else_is_closed_without_a_byte() {
    let served = serve(sec1("a"));
    let chunked =
        b"POST /proto-ver HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n---\r\n0\r\n\r\n";
    for (what, request) in [
        ("chunked", chunked.to_vec()),
        (
            "no length",
            b"POST /proto-ver HTTP/1.1\r\nHost: d\r\n\r\n".to_vec(),
        ),
        ("empty body", post("/proto-ver", "", b"")),
        (
            "a body of 4097 bytes",
            post("/proto-ver", "", &[b'-'; 4097]),
        ),
        ("a query", post("/proto-ver?x=1", "", b"---")),
        ("a whole URL", post("http://d/proto-ver", "", b"---")),
        ("no session", post("/prov-config", "", b"\x52\x00")),
        ("no handshake message", post("/prov-session", "", b"---")),
    ] {
        let mut client = Client::to(&served).await;
        assert_eq!(client.ask(request).await, None, "{what}");
    }
    let mut client = Client::to(&served).await;
    let most = post("/proto-ver", "", &[b'-'; 4096]);
    assert!(client.ask(most).await.is_some());
}

#[tokio::test]
async fn missing_body_closes_connection() {
    let served = serve(DeviceSecret::Sec0);
    let mut client = Client::to(&served).await;
    let mut request = version("");
    request.truncate(request.len() - 1);
    assert_eq!(client.ask(&request).await, None);
    let mut client = Client::to(&served).await;
    let (head, _) = client.ask(b"POST /proto-ver HTT").await.unwrap();
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
}

#[tokio::test]
async fn answers_one_of_two_pipelined_requests() {
    let served = serve(DeviceSecret::Sec0);
    let mut client = Client::to(&served).await;
    let twice = [version(""), version("")].concat();
    assert!(client.ask(twice).await.is_some());
    // `answer` has seen that nothing followed; nor does anything now.
    let more = timeout(Duration::from_millis(200), client.0.readable()).await;
    assert!(more.is_err(), "the second one was answered too");
    // The next one to arrive brings out the one that waits.
    assert!(client.ask(version("")).await.is_some());
}

#[tokio::test]
async fn second_connection_evicts_first() {
    let served = serve(DeviceSecret::Sec0);
    let mut first = Client::to(&served).await;
    assert!(first.ask(version("")).await.is_some());
    let mut second = Client::to(&served).await;
    assert!(first.is_closed().await);
    assert!(second.ask(version("")).await.is_some());
    assert!(
        served
            .log
            .lines()
            .iter()
            .any(|line| line["event"] == "connection_closed" && line["connection"] == 1)
    );
}

fn session(answer: Option<&(String, Vec<u8>)>) -> Option<&str> {
    header(&answer?.0, "Set-Cookie")
}

#[tokio::test]
async fn only_first_answer_sets_cookie() {
    let served = serve(DeviceSecret::Sec0);
    let mut client = Client::to(&served).await;
    let first = client.ask(version("")).await;
    let cookie = session(first.as_ref()).unwrap().to_owned();
    assert!(
        cookie
            .strip_prefix("session=")
            .unwrap()
            .parse::<u32>()
            .is_ok()
    );
    // By its socket, then by its cookie.
    let second = client.ask(version("")).await;
    assert_eq!(session(second.as_ref()), None);
    let with = version(&format!("Cookie: {cookie}\r\n"));
    let third = client.ask(&with).await;
    assert_eq!(session(third.as_ref()), None);
    // After the first cookie, the socket no longer identifies the client.
    let fourth = client.ask(version("")).await;
    assert_ne!(session(fourth.as_ref()).unwrap(), cookie);
    // The old cookie is worth nothing now, each time.
    for _ in 0..2 {
        let stale = client.ask(&with).await;
        assert_ne!(session(stale.as_ref()).unwrap(), cookie);
    }
}

#[tokio::test]
async fn cookie_must_match_and_long_one_is_ignored() {
    let served = serve(DeviceSecret::Sec0);
    let mut client = Client::to(&served).await;
    let first = client.ask(version("")).await;
    let cookie = session(first.as_ref()).unwrap().to_owned();
    // Too long for the firmware's buffer: as if there were none, so the socket decides.
    let long = version(&format!("Cookie: {cookie}; path=/; more=1\r\n"));
    assert_eq!(session(client.ask(long).await.as_ref()), None);
    // Short, and not the same.
    let other = version("Cookie: session=1;\r\n");
    assert!(session(client.ask(other).await.as_ref()).is_some());
}

#[tokio::test]
async fn cookie_continues_session_on_new_connection() {
    let served = serve(DeviceSecret::Sec0);
    let mut client = Client::to(&served).await;
    let first = client.ask(version("")).await;
    let cookie = session(first.as_ref()).unwrap().to_owned();
    let with = version(&format!("Cookie: {cookie}\r\n"));
    let mut client = Client::to(&served).await;
    assert_eq!(session(client.ask(&with).await.as_ref()), None);
    // A stranger without a cookie ends it, even by a request that is not answered.
    let mut stranger = Client::to(&served).await;
    assert_eq!(stranger.ask(post("/proto-ver", "", b"")).await, None);
    let mut client = Client::to(&served).await;
    assert!(session(client.ask(&with).await.as_ref()).is_some());
}

#[tokio::test]
async fn failed_first_request_sets_no_cookie() {
    let served = serve(sec1("a"));
    let mut client = Client::to(&served).await;
    assert_eq!(client.ask(post("/prov-session", "", b"x")).await, None);
    let mut client = Client::to(&served).await;
    assert!(session(client.ask(version("")).await.as_ref()).is_some());
}

/// Agrees keys over one connection, recognised by its socket.
async fn secure(client: &mut Client, pop: &str) -> Option<Box<dyn Cipher>> {
    let credentials = Credentials::Pop(Secret::new(pop.to_owned()));
    let mut step = security::start(SecurityScheme::Sec1, &credentials, &mut rng()).unwrap();
    loop {
        match step {
            Step::Established(cipher) => return Some(cipher),
            Step::Send { request, next } => {
                let (_, body) = client.ask(post("/prov-session", "", &request)).await?;
                step = next.receive(&body).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn locked_device_refuses_connections() {
    let mut served = serve(sec1("a"));
    for _ in 0..5 {
        let mut client = Client::to(&served).await;
        assert!(secure(&mut client, "b").await.is_none());
    }
    let stopped = (&mut served.task).await.unwrap();
    assert_eq!(stopped, StopReason::Locked);
    assert!(TcpStream::connect(served.address).await.is_err());
    assert_eq!(served.log.events().last().unwrap(), "service_stopped");
}

async fn call(
    client: &mut Client,
    cipher: &mut dyn Cipher,
    endpoint: &str,
    message: &[u8],
) -> Vec<u8> {
    let sealed = cipher.seal(message).unwrap();
    let (_, body) = client.ask(post(endpoint, "", &sealed)).await.unwrap();
    cipher.open(&body).unwrap().to_vec()
}

#[tokio::test]
async fn provisioned_device_stops_serving() {
    // Slow enough that a busy computer asks before the device gives up waiting for it.
    let mut served = serve_at(0.1, sec1("a"));
    let mut client = Client::to(&served).await;
    let mut cipher = secure(&mut client, "a").await.unwrap();
    // Set "Guest", which is open; apply; ask until connected: state 0, which is left out.
    let set = b"\x08\x02\x62\x07\x0a\x05Guest";
    let set = call(&mut client, &mut *cipher, "/prov-config", set).await;
    assert_eq!(set, b"\x08\x03\x6a\x00");
    let apply = call(
        &mut client,
        &mut *cipher,
        "/prov-config",
        b"\x08\x04\x72\x00",
    )
    .await;
    assert_eq!(apply, b"\x08\x05\x7a\x00");
    loop {
        let status = call(&mut client, &mut *cipher, "/prov-config", b"\x52\x00").await;
        assert_eq!(&status[..3], b"\x08\x01\x5a");
        if status[4] == 0x5a {
            break;
        }
        assert_eq!(&status[3..], b"\x02\x10\x01");
        sleep(Duration::from_millis(2)).await;
    }
    assert!(client.is_closed().await);
    let stopped = (&mut served.task).await.unwrap();
    assert_eq!(stopped, StopReason::Provisioned);
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn blocking_scan_delays_other_requests() {
    let served = serve(DeviceSecret::Sec0);
    let mut client = Client::to(&served).await;
    let began = Instant::now();
    // 14 channels of 1000 ms, at a hundredth.
    let scan = post("/prov-scan", "", b"\x52\x05\x08\x01\x20\xe8\x07");
    client.send(scan).await;
    // It connects, because the system does that, and waits for its turn.
    let mut other = Client::to(&served).await;
    assert!(other.ask(version("")).await.is_some());
    assert!(began.elapsed() >= Duration::from_millis(140));
    assert!(client.answer().await.is_some());
}
