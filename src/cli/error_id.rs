//! Every way in which a run can end badly, as one table: id, exit code, and what `explain` says
//! about it. What happened in one particular run, and the advice for it, is `failure`'s.
//!
//! An id that stands nowhere in this table cannot be used, and one without a text does not
//! compile. `docs/reference/errors.md` is printed from here.

use std::fmt;

use super::exit::Exit;

/// What `explain` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The exit codes: one, but where it depends on the step that was cut short.
    pub(super) exits: &'static [Exit],
    /// What it means, in a sentence.
    pub(super) title: &'static str,
    /// Why it happens.
    pub(super) why: &'static str,
    /// What to do.
    pub(super) remedy: &'static str,
}

/// One line of the table: `Variant "id" [exit codes] "title" "why" "remedy";`, sorted by id.
macro_rules! errors {
    ($($id:ident $name:literal [$($exit:ident),+] $title:literal $why:literal $remedy:literal;)+) => {
        /// The kind of a failure. Stable: scripts compare it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum ErrorId {
            $(#[doc = $title] $id,)+
        }

        impl ErrorId {
            /// Every one, sorted.
            pub(super) const ALL: &[Self] = &[$(Self::$id),+];

            /// In kebab case, as scripts see it.
            pub(super) const fn as_str(self) -> &'static str {
                match self { $(Self::$id => $name,)+ }
            }

            /// What there is to say about it.
            pub(super) const fn entry(self) -> Entry {
                match self {
                    $(Self::$id => Entry {
                        exits: &[$(Exit::$exit),+],
                        title: $title,
                        why: $why,
                        remedy: $remedy,
                    },)+
                }
            }

            /// Its exit code, where the step does not decide.
            pub(super) const fn exit(self) -> Exit {
                match self { $(Self::$id => first([$(Exit::$exit),+]),)+ }
            }
        }
    };
}

const fn first<const N: usize>(exits: [Exit; N]) -> Exit {
    let [exit, ..] = exits.as_slice() else {
        return Exit::Fault;
    };
    *exit
}

