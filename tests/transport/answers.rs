//! How each answer is classified, valid or not, and each way to get no answer. `security`
//! interprets refusals.

use std::time::Duration;

use espctl::proto::{EndpointName, Service};
use espctl::transport::{Limits, TransportError};
use tokio::time::{Instant, pause, resume};

use super::{ask, long_limits, open, open_at};
use crate::support::scripted_server::{ScriptedServer, Turn, ok};

/// The outcome of one request with this reaction.
async fn outcome_of(turn: Turn) -> Result<Vec<u8>, TransportError> {
    let server = ScriptedServer::start(vec![vec![turn]]).await;
    let mut transport = open(server.address).await;
    let outcome = ask(&mut *transport, b"request").await;
    assert_eq!(server.requests().len(), 1, "the request was sent once");
    assert_eq!(server.connections(), 1);
    outcome
}

async fn error_of(turn: Turn) -> TransportError {
    let shown = format!("{turn:?}");
    outcome_of(turn).await.expect_err(&shown)
}

/// The reason why an answer is malformed.
async fn malformed_reason(turn: Turn) -> String {
    match error_of(turn.clone()).await {
        TransportError::Malformed { endpoint, what } => {
            assert_eq!(endpoint, EndpointName::PROV_CONFIG);
            what
        }
        error => panic!("{turn:?}: {error:?}"),
    }
}

#[tokio::test]
async fn body_is_returned_unchanged() {
    let binary: Vec<u8> = (0..=255).collect();
    let longest = vec![b'y'; 64 * 1024];
    for body in [&b""[..], b"x", &binary, &longest] {
        assert_eq!(outcome_of(Turn::send(ok(body))).await.unwrap(), body);
    }
}

#[tokio::test]
async fn body_without_length_ends_with_connection() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nto the end";
    let body = outcome_of(Turn::send_and_close(answer)).await.unwrap();
    assert_eq!(body, b"to the end");
}

#[tokio::test]
async fn closed_connection_without_answer_is_refusal() {
    let error = error_of(Turn::close()).await;
    assert!(matches!(error, TransportError::Refused { .. }), "{error:?}");
    assert!(error.may_be_refusal());
}

/// A server that closes a socket with unread data resets the connection, so this may also be a
/// refusal.
#[tokio::test]
async fn reset_connection_may_be_refusal() {
    let error = error_of(Turn::reset()).await;
    let TransportError::Disconnected { source, .. } = &error else {
        panic!("{error:?}");
    };
    let kind = source.as_ref().map(std::io::Error::kind);
    assert_eq!(kind, Some(std::io::ErrorKind::ConnectionReset));
    assert!(error.may_be_refusal());
}

/// A truncated answer is not a refusal: a refusal has no answer at all.
#[tokio::test]
async fn truncated_answer_is_not_refusal() {
    for cut in [
        "H",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345678",
    ] {
        let error = error_of(Turn::send_and_close(cut)).await;
        let is_disconnected = matches!(error, TransportError::Disconnected { .. });
        assert!(
            is_disconnected && !error.may_be_refusal(),
            "{cut:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn garbage_is_malformed() {
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    ] {
        assert_eq!(
            malformed_reason(Turn::send_and_close(garbage)).await,
            "not HTTP"
        );
    }
}

#[tokio::test]
async fn unexpected_status_is_named() {
    for status in [204, 302, 400, 405, 408, 431, 500] {
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno");
        let what = malformed_reason(Turn::send_and_close(answer)).await;
        assert_eq!(what, format!("HTTP status {status}"));
    }
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
    let error = error_of(Turn::send_and_close(answer)).await;
    assert!(
        matches!(&error, TransportError::NoSuchEndpoint { endpoint } if *endpoint == EndpointName::PROV_CONFIG),
        "{error:?}"
    );
    assert!(!error.may_be_refusal());
}

#[tokio::test]
async fn answer_size_is_limited() {
    let one_too_many = vec![b'x'; 64 * 1024 + 1];
    let what = malformed_reason(Turn::send(ok(&one_too_many))).await;
    assert_eq!(what, "more than 65536 bytes");
    let without_length = "HTTP/1.1 200 OK\r\n\r\n".as_bytes();
    let what = malformed_reason(Turn::send([without_length, &one_too_many].concat())).await;
    assert_eq!(what, "more than 65536 bytes");

    let mut server = ScriptedServer::start(vec![vec![Turn::Flood]]).await;
    let mut transport = open(server.address).await;
    let error = ask(&mut *transport, b"request").await.unwrap_err();
    assert!(
        matches!(error, TransportError::Malformed { .. }),
        "{error:?}"
    );
    // The transport closed the socket and did not wait for the rest.
    server.turns(1).await;
    assert!(server.flooded() < 64 * 1024 * 1024, "{}", server.flooded());
}

/// Each case shortens the limit of one kind of request only.
#[tokio::test]
async fn silent_device_times_out_at_endpoint_limit() {
    let brief = Duration::from_millis(120);
    let limits = long_limits();
    let cases = [
        (
            EndpointName::PROV_SCAN,
            Limits {
                wifi_scan: brief,
                ..limits.clone()
            },
        ),
        (
            EndpointName::PROV_CONFIG,
            Limits {
                other: brief,
                ..limits.clone()
            },
        ),
        (
            Service::Provisioning.session_endpoint(),
            Limits {
                handshake: brief,
                ..limits.clone()
            },
        ),
        (
            Service::LocalControl.session_endpoint(),
            Limits {
                handshake: brief,
                ..limits.clone()
            },
        ),
    ];
    for (endpoint, limits) in cases {
        for silence in [
            Turn::silence(),
            Turn::send("HTTP/1.1 200 OK\r\n"),
            Turn::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1"),
        ] {
            let server = ScriptedServer::start(vec![vec![silence]]).await;
            let port = server.address.port();
            let mut transport = open_at("127.0.0.1", port, &limits).await;
            // From here on, only waiting advances the clock.
            pause();
            let began = Instant::now();
            let error = transport.exchange(&endpoint, b"request").await.unwrap_err();
            let took = began.elapsed();
            resume();
            assert!(
                matches!(error, TransportError::TimedOut { waited, .. } if waited == brief),
                "{error:?}"
            );
            assert!(!error.may_be_refusal());
            assert!(took >= brief && took < brief * 2, "{took:?}");
        }
    }
}
