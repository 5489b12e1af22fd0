//! The table of error ids, sorted. What it makes of a line is the file's above it.

use super::{Entry, first};
use crate::cli::exit::Exit;

errors! {
    AccountFiles "account-files" [Host]
        "A file of the account cannot be read, written or understood."
        "It is in `~/.espressif/rainmaker`, or in `$RM_USER_CONFIG_DIR`, which esp-rainmaker-cli shares. Its permissions forbid it, its disk is full, or somebody has edited it. A file that cannot be understood is left as it is."
        "The message names the file. Correct it, or move it away and log in again.";
    AmbiguousDevice "ambiguous-device" [Usage]
        "Several devices fit, and nobody is there to choose."
        "Without a terminal a run takes the only device in reach, or the one that is named. Nothing was sent."
        "Name one with `--device-name`; the hints list them. `espctl discover` does, too. Over Bluetooth several may have one name: give the address instead.";
    AnnouncedNoPop "announced-no-pop" [Device]
        "The device announces that it needs no proof of possession, although one was given."
        "Without a PoP, whoever answers at the address can be the device. Somebody in between could announce this to be sent the Wi-Fi passphrase. It is also what firmware built without a PoP says, when the label still has one. Nothing was sent."
        "If the firmware is known to need no PoP, leave it out (`--pop ''` when a QR code holds one). Otherwise check which device this computer is connected to.";
    AnnouncedNoSecurity "announced-no-security" [Device]
        "The device announces that it speaks without encryption, although a secret was given for it."
        "Security 0 sends the Wi-Fi passphrase in the clear. Somebody in between could announce it to read the passphrase; firmware built without security announces it too. Nothing was sent."
        "If the firmware is known to use Security 0, say so with `--sec-ver 0`. Otherwise check which device this computer is connected to.";
    BadCaCert "bad-ca-cert" [Usage]
        "The file of `--ca-cert` has no certificate that can be used."
        "It is not PEM text with `BEGIN CERTIFICATE`, or the certificate in it is damaged."
        "Give the certificate of the authority that signed the cloud's one, as PEM.";
    BluetoothBlocked "bluetooth-blocked" [Host]
        "Bluetooth is blocked on this computer."
        "A switch on the case, flight mode, or `rfkill` keeps it off, and no program can switch it on."
        "`sudo rfkill unblock bluetooth`, or the switch. `rfkill list` shows which it is.";
    BluetoothDenied "bluetooth-denied" [Host]
        "This user may not use Bluetooth."
        "On Linux the system bus's rules for `org.bluez` forbid it, as in some containers and for users outside the group `bluetooth`; on macOS the terminal program has not been given the permission; on Windows desktop apps have not."
        "On Linux `sudo usermod -aG bluetooth $USER`, and log in again. On macOS: System Settings, Privacy & Security, Bluetooth, and switch on the program in which you run this. On Windows: Settings, Privacy & security, Radios.";
    BluetoothFailed "bluetooth-failed" [Host]
        "This computer's Bluetooth failed."
        "The system refused to search or to listen, for a reason that only it knows; the causes have its words. After a suspend, or with a USB adapter that was pulled, its service is confused now and then."
        "`sudo systemctl restart bluetooth`, or switch Bluetooth off and on; then run the command again.";
    BluetoothOff "bluetooth-off" [Host]
        "Bluetooth is switched off, and could not be switched on."
        "An adapter that is off is switched on by the search. Here the system did not let it happen, or somebody switched it off meanwhile."
        "`bluetoothctl power on`, or the system's settings.";
    CannotAnnounce "cannot-announce" [Host]
        "An emulated device could not be announced by mDNS."
        "There is no network interface of that name, the device listens on an address that the interface does not have, or a name is too long."
        "Name the interface with `--interface` and one of its addresses with `--listen`, or do without mDNS with `--no-announce`.";
    CannotListen "cannot-listen" [Host]
        "A port of this computer could not be opened."
        "The port is in use, needs permission (below 1024), or the address is not one of this computer's."
        "For what is emulated, give another `--port`, or 0 for any free one, and an address of this computer to `--listen`. A login by browser takes any free port of 127.0.0.1.";
    ChallengeDisabled "challenge-disabled" [Device]
        "The device signs no challenges any more."
        "Challenge-response was switched off on it after an earlier mapping, until it restarts."
        "`espctl node list` shows whether it is yours already. If not, restart the device and run the command again.";
    ChallengeExpired "challenge-expired" [Cloud]
        "The account could not be reached before the signature was too old."
        "A challenge lives for some minutes. On a computer whose only radio is on the device's hotspot, the signature can be handed in only after leaving it."
        "`espctl node list` shows whether it is in the account after all. If not, reset the device to its factory settings and run the command again; connect this computer to the internet as soon as the device is done.";
    ChallengeRefused "challenge-refused" [Device]
        "The device did not sign the challenge."
        "A node signs with the key that claiming gave it. One that was never claimed, or whose key is damaged, hangs up instead."
        "Claim the device first, as its firmware's documentation says. Look at its log for the reason.";
    ClaimRequired "claim-required" [Device]
        "The device must be claimed before anything else."
        "It has no certificate yet and so cannot reach the cloud; given Wi-Fi credentials now, it would have to be reset. Nothing was sent."
        "Claim it with the phone app, which does so over Bluetooth, or flash it with a certificate; then run the command again.";
    CloudAnswer "cloud-answer" [Cloud]
        "What answered for the cloud was not what was asked for."
        "A hotspot's login page, a proxy, or another server than a RainMaker cloud."
        "Open the cloud's address in a browser to see who answers. Check the profile's base URL: `espctl profile list`.";
    CloudRefused "cloud-refused" [Cloud]
        "The cloud understood, and said no."
        "The message has its words and its code."
        "Do as they say. An HTTP status of 500 or more is trouble of its own: try again later.";
    CloudTimedOut "cloud-timed-out" [Cloud]
        "The cloud did not answer in time."
        "The connection is slow, or the cloud is."
        "Try again. `--cloud-timeout` gives it longer.";
    CloudUnreachable "cloud-unreachable" [Cloud]
        "There is no connection to the cloud."
        "This computer is not on the internet, as when it is on a device's hotspot; or a firewall, a proxy or a certificate stands in the way. The causes say which."
        "Check the internet connection. For a cloud with a certificate of its own, give `--ca-cert`.";
    ConfirmationNeeded "confirmation-needed" [Usage]
        "Something that cannot be undone was not confirmed."
        "Removing a node takes it out of the account for good. On a terminal it is asked for; without one, or with `--no-input`, nothing is."
        "Give `--yes` if it is meant.";
    ConflictingFlags "conflicting-flags" [Usage]
        "Two arguments exclude each other."
        "Both say the same thing in different ways, or one makes the other impossible. A flag and a variable never conflict: the flag wins. `--device-ip`, `--device-host` and `--device-port` are about networks, and exclude `--transport ble`."
        "Leave one of them out; the message names both. Over Bluetooth, `--device-name` takes a name or an address.";
    DeviceNotAuthentic "device-not-authentic" [Device]
        "The other side could not prove that it knows the secret."
        "It took part in the handshake, and its own proof is wrong. A device that knows the secret does not do that; somebody who poses as it does."
        "Check what this computer is connected to: the name of the hotspot, the address. Do not send credentials to it.";
    Disconnected "disconnected" [Device]
        "The connection broke in the middle of a request."
        "The signal was lost, the device restarted (power, watchdog), this computer changed its network, or a cable was pulled."
        "Move closer, or check the cable and the hub; check the device's power, and run the command again. If it breaks at the same step each time, look at the device's log: it may crash there.";
    EmulatedCloudUnreachable "emulated-cloud-unreachable" [Host]
        "The emulated device could not be registered with its emulated cloud."
        "Nobody answers at the URL of `--cloud`, or what answers there is no emulated cloud. The device was not started: it would have been one that its cloud does not know."
        "Start `espctl emulate cloud` first, and give `--cloud` the `url` of its first line.";
    EnterpriseNetwork "enterprise-network" [Wifi]
        "The chosen network wants a user identity, which provisioning cannot give."
        "WPA2/WPA3-Enterprise networks ask for a user name or a certificate. The protocol has fields for a name and a passphrase only."
        "Choose a network with a passphrase, or an open one. Many sites offer one for devices.";
    Expired "expired" [NoDevice, Device, Cloud, Wifi, Unconfirmed]
        "The time given with `--timeout` ran out."
        "The limit counts for the whole run. The exit code is that of the step that it cut short: 4 while looking for the device, 6 while talking to it, 7 while waiting for the account, 9 once it had been told to join, 10 when contact was lost by then."
        "The error says which step it was. Give the run longer, or find out why that step is slow: each step has a limit of its own that names the cause.";
    Fault "fault" [Fault]
        "Something happened that espctl should have prevented or handled."
        "A mistake in espctl, or a computer that refuses the most ordinary things."
        "Run it again with `--support-bundle FILE` and report it with that file. No secret is in it; names and addresses are, so read it first.";
    GarbledAnswer "garbled-answer" [Device]
        "An answer on the serial line was broken by something else that the board printed."
        "A console prints an answer digit by digit, and a log line of another task came between. Which part is missing cannot be told, and the session ends with it."
        "Run the command again. Firmware with a lower log level, or with its log on another port, does not do it.";
    HandshakeBroken "handshake-broken" [Device]
        "The device answered the handshake with something that the scheme does not allow."
        "Another kind of server answers at this address, the firmware's protocomm differs from the one of ESP-IDF, or bytes were changed on the way."
        "Check that this is the device you mean: `espctl device info`. Try the scheme that the firmware was built with (`--sec-ver`).";
    HostNotReady "host-not-ready" [Host]
        "`doctor --require` found something on this computer that stands in the way."
        "The report has a finding for each: what was seen, and what fixes it. Without `--require` the report itself is the success."
        "Do what the findings say. `--transport` leaves out what is not needed; `--no-cloud` leaves out the account.";
    HungUp "hung-up" [Device]
        "The device closed the connection instead of answering."
        "That is how protocomm says no. Usual reasons: another client took its only place, the session was replaced, provisioning has ended, or the application's endpoint handler returned an error."
        "Close other apps that talk to the device and run the command again. If that fails, restart the device.";
    InsecureCloud "insecure-cloud" [Usage]
        "The cloud is reached over plain HTTP, and a login would travel in the clear."
        "The profile's base URL begins with `http://` and is not on this computer."
        "Use an `https://` base URL. In a network of your own, `--allow-plain-http` sends it all the same.";
    Interrupted "interrupted" [Interrupted]
        "The run was stopped by Ctrl-C or by SIGTERM."
        "Somebody or something asked for it. A device that already had credentials is asked to forget them, where its firmware accepts that: while it joins, none does, and it keeps them."
        "Run the command again. If the device was joining, wait until it has joined or failed, or restart it; restart it, too, if it refuses new credentials.";
    InvalidData "invalid-data" [Usage]
        "What is to be sent cannot be sent."
        "It is empty, which devices cannot take, or `--hex` is not pairs of hexadecimal digits."
        "Give at least one byte: `--data TEXT`, `--hex 0a0b`, `@FILE` or `-`.";
    InvalidMetadata "invalid-metadata" [Usage]
        "The text of `--metadata` is not a JSON object."
        "A node's metadata are named members, as in `{\"room\":\"office\"}`. Nothing was sent."
        "Correct it; the message says where it breaks. Quote it for the shell with single quotes.";
    InvalidPassphrase "invalid-passphrase" [Usage]
        "No Wi-Fi network can have this passphrase."
        "WPA passphrases have 8 to 63 bytes, WEP keys 5 or 13. An empty one is more often an unset variable than an open network."
        "Check the value and its quoting. `--open` is for networks without a passphrase.";
    InvalidProfile "invalid-profile" [Usage]
        "There can be no such profile."
        "A name has 1 to 50 letters, digits and `_-.#`, and no other profile's. `global` and `china` are built in. A base URL begins with `https://` and names a host."
        "Choose another name, or correct the URL. `espctl profile list` shows those that there are.";
    InvalidQrcode "invalid-qrcode" [Usage]
        "The QR payload cannot be read."
        "It is JSON, `NP:…` or a URL with one of them as its `data`, as a label's QR code holds it. The message has line and column of the fault; unquoted, a shell takes a payload apart."
        "Quote the whole payload with '…', or give it by `--qrcode @FILE`, text or picture, or `--qrcode -`. `espctl qr decode` shows what is read.";
    InvalidSsid "invalid-ssid" [Usage]
        "No Wi-Fi network can have this name."
        "A name has 1 to 32 bytes; a letter with an accent takes more than one. `--ssid-hex` takes pairs of hexadecimal digits."
        "Check the value. `espctl device wifi` lists the names that the device sees.";
    InvalidTags "invalid-tags" [Usage]
        "A tag of `--tags` is not `key:value`."
        "The cloud takes tags with a colon between key and value only, as in `room:office`. Nothing was sent."
        "Write each tag as `key:value`, with commas between them.";
    InvalidUsername "invalid-username" [Usage]
        "A Security 2 user name is empty or too long."
        "The handshake has no place for it."
        "Give the one that the firmware was built with, or leave `--sec2-username` out for the usual one.";
    JoinTimedOut "join-timed-out" [Wifi]
        "The device was still trying to join when the time was up."
        "Firmware without a limit of attempts tries for ever and never says why it fails. Likely: a wrong passphrase, a network on 5 GHz only, WPA3 or protected management frames, a MAC filter, no address by DHCP. The device may keep the credentials and go on trying."
        "Check the network's name and passphrase and the access point. `--join-timeout` gives the device longer. `espctl device reset` has it wait for other credentials, where it accepts that.";
    LoginExpired "login-expired" [Login]
        "The login has ended, and could not be renewed."
        "Logins end after weeks without use, with a changed password, or with a logout elsewhere. A token of `ESPCTL_ACCESS_TOKEN` ends within the hour."
        "Run `espctl login`, or get a new token.";
    LoginLacksUser "login-lacks-user" [Login]
        "The device has to be told which user it belongs to, and the login does not say."
        "Older firmware maps by user id, which stands in the ID token. `ESPCTL_ACCESS_TOKEN` alone does not have it. Nothing was sent."
        "Run `espctl login`, or set `ESPCTL_ID_TOKEN`, too.";
    LoginNotKept "login-not-kept" [Host]
        "There is a new login, and it could not be written."
        "The folder of the account files cannot be written, or its disk is full."
        "Check the permissions of `~/.espressif/rainmaker` (or `$RM_USER_CONFIG_DIR`), then log in again.";
    LoginRefused "login-refused" [Login]
        "The cloud did not accept the login."
        "User name, password or one-time code are wrong, the account is not confirmed, or it belongs to another cloud."
        "Check them, and that `--profile` names the cloud they are for.";
    LoginRequired "login-required" [Login]
        "This needs an account, and nobody is logged in."
        "Without `--no-cloud`, a run also maps the device to the account of whoever is logged in. Nothing was sent."
        "Run `espctl login`. In CI, set `ESPCTL_ACCESS_TOKEN`. `--no-cloud` gives the device Wi-Fi without an account.";
    LoginTimedOut "login-timed-out" [Login]
        "Nobody logged in with the browser in time."
        "The page was not opened or not filled in, or it could not reach the port on this computer that it was told: on another computer's browser it never can."
        "Run `espctl login` again, with the browser on this computer; `--browser-timeout` gives it longer. `--user-name` needs no browser.";
    MappingDiscarded "mapping-discarded" [Cloud]
        "The cloud dropped the mapping."
        "Another request for the same node took its place, or somebody else's did."
        "Make sure that nobody else maps this device. The device has joined its network and is closed to a second run: reset it to its factory settings first.";
    MappingPending "mapping-pending" [Cloud]
        "The cloud did not say within the limit whether the node is yours."
        "It still waits for the device's half, or is busy."
        "`espctl node list` shows whether it came. Otherwise reset the device to its factory settings and run the command again.";
    MappingTimedOut "mapping-timed-out" [Cloud]
        "The device's half of the mapping did not reach the cloud within a minute."
        "The device has joined the Wi-Fi, but cannot reach the internet, or its clock or certificate is wrong; or it was told another secret by a second run."
        "Check that the network has internet access and lets MQTT over TLS (port 8883) through; look at the device's log. A device that has joined is closed to a second run: reset it to its factory settings first.";
    MatterCode "matter-code" [Usage]
        "This QR code is Matter's, and not one of ESP provisioning."
        "Codes that begin with `MT:` lead to Matter commissioning, which is another protocol with other secrets. Nothing was sent."
        "Commission the device with an app or a hub for Matter. Firmware that offers ESP provisioning, too, has a second code, JSON, which it prints in its log; give that one, or `--device-name` and `--pop`.";
    MessageNotAuthentic "message-not-authentic" [Device]
        "An answer was changed on its way, or the two ends are out of step."
        "Security 2 authenticates each message. A lost or repeated answer puts the counters out of step; somebody in between would look the same."
        "Run the command again: a new session begins in step. If it happens each time, try another computer or network, and look at the device's log.";
    MessageTooLong "message-too-long" [Device]
        "A message does not fit through the device's Bluetooth, or into a line of its console."
        "Over Bluetooth firmware has room for 257 bytes where it is built without Security 2 on Bluedroid, for 481 with it, and for 512 on NimBLE; a signed challenge may be longer than 257. A line of a console has 254 characters, about 115 bytes: Security 2 does not fit."
        "Use another transport. Or build the firmware, for Bluetooth with Security 2 or with NimBLE, for the console with Security 1.";
    MissingData "missing-data" [Usage]
        "`device call` was not told what to send."
        "Devices cannot take an empty request, so there is no default."
        "Give `--data TEXT`, `--hex HEX`, `@FILE` or `-` for stdin.";
    MissingLogin "missing-login" [Usage]
        "The login needs something that was not given."
        "A user name, a password, or the one-time code that the cloud has sent. Without a terminal nothing is asked, and no browser is opened unless the page's address is wanted with `--no-browser`."
        "Give `--user-name`, and the password by `--password-file` or ESPCTL_PASSWORD. A code goes to `--code`.";
    MissingPassphrase "missing-passphrase" [Usage]
        "The network wants a passphrase, and none was given."
        "The device sees the network as protected, or does not see it at all. Without a terminal nothing is asked."
        "Give `--passphrase`, `--passphrase-file` or ESPCTL_PASSPHRASE; `--open` for a network without one.";
    MissingPop "missing-pop" [Usage]
        "The device wants a proof of possession or a password, and none was given."
        "Its version document says so, or does not say that it wants none. Without a terminal nothing is asked."
        "Give `--pop`, `--pop-file` or ESPCTL_POP; it is printed on the device or in its QR code. Firmware with a user name and password of its own takes `--sec2-username` and `--sec2-password`.";
    MissingSsid "missing-ssid" [Usage]
        "The network that the device shall join was not named."
        "Without a terminal nothing is asked."
        "Give `--ssid`, `--ssid-hex` or ESPCTL_SSID. `espctl device wifi` lists what the device sees; over Bluetooth it takes `--transport ble` and `--device-name`, too.";
    NoBluetoothAdapter "no-bluetooth-adapter" [Host]
        "This computer has no Bluetooth adapter, or not the one of `--adapter`."
        "There is no hardware for it, its driver is missing, or a virtual machine or a container does not see it."
        "`ls /sys/class/bluetooth` shows those that Linux knows, `lsusb` and `dmesg` why there is none; on macOS and Windows the system's settings do. Leave `--adapter` out to take the first that is switched on. Plug one in, pass it through to the virtual machine, or use another transport. To try things out, `espctl emulate device --transport ble` needs none.";
    NoBluetoothService "no-bluetooth-service" [Host]
        "The system's Bluetooth service is not there."
        "On Linux programs reach Bluetooth through BlueZ (`bluetoothd`) on the system's D-Bus. One of the two does not run, this is a container that has neither, or `DBUS_SYSTEM_BUS_ADDRESS` leads to an emulator that has ended."
        "`sudo systemctl enable --now bluetooth`; install the package `bluez` if there is no such service. In a container, mount `/run/dbus/system_bus_socket` of the host. Unset `DBUS_SYSTEM_BUS_ADDRESS`, or start the emulator again.";
    NoCodeInLog "no-code-in-log" [NoDevice]
        "No QR payload came from the serial port."
        "Firmware prints it once, when it starts to wait for provisioning: one that is provisioned already does not, nor one with its log switched off or on another port."
        "Restart the board while the command waits. `idf.py monitor` shows whether its log has a line with `{\"ver\":…}` or a URL with `data=`.";
    NoConsole "no-console" [NoDevice]
        "No console of protocomm answers at the serial port."
        "The port is another thing's, the board is silent or was not started, its firmware provisions otherwise, or the line has another speed."
        "Restart the board and look at its log with a monitor: a console that provisions shows `>> `. Give another speed with `--baud`.";
    NoDevice "no-device" [NoDevice]
        "No device was found."
        "It is off, out of reach, not in provisioning mode, or already provisioned; or this computer is not on its network. Over Bluetooth it may also be held by an app, have another name, or be left out by `--customer-id` or `--service-uuid`."
        "Power the device, have it wait for provisioning (often a long press of its button), and look with `espctl discover`. Over SoftAP, join its hotspot first. Over Bluetooth, `espctl discover --transport ble --all` lists everything that advertises, and `--discovery-timeout 15` listens longer.";
    NoLoginPage "no-login-page" [Usage]
        "The cloud of this profile has no login page for a browser."
        "Only the built-in profiles have one, and others whose entry in profiles.json has `login_url`, `token_url`, `client_id` and `redirect_url`."
        "Log in with `--user-name` and a password.";
    NoMapping "no-mapping" [Device]
        "The device's firmware cannot be mapped to an account."
        "It has neither `ch_resp` nor `cloud_user_assoc`: plain ESP-IDF firmware without RainMaker. Nothing was changed."
        "`--no-cloud` gives it Wi-Fi without an account.";
    NoQrCode "no-qr-code" [Usage]
        "The picture has no QR code that can be read."
        "It is blurred, cut off, too small, too skewed or too dark, or it has another kind of code. It was tried in several sizes, inverted, sharpened and blurred."
        "Cut the code out with some white around it, or take the picture again: straight, sharp, without glare. Or give the text of the code, as any scanner app shows it.";
    NoSerialPort "no-serial-port" [Host]
        "The serial port cannot be used, or there is none."
        "Nothing is plugged in under this name, its driver is missing, or it was pulled."
        "`espctl discover --transport console` lists the ports. Plug the board in, with a cable that carries data.";
    NoSuchEndpoint "no-such-endpoint" [Device]
        "The device does not offer what was asked for."
        "Each firmware registers its own endpoints. `prov-ctrl` (reset, reprovision) came with ESP-IDF 5.1; `prov-scan` is absent where the device cannot scan; applications add others."
        "`espctl device info` (over Bluetooth with `--transport ble` and `--device-name`) shows version and capabilities. Check the spelling of an endpoint of your own; restart the device where reset is not available.";
    NoWifiNeedsChallenge "no-wifi-needs-challenge" [Device]
        "Mapping without Wi-Fi needs firmware with challenge-response."
        "Older firmware confirms the mapping itself, once it is online. Nothing was changed."
        "Leave `--no-wifi` out and give the device its network.";
    NotADevice "not-a-device" [Device]
        "What answered is not a device that waits to be provisioned."
        "A router, a printer or a captive portal has this address, or a proxy stands in between. Over Bluetooth it is a thing that offers no provisioning, or not any more."
        "Check that this computer has joined the device's hotspot and no other network answers at that address; name another with `--device-ip`. Over Bluetooth, reset the device if it was provisioned before, and have the system forget it: `bluetoothctl remove ADDRESS`.";
    NotPaired "not-paired" [Host]
        "The device wants to be paired, and this computer could not pair with it."
        "Its firmware asks for an encrypted link. Linux and macOS pair by themselves when the device asks; it fails when an old pairing is kept on one side only, or when the device wants a code. Windows pairs in its settings."
        "Remove the device from this computer's Bluetooth settings (`bluetoothctl remove ADDRESS`) and run the command again; on Windows, pair with it in the settings first.";
    NotText "not-text" [Device]
        "What comes from the serial port is no text."
        "The line has another speed than it was opened with, or what is plugged in is no console."
        "Give the speed of the board's console with `--baud`.";
    OtherConsole "other-console" [Device]
        "The console at the serial port is not protocomm's."
        "The firmware runs commands of its application there, or another prompt such as MicroPython's."
        "Provision the device over another transport, or build its firmware with the console scheme.";
    OtherNode "other-node" [Device]
        "The device announced one node id, and signed as another."
        "Another device has the address of an old announcement by now, or somebody's announcement leads to a device of theirs. Nothing was mapped."
        "Look again with `espctl discover --transport on-network`. Where you know the device by its address, `--device-ip` needs no announcement.";
    OutputLost "output-lost" [Fault]
        "The run ended, and its outcome could not be written."
        "Standard output cannot take it: the disk is full, or the file system went away."
        "Make room and look at the device before running the command again: it may have been provisioned.";
    PermissionDenied "permission-denied" [Host]
        "This computer does not allow the connection."
        "A firewall, a sandbox (snap, flatpak, container) or the local-network permission of the system forbids it. A serial port belongs to a group, such as `dialout` or `uucp`, that this user is not in."
        "Allow espctl, or the terminal that it runs in, to reach the local network, and run it again. For a serial port `espctl doctor` names the group: `sudo usermod -aG GROUP $USER`, and log in again.";
    PortInUse "port-in-use" [Host]
        "Another program has the serial port."
        "A monitor such as `idf.py monitor`, `screen` or `minicom`, or another run of this program: a port serves one at a time."
        "Close it and run the command again.";
    Refused "refused" [Device]
        "The device understood the command and said no."
        "Its status says which kind: an argument that it does not accept, or a command that its application forbids."
        "Look at the status in the message and at the device's log.";
    Restarted "restarted" [Device]
        "The board restarted in the middle of a request."
        "It crashed, its supply is too weak, or somebody pressed its button. A session ends with it."
        "Look at its log for the reason, and run the command again.";
    ScanUnfinished "scan-unfinished" [Device]
        "The device did not finish its Wi-Fi scan in time."
        "Some firmware never ends a scan while it is busy with its own access point or while a former attempt to join goes on."
        "Name the network with `--ssid` and `--passphrase`, which needs no scan, or restart the device.";
    SessionExhausted "session-exhausted" [Device]
        "The session has carried as many messages as it can."
        "Security 2 counts messages, and a counter must not begin again."
        "Run the command again: it opens a new session.";
    SessionLost "session-lost" [Device]
        "The secure session ended with an earlier error."
        "After an answer that was lost or unreadable the two ends no longer share the same keys' state."
        "Run the command again: it opens a new session. The error before this one is the cause.";
    Silent "silent" [NoDevice]
        "Something takes connections at the address and says nothing."
        "A device that hangs, a device that serves somebody else, or another kind of server. On a serial line, another program that reads the same port takes the answers away."
        "Check the address, restart the device, and close other apps and monitors that talk to it.";
    StdinTwice "stdin-twice" [Usage]
        "Two inputs were to be read from standard input."
        "`-` means standard input, and it can be read once."
        "Put one of the two into a file or a variable.";
    ThreadOnly "thread-only" [Device]
        "The device takes Thread credentials and no Wi-Fi."
        "Its version document lists `thread_prov` and not `wifi_prov`: it has a Thread radio."
        "This version cannot provision Thread devices.";
    TimedOut "timed-out" [Device]
        "The device stopped answering in the middle of the conversation."
        "It hangs, restarted, or went out of reach. During a handshake a slow chip computes for seconds; the limit allows for that."
        "Restart the device and run the command again.";
    TransportUnavailable "transport-unavailable" [Host]
        "This computer lacks something that this way to a device needs."
        "For devices on the network, mDNS could not be started: a sandbox, no network interface, or no permission. The causes say more."
        "Say where the device is with `--device-ip`, which needs no discovery.";
    Unconfirmed "unconfirmed" [Unconfirmed]
        "The device was given credentials, and nobody knows whether it joined."
        "Contact was lost after Apply, or its answers could not be read. The hotspot of a device vanishes when it has joined, and over Bluetooth it stops to advertise, so this may well be a success."
        "Look for the device on the network, or in the router's list, before you try again. If its hotspot is back, or it advertises again, it did not join.";
    UnexpectedReply "unexpected-reply" [Device]
        "The device's answer is not one to this command."
        "Its firmware speaks another version of the protocol, such as network_provisioning before 1.0, or two clients talk to it at once."
        "Make sure that nobody else talks to the device; bring its firmware to a released version of the component.";
    UnknownGroup "unknown-group" [Usage]
        "The account has no group of this name or id, or several of this name."
        "It was looked up before the device was touched. Nothing was sent."
        "The message lists the groups that there are. Give the id where names are not unique.";
    UnknownId "unknown-id" [Usage]
        "`explain` was asked for an id that does not exist."
        "A typing error, or an id of a newer version."
        "`espctl explain` lists them all.";
    UnknownInterface "unknown-interface" [Host]
        "This computer has no network interface of that name."
        "Names differ between systems, and an interface that is unplugged may have none."
        "The message lists those that there are. Leave `--interface` out to look on all of them.";
    UnknownNode "unknown-node" [Usage]
        "The account has no such node."
        "The id is misspelt, the node belongs to somebody else, or the login is one to another cloud."
        "`espctl node list` shows those that there are; `--profile` chooses another account.";
    UnknownProfile "unknown-profile" [Usage]
        "There is no profile of this name."
        "It is misspelt, was removed, or the file that names the current one was edited."
        "`espctl profile list` shows those that there are; `espctl profile switch` chooses one, `espctl profile add` makes one.";
    UnknownScheme "unknown-scheme" [Device]
        "The device announces a security scheme that espctl does not know."
        "Schemes 0, 1 and 2 exist; the firmware is newer than this program, or its version document is wrong."
        "Look for a newer espctl, or try `--sec-ver 2`.";
    Unreachable "unreachable" [NoDevice]
        "Nobody answers at the device's address."
        "This computer is not on the device's network, the device is off, it has been provisioned already, or five wrong secrets closed its service. Over Bluetooth it was heard, and could not be connected to: it is too far away, or somebody else was faster, because a device serves one at a time."
        "Join the device's hotspot (PROV_…) with this computer, or say where it is with `--device-ip` and `--device-port`. Over Bluetooth there is neither: move closer, close the phone app, and have Linux forget the device with `bluetoothctl remove ADDRESS`. Restart the device if it was locked.";
    UnreadableFile "unreadable-file" [Usage]
        "A file cannot be read, or not used."
        "It does not exist, is not readable for this user, is not text, or is far longer than what belongs there."
        "Check the path and the rights; the cause is named below the error.";
    UnsupportedTransport "unsupported-transport" [Usage]
        "This program cannot reach a device in that way."
        "The QR code asks for a transport that this version does not have."
        "`--transport` chooses another, if the device offers it. `espctl provision --help` lists what there is.";
    UnusableSecret "unusable-secret" [Usage]
        "A file or a variable that should hold a secret holds none."
        "It is empty, has several lines, or control characters. Sent as it is, it would count as a wrong one on the device."
        "Put the secret and nothing else on one line. A line break at its end does not matter.";
    UnwritableFile "unwritable-file" [Usage]
        "A file cannot be written."
        "Its folder does not exist, or is not writable for this user, or `qr encode` found it there already. Nothing was sent to a device."
        "Give `--transcript`, `--log-file`, `--out`, `--png` or `--svg` another path. `--force` lets `qr encode` replace a file.";
    Usage "usage" [Usage]
        "The command line cannot be understood."
        "An argument is unknown, misspelt, missing or has a value that it cannot have. What could be part of a secret is not repeated."
        "See `--help`. Quote values with spaces, and write `--flag=VALUE` for a value that begins with a dash.";
    UserRefused "user-refused" [Device]
        "The device did not take the user's id and secret."
        "Its firmware refuses them, as it does when one of them is empty or its memory is full."
        "Look at the device's log, restart it and run the command again.";
    WifiAuthFailed "wifi-auth-failed" [Wifi]
        "The device could not join: the network did not accept it."
        "Most often the passphrase is wrong. Firmware with a limit of attempts says this for other reasons too, such as a weak signal."
        "Check the passphrase and try again. If it is surely right, move the device closer to the access point.";
    WifiJoinFailed "wifi-join-failed" [Wifi]
        "The device could not join, and gives no reason that is known."
        "Its firmware says none, or one that is newer than this program."
        "Check name and passphrase, and look at the device's log.";
    WifiNotFound "wifi-not-found" [Wifi]
        "The device could not join: it does not see the network."
        "The name is misspelt, the network is out of reach, or it is on 5 GHz, which most ESP32 chips do not hear."
        "See `espctl device wifi` for what the device hears; over Bluetooth with `--transport ble` and `--device-name`. Turn on 2.4 GHz on the access point.";
    WrongCredentials "wrong-credentials" [Usage]
        "The secret that was given is not of the kind that the scheme takes."
        "Security 1 takes a PoP, Security 2 a user name and a password."
        "Give `--pop` for Security 1, `--sec2-username` and `--sec2-password` for Security 2.";
    WrongPassword "wrong-password" [Secret]
        "The device did not accept this user name and password."
        "They differ from those that the firmware was built with. It was tried once; five wrong tries close provisioning until the device restarts. Two known firmware faults store a right password wrongly."
        "Check `--sec2-username` and `--sec2-password`. Do not loop. If both are surely right, `--sec2-compat` tries the two known faults, one try each.";
    WrongPop "wrong-pop" [Secret]
        "The device did not accept this proof of possession."
        "It is another one than the firmware's. It was tried once; five wrong tries close provisioning until the device restarts. For a Security 2 device the PoP was tried as its password."
        "Check `--pop`: it is printed on the device or in its QR code. Do not loop.";
    WrongScheme "wrong-scheme" [Device]
        "The device does not answer this security scheme's handshake."
        "It speaks another scheme, takes no handshake now, or was locked by wrong tries, which looks the same."
        "Leave `--sec-ver` out to use what the device announces; restart the device.";
    WrongState "wrong-state" [Device]
        "The device cannot do this now."
        "A device joins one network at a time, resets only after it failed to join, and reopens provisioning only after it joined. It answers everything else with InternalError."
        "Wait a second and run the command again, or restart the device, which always brings it back to the start.";
}
