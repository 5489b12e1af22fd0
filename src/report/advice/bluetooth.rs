//! The id and the advice if this computer's Bluetooth cannot be used.

use crate::host::BluetoothProblem;
use crate::report::context::{Case, Context};
use crate::report::diagnosis::Diagnosis;
use crate::report::failure::Failure;
use crate::report::table::ErrorId;

impl Failure {
    /// A problem of this computer's Bluetooth, without a device.
    pub(crate) fn of_bluetooth(problem: &BluetoothProblem, context: &Context) -> Self {
        diagnose(problem, context.clone()).failure(problem.to_string())
    }
}

pub(super) fn diagnose(problem: &BluetoothProblem, mut context: Context) -> Diagnosis {
    let (id, case) = match problem {
        BluetoothProblem::Blocked => (ErrorId::BluetoothBlocked, None),
        BluetoothProblem::Denied => (ErrorId::BluetoothDenied, None),
        BluetoothProblem::Failed => (ErrorId::BluetoothFailed, None),
        BluetoothProblem::NoAdapter => (ErrorId::NoBluetoothAdapter, None),
        BluetoothProblem::NoSuchAdapter { .. } => {
            (ErrorId::NoBluetoothAdapter, Some(Case::NoSuchAdapter))
        }
        BluetoothProblem::NoBus => (ErrorId::NoBluetoothService, Some(Case::NoBus)),
        BluetoothProblem::NoService => (ErrorId::NoBluetoothService, None),
        BluetoothProblem::Off => (ErrorId::BluetoothOff, None),
    };
    context.error.case = case;
    Diagnosis::new(id, context)
}
