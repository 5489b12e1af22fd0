//! Checks of this computer's Bluetooth: its service, the rights of this user, its adapters, and
//! whether they are on.

use super::checks::Check::{
    self, BluetoothAdapter, BluetoothPermission, BluetoothPower, BluetoothService,
};
use super::finding::{CheckState, Finding};
use super::scope::{CHECK_TIMEOUT, Scope};
use crate::cli::args::environment::without_device;
use crate::host::{
    AdapterHealth, BluetoothError, BluetoothHealth, BluetoothProblem, Power, check_bluetooth,
};
use crate::ident::printable;
use crate::report::Failure;
use crate::transport::HostPart;

pub(super) async fn examine_bluetooth(scope: &Scope) -> Vec<Finding> {
    if !scope.has(HostPart::Bluetooth) {
        return Vec::new();
    }
    match check_bluetooth(CHECK_TIMEOUT).await {
        Ok(health) => judge_health(&health, scope.adapter.as_deref()),
        Err(error) => judge_error(&error),
    }
}

fn judge_error(BluetoothError { problem, source }: &BluetoothError) -> Vec<Finding> {
    let mut failure = Failure::of_bluetooth(problem, &without_device());
    if let Some(source) = source {
        failure = failure.cause(source);
    }
    let failed = match problem {
        BluetoothProblem::Denied => BluetoothPermission,
        BluetoothProblem::NoAdapter | BluetoothProblem::NoSuchAdapter { .. } => BluetoothAdapter,
        BluetoothProblem::Blocked | BluetoothProblem::Off => BluetoothPower,
        BluetoothProblem::NoBus | BluetoothProblem::NoService | BluetoothProblem::Failed => {
            BluetoothService
        }
    };
    let judge = |check| {
        if check == failed {
            Finding::from_failure(check, &failure)
        } else {
            Finding::skipped(check, "not known because of the problem here")
        }
    };
    [
        BluetoothService,
        BluetoothPermission,
        BluetoothAdapter,
        BluetoothPower,
    ]
    .map(judge)
    .to_vec()
}

fn judge_health(health: &BluetoothHealth, requested: Option<&str>) -> Vec<Finding> {
    let service = match &health.version {
        _ if !cfg!(target_os = "linux") => {
            Finding::skipped(BluetoothService, "this system does not show its version")
        }
        Some(version) => Finding::ok(BluetoothService, format!("BlueZ {version} answers")),
        None => Finding::ok(BluetoothService, "BlueZ answers, but not with its version"),
    };
    let permission = Finding::ok(BluetoothPermission, "this user may use Bluetooth");
    let [adapter, power] = judge_adapters(health, requested);
    vec![service, permission, adapter, power]
}

fn judge_adapters(health: &BluetoothHealth, requested: Option<&str>) -> [Finding; 2] {
    let adapters = &health.adapters;
    let descriptions: Vec<String> = adapters.iter().map(describe_adapter).collect();
    let selected = if let Some(name) = requested {
        adapters.iter().find(|adapter| adapter.name == name)
    } else {
        let switched_on = adapters.iter().find(|adapter| adapter.power == Power::On);
        switched_on.or_else(|| adapters.first())
    };
    let skipped = |check| Finding::skipped(check, "there is no adapter");
    let failed = |check: Check, problem: &BluetoothProblem| {
        Finding::from_failure(check, &Failure::of_bluetooth(problem, &without_device()))
    };
    let Some(selected) = selected else {
        let problem = match requested {
            Some(name) if !adapters.is_empty() => BluetoothProblem::NoSuchAdapter {
                requested: printable(name.as_bytes()).into(),
                available: descriptions.join(", ").into(),
            },
            // Some adapters leave their bus while they are switched off.
            _ if health.is_blocked => {
                let power = failed(BluetoothPower, &BluetoothProblem::Blocked);
                return [skipped(BluetoothAdapter), power];
            }
            _ => BluetoothProblem::NoAdapter,
        };
        return [failed(BluetoothAdapter, &problem), skipped(BluetoothPower)];
    };
    let name = printable(selected.name.as_bytes());
    let power = match selected.power {
        Power::On => Finding::ok(BluetoothPower, format!("{name} is on")),
        Power::Off => Finding {
            state: CheckState::Warning,
            seen: format!("{name} is switched off; a search for devices switches it on"),
            ..failed(BluetoothPower, &BluetoothProblem::Off)
        },
        Power::Blocked => Finding {
            seen: format!("{name} is blocked: a switch, flight mode or rfkill keeps it off"),
            ..failed(BluetoothPower, &BluetoothProblem::Blocked)
        },
    };
    [
        Finding::ok(BluetoothAdapter, descriptions.join(", ")),
        power,
    ]
}

fn describe_adapter(adapter: &AdapterHealth) -> String {
    let name = printable(adapter.name.as_bytes());
    match &adapter.address {
        Some(address) => format!("{name} ({})", printable(address.as_bytes())),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_the_adapter_that_a_search_would_use() {
        use CheckState::{Ok, Problem, Skipped, Warning};
        let adapter = |name: &str, power| AdapterHealth {
            name: name.to_owned(),
            address: None,
            power,
        };
        let both = || vec![adapter("hci0", Power::Off), adapter("hci1", Power::On)];
        let blocked = vec![adapter("hci0", Power::Blocked)];
        for (adapters, is_blocked, requested, expected) in [
            (both(), false, None, [Ok, Ok]),
            (both(), false, Some("hci0"), [Ok, Warning]),
            (both(), false, Some("hci7"), [Problem, Skipped]),
            (blocked, true, None, [Ok, Problem]),
            (Vec::new(), false, None, [Problem, Skipped]),
            (Vec::new(), true, None, [Skipped, Problem]),
        ] {
            let health = BluetoothHealth {
                version: None,
                adapters,
                is_blocked,
            };
            let findings = judge_adapters(&health, requested);
            assert_eq!(
                findings.map(|finding| finding.state),
                expected,
                "{health:?}"
            );
        }
    }
}
