//! What opens an emulated device, as on a printed label: scheme, PoP or password, user name, QR code.

use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};

use super::args::{EmulateDevice, Medium};
use crate::cli::commands::emulate::failures::conflict;
use crate::emulator::device::Offering;
#[cfg(unix)]
use crate::emulator::listen::console::ConsoleTrouble::BootLog;
use crate::qr::Payload;
use crate::report::Failure;
use crate::secret::Secret;
use crate::security::{DeviceSecret, NonceRule, SecurityScheme};

/// The label of one device.
pub(super) struct Label {
    pub(super) secret: DeviceSecret,
    pub(super) pop: Option<String>,
    pub(super) username: Option<String>,
}

impl Label {
    /// Values of flags, and random ones in place of missing flags.
    pub(super) fn new(args: &EmulateDevice) -> Result<Self, Failure> {
        let (firmware, offering) = (args.firmware, args.offering());
        let rules = firmware.rules();
        let scheme = match args.sec_ver {
            Some(scheme) => scheme,
            None if !rules.announces_scheme || offering.is_on_network() => SecurityScheme::Sec1,
            None => SecurityScheme::Sec2,
        };
        if scheme == SecurityScheme::Sec2 && !rules.announces_scheme {
            return conflict(format!("--sec-ver 2: {firmware} has no Security 2"));
        }
        if args.pop.is_some() && scheme == SecurityScheme::Sec0 {
            return conflict("--pop is not possible with --sec-ver 0, which has no secret");
        }
        let pop = match &args.pop {
            _ if args.no_pop || scheme == SecurityScheme::Sec0 => None,
            Some(pop) => Some(pop.expose().clone()),
            // The default of this service in the firmware; that of local control is a PoP.
            None if offering == Offering::Standalone && scheme == SecurityScheme::Sec1 => None,
            None => Some(random_digits::<4>()),
        };
        if pop.as_deref() == Some("") && !rules.accepts_empty_pop {
            return conflict(format!(
                "--pop: {firmware} does not start with an empty one; use --no-pop"
            ));
        }
        let secret = match (scheme, &pop) {
            (SecurityScheme::Sec0, _) => DeviceSecret::Sec0,
            (SecurityScheme::Sec1, pop) => DeviceSecret::Sec1 {
                pop: pop.clone().map(Secret::new),
            },
            (SecurityScheme::Sec2, Some(password)) => {
                let usual = u8::from(rules.counts_attempts);
                let nonce = match args.sec_patch_ver.unwrap_or(usual) {
                    0 => NonceRule::Fixed,
                    _ => NonceRule::Counter,
                };
                let password = Secret::new(password.clone());
                DeviceSecret::sec2(&args.username, &password, nonce, &mut UnwrapErr(SysRng))
            }
            (SecurityScheme::Sec2, None) => {
                return conflict("--no-pop is not possible with --sec-ver 2: it needs a password");
            }
        };
        let username = (scheme == SecurityScheme::Sec2).then(|| args.username.to_string());
        Ok(Self {
            secret,
            pop,
            username,
        })
    }

    /// The payload of its QR code. Firmware on a network has none; on a serial line it shows only the
    /// one of its radio, in the boot log.
    pub(super) fn qr_code(&self, args: &EmulateDevice, name: &str) -> Option<String> {
        let transport = match args.transport {
            Medium::OnNetwork => return None,
            #[cfg(unix)]
            Medium::Console if args.console.console_trouble.contains(&BootLog) => Medium::Ble,
            Medium::Console => return None,
            medium => medium,
        };
        let payload = Payload {
            name: Some(name.to_owned()),
            username: self.username.clone(),
            pop: self.pop.clone().map(Secret::new),
            transport: Some(transport.to_string()),
            ..Payload::default()
        };
        Some(payload.to_json().expose().clone())
    }
}

/// So many random bytes, as hexadecimal digits.
pub(super) fn random_digits<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    hex::encode(bytes)
}
