//! Describes this computer for a support bundle, without its name and its user's name.

use std::fs;
use std::io::{self, IsTerminal as _};

use serde_json::{Value, json};

use crate::ident::printable;

/// One JSON object. A value is null if the system does not provide it.
pub(super) fn describe_system() -> Value {
    json!({
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "name": read_system_name(),
        "kernel": read_kernel_version(),
        "terminals": {
            "stdin": io::stdin().is_terminal(),
            "stdout": io::stdout().is_terminal(),
            "stderr": io::stderr().is_terminal(),
        },
        "in_container": fs::exists("/.dockerenv").unwrap_or_default()
            || fs::exists("/run/.containerenv").unwrap_or_default(),
    })
}

#[cfg(unix)]
fn read_kernel_version() -> String {
    let system = rustix::system::uname();
    let part = |text: &std::ffi::CStr| printable(text.to_bytes());
    format!(
        "{} {}, {}, {}",
        part(system.sysname()),
        part(system.release()),
        part(system.version()),
        part(system.machine())
    )
}

#[cfg(not(unix))]
const fn read_kernel_version() -> Option<String> {
    None
}

/// The name of the distribution.
fn read_system_name() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    find_pretty_name(&text)
}

fn find_pretty_name(text: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(printable(value.trim_matches('"').as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_pretty_name_of_distribution() {
        let text = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        let name = find_pretty_name(text);
        assert_eq!(name.as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(find_pretty_name("ID=x"), None);
    }
}
