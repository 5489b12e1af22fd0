//! A run that is ended while the account has to be waited for.

use super::{HOME, assert_not_contacted, events, failed, node, older_node};
use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::espctl::send_signal;
use crate::support::switchable_proxy::SwitchableProxy;

#[test]
fn signal_while_mapping_is_polled_keeps_joined_device() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = older_node(&cloud, &["--scenario", "no-user-mapping-message"]);
    let output = account.watch(&device, &HOME, |line, process| {
        if line.contains("\"mapping_polled\"") {
            send_signal("-INT", process);
        }
    });
    failed(
        output,
        130,
        "interrupted",
        "the device has joined its network",
    );
    assert_eq!(device.log_entries("wifi_joined").len(), 1);
    assert!(account.nodes(&[]).is_empty());
}

#[test]
fn signal_while_account_is_unreachable_ends_wait() {
    let cloud = Cloud::start(&[]);
    let proxy = SwitchableProxy::to(cloud.url());
    let account = Account::logged_in_through(&proxy.url(), &cloud);
    let device = node(&cloud, &[]);
    let output = account.watch(&device, &HOME, |line, process| {
        if line.contains("\"search_started\"") {
            proxy.off();
        } else if line.contains("\"mapping_waits\"") {
            send_signal("-TERM", process);
        }
    });
    failed(
        output,
        130,
        "interrupted",
        "the device has joined its network",
    );
    assert!(cloud.log_entries("mapped").is_empty());
}

/// Firmware that needs no challenge does not need the account before it has joined.
#[test]
fn run_timeout_while_waiting_has_cloud_exit_code() {
    let cloud = Cloud::start(&[]);
    let proxy = SwitchableProxy::to(cloud.url());
    let account = Account::logged_in_through(&proxy.url(), &cloud);
    proxy.off();
    let device = older_node(&cloud, &[]);
    let arguments = [&HOME[..], &["--timeout", "15"]].concat();
    let output = account.provision(&device, &arguments).output();
    assert_eq!(events(&output, "mapping_waits").len(), 1, "{output}");
    failed(output, 7, "expired", "the device has joined its network");
    assert_eq!(device.log_entries("wifi_joined").len(), 1);
    assert!(cloud.log_entries("mapped").is_empty());
}

#[test]
fn run_timeout_also_limits_challenge() {
    let cloud = Cloud::start(&["--fault", "user/nodes/mapping/initiate:*:drop"]);
    let account = Account::logged_in(&cloud);
    let device = older_node(&cloud, &[]);
    let arguments = [&HOME[..], &["--timeout", "5"]].concat();
    let output = account.provision(&device, &arguments).output();
    failed(output, 7, "expired", "the device received no credentials");
    assert_not_contacted(&device);
}
