//! The lines: which device each meets, and what it leaves behind. How they are run and looked
//! after is the parent's.

/// A command line of the two provisioning documents of esp-rainmaker-cli, with `espctl` in its place.
pub(super) struct Line {
    /// Word for word, as it goes to a shell.
    pub(super) typed: &'static str,
    /// How the device that is meant is reached.
    pub(super) medium: Medium,
    /// The flags of `emulate device`, except for its medium, its address and its cloud.
    pub(super) device: &'static str,
    /// Which network it is on afterwards, and by whose word.
    pub(super) network: Network,
    /// Whether it signs no challenge any more.
    pub(super) disabled: bool,
    /// The tags of its node, sorted.
    pub(super) tags: &'static [&'static str],
    /// The metadata of its node, as JSON.
    pub(super) metadata: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    SoftAp,
    Ble,
    Console,
    OnNetwork,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// That of the line.
    Typed,
    /// That of the environment, for a line that names none.
    FromEnvironment,
    /// The first of the device's list, at a terminal.
    Chosen,
    /// None that the run gives it.
    Unchanged,
}

const SOFTAP: Line = Line {
    typed: "",
    medium: Medium::SoftAp,
    device: "",
    network: Network::FromEnvironment,
    disabled: false,
    tags: &[],
    metadata: "{}",
};
const BLE: Line = Line {
    medium: Medium::Ble,
    ..SOFTAP
};
const CONSOLE: Line = Line {
    medium: Medium::Console,
    ..SOFTAP
};
const ON_NETWORK: Line = Line {
    medium: Medium::OnNetwork,
    network: Network::Unchanged,
    disabled: true,
    ..SOFTAP
};

