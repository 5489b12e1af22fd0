//! Both ways into an account, over Bluetooth: the device is mapped before it is given Wi-Fi.

use super::{HOME, never_panicked};
use crate::support::device::Device;
use crate::support::owner::Owner;

#[test]
fn maps_device_with_either_method() {
    for (capability, key, way) in [
        ("ch_resp", "ec", "challenge_response"),
        ("ch_resp", "rsa", "challenge_response"),
        ("user_assoc", "ec", "secret_key"),
    ] {
        for stack in ["nimble", "bluedroid"] {
            let owner = Owner::start(&[]);
            let device = Device::over_bluetooth(&[
                "--cap",
                capability,
                "--key",
                key,
                "--stack",
                stack,
                "--cloud",
                owner.cloud.url(),
            ]);
            let (name, pop) = (device.ready["name"].as_str().unwrap(), device.pop());
            let mut line = vec!["provision", "--transport", "ble", "--format", "json"];
            line.extend(["--device-name", name, "--pop", pop]);
            line.extend(HOME);
            let output = device.near(owner.account.run(&line)).output();
            never_panicked(&output);
            let output = output.exits(0);
            let summary = &output.result()["summary"];
            assert_eq!(summary["mapped"], true, "{output}");
            assert_eq!(summary["mapped_by"], way, "{output}");
            assert!(owner.has(&device), "{output}");
            assert_eq!(device.log_entries("wifi_joined").len(), 1);
            if capability == "ch_resp" {
                let order: Vec<String> = device
                    .log()
                    .iter()
                    .filter_map(|entry| entry["event"].as_str().map(str::to_owned))
                    .filter(|event| ["challenge_signed", "wifi_set"].contains(&event.as_str()))
                    .collect();
                assert_eq!(order, ["challenge_signed", "wifi_set"]);
            }
        }
    }
}
