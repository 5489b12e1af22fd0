//! What opens an emulated device, as a label on it would say: scheme, PoP or password, user name,
//! QR code. Not where it is, which its first line adds.

use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};

use super::{EmulateDevice, conflict};
use crate::emulator::device::Offering;
use crate::qr::Payload;
use crate::report::Failure;
use crate::secret::Secret;
use crate::security::{DeviceSecret, NonceRule, SecurityScheme};

/// A label.
pub(super) struct Label {
    pub(super) secret: DeviceSecret,
    pub(super) pop: Option<String>,
    pub(super) username: Option<String>,
}

impl Label {
    /// As the flags have it; what they leave open is drawn.
    pub(super) fn new(args: &EmulateDevice, rng: &mut UnwrapErr<SysRng>) -> Result<Self, Failure> {
        let (firmware, offering) = (args.firmware(), args.offering());
        let rules = firmware.rules();
        let has_sec2_by_default = rules.announces_scheme && !offering.is_on_network();
        let scheme = args.sec_ver.unwrap_or(if has_sec2_by_default {
            SecurityScheme::Sec2
        } else {
            SecurityScheme::Sec1
        });
        if scheme == SecurityScheme::Sec2 && !rules.announces_scheme {
            return conflict(format!("--sec-ver 2: {firmware} has no Security 2"));
        }
        if args.pop.is_some() && scheme == SecurityScheme::Sec0 {
            return conflict("--pop is not possible with --sec-ver 0, which has no secret");
        }
        let pop = match &args.pop {
            _ if args.no_pop || scheme == SecurityScheme::Sec0 => None,
            Some(pop) => Some(pop.expose().clone()),
            // What its configuration leaves out, and local control's does not.
            None if offering == Offering::Standalone && scheme == SecurityScheme::Sec1 => None,
            None => Some(random_digits::<4>(rng)),
        };
        if pop.as_deref() == Some("") && !rules.takes_empty_pop {
            return conflict(format!(
                "--pop: an empty one keeps {firmware} from starting; --no-pop is none at all"
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
                DeviceSecret::sec2(&args.username, &Secret::new(password.clone()), nonce, rng)
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

    /// What its QR code holds.
    pub(super) fn qr_code(&self, name: &str, transport: &'static str) -> String {
        let payload = Payload {
            name: Some(name.to_owned()),
            username: self.username.clone(),
            pop: self.pop.clone().map(Secret::new),
            transport: Some(transport.to_owned()),
            ..Payload::default()
        };
        payload.to_json().expose().clone()
    }
}

pub(super) fn random_digits<const BYTES: usize>(rng: &mut UnwrapErr<SysRng>) -> String {
    let mut bytes = [0; BYTES];
    rng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}
