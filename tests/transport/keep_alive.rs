//! Many requests over one socket, another socket when it closed, and the cookie that stays valid
//! for both.

#![expect(clippy::disallowed_types, reason = "one test listens by itself")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use espctl::transport::TransportError;
use tokio::time::{pause, resume};

#[cfg(target_os = "linux")]
use super::connections_to;
use super::{ask, open};
use crate::support::scripted_server::{ReceivedRequest, ScriptedServer, Turn, ok, ok_with};

fn with_cookie(cookie: &str) -> Turn {
    Turn::send(ok_with(&format!("Set-Cookie: {cookie}\r\n"), ""))
}

/// Connection, cookie and body of each request.
fn summarize(requests: &[ReceivedRequest]) -> Vec<(usize, Option<&str>, &str)> {
    requests
        .iter()
        .map(|request| {
            let body = std::str::from_utf8(&request.body).unwrap();
            (request.connection, request.header("cookie"), body)
        })
        .collect()
}

#[tokio::test]
async fn many_requests_share_one_socket() {
    let turns = (0..50).map(|number| Turn::send(ok(format!("{number}"))));
    let server = ScriptedServer::start(vec![turns.collect()]).await;
    let mut transport = open(server.address).await;
    for number in 0..50 {
        let answer = ask(&mut *transport, b"x").await.unwrap();
        assert_eq!(answer, format!("{number}").as_bytes());
    }
    assert_eq!(server.requests().len(), 50);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn closed_socket_is_replaced_without_repeated_request() {
    let first = ok_with("Set-Cookie: session=42\r\n", "one");
    for end in [Turn::SendAndClose, Turn::SendAndReset] {
        let mut server = ScriptedServer::start(vec![
            vec![end(first.clone())],
            vec![end(ok("two"))],
            vec![Turn::send(ok("three"))],
        ])
        .await;
        let mut transport = open(server.address).await;
        for (number, expected) in ["one", "two", "three"].into_iter().enumerate() {
            let answer = ask(&mut *transport, expected.as_bytes()).await.unwrap();
            assert_eq!(answer, expected.as_bytes());
            server.turns(number + 1).await;
            // The last socket stays open.
            if number < 2 {
                until_closed(server.address);
            }
        }
        assert_eq!(
            summarize(&server.requests()),
            [
                (0, None, "one"),
                (1, Some("session=42"), "two"),
                (2, Some("session=42"), "three")
            ]
        );
        assert_eq!(server.connections(), 3);
    }
}

/// A close that has arrived must be detected even if the client was busy: computing keys takes a
/// while, and the runtime does nothing else then.
#[tokio::test]
async fn socket_closed_during_computation_is_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move |listener: TcpListener| {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).unwrap();
        assert!(buffer[..read].ends_with(b"\r\n\r\nx"));
        stream.write_all(&ok("y")).unwrap();
        (listener, stream)
    };
    let first = thread::spawn(move || serve(listener));
    let mut transport = open(address).await;
    ask(&mut *transport, b"x").await.unwrap();
    let (listener, stream) = first.join().unwrap();
    // Nothing is awaited from here to the next request.
    drop(stream);
    until_closed(address);
    let second = thread::spawn(move || serve(listener));
    ask(&mut *transport, b"x").await.unwrap();
    second.join().unwrap();
}

