//! A payload from the log of a board: firmware prints it when it starts. Opening ports and finding a
//! payload in a line are for others.

use tokio::time::timeout;

use super::argument::of_fault;
use crate::cli::device_args::Asked;
use crate::cli::drivers::Drivers;
use crate::cli::error_id::ErrorId;
use crate::cli::failure::Failure;
use crate::cli::serial_args::LogLine;
use crate::cli::ui::note;
use crate::flows::connect::Access;
use crate::flows::find::Target;
use crate::flows::{FlowError, Pace};
use crate::qr::{Payload, find_in_log_line};
use crate::transport::{Address, BoardLog, HostPart, TransportError};

/// Waits until a payload stands in a line of the log.
pub(super) async fn payload(
    port: &str,
    line: LogLine,
    drivers: &Drivers,
) -> Result<Payload, Failure> {
    let baud = line.baud;
    let driver = match drivers.needing(HostPart::SerialPorts) {
        Some(driver) => driver,
        None => drivers.default_driver()?,
    };
    let target = drivers.target(driver);
    let of_port = |error: TransportError| {
        let asked = Asked {
            target: Target {
                address: Some(Address::new(port)),
                ..target.clone()
            },
            access: Access::default(),
            pace: Pace::default(),
            label: port.to_owned(),
            network: None,
        };
        Failure::of_flow(&FlowError::from(error), &asked)
            .while_doing(format!("waiting for a QR code in the log at {port}"))
    };
    let mut log = BoardLog::open(port, baud).await.map_err(of_port)?;
    note(&format!(
        "Waiting for the code in the log at {port}: restart the board (its EN or RST button)"
    ));
    let found = timeout(line.patience, async {
        loop {
            let line = log.line().await.map_err(of_port)?;
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
        Err(Failure::new(ErrorId::NoCodeInLog, message)
            .hint("restart the board while this waits: the code is printed once, when it starts")
            .hint(format!(
                "a log of another speed than {baud} is read with --baud"
            )))
    })
}
