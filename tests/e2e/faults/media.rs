//! What the matrix is made of: the media, what can go wrong on each and what that means for the
//! client, and the steps of a run. What a case must show is the file's above it.

use crate::support::device::Device;

/// A way to reach a device, and what can go wrong on it.
pub(super) struct Medium {
    pub(super) name: &'static str,
    pub(super) start: fn(&[&str]) -> Device,
    /// The flags for such a device besides its address.
    pub(super) own: &'static [&'static str],
    pub(super) schemes: &'static [u8],
    pub(super) steps: &'static [Step],
    pub(super) faults: &'static [(&'static str, Harm)],
}

pub(super) const MEDIA: [Medium; 6] = [
    Medium {
        name: "HTTP",
        start: Device::start,
        own: &["--time-scale", TIME_SCALE, "--join-ms", "50"],
        schemes: &[0, 1, 2],
        steps: &STEPS,
        faults: &HTTP,
    },
    Medium {
        name: "local control",
        start: Device::on_network,
        own: &["--no-announce", "--variant", "local-control"],
        schemes: &[0, 1, 2],
        steps: &STEPS_ON_NETWORK,
        faults: &HTTP,
    },
    Medium {
        name: "Bluetooth, NimBLE",
        start: Device::over_bluetooth,
        own: &["--time-scale", TIME_SCALE, "--join-ms", "50"],
        schemes: &[0, 1, 2],
        steps: &STEPS,
        faults: &BLUETOOTH,
    },
    // It closes the link with each refusal.
    Medium {
        name: "Bluetooth, Bluedroid",
        start: Device::over_bluetooth,
        own: &[
            "--time-scale",
            TIME_SCALE,
            "--join-ms",
            "50",
            "--stack",
            "bluedroid",
        ],
        schemes: &[2],
        steps: &STEPS,
        faults: &BLUETOOTH,
    },
    // It has no room for Security 2. The line takes no time: what does has tests of its
    // own, and dozens of lines with timers keep a computer busy.
    Medium {
        name: "console",
        start: Device::on_serial_line,
        own: &[
            "--time-scale",
            TIME_SCALE,
            "--join-ms",
            "50",
            "--uart-baud",
            "0",
        ],
        schemes: &[0, 1],
        steps: &STEPS,
        faults: &CONSOLE,
    },
    // It announces no scheme. It has the one that is probed first, so that each fault has its
    // intended effect.
    Medium {
        name: "challenge-response by itself",
        start: Device::on_network,
        own: &["--no-announce"],
        schemes: &[1],
        steps: &STEPS_ON_NETWORK,
        faults: &HTTP,
    },
];

const HTTP: [(&str, Harm); 15] = [
    ("drop", Harm::Lost),
    ("mute", Harm::AnswerLost),
    ("close", Harm::HungUp),
    ("reset", Harm::HungUp),
    ("delay=200", Harm::Late),
    ("duplicate", Harm::Twice),
    ("repeat", Harm::Twice),
    ("truncate", Harm::Spoilt),
    ("cut", Harm::Spoilt),
    ("garble", Harm::Spoilt),
    ("oversize", Harm::Spoilt),
    ("wrong-order", Harm::Spoilt),
    ("wrong-type", Harm::Spoilt),
    ("status=500", Harm::Spoilt),
    ("not-found", Harm::Absent),
];

const BLUETOOTH: [(&str, Harm); 14] = [
    ("drop", Harm::Lost),
    ("mute", Harm::AnswerLost),
    ("close", Harm::HungUp),
    ("reset", Harm::HungUp),
    ("att=0x04", Harm::HungUp),
    // Shorter than the time that a device stays after it reported that it joined: the answer is fetched after it.
    ("delay=100", Harm::Late),
    ("repeat", Harm::Twice),
    ("truncate", Harm::Spoilt),
    ("cut", Harm::Spoilt),
    ("garble", Harm::Spoilt),
    ("oversize", Harm::Spoilt),
    ("wrong-order", Harm::Spoilt),
    ("wrong-type", Harm::Spoilt),
    ("not-found", Harm::HungUp),
];

