//! Remedies that several errors share, and those that code selects.

use super::context::Context;
use super::remedy::{Remedy, hint};
use crate::flows::FlowStep;
use crate::security::SecurityScheme;
use crate::transport::HostPart::{self, Bluetooth, Hotspot, LocalNetwork, SerialPorts};

pub(super) const BLE: &[HostPart] = &[Bluetooth];
pub(super) const SERIAL: &[HostPart] = &[SerialPorts];
pub(super) const NETWORK: &[HostPart] = &[LocalNetwork];
pub(super) const HOTSPOT: &[HostPart] = &[Hotspot];
pub(super) const HTTP: &[HostPart] = &[LocalNetwork, Hotspot];
pub(super) const NOT_SERIAL: &[HostPart] = &[Bluetooth, LocalNetwork, Hotspot];

pub(super) const LINUX: &[&str] = &["Linux"];
pub(super) const UNIX: &[&str] = &["Linux", "macOS"];
pub(super) const MACOS: &[&str] = &["macOS"];
pub(super) const WINDOWS: &[&str] = &["Windows"];
pub(super) const NOT_LINUX: &[&str] = &["macOS", "Windows"];

// The device.

pub(super) const RUN_AGAIN: &str = "run the command again";
pub(super) const RESTART_DEVICE: &str = "restart the device and run the command again";
pub(super) const CHECK_DEVICE: &str =
    "check which device this computer is connected to: another one may pose as yours";
pub(super) const CLOSE_APPS: &str = "close the phone app and other programs that may be connected to the device: it serves one client at a time";
pub(super) const JOIN_HOTSPOT: Remedy =
    hint("join the device's hotspot (PROV_…) with this computer")
        .over(HOTSPOT)
        .when("", |run| run.address.is_none());
pub(super) const GIVE_ADDRESS: Remedy =
    hint("pass the device's address with `--device-ip` and `--device-port` if it is known")
        .over(HTTP)
        .when("", |run| run.address.is_none());
pub(super) const CHECK_ADDRESS: Remedy = hint(
    "check the address (`--device-ip`, `--device-host`, `--device-port`), and that the device is powered and on the same network as this computer",
)
.over(HTTP)
.when("if you gave its address", |run| run.address.is_some());
pub(super) const FORGET_LINUX: Remedy = hint(
    "remove what this computer remembers of the device with `bluetoothctl remove ADDRESS`, then run the command again",
)
.over(BLE)
.on(LINUX);
pub(super) const FORGET_OTHER: Remedy =
    hint("remove the device in the system's Bluetooth settings, then run the command again")
        .over(BLE)
        .on(NOT_LINUX);
pub(super) const PAIR: Remedy =
    hint("run `bluetoothctl pair ADDRESS` to see whether the device must be paired")
        .over(BLE)
        .on(LINUX)
        .when("if the first request fails", |run| {
            run.is_during(FlowStep::ReadingVersion)
        });
pub(super) const FIVE_TRIES: Remedy = hint(
    "do not repeat a secret that was rejected: five wrong tries close provisioning until the device restarts",
)
.when("", Context::is_unprovisioned);
pub(super) const SEC2_COMPAT: Remedy = hint(
    "if the secret is certainly right, pass `--sec2-compat` to try two known firmware faults, one try each",
)
.when("for Security 2", |run| {
    run.error.scheme == Some(SecurityScheme::Sec2) && !run.has_sec2_compat
});
pub(super) const LIST_NETWORKS: &str =
    "run `espctl device wifi DEVICE` to list the networks that the device sees";
pub(crate) const OPEN: &str = "pass `--open` if the network has no passphrase";
pub(super) const SEND_DATA: &str =
    "pass at least one byte with `--data TEXT`, `--hex 0a0b`, `@FILE` or `-` (standard input)";
pub(crate) const THREAD: &str =
    "use a phone app that supports Thread: this version of espctl provisions Wi-Fi only";
/// Replies of firmware from before the first release.
pub(super) const UPDATE_FIRMWARE: &str =
    "update the firmware if it has network_provisioning before 1.0, which answers like this";

