//! Addresses of devices that use HTTP: a host, and a TCP port unless it is the default.

use std::net::IpAddr;
use std::num::NonZeroU16;

use super::address::{Address, AddressError};
use super::options::{OptionError, OptionSpec, check_number, find_number, find_option};

/// A host name or IP address without brackets, and a TCP port.
#[derive(Clone, Debug)]
pub(super) struct HostAddress {
    /// For example `192.168.4.1`, `fe80::1%wlan0`, `device.local`.
    pub(super) host: String,
    /// `None`: the default port of the medium.
    pub(super) port: Option<u16>,
}

impl HostAddress {
    /// Reads an address. Another driver's address becomes a host name, which no name server
    /// resolves.
    pub(super) fn from_address(address: &Address) -> Self {
        Self::parse(address.as_str()).unwrap_or_else(|_| Self {
            host: address.as_str().to_owned(),
            port: None,
        })
    }

    /// Makes an address, written `[::1]:80` with a port and `::1` without.
    pub(super) fn into_address(self) -> Address {
        let Self { host, port } = self;
        Address::new(match port {
            None => host,
            Some(port) if host.contains(':') => format!("[{host}]:{port}"),
            Some(port) => format!("{host}:{port}"),
        })
    }

    /// Makes an address with a port.
    pub(super) fn with_port(host: impl Into<String>, port: u16) -> Address {
        let (host, port) = (host.into(), Some(port));
        Self { host, port }.into_address()
    }

    /// Parses a host with an optional port.
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            // Without a colon there is no valid port.
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let port = port.map(str::parse::<NonZeroU16>).transpose();
        let (Ok(host), Ok(port)) = (check_host(host), port) else {
            let expected =
                "a host or IP address, and a port behind a colon if it is not the usual one";
            return Err(AddressError { expected });
        };
        let port = port.map(NonZeroU16::get);
        Ok(Self { host, port })
    }

    /// The host and port that the flags give, if any.
    pub(super) fn from_options(
        given: &[(&str, String)],
    ) -> Result<(Option<String>, Option<u16>), OptionError> {
        let host = find_option(given, DEVICE_IP.id).or_else(|| find_option(given, DEVICE_HOST.id));
        Ok((host.map(str::to_owned), find_number(given, DEVICE_PORT.id)?))
    }
}

/// Checks an IP address; IPv6 with or without brackets and zone.
fn check_ip(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let (address, zone) = bare
        .split_once('%')
        .map_or((bare, None), |(ip, zone)| (ip, Some(zone)));
    let expected = || "expected an IP address; pass a host name with --device-host".to_owned();
    match address.parse().map_err(|_| expected())? {
        IpAddr::V4(_) if zone.is_some() => Err(expected()),
        _ if zone.is_some_and(str::is_empty) => Err(expected()),
        _ => Ok(bare.to_owned()),
    }
}

fn check_host(text: &str) -> Result<String, String> {
    if text.contains(':') {
        return check_ip(text).map_err(|_| "pass a port with --device-port".to_owned());
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if text.is_empty() || text.len() > 253 || !text.chars().all(fits) {
        return Err("expected a host name, without scheme and path".to_owned());
    }
    Ok(text.to_owned())
}

/// Why address flags of other media do not apply, and which flag does.
pub(super) const HTTP_ADDRESSES: (&str, &str) = (
    "a device is at an IP address or a host name there",
    "pass a TCP port with `--device-port`",
);
pub(super) const DEVICE_IP: OptionSpec = OptionSpec {
    value_name: "IP",
    help: "The device's IP address: over SoftAP if it is not 192.168.4.1, on the network instead \
           of a search",
    check: check_ip,
    is_address: true,
    is_for_doctor: true,
    doctor_help: Some(
        "The device's IP address: over SoftAP if it is not 192.168.4.1, on the network if it is known. \
         Nothing is sent to it",
    ),
    ..OptionSpec::text("device_ip", "device-ip", "ESPCTL_DEVICE_IP")
};
pub(super) const DEVICE_HOST: OptionSpec = OptionSpec {
    value_name: "HOST",
    help: "The device's host name, instead of an IP address",
    check: check_host,
    is_address: true,
    conflicts_with: Some("device_ip"),
    ..OptionSpec::text("device_host", "device-host", "ESPCTL_DEVICE_HOST")
};
pub(super) const DEVICE_PORT: OptionSpec = OptionSpec {
    value_name: "PORT",
    help: "The device's TCP port, if it is not 80 (on the network: neither 80 nor 8080)",
    check: |text| check_number(text, 1..=65_535),
    is_address: true,
    ..OptionSpec::text("device_port", "device-port", "ESPCTL_DEVICE_PORT")
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validates_ip_addresses_and_host_names() {
        assert_eq!(check_ip("192.168.4.1").as_deref(), Ok("192.168.4.1"));
        assert_eq!(check_ip("[::1]").as_deref(), Ok("::1"));
        assert_eq!(check_ip("fe80::1%wlan0").as_deref(), Ok("fe80::1%wlan0"));
        for wrong in [
            "",
            "device.local",
            "192.168.4.1:80",
            "127.0.0.1%lo",
            "::1%",
            "1.2.3",
        ] {
            assert!(check_ip(wrong).is_err(), "{wrong}");
        }
        assert!(check_host("mydevice.local").is_ok());
        for wrong in ["", "http://x", "a/b", "a b", "a\r\nb", "host:80"] {
            assert!(check_host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parses_host_and_optional_port() {
        for (text, host, port, shown) in [
            ("192.168.4.1", "192.168.4.1", None, "192.168.4.1"),
            (
                "device.local:8080",
                "device.local",
                Some(8080),
                "device.local:8080",
            ),
            ("::1", "::1", None, "::1"),
            (
                "[fe80::1%wlan0]:80",
                "fe80::1%wlan0",
                Some(80),
                "[fe80::1%wlan0]:80",
            ),
            ("[::1]", "::1", None, "::1"),
        ] {
            let parsed = HostAddress::parse(text).unwrap();
            assert_eq!((parsed.host.as_str(), parsed.port), (host, port), "{text}");
            assert_eq!(parsed.into_address().to_string(), shown);
        }
        for wrong in [
            "", "a b", "host:0", "host:x", "[::1]80", "host:", "http://x",
        ] {
            assert!(HostAddress::parse(wrong).is_err(), "{wrong}");
        }
    }
}
