//! The transports of this program, and their flags as arguments of the commands that search for devices.
//! Only its driver knows what a flag means.

use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use clap::{Arg, Command};
use futures_util::future::join_all;

use crate::cli::args::inputs::{Inputs, OptionText};
use crate::flows::Target;
use crate::provisioner::Protocol;
use crate::report::{ErrorId, Failure};
use crate::transport::{DEFAULT_TRANSPORT, Driver, Medium, OptionError, OptionSpec};

/// The drivers of this run, and the protocols that its devices may speak.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Drivers {
    list: Vec<Arc<dyn Driver>>,
    protocols: Vec<Arc<dyn Protocol>>,
}

/// The name of a transport, as typed after `--transport`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct TransportName(pub(in crate::cli) String);

impl Drivers {
    pub(in crate::cli) fn new(
        list: Vec<Arc<dyn Driver>>,
        protocols: Vec<Arc<dyn Protocol>>,
    ) -> Self {
        Self { list, protocols }
    }

    pub(in crate::cli) fn find(&self, name: &str) -> Option<&Arc<dyn Driver>> {
        self.list.iter().find(|driver| driver.medium().name == name)
    }

    /// The driver with this name, which clap has checked.
    pub(in crate::cli) fn named(
        &self,
        TransportName(name): &TransportName,
    ) -> Result<&Arc<dyn Driver>, Failure> {
        self.find(name).ok_or_else(|| {
            Failure::new(
                ErrorId::UnsupportedTransport,
                format!("--transport: espctl does not have {name}"),
            )
        })
    }

    /// The driver that is used unless a flag or a label selects one.
    pub(in crate::cli) fn default_driver(&self) -> Result<&Arc<dyn Driver>, Failure> {
        self.named(&TransportName(DEFAULT_TRANSPORT.to_owned()))
    }

    pub(in crate::cli) fn all(&self) -> &[Arc<dyn Driver>] {
        &self.list
    }

    /// Waits until connections that the run dropped are closed, for a short time at most.
    pub(in crate::cli) async fn finish_closing(&self) {
        join_all(self.list.iter().map(|driver| driver.finish_closing())).await;
    }

