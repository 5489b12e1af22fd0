//! The environment variables of espctl.

use std::env;
use std::ffi::OsString;

/// The names of the set variables that espctl reads and that can hold secrets. Another program must not
/// inherit them.
pub(crate) fn list_own_variables() -> Vec<OsString> {
    let is_own = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("ESPCTL_") || name == "ESP_RAINMAKER_PASSWORD"
    };
    env::vars_os()
        .map(|(name, _)| name)
        .filter(is_own)
        .collect()
}
