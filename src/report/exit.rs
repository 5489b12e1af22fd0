//! Exit codes: what has to change before a retry. `--help` and `docs/reference/exit-codes.md` show this
//! table; the code of each error is in `table`.

/// The exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success.
    Done,
    /// An internal error.
    Fault,
    /// An invalid command line.
    Usage,
    /// A problem of this computer.
    Host,
    /// No such device in reach.
    NoDevice,
    /// The device rejected a secret.
    Secret,
    /// A problem of the device.
    Device,
    /// A problem of the cloud.
    Cloud,
    /// No login, or an expired one.
    Login,
    /// The device could not join the network.
    Wifi,
    /// The device may have joined, but did not confirm it.
    Unconfirmed,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// All codes, in the order of the table.
    pub(crate) const ALL: [Self; 12] = [
        Self::Done,
        Self::Fault,
        Self::Usage,
        Self::Host,
        Self::NoDevice,
        Self::Secret,
        Self::Device,
        Self::Cloud,
        Self::Login,
        Self::Wifi,
        Self::Unconfirmed,
        Self::Interrupted,
    ];

    /// The number that a script sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Fault => 1,
            Self::Usage => 2,
            Self::Host => 3,
            Self::NoDevice => 4,
            Self::Secret => 5,
            Self::Device => 6,
            Self::Cloud => 7,
            Self::Login => 8,
            Self::Wifi => 9,
            Self::Unconfirmed => 10,
            Self::Interrupted => 130,
        }
    }

    /// The meaning of the code and the next step, for the table.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "success, confirmed by the device",
            Self::Fault => "an internal error of espctl: report it",
            Self::Usage => "the command line is invalid: correct it",
            Self::Host => "this computer: no adapter, no permission, no port",
            Self::NoDevice => "no such device in reach: power it, move closer, retry",
            Self::Secret => {
                "PoP or password not accepted: do not retry it, five wrong ones lock a device"
            }
            Self::Device => {
                "the device rejected the request, misbehaved, hung up or is incompatible"
            }
            Self::Cloud => "the cloud is unreachable or rejected the request: retry later",
            Self::Login => "no login, or it has expired: run `espctl login`",
            Self::Wifi => "the device could not join the Wi-Fi: correct the network data, retry",
            Self::Unconfirmed => "credentials applied but not confirmed: check before retrying",
            Self::Interrupted => "interrupted",
        }
    }

    /// The table, as `--help` shows it.
    pub(crate) fn table() -> String {
        let table = Self::ALL
            .iter()
            .fold("Exit codes:".to_owned(), |table, exit| {
                format!("{table}\n  {:>3}  {}", exit.code(), exit.meaning())
            });
        table + "\n\n`espctl explain ID` explains an error."
    }
}
