//! The surroundings of an emulated device: its access points with their passphrases, and the duration of
//! radio operations.

use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use crate::emulator::parse::parse_list;
use crate::secret::Secret;

/// The access points around the device, and how long joining takes.
#[derive(Clone, Debug)]
pub struct World {
    /// In any order; the device sorts its scan results.
    pub access_points: Vec<AccessPoint>,
    /// From the start of an attempt to an address.
    pub join: Duration,
}

impl World {
    /// A neighborhood with one network of each kind that a client must support. The passphrase is
    /// `correct horse battery`; that of `Café 家 ’` is `naïve café`.
    pub fn neighborhood() -> Self {
        Self::from_json(NEIGHBORHOOD).unwrap_or_else(|_| Self::with(Vec::new()))
    }

    /// These access points, and the default times.
    pub fn with(access_points: Vec<AccessPoint>) -> Self {
        Self {
            access_points,
            join: Duration::from_millis(1200),
        }
    }

    /// Reads a JSON list of `{ssid | ssid_hex, bssid?, channel?, rssi?, auth?, passphrase?, ip?,
    /// hidden?}`. `auth` is the driver's number or a name; without it, a network with a passphrase is
    /// WPA2 and one without is open.
    pub fn from_json(text: &str) -> Result<Self, String> {
        parse_list(text, "access point", ListedAccessPoint::into_access_point).map(Self::with)
    }

    /// Tries to join `ssid` with `passphrase`.
    pub(super) fn join(&self, ssid: &[u8], passphrase: &[u8]) -> Attempt {
        let points = self.access_points.iter();
        let mut named: Vec<&AccessPoint> = points.filter(|point| point.ssid == ssid).collect();
        named.sort_by_key(|point| std::cmp::Reverse(point.rssi));
        let mut failure = None;
        for point in named {
            match point.check_passphrase(passphrase) {
                Ok(()) => return Ok(point.clone()),
                Err(reason) => failure = failure.or(Some(reason)),
            }
        }
        Err(failure.unwrap_or(Failure::NotFound))
    }
}

/// One access point.
#[derive(Clone, Debug)]
pub struct AccessPoint {
    /// 1 to 32 bytes.
    pub ssid: Vec<u8>,
    /// Whether scans report it with an empty name. The device joins it by its real one.
    pub hidden: bool,
    /// Its MAC address.
    pub bssid: [u8; 6],
    /// 1 to 14.
    pub channel: u8,
    /// dBm.
    pub rssi: i8,
    /// The kind of authentication, as the Wi-Fi driver numbers it.
    pub auth: u8,
    /// Its passphrase, if it has one.
    pub passphrase: Option<Secret<String>>,
    /// The address that the device gets.
    pub ip: Ipv4Addr,
}

impl AccessPoint {
    fn check_passphrase(&self, passphrase: &[u8]) -> Result<(), Failure> {
        match self.auth {
            auth if ENTERPRISE.contains(&auth) => Err(Failure::Unrelated),
            // With a WPA passphrase, the driver does not accept an open network.
            OPEN | OWE if passphrase.len() >= 8 => Err(Failure::Unrelated),
            OPEN | OWE => Ok(()),
            _ if passphrase.is_empty() => Err(Failure::Unrelated),
            _ => match &self.passphrase {
                Some(right) if right.expose().as_bytes() == passphrase => Ok(()),
                _ => Err(Failure::WrongPassphrase),
            },
        }
    }
}

/// The outcome of an attempt to join.
pub(super) type Attempt = Result<AccessPoint, Failure>;

/// Why an attempt fails, as far as the manager distinguishes reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// `WIFI_REASON_AUTH_EXPIRE`, which generations handle differently.
    AuthExpired,
    /// No attempt ends, as without an answer from DHCP.
    Endless,
    NotFound,
    /// A reason that the manager does not report, such as "no AP with compatible security".
    Unrelated,
    WrongPassphrase,
}

/// Names of the driver's numbers, from 0 on (`esp_wifi_types_generic.h`, `wifi_auth_mode_t`).
const AUTH_NAMES: &str = "open wep wpa-psk wpa2-psk wpa-wpa2-psk wpa2-enterprise wpa3-psk \
    wpa2-wpa3-psk wapi-psk owe wpa3-ent-192 wpa3-ext-psk wpa3-ext-psk-mixed dpp wpa3-enterprise \
    wpa2-wpa3-enterprise wpa-enterprise";

const OPEN: u8 = 0;
const WPA2: u8 = 3;
const OWE: u8 = 9;
const ENTERPRISE: [u8; 5] = [5, 10, 14, 15, 16];
const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 23);

