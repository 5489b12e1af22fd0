//! Devices that are on their network already, by the shipped binary: found by mDNS on the loopback
//! interface or at an address, mapped over HTTP, with challenge-response disabled afterwards. The logs of the
//! device and the cloud are the proof.

mod addresses;
mod choice;
mod disable;
mod hints;
mod names;
mod refusals;
mod schemes;
mod txt;

use serde_json::Value;

use crate::support::device::Device;
use crate::support::espctl::Output;
use crate::support::network::Network;
use crate::support::owner::Owner;

/// A user with an account, and a network for their devices.
struct Home {
    network: Network,
    owner: Owner,
}

impl Home {
    fn new() -> Self {
        Self {
            network: Network::new(),
            owner: Owner::start(&[]),
        }
    }

    /// A device that their cloud knows, announced.
    fn device(&self, arguments: &[&str]) -> Device {
        self.network.device(&self.known(arguments))
    }

    /// Likewise one that announces nothing.
    fn silent(&self, arguments: &[&str]) -> Device {
        Device::on_network(&[&self.known(arguments)[..], &["--no-announce"]].concat())
    }

    fn known<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [&["--cloud", self.owner.cloud.url()][..], arguments].concat()
    }

    fn provision(&self, arguments: &[&str]) -> Output {
        self.network.provision(&self.owner, arguments)
    }

    /// The run mapped it, by its own word and the cloud's.
    #[track_caller]
    fn mapped(&self, output: Output, device: &Device) -> Output {
        let output = output.exits(0);
        let summary = &output.result()["summary"];
        assert_eq!(summary["mapped"], true, "{output}");
        assert_eq!(summary["mapped_by"], "challenge_response", "{output}");
        assert_eq!(summary["node_id"], device.node_id(), "{output}");
        assert_eq!(summary["transport"], "on-network", "{output}");
        assert!(self.owner.has(device), "{output}");
        assert_eq!(device.log_entries("challenge_signed").len(), 1);
        output
    }

    /// None of these was mapped, and none signed anything.
    #[track_caller]
    fn maps_nothing(&self, devices: &[&Device]) {
        for device in devices {
            assert!(!self.owner.has(device));
            for event in ["challenge_signed", "chal_resp_disabled"] {
                assert!(device.log_entries(event).is_empty(), "{:#?}", device.log());
            }
        }
    }
}

/// No run contacted the device.
#[track_caller]
fn assert_not_contacted(device: &Device) {
    let opened = device.log_entries("connection_opened");
    assert!(opened.is_empty(), "{:#?}", device.log());
}

#[track_caller]
fn failed(output: Output, exit: i32, id: &str, words: &[&str]) -> Value {
    let output = output.exits(exit);
    let error = output.result()["error"].clone();
    assert_eq!(error["id"], id, "{output}");
    let reported = error.to_string();
    for words in words {
        assert!(reported.contains(words), "{words:?} is not in {reported}");
    }
    error
}

/// The events of one name.
fn events(output: &Output, event: &str) -> Vec<Value> {
    let lines = output.json().into_iter();
    lines.filter(|line| line["event"] == event).collect()
}

/// The flags that lead to a device without mDNS.
fn at(device: &Device) -> Vec<String> {
    device.address().to_vec()
}

fn flags<'a>(first: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let first = first.iter().map(String::as_str);
    first.chain(more.iter().copied()).collect()
}