/// All of them, in the order of the documents. A line more is a number more.
pub(super) const DOCUMENTED: [Line; 26] = [
    Line {
        typed: "espctl provision --pop abcd1234 --transport ble --device_name PROV_d76c30",
        device: "--name PROV_d76c30 --pop abcd1234",
        ..BLE
    },
    Line {
        typed: "espctl provision --pop abcd1234 --transport softap",
        device: "--pop abcd1234",
        ..SOFTAP
    },
    // Security 2 does not fit into the lines of a console.
    Line {
        typed: "espctl provision --pop abcd1234 --transport console",
        device: "--sec-ver 1 --pop abcd1234",
        ..CONSOLE
    },
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234",
        device: "--listen 192.168.1.100 --port 80 --pop abcd1234",
        ..ON_NETWORK
    },
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-ip 192.168.1.100",
        device: "--listen 192.168.1.100 --port 80 --pop abcd1234",
        ..ON_NETWORK
    },
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-host mydevice.local --device-port 8080 --discovery-timeout 10.0",
        device: "--listen 192.168.1.100 --port 8080 --node-id mydevice --pop abcd1234",
        ..ON_NETWORK
    },
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --no-disable-chal-resp",
        device: "--listen 192.168.1.100 --port 80 --pop abcd1234",
        disabled: false,
        ..ON_NETWORK
    },
    Line {
        typed: "espctl provision --transport ble --pop abcd1234 --disable-chal-resp",
        device: "--pop abcd1234",
        disabled: true,
        ..BLE
    },
    Line {
        typed: "espctl provision --transport softap --pop abcd1234 --disable-chal-resp",
        device: "--pop abcd1234 --key rsa",
        disabled: true,
        ..SOFTAP
    },
    Line {
        typed: "espctl provision --sec_ver 0",
        device: "--firmware v5 --sec-ver 0",
        ..SOFTAP
    },
    Line {
        typed: "espctl provision --pop abcd1234 --sec_ver 1",
        device: "--firmware v5 --sec-ver 1 --pop abcd1234",
        ..SOFTAP
    },
    Line {
        typed: "espctl provision --sec_ver 1",
        device: "--sec-ver 1 --no-pop",
        ..SOFTAP
    },
    Line {
        typed: "espctl provision --sec_ver 2 --sec2_username myuser --sec2_password mypass",
        device: "--sec-ver 2 --username myuser --pop mypass",
        ..SOFTAP
    },
    Line {
        typed: r#"espctl provision --pop abcd1234 --transport ble --device_name PROV_d76c30 --ssid "MyWiFiNetwork" --passphrase "MyWiFiPassword""#,
        device: "--name PROV_d76c30 --pop abcd1234",
        network: Network::Typed,
        ..BLE
    },
    // Of a PoP and a password, the password is the device's.
    Line {
        typed: "espctl provision --pop abcd1234 --transport softap --sec_ver 2 --sec2_username admin --sec2_password secure123",
        device: "--sec-ver 2 --username admin --pop secure123",
        ..SOFTAP
    },
    Line {
        typed: r#"espctl provision --qrcode '{"ver":"v1","name":"PROV_fc9ea3","pop":"7a9d365e","transport":"ble"}' --ssid "MyWiFiNetwork" --passphrase "MyWiFiPassword""#,
        device: "--name PROV_fc9ea3 --pop 7a9d365e",
        network: Network::Typed,
        ..BLE
    },
    Line {
        typed: r#"espctl provision --qrcode '{"ver":"v1","name":"PROV_fc9ea3","pop":"7a9d365e","transport":"ble"}' --transport softap --ssid "MyWiFiNetwork" --passphrase "MyWiFiPassword""#,
        device: "--name PROV_fc9ea3 --pop 7a9d365e",
        network: Network::Typed,
        ..SOFTAP
    },
    Line {
        typed: "espctl provision --sec_ver 0 --transport ble --device_name PROV_d76c30",
        device: "--name PROV_d76c30 --sec-ver 0",
        ..BLE
    },
    Line {
        typed: "espctl provision --sec_ver 1 --transport ble --device_name PROV_d76c30",
        device: "--name PROV_d76c30 --sec-ver 1 --no-pop",
        ..BLE
    },
    Line {
        typed: "espctl provision --sec_ver 2 --transport ble --device_name PROV_d76c30 --sec2_username myuser --sec2_password mypass",
        device: "--name PROV_d76c30 --sec-ver 2 --username myuser --pop mypass",
        ..BLE
    },
    Line {
        typed: r#"espctl provision --pop abcd1234 --transport ble --device_name PROV_d76c30 --tags "location:mumbai,env:production" --metadata '{"serial_no": "abc123"}'"#,
        device: "--name PROV_d76c30 --pop abcd1234",
        tags: &["env:production", "location:mumbai"],
        metadata: r#"{"serial_no":"abc123"}"#,
        ..BLE
    },
    Line {
        typed: r#"espctl provision --transport on-network --device-ip 192.168.1.50 --pop abcd1234 --tags "esp.location:office""#,
        device: "--listen 192.168.1.50 --port 80 --pop abcd1234",
        tags: &["esp.location:office"],
        ..ON_NETWORK
    },
    Line {
        typed: "espctl provision --pop abcd1234 --transport ble --device_name PROV_d76c30 --no-wifi",
        device: "--name PROV_d76c30 --pop abcd1234",
        network: Network::Unchanged,
        ..BLE
    },
    // A script as old as the firmware that it was written for.
    Line {
        typed: "espctl provision abcd1234",
        device: "--firmware v4.4 --cap user_assoc --pop abcd1234",
        ..SOFTAP
    },
    Line {
        typed: "espctl provision --pop abcd1234",
        device: "--pop abcd1234",
        ..SOFTAP
    },
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-host NODE_ID.local",
        device: "--listen 192.168.1.100 --port 80 --node-id NODE_ID --pop abcd1234",
        ..ON_NETWORK
    },
];

/// The same lines with other devices or in other words, where that is another matter.
pub(super) const MORE: [Line; 6] = [
    // Local control, which firmware puts on the other port.
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-ip 192.168.1.100",
        device: "--listen 192.168.1.100 --port 8080 --variant local-control --pop abcd1234",
        ..ON_NETWORK
    },
    // Names are the same in capital letters.
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-host OfficeLamp.Local --device-port 8080",
        device: "--listen 192.168.1.100 --port 8080 --node-id officelamp --pop abcd1234",
        ..ON_NETWORK
    },
    // As the documents show it: the network is chosen from the device's own scan.
    Line {
        typed: "espctl provision --pop abcd1234",
        device: "--pop abcd1234",
        network: Network::Chosen,
        ..SOFTAP
    },
    Line {
        typed: "espctl provision --pop abcd1234 --transport ble --device_name PROV_d76c30",
        device: "--name PROV_d76c30 --sec-ver 1 --pop abcd1234",
        network: Network::Chosen,
        ..BLE
    },
    // Firmware that gets its owner's id instead of signing.
    Line {
        typed: "espctl provision --pop abcd1234 --transport ble --device_name PROV_d76c30",
        device: "--name PROV_d76c30 --cap user_assoc --pop abcd1234",
        ..BLE
    },
    Line {
        typed: "espctl provision --pop abcd1234 --transport console",
        device: "--firmware v4.4 --cap user_assoc --pop abcd1234",
        ..CONSOLE
    },
];