/// With two access points of one network, which a client must list once.
const NEIGHBORHOOD: &str = include_str!("neighborhood.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedAccessPoint {
    ssid: Option<String>,
    ssid_hex: Option<String>,
    bssid: Option<String>,
    channel: Option<u8>,
    rssi: Option<i8>,
    auth: Option<Auth>,
    passphrase: Option<String>,
    ip: Option<Ipv4Addr>,
    #[serde(default)]
    hidden: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Auth {
    Number(u8),
    Name(String),
}

impl ListedAccessPoint {
    fn into_access_point(number: u32, listed: Self) -> Result<AccessPoint, &'static str> {
        let ssid = match (listed.ssid, listed.ssid_hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(digits)) => {
                hex::decode(&digits).map_err(|_| "ssid_hex is not hexadecimal")?
            }
            _ => return Err("it needs either ssid or ssid_hex"),
        };
        if !(1..=32).contains(&ssid.len()) {
            return Err("an SSID has 1 to 32 bytes");
        }
        let bssid = match listed.bssid {
            None => {
                let last = u8::try_from(number.saturating_sub(1)).unwrap_or(u8::MAX);
                [0x02, 0x1a, 0x11, 0xf0, 0x0e, last]
            }
            Some(text) => hex::decode(text.replace([':', '-'], ""))
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or("bssid is not six pairs of hexadecimal digits")?,
        };
        let auth = match listed.auth {
            Some(Auth::Number(number)) => number,
            Some(Auth::Name(name)) => {
                // Also as `device wifi` prints it.
                let name = name.to_lowercase().replace('_', "-");
                let mut names = (0..).zip(AUTH_NAMES.split(' '));
                let known = names.find(|(_, known)| *known == name);
                known.ok_or("auth is not a known name")?.0
            }
            None if listed.passphrase.is_some() => WPA2,
            None => OPEN,
        };
        Ok(AccessPoint {
            ssid,
            hidden: listed.hidden,
            bssid,
            channel: listed.channel.unwrap_or(6),
            rssi: listed.rssi.unwrap_or(-50),
            auth,
            passphrase: listed.passphrase.map(Secret::new),
            ip: listed.ip.unwrap_or(FIRST_ADDRESS),
        })
    }
}

/// The factor by which every wait of the firmware is multiplied.
#[derive(Clone, Copy, Debug, derive_more::Display, PartialEq, PartialOrd)]
pub struct TimeScale(f64);

impl TimeScale {
    /// The speed of a real device.
    pub const REAL: Self = Self(1.0);

    /// Creates it from a finite factor that is 0 or more.
    pub fn new(factor: f64) -> Option<Self> {
        (factor.is_finite() && factor >= 0.0).then_some(Self(factor))
    }

    /// Scales a wait of a real device.
    pub fn of(self, real: Duration) -> Duration {
        Duration::try_from_secs_f64(real.as_secs_f64() * self.0).unwrap_or(Duration::MAX)
    }
}

impl FromStr for TimeScale {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let factor = text.parse().ok().and_then(Self::new);
        factor.ok_or("expected a number that is 0 or more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(world: &World, ssid: &str, passphrase: &str) -> Result<u8, Failure> {
        let attempt = world.join(ssid.as_bytes(), passphrase.as_bytes());
        attempt.map(|point| point.bssid[5])
    }

    #[test]
    fn each_kind_of_network_checks_passphrase() {
        let world = World::neighborhood();
        let right = "correct horse battery";
        assert_eq!(outcome(&world, "Home", right), Ok(1));
        assert_eq!(
            outcome(&world, "Home", "wrong horse"),
            Err(Failure::WrongPassphrase)
        );
        assert_eq!(outcome(&world, "Home", ""), Err(Failure::Unrelated));
        assert_eq!(outcome(&world, "Guest", ""), Ok(3));
        assert_eq!(outcome(&world, "Guest", right), Err(Failure::Unrelated));
        assert_eq!(outcome(&world, "Home-WPA3", right), Ok(4));
        assert_eq!(outcome(&world, "Office", right), Err(Failure::Unrelated));
        assert_eq!(outcome(&world, "Café 家 ’", "naïve café"), Ok(6));
        assert_eq!(outcome(&world, "Attic", right), Ok(7));
        assert_eq!(outcome(&world, "Nowhere", right), Err(Failure::NotFound));
        assert_eq!(outcome(&world, "", right), Err(Failure::NotFound));
    }

    #[test]
    fn reads_json_list() {
        let world = World::from_json(
            r#"[{"ssid_hex": "ff00", "bssid": "aa:bb:cc:00:11:22", "channel": 1, "rssi": -90,
                 "auth": "owe", "ip": "10.0.0.9", "hidden": true},
                {"ssid": "Lab", "passphrase": "12345678"}]"#,
        )
        .unwrap();
        let first = &world.access_points[0];
        assert_eq!(first.ssid, [0xff, 0]);
        assert_eq!(first.bssid, [0xaa, 0xbb, 0xcc, 0, 0x11, 0x22]);
        assert_eq!((first.channel, first.rssi, first.auth), (1, -90, 9));
        assert_eq!(first.ip, Ipv4Addr::new(10, 0, 0, 9));
        assert!(first.hidden);
        assert_eq!(world.access_points[1].auth, 3);
        for (name, number) in [("open", 0), ("WPA3_PSK", 6), ("wpa-enterprise", 16)] {
            let list = format!(r#"[{{"ssid": "a", "auth": "{name}"}}]"#);
            let world = World::from_json(&list).unwrap();
            assert_eq!(world.access_points[0].auth, number, "{name}");
        }
    }

    #[test]
    fn rejects_invalid_list() {
        for (text, expected) in [
            ("{}", "cannot be read"),
            (
                r#"[{"ssid": "a", "colour": 1}]"#,
                "access point 1: unknown field",
            ),
            (r#"[{"ssid": "a", "ssid_hex": "61"}]"#, "access point 1"),
            (r#"[{"ssid": ""}]"#, "1 to 32 bytes"),
            (
                r#"[{"ssid": "a"}, {"ssid": "b", "auth": "wpa9"}]"#,
                "access point 2",
            ),
            (r#"[{"ssid": "a", "bssid": "00"}]"#, "six pairs"),
        ] {
            let error = World::from_json(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn time_is_scaled_without_overflow() {
        let half: TimeScale = "0.5".parse().unwrap();
        assert_eq!(half.of(Duration::from_secs(3)), Duration::from_millis(1500));
        assert!("-1".parse::<TimeScale>().is_err());
        assert!("inf".parse::<TimeScale>().is_err());
        let huge: TimeScale = "1e300".parse().unwrap();
        assert_eq!(huge.of(Duration::from_secs(1)), Duration::MAX);
    }
}
