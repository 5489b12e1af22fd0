//! `discover`: which devices are in reach, and what they say. Finding one and looking at it is
//! `flows::discover`.

use std::time::Duration;

use clap::{ArgMatches, Args};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use serde::Serialize;

use super::device_args::{Asked, InterfaceArgs, parse_host, parse_ip, transports, where_it_is};
use super::failure::Failure;
use super::settings::{Inputs, parse_seconds};
use super::ui::{Ui, columns, device_table, keys_of};
use crate::endpoint::version::Version;
use crate::flows::connect::Access;
use crate::flows::discover::{self, Found};
use crate::flows::find::{Sighted, Target};
use crate::flows::{FlowError, Pace};
use crate::ident::printable;
use crate::transport::{Address, DEVICE_PORT, DRIVERS, Hints, SOFTAP_HOST, TransportKind};

/// List the devices in reach, and what they say about themselves.
///
/// It needs no secret and changes nothing. On the network it lists the devices that announce
/// challenge-response, by their announcements alone; with an address it asks the one there. Over softap it looks at one address, 192.168.4.1 unless told otherwise:
/// this computer must have joined the device's hotspot, and hotspots that it has not joined are
/// not listed. A device serves one client at a time, so do not look at one
/// that somebody else is provisioning.
#[derive(Args, Debug)]
pub(super) struct Discover {
    /// Where to look [default: everywhere that this program can]
    #[arg(long, env = "ESPCTL_TRANSPORT", value_parser = transports())]
    transport: Option<TransportKind>,

    /// The device's IP address: over softap where it is not 192.168.4.1, on the network instead
    /// of looking for it.
    #[arg(long, value_name = "IP", env = "ESPCTL_DEVICE_IP", value_parser = parse_ip)]
    device_ip: Option<String>,

    /// The device's host name, instead of an IP address.
    #[arg(long, value_name = "HOST", env = "ESPCTL_DEVICE_HOST", value_parser = parse_host)]
    device_host: Option<String>,

    /// The device's TCP port, where it is not 80.
    #[arg(long, value_name = "PORT", env = "ESPCTL_DEVICE_PORT", value_parser = clap::value_parser!(u16).range(1..))]
    device_port: Option<u16>,

    #[command(flatten)]
    network: InterfaceArgs,

    /// How long to look, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_DISCOVERY_TIMEOUT", value_parser = parse_seconds, default_value = "5.0")]
    discovery_timeout: Duration,
}

/// A line of the list. What a device did not say is null.
#[derive(Serialize)]
struct Row<'a> {
    transport: TransportKind,
    address: String,
    name: Option<&'a str>,
    node_id: Option<&'a str>,
    version: Option<&'a Version>,
    sec_ver: Option<u64>,
    pop_required: Option<bool>,
}

/// Runs `discover`.
pub(super) async fn run(args: &Discover, matches: &ArgMatches, ui: &mut Ui) -> Result<(), Failure> {
    ui.result_only();
    let host = Inputs::new(matches).one_of(
        ("device_ip", "--device-ip", args.device_ip.clone()),
        ("device_host", "--device-host", args.device_host.clone()),
    )?;
    let kinds = match args.transport {
        Some(kind) => vec![kind],
        None => DRIVERS.iter().map(|driver| driver.kind()).collect(),
    };
    let mut searches = Vec::new();
    for kind in kinds {
        let asked = args.asked(kind, host.as_ref())?;
        ui.say(&match &asked.target.address {
            Some(address) => format!("Looking over {kind} at {address}"),
            None => format!("Looking over {kind}"),
        });
        searches.push(async move {
            let outcome = discover::run(&asked.target, &asked.pace).await;
            (kind, asked, outcome)
        });
    }
    let mut found = Vec::new();
    let mut failed = None;
    // Where both ways lead to the same device, it has one socket, and a second visitor evicts the
    // first.
    let outcomes = if host.is_some() || args.device_port.is_some() {
        stream::iter(searches).then(|search| search).collect().await
    } else {
        join_all(searches).await
    };
    for (kind, asked, outcome) in outcomes {
        match outcome {
            Ok(devices) if devices.is_empty() => {
                failed.get_or_insert_with(|| (none(kind), asked));
            }
            Ok(devices) => found.extend(devices),
            // Says more than that nobody is there.
            Err(error) => match &failed {
                Some((known, _)) if !matches!(known, FlowError::NoCandidate { .. }) => {}
                _ => failed = Some((error, asked)),
            },
        }
    }
    let found = distinct(found);
    match failed {
        Some((error, asked)) if found.is_empty() => Err(Failure::of_flow(&error, &asked)),
        _ => {
            let rows: Vec<Row<'_>> = found.iter().map(Row::of).collect();
            let lines = if rows.iter().all(|row| row.transport.announces()) {
                let sighted: Vec<Sighted> = found.iter().map(sighted).collect();
                device_table(&sighted)
            } else {
                table(&rows)
            };
            ui.result(&lines, keys_of("devices", &rows))
        }
    }
}

