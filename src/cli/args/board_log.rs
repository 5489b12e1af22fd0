//! A payload from the log of a board: firmware prints it when it starts. Opening ports and finding a
//! payload in a line are for others.
//!
//! `serial:PORT` names a serial port of this computer, whatever transports there are: the log of a board
//! comes out there even if the device is then provisioned over another medium. So the port is not
//! a driver's, and a driver is asked for nothing.

use tokio::time::timeout;

use super::label::of_fault;
use crate::cli::args::drivers::Drivers;
use crate::cli::args::environment::without_device;
use crate::cli::args::serial::LogLine;
use crate::cli::terminal::print_note;
use crate::flows::FlowError;
use crate::qr::{Payload, find_in_log_line};
use crate::report::{Context, ErrorId, Failure};
use crate::transport::{Address, BoardLog, HostPart, TransportError};

/// Waits until a payload stands in a line of the log.
pub(in crate::cli) async fn payload(
    port: &str,
    line: LogLine,
    drivers: &Drivers,
) -> Result<Payload, Failure> {
    let baud = line.baud;
    // For the advice alone, which is that for serial ports.
    let medium = drivers
        .media()
        .into_iter()
        .find(|medium| medium.needs == Some(HostPart::SerialPorts));
    let of_port = |error: TransportError| {
        let context = Context {
            medium,
            address: Some(Address::new(port)),
            has_baud: true,
            label: port.to_owned(),
            ..without_device()
        };
        Failure::of_flow(&FlowError::from(error), &context)
            .during(format!("waiting for a QR code in the log at {port}"))
    };
    let mut log = BoardLog::open(port, baud).await.map_err(of_port)?;
    print_note(&format!(
        "Waiting for the code in the log at {port}: restart the board (its EN or RST button)"
    ));
    let found = timeout(line.patience, async {
        loop {
            let line = log.read_line().await.map_err(of_port)?;
            let found = find_in_log_line(line.expose())
                .map_err(|fault| of_fault(&fault, format!("the log at {port}: {fault}")))?;
            if let Some(payload) = found {
                return Ok::<Payload, Failure>(payload);
            }
        }
    })
    .await;
    let was_text = log.close().await;
    found.unwrap_or_else(|_| {
        was_text.map_err(of_port)?;
        let message = format!(
            "no code came from {port} within {} s",
            line.patience.as_secs_f32()
        );
        Err(Failure::new(ErrorId::NoCodeInLog, message))
    })
}
