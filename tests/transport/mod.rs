//! The shipped transports against scripted sockets. The content of the messages does not matter
//! here.

mod answers;
mod http;
mod keep_alive;
mod search;
#[cfg(target_os = "linux")]
mod stall;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use espctl::proto::EndpointName;
use espctl::transport::{Driver, DriverOptions, Limits, Search, Transport, TransportError};
use futures_util::StreamExt as _;

use crate::support::target::{driver, http_address};

fn softap() -> Arc<dyn Driver> {
    driver("softap")
}

/// Scans for and connects to a listening address, like a flow.
async fn open_at(host: &str, port: u16, limits: &Limits) -> Box<dyn Transport> {
    let address = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let search = Search {
        address: Some(http_address(address)),
        wait: LONG,
        ..Search::default()
    };
    let candidate = softap().scan(&search).next().await.unwrap().unwrap();
    let options = DriverOptions::default();
    let link = softap().open(&candidate, &options, limits).await.unwrap();
    link.into_transport().await.unwrap()
}

pub(crate) async fn open(address: SocketAddr) -> Box<dyn Transport> {
    open_at(&address.ip().to_string(), address.port(), &long_limits()).await
}

/// Limits that no test reaches, unless it tests them.
fn long_limits() -> Limits {
    Limits {
        connect: LONG,
        services: LONG,
        handshake: LONG,
        wifi_scan: LONG,
        other: LONG,
    }
}

async fn ask(transport: &mut dyn Transport, request: &[u8]) -> Result<Vec<u8>, TransportError> {
    transport
        .exchange(&EndpointName::PROV_CONFIG, request)
        .await
}

/// This computer's addresses of the connections to `address` in this state of `/proc/net/tcp`.
#[cfg(target_os = "linux")]
fn connections_to(address: SocketAddr, state: &str) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{:04X}", address.port());
    table
        .lines()
        .filter_map(|line| {
            let mut columns = line.split_whitespace().skip(1);
            let (from, to) = (columns.next()?, columns.next()?);
            (to.ends_with(&port) && columns.next()? == state).then(|| from.to_owned())
        })
        .collect()
}

/// Longer than a loaded computer needs for anything here.
const LONG: Duration = Duration::from_mins(1);
