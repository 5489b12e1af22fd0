//! The `console` driver: opens a serial port. `host` lists the ports, `line.rs` reads the lines.
//!
//! Source: `protocomm_console.c`, `NP/src/scheme_console.c`.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::exchange::ConsoleLink;
use super::port::Port;
use crate::host::{SerialPort, list_serial_ports};
use crate::proto::Service;
use crate::transport::address::{Address, AddressError};
use crate::transport::candidate::{Candidate, Hints};
use crate::transport::driver::Driver;
use crate::transport::error::TransportError;
use crate::transport::exchange_limits::Limits;
use crate::transport::link::Link;
use crate::transport::medium::{Columns, Discovery, HostPart, Medium, Words};
use crate::transport::options::{
    DriverOptions, OptionError, OptionSpec, check_number, find_number, find_option,
};
use crate::transport::search::Search;

/// The driver of devices with a serial console.
#[derive(Debug)]
pub(in crate::transport) struct Console;

pub(super) static MEDIUM: Medium = Medium {
    name: "console",
    discovery: Discovery::Enumerated,
    columns: Columns::Plug,
    names_are_unique: false,
    joins_device_network: false,
    has_network_already: false,
    needs: Some(HostPart::SerialPorts),
    limits: Limits {
        // Each byte needs two digits, of ten bits each, on the line.
        wifi_scan: Duration::from_secs(20),
        ..Limits::USUAL
    },
    usual_address: None,
    words: Words {
        searching: "Looking for the board's serial port",
        nothing_found: Some("this computer has no serial port on USB"),
        no_room_for_sec2: Some(
            "Security 2 does not fit through the console: its messages are longer than a line of the device",
        ),
        unlisted: "more serial port(s) are not on USB",
        addresses: (
            "a serial line has no such address",
            "pass the serial port with `--port`",
        ),
        ..Words::USUAL
    },
};

static OPTIONS: [OptionSpec; 2] = [
    OptionSpec {
        value_name: "PATH",
        help: "Serial port of the board, such as /dev/ttyUSB0 or COM3 [default: the only one on USB]",
        heading: HEADING,
        is_address: true,
        is_for_doctor: true,
        doctor_help: Some(
            "Serial port of the board, such as /dev/ttyUSB0 or COM3 [default: those on USB]",
        ),
        ..OptionSpec::text(PORT, PORT, "ESPCTL_PORT")
    },
    OptionSpec {
        value_name: "N",
        help: "Speed of the serial line, in bits a second [default: 115200]",
        heading: HEADING,
        check: |text| check_number(text, 300..=4_000_000),
        ..OptionSpec::text(BAUD, BAUD, "ESPCTL_BAUD")
    },
];

/// The speed of the line, in bits a second.
#[derive(Clone, Copy, Debug)]
struct Baud(u32);

#[async_trait]
impl Driver for Console {
    fn medium(&self) -> &'static Medium {
        &MEDIUM
    }

    fn options(&self) -> &'static [OptionSpec] {
        &OPTIONS
    }

    fn parse_options(&self, given: &[(&str, String)]) -> Result<DriverOptions, OptionError> {
        let baud = find_number(given, BAUD)?.unwrap_or(DEFAULT_BAUD);
        let address = find_option(given, PORT).map(Address::new);
        Ok(DriverOptions::new(given, address, Baud(baud)))
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        if text.is_empty() {
            let expected = "the path or name of a serial port";
            return Err(AddressError { expected });
        }
        Ok(Address::new(text))
    }

    /// Every serial port that may have a board, or the named port. The scan opens no port, because
    /// that resets some boards.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let candidates = match &search.address {
            Some(address) => Ok(vec![make_candidate(address.clone())]),
            None => {
                list_serial_ports().map(|ports| ports.into_iter().map(into_candidate).collect())
            }
        };
        let what = "its serial ports";
        let candidates = candidates.map_err(|source| TransportError::Unavailable { what, source });
        let candidates = candidates.map(|list: Vec<_>| stream::iter(list.into_iter().map(Ok)));
        stream::iter([candidates]).try_flatten().boxed()
    }

    async fn open(
        &self,
        candidate: &Candidate,
        options: &DriverOptions,
        limits: &Limits,
    ) -> Result<Box<dyn Link>, TransportError> {
        let path = candidate.address.as_str();
        let Baud(baud) = options.settings().copied().unwrap_or(Baud(DEFAULT_BAUD));
        let port = Port::open(path, baud).await?;
        Ok(Box::new(ConsoleLink {
            port,
            path: path.into(),
            baud,
            limits: limits.clone(),
        }))
    }
}

fn into_candidate(port: SerialPort) -> Candidate {
    let SerialPort { path, product, usb } = port;
    Candidate {
        name: product,
        hints: Hints {
            is_likely: usb.is_some(),
            usb,
            ..Hints::default()
        },
        ..make_candidate(Address::new(path))
    }
}

fn make_candidate(address: Address) -> Candidate {
    Candidate::new(&MEDIUM, address, Service::Provisioning)
}

/// The default speed of the firmware's console (`CONFIG_ESP_CONSOLE_UART_BAUDRATE`).
pub const DEFAULT_BAUD: u32 = 115_200;
const PORT: &str = "port";
const BAUD: &str = "baud";
const HEADING: &str = "Serial line";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_port_and_speed() {
        let given = [(PORT, "COM3".to_owned()), (BAUD, "9600".to_owned())];
        let options = Console.parse_options(&given).unwrap();
        let address = options.address().unwrap();
        assert_eq!(address, &Console.parse_address("COM3").unwrap());
        let Baud(baud) = options.settings::<Baud>().unwrap();
        assert_eq!(*baud, 9600);
        assert!(Console.parse_address("").is_err());
        assert!(Console.parse_options(&[(BAUD, "fast".to_owned())]).is_err());
    }
}
