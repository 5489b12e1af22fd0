//! `discover`: which devices are in reach, and what they say. Finding one and looking at it is
//! `flows::discover`.

mod rows;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;

use self::rows::{Row, sort, tables};
use crate::cli::args::ble::{RadioArgs, narrowed_by};
use crate::cli::args::drivers::{Drivers, TransportName};
use crate::cli::args::failure_context::flow_failure;
use crate::cli::args::inputs::{Inputs, parse_seconds};
use crate::cli::args::seen::{self, Seen};
use crate::cli::subcommand::{Devices, Subcommand, Touches};
use crate::cli::terminal::{ObserverOptions, Printer, ShownEvents, TerminalObserver, keys_of};
use crate::cli::workplace::Workplace;
use crate::flows::Access;
use crate::flows::DeviceRequest;
use crate::flows::Target;
use crate::flows::discover::{Discovered, DiscoveredDevice, Probe, discover};
use crate::flows::{
    Choice, Chosen, Event, FlowError, FlowStep, Observer, Pace, Question, RowName, Run, SeenDevice,
};
use crate::report::{Failure, transcript};
use crate::secret::Secret;
use crate::transport::{Discovery, Driver, Medium, TransportError};

/// List the devices in reach, and what they say about themselves.
///
/// It needs no secret and changes nothing. On the network it lists the devices that announce
/// challenge-response, by their announcements alone; with an address it asks the one there. Over softap it looks at one address, 192.168.4.1 unless told otherwise:
/// this computer must have joined the device's hotspot, and hotspots that it has not joined are
/// not listed. Over the console it lists the serial ports on USB, and opens none unless --probe or
/// --port say so. A device serves one client at a time, so do not look at one
/// that somebody else is provisioning.
#[derive(Args, Debug)]
pub(in crate::cli) struct Discover {
    /// Where to look [default: everywhere that this program can]
    #[arg(long, env = "ESPCTL_TRANSPORT")]
    transport: Option<TransportName>,

    #[command(flatten)]
    radio: RadioArgs,

    /// Over the console, open each port and ask the board there what it is. Whatever else is
    /// plugged in is typed at, too.
    #[arg(long)]
    probe: bool,

    /// Over ble, list whatever advertises: headphones, phones, all that the filters let through.
    /// Over the console, list every serial port, not only those on USB.
    #[arg(long)]
    all: bool,

    /// How long to look, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_DISCOVERY_TIMEOUT", value_parser = parse_seconds, default_value = "5.0")]
    discovery_timeout: Duration,
}

#[async_trait(?Send)]
impl Subcommand for Discover {
    fn touches(&self) -> Touches {
        Touches::NOTHING.with(Devices::All)
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        list_devices(self, workplace).await
    }
}

async fn list_devices(args: &Discover, workplace: &Workplace) -> Result<(), Failure> {
    let Workplace {
        drivers,
        printer,
        observer,
        ..
    } = workplace;
    observer.configure(ObserverOptions {
        events: ShownEvents::AsText,
        ..ObserverOptions::default()
    });
    let inputs = workplace.inputs();
    let has_address = drivers.is_located(&inputs);
    let chosen: Vec<&Arc<dyn Driver>> = if let Some(name) = &args.transport {
        let driver = drivers.named(name)?;
        drivers.refuse_other_addresses(driver, &inputs)?;
        vec![driver]
    } else {
        // Where a device is says how to get there.
        let all = drivers.all().iter();
        all.filter(|driver| drivers.has_all_locations(driver, &inputs))
            .collect()
    };
    let probe = match (args.probe, args.all) {
        (false, _) => Probe::Known,
        (true, false) => Probe::Likely,
        (true, true) => Probe::All,
    };
    let mut asked = chosen
        .into_iter()
        .map(|driver| args.asked(driver, &inputs, drivers))
        .collect::<Result<Vec<DeviceRequest>, Failure>>()?;
    let transcript = transcript(None, printer.recorder());
    for asked in &mut asked {
        asked.target.transcript.clone_from(&transcript);
    }
    printer.start_list();
    for asked in &asked {
        printer.say(&format!("Looking {}", place(asked)));
    }
    let order = drivers.media();
    let list = Arc::new(Mutex::new(Vec::new()));
    let searches = asked.into_iter().map(|asked| {
        let observer = LiveList {
            seen: Arc::clone(&list),
            shows_others: lists_others(args.all, &asked.target),
            order: order.clone(),
            terminal: observer.clone(),
            printer: printer.clone(),
        };
        let run = Run::new(Arc::new(observer), asked.pace.clone());
        async move {
            let outcome = discover(&run, &asked.target, probe).await;
            (asked, outcome)
        }
    });
    // Where both ways lead to the same device, it has one socket, and a second visitor evicts the
    // first.
    let outcomes: Vec<_> = if has_address {
        stream::iter(searches).then(|search| search).collect().await
    } else {
        join_all(searches).await
    };
    let mut found = Vec::new();
    let mut notes = Vec::new();
    let mut failed = None;
    for (asked, outcome) in outcomes {
        let medium = asked.target.medium;
        match outcome {
            Ok(discovered) => {
                let nobody = discovered.no_candidate(medium);
                let Discovered { devices, others } = discovered;
                let listed = if lists_others(args.all, &asked.target) {
                    others
                } else {
                    notes.extend(unlisted(others.len(), &asked.target));
                    Vec::new()
                };
                if devices.is_empty() && listed.is_empty() {
                    // Looked for because nobody said where to look: a computer without such a place has
                    // other ways.
                    if medium.discovery == Discovery::Enumerated && args.transport.is_none() {
                        printer.say(&format!("Nothing is looked for over {medium}: {nobody}"));
                    } else {
                        failed.get_or_insert((nobody, asked));
                    }
                }
                found.extend(devices.into_iter().chain(listed));
            }
            // Looked for because nobody said where to look: there are other ways.
            Err(FlowError::Transport(error @ TransportError::Bluetooth(_)))
                if args.transport.is_none() =>
            {
                printer.say(&format!("Nothing is looked for over {medium}: {error}"));
            }
            // Says more than that nobody is there.
            Err(error) => match &failed {
                Some((known, _)) if !matches!(known, FlowError::NoCandidate { .. }) => {}
                _ => failed = Some((error, asked)),
            },
        }
    }
    let mut found = distinct(found);
    sort(&mut found, &order);
    remember(&found);
    match failed {
        Some((error, asked)) if found.is_empty() => {
            let failure = flow_failure(&error, &asked);
            Err(match error.step() {
                // Nobody was to be connected to.
                FlowStep::Connecting => {
                    failure.during(format!("looking for devices {}", place(&asked)))
                }
                _ => failure,
            })
        }
        _ => {
            let mut lines = tables(&found);
            lines.extend(notes);
            let rows = found.iter().map(Row::of);
            let rows: Vec<Row<'_>> = rows.collect();
            let mut keys = keys_of("devices", &rows);
            keys.extend(keys_of("warnings", &observer.warnings()));
            printer.result(&lines, keys)
        }
    }
}

