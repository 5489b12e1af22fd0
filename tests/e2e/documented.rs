//! The documented command lines of esp-rainmaker-cli, typed word for word into a shell, with the
//! addresses that they contain: in a network namespace that owns these, port 80 and mDNS
//! included, with an emulated adapter on a bus and boards on ptys. The logs of the device and the
//! cloud are the proof. The lines are `lines`.

mod label;
mod lines;

use std::thread;

use serde_json::{Value, json};

use self::lines::{DOCUMENTED, Line, MORE, Medium, Network};
use crate::support::device::{Device, access_points};
use crate::support::espctl::typed;
use crate::support::namespace::Namespace;
use crate::support::owner::Owner;
use crate::support::pty::{ENTER, Terminal};
use crate::support::wait::until;

#[test]
fn documented_command_lines_run_unchanged() {
    let test = "e2e::documented::documented_command_lines_run_unchanged";
    if !place(test).is_entered() {
        return;
    }
    let (owner, aps) = (Owner::start(&[]), neighbourhood());
    thread::scope(|scope| {
        // Each device in the air has an adapter of its own; others are at the same address, or would
        // be taken for each other.
        for (medium, at_once) in [
            (Medium::SoftAp, 1),
            (Medium::Ble, 3),
            (Medium::Console, 1),
            (Medium::OnNetwork, 1),
        ] {
            let lines = DOCUMENTED.iter().chain(&MORE);
            let lines: Vec<&Line> = lines.filter(|line| line.medium == medium).collect();
            for lane in lines.chunks(lines.len().div_ceil(at_once)) {
                let (lane, owner, aps) = (lane.to_vec(), &owner, &aps);
                scope.spawn(move || lane.iter().for_each(|line| line.check(owner, aps)));
            }
        }
    });
    // No device is there anymore. Both ports are tried, and the one that is named is that of most.
    let line = &DOCUMENTED[4];
    let output = typed(line.typed)
        .env("RM_USER_CONFIG_DIR", owner.account.folder())
        .output()
        .exits(4);
    assert!(output.stderr.contains("192.168.1.100:80\n"), "{output}");
}

