//! The table of errors, sorted by id: exit codes, title, why it happens, and what to do. Every hint
//! of the program is here or in `remedies`, except hints that consist of one run's data.

use super::context::{Context, ErrorCase};
use super::exit::Exit;
use super::id::{ErrorEntry, errors, first};
#[allow(
    clippy::wildcard_imports,
    reason = "the table names nearly all of them"
)]
use super::remedies::*;
use super::remedy::{command, flag, plain, retry};
use crate::flows::{CredentialState, FlowStep};
use crate::security::SecurityScheme;

errors! {
    AccountFiles "account-files" [Host]
        "A file of the account cannot be read, written or parsed."
        "The files are in `~/.espressif/rainmaker`, or in `$RM_USER_CONFIG_DIR`, and esp-rainmaker-cli shares them. The permissions forbid access, the disk is full, or a file was edited by hand. espctl does not change a file that it cannot parse. The message names the file."
        [CORRECT_FILE, END_LOCK_HOLDER, CHECK_PERMISSIONS, SET_CONFIG_DIR];
    AmbiguousDevice "ambiguous-device" [Usage]
        "Several devices match, and the run cannot ask which one to use."
        "Without a terminal, espctl uses the only device in reach, or the one that is named. Nothing was sent."
        [
            flag("--device-name NAME", "select one by its whole name, or by its address if names are equal, such as {}").over(BLE),
            flag("--port NAME", "select the board's port, such as {}").over(SERIAL),
            flag("--device-name NAME", "select one by its instance name or node id, such as {}").over(NETWORK),
            command("espctl discover", "run {} to list the devices").explained_only(),
        ];
    AnnouncedNoPop "announced-no-pop" [Device]
        "The device announces that it needs no proof of possession (PoP), although one was given."
        "Without a PoP, any device at this address can pose as yours. An attacker between this computer and the device could announce this to receive the Wi-Fi passphrase. Firmware built without a PoP also announces it, even if the label still has one. Nothing was sent."
        [
            CHECK_DEVICE,
            flag("--pop ''", "if you know that the firmware needs no PoP, omit it; {} overrides the one of a QR code"),
        ];
    AnnouncedNoSecurity "announced-no-security" [Device]
        "The device announces that it does not encrypt, although a secret was given."
        "Security 0 sends the Wi-Fi passphrase unencrypted. An attacker between this computer and the device could announce it to read the passphrase; firmware built without security also announces it. Nothing was sent."
        [
            CHECK_DEVICE,
            flag("--sec-ver 0", "if you know that the firmware uses Security 0, pass {}"),
        ];
    BadCaCert "bad-ca-cert" [Usage]
        "The file of `--ca-cert` has no usable certificate."
        "The file is not PEM text with `BEGIN CERTIFICATE`, or the certificate is damaged."
        [
            flag("--ca-cert FILE", "pass the certificate of the authority that signed the cloud's certificate, as PEM: {}"),
            command("openssl x509 -inform der -in FILE -out FILE.pem", "convert a DER file with {}"),
        ];
    BluetoothBlocked "bluetooth-blocked" [Host]
        "Bluetooth is blocked on this computer."
        "A switch on the case, flight mode or `rfkill` keeps it off, and programs cannot switch it on."
        [
            command("sudo rfkill unblock bluetooth", "run {}, or look for a switch or flight mode").on(LINUX),
            plain("look for a switch or flight mode").on(NOT_LINUX),
            command("rfkill list", "run {} to see what blocks it").on(LINUX).explained_only(),
        ];
    BluetoothDenied "bluetooth-denied" [Host]
        "This user has no permission to use Bluetooth."
        "On Linux, the rules of the system bus for `org.bluez` forbid it, as in some containers and for users outside the group `bluetooth`. On macOS, the terminal program lacks the permission. On Windows, desktop apps lack it."
        [
            command("sudo usermod -aG bluetooth $USER", "run {} and log in again").on(LINUX),
            plain("allow Bluetooth for your terminal program: System Settings, Privacy & Security, Bluetooth").on(MACOS),
            plain("allow Bluetooth for desktop apps: Settings, Privacy & security, Radios").on(WINDOWS),
        ];
    BluetoothFailed "bluetooth-failed" [Host]
        "This computer's Bluetooth failed."
        "The system refused to search or to connect; the causes have its reason. The Bluetooth service sometimes fails after a suspend, or after a USB adapter was unplugged."
        [
            command("sudo systemctl restart bluetooth", "run {}").on(LINUX),
            plain("switch Bluetooth off and on in the system's settings").on(NOT_LINUX),
        ];
    BluetoothOff "bluetooth-off" [Host]
        "Bluetooth is switched off, and espctl could not switch it on."
        "A search switches an adapter on. The system did not allow it, or something switched it off again."
        [
            command("bluetoothctl power on", "run {}").on(LINUX),
            plain("switch Bluetooth on in the system's settings").on(NOT_LINUX),
        ];
    CannotAnnounce "cannot-announce" [Host]
        "espctl could not announce an emulated device by mDNS."
        "The network interface does not exist, the device listens on an address that the interface does not have, or a name is too long."
        [LISTEN_ON_INTERFACE, OTHER_INTERFACE, SHORTER_NAME, NO_ANNOUNCE];
    CannotListen "cannot-listen" [Host]
        "espctl could not open a port of this computer."
        "Another program uses the port, the port needs permission (below 1024), or the address is not one of this computer's. A login by browser uses any free port of 127.0.0.1."
        [
            FREE_PORT,
            HIGH_PORT,
            flag("--listen", "pass an address of this computer with {}").explained_only(),
            WITHOUT_BROWSER.explained_only(),
        ];
    ChallengeDisabled "challenge-disabled" [Device]
        "Challenge-response is disabled on the device."
        "It was disabled after an earlier mapping, and stays disabled until the device restarts."
        [LIST_NODES, retry("if it is not, restart the device and {}")];
    ChallengeExpired "challenge-expired" [Cloud]
        "The challenge expired before espctl could reach the account."
        "A challenge is valid for a few minutes. A computer whose only radio is on the device's hotspot can send the signature only after it left the hotspot."
        [
            plain("connect this computer to the internet as soon as the device is done"),
            LIST_NODES.explained_only(),
            FACTORY_RESET,
        ];
    ChallengeRefused "challenge-refused" [Device]
        "The device did not sign the challenge."
        "A node signs with the key that it got when it was claimed. A node that was never claimed, or whose key is damaged, closes the connection instead."
        [
            plain("claim the device if it was never claimed, as its firmware documents: it has no key to sign with then"),
            plain("read the device's log for the reason").explained_only(),
        ];
    ClaimRequired "claim-required" [Device]
        "The device must be claimed first."
        "The device has no certificate, so it cannot reach the cloud. With Wi-Fi credentials it would have to be reset before claiming. Nothing was sent."
        [command("rainmaker.py claim", "claim the device with the RainMaker phone app over Bluetooth, or flash a certificate with {}")];
    CloudAnswer "cloud-answer" [Cloud]
        "The answer is not one of a RainMaker cloud."
        "The login page of a hotspot, a proxy or another server answered."
        [
            plain("open the cloud's address in a browser to see what answers: a proxy or a login page may be in between"),
            command("espctl profile list", "check the base URL of the profile: {}"),
            LIST_NODES.explained_only(),
        ];
    CloudRefused "cloud-refused" [Cloud]
        "The cloud rejected the request."
        "The message has the cloud's reason and its code. An HTTP status of 500 or more is a problem of the cloud itself."
        [
            retry("wait a minute and {}: the cloud is busy").when("for status 429", |run| run.error.cloud_status == Some(429)),
            retry("wait, and {} later: the cloud has a problem of its own").when("for status 500 and above", |run| run.error.cloud_status >= Some(500)),
            command("espctl profile list", "check the base URL with {}: this may not be a RainMaker cloud").when("for status 404", |run| run.error.cloud_status == Some(404)),
            plain("correct what the cloud names as the reason, if it names one: the same request fails again").when("for any other status", |run| run.error.cloud_status.is_some_and(|status| status < 500 && status != 429 && status != 404)),
            LIST_NODES.explained_only(),
        ];
    CloudTimedOut "cloud-timed-out" [Cloud]
        "The cloud did not answer in time."
        "The connection or the cloud is slow."
        [
            retry("check the internet connection and {}"),
            flag("--cloud-timeout", "allow each request more time with {}"),
            LIST_NODES.explained_only(),
        ];
    CloudUnreachable "cloud-unreachable" [Cloud]
        "espctl cannot connect to the cloud."
        "This computer has no internet connection, for example because it is on a device's hotspot; or a firewall, a proxy or a certificate prevents the connection. The causes name the reason."
        [
            plain("check the internet connection: a computer on a device's hotspot often has none"),
            flag("--ca-cert FILE", "if the cloud has its own certificate authority, pass {}").explained_only(),
            LIST_NODES.explained_only(),
        ];
    ConfirmationNeeded "confirmation-needed" [Usage]
        "A step that cannot be undone was not confirmed."
        "Removing a node from the account is final. On a terminal, espctl asks; without one, or with `--no-input`, it does not. Nothing was removed."
        [flag("--yes", "pass {} to confirm")];
    ConflictingFlags "conflicting-flags" [Usage]
        "Two arguments exclude each other."
        "Both have the same purpose, or one makes the other impossible. A flag and a variable never conflict: the flag wins. `--device-ip`, `--device-host` and `--device-port` are for networks, and exclude `--transport ble` and `console`."
        [
            plain("omit one of the two arguments that the message names").explained_only(),
            DEVICE_NAME,
            PORT,
            DEVICE_PORT,
        ];
    DeviceNotAuthentic "device-not-authentic" [Device]
        "The device could not prove that it knows the secret."
        "It took part in the handshake, but its own proof is wrong. A device that knows the secret sends a correct proof; a device that poses as it does not."
        [
            CHECK_DEVICE,
            plain("do not send credentials to it").explained_only(),
        ];
    Disconnected "disconnected" [Device]
        "The connection broke during a request."
        "The signal was lost, the device restarted (power, watchdog), this computer changed its network, or a cable was unplugged."
        [
            retry("move closer to the device, check its power supply, and {}").over(NOT_SERIAL),
            retry("check the cable, the hub and the board's power supply, and {}").over(SERIAL),
            PAIR,
            FORGET_LINUX.when("if the first request fails", |run| run.is_during(FlowStep::ReadingVersion)),
            plain("read the device's log if the connection breaks at the same step each time: the firmware may crash").explained_only(),
        ];
    EmulatedCloudUnreachable "emulated-cloud-unreachable" [Host]
        "espctl could not register the emulated device with its emulated cloud."
        "Nothing answers at the URL of `--cloud`, or what answers is not an emulated cloud. The device was not started, because its cloud would not know it."
        [command("espctl emulate cloud", "start {} first, and pass the `url` of its first line with `--cloud`")];
    EnterpriseNetwork "enterprise-network" [Wifi]
        "The network requires a user identity, which provisioning cannot send."
        "WPA2/WPA3-Enterprise networks ask for a user name or a certificate. The protocol has fields for a name and a passphrase only."
        [plain("choose a network with a passphrase, or an open one; many sites have one for devices")];
    Expired "expired" [NoDevice, Device, Cloud, Wifi, Unconfirmed]
        "The time limit of `--timeout` was reached."
        "The limit is for the whole run. The exit code is that of the step that was cut short: 4 while searching for the device, 6 while talking to it, 7 while waiting for the account, 9 after the device started to join, 10 if contact was lost then."
        [
            flag("--timeout", "allow the whole run more time with {}; `--join-timeout` limits joining alone"),
            plain("find out why the step that the error names is slow: each step also has its own limit, whose error names the cause").explained_only(),
            LIST_NODES.explained_only(),
        ];
    Fault "fault" [Fault]
        "An internal error of espctl."
        "espctl has a bug, or this computer refuses a basic operation."
        [flag("--support-bundle FILE", "run the command again with {} and report it with that file; it has no secrets, but names and addresses, so read it first")];
    GarbledAnswer "garbled-answer" [Device]
        "Other output of the board broke an answer on the serial line."
        "A console prints an answer digit by digit, and a log line of another task came in between. espctl cannot tell which part is missing, and the session ends."
        [
            RUN_AGAIN,
            plain("lower the log level of the firmware, or move its log to another port"),
        ];
    HandshakeBroken "handshake-broken" [Device]
        "The device answered the handshake with something that the scheme does not allow."
        "Another kind of server answers at this address, the firmware's protocomm differs from ESP-IDF's, or bytes were changed on the way."
        [
            command("espctl device info DEVICE", "check with {} that this is the device you mean"),
            flag("--sec-ver", "try the scheme that the firmware was built with: {}").explained_only(),
        ];
    HostNotReady "host-not-ready" [Host]
        "`doctor --require` found a problem on this computer."
        "The report has a finding for each problem: what was found, and how to fix it. Without `--require`, the report itself is the success."
        [
            plain("fix each problem as its finding suggests"),
            flag("--transport", "check only what one transport needs with {}"),
            flag("--no-cloud", "skip the account with {}").explained_only(),
        ];
    HungUp "hung-up" [Device]
        "The device closed the connection instead of answering."
        "This is how protocomm rejects a request. Usual reasons: another client uses the only connection, the session was replaced, provisioning has ended, or the application's endpoint handler returned an error."
        [
            CLOSE_APPS.over(NOT_SERIAL),
            command("idf.py monitor", "read the board's log with a monitor such as {}").over(SERIAL),
            retry("restart the device and {}: it may have closed provisioning"),
        ];
    InsecureCloud "insecure-cloud" [Usage]
        "The cloud is reached over plain HTTP, which would send the login unencrypted."
        "The base URL of the profile begins with `http://`, and its host is not this computer."
        [
            plain("use a base URL that begins with `https://`"),
            flag("--allow-plain-http", "on a network of your own, pass {} to send the login unencrypted"),
        ];
    Interrupted "interrupted" [Interrupted]
        "The run was stopped by Ctrl-C or SIGTERM."
        "espctl asks a device that already has credentials to forget them. Firmware rejects this while it joins, and keeps the credentials."
        [
            plain("wait until the device has joined or failed before the next run, or restart it").when("if the device was joining", |run| run.error.credentials == Some(CredentialState::Applied)),
            RUN_AGAIN.explained_only(),
            plain("restart the device if it rejects new credentials").explained_only(),
            LIST_NODES.explained_only(),
        ];
    InvalidData "invalid-data" [Usage]
        "The data to send is invalid."
        "It is empty, which devices do not accept, or the value of `--hex` is not pairs of hexadecimal digits."
        [SEND_DATA];
    InvalidMetadata "invalid-metadata" [Usage]
        "The text of `--metadata` is not a JSON object."
        "The metadata of a node are named members. The message says where the text is wrong. Nothing was sent."
        [plain("pass a JSON object in single quotes, such as `--metadata '{\"room\": \"office\"}'`")];
    InvalidPassphrase "invalid-passphrase" [Usage]
        "No Wi-Fi network can have this passphrase."
        "WPA passphrases have 8 to 63 bytes, WEP keys 5 or 13. An empty passphrase is more often an unset variable than an open network."
        [
            plain("check the value and its quoting").explained_only(),
            OPEN.explained_only(),
        ];
    InvalidProfile "invalid-profile" [Usage]
        "The profile is invalid."
        "A name has 1 to 50 letters, digits and `_-.#`, and no other profile has it. `global` and `china` are built in. A base URL begins with `https://` and names a host."
        [
            REMOVE_PROFILE,
            BASE_URL,
            command("espctl profile list", "run {} to list the profiles").explained_only(),
        ];
    InvalidQrcode "invalid-qrcode" [Usage]
        "espctl cannot read the QR payload."
        "A payload is JSON, `NP:…`, or a URL that has one of them as its `data`. The message has line and column of the error. A shell changes an unquoted payload."
        [
            QUOTE_PAYLOAD,
            flag("--qrcode @FILE", "read the payload from a file, text or picture, with {}").explained_only(),
            FLAGS_INSTEAD,
            ONE_PAYLOAD,
            CUT_OUT,
            OWN_CODE,
            command("espctl qr decode", "run {} to see how espctl reads a payload").explained_only(),
        ];
    InvalidSsid "invalid-ssid" [Usage]
        "No Wi-Fi network can have this name."
        "A name has 1 to 32 bytes; a letter with an accent has more than one. `--ssid-hex` takes pairs of hexadecimal digits."
        [
            plain("check the value").explained_only(),
            LIST_NETWORKS.explained_only(),
        ];
    InvalidTags "invalid-tags" [Usage]
        "A tag of `--tags` is not `key:value`."
        "The cloud accepts only tags with a colon between key and value. Nothing was sent."
        [flag("--tags location:mumbai,env:production", "separate tags by commas, as in {}")];
    InvalidUsername "invalid-username" [Usage]
        "A Security 2 user name is empty or too long."
        "The handshake has no room for it."
        [plain("pass the user name that the firmware was built with, or omit `--sec2-username` to use the default")];
    JoinTimedOut "join-timed-out" [Wifi]
        "The device was still trying to join when the time limit was reached."
        "Firmware without a limit of attempts keeps trying and never reports why it fails. The device may keep the credentials and keep trying."
        [
            plain("check the passphrase and the access point; likely causes: 5 GHz only, WPA3 or protected management frames, a MAC filter, no DHCP"),
            flag("--join-timeout", "allow the device more time with {}"),
            command("espctl device reset DEVICE", "run {} to make the device wait for other credentials, if its firmware accepts that").explained_only(),
        ];
    LoginExpired "login-expired" [Login]
        "The login has expired and could not be renewed."
        "Logins expire after weeks without use, after a change of the password, or after a logout elsewhere. A token of `ESPCTL_ACCESS_TOKEN` expires within an hour."
        [
            plain("set `ESPCTL_ACCESS_TOKEN` to a new token of this cloud, or unset it").when("if `ESPCTL_ACCESS_TOKEN` is set", |run| run.environment.has_access_token),
            command("espctl login", "run {}, with the same `--profile`").when("otherwise", |run| !run.environment.has_access_token),
        ];
    LoginLacksUser "login-lacks-user" [Login]
        "The device needs the user's id, but the login does not contain it."
        "Older firmware maps by user id, which is in the ID token. `ESPCTL_ACCESS_TOKEN` alone does not have it. Nothing was sent."
        [command("espctl login", "run {}, or set `ESPCTL_ID_TOKEN` besides `ESPCTL_ACCESS_TOKEN`")];
    LoginNotKept "login-not-kept" [Host]
        "The new login could not be stored."
        "espctl cannot write to the folder of the account files, or its disk is full."
        [
            CHECK_PERMISSIONS,
            command("espctl login", "then run {} again").explained_only(),
        ];
    LoginRefused "login-refused" [Login]
        "The cloud rejected the login."
        "User name, password or one-time code are wrong, the account is not confirmed, or it belongs to another cloud."
        [flag("--profile", "check what you entered, and that {} names the cloud of the account")];
    LoginRequired "login-required" [Login]
        "This command needs an account, and there is no login."
        "Unless `--no-cloud` is given, a run also maps the device to the account of the login. Nothing was sent."
        [
            command("espctl login ACCOUNT", "log in with {}"),
            plain("in CI, set `ESPCTL_ACCESS_TOKEN` to an access token of this cloud"),
            NO_CLOUD.explained_only(),
        ];
    LoginTimedOut "login-timed-out" [Login]
        "The login in the browser was not completed in time."
        "The page was not opened or not filled in, or it could not reach the port on this computer. The browser of another computer can never reach it."
        [
            flag("--browser-timeout", "use a browser on this computer, and allow more time with {}"),
            WITHOUT_BROWSER,
        ];
    MappingDiscarded "mapping-discarded" [Cloud]
        "The cloud discarded the mapping."
        "Another request for the same node replaced it."
        [
            plain("make sure that no one else maps this device at the same time"),
            FACTORY_RESET,
        ];
    MappingPending "mapping-pending" [Cloud]
        "The cloud did not confirm the mapping in time."
        "The cloud still waits for the device's half of the mapping, or is busy."
        [LIST_NODES, FACTORY_RESET];
    MappingTimedOut "mapping-timed-out" [Cloud]
        "The device's half of the mapping did not reach the cloud in time."
        "The device has joined the Wi-Fi, but cannot reach the internet, or its clock or certificate is wrong; or a second run gave it another secret."
        [
            plain("check that the device's network has internet access, and that port 8883 (MQTT over TLS) is open"),
            plain("read the device's log").explained_only(),
            FACTORY_RESET,
        ];
    MatterCode "matter-code" [Usage]
        "This QR code is for Matter, not for ESP provisioning."
        "Codes that begin with `MT:` are for Matter commissioning, which is another protocol with other secrets. Nothing was sent."
        [
            plain("commission the device with an app or a hub for Matter"),
            plain("if the firmware also offers ESP provisioning, use its second code: JSON, in its log or on its packaging"),
        ];
    MessageNotAuthentic "message-not-authentic" [Device]
        "A message was changed on its way, or the two sides are out of step."
        "Security 2 authenticates each message. A lost or repeated message puts the counters out of step; an attacker in between looks the same."
        [
            RUN_AGAIN,
            plain("if it happens each time, try another computer or network, and read the device's log").explained_only(),
        ];
    MessageTooLong "message-too-long" [Device]
        "A message is too long for the device's Bluetooth, or for a line of its console."
        "Over Bluetooth, firmware accepts 257 bytes if it is built without Security 2 on Bluedroid, 481 with it, and 512 on NimBLE; a signed challenge may be longer than 257. A line of a console has 254 characters, about 115 bytes, which is too short for Security 2."
        [
            plain("send less: a line of the console has 254 characters, about 115 bytes").over(SERIAL).when("for `device call`", |run| run.is_during(FlowStep::Calling)),
            flag("--transport", "use another transport with {}"),
            plain("build the firmware with Security 1").when("over a serial line, for the handshake", |run| run.has_no_room_for_sec2() && run.is_during(FlowStep::Securing)),
            plain("build the firmware with Security 2 or NimBLE, which accept longer messages").over(BLE),
        ];
    MissingData "missing-data" [Usage]
        "`device call` has no data to send."
        "Devices do not accept an empty request, so there is no default."
        [SEND_DATA];
    MissingLogin "missing-login" [Usage]
        "The login needs a value that was not given."
        "It needs a user name, a password, or the one-time code that the cloud has sent. Without a terminal, espctl does not ask, and opens no browser."
        [USER_NAME, PASSWORD, OTP, CODE, NO_BROWSER];
    MissingPassphrase "missing-passphrase" [Usage]
        "The network needs a passphrase, and none was given."
        "The device sees the network as protected, or does not see it. Without a terminal, espctl does not ask."
        [
            plain("pass `--passphrase` or `--passphrase-file`, or set `ESPCTL_PASSPHRASE`"),
            OPEN,
        ];
    MissingPop "missing-pop" [Usage]
        "The device needs a proof of possession (PoP) or a password, and none was given."
        "Its version document says so, or does not say that it needs none. Without a terminal, espctl does not ask."
        [
            flag("--pop", "pass {} or `--pop-file`, or set `ESPCTL_POP`: the PoP is printed on the device or in its QR code").when("", Context::is_unprovisioned),
            flag("--pop", "pass {} or `--pop-file`, or set `ESPCTL_POP`: the PoP of a device on a network differs from the one on its label, and the app shows it to the owner").when("on the network", Context::is_on_network),
            plain("if the firmware has a user name and password of its own, pass `--sec2-password` or `--sec2-password-file`, or set `ESPCTL_SEC2_PASSWORD`").when("", |run| run.error.scheme == Some(SecurityScheme::Sec2)),
        ];
    MissingSsid "missing-ssid" [Usage]
        "No network was given for the device to join."
        "Without a terminal, espctl does not ask."
        [
            plain("pass `--ssid` or `--ssid-hex`, or set `ESPCTL_SSID`"),
            LIST_NETWORKS,
        ];
    NoBluetoothAdapter "no-bluetooth-adapter" [Host]
        "This computer has no Bluetooth adapter, or not the one of `--adapter`."
        "The hardware or its driver is missing, or a virtual machine or a container does not see it."
        [
            plain("omit `--adapter` to use the first adapter that is switched on").when("", |run| run.error.case == Some(ErrorCase::NoSuchAdapter)),
            command("ls /sys/class/bluetooth", "run {} to list the adapters; `lsusb` and `dmesg` show why there is none").on(LINUX).when("", |run| run.error.case.is_none()),
            plain("look for the adapter in System Settings, General, About, System Report, Bluetooth").on(MACOS).when("", |run| run.error.case.is_none()),
            plain("look for the adapter, or for a missing driver, in the Device Manager under Bluetooth").on(WINDOWS).when("", |run| run.error.case.is_none()),
            flag("--transport softap", "pass {}, which needs Wi-Fi only").when("", |run| run.error.case.is_none()),
            plain("plug an adapter in, or pass it through to the virtual machine").explained_only(),
            command("espctl emulate device --transport ble", "to try things out without an adapter, run {}").explained_only(),
        ];
    NoBluetoothService "no-bluetooth-service" [Host]
        "The system's Bluetooth service is not available."
        "On Linux, programs use Bluetooth through BlueZ (`bluetoothd`) on the system's D-Bus. One of the two does not run, this is a container without them, or `DBUS_SYSTEM_BUS_ADDRESS` leads to an emulator that has ended."
        [
            plain("unset `DBUS_SYSTEM_BUS_ADDRESS`, or start the emulator again: no Bluetooth service answers at this address").when("if `DBUS_SYSTEM_BUS_ADDRESS` is set", |run| run.environment.has_bus_address),
            command("sudo systemctl start dbus", "run {}; in a container, mount `/run/dbus/system_bus_socket` of the host").when("if there is no system bus", |run| run.error.case == Some(ErrorCase::NoBus) && !run.environment.has_bus_address),
            command("sudo systemctl enable --now bluetooth", "run {}; the package is `bluez`").when("if BlueZ does not run", |run| run.error.case.is_none()),
        ];
    NoCodeInLog "no-code-in-log" [NoDevice]
        "No QR payload came from the serial port."
        "Firmware prints the code once, when it starts to wait for provisioning. A provisioned device does not print it, nor one whose log is off or on another port."
        [
            plain("restart the board while the command waits"),
            flag("--baud", "set the speed of the board's log with {} if it is not 115200"),
            command("idf.py monitor", "run {} to see whether the log has a line with `{\"ver\":…}` or a URL with `data=`").explained_only(),
        ];
    NoConsole "no-console" [NoDevice]
        "No protocomm console answers at the serial port."
        "The port belongs to something else, the board is silent or not started, its firmware provisions over another transport, or the line has another speed."
        [
            retry("check that this is the board's port, restart the board, and {}: a provisioned board no longer has this console"),
            flag("--baud", "set the speed of the console with {} if it is not 115200").when("", |run| !run.has_baud),
            flag("--baud", "check the speed of the console: {} may be wrong").when("", |run| run.has_baud),
            command("idf.py monitor", "look at the board's output with {}: a console that provisions shows `>> `, and silence can be RX and TX swapped").explained_only(),
        ];
    NoDevice "no-device" [NoDevice]
        "No device was found."
        "The device is off, out of reach, not in provisioning mode, or already provisioned; or this computer is not on its network. Over Bluetooth, an app may be connected to it, it may have another name, or `--customer-id` or `--service-uuid` exclude it."
        [
            plain("power the device within a few meters, and make it wait for provisioning: a device that already has Wi-Fi does not advertise until it is reset").over(BLE),
            CLOSE_APPS.over(BLE),
            command("espctl discover --transport ble --all", "run {} to list everything that advertises: the device may have another name").over(BLE),
            flag("--discovery-timeout SECONDS", "move closer, or search longer with {}").over(BLE),
            plain("check that the device is powered, on the same network as this computer, and has challenge-response enabled").over(NETWORK),
            JOIN_HOTSPOT,
            GIVE_ADDRESS,
            CHECK_ADDRESS,
        ];
    NoLoginPage "no-login-page" [Usage]
        "The cloud of this profile has no login page for a browser."
        "Only the built-in profiles have one, and profiles whose entry in profiles.json has `login_url`, `token_url`, `client_id` and `redirect_url`."
        [
            flag("--user-name", "log in with {} and a password"),
            LOGIN_URL,
        ];
    NoMapping "no-mapping" [Device]
        "The device's firmware cannot be mapped to an account."
        "It has neither `ch_resp` nor `cloud_user_assoc`: it is plain ESP-IDF firmware without RainMaker. Nothing was changed."
        [NO_CLOUD];
    NoQrCode "no-qr-code" [Usage]
        "espctl found no readable QR code in the picture."
        "The code is blurred, cut off, too small, skewed or dark, or of another kind. espctl tried several sizes, inverted, sharpened and blurred."
        [
            plain("cut the code out with some white around it, or take the picture again: straight, sharp, without glare"),
            flag("--qrcode", "pass the text of the code, as a scanner app shows it, with {}").explained_only(),
        ];
    NoSerialPort "no-serial-port" [Host]
        "The serial port cannot be used, or there is none."
        "No board is plugged in under this name, its driver is missing, or it was unplugged."
        [
            plain("plug the board in with a cable that carries data; `dmesg` or the device manager shows whether the system sees it").when("if no port was given", |run| run.address.is_none()),
            command("espctl discover --transport console", "run {} to list the ports").when("if a port was given", |run| run.address.is_some()),
        ];
    NoSuchEndpoint "no-such-endpoint" [Device]
        "The device does not have the requested endpoint."
        "Each firmware registers its own endpoints. `prov-ctrl` (reset, reprovision) exists since ESP-IDF 5.1; `prov-scan` is absent if the device cannot scan; applications add others."
        [
            plain("restart the device instead: firmware before ESP-IDF 5.1 has no such command").when("for `device reset` and `device reprovision`", |run| run.is_during(FlowStep::Resetting) || run.is_during(FlowStep::Reopening)),
            command("espctl device info DEVICE", "run {} to see what the firmware offers").when("otherwise", |run| !run.is_during(FlowStep::Resetting) && !run.is_during(FlowStep::Reopening)),
        ];
    NoWifiNeedsChallenge "no-wifi-needs-challenge" [Device]
        "Mapping without Wi-Fi needs firmware with challenge-response."
        "Older firmware confirms the mapping itself, once it is online. Nothing was changed."
        [flag("--ssid", "omit `--no-wifi` and pass {}")];
    NotADevice "not-a-device" [Device]
        "What answered is not a device that waits for provisioning."
        "A router, a printer or a login page has this address, or a proxy is in between. Over Bluetooth, the peripheral does not offer provisioning, or no longer offers it."
        [
            plain("check that this computer is on the device's network: something that is not an ESP device may answer at this address").over(HTTP),
            plain("check that this is the board's port").over(SERIAL),
            plain("check that this is the device you mean: a provisioned device no longer offers provisioning until it is reset").over(BLE),
            FORGET_LINUX,
            FORGET_OTHER,
        ];
    NotPaired "not-paired" [Host]
        "The device requires pairing, and this computer could not pair with it."
        "Its firmware requires an encrypted link. Linux and macOS pair when the device asks for it. That fails if only one side has kept an old pairing, or if the device asks for a code. Windows pairs in its settings."
        [
            FORGET_LINUX,
            FORGET_OTHER.on(MACOS),
            retry("remove the device in the Bluetooth settings, pair with it there, and {}").on(WINDOWS),
        ];
    NotRecorded "not-recorded" [Host]
        "A step that cannot be taken back could not be recorded, so espctl did not take it."
        "A batch records what it is about to do with a device before it does it. The disk is full, or the file cannot be written."
        [plain("check that the disk is not full and that you may write to the file that the causes name"), RUN_AGAIN];
    NotText "not-text" [Device]
        "The serial port sends something that is not text."
        "The line has another speed than it was opened with, or a device that is not a console is plugged in."
        [flag("--baud", "set the speed of the board's console with {}: 115200 is usual, 74880 and 921600 also occur")];
    OtherConsole "other-console" [Device]
        "The console at the serial port is not protocomm's."
        "The firmware runs commands of its application there, or another prompt such as MicroPython's."
        [
            flag("--transport", "provision the device over another transport with {}"),
            plain("build the firmware with the console scheme").explained_only(),
        ];
    OtherNode "other-node" [Device]
        "The device announced one node id and signed as another."
        "Another device has the address of an old announcement, or someone announces a device of theirs. Nothing was mapped."
        [
            command("espctl discover --transport on-network", "search again with {}"),
            flag("--device-ip", "if you know the device by its address, pass it with {}, which needs no announcement"),
        ];
    OutputLost "output-lost" [Fault]
        "The run ended, and its result could not be written."
        "Standard output does not accept it: the disk is full, or the file system is gone."
        [plain("free some space, and check the device before you run the command again: it may be provisioned").explained_only()];
    PermissionDenied "permission-denied" [Host]
        "This computer does not allow the connection."
        "A firewall, a sandbox (snap, flatpak, container) or the local-network permission of the system forbids it. A serial port belongs to a group, such as `dialout` or `uucp`, that this user is not in."
        [
            plain("allow espctl, or the terminal that runs it, to reach the local network; a firewall or a sandbox may forbid it").over(NOT_SERIAL),
            command("sudo usermod -aG dialout $USER", "run {} and log in again; on Arch the group is `uucp`").over(SERIAL).on(LINUX),
            command("ls -l PORT", "run {} to see the group of the port").over(SERIAL).on(LINUX),
            plain("close other programs that have the port open, and check what the system allows").over(SERIAL).on(NOT_LINUX),
        ];
    PortInUse "port-in-use" [Host]
        "Another program uses the serial port."
        "A monitor such as `idf.py monitor`, `screen` or `minicom`, or another run of espctl, has it open. A port serves one program at a time."
        [
            plain("close the monitor (`idf.py monitor`, `screen`, `minicom`) or the other run of espctl"),
            command("lsof PORT", "run {} to see which program has the port").on(UNIX).when("", |run| run.address.is_some()),
        ];
    Refused "refused" [Device]
        "The device understood the command and rejected it."
        "Its status in the message says why: an argument that it does not accept, or a command that its application forbids."
        [plain("read the device's log for the reason")];
    Restarted "restarted" [Device]
        "The board restarted during a request."
        "It crashed, its power supply is too weak, or someone pressed its button. The session ends with it."
        [
            plain("read the board's log for the reason, such as a crash or a weak power supply"),
            command("espctl device info DEVICE", "check with {} whether it answers again"),
        ];
    ScanUnfinished "scan-unfinished" [Device]
        "The device did not finish its Wi-Fi scan in time."
        "Some firmware never finishes a scan while it is busy with its own access point, or while an earlier attempt to join continues."
        [
            flag("--ssid", "name the network with {} and `--passphrase`, which needs no scan"),
            retry("if that also fails, restart the device and {}"),
        ];
    SessionExhausted "session-exhausted" [Device]
        "The session has carried as many messages as it can."
        "Security 2 counts messages, and the counter must not start again."
        [retry("{}: it opens a new session")];
    SessionLost "session-lost" [Device]
        "An earlier error ended the secure session."
        "After a lost or unreadable answer, the keys of the two sides are out of step. The error before this one is the cause."
        [retry("{}: it opens a new session")];
    Silent "silent" [NoDevice]
        "Something accepts connections at the address but does not answer."
        "The device hangs or serves another client, or another kind of server has this address. On a serial line, another program that reads the same port takes the answers away."
        [
            plain("check the address: something accepts connections there but may not be the device").over(HTTP),
            plain("close other programs that read the same port, such as a monitor").over(SERIAL),
            RESTART_DEVICE,
            PAIR,
            FORGET_LINUX,
            FORGET_OTHER,
        ];
    StdinTwice "stdin-twice" [Usage]
        "Two inputs cannot both be read from standard input."
        "`-` means standard input, which can be read once."
        [plain("put one of the two into a file or a variable")];
    ThreadOnly "thread-only" [Device]
        "The device accepts Thread credentials, but no Wi-Fi credentials."
        "Its version document lists `thread_prov` and not `wifi_prov`: it has a Thread radio."
        [THREAD];
    TimedOut "timed-out" [Device]
        "The device stopped answering during the run."
        "It hangs, has restarted, or is out of reach. During a handshake a slow chip computes for seconds; the limit allows for that."
        [RESTART_DEVICE];
    TransportUnavailable "transport-unavailable" [Host]
        "This computer lacks something that the transport needs."
        "For devices on the network, mDNS could not be started: a sandbox, no network interface, or no permission. For serial ports, the system does not list them. The causes say more."
        [
            flag("--device-ip", "pass the device's address with {}, which needs no discovery").over(NETWORK),
            PORT.over(SERIAL),
        ];
    Unconfirmed "unconfirmed" [Unconfirmed]
        "The device received credentials, but did not confirm that it joined."
        "Contact was lost after Apply, or the answers could not be read. The hotspot of a device disappears when it has joined, and over Bluetooth it stops advertising, so this may well be a success."
        [
            plain("look for the device on the network before you try again: it has probably joined"),
            plain("check whether the device still advertises: it stops when provisioning succeeded").over(BLE),
            plain("check whether the device's hotspot is back: it disappears when provisioning succeeded").over(HOTSPOT),
            plain("read the device's log on the serial port to see whether it joined").over(SERIAL),
        ];
    UnexpectedReply "unexpected-reply" [Device]
        "The device's answer does not fit the command."
        "Its firmware speaks another version of the protocol, or two clients talk to it at once."
        [
            UPDATE_FIRMWARE,
            plain("make sure that no other client talks to the device").explained_only(),
        ];
    UnknownGroup "unknown-group" [Usage]
        "The account has no group of this name or id, or several of this name."
        "espctl looks up the group before it contacts the device. Nothing was sent."
        [flag("--group", "pass the id of one of the groups that the message lists with {}").explained_only()];
    UnknownId "unknown-id" [Usage]
        "`explain` does not know this id."
        "The id is misspelled, or belongs to a newer version."
        [command("espctl explain", "run {} to list all ids")];
    UnknownInterface "unknown-interface" [Host]
        "This computer has no network interface of this name."
        "Names differ between systems, and an unplugged interface may not be listed."
        [plain("omit `--interface` to search on all interfaces")];
    UnknownNode "unknown-node" [Usage]
        "The account has no such node."
        "The id is misspelled, the node belongs to someone else, or the login is for another cloud."
        [
            command("espctl node list", "run {} to list the nodes of the account"),
            flag("--profile", "select another account with {}").explained_only(),
        ];
    UnknownProfile "unknown-profile" [Usage]
        "There is no profile of this name."
        "It is misspelled or was removed, or the file that names the current profile was edited."
        [
            flag("--profile", "select a profile with {}, `ESPCTL_PROFILE` or `espctl profile switch`"),
            command("espctl profile add", "add a profile with {}").explained_only(),
        ];
    UnknownScheme "unknown-scheme" [Device]
        "The device announces a security scheme that espctl does not support."
        "Schemes 0, 1 and 2 exist. The firmware is newer than this program, or its version document is wrong."
        [flag("--sec-ver 2", "look for a newer espctl, or try {}")];
    Unreachable "unreachable" [NoDevice]
        "No device answers at the address."
        "This computer is not on the device's network, the device is off or already provisioned, or five wrong secrets closed its service. Over Bluetooth, the device advertises but does not accept a connection: it is too far away, or serves another client."
        [
            retry("move closer to the device and {}").over(BLE),
            CLOSE_APPS.over(BLE),
            FORGET_LINUX,
            FORGET_OTHER,
            JOIN_HOTSPOT,
            plain("check that the device is powered and on the same network as this computer").over(NETWORK).when("", |run| run.address.is_none()),
            GIVE_ADDRESS,
            CHECK_ADDRESS,
            RESTART_DEVICE.explained_only(),
        ];
    UnreadableFile "unreadable-file" [Usage]
        "A file cannot be read or used."
        "It does not exist, this user has no permission to read it, it is not text, or it is far too long. The causes say which."
        [
            plain("check the path and the permissions").explained_only(),
            CUT_OUT,
        ];
    UnsupportedTransport "unsupported-transport" [Usage]
        "This program does not support the transport."
        "The QR code asks for a transport that this version does not have."
        [flag("--transport", "select another transport with {}, if the device offers it")];
    UnusableSecret "unusable-secret" [Usage]
        "A file or a variable does not have a usable secret."
        "It is empty, has several lines, or has control characters. A device would count it as a wrong secret."
        [
            plain("put the secret and nothing else on one line"),
            TOKEN,
        ];
    UnwritableFile "unwritable-file" [Usage]
        "A file cannot be written."
        "Its folder does not exist, this user has no permission to write to it, or `qr encode` found an existing file. Nothing was sent to a device."
        [OTHER_PATH, FORCE, NAMED_DASH];
    Usage "usage" [Usage]
        "The command line is invalid."
        "An argument is unknown, misspelled or missing, or has a value that it cannot have. espctl does not repeat what could be part of a secret."
        [
            SEE_HELP.explained_only(),
            QUOTE_VALUES.explained_only(),
        ];
    UserRefused "user-refused" [Device]
        "The device rejected the user's id and secret."
        "Firmware does this if one of them is empty, or if its memory is full."
        [retry("read the device's log, restart the device, and {}")];
    WifiAuthFailed "wifi-auth-failed" [Wifi]
        "The device could not join: the network rejected it."
        "Usually the passphrase is wrong. Firmware with a limit of attempts also reports this for other reasons, such as a weak signal."
        [
            plain("check the passphrase: capitals and spaces count"),
            plain("if the passphrase is certainly right, move the device closer to the access point"),
        ];
    WifiJoinFailed "wifi-join-failed" [Wifi]
        "The device could not join, and reports no known reason."
        "Its firmware reports no reason, or one that is newer than this program."
        [plain("check the network's name and passphrase, and read the device's log")];
    WifiNotFound "wifi-not-found" [Wifi]
        "The device could not join: it does not see the network."
        "The name is misspelled, the network is out of reach, or it is on 5 GHz, which most ESP32 chips do not support."
        [
            plain("check the name, and that the access point offers 2.4 GHz: most devices support no other band"),
            LIST_NETWORKS,
        ];
    WrongCredentials "wrong-credentials" [Usage]
        "The secret does not fit the security scheme."
        "Security 1 takes a PoP, Security 2 a user name and a password."
        [plain("pass `--pop` for Security 1, `--sec2-username` and `--sec2-password` for Security 2")];
    WrongPassword "wrong-password" [Secret]
        "The device rejected this user name and password."
        "They differ from those that the firmware was built with. espctl tried them once. Two known firmware faults store a right password wrongly."
        [
            flag("--sec2-password", "check {} and `--sec2-username`: the firmware sets both"),
            FIVE_TRIES,
            SEC2_COMPAT,
        ];
    WrongPop "wrong-pop" [Secret]
        "The device rejected this proof of possession (PoP)."
        "It differs from the firmware's PoP. espctl tried it once. For a Security 2 device, espctl tried the PoP as the password."
        [
            flag("--pop", "check {}: the PoP is printed on the device or in its QR code").when("", Context::is_unprovisioned),
            flag("--pop", "check {}: the PoP of a device on a network differs from the one on its label, and the app shows it to the owner").when("on the network", Context::is_on_network),
            plain("omit `--pop`: by default, firmware has no PoP here").when("on the network, for Security 1", |run| run.is_on_network() && run.error.scheme == Some(SecurityScheme::Sec1)),
            FIVE_TRIES,
            SEC2_COMPAT,
        ];
    WrongScheme "wrong-scheme" [Device]
        "The device does not answer the handshake of this security scheme."
        "It uses another scheme, accepts no handshake now, or was locked by wrong tries, which looks the same."
        [
            plain("omit `--sec-ver` (or the label's security) to use the scheme that the device announces").when("", |run| run.has_scheme),
            retry("restart the device and {}: a device that was locked by wrong tries behaves the same"),
        ];
    WrongState "wrong-state" [Device]
        "The device cannot do this now."
        "A device joins one network at a time, resets only after it failed to join, and reopens provisioning only after it joined. It answers every other request with InternalError."
        [
            plain("reset or restart the device: it already holds credentials").when("if it does not apply credentials", |run| run.is_during(FlowStep::ApplyingWifi)),
            plain("restart the device instead: it accepts a reset only after it failed to join").when("for `device reset`", |run| run.is_during(FlowStep::Resetting)),
            plain("wait until the device has joined: only then it reopens provisioning, if its firmware keeps the service running").when("for `device reprovision`", |run| run.is_during(FlowStep::Reopening)),
            retry("wait a second and {}, or restart the device").when("otherwise", |run| ![FlowStep::ApplyingWifi, FlowStep::Resetting, FlowStep::Reopening].iter().any(|step| run.is_during(*step))),
        ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Context;
    use crate::transport::medium_named;

    #[test]
    fn table_is_sorted_and_complete() {
        assert!(ErrorId::ALL.is_sorted_by(|a, b| a.as_str() < b.as_str()));
        for id in ErrorId::ALL {
            let entry = id.entry();
            assert_eq!(entry.exits[0], id.exit());
            for text in [entry.title, entry.why] {
                assert!(text.len() > 15 && text.ends_with('.'), "{id}: {text:?}");
            }
            // `WrongPop` is `wrong-pop`, so that each is found by the other.
            let spelt = id.as_str().replace('-', "");
            assert_eq!(format!("{id:?}").to_lowercase(), spelt);
        }
    }

    #[test]
    fn remedies_read_as_sentences_and_as_hints() {
        for id in ErrorId::ALL {
            for sentence in id.entry().describe_remedies() {
                let text = sentence.trim_end_matches('.');
                assert_eq!(sentence.len(), text.len() + 1, "{id}: {sentence}");
                assert!(!text.contains("{}"), "{id}: {sentence}");
                assert!(
                    !text.starts_with(|c: char| c.is_lowercase()),
                    "{id}: {sentence}"
                );
            }
        }
    }

    #[test]
    fn a_run_shows_few_hints() {
        let media = ["ble", "console", "on-network", "softap"].map(medium_named);
        for medium in media.into_iter().map(Some).chain([None]) {
            let context = Context {
                medium,
                ..Context::default()
            };
            for id in ErrorId::ALL {
                let hints = id.entry().hints(&context);
                assert!(hints.len() <= 4, "{id} over {medium:?}: {hints:?}");
            }
        }
    }
}