/// Keeps the names of those that were listed, for completions: the names by which one can be chosen.
fn remember(found: &[DiscoveredDevice]) {
    let mut seen = Seen::default();
    // The latest comes first.
    let devices = found.iter().filter(|one| one.medium.announces());
    for one in devices.rev() {
        seen.add(one.name.as_deref(), one.hints.node_id.as_deref());
    }
    seen::replace(&seen);
}

/// Where it is looked, in messages.
fn place(asked: &DeviceRequest) -> String {
    let medium = asked.target.medium;
    match &asked.target.address {
        Some(address) => format!("over {medium} at {address}"),
        None => format!("over {medium}"),
    }
}

/// Whether those that are not wanted are listed, too: what the filters leave out never is.
fn lists_others(all: bool, target: &Target) -> bool {
    all && narrowed_by(target).is_none()
}

/// How to see those that are not listed.
fn unlisted(count: usize, target: &Target) -> Option<String> {
    let how = match narrowed_by(target) {
        None => "--all lists them".to_owned(),
        Some(filter) => format!("{filter} leaves them out"),
    };
    let unlisted = target.medium.words.unlisted;
    (count > 0).then(|| format!("{count} {unlisted}; {how}"))
}

impl Discover {
    fn asked(
        &self,
        driver: &Arc<dyn Driver>,
        inputs: &Inputs<'_>,
        drivers: &Drivers,
    ) -> Result<DeviceRequest, Failure> {
        let mut target = drivers.target_from(driver, inputs)?;
        self.radio.apply(&mut target);
        let mut pace = Pace {
            search: self.discovery_timeout,
            ..Pace::default()
        };
        // A device that is there answers at once; one that says nothing is not waited for longer.
        let patience = self.discovery_timeout.max(SHORTEST);
        pace.limits.other = pace.limits.other.min(patience);
        // To connect, an empty place is also asked whether a device is there.
        if target.medium.discovery == Discovery::Enumerated {
            pace.limits.connect = pace.limits.connect.min(patience);
        }
        if target.address.is_none() {
            let usual = target.medium.usual_address;
            target.address = usual.and_then(|usual| driver.parse_address(usual).ok());
        }
        Ok(DeviceRequest {
            label: target
                .address
                .as_ref()
                .map_or_else(|| "a device".to_owned(), ToString::to_string),
            target,
            access: Access::default(),
            pace,
            network: None,
        })
    }
}

/// Shows the devices that one of several searches has seen so far, in one list for all of them.
#[derive(Debug)]
struct LiveList {
    seen: Arc<Mutex<Vec<SeenDevice>>>,
    shows_others: bool,
    /// In which media follow each other.
    order: Vec<&'static Medium>,
    terminal: TerminalObserver,
    printer: Printer,
}

#[async_trait]
impl Observer for LiveList {
    fn event(&self, row: Option<&RowName>, event: &Event) {
        let Event::DeviceSeen { device, is_wanted } = event else {
            return self.terminal.event(row, event);
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // What a device announces may change, and with it whether it is shown.
        seen.retain(|known| (known.medium, &known.address) != (device.medium, &device.address));
        if *is_wanted || self.shows_others {
            seen.push(device.clone());
        }
        let mut found: Vec<DiscoveredDevice> =
            seen.iter().cloned().map(DiscoveredDevice::from).collect();
        sort(&mut found, &self.order);
        self.printer.show(&tables(&found));
    }

    async fn choose(&self, _row: Option<&RowName>, _choice: Choice) -> Chosen {
        Chosen::Nothing
    }

    async fn ask(&self, _row: Option<&RowName>, _question: &Question) -> Option<Secret<String>> {
        None
    }
}

/// One device at one address, whichever ways it was looked at: the one by which it answered.
fn distinct(found: Vec<DiscoveredDevice>) -> Vec<DiscoveredDevice> {
    let mut kept: Vec<DiscoveredDevice> = Vec::new();
    for one in found {
        let same = kept
            .iter_mut()
            .find(|known| known.medium != one.medium && known.address == one.address);
        match same {
            None => kept.push(one),
            Some(known) if known.version.is_none() && one.version.is_some() => *known = one,
            Some(_) => {}
        }
    }
    kept
}

/// Even with no time to look, a device that is there may answer.
const SHORTEST: Duration = Duration::from_secs(1);
