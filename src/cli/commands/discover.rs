//! `discover`: searches with each driver and lists the devices.

mod rows;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};

use self::rows::{json_row, sort, tables};
use crate::cli::args::device::SEARCH_SECONDS;
use crate::cli::args::drivers::TransportName;
use crate::cli::args::environment::flow_failure;
use crate::cli::args::filters::FilterArgs;
use crate::cli::args::inputs::parse_seconds;
use crate::cli::args::seen_devices::{self, Seen};
use crate::cli::subcommand::{Devices, Handling, Subcommand, Touches};
use crate::cli::terminal::{Printer, ShownEvents, TerminalObserver};
use crate::cli::workplace::Workplace;
use crate::flows::discover::{Discovered, DiscoveredDevice, Probe, discover};
use crate::flows::{
    Access, DeviceRequest, Event, FlowError, FlowStep, Observer, RowName, Run, Target, Timing,
};
use crate::report::{Failure, describe_filters, transcript};
use crate::transport::{Candidate, Discovery, Medium, TransportError};

/// List the devices in reach, and what they announce about themselves.
///
/// It needs no secret and changes nothing. On the network it lists the devices that announce
/// challenge-response, without connecting to them; with an address it connects to that device. Over
/// softap it connects to one address, 192.168.4.1 by default: this computer must have joined the
/// device's hotspot, and other hotspots are not listed. Over the console it lists the serial ports
/// on USB, and opens them only with --probe or --port. A device serves one client at a time, so do
/// not run this while another client provisions the device.
#[derive(Args, Debug)]
pub(in crate::cli) struct Discover {
    /// Where to search [default: all transports of this program]
    #[arg(long, env = "ESPCTL_TRANSPORT")]
    transport: Option<TransportName>,

    #[command(flatten)]
    filters: FilterArgs,

    /// Over the console, open each port and ask the board there what it is. This also sends bytes
    /// to other things that are plugged in.
    #[arg(long)]
    probe: bool,

    /// Over ble, list everything that advertises and passes the filters, also headphones and
    /// phones. Over the console, list every serial port, not only those on USB.
    #[arg(long)]
    all: bool,

    /// Duration of the search, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_DISCOVERY_TIMEOUT", value_parser = parse_seconds, default_value = SEARCH_SECONDS)]
    discovery_timeout: Duration,
}

#[async_trait(?Send)]
impl Subcommand for Discover {
    fn handling(&self) -> Handling {
        Touches::NOTHING.with(Devices::All).public()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let (drivers, printer) = (&workplace.drivers, &workplace.printer);
        workplace.observer.show_events(ShownEvents::AsText);
        let requests = self.requests(workplace)?;
        printer.spinner.start("Listening");
        for request in &requests {
            printer.print_line(&format!("Looking {}", search_place(request)));
        }
        let outcomes = self.search_all(requests, workplace).await;
        let (mut found, mut notes, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for (request, outcome) in outcomes {
            let medium = request.target.medium;
            let error = match outcome {
                Ok(mut discovered) => {
                    let no_candidate = discovered.no_candidate(medium);
                    if self.lists_others(&request.target) {
                        discovered.devices.append(&mut discovered.others);
                    }
                    notes.extend(unlisted_note(discovered.others.len(), &request.target));
                    if !discovered.devices.is_empty() {
                        found.append(&mut discovered.devices);
                        continue;
                    }
                    no_candidate
                }
                Err(error) => error,
            };
            // Without --transport, a computer may lack one of the transports.
            let is_optional = match &error {
                FlowError::NoCandidate { .. } => medium.discovery == Discovery::Enumerated,
                FlowError::Transport(error) => matches!(error, TransportError::Bluetooth(_)),
                _ => false,
            };
            if is_optional && self.transport.is_none() {
                printer.print_line(&format!("No devices over {medium}: {error}"));
                continue;
            }
            errors.push((error, request));
        }
        let mut found = merge_addresses(found);
        sort(&mut found, &drivers.media());
        store_names(&found);
        // Any other error is more helpful than the error that there is no device.
        let is_least = |(error, _): &(FlowError, _)| matches!(error, FlowError::NoCandidate { .. });
        if found.is_empty()
            && let Some((error, request)) = errors.into_iter().min_by_key(is_least)
        {
            let failure = flow_failure(&error, &request);
            return Err(match error.step() {
                // The search had no device to connect to.
                FlowStep::Connecting => {
                    failure.during(format!("looking for devices {}", search_place(&request)))
                }
                _ => failure,
            });
        }
        let lines = [tables(&found), notes].concat();
        let devices: Vec<Value> = found.iter().map(json_row).collect();
        let keys = json!({ "devices": devices, "warnings": workplace.observer.warnings() });
        printer.result(&lines, keys)
    }
}

impl Discover {
    /// Runs the searches and shows their devices in one list.
    async fn search_all(
        &self,
        requests: Vec<DeviceRequest>,
        workplace: &Workplace,
    ) -> Vec<(DeviceRequest, Result<Discovered, FlowError>)> {
        let devices = Arc::new(Mutex::new(Vec::new()));
        let probe = match (self.probe, self.all) {
            (false, _) => Probe::Known,
            (true, false) => Probe::Likely,
            (true, true) => Probe::All,
        };
        let searches = requests.into_iter().map(|request| {
            let list = LiveList {
                devices: Arc::clone(&devices),
                shows_others: self.lists_others(&request.target),
                order: workplace.drivers.media(),
                terminal: workplace.observer.clone(),
                printer: workplace.printer.clone(),
            };
            let run = Run::new(Arc::new(list), request.timing.clone());
            async move {
                let outcome = discover(&run, &request.target, probe).await;
                (request, outcome)
            }
        });
        // If two transports lead to the same device, a second connection would close the first.
        let is_located = workplace.drivers.is_located(&workplace.inputs());
        let at_once = if is_located { 1 } else { usize::MAX };
        stream::iter(searches).buffered(at_once).collect().await
    }

