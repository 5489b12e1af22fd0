//! The id and the advice if a serial port cannot be used, or if the board at its other end has no
//! protocomm console.

use crate::flows::SeenDevice;
use crate::ident::printable;
use crate::report::context::{Context, typed};
use crate::report::failure::Failure;
use crate::report::hint::{Action, Hint};
use crate::report::table::ErrorId;
use crate::transport::ConsoleProblem;

pub(super) fn diagnose(problem: &ConsoleProblem) -> ErrorId {
    match problem {
        ConsoleProblem::Garbled(_) => ErrorId::GarbledAnswer,
        ConsoleProblem::InUse => ErrorId::PortInUse,
        ConsoleProblem::NoPort => ErrorId::NoSerialPort,
        ConsoleProblem::NoPrompt(_) => ErrorId::NoConsole,
        ConsoleProblem::NotText => ErrorId::NotText,
        ConsoleProblem::Other => ErrorId::OtherConsole,
        ConsoleProblem::Restarted(_) => ErrorId::Restarted,
    }
}

/// This computer has no port that a board would be at.
pub(super) fn no_ports(others: &[SeenDevice], context: &Context) -> Failure {
    let others = others.iter().map(|port| {
        let path = port.address.to_string();
        let product = port.name.as_deref().map_or_else(
            || "this port, which is not on USB".to_owned(),
            |name| printable(name.as_bytes()),
        );
        let action = Action::Flag {
            name: "--port".to_owned(),
            value: Some(typed(&path)),
        };
        Hint::new(&format!("pass {{}} to use {product}"), Some(action))
    });
    Failure::advised(ErrorId::NoSerialPort, context).hints(others)
}
