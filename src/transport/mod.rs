//! Sends one request to one endpoint of one device and returns the answer. Requests and answers are
//! bytes: a transport does not interpret or encrypt them, and never prompts the user.
//!
//! A [`Driver`] is one kind of transport: it describes its [`Medium`], finds devices
//! ([`Candidate`]) and connects to them ([`Link`]). [`built_in_drivers`] lists the drivers of the
//! program; a new driver is a folder and a line there.

mod address;
pub mod ble;
mod candidate;
mod console;
mod driver;
mod error;
mod exchange;
mod exchange_limits;
mod host_address;
mod http;
mod link;
mod manufacturer_data;
mod medium;
mod on_network;
mod options;
pub mod record;
mod route;
mod search;
mod softap;
mod source;

use std::sync::Arc;

pub use address::{Address, AddressError};
pub use candidate::{Candidate, Handle, Hints};
pub use console::{BoardLog, DEFAULT_BAUD};
pub use driver::Driver;
pub use error::{ConsoleProblem, Rejection, TransportError};
pub use exchange::{Capacity, Transport};
pub use exchange_limits::Limits;
pub use link::Link;
pub use manufacturer_data::ManufacturerData;
pub use medium::{Columns, Discovery, HostPart, Medium, Words};
pub use options::{
    DEVICE_HEADING, DriverOptions, OptionError, OptionSpec, check_number, find_option,
};
pub use route::Route;
pub use search::{HostChanges, Search};

/// The transport that espctl uses by default.
pub const DEFAULT_TRANSPORT: &str = "softap";

/// The drivers of the program. Device lists follow this order.
pub fn built_in_drivers() -> Vec<Arc<dyn Driver>> {
    vec![
        Arc::new(ble::Ble::default()),
        Arc::new(console::Console),
        Arc::new(softap::SoftAp),
        Arc::new(on_network::OnNetwork),
    ]
}

/// The medium of the driver with this name.
#[cfg(test)]
pub(crate) fn medium_named(name: &str) -> &'static Medium {
    let mut media = built_in_drivers().into_iter().map(|driver| driver.medium());
    media.find(|medium| medium.name == name).expect(name)
}

/// A device that a scan of this medium found.
#[cfg(test)]
pub(crate) fn found_over(medium: &str, address: Address, name: Option<&str>) -> Candidate {
    let service = crate::proto::Service::Provisioning;
    let mut candidate = Candidate::new(medium_named(medium), address, service);
    candidate.name = name.map(str::to_owned);
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_have_documented_properties() {
        use Discovery::{Announced, Enumerated, Fixed};
        // Has unique names, joins the device's network, already has a network.
        let expected = [
            ("ble", Announced, [false, false, false]),
            ("console", Enumerated, [false, false, false]),
            ("softap", Fixed, [true, true, false]),
            ("on-network", Announced, [true, false, true]),
        ];
        let drivers = built_in_drivers();
        assert_eq!(drivers.len(), expected.len());
        for (driver, (name, discovery, flags)) in drivers.iter().zip(expected) {
            let medium = driver.medium();
            let properties = [
                medium.names_are_unique,
                medium.joins_device_network,
                medium.has_network_already,
            ];
            assert_eq!((medium.discovery, properties), (discovery, flags), "{name}");
            assert_eq!(format!("{medium:>10}"), format!("{name:>10}"));
            assert_eq!(serde_json::to_string(medium).unwrap(), format!("{name:?}"));
        }
    }

    #[test]
    fn shared_flags_have_the_same_help() {
        let drivers = built_in_drivers();
        let all: Vec<&OptionSpec> = drivers.iter().flat_map(|driver| driver.options()).collect();
        for spec in &all {
            for other in all.iter().filter(|other| other.id == spec.id) {
                assert_eq!((spec.help, spec.variable), (other.help, other.variable));
            }
            assert!(spec.variable.starts_with("ESPCTL_") && !spec.help.is_empty());
        }
    }

    #[test]
    fn flags_set_device_address() {
        let given = |id: &'static str, value: &str| (id, value.to_owned());
        let port = given("device_port", "8080");
        let host = given("device_ip", "127.0.0.1");
        for (name, flags, expected) in [
            ("softap", vec![], None),
            ("softap", vec![port.clone()], Some("192.168.4.1:8080")),
            ("softap", vec![host.clone()], Some("127.0.0.1:80")),
            ("on-network", vec![port.clone()], None),
            ("on-network", vec![host.clone()], Some("127.0.0.1")),
            ("on-network", vec![host, port], Some("127.0.0.1:8080")),
            ("console", vec![given("port", "COM3")], Some("COM3")),
        ] {
            let drivers = built_in_drivers();
            let driver = drivers
                .iter()
                .find(|driver| driver.medium().name == name)
                .unwrap();
            let options = driver.parse_options(&flags).unwrap();
            let shown = options.address().map(ToString::to_string);
            assert_eq!(shown.as_deref(), expected, "{name} {flags:?}");
            if let Some(expected) = expected {
                let typed = driver.parse_address(expected).unwrap();
                assert_eq!(Some(&typed), options.address());
            }
        }
        let unknown = [given("interface", "nowhere0")];
        let error = built_in_drivers()[2].parse_options(&unknown).unwrap_err();
        assert!(
            matches!(error, OptionError::NoSuchInterface { .. }),
            "{error}"
        );
    }
}
