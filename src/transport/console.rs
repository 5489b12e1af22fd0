//! The `console` driver: a device that takes requests as lines of text on a serial port. Which ports
//! there are is `host`'s, the lines `console/line.rs`'s; here a port is opened.
//!
//! Source: `protocomm_console.c`, `NP/src/scheme_console.c`.

mod exchange;
mod line;
mod log;
mod port;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use self::exchange::ConsoleTransport;
use self::port::Port;
use super::{
    Address, Candidate, Driver, Handle, Hints, Limits, Remarks, Search, Transport, TransportError,
    TransportKind,
};
use crate::host::{SerialPort, list_serial_ports};
use crate::proto::Service;

pub use log::BoardLog;

/// What the firmware's console is set to unless it was changed (`CONFIG_ESP_CONSOLE_UART_BAUDRATE`).
pub const DEFAULT_BAUD: u32 = 115_200;

/// A serial console.
#[derive(Debug)]
pub(super) struct Console;

/// What is kept between choosing a port and opening it.
struct Chosen {
    path: Arc<str>,
    baud: u32,
}

#[async_trait]
impl Driver for Console {
    fn kind(&self) -> TransportKind {
        TransportKind::Console
    }

    /// Every port at which a board could be; or the one that is named, whatever it is. Nothing is
    /// opened: that resets some boards.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let baud = search.baud.unwrap_or(DEFAULT_BAUD);
        let found = match &search.address {
            Some(Address::Serial { path }) => {
                let port = SerialPort {
                    path: Arc::clone(path),
                    product: None,
                    usb: None,
                };
                Ok(vec![candidate(port, baud)])
            }
            _ => list_serial_ports()
                .map(|ports| {
                    let candidates = ports.into_iter().map(|port| candidate(port, baud));
                    candidates.collect()
                })
                .map_err(|source| TransportError::Unavailable {
                    what: "its serial ports",
                    source,
                }),
        };
        match found {
            Ok(found) => stream::iter(found.into_iter().map(Ok)).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn open(
        &self,
        candidate: Candidate,
        limits: &Limits,
    ) -> Result<Box<dyn Transport>, TransportError> {
        let Some(Chosen { path, baud }) = candidate.handle.and_then(Handle::take::<Chosen>) else {
            return Err(TransportError::Unreachable {
                address: candidate.address,
                source: std::io::ErrorKind::NotFound.into(),
            });
        };
        let port = Port::open(&path, baud).await?;
        let transport = ConsoleTransport::open(port, path, baud, limits.clone()).await?;
        Ok(Box::new(transport))
    }
}

fn candidate(port: SerialPort, baud: u32) -> Candidate {
    let SerialPort { path, product, usb } = port;
    Candidate {
        address: Address::Serial {
            path: Arc::clone(&path),
        },
        handle: Some(Handle::new(Chosen { path, baud })),
        kind: TransportKind::Console,
        name: product,
        hints: Hints {
            usb,
            ..Hints::default()
        },
        remarks: Remarks::default(),
        service: Service::Provisioning,
    }
}
