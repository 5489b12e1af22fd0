//! Plans a handshake: which schemes to try, in which order, and whether the device needs a PoP. The
//! device's version document decides; its announcement only sets the order.

use crate::endpoint::version::Version;
use crate::flows::request::Access;
use crate::flows::{FlowError, SchemeSource};
use crate::proto::Service;
use crate::security::SecurityScheme;
use crate::transport::Hints;

/// The security schemes to try.
pub(super) struct Plan {
    pub(super) scheme: SecurityScheme,
    /// The schemes to try if the device does not support that one, the last one first.
    pub(super) fallbacks: Vec<SecurityScheme>,
    pub(super) source: SchemeSource,
}

pub(super) fn make_plan(
    access: &Access,
    service: Service,
    version: &Version,
    hints: &Hints,
) -> Result<Plan, FlowError> {
    let without_fallbacks = |scheme, source| Plan {
        scheme,
        fallbacks: Vec::new(),
        source,
    };
    if let Some(scheme) = access.scheme {
        return Ok(without_fallbacks(scheme, SchemeSource::Requested));
    }
    let announced = match version.sec_ver {
        Some(number) => {
            let scheme = SecurityScheme::from_number(number);
            Some(scheme.ok_or(FlowError::UnknownScheme(number))?)
        }
        None => hints.sec_version.and_then(SecurityScheme::from_number),
    };
    // An attacker in between could announce plaintext. A user who gives a secret expects encryption.
    let given = [&access.pop, &access.password];
    let mut given = given.into_iter().flatten();
    let has_secret = given.any(|secret| !secret.expose().is_empty());
    if announced == Some(SecurityScheme::Sec0) && has_secret {
        return Err(FlowError::AnnouncedNoSecurity);
    }
    if let (Some(scheme), Some(_)) = (announced, version.sec_ver) {
        return Ok(without_fallbacks(scheme, SchemeSource::Announced));
    }
    // Without a secret, Security 2 is tried last, so that the user types a password only if needed.
    let hinted = announced.filter(|scheme| has_secret || *scheme != SecurityScheme::Sec2);
    let (scheme, source) = match hinted {
        Some(hinted) => (hinted, SchemeSource::Announced),
        None => (SecurityScheme::Sec1, SchemeSource::Probed),
    };
    let mut fallbacks = vec![SecurityScheme::Sec2];
    // Local control sends nothing that needs protection, so plaintext is tried before a password.
    if service == Service::LocalControl && !has_secret {
        fallbacks.push(SecurityScheme::Sec0);
    }
    fallbacks.push(SecurityScheme::Sec1);
    fallbacks.retain(|fallback| *fallback != scheme);
    Ok(Plan {
        scheme,
        fallbacks,
        source,
    })
}

/// Whether Security 1 needs a PoP.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PopRequirement {
    /// The version document states that the device needs none.
    AnnouncedNone,
    /// No trustworthy source states it.
    Unknown,
    /// The device needs one.
    Some,
}

/// The provisioning manager always states it in the version document. A device on the network states
/// it in its announcement, if at all, which any device can forge.
pub(super) fn find_pop_requirement(service: Service, version: &Version) -> PopRequirement {
    match service {
        Service::Provisioning if version.sec_ver == Some(1) => match version.pop_required {
            Some(false) => PopRequirement::AnnouncedNone,
            Some(true) | None => PopRequirement::Some,
        },
        Service::Provisioning => PopRequirement::Some,
        // Local control has no lockout, so a try without a PoP is safe. Firmware with an empty PoP
        // also announces that it requires one.
        Service::LocalControl => PopRequirement::Unknown,
    }
}
