//! The flags of a device on a serial line, and the pty that stands for it. Not how either behaves,
//! which is `emulator`'s.

use std::path::PathBuf;

use futures_util::FutureExt as _;

use super::label::Label;
use super::ready::ListenAddress;
use super::{EmulateDevice, Medium, Serve, conflict, first_given, unusable};
use crate::emulator::device::{Firmware, Scenario};
use crate::emulator::fault::FaultKind;
use crate::emulator::listen::console::{self, ConsoleSettings, ConsoleTrouble, Noise};
use crate::report::{ErrorId, Failure};

#[derive(clap::Args, Debug)]
pub(super) struct ConsoleFlags {
    /// Make a symbolic link to the pty that stands for the serial port; it goes at the end.
    #[arg(long, value_name = "PATH")]
    pty_link: Option<PathBuf>,

    /// Speed of the serial line, in bits a second; 0 takes no time [default: 115200].
    #[arg(long, value_name = "N")]
    uart_baud: Option<u32>,

    /// How much of the board's log is on the serial line [default: light].
    #[arg(long, value_enum)]
    noise: Option<NoiseName>,

    /// How the serial console ends its lines: as protocomm writes them, or with another CR before
    /// each LF, as the newline translation of ESP-IDF's console adds it [default: raw].
    #[arg(long, value_enum)]
    console_newlines: Option<Newlines>,

    /// What is wrong with the board on the serial line; can be given again: binary (no text),
    /// boot-log (printed first, with its QR code), hex-after and hex-before (a line of bare digits
    /// beside each reply), no-prompt-after=N, repl (an application's console), resets=N and
    /// unplugged=N (in the middle of that reply), silent. N is the number of an exchange, 2 if it
    /// is left out.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    console_trouble: Vec<ConsoleTrouble>,
}

/// How much of a log, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum NoiseName {
    /// Nothing of it.
    None,
    /// What firmware prints at INFO, and now and then a line of another task.
    Light,
    /// Other tasks print all the time, in the middle of the echo, too.
    Heavy,
}

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Newlines {
    /// LF before the prompt, CR LF around the reply.
    Raw,
    /// CR LF before the prompt, CR CR LF around the reply.
    Translated,
}

impl EmulateDevice {
    /// Flags that other media do not have, and those of others that this has not.
    pub(super) fn check_console(&self) -> Result<(), Failure> {
        let flags = &self.console;
        if self.transport != Medium::Console {
            let given = first_given(&[
                ("--pty-link", flags.pty_link.is_some()),
                ("--uart-baud", flags.uart_baud.is_some()),
                ("--noise", flags.noise.is_some()),
                ("--console-newlines", flags.console_newlines.is_some()),
                ("--console-trouble", !flags.console_trouble.is_empty()),
            ]);
            return given.map_or(Ok(()), |flag| {
                let message = format!("{flag} is about a serial line: --transport console");
                conflict(message)
            });
        }
        if self.port != 0 {
            return conflict("--port is about HTTP, and not about --transport console");
        }
        if self.count > 1 && flags.pty_link.is_some() {
            return conflict("--pty-link is for one device, and --count asks for several");
        }
        let is_of_radio =
            |one: &&Scenario| matches!(one, Scenario::ChannelChange | Scenario::ServiceGone);
        if let Some(scenario) = self.scenario.iter().find(is_of_radio) {
            return conflict(format!(
                "--scenario: {scenario} is about a radio, and a serial line has none"
            ));
        }
        let of_others = |kind: FaultKind| matches!(kind, FaultKind::Att(_) | FaultKind::Status(_));
        if let Some(fault) = self.fault.iter().find(|fault| of_others(fault.kind)) {
            return conflict(format!(
                "--fault {fault}: there is none such on a serial line"
            ));
        }
        Ok(())
    }

    /// Whether its QR code is seen: firmware has none for a console, but a boot log may show that of
    /// its other transport.
    pub(super) fn shows_qr_code(&self) -> bool {
        let troubles = &self.console.console_trouble;
        self.transport != Medium::Console || troubles.contains(&ConsoleTrouble::BootLog)
    }

    /// Opens the serial line of a device.
    pub(super) fn open_console(
        &self,
        name: &str,
        label: &Label,
    ) -> Result<(Serve, ListenAddress), Failure> {
        let flags = &self.console;
        let baud = flags.uart_baud.unwrap_or(USUAL_BAUD);
        let settings = ConsoleSettings {
            baud,
            noise: match flags.noise {
                Some(NoiseName::None) => Noise::None,
                None | Some(NoiseName::Light) => Noise::Light,
                Some(NoiseName::Heavy) => Noise::Heavy,
            },
            dumps_keys: self.firmware() == Firmware::NetworkProvisioning,
            translates_newlines: flags.console_newlines == Some(Newlines::Translated),
            troubles: flags.console_trouble.clone(),
            qr_code: self
                .shows_qr_code()
                .then(|| label.qr_code(name, QR_TRANSPORT)),
        };
        let mut console = console::open(settings).map_err(|error| {
            Failure::new(ErrorId::CannotListen, "no pty for a serial line").cause(&error)
        })?;
        if let Some(link) = &flags.pty_link {
            console
                .link(link)
                .map_err(|error| unusable("--pty-link", link, &error))?;
        }
        let pty = console.path().display().to_string();
        let serve: Serve = Box::new(|device| console.serve(device).boxed_local());
        Ok((serve, ListenAddress::Console { pty, baud }))
    }
}

const USUAL_BAUD: u32 = 115_200;
/// What the QR code of a board names that has a radio as well: the one of RainMaker's default.
pub(super) const QR_TRANSPORT: &str = "ble";