    /// A request with the driver of `--transport`, or one with each driver that knows the given
    /// address.
    fn requests(&self, workplace: &Workplace) -> Result<Vec<DeviceRequest>, Failure> {
        let (drivers, inputs) = (&workplace.drivers, workplace.inputs());
        let mut selected: Vec<_> = drivers.all().iter().collect();
        if let Some(name) = &self.transport {
            let driver = drivers.named(name)?;
            drivers.refuse_other_addresses(driver, &inputs)?;
            selected = vec![driver];
        } else {
            selected.retain(|driver| drivers.has_all_locations(driver, &inputs));
        }
        let transcript = transcript(None, workplace.printer.recorder());
        let requests = selected.into_iter().map(|driver| {
            let target = drivers.target_from(driver, &inputs)?;
            let transcript = transcript.clone();
            Ok(self.request(Target {
                transcript,
                ..target
            }))
        });
        requests.collect()
    }

    fn request(&self, mut target: Target) -> DeviceRequest {
        self.filters.apply(&mut target);
        let mut timing = Timing {
            search: self.discovery_timeout,
            ..Timing::default()
        };
        // A device that is there answers at once, so a longer wait for an answer has no use.
        let limit = self.discovery_timeout.max(MIN_ANSWER_TIMEOUT);
        timing.limits.other = timing.limits.other.min(limit);
        // To connect to a serial port also means to ask whether a device is there.
        if target.medium.discovery == Discovery::Enumerated {
            timing.limits.connect = timing.limits.connect.min(limit);
        }
        let usual = target.medium.usual_address;
        let usual = usual.and_then(|usual| target.driver.parse_address(usual).ok());
        target.address = target.address.or(usual);
        let address = target.address.as_ref();
        DeviceRequest {
            label: address.map_or_else(|| "a device".to_owned(), ToString::to_string),
            target,
            access: Access::default(),
            timing,
            network: None,
        }
    }

    /// Whether the list also has what does not look like a device. Filters always apply.
    fn lists_others(&self, target: &Target) -> bool {
        self.all && describe_filters(target).is_none()
    }
}

/// Stores the names of devices that announced themselves, for completions.
fn store_names(found: &[DiscoveredDevice]) {
    let mut seen = Seen::default();
    let devices = found.iter().map(|found| &found.device);
    // The device that is added last comes first.
    for device in devices.rev().filter(|device| device.medium.announces()) {
        seen.add(device.name.as_deref(), device.hints.node_id.as_deref());
    }
    seen_devices::replace(&seen);
}

/// Where espctl searches, in messages.
fn search_place(request: &DeviceRequest) -> String {
    let medium = request.target.medium;
    match &request.target.address {
        Some(address) => format!("over {medium} at {address}"),
        None => format!("over {medium}"),
    }
}

/// How many devices the list does not have, and how to list them.
fn unlisted_note(count: usize, target: &Target) -> Option<String> {
    let advice = match describe_filters(target) {
        None => "--all lists them".to_owned(),
        Some(filter) => format!("{filter} leaves them out"),
    };
    let unlisted = target.medium.words.unlisted;
    (count > 0).then(|| format!("{count} {unlisted}; {advice}"))
}

/// Shows the devices of all searches in one list, while one of the searches goes on.
#[derive(Debug)]
struct LiveList {
    devices: Arc<Mutex<Vec<DiscoveredDevice>>>,
    shows_others: bool,
    /// The order of the media in the list.
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
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        // A device may announce other data than before, which can remove it from the list.
        let key = |device: &Candidate| (device.medium, device.address.clone());
        devices.retain(|listed| key(&listed.device) != key(device));
        if *is_wanted || self.shows_others {
            devices.push(device.clone().into());
        }
        sort(&mut devices, &self.order);
        self.printer.spinner.show_above(&tables(&devices));
    }
}

/// Keeps one entry for a device that two transports reach at the same address: the entry with a
/// version document.
fn merge_addresses(found: Vec<DiscoveredDevice>) -> Vec<DiscoveredDevice> {
    let mut merged: Vec<DiscoveredDevice> = Vec::new();
    for one in found {
        let (medium, address) = (one.device.medium, &one.device.address);
        let same = merged
            .iter_mut()
            .find(|entry| entry.device.medium != medium && entry.device.address == *address);
        match same {
            None => merged.push(one),
            Some(entry) if entry.version.is_none() && one.version.is_some() => *entry = one,
            Some(_) => {}
        }
    }
    merged
}

/// A device can answer within this time, even if the search takes no time.
const MIN_ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
