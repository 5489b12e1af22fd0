//! The id and the advice if this computer's Bluetooth cannot be used.

use crate::host::BluetoothProblem;
use crate::report::context::{Context, ErrorCase};
use crate::report::error_table::ErrorId;
use crate::report::failure::Failure;

impl Failure {
    /// A problem of this computer's Bluetooth, without a device.
    pub(crate) fn of_bluetooth(problem: &BluetoothProblem, context: &Context) -> Self {
        Self {
            message: problem.to_string(),
            ..diagnose(problem, context.clone())
        }
    }
}

pub(super) fn diagnose(problem: &BluetoothProblem, mut context: Context) -> Failure {
    let (id, case) = match problem {
        BluetoothProblem::Blocked => (ErrorId::BluetoothBlocked, None),
        BluetoothProblem::Denied => (ErrorId::BluetoothDenied, None),
        BluetoothProblem::Failed => (ErrorId::BluetoothFailed, None),
        BluetoothProblem::NoAdapter => (ErrorId::NoBluetoothAdapter, None),
        BluetoothProblem::NoSuchAdapter { .. } => {
            (ErrorId::NoBluetoothAdapter, Some(ErrorCase::NoSuchAdapter))
        }
        BluetoothProblem::NoBus => (ErrorId::NoBluetoothService, Some(ErrorCase::NoBus)),
        BluetoothProblem::NoService => (ErrorId::NoBluetoothService, None),
        BluetoothProblem::Off => (ErrorId::BluetoothOff, None),
    };
    context.error.case = case;
    Failure::advised(id, &context)
}
