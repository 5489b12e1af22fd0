//! The id and the advice if a serial port cannot be used, or if the board at its other end has no
//! protocomm console.

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