/// Waits until this computer's side of the connection has received the close. A loaded kernel
/// delivers it with a delay, and no client can know before.
#[cfg(target_os = "linux")]
fn until_closed(address: SocketAddr) {
    const ESTABLISHED: &str = "01";
    while !connections_to(address, ESTABLISHED).is_empty() {
        thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Other systems are assumed to be fast enough.
#[cfg(not(target_os = "linux"))]
fn until_closed(_address: SocketAddr) {}

/// A device refuses on the socket on which it answered before.
#[tokio::test]
async fn closed_connection_after_answer_is_refusal() {
    let turns = vec![Turn::send(ok("one")), Turn::close()];
    let server = ScriptedServer::start(vec![turns]).await;
    let mut transport = open(server.address).await;
    ask(&mut *transport, b"1").await.unwrap();
    let error = ask(&mut *transport, b"2").await.unwrap_err();
    assert!(matches!(error, TransportError::Refused { .. }), "{error:?}");
    assert_eq!(server.connections(), 1);
}

/// A late answer must not be read as the next one, so a failed exchange closes its socket.
#[tokio::test]
async fn failed_exchange_closes_socket() {
    let page = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
    for failing in [
        Turn::close(),
        Turn::reset(),
        Turn::send("garbage\r\n\r\n"),
        Turn::send(page),
        Turn::silence(),
        Turn::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1"),
    ] {
        let shown = format!("{failing:?}");
        let server = ScriptedServer::start(vec![
            vec![with_cookie("session=7"), failing],
            vec![Turn::send(ok("again"))],
        ])
        .await;
        let mut transport = open(server.address).await;
        ask(&mut *transport, b"1").await.unwrap();
        // The paused clock skips the silence.
        pause();
        ask(&mut *transport, b"2").await.expect_err(&shown);
        resume();
        assert_eq!(
            ask(&mut *transport, b"3").await.unwrap(),
            b"again",
            "{shown}"
        );
        assert_eq!(
            summarize(&server.requests()),
            [
                (0, None, "1"),
                (0, Some("session=7"), "2"),
                (1, Some("session=7"), "3")
            ],
            "{shown}"
        );
    }
}

#[tokio::test]
async fn stopped_server_is_not_refusal() {
    let server = ScriptedServer::start(vec![vec![Turn::send_and_close(ok("one"))]]).await;
    let mut transport = open(server.address).await;
    ask(&mut *transport, b"1").await.unwrap();
    server.stop().await;
    let error = ask(&mut *transport, b"2").await.unwrap_err();
    // The close of the old socket has usually arrived by now, but may still be in transit.
    assert!(
        matches!(
            error,
            TransportError::Unreachable { .. } | TransportError::Disconnected { .. }
        ),
        "{error:?}"
    );
}

/// The cookie of the request that follows each answer.
#[tokio::test]
async fn newest_valid_session_cookie_is_used() {
    let steps = [
        ("session=1", "session=1"),
        ("session=4294967295", "session=4294967295"),
        ("session=2; Path=/; HttpOnly", "session=2"),
        ("session=3;", "session=3"),
        ("session=abc", "session=3"),
        ("session=", "session=3"),
        ("session=-1", "session=3"),
        ("session=+1", "session=3"),
        ("session=99999999999", "session=3"),
        ("session=1 2", "session=3"),
        ("session=\u{2460}", "session=3"),
        ("other=5", "session=3"),
        ("xsession=5", "session=3"),
        ("session=0", "session=0"),
        ("other=1\r\nSet-Cookie: session=8", "session=8"),
    ];
    let mut turns: Vec<Turn> = steps.iter().map(|(set, _)| with_cookie(set)).collect();
    turns.push(Turn::send(ok("")));
    let server = ScriptedServer::start(vec![turns]).await;
    let mut transport = open(server.address).await;
    for _ in 0..=steps.len() {
        ask(&mut *transport, b"x").await.unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests[0].header("cookie"), None);
    for ((set, expected), request) in steps.iter().zip(&requests[1..]) {
        assert_eq!(request.header("cookie"), Some(*expected), "after {set:?}");
    }
}

#[tokio::test]
async fn error_answer_may_set_cookie() {
    let page = "HTTP/1.1 404 Not Found\r\nSet-Cookie: session=5\r\nContent-Length: 0\r\n\r\n";
    let server = ScriptedServer::start(vec![
        vec![Turn::send_and_close(page)],
        vec![Turn::send(ok(""))],
    ])
    .await;
    let mut transport = open(server.address).await;
    ask(&mut *transport, b"1").await.unwrap_err();
    ask(&mut *transport, b"2").await.unwrap();
    assert_eq!(server.requests()[1].header("cookie"), Some("session=5"));
}
