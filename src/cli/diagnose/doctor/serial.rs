//! The words for this computer's serial ports: where a board is plugged in, and whether this user may
//! open its port. None is opened: that resets some boards.

use super::finding::{Finding, Part, State};
use super::{Scope, asked};
use crate::host::{PortAccess, PortGroup, SerialPort, check_port_access, list_serial_ports};
use crate::ident::printable;
use crate::report::{ErrorId, Failure};
use crate::transport::HostPart;

pub(super) async fn look(scope: &Scope, named: Option<&str>) -> Vec<Finding> {
    if !scope.has(HostPart::SerialPorts) {
        return Vec::new();
    }
    if let Some(named) = named {
        return vec![port(named).await];
    }
    let all = asked(list_serial_ports).await;
    let found = match all {
        Some(Ok(found)) => found,
        Some(Err(error)) => {
            let seen = format!("the ports cannot be listed: {error}");
            let finding = Finding::new(Part::Serial, PORT, State::Problem, seen);
            return vec![finding.see(ErrorId::TransportUnavailable)];
        }
        None => {
            let seen = "the system did not list the ports in time";
            return vec![Finding::new(Part::Serial, PORT, State::Skipped, seen)];
        }
    };
    let (boards, others): (Vec<_>, Vec<_>) = found.iter().partition(|one| is_likely(one));
    if boards.is_empty() {
        return vec![none(scope, &others)];
    }
    let mut findings = Vec::new();
    for board in boards {
        let mut finding = port(&board.path).await;
        if let Some(product) = &board.product {
            let product = printable(product.as_bytes());
            finding.seen = format!("{product}; {}", finding.seen);
        }
        findings.push(finding);
    }
    findings
}

fn is_likely(port: &SerialPort) -> bool {
    port.usb.is_some()
}

fn none(scope: &Scope, others: &[&SerialPort]) -> Finding {
    let others: Vec<String> = others.iter().map(|one| one.path.clone()).collect();
    let seen = if others.is_empty() {
        "there is no serial port".to_owned()
    } else {
        format!("no board on USB; other ports: {}", others.join(", "))
    };
    let failure = Failure::new(ErrorId::NoSerialPort, seen);
    Finding {
        state: scope.undone(),
        ..Finding::failed(Part::Serial, PORT, &failure)
    }
}

async fn port(path: &str) -> Finding {
    let owned = path.to_owned();
    let access = asked(move || check_port_access(&owned)).await;
    judged(path, access.as_ref()).about(printable(path.as_bytes()))
}

fn judged(path: &str, access: Option<&PortAccess>) -> Finding {
    let path = printable(path.as_bytes());
    let denied = |seen: &str, fix: String| {
        let finding = Finding::new(Part::Serial, PERMISSION, State::Problem, seen);
        finding.fix(fix).see(ErrorId::PermissionDenied)
    };
    match access {
        Some(PortAccess::Allowed) => {
            Finding::new(Part::Serial, PERMISSION, State::Ok, "this user may open it")
        }
        Some(PortAccess::Denied {
            group:
                Some(PortGroup {
                    name,
                    has_this_user: true,
                }),
        }) => denied(
            &format!("this user may not open it yet: added to the group {name} after logging in"),
            "log out and in again".to_owned(),
        ),
        Some(PortAccess::Denied {
            group: Some(PortGroup { name, .. }),
        }) => denied(
            &format!("this user may not open it; the group {name} may"),
            format!("sudo usermod -aG {name} $USER, then log in again"),
        ),
        Some(PortAccess::Denied { group: None }) => denied(
            "this user may not open it, and no group helps",
            format!(
                "sudo chmod a+rw {path}, until it is plugged in anew; a udev rule does it for good"
            ),
        ),
        Some(PortAccess::Missing(error)) => {
            let seen = format!("it cannot be used: {error}");
            Finding::new(Part::Serial, PORT, State::Problem, seen)
                .fix("plug the board in; `espctl discover --transport console` lists the ports")
                .see(ErrorId::NoSerialPort)
        }
        Some(PortAccess::Unknown) => Finding::new(
            Part::Serial,
            PERMISSION,
            State::Skipped,
            "who may open it cannot be asked here",
        ),
        None => Finding::new(
            Part::Serial,
            PERMISSION,
            State::Skipped,
            "the system did not say in time who may open it",
        ),
    }
}

pub(super) const PORT: &str = "serial-port";
pub(super) const PERMISSION: &str = "serial-permission";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_open_a_port_is_told_how_to() {
        let group = |has_this_user| PortAccess::Denied {
            group: Some(PortGroup {
                name: "dialout".to_owned(),
                has_this_user,
            }),
        };
        for (access, fix) in [
            (
                group(false),
                "sudo usermod -aG dialout $USER, then log in again",
            ),
            (group(true), "log out and in again"),
            (
                PortAccess::Denied { group: None },
                "sudo chmod a+rw /dev/ttyX",
            ),
        ] {
            let finding = judged("/dev/ttyX", Some(&access));
            assert_eq!((finding.id, finding.state), (PERMISSION, State::Problem));
            assert!(finding.fix.unwrap().starts_with(fix), "{access:?}");
        }
        let allowed = judged("COM3", Some(&PortAccess::Allowed));
        assert_eq!((allowed.state, allowed.fix), (State::Ok, None));
        assert_eq!(judged("COM3", None).state, State::Skipped);
    }
}