const CONSOLE: [(&str, Harm); 14] = [
    ("drop", Harm::Lost),
    ("mute", Harm::AnswerLost),
    ("close", Harm::HungUp),
    // The board restarts.
    ("reset", Harm::Spoilt),
    ("delay=100", Harm::Late),
    ("duplicate", Harm::Twice),
    ("repeat", Harm::Twice),
    ("truncate", Harm::Spoilt),
    // A log line breaks into it.
    ("cut", Harm::Spoilt),
    ("garble", Harm::Spoilt),
    ("oversize", Harm::Spoilt),
    ("wrong-order", Harm::Spoilt),
    ("wrong-type", Harm::Spoilt),
    ("not-found", Harm::HungUp),
];

/// What a fault means for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// The answer is that there is no such endpoint.
    Absent,
    /// The request was handled, and silence follows.
    AnswerLost,
    /// The connection ends, which is also how a device refuses.
    HungUp,
    /// Nothing but time.
    Late,
    /// Silence.
    Lost,
    /// An answer came that is not the answer.
    Spoilt,
    /// The answer or the request came twice. A stream does not do that; a device may.
    Twice,
}

/// A request of a run that looks for an open network, and so scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Version,
    FirstHandshake,
    Proof,
    ScanStart,
    ScanStatus,
    ScanResult,
    /// Of a challenge, by firmware that can.
    Sign,
    /// The user's id, for firmware without challenges.
    SendUser,
    Set,
    Apply,
    Status,
    /// Of challenge-response, on the network.
    Disable,
}

/// Of a device that waits to be provisioned.
const STEPS: [Step; 11] = [
    Step::Version,
    Step::FirstHandshake,
    Step::Proof,
    Step::ScanStart,
    Step::ScanStatus,
    Step::ScanResult,
    Step::Sign,
    Step::SendUser,
    Step::Set,
    Step::Apply,
    Step::Status,
];

/// Of a device that needs an owner only.
const STEPS_ON_NETWORK: [Step; 5] = [
    Step::Version,
    Step::FirstHandshake,
    Step::Proof,
    Step::Sign,
    Step::Disable,
];

impl Step {
    /// The how-manieth request to which endpoint it is. The scan is timed so that the third
    /// question for its status is the last.
    pub(super) fn request(self, on_network: bool) -> (&'static str, u32) {
        match self {
            Self::Version if on_network => ("esp_local_ctrl/version", 1),
            Self::FirstHandshake if on_network => ("esp_local_ctrl/session", 1),
            Self::Proof if on_network => ("esp_local_ctrl/session", 2),
            Self::Version => ("proto-ver", 1),
            Self::FirstHandshake => ("prov-session", 1),
            Self::Proof => ("prov-session", 2),
            Self::ScanStart => ("prov-scan", 1),
            Self::ScanStatus => ("prov-scan", 2),
            Self::ScanResult => ("prov-scan", 5),
            Self::Sign => ("ch_resp", 1),
            Self::SendUser => ("cloud_user_assoc", 1),
            Self::Set => ("prov-config", 1),
            Self::Apply => ("prov-config", 2),
            Self::Status => ("prov-config", 3),
            Self::Disable => ("ch_resp", 2),
        }
    }

    /// The node that has it. The device of any other step has no owner.
    pub(super) fn capability(self) -> Option<&'static str> {
        match self {
            Self::Sign => Some("ch_resp"),
            Self::SendUser => Some("user_assoc"),
            _ => None,
        }
    }
}

/// A scan of 562 ms is over when the client asks for the third time, 600 ms after the first. A
/// device that has joined waits nine seconds for a poll: a loaded computer needs them.
const TIME_SCALE: &str = "0.3";