errors! {
    AnnouncedNoPop "announced-no-pop" [Device]
        "The device announces that it needs no proof of possession, although one was given."
        "Without a PoP, whoever answers at the address can be the device. Somebody in between could announce this to be sent the Wi-Fi passphrase. It is also what firmware built without a PoP says, when the label still has one. Nothing was sent."
        "If the firmware is known to need no PoP, leave it out (`--pop ''` when a QR code holds one). Otherwise check which device this computer is connected to.";

    AnnouncedNoSecurity "announced-no-security" [Device]
        "The device announces that it speaks without encryption, although a secret was given for it."
        "Security 0 sends the Wi-Fi passphrase in the clear. Somebody in between could announce it to read the passphrase; firmware built without security announces it too. Nothing was sent."
        "If the firmware is known to use Security 0, say so with `--sec-ver 0`. Otherwise check which device this computer is connected to.";

    CannotListen "cannot-listen" [Host]
        "The emulated device could not open its port."
        "The port is in use, needs permission (below 1024), or the address is not one of this computer's."
        "Give another `--port`, or 0 for any free one; give an address of this computer to `--listen`.";

    ConflictingFlags "conflicting-flags" [Usage]
        "Two arguments exclude each other."
        "Both say the same thing in different ways, or one makes the other impossible. A flag and a variable never conflict: the flag wins."
        "Leave one of them out; the message names both.";

    DeviceNotAuthentic "device-not-authentic" [Device]
        "The other side could not prove that it knows the secret."
        "It took part in the handshake, and its own proof is wrong. A device that knows the secret does not do that; somebody who poses as it does."
        "Check what this computer is connected to: the name of the hotspot, the address. Do not send credentials to it.";

    Disconnected "disconnected" [Device]
        "The connection broke in the middle of a request."
        "The signal was lost, the device restarted (power, watchdog), or this computer changed its network."
        "Move closer, check the device's power, and run the command again. If it breaks at the same step each time, look at the device's log: it may crash there.";

    EmulatedCloudUnreachable "emulated-cloud-unreachable" [Host]
        "The emulated device could not be registered with its emulated cloud."
        "Nobody answers at the URL of `--cloud`, or what answers there is no emulated cloud. The device was not started: it would have been one that its cloud does not know."
        "Start `espctl emulate cloud` first, and give `--cloud` the `url` of its first line.";

    EnterpriseNetwork "enterprise-network" [Wifi]
        "The chosen network wants a user identity, which provisioning cannot give."
        "WPA2/WPA3-Enterprise networks ask for a user name or a certificate. The protocol has fields for a name and a passphrase only."
        "Choose a network with a passphrase, or an open one. Many sites offer one for devices.";

    Expired "expired" [NoDevice, Device, Wifi, Unconfirmed]
        "The time given with `--timeout` ran out."
        "The limit counts for the whole run. The exit code is that of the step that it cut short: 4 while looking for the device, 6 while talking to it, 9 once it had been told to join, 10 when contact was lost by then."
        "The error says which step it was. Give the run longer, or find out why that step is slow: each step has a limit of its own that names the cause.";

    Fault "fault" [Fault]
        "Something happened that espctl should have prevented or handled."
        "A mistake in espctl, or a computer that refuses the most ordinary things."
        "Run it again with `-vv` and report what it says, with the version. No secret is in that output.";

    HandshakeBroken "handshake-broken" [Device]
        "The device answered the handshake with something that the scheme does not allow."
        "Another kind of server answers at this address, the firmware's protocomm differs from the one of ESP-IDF, or bytes were changed on the way."
        "Check that this is the device you mean: `espctl device info`. Try the scheme that the firmware was built with (`--sec-ver`).";

    HungUp "hung-up" [Device]
        "The device closed the connection instead of answering."
        "That is how protocomm says no. Usual reasons: another client took its only place, the session was replaced, provisioning has ended, or the application's endpoint handler returned an error."
        "Close other apps that talk to the device and run the command again. If that fails, restart the device.";

    Interrupted "interrupted" [Interrupted]
        "The run was stopped by Ctrl-C or by SIGTERM."
        "Somebody or something asked for it. A device that already had credentials is asked to forget them, where its firmware accepts that."
        "Run the command again. If the device refuses new credentials, restart it.";

    InvalidData "invalid-data" [Usage]
        "What is to be sent cannot be sent."
        "It is empty, which devices cannot take, or `--hex` is not pairs of hexadecimal digits."
        "Give at least one byte: `--data TEXT`, `--hex 0a0b`, `@FILE` or `-`.";

    InvalidPassphrase "invalid-passphrase" [Usage]
        "No Wi-Fi network can have this passphrase."
        "WPA passphrases have 8 to 63 bytes, WEP keys 5 or 13. An empty one is more often an unset variable than an open network."
        "Check the value and its quoting. `--open` is for networks without a passphrase.";

    InvalidQrcode "invalid-qrcode" [Usage]
        "The QR payload cannot be read."
        "It is a JSON object, as a label's QR code holds it. Unquoted, a shell takes it apart."
        "Quote the whole payload with '…', or give it by `--qrcode @FILE` or `--qrcode -`.";

    InvalidSsid "invalid-ssid" [Usage]
        "No Wi-Fi network can have this name."
        "A name has 1 to 32 bytes; a letter with an accent takes more than one. `--ssid-hex` takes pairs of hexadecimal digits."
        "Check the value. `espctl device wifi` lists the names that the device sees.";

    InvalidUsername "invalid-username" [Usage]
        "A Security 2 user name is empty or too long."
        "The handshake has no place for it."
        "Give the one that the firmware was built with, or leave `--sec2-username` out for the usual one.";

    JoinTimedOut "join-timed-out" [Wifi]
        "The device was still trying to join when the time was up."
        "Firmware without a limit of attempts tries for ever and never says why it fails. Likely: a wrong passphrase, a network on 5 GHz only, WPA3 or protected management frames, a MAC filter, no address by DHCP. The device may keep the credentials and go on trying."
        "Check the network's name and passphrase and the access point. `--join-timeout` gives the device longer. `espctl device reset` has it wait for other credentials, where it accepts that.";

    LoginRequired "login-required" [Login]
        "This needs an account, and nobody is logged in."
        "Without `--no-cloud`, a run also maps the device to an account, which this version cannot do yet."
        "Give `--no-cloud` to give the device Wi-Fi without an account.";

    MessageNotAuthentic "message-not-authentic" [Device]
        "An answer was changed on its way, or the two ends are out of step."
        "Security 2 authenticates each message. A lost or repeated answer puts the counters out of step; somebody in between would look the same."
        "Run the command again: a new session begins in step. If it happens each time, try another computer or network, and look at the device's log.";

    MissingData "missing-data" [Usage]
        "`device call` was not told what to send."
        "Devices cannot take an empty request, so there is no default."
        "Give `--data TEXT`, `--hex HEX`, `@FILE` or `-` for stdin.";

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
        "Give `--ssid`, `--ssid-hex` or ESPCTL_SSID. `espctl device wifi` lists what the device sees.";

    NoDevice "no-device" [NoDevice]
        "No device was found."
        "It is off, out of reach, not in provisioning mode, or already provisioned; or this computer is not on its network."
        "Power the device, have it wait for provisioning (often a long press of its button), and look with `espctl discover`. Over SoftAP, join its hotspot first.";

    NoSuchEndpoint "no-such-endpoint" [Device]
        "The device does not offer what was asked for."
        "Each firmware registers its own endpoints. `prov-ctrl` (reset, reprovision) came with ESP-IDF 5.1; `prov-scan` is absent where the device cannot scan; applications add others."
        "`espctl device info` shows version and capabilities. Check the spelling of an endpoint of your own; restart the device where reset is not available.";

    NotADevice "not-a-device" [Device]
        "What answered is not a device that waits to be provisioned."
        "A router, a printer or a captive portal has this address, or a proxy stands in between."
        "Check that this computer has joined the device's hotspot and no other network answers at that address; name another with `--device-ip`.";

    OutputLost "output-lost" [Fault]
        "The run ended, and its outcome could not be written."
        "Standard output cannot take it: the disk is full, or the file system went away."
        "Make room and look at the device before running the command again: it may have been provisioned.";

    PermissionDenied "permission-denied" [Host]
        "This computer does not allow the connection."
        "A firewall, a sandbox (snap, flatpak, container) or the local-network permission of the system forbids it."
        "Allow espctl, or the terminal that it runs in, to reach the local network, and run it again.";

    Refused "refused" [Device]
        "The device understood the command and said no."
        "Its status says which kind: an argument that it does not accept, or a command that its application forbids."
        "Look at the status in the message and at the device's log.";

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
        "A device that hangs, a device that serves somebody else, or another kind of server."
        "Check the address, restart the device, and close other apps that talk to it.";

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

    Unconfirmed "unconfirmed" [Unconfirmed]
        "The device was given credentials, and nobody knows whether it joined."
        "Contact was lost after Apply, or its answers could not be read. The hotspot of a device vanishes when it has joined, so this may well be a success."
        "Look for the device on the network, or in the router's list, before you try again. If its hotspot is back, it did not join.";

    UnexpectedReply "unexpected-reply" [Device]
        "The device's answer is not one to this command."
        "Its firmware speaks another version of the protocol, such as network_provisioning before 1.0, or two clients talk to it at once."
        "Make sure that nobody else talks to the device; bring its firmware to a released version of the component.";

    UnknownId "unknown-id" [Usage]
        "`explain` was asked for an id that does not exist."
        "A typing error, or an id of a newer version."
        "`espctl explain` lists them all.";

    UnknownScheme "unknown-scheme" [Device]
        "The device announces a security scheme that espctl does not know."
        "Schemes 0, 1 and 2 exist; the firmware is newer than this program, or its version document is wrong."
        "Look for a newer espctl, or try `--sec-ver 2`.";

    Unreachable "unreachable" [NoDevice]
        "Nobody answers at the device's address."
        "This computer is not on the device's network, the device is off, it has been provisioned already, or five wrong secrets closed its service."
        "Join the device's hotspot (PROV_…) with this computer, or say where it is with `--device-ip` and `--device-port`. Restart the device if it was locked.";

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
        "Its folder does not exist, or is not writable for this user. Nothing was sent to a device."
        "Give `--transcript` or `--log-file` or `--out` another path.";

    Usage "usage" [Usage]
        "The command line cannot be understood."
        "An argument is unknown, misspelt, missing or has a value that it cannot have. What could be part of a secret is not repeated."
        "See `--help`. Quote values with spaces, and write `--flag=VALUE` for a value that begins with a dash.";

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
        "See `espctl device wifi` for what the device hears. Turn on 2.4 GHz on the access point.";

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

impl fmt::Display for ErrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_everything() {
        assert!(ErrorId::ALL.is_sorted_by(|a, b| a.as_str() < b.as_str()));
        for id in ErrorId::ALL {
            let Entry {
                exits,
                title,
                why,
                remedy,
            } = id.entry();
            assert_eq!(exits[0], id.exit());
            for text in [title, why, remedy] {
                assert!(text.len() > 15 && text.ends_with('.'), "{id}: {text:?}");
            }
            // `WrongPop` is `wrong-pop`, so that each is found by the other.
            let spelt = id.as_str().replace('-', "");
            assert_eq!(format!("{id:?}").to_lowercase(), spelt);
        }
    }
}
