//! Remedies that several errors share, and those that code selects.

use super::context::Context;
use super::remedy::{Remedy, System, command, flag, plain, retry};
use crate::flows::FlowStep;
use crate::security::SecurityScheme;
use crate::transport::HostPart::{self, Bluetooth, Hotspot, LocalNetwork, SerialPorts};

pub(super) const BLE: &[HostPart] = &[Bluetooth];
pub(super) const SERIAL: &[HostPart] = &[SerialPorts];
pub(super) const NETWORK: &[HostPart] = &[LocalNetwork];
pub(super) const HOTSPOT: &[HostPart] = &[Hotspot];
pub(super) const HTTP: &[HostPart] = &[LocalNetwork, Hotspot];
pub(super) const NOT_SERIAL: &[HostPart] = &[Bluetooth, LocalNetwork, Hotspot];

pub(super) const LINUX: &[System] = &[System::Linux];
pub(super) const UNIX: &[System] = &[System::Linux, System::MacOs];
pub(super) const MACOS: &[System] = &[System::MacOs];
pub(super) const WINDOWS: &[System] = &[System::Windows];
pub(super) const NOT_LINUX: &[System] = &[System::MacOs, System::Windows];

// The device.

pub(super) const RUN_AGAIN: Remedy = retry("{}");
pub(super) const RESTART_DEVICE: Remedy = retry("restart the device and {}");
pub(super) const CHECK_DEVICE: Remedy =
    plain("check which device this computer is connected to: another one may pose as yours");
pub(super) const CLOSE_APPS: Remedy = plain(
    "close the phone app and other programs that may be connected to the device: it serves one client at a time",
);
pub(super) const JOIN_HOTSPOT: Remedy =
    plain("join the device's hotspot (PROV_…) with this computer")
        .over(HOTSPOT)
        .when("", |run| run.address.is_none());
pub(super) const GIVE_ADDRESS: Remedy = flag(
    "--device-ip",
    "pass the device's address with {} and `--device-port` if it is known",
)
.over(HTTP)
.when("", |run| run.address.is_none());
pub(super) const CHECK_ADDRESS: Remedy = plain(
    "check the address (`--device-ip`, `--device-host`, `--device-port`), and that the device is powered and on the same network as this computer",
)
.over(HTTP)
.when("if you gave its address", |run| run.address.is_some());
pub(super) const FORGET_LINUX: Remedy = command(
    "bluetoothctl remove ADDRESS",
    "remove what this computer remembers of the device with {}, then run the command again",
)
.over(BLE)
.on(LINUX);
pub(super) const FORGET_OTHER: Remedy =
    plain("remove the device in the system's Bluetooth settings, then run the command again")
        .over(BLE)
        .on(NOT_LINUX);
pub(super) const PAIR: Remedy = command(
    "bluetoothctl pair ADDRESS",
    "run {} to see whether the device must be paired",
)
.over(BLE)
.on(LINUX)
.when("if the first request fails", |run| {
    run.is_during(FlowStep::ReadingVersion)
});
pub(super) const FIVE_TRIES: Remedy = plain(
    "do not repeat a secret that was rejected: five wrong tries close provisioning until the device restarts",
)
.when("", Context::is_unprovisioned);
pub(super) const SEC2_COMPAT: Remedy = flag(
    "--sec2-compat",
    "if the secret is certainly right, pass {} to try two known firmware faults, one try each",
)
.when("for Security 2", |run| {
    run.error.scheme == Some(SecurityScheme::Sec2) && !run.has_sec2_compat
});
pub(super) const LIST_NETWORKS: Remedy = command(
    "espctl device wifi DEVICE",
    "run {} to list the networks that the device sees",
);
pub(crate) const OPEN: Remedy = flag("--open", "pass {} if the network has no passphrase");
pub(super) const SEND_DATA: Remedy = plain(
    "pass at least one byte with `--data TEXT`, `--hex 0a0b`, `@FILE` or `-` (standard input)",
);
pub(crate) const THREAD: Remedy =
    plain("use a phone app that supports Thread: this version of espctl provisions Wi-Fi only");
/// Replies of firmware from before the first release.
pub(super) const UPDATE_FIRMWARE: Remedy =
    plain("update the firmware if it has network_provisioning before 1.0, which answers like this");

// The account.

/// For a run that may have put the node into the account.
pub(super) const LIST_NODES: Remedy = command(
    "espctl node list",
    "run {} to see whether the node is in your account",
);
pub(super) const FACTORY_RESET: Remedy = retry(
    "if the node is not in your account, reset the device to its factory settings and {}: a device that has joined rejects a second run",
).explained_only();
pub(crate) const NO_CLOUD: Remedy = flag(
    "--no-cloud",
    "pass {} to give the device Wi-Fi without an account",
);
pub(super) const CORRECT_FILE: Remedy =
    plain("correct the file, or move it away and log in again").explained_only();