    pub(in crate::cli) fn media(&self) -> Vec<&'static Medium> {
        self.list.iter().map(|driver| driver.medium()).collect()
    }

    /// Any device that the driver finds.
    pub(in crate::cli) fn target(&self, driver: &Arc<dyn Driver>) -> Target {
        Target::new(Arc::clone(driver), self.protocols.clone())
    }

    /// The device that the driver's flags describe.
    pub(in crate::cli) fn target_from(
        &self,
        driver: &Arc<dyn Driver>,
        inputs: &Inputs<'_>,
    ) -> Result<Target, Failure> {
        // Flags of other drivers are not used, but their values are checked.
        for other in self.list.iter().filter(|other| !Arc::ptr_eq(other, driver)) {
            let given = inputs.driver_options(other.options())?;
            let is_checked = |(id, _): &(&str, String)| {
                other
                    .options()
                    .iter()
                    .any(|spec| spec.id == *id && !spec.is_address)
            };
            let given: Vec<_> = given.into_iter().filter(is_checked).collect();
            let parsed = other.parse_options(&given);
            parsed.map_err(|error| refuse_option(&error))?;
        }
        let given = inputs.driver_options(driver.options())?;
        let options = driver
            .parse_options(&given)
            .map_err(|error| refuse_option(&error))?;
        Ok(Target {
            address: options.address().cloned(),
            options,
            ..self.target(driver)
        })
    }

    /// The driver of a typed flag that no other driver has.
    pub(in crate::cli) fn implied_by(&self, inputs: &Inputs<'_>) -> Option<&Arc<dyn Driver>> {
        let has = |driver: &Arc<dyn Driver>, spec: &OptionSpec| {
            driver.options().iter().any(|own| own.id == spec.id)
        };
        self.list.iter().find(|driver| {
            driver.options().iter().any(|spec| {
                let owners = self.list.iter().filter(|other| has(other, spec));
                spec.is_address && inputs.is_typed(spec.id) && owners.count() == 1
            })
        })
    }

    /// Whether each given flag that locates a device belongs to this driver.
    pub(in crate::cli) fn has_all_locations(
        &self,
        driver: &Arc<dyn Driver>,
        inputs: &Inputs<'_>,
    ) -> bool {
        self.foreign_locations(driver)
            .all(|spec| inputs.option(spec.id).is_none())
    }

    /// Whether a flag locates the device.
    pub(in crate::cli) fn is_located(&self, inputs: &Inputs<'_>) -> bool {
        let mut specs = self.specs().into_iter();
        specs.any(|spec| spec.is_address && inputs.option(spec.id).is_some())
    }

    /// Refuses a typed flag that locates a device by an address of another medium.
    pub(in crate::cli) fn refuse_other_addresses(
        &self,
        driver: &Arc<dyn Driver>,
        inputs: &Inputs<'_>,
    ) -> Result<(), Failure> {
        let typed = self
            .foreign_locations(driver)
            .find(|spec| inputs.is_typed(spec.id));
        let Some(spec) = typed else {
            return Ok(());
        };
        let medium = driver.medium();
        let (why, instead) = medium.words.addresses;
        let message = format!(
            "--{} and the transport {medium} exclude each other: {why}",
            spec.long
        );
        let failure = Failure::new(ErrorId::ConflictingFlags, message).hint(instead);
        let has_it =
            |driver: &&Arc<dyn Driver>| driver.options().iter().any(|own| own.id == spec.id);
        let owners = self.list.iter().filter(has_it);
        let names: Vec<String> = owners
            .map(|owner| format!("`--transport {}`", owner.medium().name))
            .collect();
        Err(failure.hint(format!("`--{}` is for {}", spec.long, names.join(" or "))))
    }

    /// The flags of other drivers that locate a device.
    fn foreign_locations(
        &self,
        driver: &Arc<dyn Driver>,
    ) -> impl Iterator<Item = &'static OptionSpec> {
        let own = driver.options();
        let specs = self.specs().into_iter();
        specs.filter(|spec| spec.is_address && own.iter().all(|flag| flag.id != spec.id))
    }

    /// The flags of all drivers, each once.
    fn specs(&self) -> Vec<&'static OptionSpec> {
        let mut specs: Vec<&'static OptionSpec> = Vec::new();
        for spec in self.list.iter().flat_map(|driver| driver.options()) {
            if specs.iter().all(|known| known.id != spec.id) {
                specs.push(spec);
            }
        }
        specs
    }

    /// Adds to every command with `--transport` the names of the transports and the flags of the drivers:
    /// all flags if the command searches for devices.
    pub(in crate::cli) fn extend(&self, mut command: Command) -> Command {
        let has =
            |command: &Command, id: &str| command.get_arguments().any(|flag| flag.get_id() == id);
        let has_transport = command.get_arguments().any(|argument| {
            let parser = argument.get_value_parser().type_id();
            parser == std::any::TypeId::of::<TransportName>()
        });
        if has_transport {
            let names: Vec<&'static str> = self.media().iter().map(|medium| medium.name).collect();
            let parser = PossibleValuesParser::new(names).map(TransportName);
            command = command.mut_arg("transport", |argument| argument.value_parser(parser));
        }
        if has_transport {
            let searches = has(&command, SEARCH_TIME);
            let specs = self.specs().into_iter();
            let specs = specs.filter(|spec| searches || spec.is_for_doctor);
            command = command.args(specs.map(|spec| {
                let help = spec.doctor_help.filter(|_| !searches);
                argument(spec, help.unwrap_or(spec.help))
            }));
        }
        let names: Vec<String> = command
            .get_subcommands()
            .map(|subcommand| subcommand.get_name().to_owned())
            .collect();
        for name in names {
            command = command.mut_subcommand(name, |subcommand| self.extend(subcommand));
        }
        command
    }
}

fn argument(spec: &'static OptionSpec, help: &'static str) -> Arg {
    Arg::new(spec.id)
        .long(spec.long)
        .value_name(spec.value_name)
        .env(spec.variable)
        .help(help)
        .help_heading(spec.heading)
        .hide(spec.is_hidden)
        .value_parser(|text: &str| (spec.check)(text).map(OptionText))
}

/// Accepts any text; [`Drivers::extend`] replaces this by a list of names.
impl FromStr for TransportName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

fn refuse_option(error: &OptionError) -> Failure {
    match error {
        OptionError::Invalid { .. } => Failure::new(ErrorId::Usage, error.to_string()),
        OptionError::NotListed { .. } => Failure::new(ErrorId::UnknownInterface, error.to_string()),
        OptionError::NoSuchInterface { available, .. } => {
            Failure::new(ErrorId::UnknownInterface, error.to_string())
                .hint(format!("available interfaces: {}", available.join(", ")))
        }
    }
}

/// clap's id of a flag that every command has that searches for devices.
const SEARCH_TIME: &str = "discovery_timeout";
