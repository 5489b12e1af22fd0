//! Exit codes: what has to change before a retry. `--help` and `docs/reference/exit-codes.md` show this
//! table; the code of each error is in `table`.

use serde::Serialize;
use strum::{EnumMessage, VariantArray};

/// The exit code of the program, with its meaning and the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumMessage, Serialize, VariantArray)]
#[serde(into = "u8")]
pub(crate) enum Exit {
    #[strum(message = "success, confirmed by the device")]
    Done = 0,
    #[strum(message = "an internal error of espctl: report it")]
    Fault = 1,
    #[strum(message = "the command line is invalid: correct it")]
    Usage = 2,
    #[strum(message = "this computer: no adapter, no permission, no port")]
    Host = 3,
    #[strum(message = "no such device in reach: power it, move closer, retry")]
    NoDevice = 4,
    #[strum(
        message = "PoP or password not accepted: do not retry it, five wrong ones lock a device"
    )]
    Secret = 5,
    #[strum(message = "the device rejected the request, misbehaved, hung up or is incompatible")]
    Device = 6,
    #[strum(message = "the cloud is unreachable or rejected the request: retry later")]
    Cloud = 7,
    #[strum(message = "no login, or it has expired: run `espctl login`")]
    Login = 8,
    #[strum(message = "the device could not join the Wi-Fi: correct the network data, retry")]
    Wifi = 9,
    #[strum(message = "credentials applied but not confirmed: check before retrying")]
    Unconfirmed = 10,
    #[strum(message = "interrupted")]
    Interrupted = 130,
}

impl Exit {
    /// All codes, in the order of the table.
    pub(crate) const ALL: &[Self] = Self::VARIANTS;

    /// The number that a script sees.
    #[expect(clippy::as_conversions, reason = "the discriminants are the codes")]
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The meaning of the code and the next step, for the table.
    pub(crate) fn meaning(self) -> &'static str {
        self.get_message().unwrap_or_default()
    }

    /// The table, as `--help` shows it.
    pub(crate) fn table() -> String {
        let rows = Self::ALL
            .iter()
            .map(|exit| format!("\n  {:>3}  {}", exit.code(), exit.meaning()));
        let rows: String = rows.collect();
        format!("Exit codes:{rows}\n\n`espctl explain ID` explains an error.")
    }
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit.code()
    }
}