pub(super) const END_LOCK_HOLDER: Remedy =
    plain("wait for the other espctl, or end it: `fuser` or `lsof` shows who has the lock")
        .explained_only();
pub(super) const CHECK_PERMISSIONS: Remedy =
    plain("check the permissions of `~/.espressif/rainmaker` and that its disk is not full")
        .explained_only();
pub(crate) const SET_CONFIG_DIR: Remedy =
    plain("set `RM_USER_CONFIG_DIR` to a folder that you can write to").explained_only();
pub(super) const REMOVE_PROFILE: Remedy = command(
    "espctl profile remove",
    "choose another name, or remove the profile of this name with {}",
)
.explained_only();
pub(super) const BASE_URL: Remedy = plain(
    "pass a base URL such as `https://rainmaker.example.com`; espctl adds `v1/` if it is missing",
)
.explained_only();
pub(crate) const USER_NAME: Remedy =
    flag("--user-name", "pass {} or set `ESPCTL_USER_NAME`").explained_only();
pub(crate) const PASSWORD: Remedy = plain(
    "pass `--password-file` or `--password`, or set `ESPCTL_PASSWORD` or `ESP_RAINMAKER_PASSWORD`",
)
.explained_only();
pub(crate) const OTP: Remedy = flag(
    "--otp",
    "pass {} to log in without a password: the cloud sends a code",
)
.explained_only();
pub(crate) const CODE: Remedy = flag(
    "--code-file -",
    "pass {} to read the code from standard input when it arrives; if it is known before, pass `--code` or set `ESPCTL_CODE`",
).explained_only();
pub(crate) const NO_BROWSER: Remedy = flag(
    "--no-browser",
    "pass {} to print the address of the login page and wait",
)
.explained_only();
pub(crate) const WITHOUT_BROWSER: Remedy = flag("--user-name", "log in without a browser with {}");
pub(crate) const LOGIN_URL: Remedy = plain("correct `login_url` in profiles.json").explained_only();

// QR codes and files.

pub(crate) const QUOTE_PAYLOAD: Remedy =
    plain("quote the whole payload with '…' so that the shell does not change it").explained_only();
pub(crate) const FLAGS_INSTEAD: Remedy =
    plain("omit the payload and pass `--pop`, `--device-name` and `--transport`").explained_only();
pub(crate) const ONE_PAYLOAD: Remedy =
    plain("pass only the payload of this device").explained_only();
pub(crate) const CUT_OUT: Remedy =
    plain("cut the code of this device out of the picture, with some white around it")
        .explained_only();
pub(crate) const OWN_CODE: Remedy =
    plain("look for the device's own code, which may be on its packaging").explained_only();
pub(crate) const OTHER_PATH: Remedy =
    plain("choose another path, or check the permissions of the folder").explained_only();
pub(crate) const FORCE: Remedy = flag("--force", "pass {} to replace the file").explained_only();
pub(crate) const NAMED_DASH: Remedy =
    plain("name a file; `./-` is a file called `-`").explained_only();
pub(crate) const TOKEN: Remedy =
    plain("pass a token as one word, as the cloud issued it, without \"Bearer\"").explained_only();

// Flags.

pub(crate) const SEE_HELP: Remedy = flag("--help", "see {}");
pub(crate) const QUOTE_VALUES: Remedy =
    plain("quote values with spaces, and write `--flag=VALUE` for a value that begins with a dash");

pub(crate) const DEVICE_NAME: Remedy = flag(
    "--device-name",
    "over Bluetooth, pass the name or the address that `espctl discover --transport ble` shows with {}",
).explained_only();
pub(crate) const PORT: Remedy = flag("--port", "pass the serial port with {}").explained_only();
pub(crate) const DEVICE_PORT: Remedy = flag(
    "--device-port",
    "pass a TCP port with {}; `--port` is for `--transport console`",
)
.explained_only();
pub(crate) const FREE_PORT: Remedy =
    flag("--port 0", "pass {} to use any free port").explained_only();
pub(crate) const HIGH_PORT: Remedy =
    plain("choose a port above 1023, which needs no permission").explained_only();

// What is emulated.

pub(crate) const LISTEN_ON_INTERFACE: Remedy = flag(
    "--listen",
    "pass an address of the interface with {}, or 0.0.0.0 for all",
)
.explained_only();
pub(crate) const OTHER_INTERFACE: Remedy =
    flag("--interface", "select another interface with {}").explained_only();
pub(crate) const SHORTER_NAME: Remedy =
    plain("choose a shorter `--name` or `--node-id`").explained_only();
pub(crate) const NO_ANNOUNCE: Remedy =
    flag("--no-announce", "do without mDNS with {}").explained_only();