// The account.

/// For a run that may have put the node into the account.
pub(super) const LIST_NODES: &str =
    "run `espctl node list` to see whether the node is in your account";
pub(super) const FACTORY_RESET: &str = "if the node is not in your account, reset the device to its factory settings and run the command again: a device that has joined rejects a second run";
pub(crate) const NO_CLOUD: &str = "pass `--no-cloud` to give the device Wi-Fi without an account";
pub(super) const CORRECT_FILE: &str = "correct the file, or move it away and log in again";
pub(super) const END_LOCK_HOLDER: &str =
    "wait for the other espctl, or end it: `fuser` or `lsof` shows who has the lock";
pub(super) const CHECK_PERMISSIONS: &str =
    "check the permissions of `~/.espressif/rainmaker` and that its disk is not full";
pub(crate) const SET_CONFIG_DIR: &str =
    "set `RM_USER_CONFIG_DIR` to a folder that you can write to";
pub(super) const REMOVE_PROFILE: &str =
    "choose another name, or remove the profile of this name with `espctl profile remove`";
pub(super) const BASE_URL: &str =
    "pass a base URL such as `https://rainmaker.example.com`; espctl adds `v1/` if it is missing";
pub(crate) const USER_NAME: &str = "pass `--user-name` or set `ESPCTL_USER_NAME`";
pub(crate) const PASSWORD: &str =
    "pass `--password-file` or `--password`, or set `ESPCTL_PASSWORD` or `ESP_RAINMAKER_PASSWORD`";
pub(crate) const OTP: &str = "pass `--otp` to log in without a password: the cloud sends a code";
pub(crate) const CODE: &str = "pass `--code-file -` to read the code from standard input when it arrives; if it is known before, pass `--code` or set `ESPCTL_CODE`";
pub(crate) const NO_BROWSER: &str =
    "pass `--no-browser` to print the address of the login page and wait";
pub(crate) const WITHOUT_BROWSER: &str = "log in without a browser with `--user-name`";
pub(crate) const LOGIN_URL: &str = "correct `login_url` in profiles.json";

// QR codes and files.

pub(crate) const QUOTE_PAYLOAD: &str =
    "quote the whole payload with '…' so that the shell does not change it";
pub(crate) const FLAGS_INSTEAD: &str =
    "omit the payload and pass `--pop`, `--device-name` and `--transport`";
pub(crate) const ONE_PAYLOAD: &str = "pass only the payload of this device";
pub(crate) const CUT_OUT: &str =
    "cut the code of this device out of the picture, with some white around it";
pub(crate) const OWN_CODE: &str = "look for the device's own code, which may be on its packaging";
pub(crate) const OTHER_PATH: &str = "choose another path, or check the permissions of the folder";
pub(crate) const FORCE: &str = "pass `--force` to replace the file";
pub(crate) const NAMED_DASH: &str = "name a file; `./-` is a file called `-`";
pub(crate) const TOKEN: &str =
    "pass a token as one word, as the cloud issued it, without \"Bearer\"";

// Flags.

pub(crate) const SEE_HELP: &str = "see `--help`";
pub(crate) const QUOTE_VALUES: &str =
    "quote values with spaces, and write `--flag=VALUE` for a value that begins with a dash";
pub(super) const PORT: &str = "pass the serial port with `--port`";
pub(crate) const FREE_PORT: &str = "pass `--port 0` to use any free port";
pub(crate) const HIGH_PORT: &str = "choose a port above 1023, which needs no permission";

// What is emulated.

pub(crate) const LISTEN_ON_INTERFACE: &str =
    "pass an address of the interface with `--listen`, or 0.0.0.0 for all";
pub(crate) const OTHER_INTERFACE: &str = "select another interface with `--interface`";
pub(crate) const SHORTER_NAME: &str = "choose a shorter `--name` or `--node-id`";
pub(crate) const NO_ANNOUNCE: &str = "do without mDNS with `--no-announce`";
