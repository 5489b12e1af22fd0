//! Checks of this computer's serial ports: where a board is plugged in, and whether this user may
//! open its port. No port is opened, because that resets some boards.

use super::checks::Check::{self, SerialPermission};
use super::finding::Finding;
use super::scope::{Scope, call_system, list_from_system};
use crate::host::{PortAccess, PortGroup, SerialPort, check_port_access, list_serial_ports};
use crate::ident::printable;
use crate::report::{ErrorId, Failure};
use crate::transport::HostPart;

pub(super) async fn examine_serial_ports(scope: &Scope) -> Vec<Finding> {
    if !scope.has(HostPart::SerialPorts) {
        return Vec::new();
    }
    if let Some(path) = &scope.port {
        return vec![examine_port(path).await];
    }
    let see = Some(ErrorId::TransportUnavailable);
    let ports = list_from_system(Check::SerialPort, "the ports", see, list_serial_ports);
    let ports = match ports.await {
        Ok(ports) => ports,
        Err(finding) => return vec![finding],
    };
    let (boards, others): (Vec<_>, Vec<_>) = ports.iter().partition(|port| port.usb.is_some());
    if boards.is_empty() {
        return vec![report_no_board(scope, &others)];
    }
    let mut findings = Vec::new();
    for board in boards {
        let mut finding = examine_port(&board.path).await;
        if let Some(product) = &board.product {
            let product = printable(product.as_bytes());
            finding.seen = format!("{product}; {}", finding.seen);
        }
        findings.push(finding);
    }
    findings
}

fn report_no_board(scope: &Scope, ports: &[&SerialPort]) -> Finding {
    let paths: Vec<&str> = ports.iter().map(|port| port.path.as_str()).collect();
    let seen = if paths.is_empty() {
        "there is no serial port".to_owned()
    } else {
        format!("no board on USB; other ports: {}", paths.join(", "))
    };
    let failure = Failure::new(ErrorId::NoSerialPort, seen);
    Finding {
        state: scope.state_of_open_step(),
        ..Finding::from_failure(Check::SerialPort, &failure)
    }
}

async fn examine_port(path: &str) -> Finding {
    let owned = path.to_owned();
    let access = call_system(move || check_port_access(&owned)).await;
    let path = printable(path.as_bytes());
    judge_access(&path, access.as_ref()).with_subject(path)
}

fn judge_access(path: &str, access: Option<&PortAccess>) -> Finding {
    match access {
        Some(PortAccess::Allowed) => Finding::ok(SerialPermission, "this user may open the port"),
        Some(PortAccess::Denied { group }) => {
            let (why, fix) = match group {
                Some(PortGroup {
                    name,
                    has_this_user: true,
                }) => (
                    format!(" yet: added to the group {name} after logging in"),
                    "log out and in again".to_owned(),
                ),
                Some(PortGroup {
                    name,
                    has_this_user: false,
                }) => (
                    format!("; the group {name} may"),
                    format!("sudo usermod -aG {name} $USER, then log in again"),
                ),
                None => (
                    ", and no group has access".to_owned(),
                    format!(
                        "sudo chmod a+rw {path}, which lasts until the board is unplugged; a udev rule is permanent"
                    ),
                ),
            };
            let seen = format!("this user may not open the port{why}");
            let finding = Finding::problem(SerialPermission, seen).with_fix(fix);
            finding.with_error(ErrorId::PermissionDenied)
        }
        Some(PortAccess::Missing(error)) => Finding::problem(
            Check::SerialPort,
            format!("the port cannot be used: {error}"),
        )
        .with_fix("plug the board in; `espctl discover --transport console` lists the ports")
        .with_error(ErrorId::NoSerialPort),
        Some(PortAccess::Unknown) => Finding::skipped(
            SerialPermission,
            "this system does not show who may open the port",
        ),
        None => Finding::skipped(
            SerialPermission,
            "the system did not report in time who may open the port",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::CheckState;
    use super::*;

    #[test]
    fn denied_port_has_a_fix_for_its_group() {
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
            let finding = judge_access("/dev/ttyX", Some(&access));
            assert_eq!(
                (finding.check, finding.state),
                (SerialPermission, CheckState::Problem)
            );
            assert!(finding.fix.unwrap().starts_with(fix), "{access:?}");
        }
        let allowed = judge_access("COM3", Some(&PortAccess::Allowed));
        assert_eq!((allowed.state, allowed.fix), (CheckState::Ok, None));
        assert_eq!(judge_access("COM3", None).state, CheckState::Skipped);
    }
}