impl Discover {
    fn asked(&self, kind: TransportKind, host: Option<&String>) -> Result<Asked, Failure> {
        let mut pace = Pace {
            search: self.discovery_timeout,
            ..Pace::default()
        };
        // A device that is there answers at once; one that says nothing is not waited for longer.
        pace.limits.other = pace.limits.other.min(self.discovery_timeout.max(SHORTEST));
        let given = where_it_is(kind, host.cloned(), self.device_port);
        let address = match kind {
            TransportKind::OnNetwork => given,
            TransportKind::SoftAp => Some(given.unwrap_or_else(|| Address::Http {
                host: SOFTAP_HOST.to_owned(),
                port: DEVICE_PORT,
            })),
        };
        let mut target = Target::of_kind(kind);
        self.network.apply(&mut target)?;
        Ok(Asked {
            label: address
                .as_ref()
                .map_or_else(|| "a device".to_owned(), ToString::to_string),
            target: Target { address, ..target },
            access: Access::default(),
            pace,
        })
    }
}

impl<'a> Row<'a> {
    fn of(found: &'a Found) -> Self {
        Self {
            transport: found.kind,
            address: found.address.to_string(),
            name: found.name.as_deref(),
            node_id: found.hints.node_id.as_deref(),
            version: found.version.as_ref(),
            sec_ver: sec_version(found),
            pop_required: pop_required(found),
        }
    }

    fn cells(&self) -> [String; 6] {
        let said = |text: Option<&str>| text.map_or_else(unsaid, |text| printable(text.as_bytes()));
        [
            said(self.name),
            self.transport.to_string(),
            self.address.clone(),
            said(self.version.and_then(|version| version.ver.as_deref())),
            self.sec_ver
                .map_or_else(unsaid, |number| number.to_string()),
            self.pop_required.map_or_else(unsaid, |needed| {
                if needed { "yes" } else { "no" }.to_owned()
            }),
        ]
    }
}

/// One device at one address, whichever ways it was looked at: the one by which it answered.
fn distinct(found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    for one in found {
        let same = kept
            .iter_mut()
            .find(|known| known.kind != one.kind && known.address == one.address);
        match same {
            None => kept.push(one),
            Some(known) if known.version.is_none() && one.version.is_some() => *known = one,
            Some(_) => {}
        }
    }
    kept
}

fn none(kind: TransportKind) -> FlowError {
    let seen = Vec::new();
    FlowError::NoCandidate { kind, seen }
}

fn sighted(found: &Found) -> Sighted {
    Sighted {
        name: found.name.clone(),
        address: found.address.clone(),
        hints: Hints {
            node_id: found.hints.node_id.clone(),
            sec_version: sec_version(found),
            pop_required: pop_required(found),
        },
    }
}

/// The version document is the device's own word; an announcement could be anybody's.
fn sec_version(found: &Found) -> Option<u64> {
    let said = found.version.as_ref().and_then(|version| version.sec_ver);
    said.or(found.hints.sec_version)
}

/// Likewise.
fn pop_required(found: &Found) -> Option<bool> {
    let version = found.version.as_ref();
    let said = version.and_then(|version| version.pop_required);
    said.or(found.hints.pop_required)
}

fn unsaid() -> String {
    "-".to_owned()
}

fn table(rows: &[Row<'_>]) -> Vec<String> {
    let heading = ["NAME", "TRANSPORT", "ADDRESS", "VERSION", "SEC", "POP"].map(str::to_owned);
    let lines: Vec<_> = std::iter::once(heading)
        .chain(rows.iter().map(Row::cells))
        .collect();
    columns(&lines)
}

/// Even with no time to look, a device that is there may answer.
const SHORTEST: Duration = Duration::from_secs(1);
