//! The computer that a run was on, as far as a support bundle needs it: without its name and its
//! user's.

use std::fs;
use std::io::{self, IsTerminal as _};

use serde_json::{Value, json};

use crate::ident::printable;

/// As one object; null is what the system does not say.
pub(super) fn described() -> Value {
    json!({
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "name": name(),
        "kernel": kernel(),
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
fn kernel() -> String {
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
const fn kernel() -> Option<String> {
    None
}

/// What the distribution calls itself.
fn name() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    pretty_name(&text)
}

fn pretty_name(text: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(printable(value.trim_matches('"').as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_called_by_its_name() {
        let text = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        let name = pretty_name(text);
        assert_eq!(name.as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(pretty_name("ID=x"), None);
    }
}
