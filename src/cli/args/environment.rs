//! Environment variables without a flag, and the failures whose advice depends on them.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::account::{AccountError, Folder};
use crate::cloud::CloudError;
use crate::flows::{DeviceRequest, FlowError};
use crate::report::{Context, Environment, ErrorId, Failure, remedies};

/// The value of a variable; an empty one counts as unset.
pub(in crate::cli) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Whether a token in the environment replaces any login on disk.
pub(in crate::cli) fn has_access_token() -> bool {
    variable(ACCESS_TOKEN).is_some()
}

/// The variables that advice depends on.
fn read_environment() -> Environment {
    Environment {
        has_access_token: has_access_token(),
        has_bus_address: variable(SYSTEM_BUS).is_some(),
    }
}

/// The context of a failure without a device.
pub(in crate::cli) fn without_device() -> Context {
    Context {
        environment: read_environment(),
        ..Context::default()
    }
}

/// The context of a failure with this device.
pub(in crate::cli) fn with_device(device: &DeviceRequest) -> Context {
    Context::of_device(device, read_environment())
}

/// The failure of a flow.
pub(in crate::cli) fn flow_failure(error: &FlowError, device: &DeviceRequest) -> Failure {
    Failure::of_flow(error, &with_device(device))
}

/// The failure of a call to the cloud. `step` reads as in "while: listing the nodes".
pub(in crate::cli) fn cloud_failure(error: &CloudError, step: &str) -> Failure {
    Failure::of_cloud(error, step, &without_device())
}

/// The failure of a profile or a login.
pub(in crate::cli) fn account_failure(error: &AccountError) -> Failure {
    Failure::of_account(error, &without_device())
}

/// The folder of the account's files.
pub(in crate::cli) fn account_folder() -> Result<Folder, Failure> {
    let given = variable("RM_USER_CONFIG_DIR").map(PathBuf::from);
    let usual = || Some(std::env::home_dir()?.join(".espressif").join("rainmaker"));
    given.or_else(usual).map(Folder::new).ok_or_else(|| {
        let message = "cannot find the account's files: there is no home directory";
        Failure::new(ErrorId::AccountFiles, message).hint(remedies::SET_CONFIG_DIR)
    })
}

pub(in crate::cli) const ACCESS_TOKEN: &str = "ESPCTL_ACCESS_TOKEN";
/// The address of the system bus, for clients of BlueZ.
const SYSTEM_BUS: &str = "DBUS_SYSTEM_BUS_ADDRESS";
