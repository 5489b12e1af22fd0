//! The words for this computer's Bluetooth: its service, whether this user may use it, its adapters
//! and whether they are on. What is said when it fails is `failure`'s.

use super::finding::{Finding, Part, State};
use super::{LIMIT, Scope};
use crate::cli::args::environment::without_device;
use crate::host::{
    AdapterHealth, BluetoothError, BluetoothHealth, BluetoothProblem, Power, check_bluetooth,
};
use crate::ident::printable;
use crate::report::Failure;
use crate::transport::HostPart;

pub(super) async fn look(scope: &Scope, wanted: Option<&str>) -> Vec<Finding> {
    if !scope.has(HostPart::Bluetooth) {
        return Vec::new();
    }
    match check_bluetooth(LIMIT).await {
        Ok(health) => found(&health, wanted),
        Err(error) => failed(&error),
    }
}

fn failed(BluetoothError { problem, source }: &BluetoothError) -> Vec<Finding> {
    let mut failure = Failure::of_bluetooth(problem, &without_device());
    if let Some(source) = source {
        failure = failure.cause(source);
    }
    let id = match problem {
        BluetoothProblem::Denied => PERMISSION,
        BluetoothProblem::NoAdapter | BluetoothProblem::NoSuchAdapter { .. } => ADAPTER,
        BluetoothProblem::Blocked | BluetoothProblem::Off => POWER,
        BluetoothProblem::NoBus | BluetoothProblem::NoService | BluetoothProblem::Failed => SERVICE,
    };
    let unknown = |other| Finding::new(Part::Bluetooth, other, State::Skipped, UNKNOWN);
    ALL.map(|other| {
        if other == id {
            Finding::failed(Part::Bluetooth, id, &failure)
        } else {
            unknown(other)
        }
    })
    .to_vec()
}

fn found(health: &BluetoothHealth, wanted: Option<&str>) -> Vec<Finding> {
    let ok = |id, seen: String| Finding::new(Part::Bluetooth, id, State::Ok, seen);
    let service = match &health.version {
        _ if !cfg!(target_os = "linux") => Finding::new(
            Part::Bluetooth,
            SERVICE,
            State::Skipped,
            "its version cannot be asked here",
        ),
        Some(version) => ok(SERVICE, format!("BlueZ {version} answers")),
        None => ok(
            SERVICE,
            "BlueZ answers, and does not tell its version".to_owned(),
        ),
    };
    let permission = ok(PERMISSION, "this user may use it".to_owned());
    let [adapter, power] = adapters(health, wanted);
    vec![service, permission, adapter, power]
}

fn adapters(health: &BluetoothHealth, wanted: Option<&str>) -> [Finding; 2] {
    let adapters = &health.adapters;
    let shown: Vec<String> = adapters.iter().map(described).collect();
    let on = || adapters.iter().find(|one| one.power == Power::On);
    let chosen = match wanted {
        Some(wanted) => adapters.iter().find(|one| one.name == wanted),
        None => on().or_else(|| adapters.first()),
    };
    let unknown = |id| Finding::new(Part::Bluetooth, id, State::Skipped, "there is no adapter");
    let failed = |id, problem: &BluetoothProblem| {
        Finding::failed(
            Part::Bluetooth,
            id,
            &Failure::of_bluetooth(problem, &without_device()),
        )
    };
    let Some(chosen) = chosen else {
        return match wanted {
            Some(wanted) if !adapters.is_empty() => {
                let problem = BluetoothProblem::NoSuchAdapter {
                    requested: printable(wanted.as_bytes()).into(),
                    available: shown.join(", ").into(),
                };
                [failed(ADAPTER, &problem), unknown(POWER)]
            }
            // Some are gone from their bus while they are switched off.
            _ if health.is_blocked => [unknown(ADAPTER), failed(POWER, &BluetoothProblem::Blocked)],
            _ => [
                failed(ADAPTER, &BluetoothProblem::NoAdapter),
                unknown(POWER),
            ],
        };
    };
    let adapter = Finding::new(Part::Bluetooth, ADAPTER, State::Ok, shown.join(", "));
    let name = printable(chosen.name.as_bytes());
    let power = match chosen.power {
        Power::On => Finding::new(Part::Bluetooth, POWER, State::Ok, format!("{name} is on")),
        Power::Off => Finding {
            state: State::Warning,
            seen: format!("{name} is switched off; a search for devices switches it on"),
            ..failed(POWER, &BluetoothProblem::Off)
        },
        Power::Blocked => Finding {
            seen: format!("{name} is blocked: a switch, flight mode or rfkill keeps it off"),
            ..failed(POWER, &BluetoothProblem::Blocked)
        },
    };
    [adapter, power]
}

fn described(adapter: &AdapterHealth) -> String {
    let name = printable(adapter.name.as_bytes());
    match &adapter.address {
        Some(address) => format!("{name} ({})", printable(address.as_bytes())),
        None => name,
    }
}

pub(super) const SERVICE: &str = "bluetooth-service";
pub(super) const PERMISSION: &str = "bluetooth-permission";
pub(super) const ADAPTER: &str = "bluetooth-adapter";
pub(super) const POWER: &str = "bluetooth-power";
const ALL: [&str; 4] = [SERVICE, PERMISSION, ADAPTER, POWER];
const UNKNOWN: &str = "not known, because of the problem here";

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, power: Power) -> AdapterHealth {
        AdapterHealth {
            name: name.to_owned(),
            address: None,
            power,
        }
    }

    fn states(adapters: Vec<AdapterHealth>, is_blocked: bool, wanted: Option<&str>) -> [State; 2] {
        let health = BluetoothHealth {
            version: None,
            adapters,
            is_blocked,
        };
        self::adapters(&health, wanted).map(|one| one.state)
    }

    #[test]
    fn the_adapter_that_a_search_would_take_counts() {
        let (off, on) = (adapter("hci0", Power::Off), adapter("hci1", Power::On));
        let both = || vec![off.clone(), on.clone()];
        assert_eq!(states(both(), false, None), [State::Ok, State::Ok]);
        let first = states(both(), false, Some("hci0"));
        assert_eq!(first, [State::Ok, State::Warning]);
        let none = states(both(), false, Some("hci7"));
        assert_eq!(none, [State::Problem, State::Skipped]);
        let blocked = vec![adapter("hci0", Power::Blocked)];
        assert_eq!(states(blocked, true, None), [State::Ok, State::Problem]);
        assert_eq!(
            states(Vec::new(), false, None),
            [State::Problem, State::Skipped]
        );
        assert_eq!(
            states(Vec::new(), true, None),
            [State::Skipped, State::Problem]
        );
    }
}
