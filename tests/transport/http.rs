//! The request, byte for byte: only what firmware has room for. `answers` tests the answers.

#![expect(clippy::disallowed_types, reason = "one test listens by itself")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use espctl::proto::{EndpointName, Service};
use espctl::transport::TransportError;

use super::{ask, long_limits, open, open_at};
use crate::support::device::Device;
use crate::support::espctl::espctl;
use crate::support::scripted_server::{ScriptedServer, Turn, ok, ok_with};

#[tokio::test]
async fn request_has_only_known_headers() {
    let server = ScriptedServer::start(vec![vec![
        Turn::send(ok_with("Set-Cookie: session=4294967294\r\n", "one")),
        Turn::send(ok("two")),
    ]])
    .await;
    let mut transport = open(server.address).await;
    assert_eq!(ask(&mut *transport, b"first").await.unwrap(), b"one");
    assert_eq!(ask(&mut *transport, b"\0\xff").await.unwrap(), b"two");

    let requests = server.requests();
    let expected = |more: &str, length: usize| {
        format!(
            "post /prov-config http/1.1\r\nhost: {}\r\ncontent-length: {length}\r\n{more}\r\n",
            server.address
        )
    };
    // Header names may have either case; nothing else may differ.
    assert_eq!(requests[0].head.to_lowercase(), expected("", 5));
    assert!(
        requests[0]
            .head
            .starts_with("POST /prov-config HTTP/1.1\r\n")
    );
    assert_eq!(requests[0].body, b"first");
    assert_eq!(
        requests[1].head.to_lowercase(),
        expected("cookie: session=4294967294\r\n", 2)
    );
    assert_eq!(requests[1].body, b"\0\xff");
    assert_eq!(server.connections(), 1);
}

/// Firmware before ESP-IDF 5.5 has 512 bytes for the request line and all headers.
#[tokio::test]
async fn longest_head_fits_oldest_firmware() {
    let cookie = ok_with("Set-Cookie: session=4294967294\r\n", "");
    let server = ScriptedServer::start(vec![vec![Turn::send(cookie), Turn::send(ok(""))]]).await;
    let mut transport = open(server.address).await;
    let endpoint = Service::LocalControl.session_endpoint();
    let largest = vec![0; 4096];
    transport.exchange(&endpoint, &largest).await.unwrap();
    transport.exchange(&endpoint, &largest).await.unwrap();
    let requests = server.requests();
    // Only the host name varies, and it has at most 253 characters.
    assert!(requests[1].head.len() + 253 < 512, "{}", requests[1].head);
    assert!(
        requests[1]
            .head
            .starts_with("POST /esp_local_ctrl/session ")
    );
    assert_eq!(requests[1].body, largest);
}

/// Firmware waits five seconds for the rest of a request. A request that is written at once is one
/// segment, and one read receives all of it.
#[tokio::test]
async fn head_and_body_are_sent_together() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = vec![0; 64 * 1024];
        (0..REQUESTS)
            .map(|_| {
                let read = stream.read(&mut buffer).unwrap();
                stream.write_all(&ok("")).unwrap();
                buffer[..read].ends_with(&[b'x'; 4096])
            })
            .collect::<Vec<_>>()
    });
    let mut transport = open(address).await;
    for _ in 0..REQUESTS {
        ask(&mut *transport, &[b'x'; 4096]).await.unwrap();
    }
    assert_eq!(server.join().unwrap(), [true; REQUESTS]);
}

const REQUESTS: usize = 20;

#[tokio::test]
async fn ipv6_host_has_brackets_and_no_zone() {
    for (host, at) in [("::1", "[::1]:0"), ("::1%1", "[::1]:0")] {
        let script = vec![vec![Turn::send(ok("six"))]];
        let server = match ScriptedServer::start_at(at, script).await {
            // A computer without IPv6 cannot run this test.
            Err(error) if error.kind() == std::io::ErrorKind::AddrNotAvailable => return,
            server => server.unwrap(),
        };
        let port = server.address.port();
        let mut transport = open_at(host, port, &long_limits()).await;
        assert_eq!(ask(&mut *transport, b"?").await.unwrap(), b"six");
        let requests = server.requests();
        assert_eq!(requests[0].header("host"), Some(&*format!("[::1]:{port}")));
    }
}

/// An endpoint name may come from the user. It is sent unchanged, or not at all.
#[tokio::test]
async fn invalid_endpoint_name_is_not_sent() {
    let server = ScriptedServer::start(vec![vec![Turn::send(ok("still here"))]]).await;
    let mut transport = open(server.address).await;
    for name in [
        "x HTTP/1.1\r\nEvil: 1",
        "x\r\nEvil: 1",
        "two words",
        "tab\there",
        "nul\0",
        // The path would end here, and the request would reach another endpoint.
        "prov-config#x",
        "prov-config?x",
    ] {
        let endpoint = EndpointName::new(name.to_owned());
        let error = transport.exchange(&endpoint, b"evil").await.unwrap_err();
        assert!(
            matches!(&error, TransportError::NoSuchEndpoint { endpoint } if endpoint.as_str() == name),
            "{name:?}: {error:?}"
        );
        assert!(
            server.requests().is_empty(),
            "{name:?}: {:?}",
            server.requests()
        );
    }
    assert_eq!(ask(&mut *transport, b"?").await.unwrap(), b"still here");
    assert_eq!(server.connections(), 1, "nothing was wrong with the socket");
}

#[test]
fn proxy_of_environment_is_not_used_for_devices() {
    let device = Device::start(&[]);
    // The port is bound but not listening, so a connection to it fails.
    let closed = super::search::closed_port();
    let proxy = format!("http://{}", closed.address);
    let mut line: Vec<String> = ["provision", "--no-cloud", "--ssid", "Home"]
        .map(str::to_owned)
        .to_vec();
    line.extend(
        [
            "--passphrase",
            "correct horse battery",
            "--pop",
            device.pop(),
        ]
        .map(str::to_owned),
    );
    line.extend(device.address());
    let mut run = espctl(line);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        run = run.env(name, &proxy);
    }
    run.output().exits(0);
    assert_eq!(device.log_entries("connection_opened").len(), 1);
}
