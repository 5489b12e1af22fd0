//! The flags of a driver, as data: the command line makes arguments of them, and the driver reads
//! what they were given. Nothing in between knows what they mean.

use std::any::Any;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::Arc;

use thiserror::Error;

use super::address::Address;

/// One flag of a driver. Drivers that share one have the same text for it.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name, as the driver and the command line know it: `device_ip`.
    pub id: &'static str,
    /// The flag, without dashes in front: `device-ip`.
    pub long: &'static str,
    /// What stands for its value in help.
    pub value_name: &'static str,
    /// The environment variable that gives it, too.
    pub variable: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Under which heading help has it.
    pub heading: &'static str,
    /// Checks a value and brings it into its usual form, or says what was expected.
    pub check: fn(&str) -> Result<String, String>,
    /// Whether it says where the device is.
    pub locates: bool,
    /// Whether `doctor` has it, too: what it names can be looked at without a device.
    pub is_for_doctor: bool,
    /// What it means to `doctor`, if that is something else.
    pub doctor_help: Option<&'static str>,
    /// Another flag that says the same in another way, so that both exclude each other.
    pub instead_of: Option<&'static str>,
    /// Whether help leaves it out.
    pub is_hidden: bool,
}

impl OptionSpec {
    /// A flag whose value can be any text that is not empty.
    pub const fn text(id: &'static str, long: &'static str, variable: &'static str) -> Self {
        Self {
            id,
            long,
            value_name: "NAME",
            variable,
            help: "",
            heading: WHICH_DEVICE,
            check: check_text,
            locates: false,
            is_for_doctor: false,
            doctor_help: None,
            instead_of: None,
            is_hidden: false,
        }
    }
}

/// The heading of flags that say which device is meant.
pub const WHICH_DEVICE: &str = "Which device";

fn check_text(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("expected a value".to_owned());
    }
    Ok(text.to_owned())
}

/// A number within a range, as clap says it.
pub fn check_number(text: &str, range: RangeInclusive<u32>) -> Result<String, String> {
    let number: u32 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if range.contains(&number) {
        return Ok(number.to_string());
    }
    let (first, last) = (range.start(), range.end());
    Err(format!("{number} is not in {first}..={last}"))
}

/// What one driver was told by its flags. Only the driver reads the settings.
#[derive(Clone, Debug, Default)]
pub struct DriverOptions {
    given: Vec<(String, String)>,
    address: Option<Address>,
    settings: Option<Arc<dyn Settings>>,
}

trait Settings: Any + Debug + Send + Sync {}

impl<T: Any + Debug + Send + Sync> Settings for T {}

impl DriverOptions {
    /// What a driver made of its flags: where the device is, if they say so, and the rest.
    pub fn new(
        given: &[(&str, String)],
        address: Option<Address>,
        settings: impl Any + Debug + Send + Sync,
    ) -> Self {
        let given = given.iter();
        Self {
            given: given
                .map(|(id, value)| ((*id).to_owned(), value.clone()))
                .collect(),
            address,
            settings: Some(Arc::new(settings)),
        }
    }

    /// The value that a flag was given, for messages.
    pub fn given(&self, id: &str) -> Option<&str> {
        let found = self.given.iter().find(|(known, _)| known == id)?;
        Some(&found.1)
    }

    /// Where the device is, if the flags say so.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// The rest, as the driver put it there; `None` if nothing was given.
    pub fn settings<T: Any>(&self) -> Option<&T> {
        let settings: &dyn Any = self.settings.as_deref()?;
        settings.downcast_ref()
    }
}

/// Flags that a driver cannot use.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OptionError {
    /// A value that is wrong by itself.
    #[error("--{}: {expected}", option.replace('_', "-"))]
    Invalid {
        /// The flag's id.
        option: String,
        /// What was expected.
        expected: String,
    },
    /// This computer does not list its networks.
    #[error("--interface: the networks of this computer cannot be listed: {error}")]
    NotListed {
        /// The system's words.
        error: String,
    },
    /// This computer has no such network interface.
    #[error("--interface: this computer has no interface {wanted}")]
    NoSuchInterface {
        /// As asked for, printable.
        wanted: String,
        /// Those that there are.
        there: Vec<String>,
    },
}

/// The value that was given for a flag.
pub fn find_option<'a>(given: &'a [(&str, String)], id: &str) -> Option<&'a str> {
    let found = given.iter().find(|(known, _)| *known == id)?;
    Some(&found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_by_the_driver_that_made_them() {
        let given = [("baud", "9600".to_owned())];
        let options = DriverOptions::new(&given, Some(Address::new("COM3")), 115_200_u32);
        assert_eq!(options.given("baud"), Some("9600"));
        assert_eq!(options.given("port"), None);
        assert_eq!(options.address().unwrap().as_str(), "COM3");
        assert_eq!(options.settings::<u32>(), Some(&115_200));
        assert_eq!(options.settings::<u16>(), None);
        assert_eq!(DriverOptions::default().settings::<u32>(), None);
        assert_eq!(find_option(&given, "baud"), Some("9600"));
        assert_eq!(find_option(&given, "port"), None);
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        assert_eq!(check_number("080", 1..=65_535).as_deref(), Ok("80"));
        for (text, said) in [
            ("0", "0 is not in 1..=65535"),
            ("65536", "65536 is not in 1..=65535"),
            ("-1", "expected a number"),
            ("", "expected a number"),
        ] {
            assert_eq!(check_number(text, 1..=65_535).unwrap_err(), said);
        }
    }
}
