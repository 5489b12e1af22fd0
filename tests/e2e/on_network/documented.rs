//! The documented command lines for devices on the network, word for word, with the addresses that
//! stand in them: in a network namespace that owns these addresses, port 80 included. The test
//! runs itself again in there.

use std::process::Command;

use serde_json::Value;

use crate::support::device::{Device, fresh_path};
use crate::support::namespace::Namespace;
use crate::support::network::until;
use crate::support::owner::Owner;

struct Line {
    typed: &'static str,
    /// Of the device that is meant.
    device: &'static [&'static str],
    /// Whether it is switched off afterwards.
    disabled: bool,
}

const LINES: [Line; 8] = [
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234",
        device: &["--listen", "192.168.1.100", "--port", "80"],
        disabled: true,
    },
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-ip 192.168.1.100",
        device: &["--listen", "192.168.1.100", "--port", "80"],
        disabled: true,
    },
    // Local control, which firmware puts on the other port.
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-ip 192.168.1.100",
        device: &[
            "--listen",
            "192.168.1.100",
            "--port",
            "8080",
            "--variant",
            "local-control",
        ],
        disabled: true,
    },
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-host mydevice.local --device-port 8080 --discovery-timeout 10.0",
        device: &[
            "--listen",
            "192.168.1.100",
            "--port",
            "8080",
            "--node-id",
            "mydevice",
        ],
        disabled: true,
    },
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --no-disable-chal-resp",
        device: &["--listen", "192.168.1.100", "--port", "80"],
        disabled: false,
    },
    Line {
        typed: "espctl provision --transport on-network --device-ip 192.168.1.50 --pop abcd1234 --tags \"esp.location:office\"",
        device: &["--listen", "192.168.1.50", "--port", "80"],
        disabled: true,
    },
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-host NODE_ID.local",
        device: &[
            "--listen",
            "192.168.1.100",
            "--port",
            "80",
            "--node-id",
            "NODE_ID",
        ],
        disabled: true,
    },
    // Names are the same in capital letters.
    Line {
        typed: "espctl provision --transport on-network --pop abcd1234 --device-host MyDevice.Local --device-port 8080",
        device: &[
            "--listen",
            "192.168.1.100",
            "--port",
            "8080",
            "--node-id",
            "mydevice",
        ],
        disabled: true,
    },
];

#[test]
fn the_documented_lines_run_with_the_addresses_that_stand_in_them() {
    if !CABLE.is_entered() {
        return;
    }
    let owner = Owner::start(&[]);
    for Line {
        typed: line,
        device,
        disabled,
    } in LINES
    {
        let own = ["--interface", INTERFACE, "--pop", "abcd1234", "--cloud"];
        let own = [&own[..], &[owner.cloud.url()], device].concat();
        let mut device = Device::on_network(&own);
        until("it is announced", || !device.told("announced").is_empty());
        let output = typed(line, &owner);
        let told = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{told}{errors}");
        let words = format!(
            "Node {} mapped to your account successfully!",
            device.node_id()
        );
        assert!(told.contains(&words), "{line}\n{told}{errors}");
        assert!(owner.has(&device), "{line}");
        assert_eq!(device.told("challenge_signed").len(), 1, "{line}");
        until("the client has gone", || {
            !device.told("connection_closed").is_empty()
        });
        for event in ["chal_resp_disabled", "announcement_removed"] {
            assert_eq!(
                device.told(event).len(),
                usize::from(disabled),
                "{line}: {event}"
            );
        }
        if line.contains("--tags") {
            let info = ["node", "info", device.node_id(), "--format", "json"];
            let told = owner.account.run(&info).output().exits(0).result();
            let tags = told["node"]["tags"].as_array().unwrap();
            assert!(tags.contains(&Value::from("esp.location:office")), "{told}");
        }
        device.kill();
    }
    // Both ports are tried, and the one that is named is that of most devices.
    let nobody = typed(LINES[1].typed, &owner);
    let errors = String::from_utf8_lossy(&nobody.stderr);
    assert_eq!(nobody.status.code(), Some(4), "{errors}");
    assert!(errors.contains("192.168.1.100:80\n"), "{errors}");
}

/// As somebody types it: a shell reads it, and nothing is put in or replaced.
fn typed(line: &str, owner: &Owner) -> std::process::Output {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_espctl"));
    let folder = fresh_path("home");
    std::fs::create_dir_all(&folder).unwrap();
    Command::new("/bin/sh")
        .args(["-c", line])
        .env_clear()
        .env("PATH", program.parent().unwrap())
        .env("RM_USER_CONFIG_DIR", owner.account.folder())
        .env("ESPCTL_NO_INPUT", "1")
        .current_dir(folder)
        .output()
        .expect("sh")
}

const INTERFACE: &str = "eth0";
/// Two ends of a cable, one of which has the addresses of the documents.
const CABLE: Namespace = Namespace {
    test: "e2e::on_network::documented::the_documented_lines_run_with_the_addresses_that_stand_in_them",
    own: &["--net"],
    set_up: "
        ip link set lo up
        ip link add eth0 type veth peer name eth1
        ip link set eth0 up
        ip link set eth1 up
        ip addr add 192.168.1.100/24 dev eth0
        ip addr add 192.168.1.50/24 dev eth0
    ",
};