#[test]
fn documented_command_lines_are_unique() {
    let mut lines = DOCUMENTED.map(|line| line.typed);
    lines.sort_unstable();
    for pair in lines.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

/// What the documents also promise, and espctl does not do yet: each flag is rejected until it works.
#[test]
fn rejects_flags_that_are_documented_but_not_written() {
    for flag in ["--web", "--wait-online"] {
        let output = typed(&format!("espctl provision --pop abcd1234 {flag}"))
            .env("ESPCTL_NO_INPUT", "1")
            .output()
            .exits(2);
        assert!(output.stdout.is_empty(), "{output}");
        assert!(output.stderr.starts_with("error: "), "{output}");
        assert!(output.stderr.contains(flag), "{output}");
    }
}

impl Line {
    /// Runs it, and looks at what has become of the device and of its node.
    fn check(&self, owner: &Owner, aps: &str) {
        let device = self.device(owner, aps);
        assert!(!owner.has(&device), "{self}: it has an owner already");
        let variables = self.variables(&device, owner);
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let printed = if self.network == Network::Chosen {
            self.choose(&variables)
        } else {
            let run = typed(self.typed).env("ESPCTL_NO_INPUT", "1");
            let output = variables
                .iter()
                .fold(run, |run, (name, value)| run.env(name, value))
                .output();
            assert_eq!(output.exit, Some(0), "{self}\n{output}");
            output.stdout
        };
        let done = match self.network {
            Network::Unchanged => "mapped to your account successfully!",
            _ => "provisioned successfully!",
        };
        let words = format!("Node {} {done}", device.node_id());
        assert!(printed.contains(&words), "{self}\n{printed}");
        self.check_session(&device);
        self.check_network(&device);
        self.check_mapping(&device, owner);
    }

    fn device(&self, owner: &Owner, aps: &str) -> Device {
        let mut flags: Vec<&str> = self.device.split_whitespace().collect();
        flags.extend(["--cloud", owner.cloud.url()]);
        if self.medium == Medium::OnNetwork {
            flags.extend(["--interface", INTERFACE]);
            let device = Device::on_network(&flags);
            until("it is announced", || {
                !device.log_entries("announced").is_empty()
            });
            return device;
        }
        flags.extend(["--aps", aps]);
        match self.medium {
            Medium::Ble => Device::over_bluetooth(&flags),
            Medium::Console => Device::on_serial_line(&flags),
            _ => Device::start(&[&flags[..], &HOTSPOT].concat()),
        }
    }

    /// What a line must not contain: the bus, the port, the account.
    fn variables(&self, device: &Device, owner: &Owner) -> Vec<(&'static str, String)> {
        let mut variables = vec![("RM_USER_CONFIG_DIR", owner.account.folder().to_owned())];
        match self.medium {
            Medium::Ble => variables.push(("DBUS_SYSTEM_BUS_ADDRESS", device.bus().to_owned())),
            Medium::Console => {
                let port = device.ready["pty"].as_str().expect("a port");
                variables.push(("ESPCTL_PORT", port.to_owned()));
            }
            // A line that names no device looks for others as long as it may.
            Medium::OnNetwork => variables.push(("ESPCTL_DISCOVERY_TIMEOUT", "4".to_owned())),
            Medium::SoftAp => {}
        }
        // A flag wins over these, and who wants no network is not given one.
        if self.network != Network::Chosen {
            variables.push(("ESPCTL_SSID", HOME.0.to_owned()));
            variables.push(("ESPCTL_PASSPHRASE", HOME.1.to_owned()));
        }
        variables
    }

    /// At a terminal, the first network of the list that the documents show.
    fn choose(&self, variables: &[(&str, &str)]) -> String {
        let mut terminal = Terminal::typed(self.typed, variables);
        terminal.shows("Select AP by number (0 to rescan) :");
        let screen = terminal.screen();
        let first = "[ 1] MyWiFiNetwork                     aabbccddeeff   11 -45  WPA2_PSK";
        assert!(screen.contains(first), "{self}\n{screen}");
        assert!(
            screen.contains("] Join another network"),
            "{self}\n{screen}"
        );
        terminal.type_keys("1");
        terminal.type_keys(ENTER);
        terminal.shows("Passphrase of MyWiFiNetwork:");
        terminal.type_keys(DOCUMENTS_OWN.1);
        terminal.type_keys(ENTER);
        terminal.exits(0)
    }

    /// It was opened once, by its own scheme and what belongs to that.
    fn check_session(&self, device: &Device) {
        let secured = device.log_entries("secured");
        assert_eq!(secured.len(), 1, "{self}\n{:#?}", device.log());
        assert_eq!(secured[0]["scheme"], device.ready["sec_ver"], "{self}");
        // With Security 2, the user's name.
        assert_eq!(
            secured[0].get("username"),
            device.ready.get("username"),
            "{self}"
        );
        assert!(device.log_entries("strike").is_empty(), "{self}");
        let mut refused = device.log_entries("refused");
        // A board's console is found by a number, which is no command.
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        refused.retain(|entry| {
            self.medium != Medium::Console || !entry["endpoint"].as_str().is_some_and(is_number)
        });
        assert!(refused.is_empty(), "{self}\n{refused:#?}");
    }

    /// It has the network that was meant, and no other.
    fn check_network(&self, device: &Device) {
        let expected = match self.network {
            Network::Typed | Network::Chosen => &[DOCUMENTS_OWN][..],
            Network::FromEnvironment => &[HOME],
            Network::Unchanged => &[],
        };
        let set = device.log_entries("wifi_set");
        let set: Vec<[&str; 2]> = set
            .iter()
            .map(|set| ["ssid", "passphrase"].map(|key| set[key].as_str().unwrap()))
            .collect();
        let joined = device.log_entries("wifi_joined");
        assert_eq!(set.len(), expected.len(), "{self}\n{set:?}");
        assert_eq!(joined.len(), expected.len(), "{self}\n{joined:?}");
        for ((set, joined), (ssid, passphrase)) in set.iter().zip(&joined).zip(expected) {
            assert_eq!(set, &[*ssid, *passphrase], "{self}");
            assert_eq!(joined["ssid"], *ssid, "{self}");
        }
    }

    /// Its node is in the account, in the way of its firmware, with what it was given along.
    fn check_mapping(&self, device: &Device, owner: &Owner) {
        assert!(owner.has(device), "{self}");
        let signs = !self.device.contains("--cap user_assoc");
        for (event, wanted) in [
            ("challenge_signed", signs),
            ("user_mapping_received", !signs),
            ("chal_resp_disabled", self.disabled),
        ] {
            assert_eq!(
                device.log_entries(event).len(),
                usize::from(wanted),
                "{self}: {event}"
            );
        }
        if self.medium == Medium::OnNetwork {
            until("the client has gone", || {
                !device.log_entries("connection_closed").is_empty()
            });
            let removed = device.log_entries("announcement_removed").len();
            assert_eq!(removed, usize::from(self.disabled), "{self}");
        }
        let info = ["node", "info", device.node_id(), "--format", "json"];
        let printed = owner.account.run(&info).output().exits(0).result();
        let node = &printed["node"];
        let mut tags: Vec<&str> = node["tags"]
            .as_array()
            .expect("tags")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        tags.sort_unstable();
        assert_eq!(tags, self.tags, "{self}");
        let metadata: Value = serde_json::from_str(self.metadata).unwrap();
        assert_eq!(node["metadata"], metadata, "{self}");
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [{}]", self.typed, self.device)
    }
}

/// The networks of the lines and of the environment.
fn neighbourhood() -> String {
    access_points(&json!([
        {"ssid": DOCUMENTS_OWN.0, "bssid": "aabbccddeeff", "channel": 11, "rssi": -45, "auth": 3,
         "passphrase": DOCUMENTS_OWN.1},
        {"ssid": HOME.0, "bssid": "021a11f00d01", "channel": 6, "rssi": -61, "auth": 3,
         "passphrase": HOME.1},
    ]))
}

/// Where the addresses of the documents are this computer's: two cables, a network and a hotspot.
const fn place(test: &'static str) -> Namespace {
    Namespace {
        test,
        namespaces: &["--net"],
        set_up: "
            ip link set lo up
            for end in eth wlan; do
                ip link add ${end}0 type veth peer name ${end}1
                ip link set ${end}0 up
                ip link set ${end}1 up
            done
            ip addr add 192.168.1.100/24 dev eth0
            ip addr add 192.168.1.50/24 dev eth0
            ip addr add 192.168.4.1/24 dev wlan0
        ",
    }
}

const INTERFACE: &str = "eth0";
const HOTSPOT: [&str; 4] = ["--listen", "192.168.4.1", "--port", "80"];
const DOCUMENTS_OWN: (&str, &str) = ("MyWiFiNetwork", "MyWiFiPassword");
const HOME: (&str, &str) = ("Home", "correct horse battery");
