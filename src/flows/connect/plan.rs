//! What to speak with a device: which scheme first and which then, and whether it needs a PoP. The
//! device's own word decides; an announcement orders what is tried.

use crate::endpoint::version::Version;
use crate::flows::request::Access;
use crate::flows::{FlowError, SchemeSource};
use crate::proto::Service;
use crate::security::SecurityScheme;
use crate::transport::Hints;

/// Which scheme to speak, and which when the device does not, the last one first.
pub(super) struct Plan {
    pub(super) scheme: SecurityScheme,
    pub(super) otherwise: Vec<SecurityScheme>,
    pub(super) source: SchemeSource,
}

pub(super) fn plan(
    access: &Access,
    service: Service,
    version: &Version,
    hints: &Hints,
) -> Result<Plan, FlowError> {
    // Whoever stands in between can announce plaintext; nobody gives a secret to use none.
    let given = [&access.pop, &access.password];
    let secret = given
        .into_iter()
        .flatten()
        .any(|one| !one.expose().is_empty());
    if let Some(scheme) = access.scheme {
        return Ok(Plan {
            scheme,
            otherwise: Vec::new(),
            source: SchemeSource::Asked,
        });
    }
    let hinted = hints.sec_version.and_then(SecurityScheme::from_number);
    let Some(number) = version.sec_ver else {
        // The network's word only says what to try first.
        if hinted == Some(SecurityScheme::Sec0) && secret {
            return Err(FlowError::AnnouncedNoSecurity);
        }
        // What needs a password is tried last where none was given, before anybody is asked for one.
        let hinted = hinted.filter(|scheme| secret || *scheme != SecurityScheme::Sec2);
        let mut otherwise = vec![SecurityScheme::Sec2];
        // There nothing is sent that would need protection, and a password need not be asked for.
        if service == Service::LocalControl && !secret {
            otherwise.push(SecurityScheme::Sec0);
        }
        otherwise.push(SecurityScheme::Sec1);
        otherwise.retain(|scheme| Some(*scheme) != hinted);
        let (scheme, source) = match (hinted, otherwise.pop()) {
            (Some(scheme), last) => {
                otherwise.extend(last);
                (scheme, SchemeSource::Announced)
            }
            (None, Some(scheme)) => (scheme, SchemeSource::Probed),
            (None, None) => (SecurityScheme::Sec1, SchemeSource::Probed),
        };
        return Ok(Plan {
            scheme,
            otherwise,
            source,
        });
    };
    let scheme = SecurityScheme::from_number(number).ok_or(FlowError::UnknownScheme { number })?;
    if scheme == SecurityScheme::Sec0 && secret {
        return Err(FlowError::AnnouncedNoSecurity);
    }
    Ok(Plan {
        scheme,
        otherwise: Vec::new(),
        source: SchemeSource::Announced,
    })
}

/// Whether Security 1 needs a PoP.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PopRequirement {
    /// The device itself says that it does not.
    AnnouncedNone,
    /// Nothing that could be believed says anything.
    Unknown,
    /// It does.
    Some,
}

/// The provisioning manager always says; a device on the network has it in its announcement, if
/// anywhere, which anybody could have made.
pub(super) fn pop_requirement(service: Service, version: &Version) -> PopRequirement {
    match service {
        Service::Provisioning if version.sec_ver == Some(1) => match version.pop_required {
            Some(false) => PopRequirement::AnnouncedNone,
            Some(true) | None => PopRequirement::Some,
        },
        Service::Provisioning => PopRequirement::Some,
        // No lock-out there, so that trying without costs nothing; and firmware announces that an
        // empty PoP is required, too.
        Service::LocalControl => PopRequirement::Unknown,
    }
}
