//! The table of errors, sorted by id: exit codes, title, why it happens, and what to do. Every hint
//! of the program is here or in `remedies`, except hints that consist of one run's data.

use super::context::{Context, ErrorCase};
use super::exit::Exit;
use super::id::{ErrorEntry, errors};
#[allow(
    clippy::wildcard_imports,
    reason = "the table names nearly all of them"
)]
use super::remedies::*;
use super::remedy::{explained, hint};
use crate::flows::{CredentialState, FlowStep};
use crate::security::SecurityScheme;

errors! {
    AccountFiles [Host] "A file of the account cannot be read, written or parsed."
        "The files are in `~/.espressif/rainmaker`, or in `$RM_USER_CONFIG_DIR`, and esp-rainmaker-cli shares them. The permissions forbid access, the disk is full, or a file was edited by hand. espctl does not change a file that it cannot parse. The message names the file."
        explained(CORRECT_FILE), explained(END_LOCK_HOLDER), explained(CHECK_PERMISSIONS), explained(SET_CONFIG_DIR);
    AmbiguousDevice [Usage] "Several devices match, and the run cannot ask which one to use."
        "Without a terminal, espctl uses the only device in reach, or the one that is named. Nothing was sent."
        hint("select one by its whole name, or by its address if names are equal, such as `--device-name NAME`").over(BLE),
        hint("select the board's port, such as `--port NAME`").over(SERIAL),
        hint("select one by its instance name or node id, such as `--device-name NAME`").over(NETWORK),
        explained("run `espctl discover` to list the devices");
    AnnouncedNoPop [Device] "The device announces that it needs no proof of possession (PoP), although one was given."
        "Without a PoP, any device at this address can pose as yours. An attacker between this computer and the device could announce this to receive the Wi-Fi passphrase. Firmware built without a PoP also announces it, even if the label still has one. Nothing was sent."
        hint(CHECK_DEVICE),
        hint("if you know that the firmware needs no PoP, omit it; `--pop ''` overrides the one of a QR code");
    AnnouncedNoSecurity [Device] "The device announces that it does not encrypt, although a secret was given."
        "Security 0 sends the Wi-Fi passphrase unencrypted. An attacker between this computer and the device could announce it to read the passphrase; firmware built without security also announces it. Nothing was sent."
        hint(CHECK_DEVICE),
        hint("if you know that the firmware uses Security 0, pass `--sec-ver 0`");
    BadCaCert [Usage] "The file of `--ca-cert` has no usable certificate."
        "The file is not PEM text with `BEGIN CERTIFICATE`, or the certificate is damaged."
        hint("pass the certificate of the authority that signed the cloud's certificate, as PEM: `--ca-cert FILE`"),
        hint("convert a DER file with `openssl x509 -inform der -in FILE -out FILE.pem`");
    BluetoothBlocked [Host] "Bluetooth is blocked on this computer."
        "A switch on the case, flight mode or `rfkill` keeps it off, and programs cannot switch it on."
        hint("run `sudo rfkill unblock bluetooth`, or look for a switch or flight mode").on(LINUX),
        hint("look for a switch or flight mode").on(NOT_LINUX),
        explained("run `rfkill list` to see what blocks it").on(LINUX);
    BluetoothDenied [Host] "This user has no permission to use Bluetooth."
        "On Linux, the rules of the system bus for `org.bluez` forbid it, as in some containers and for users outside the group `bluetooth`. On macOS, the terminal program lacks the permission. On Windows, desktop apps lack it."
        hint("run `sudo usermod -aG bluetooth $USER` and log in again").on(LINUX),
        hint("allow Bluetooth for your terminal program: System Settings, Privacy & Security, Bluetooth").on(MACOS),
        hint("allow Bluetooth for desktop apps: Settings, Privacy & security, Radios").on(WINDOWS);
    BluetoothFailed [Host] "This computer's Bluetooth failed."
        "The system refused to search or to connect; the causes have its reason. The Bluetooth service sometimes fails after a suspend, or after a USB adapter was unplugged."
        hint("run `sudo systemctl restart bluetooth`").on(LINUX),
        hint("switch Bluetooth off and on in the system's settings").on(NOT_LINUX);
    BluetoothOff [Host] "Bluetooth is switched off, and espctl could not switch it on."
        "A search switches an adapter on. The system did not allow it, or something switched it off again."
        hint("run `bluetoothctl power on`").on(LINUX),
        hint("switch Bluetooth on in the system's settings").on(NOT_LINUX);
    CannotAnnounce [Host] "espctl could not announce an emulated device by mDNS."
        "The network interface does not exist, the device listens on an address that the interface does not have, or a name is too long."
        explained(LISTEN_ON_INTERFACE), explained(OTHER_INTERFACE), explained(SHORTER_NAME), explained(NO_ANNOUNCE);
    CannotListen [Host] "espctl could not open a port of this computer."
        "Another program uses the port, the port needs permission (below 1024), or the address is not one of this computer's. A login by browser uses any free port of 127.0.0.1."
        explained(FREE_PORT),
        explained(HIGH_PORT),
        explained("pass an address of this computer with `--listen`"),
        explained(WITHOUT_BROWSER);
    ChallengeDisabled [Device] "Challenge-response is disabled on the device."
        "It was disabled after an earlier mapping, and stays disabled until the device restarts."
        hint(LIST_NODES), hint("if it is not, restart the device and run the command again");
    ChallengeExpired [Cloud] "The challenge expired before espctl could reach the account."
        "A challenge is valid for a few minutes. A computer whose only radio is on the device's hotspot can send the signature only after it left the hotspot."
        hint("connect this computer to the internet as soon as the device is done"),
        explained(LIST_NODES),
        explained(FACTORY_RESET);
    ChallengeRefused [Device] "The device did not sign the challenge."
        "A node signs with the key that it got when it was claimed. A node that was never claimed, or whose key is damaged, closes the connection instead."
        hint("claim the device if it was never claimed, as its firmware documents: it has no key to sign with then"),
        explained("read the device's log for the reason");
    ClaimRequired [Device] "The device must be claimed first."
        "The device has no certificate, so it cannot reach the cloud. With Wi-Fi credentials it would have to be reset before claiming. Nothing was sent."
        hint("claim the device with the RainMaker phone app over Bluetooth, or flash a certificate with `rainmaker.py claim`");
    CloudAnswer [Cloud] "The answer is not one of a RainMaker cloud."
        "The login page of a hotspot, a proxy or another server answered."
        hint("open the cloud's address in a browser to see what answers: a proxy or a login page may be in between"),
        hint("check the base URL of the profile: `espctl profile list`"),
        explained(LIST_NODES);
    CloudRefused [Cloud] "The cloud rejected the request."
        "The message has the cloud's reason and its code. An HTTP status of 500 or more is a problem of the cloud itself."
        hint("wait a minute and run the command again: the cloud is busy").when("for status 429", |run| run.error.cloud_status == Some(429)),
        hint("wait, and run the command again later: the cloud has a problem of its own").when("for status 500 and above", |run| run.error.cloud_status >= Some(500)),
        hint("check the base URL with `espctl profile list`: this may not be a RainMaker cloud").when("for status 404", |run| run.error.cloud_status == Some(404)),
        hint("correct what the cloud names as the reason, if it names one: the same request fails again").when("for any other status", |run| run.error.cloud_status.is_some_and(|status| status < 500 && status != 429 && status != 404)),
        explained(LIST_NODES);
    CloudTimedOut [Cloud] "The cloud did not answer in time."
        "The connection or the cloud is slow."
        hint("check the internet connection and run the command again"),
        hint("allow each request more time with `--cloud-timeout`"),
        explained(LIST_NODES);
    CloudUnreachable [Cloud] "espctl cannot connect to the cloud."
        "This computer has no internet connection, for example because it is on a device's hotspot; or a firewall, a proxy or a certificate prevents the connection. The causes name the reason."
        hint("check the internet connection: a computer on a device's hotspot often has none"),
        explained("if the cloud has its own certificate authority, pass `--ca-cert FILE`"),
        explained(LIST_NODES);
    ConfirmationNeeded [Usage] "A step that cannot be undone was not confirmed."
        "Removing a node from the account is final. On a terminal, espctl asks; without one, or with `--no-input`, it does not. Nothing was removed."
        hint("pass `--yes` to confirm");
    ConflictingFlags [Usage] "Two arguments exclude each other."
        "Both have the same purpose, or one makes the other impossible. A flag and a variable never conflict: the flag wins. `--device-ip`, `--device-host` and `--device-port` are for networks, and exclude `--transport ble` and `console`."
        explained("omit one of the two arguments that the message names"),
        explained("over Bluetooth, pass the name or the address that `espctl discover --transport ble` shows with `--device-name`"),
        explained(PORT),
        explained("pass a TCP port with `--device-port`; `--port` is for `--transport console`");
    DeviceNotAuthentic [Device] "The device could not prove that it knows the secret."
        "It took part in the handshake, but its own proof is wrong. A device that knows the secret sends a correct proof; a device that poses as it does not."
        hint(CHECK_DEVICE),
        explained("do not send credentials to it");
    Disconnected [Device] "The connection broke during a request."
        "The signal was lost, the device restarted (power, watchdog), this computer changed its network, or a cable was unplugged."
        hint("move closer to the device, check its power supply, and run the command again").over(NOT_SERIAL),
        hint("check the cable, the hub and the board's power supply, and run the command again").over(SERIAL),
        PAIR,
        FORGET_LINUX.when("if the first request fails", |run| run.is_during(FlowStep::ReadingVersion)),
        explained("read the device's log if the connection breaks at the same step each time: the firmware may crash");
    EmulatedCloudUnreachable [Host] "espctl could not register the emulated device with its emulated cloud."
        "Nothing answers at the URL of `--cloud`, or what answers is not an emulated cloud. The device was not started, because its cloud would not know it."
        hint("start `espctl emulate cloud` first, and pass the `url` of its first line with `--cloud`");
    EnterpriseNetwork [Wifi] "The network requires a user identity, which provisioning cannot send."
        "WPA2/WPA3-Enterprise networks ask for a user name or a certificate. The protocol has fields for a name and a passphrase only."
        hint("choose a network with a passphrase, or an open one; many sites have one for devices");
    Expired [NoDevice, Device, Cloud, Wifi, Unconfirmed] "The time limit of `--timeout` was reached."
        "The limit is for the whole run. The exit code is that of the step that was cut short: 4 while searching for the device, 6 while talking to it, 7 while waiting for the account, 9 after the device started to join, 10 if contact was lost then."
        hint("allow the whole run more time with `--timeout`; `--join-timeout` limits joining alone"),
        explained("find out why the step that the error names is slow: each step also has its own limit, whose error names the cause"),
        explained(LIST_NODES);
    Fault [Fault] "An internal error of espctl."
        "espctl has a bug, or this computer refuses a basic operation."
        hint("run the command again with `--support-bundle FILE` and report it with that file; it has no secrets, but names and addresses, so read it first");
    GarbledAnswer [Device] "Other output of the board broke an answer on the serial line."
        "A console prints an answer digit by digit, and a log line of another task came in between. espctl cannot tell which part is missing, and the session ends."
        hint(RUN_AGAIN),
        hint("lower the log level of the firmware, or move its log to another port");
    HandshakeBroken [Device] "The device answered the handshake with something that the scheme does not allow."
        "Another kind of server answers at this address, the firmware's protocomm differs from ESP-IDF's, or bytes were changed on the way."
        hint("check with `espctl device info DEVICE` that this is the device you mean"),
        explained("try the scheme that the firmware was built with: `--sec-ver`");
    HostNotReady [Host] "`doctor --require` found a problem on this computer."
        "The report has a finding for each problem: what was found, and how to fix it. Without `--require`, the report itself is the success."
        hint("fix each problem as its finding suggests"),
        hint("check only what one transport needs with `--transport`"),
        explained("skip the account with `--no-cloud`");
    HungUp [Device] "The device closed the connection instead of answering."
        "This is how protocomm rejects a request. Usual reasons: another client uses the only connection, the session was replaced, provisioning has ended, or the application's endpoint handler returned an error."
        hint(CLOSE_APPS).over(NOT_SERIAL),
        hint("read the board's log with a monitor such as `idf.py monitor`").over(SERIAL),
        hint("restart the device and run the command again: it may have closed provisioning");
    InsecureCloud [Usage] "The cloud is reached over plain HTTP, which would send the login unencrypted."
        "The base URL of the profile begins with `http://`, and its host is not this computer."
        hint("use a base URL that begins with `https://`"),
        hint("on a network of your own, pass `--allow-plain-http` to send the login unencrypted");
    Interrupted [Interrupted] "The run was stopped by Ctrl-C or SIGTERM."
        "espctl asks a device that already has credentials to forget them. Firmware rejects this while it joins, and keeps the credentials."
        hint("wait until the device has joined or failed before the next run, or restart it").when("if the device was joining", |run| run.error.credentials == Some(CredentialState::Applied)),
        explained(RUN_AGAIN),
        explained("restart the device if it rejects new credentials"),
        explained(LIST_NODES);
    InvalidData [Usage] "The data to send is invalid."
        "It is empty, which devices do not accept, or the value of `--hex` is not pairs of hexadecimal digits."
        hint(SEND_DATA);
    InvalidMetadata [Usage] "The text of `--metadata` is not a JSON object."
        "The metadata of a node are named members. The message says where the text is wrong. Nothing was sent."
        hint("pass a JSON object in single quotes, such as `--metadata '{\"room\": \"office\"}'`");
    InvalidPassphrase [Usage] "No Wi-Fi network can have this passphrase."
        "WPA passphrases have 8 to 63 bytes, WEP keys 5 or 13. An empty passphrase is more often an unset variable than an open network."
        explained("check the value and its quoting"),
        explained(OPEN);
    InvalidProfile [Usage] "The profile is invalid."
        "A name has 1 to 50 letters, digits and `_-.#`, and no other profile has it. `global` and `china` are built in. A base URL begins with `https://` and names a host."
        explained(REMOVE_PROFILE),
        explained(BASE_URL),
        explained("run `espctl profile list` to list the profiles");
    InvalidQrcode [Usage] "espctl cannot read the QR payload."
        "A payload is JSON, `NP:…`, or a URL that has one of them as its `data`. The message has line and column of the error. A shell changes an unquoted payload."
        explained(QUOTE_PAYLOAD),
        explained("read the payload from a file, text or picture, with `--qrcode @FILE`"),
        explained(FLAGS_INSTEAD),
        explained(ONE_PAYLOAD),
        explained(CUT_OUT),
        explained(OWN_CODE),
        explained("run `espctl qr decode` to see how espctl reads a payload");
    InvalidSsid [Usage] "No Wi-Fi network can have this name."
        "A name has 1 to 32 bytes; a letter with an accent has more than one. `--ssid-hex` takes pairs of hexadecimal digits."
        explained("check the value"),
        explained(LIST_NETWORKS);
    InvalidTags [Usage] "A tag of `--tags` is not `key:value`."
        "The cloud accepts only tags with a colon between key and value. Nothing was sent."
        hint("separate tags by commas, as in `--tags location:mumbai,env:production`");
    InvalidUsername [Usage] "A Security 2 user name is empty or too long."
        "The handshake has no room for it."
        hint("pass the user name that the firmware was built with, or omit `--sec2-username` to use the default");
    JoinTimedOut [Wifi] "The device was still trying to join when the time limit was reached."
        "Firmware without a limit of attempts keeps trying and never reports why it fails. The device may keep the credentials and keep trying."
        hint("check the passphrase and the access point; likely causes: 5 GHz only, WPA3 or protected management frames, a MAC filter, no DHCP"),
        hint("allow the device more time with `--join-timeout`"),
        explained("run `espctl device reset DEVICE` to make the device wait for other credentials, if its firmware accepts that");
    LoginExpired [Login] "The login has expired and could not be renewed."
        "Logins expire after weeks without use, after a change of the password, or after a logout elsewhere. A token of `ESPCTL_ACCESS_TOKEN` expires within an hour."
        hint("set `ESPCTL_ACCESS_TOKEN` to a new token of this cloud, or unset it").when("if `ESPCTL_ACCESS_TOKEN` is set", |run| run.environment.has_access_token),
        hint("run `espctl login`, with the same `--profile`").when("otherwise", |run| !run.environment.has_access_token);
    LoginLacksUser [Login] "The device needs the user's id, but the login does not contain it."
        "Older firmware maps by user id, which is in the ID token. `ESPCTL_ACCESS_TOKEN` alone does not have it. Nothing was sent."
        hint("run `espctl login`, or set `ESPCTL_ID_TOKEN` besides `ESPCTL_ACCESS_TOKEN`");
    LoginNotKept [Host] "The new login could not be stored."
        "espctl cannot write to the folder of the account files, or its disk is full."
        explained(CHECK_PERMISSIONS),
        explained("then run `espctl login` again");
    LoginRefused [Login] "The cloud rejected the login."
        "User name, password or one-time code are wrong, the account is not confirmed, or it belongs to another cloud."
        hint("check what you entered, and that `--profile` names the cloud of the account");
    LoginRequired [Login] "This command needs an account, and there is no login."
        "Unless `--no-cloud` is given, a run also maps the device to the account of the login. Nothing was sent."
        hint("log in with `espctl login ACCOUNT`"),
        hint("in CI, set `ESPCTL_ACCESS_TOKEN` to an access token of this cloud"),
        explained(NO_CLOUD);
    LoginTimedOut [Login] "The login in the browser was not completed in time."
        "The page was not opened or not filled in, or it could not reach the port on this computer. The browser of another computer can never reach it."
        hint("use a browser on this computer, and allow more time with `--browser-timeout`"),
        hint(WITHOUT_BROWSER);
    MappingDiscarded [Cloud] "The cloud discarded the mapping."
        "Another request for the same node replaced it."
        hint("make sure that no one else maps this device at the same time"),
        explained(FACTORY_RESET);
    MappingPending [Cloud] "The cloud did not confirm the mapping in time."
        "The cloud still waits for the device's half of the mapping, or is busy."
        hint(LIST_NODES), explained(FACTORY_RESET);
    MappingTimedOut [Cloud] "The device's half of the mapping did not reach the cloud in time."
        "The device has joined the Wi-Fi, but cannot reach the internet, or its clock or certificate is wrong; or a second run gave it another secret."
        hint("check that the device's network has internet access, and that port 8883 (MQTT over TLS) is open"),
        explained("read the device's log"),
        explained(FACTORY_RESET);
    MatterCode [Usage] "This QR code is for Matter, not for ESP provisioning."
        "Codes that begin with `MT:` are for Matter commissioning, which is another protocol with other secrets. Nothing was sent."
        hint("commission the device with an app or a hub for Matter"),
        hint("if the firmware also offers ESP provisioning, use its second code: JSON, in its log or on its packaging");
    MessageNotAuthentic [Device] "A message was changed on its way, or the two sides are out of step."
        "Security 2 authenticates each message. A lost or repeated message puts the counters out of step; an attacker in between looks the same."
        hint(RUN_AGAIN),
        explained("if it happens each time, try another computer or network, and read the device's log");
    MessageTooLong [Device] "A message is too long for the device's Bluetooth, or for a line of its console."
        "Over Bluetooth, firmware accepts 257 bytes if it is built without Security 2 on Bluedroid, 481 with it, and 512 on NimBLE; a signed challenge may be longer than 257. A line of a console has 254 characters, about 115 bytes, which is too short for Security 2."
        hint("send less: a line of the console has 254 characters, about 115 bytes").over(SERIAL).when("for `device call`", |run| run.is_during(FlowStep::Calling)),
        hint("use another transport with `--transport`"),
        hint("build the firmware with Security 1").when("over a serial line, for the handshake", |run| run.has_no_room_for_sec2() && run.is_during(FlowStep::Securing)),
        hint("build the firmware with Security 2 or NimBLE, which accept longer messages").over(BLE);
    MissingData [Usage] "`device call` has no data to send."
        "Devices do not accept an empty request, so there is no default."
        hint(SEND_DATA);
    MissingLogin [Usage] "The login needs a value that was not given."
        "It needs a user name, a password, or the one-time code that the cloud has sent. Without a terminal, espctl does not ask, and opens no browser."
        explained(USER_NAME), explained(PASSWORD), explained(OTP), explained(CODE), explained(NO_BROWSER);
    MissingPassphrase [Usage] "The network needs a passphrase, and none was given."
        "The device sees the network as protected, or does not see it. Without a terminal, espctl does not ask."
        hint("pass `--passphrase` or `--passphrase-file`, or set `ESPCTL_PASSPHRASE`"),
        hint(OPEN);
    MissingPop [Usage] "The device needs a proof of possession (PoP) or a password, and none was given."
        "Its version document says so, or does not say that it needs none. Without a terminal, espctl does not ask."
        hint("pass `--pop` or `--pop-file`, or set `ESPCTL_POP`: the PoP is printed on the device or in its QR code").when("", Context::is_unprovisioned),
        hint("pass `--pop` or `--pop-file`, or set `ESPCTL_POP`: the PoP of a device on a network differs from the one on its label, and the app shows it to the owner").when("on the network", Context::is_on_network),
        hint("if the firmware has a user name and password of its own, pass `--sec2-password` or `--sec2-password-file`, or set `ESPCTL_SEC2_PASSWORD`").when("", |run| run.error.scheme == Some(SecurityScheme::Sec2));
    MissingSsid [Usage] "No network was given for the device to join."
        "Without a terminal, espctl does not ask."
        hint("pass `--ssid` or `--ssid-hex`, or set `ESPCTL_SSID`"),
        hint(LIST_NETWORKS);
    NoBluetoothAdapter [Host] "This computer has no Bluetooth adapter, or not the one of `--adapter`."
        "The hardware or its driver is missing, or a virtual machine or a container does not see it."
        hint("omit `--adapter` to use the first adapter that is switched on").when("", |run| run.error.case == Some(ErrorCase::NoSuchAdapter)),
        hint("run `ls /sys/class/bluetooth` to list the adapters; `lsusb` and `dmesg` show why there is none").on(LINUX).when("", |run| run.error.case.is_none()),
        hint("look for the adapter in System Settings, General, About, System Report, Bluetooth").on(MACOS).when("", |run| run.error.case.is_none()),
        hint("look for the adapter, or for a missing driver, in the Device Manager under Bluetooth").on(WINDOWS).when("", |run| run.error.case.is_none()),
        hint("pass `--transport softap`, which needs Wi-Fi only").when("", |run| run.error.case.is_none()),
        explained("plug an adapter in, or pass it through to the virtual machine"),
        explained("to try things out without an adapter, run `espctl emulate device --transport ble`");
    NoBluetoothService [Host] "The system's Bluetooth service is not available."
        "On Linux, programs use Bluetooth through BlueZ (`bluetoothd`) on the system's D-Bus. One of the two does not run, this is a container without them, or `DBUS_SYSTEM_BUS_ADDRESS` leads to an emulator that has ended."
        hint("unset `DBUS_SYSTEM_BUS_ADDRESS`, or start the emulator again: no Bluetooth service answers at this address").when("if `DBUS_SYSTEM_BUS_ADDRESS` is set", |run| run.environment.has_bus_address),
        hint("run `sudo systemctl start dbus`; in a container, mount `/run/dbus/system_bus_socket` of the host").when("if there is no system bus", |run| run.error.case == Some(ErrorCase::NoBus) && !run.environment.has_bus_address),
        hint("run `sudo systemctl enable --now bluetooth`; the package is `bluez`").when("if BlueZ does not run", |run| run.error.case.is_none());
    NoCodeInLog [NoDevice] "No QR payload came from the serial port."
        "Firmware prints the code once, when it starts to wait for provisioning. A provisioned device does not print it, nor one whose log is off or on another port."
        hint("restart the board while the command waits"),
        hint("set the speed of the board's log with `--baud` if it is not 115200"),
        explained("run `idf.py monitor` to see whether the log has a line with `{\"ver\":…}` or a URL with `data=`");
    NoConsole [NoDevice] "No protocomm console answers at the serial port."
        "The port belongs to something else, the board is silent or not started, its firmware provisions over another transport, or the line has another speed."
        hint("check that this is the board's port, restart the board, and run the command again: a provisioned board no longer has this console"),
        hint("set the speed of the console with `--baud` if it is not 115200").when("", |run| !run.has_baud),
        hint("check the speed of the console: `--baud` may be wrong").when("", |run| run.has_baud),
        explained("look at the board's output with `idf.py monitor`: a console that provisions shows `>> `, and silence can be RX and TX swapped");
    NoDevice [NoDevice] "No device was found."
        "The device is off, out of reach, not in provisioning mode, or already provisioned; or this computer is not on its network. Over Bluetooth, an app may be connected to it, it may have another name, or `--customer-id` or `--service-uuid` exclude it."
        hint("power the device within a few meters, and make it wait for provisioning: a device that already has Wi-Fi does not advertise until it is reset").over(BLE),
        hint(CLOSE_APPS).over(BLE),
        hint("run `espctl discover --transport ble --all` to list everything that advertises: the device may have another name").over(BLE),
        hint("move closer, or search longer with `--discovery-timeout SECONDS`").over(BLE),
        hint("check that the device is powered, on the same network as this computer, and has challenge-response enabled").over(NETWORK),
        JOIN_HOTSPOT,
        GIVE_ADDRESS,
        CHECK_ADDRESS;
    NoLoginPage [Usage] "The cloud of this profile has no login page for a browser."
        "Only the built-in profiles have one, and profiles whose entry in profiles.json has `login_url`, `token_url`, `client_id` and `redirect_url`."
        hint("log in with `--user-name` and a password"),
        explained(LOGIN_URL);
    NoMapping [Device] "The device's firmware cannot be mapped to an account."
        "It has neither `ch_resp` nor `cloud_user_assoc`: it is plain ESP-IDF firmware without RainMaker. Nothing was changed."
        hint(NO_CLOUD);
    NoQrCode [Usage] "espctl found no readable QR code in the picture."
        "The code is blurred, cut off, too small, skewed or dark, or of another kind. espctl tried several sizes, inverted, sharpened and blurred."
        hint("cut the code out with some white around it, or take the picture again: straight, sharp, without glare"),
        explained("pass the text of the code, as a scanner app shows it, with `--qrcode`");
    NoSerialPort [Host] "The serial port cannot be used, or there is none."
        "No board is plugged in under this name, its driver is missing, or it was unplugged."
        hint("plug the board in with a cable that carries data; `dmesg` or the device manager shows whether the system sees it").when("if no port was given", |run| run.address.is_none()),
        hint("run `espctl discover --transport console` to list the ports").when("if a port was given", |run| run.address.is_some());
    NoSuchEndpoint [Device] "The device does not have the requested endpoint."
        "Each firmware registers its own endpoints. `prov-ctrl` (reset, reprovision) exists since ESP-IDF 5.1; `prov-scan` is absent if the device cannot scan; applications add others."
        hint("restart the device instead: firmware before ESP-IDF 5.1 has no such command").when("for `device reset` and `device reprovision`", |run| run.is_during(FlowStep::Resetting) || run.is_during(FlowStep::Reopening)),
        hint("run `espctl device info DEVICE` to see what the firmware offers").when("otherwise", |run| !run.is_during(FlowStep::Resetting) && !run.is_during(FlowStep::Reopening));
    NoWifiNeedsChallenge [Device] "Mapping without Wi-Fi needs firmware with challenge-response."
        "Older firmware confirms the mapping itself, once it is online. Nothing was changed."
        hint("omit `--no-wifi` and pass `--ssid`");
    NotADevice [Device] "What answered is not a device that waits for provisioning."
        "A router, a printer or a login page has this address, or a proxy is in between. Over Bluetooth, the peripheral does not offer provisioning, or no longer offers it."
        hint("check that this computer is on the device's network: something that is not an ESP device may answer at this address").over(HTTP),
        hint("check that this is the board's port").over(SERIAL),
        hint("check that this is the device you mean: a provisioned device no longer offers provisioning until it is reset").over(BLE),
        FORGET_LINUX,
        FORGET_OTHER;
    NotPaired [Host] "The device requires pairing, and this computer could not pair with it."
        "Its firmware requires an encrypted link. Linux and macOS pair when the device asks for it. That fails if only one side has kept an old pairing, or if the device asks for a code. Windows pairs in its settings."
        FORGET_LINUX,
        FORGET_OTHER.on(MACOS),
        hint("remove the device in the Bluetooth settings, pair with it there, and run the command again").on(WINDOWS);
    NotRecorded [Host] "A step that cannot be taken back could not be recorded, so espctl did not take it."
        "A batch records what it is about to do with a device before it does it. The disk is full, or the file cannot be written."
        hint("check that the disk is not full and that you may write to the file that the causes name"), hint(RUN_AGAIN);
    NotText [Device] "The serial port sends something that is not text."
        "The line has another speed than it was opened with, or a device that is not a console is plugged in."
        hint("set the speed of the board's console with `--baud`: 115200 is usual, 74880 and 921600 also occur");
    OtherConsole [Device] "The console at the serial port is not protocomm's."
        "The firmware runs commands of its application there, or another prompt such as MicroPython's."
        hint("provision the device over another transport with `--transport`"),
        explained("build the firmware with the console scheme");
    OtherNode [Device] "The device announced one node id and signed as another."
        "Another device has the address of an old announcement, or someone announces a device of theirs. Nothing was mapped."
        hint("search again with `espctl discover --transport on-network`"),
        hint("if you know the device by its address, pass it with `--device-ip`, which needs no announcement");
    OutputLost [Fault] "The run ended, and its result could not be written."
        "Standard output does not accept it: the disk is full, or the file system is gone."
        explained("free some space, and check the device before you run the command again: it may be provisioned");
    PermissionDenied [Host] "This computer does not allow the connection."
        "A firewall, a sandbox (snap, flatpak, container) or the local-network permission of the system forbids it. A serial port belongs to a group, such as `dialout` or `uucp`, that this user is not in."
        hint("allow espctl, or the terminal that runs it, to reach the local network; a firewall or a sandbox may forbid it").over(NOT_SERIAL),
        hint("run `sudo usermod -aG dialout $USER` and log in again; on Arch the group is `uucp`").over(SERIAL).on(LINUX),
        hint("run `ls -l PORT` to see the group of the port").over(SERIAL).on(LINUX),
        hint("close other programs that have the port open, and check what the system allows").over(SERIAL).on(NOT_LINUX);
    PortInUse [Host] "Another program uses the serial port."
        "A monitor such as `idf.py monitor`, `screen` or `minicom`, or another run of espctl, has it open. A port serves one program at a time."
        hint("close the monitor (`idf.py monitor`, `screen`, `minicom`) or the other run of espctl"),
        hint("run `lsof PORT` to see which program has the port").on(UNIX).when("", |run| run.address.is_some());
    Refused [Device] "The device understood the command and rejected it."
        "Its status in the message says why: an argument that it does not accept, or a command that its application forbids."
        hint("read the device's log for the reason");
    Restarted [Device] "The board restarted during a request."
        "It crashed, its power supply is too weak, or someone pressed its button. The session ends with it."
        hint("read the board's log for the reason, such as a crash or a weak power supply"),
        hint("check with `espctl device info DEVICE` whether it answers again");
    ScanUnfinished [Device] "The device did not finish its Wi-Fi scan in time."
        "Some firmware never finishes a scan while it is busy with its own access point, or while an earlier attempt to join continues."
        hint("name the network with `--ssid` and `--passphrase`, which needs no scan"),
        hint("if that also fails, restart the device and run the command again");
    SessionExhausted [Device] "The session has carried as many messages as it can."
        "Security 2 counts messages, and the counter must not start again."
        hint("run the command again: it opens a new session");
    SessionLost [Device] "An earlier error ended the secure session."
        "After a lost or unreadable answer, the keys of the two sides are out of step. The error before this one is the cause."
        hint("run the command again: it opens a new session");
    Silent [NoDevice] "Something accepts connections at the address but does not answer."
        "The device hangs or serves another client, or another kind of server has this address. On a serial line, another program that reads the same port takes the answers away."
        hint("check the address: something accepts connections there but may not be the device").over(HTTP),
        hint("close other programs that read the same port, such as a monitor").over(SERIAL),
        hint(RESTART_DEVICE),
        PAIR,
        FORGET_LINUX,
        FORGET_OTHER;
    StdinTwice [Usage] "Two inputs cannot both be read from standard input."
        "`-` means standard input, which can be read once."
        hint("put one of the two into a file or a variable");
    ThreadOnly [Device] "The device accepts Thread credentials, but no Wi-Fi credentials."
        "Its version document lists `thread_prov` and not `wifi_prov`: it has a Thread radio."
        hint(THREAD);
    TimedOut [Device] "The device stopped answering during the run."
        "It hangs, has restarted, or is out of reach. During a handshake a slow chip computes for seconds; the limit allows for that."
        hint(RESTART_DEVICE);
    TransportUnavailable [Host] "This computer lacks something that the transport needs."
        "For devices on the network, mDNS could not be started: a sandbox, no network interface, or no permission. For serial ports, the system does not list them. The causes say more."
        hint("pass the device's address with `--device-ip`, which needs no discovery").over(NETWORK),
        explained(PORT).over(SERIAL);
    Unconfirmed [Unconfirmed] "The device received credentials, but did not confirm that it joined."
        "Contact was lost after Apply, or the answers could not be read. The hotspot of a device disappears when it has joined, and over Bluetooth it stops advertising, so this may well be a success."
        hint("look for the device on the network before you try again: it has probably joined"),
        hint("check whether the device still advertises: it stops when provisioning succeeded").over(BLE),
        hint("check whether the device's hotspot is back: it disappears when provisioning succeeded").over(HOTSPOT),
        hint("read the device's log on the serial port to see whether it joined").over(SERIAL);
    UnexpectedReply [Device] "The device's answer does not fit the command."
        "Its firmware speaks another version of the protocol, or two clients talk to it at once."
        hint(UPDATE_FIRMWARE),
        explained("make sure that no other client talks to the device");
    UnknownGroup [Usage] "The account has no group of this name or id, or several of this name."
        "espctl looks up the group before it contacts the device. Nothing was sent."
        explained("pass the id of one of the groups that the message lists with `--group`");
    UnknownId [Usage] "`explain` does not know this id."
        "The id is misspelled, or belongs to a newer version."
        hint("run `espctl explain` to list all ids");
    UnknownInterface [Host] "This computer has no network interface of this name."
        "Names differ between systems, and an unplugged interface may not be listed."
        hint("omit `--interface` to search on all interfaces");
    UnknownNode [Usage] "The account has no such node."
        "The id is misspelled, the node belongs to someone else, or the login is for another cloud."
        hint("run `espctl node list` to list the nodes of the account"),
        explained("select another account with `--profile`");
    UnknownProfile [Usage] "There is no profile of this name."
        "It is misspelled or was removed, or the file that names the current profile was edited."
        hint("select a profile with `--profile`, `ESPCTL_PROFILE` or `espctl profile switch`"),
        explained("add a profile with `espctl profile add`");
    UnknownScheme [Device] "The device announces a security scheme that espctl does not support."
        "Schemes 0, 1 and 2 exist. The firmware is newer than this program, or its version document is wrong."
        hint("look for a newer espctl, or try `--sec-ver 2`");
    Unreachable [NoDevice] "No device answers at the address."
        "This computer is not on the device's network, the device is off or already provisioned, or five wrong secrets closed its service. Over Bluetooth, the device advertises but does not accept a connection: it is too far away, or serves another client."
        hint("move closer to the device and run the command again").over(BLE),
        hint(CLOSE_APPS).over(BLE),
        FORGET_LINUX,
        FORGET_OTHER,
        JOIN_HOTSPOT,
        hint("check that the device is powered and on the same network as this computer").over(NETWORK).when("", |run| run.address.is_none()),
        GIVE_ADDRESS,
        CHECK_ADDRESS,
        explained(RESTART_DEVICE);
    UnreadableFile [Usage] "A file cannot be read or used."
        "It does not exist, this user has no permission to read it, it is not text, or it is far too long. The causes say which."
        explained("check the path and the permissions"),
        explained(CUT_OUT);
    UnsupportedTransport [Usage] "This program does not support the transport."
        "The QR code asks for a transport that this version does not have."
        hint("select another transport with `--transport`, if the device offers it");
    UnusableSecret [Usage] "A file or a variable does not have a usable secret."
        "It is empty, has several lines, or has control characters. A device would count it as a wrong secret."
        hint("put the secret and nothing else on one line"),
        explained(TOKEN);
    UnwritableFile [Usage] "A file cannot be written."
        "Its folder does not exist, this user has no permission to write to it, or `qr encode` found an existing file. Nothing was sent to a device."
        explained(OTHER_PATH), explained(FORCE), explained(NAMED_DASH);
    Usage [Usage] "The command line is invalid."
        "An argument is unknown, misspelled or missing, or has a value that it cannot have. espctl does not repeat what could be part of a secret."
        explained(SEE_HELP),
        explained(QUOTE_VALUES);
    UserRefused [Device] "The device rejected the user's id and secret."
        "Firmware does this if one of them is empty, or if its memory is full."
        hint("read the device's log, restart the device, and run the command again");
    WifiAuthFailed [Wifi] "The device could not join: the network rejected it."
        "Usually the passphrase is wrong. Firmware with a limit of attempts also reports this for other reasons, such as a weak signal."
        hint("check the passphrase: capitals and spaces count"),
        hint("if the passphrase is certainly right, move the device closer to the access point");
    WifiJoinFailed [Wifi] "The device could not join, and reports no known reason."
        "Its firmware reports no reason, or one that is newer than this program."
        hint("check the network's name and passphrase, and read the device's log");
    WifiNotFound [Wifi] "The device could not join: it does not see the network."
        "The name is misspelled, the network is out of reach, or it is on 5 GHz, which most ESP32 chips do not support."
        hint("check the name, and that the access point offers 2.4 GHz: most devices support no other band"),
        hint(LIST_NETWORKS);
    WrongCredentials [Usage] "The secret does not fit the security scheme."
        "Security 1 takes a PoP, Security 2 a user name and a password."
        hint("pass `--pop` for Security 1, `--sec2-username` and `--sec2-password` for Security 2");
    WrongPassword [Secret] "The device rejected this user name and password."
        "They differ from those that the firmware was built with. espctl tried them once. Two known firmware faults store a right password wrongly."
        hint("check `--sec2-password` and `--sec2-username`: the firmware sets both"),
        FIVE_TRIES,
        SEC2_COMPAT;
    WrongPop [Secret] "The device rejected this proof of possession (PoP)."
        "It differs from the firmware's PoP. espctl tried it once. For a Security 2 device, espctl tried the PoP as the password."
        hint("check `--pop`: the PoP is printed on the device or in its QR code").when("", Context::is_unprovisioned),
        hint("check `--pop`: the PoP of a device on a network differs from the one on its label, and the app shows it to the owner").when("on the network", Context::is_on_network),
        hint("omit `--pop`: by default, firmware has no PoP here").when("on the network, for Security 1", |run| run.is_on_network() && run.error.scheme == Some(SecurityScheme::Sec1)),
        FIVE_TRIES,
        SEC2_COMPAT;
    WrongScheme [Device] "The device does not answer the handshake of this security scheme."
        "It uses another scheme, accepts no handshake now, or was locked by wrong tries, which looks the same."
        hint("omit `--sec-ver` (or the label's security) to use the scheme that the device announces").when("", |run| run.has_scheme),
        hint("restart the device and run the command again: a device that was locked by wrong tries behaves the same");
    WrongState [Device] "The device cannot do this now."
        "A device joins one network at a time, resets only after it failed to join, and reopens provisioning only after it joined. It answers every other request with InternalError."
        hint("reset or restart the device: it already holds credentials").when("if it does not apply credentials", |run| run.is_during(FlowStep::ApplyingWifi)),
        hint("restart the device instead: it accepts a reset only after it failed to join").when("for `device reset`", |run| run.is_during(FlowStep::Resetting)),
        hint("wait until the device has joined: only then it reopens provisioning, if its firmware keeps the service running").when("for `device reprovision`", |run| run.is_during(FlowStep::Reopening)),
        hint("wait a second and run the command again, or restart the device").when("otherwise", |run| ![FlowStep::ApplyingWifi, FlowStep::Resetting, FlowStep::Reopening].iter().any(|step| run.is_during(*step)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Context;
    use crate::transport::medium_named;

    #[test]
    fn table_is_sorted_and_complete() {
        assert!(ErrorId::ALL.is_sorted_by(|a, b| a.into_str() < b.into_str()));
        for id in ErrorId::ALL {
            let entry = id.entry();
            for text in [entry.title, entry.why] {
                assert!(text.len() > 15 && text.ends_with('.'), "{id}: {text:?}");
            }
            // The same in a failure of the JSON result and in a sentence.
            assert_eq!(serde_json::json!(id), id.into_str());
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
