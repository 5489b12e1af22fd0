//! What to do when a serial port cannot be used, or when what is at its other end is no console of
//! protocomm. The match has no wildcard, as in the file above it.

use super::search::command_for;
use super::{Advice, advice};
use crate::cli::device_args::Asked;
use crate::cli::error_id::ErrorId;
use crate::flows::Doing;
use crate::flows::SeenDevice;
use crate::ident::printable;
use crate::transport::{ConsoleProblem, TransportError};

pub(super) fn advise(problem: &ConsoleProblem, asked: &Asked) -> Advice {
    match problem {
        ConsoleProblem::Garbled(_) => advice(
            ErrorId::GarbledAnswer,
            ["run the command again; firmware with a lower log level prints less in between"],
        ),
        ConsoleProblem::InUse => advice(
            ErrorId::PortInUse,
            ["close the monitor (idf.py monitor, screen, minicom)"],
        )
        .and(match &asked.target.address {
            Some(port) if cfg!(unix) => format!("`lsof {port}` says who has it"),
            _ => "or another run of this program".to_owned(),
        }),
        ConsoleProblem::NoPort => advice(
            ErrorId::NoSerialPort,
            ["`espctl discover --transport console` lists the ports that there are"],
        ),
        ConsoleProblem::NoPrompt(_) => advice(
            ErrorId::NoConsole,
            ["is this the board's port, and does its firmware provision over the console? restart it and run the command again"],
        )
        .and(match asked.target.options.given("baud") {
            None => "its console may have another speed than 115200: give it with --baud".to_owned(),
            Some(baud) => format!("its console may have another speed than {baud}"),
        })
        .and("a board that is provisioned already has no such console any more; nor is one heard whose TX is on TX".to_owned()),
        ConsoleProblem::NotText => advice(
            ErrorId::NotText,
            ["give the speed of its console with --baud: 115200 is usual, 74880 and 921600 occur"],
        ),
        ConsoleProblem::Other => advice(
            ErrorId::OtherConsole,
            ["the firmware runs an application's commands there: provision it over another transport"],
        ),
        ConsoleProblem::Restarted(_) => advice(
            ErrorId::Restarted,
            ["its log says why (a crash, a weak supply)"],
        )
        .and(format!("{} shows whether it answers again", command_for("device info", &asked.target))),
    }
}

/// The user may not open it.
pub(super) fn not_permitted(path: &str) -> Advice {
    if cfg!(target_os = "linux") {
        return advice(
            ErrorId::PermissionDenied,
            ["sudo usermod -aG dialout $USER, then log in again (on Arch the group is uucp)"],
        )
        .and(format!("`ls -l {path}` shows which group it belongs to"));
    }
    advice(
        ErrorId::PermissionDenied,
        ["another program may have it open, or the system forbids it"],
    )
}

/// The line is gone, or the board says nothing any more.
pub(super) fn lost(doing: Doing, error: &TransportError) -> Advice {
    match error {
        TransportError::Disconnected { .. } => advice(
            ErrorId::Disconnected,
            ["the port went away: check the cable, the hub and the board's supply"],
        ),
        _ if doing == Doing::ReadingVersion => advice(
            ErrorId::Silent,
            [
                "its console is there, and a request was not answered: does another program (a monitor) read the same port?",
                "or restart the board",
            ],
        ),
        _ => advice(
            ErrorId::TimedOut,
            ["restart the board and run the command again; its log says what it is busy with"],
        ),
    }
}

/// A message that its line has no room for.
pub(super) fn too_long(doing: Doing) -> Advice {
    let another = "use another transport, such as --transport ble or softap";
    if doing == Doing::Securing {
        return advice(ErrorId::MessageTooLong, [another])
            .and("or build the firmware with Security 1".to_owned());
    }
    advice(
        ErrorId::MessageTooLong,
        [
            "a line of its console has 254 characters, which is about 115 bytes",
            another,
        ],
    )
}

/// This computer has no port at which a board would be.
pub(super) fn no_ports(others: &[SeenDevice]) -> Advice {
    let mut advice = advice(
        ErrorId::NoSerialPort,
        [
            "plug the board in with a cable that carries data; `dmesg` or the device manager shows whether it was seen",
        ],
    );
    advice.hints.extend(others.iter().map(|port| {
        let path = &port.address;
        let product = port.name.as_deref().unwrap_or("not on USB");
        format!(
            "there is {path} ({}): `--port {path}` takes it",
            printable(product.as_bytes())
        )
    }));
    advice
}
