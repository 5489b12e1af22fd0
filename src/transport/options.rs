//! A driver's flags, as data. The command line makes arguments of them, and the driver parses their
//! values; the code in between does not interpret them.

use std::any::Any;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use super::address::Address;

/// One flag of a driver. Drivers that share a flag use the same text for it.
#[derive(Debug)]
pub struct OptionSpec {
    /// The flag's id in the driver and the command line, for example `device_ip`.
    pub id: &'static str,
    /// The flag without leading dashes, for example `device-ip`.
    pub long: &'static str,
    /// The placeholder for the value in help.
    pub value_name: &'static str,
    /// The environment variable that also sets the value.
    pub variable: &'static str,
    /// The help text.
    pub help: &'static str,
    /// The heading in help.
    pub heading: &'static str,
    /// Validates a value and returns its normal form, or an error with what was expected.
    pub check: fn(&str) -> Result<String, String>,
    /// Whether the value is part of the device's address.
    pub is_address: bool,
    /// Whether `doctor` also has the flag, because it can check the value without a device.
    pub is_for_doctor: bool,
    /// The help text of `doctor`, if it differs.
    pub doctor_help: Option<&'static str>,
    /// A flag that sets the same in another form; the two exclude each other.
    pub conflicts_with: Option<&'static str>,
    /// Whether help omits the flag.
    pub is_hidden: bool,
}

impl OptionSpec {
    /// A flag whose value is any text that is not empty.
    pub const fn text(id: &'static str, long: &'static str, variable: &'static str) -> Self {
        Self {
            id,
            long,
            value_name: "NAME",
            variable,
            help: "",
            heading: DEVICE_HEADING,
            check: check_text,
            is_address: false,
            is_for_doctor: false,
            doctor_help: None,
            conflicts_with: None,
            is_hidden: false,
        }
    }
}

/// The help heading of flags that select a device.
pub const DEVICE_HEADING: &str = "Which device";

fn check_text(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("expected a value".to_owned());
    }
    Ok(text.to_owned())
}

/// Checks that a number is in a range. The errors are worded as clap's.
pub fn check_number(text: &str, range: RangeInclusive<u32>) -> Result<String, String> {
    let number: u32 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if range.contains(&number) {
        return Ok(number.to_string());
    }
    let (first, last) = (range.start(), range.end());
    Err(format!("{number} is not in {first}..={last}"))
}

/// The flag values of one driver. Only the driver reads the settings.
#[derive(Clone, Debug, Default)]
pub struct DriverOptions {
    given: Vec<(String, String)>,
    address: Option<Address>,
    settings: Option<Arc<dyn Settings>>,
}

trait Settings: Any + Debug + Send + Sync {}

impl<T: Any + Debug + Send + Sync> Settings for T {}

impl DriverOptions {
    /// Stores the flag values with what the driver parsed: the device's address, if given, and its
    /// settings.
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

    /// The value of a flag as the user wrote it, for messages.
    pub fn given(&self, id: &str) -> Option<&str> {
        let value = self.given.iter().find(|(given_id, _)| given_id == id)?;
        Some(&value.1)
    }

    /// The device's address, if the flags give one.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// The driver's settings; `None` if another driver made them, or none were set.
    pub fn settings<T: Any>(&self) -> Option<&T> {
        let settings: &dyn Any = self.settings.as_deref()?;
        settings.downcast_ref()
    }
}

/// A flag has a value that the driver cannot use.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OptionError {
    /// The value is invalid by itself.
    #[error("--{}: {expected}", option.replace('_', "-"))]
    Invalid {
        /// The flag's id.
        option: String,
        /// What was expected.
        expected: String,
    },
    /// The networks of this computer cannot be listed.
    #[error("--interface: the networks of this computer cannot be listed: {error}")]
    NotListed {
        /// The system's message.
        error: String,
    },
    /// This computer has no network interface of this name.
    #[error("--interface: this computer has no interface {requested}")]
    NoSuchInterface {
        /// The requested name, printable.
        requested: String,
        /// The interfaces that exist.
        available: Vec<String>,
    },
}

/// The value of the flag with this id.
pub fn find_option<'a>(given: &'a [(&str, String)], id: &str) -> Option<&'a str> {
    let value = given.iter().find(|(given_id, _)| *given_id == id)?;
    Some(&value.1)
}

/// The value of the flag with this id as a number.
pub(super) fn find_number<T: FromStr>(
    given: &[(&str, String)],
    id: &str,
) -> Result<Option<T>, OptionError> {
    let number = find_option(given, id).map(str::parse).transpose();
    number.map_err(|_| OptionError::Invalid {
        option: id.to_owned(),
        expected: "expected a number".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_driver_reads_its_settings() {
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
    fn rejects_numbers_outside_range() {
        assert_eq!(check_number("080", 1..=65_535).as_deref(), Ok("80"));
        for (text, expected) in [
            ("0", "0 is not in 1..=65535"),
            ("65536", "65536 is not in 1..=65535"),
            ("-1", "expected a number"),
            ("", "expected a number"),
        ] {
            assert_eq!(check_number(text, 1..=65_535).unwrap_err(), expected);
        }
    }
}
