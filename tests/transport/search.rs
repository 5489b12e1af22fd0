//! How long a search lasts, and what ends it. Whether the result is a device is tested elsewhere.

#[cfg(target_os = "linux")]
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use espctl::transport::{Candidate, DriverOptions, Search, TransportError};
use futures_util::StreamExt as _;
use socket2::{Domain, Socket, Type};
use tokio::time::{Instant, timeout};

#[cfg(target_os = "linux")]
use super::connections_to;
use super::{LONG, softap};
use crate::support::target::{driver, http_address};

/// A bound port that does not listen until a test starts it.
pub(crate) struct ClosedPort {
    pub(crate) address: SocketAddr,
    socket: Socket,
}

pub(crate) fn closed_port() -> ClosedPort {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    ClosedPort { address, socket }
}

async fn search(at: SocketAddr, wait: Duration) -> Vec<Result<Candidate, TransportError>> {
    let search = Search {
        address: Some(http_address(at)),
        wait,
        ..Search::default()
    };
    softap().scan(&search).collect().await
}

/// The paused clock does not advance during computation, so the times are those of the search
/// alone.
#[tokio::test(start_paused = true)]
async fn search_without_device_ends_at_time_limit() {
    let port = closed_port();
    for wait in [0, 100, 700].map(Duration::from_millis) {
        let began = Instant::now();
        let found = search(port.address, wait).await;
        let took = began.elapsed();
        let [Err(TransportError::Unreachable { address, .. })] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(address.to_string(), port.address.to_string());
        // The last attempt starts when there is no time for another pause.
        assert!(
            took + Duration::from_millis(250) >= wait,
            "{wait:?}: {took:?}"
        );
        assert!(took < wait + Duration::from_secs(1), "{wait:?}: {took:?}");
    }
}

#[tokio::test]
async fn finds_device_that_appears_later() {
    let port = closed_port();
    let began = Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        port.socket.listen(1).unwrap();
    };
    // A search that continued after it found the device would last an hour.
    let both = async { tokio::join!(search(port.address, Duration::from_hours(1)), later) };
    let (found, ()) = timeout(LONG, both).await.expect("the search ends");
    assert!(matches!(&found[..], [Ok(_)]), "{found:?}");
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
}

/// An attempt keeps the route that it started with, so a hanging attempt must not be the last: this
/// computer may have joined the hotspot meanwhile.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn hanging_attempt_is_followed_by_another() {
    // Connections beyond the length of the queue are not even refused.
    let port = closed_port();
    port.socket.listen(0).unwrap();
    let queued = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    queued.connect(&port.address.into()).unwrap();

    let searching = tokio::spawn(search(port.address, LONG));
    let mut attempts = BTreeSet::new();
    while attempts.len() < 2 {
        assert!(!searching.is_finished(), "{attempts:?}");
        attempts.extend(connections_to(port.address, SYN_SENT));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    searching.abort();
}

#[cfg(target_os = "linux")]
const SYN_SENT: &str = "02";

#[tokio::test]
async fn finds_device_from_named_interface() {
    let port = closed_port();
    port.socket.listen(4).unwrap();
    for name in ["softap", "on-network"] {
        let driver = driver(name);
        let search = |options: DriverOptions| Search {
            address: Some(http_address(port.address)),
            options,
            ..Search::default()
        };
        let named = |interface: &str| {
            let given = [("interface", interface.to_owned())];
            driver.parse_options(&given)
        };
        let found: Vec<_> = driver.scan(&search(named("lo").unwrap())).collect().await;
        assert!(matches!(&found[..], [Ok(_)]), "{found:?}");
        let error = named("nowhere0").unwrap_err();
        assert!(error.to_string().contains("nowhere0"), "{error}");
    }
}

#[tokio::test]
async fn unknown_host_name_is_unreachable() {
    let search = Search {
        // Too long for a DNS label, so no name server is asked.
        address: Some(http_address("x".repeat(64))),
        ..Search::default()
    };
    let found: Vec<_> = softap().scan(&search).collect().await;
    assert!(
        matches!(&found[..], [Err(TransportError::Unreachable { .. })]),
        "{found:?}"
    );
}
