//! From a target to a session: connect, read the version document once, select scheme and
//! credentials, do the handshake. A PoP or password is tried once, because devices count wrong ones
//! and lock.
//!
//! The rules that select the scheme are described in `docs/concepts/security-schemes.md`.

mod plan;

use std::sync::Arc;

use getrandom::SysRng;
use rand_core::UnwrapErr;

use self::plan::{Plan, PopRequirement, find_pop_requirement, make_plan};
use super::request::Access;
use super::select;
use super::target::Target;
use super::{Event, FlowError, FlowStep, Question, Run, SchemeSource, Warning};
use crate::endpoint::version::Version;
use crate::proto::Service;
use crate::provisioner::{self, ProvisionError, Provisioner};
use crate::secret::Secret;
use crate::security::{
    Credentials, SecurityError, SecurityScheme, VerifierForm, inner_hash_is_ambiguous,
};
use crate::session::{Connection, HandshakePermit, Keys, Secured, SessionError};
use crate::transport::{Candidate, Hints, Route, TransportError};

/// A connected device whose version document was read.
#[derive(Debug)]
pub struct OpenedDevice {
    /// The connection, without keys.
    pub connection: Connection,
    /// The version document; empty if the device has no version endpoint.
    pub version: Version,
    /// The device's announcement.
    pub hints: Hints,
    /// How to reconnect if contact is lost.
    pub route: Option<Route>,
    /// The permit for the handshake.
    pub permit: HandshakePermit,
}

/// A connected device, by protocol.
#[derive(Debug)]
pub enum Connected {
    /// Needs a handshake.
    Protocomm(Box<OpenedDevice>),
    /// Accepts network credentials without a handshake.
    Ready(Box<dyn Provisioner>),
}

/// Finds the device and opens a protocomm connection to it. A device with another protocol is an
/// error.
pub async fn find_and_open(run: &Run, target: &Target) -> Result<OpenedDevice, FlowError> {
    match find_and_connect(run, target).await? {
        Connected::Protocomm(opened) => Ok(*opened),
        Connected::Ready(mut device) => {
            device.close().await;
            let error = ProvisionError::unsupported("open a protocomm session");
            Err(FlowError::of_provisioner(FlowStep::Connecting)(error))
        }
    }
}

/// Finds the device and connects to it.
pub(super) async fn find_and_connect(run: &Run, target: &Target) -> Result<Connected, FlowError> {
    let candidate = select::select_device(run, target).await?;
    connect(run, target, candidate).await
}

/// Connects to a selected device and, over protocomm, reads its version document.
async fn connect(run: &Run, target: &Target, candidate: Candidate) -> Result<Connected, FlowError> {
    let mut protocols = target.protocols.iter();
    let protocol = protocols.find(|protocol| protocol.recognizes(&candidate));
    let protocol = protocol.ok_or(FlowError::UnknownProtocol)?;
    let same_device = Target {
        address: Some(candidate.address.clone()),
        ..target.clone()
    };
    let route = Route {
        driver: Arc::clone(&target.driver),
        search: same_device.search(run.timing.search),
        transcript: target.transcript.clone(),
    };
    let address = candidate.address.to_string();
    let permit = run.handshakes.begin().await;
    let opening = target
        .driver
        .open(&candidate, &target.options, &run.timing.limits);
    let opened = opening.await;
    select::report_host_changes(run, &candidate.changes);
    let prepared = protocol.open(opened?, &candidate).await;
    // The protocol may have opened the link again.
    select::report_host_changes(run, &candidate.changes);
    let prepared = prepared?;
    run.report(&Event::Connected { address });

    let connection = match prepared {
        provisioner::Opened::Connection(connection) => connection,
        provisioner::Opened::Ready(device) => return Ok(Connected::Ready(device)),
    };
    let mut connection = connection.recorded(target.transcript.clone());
    // Without a version document, the scheme is probed.
    let version = read_version_document(&mut connection).await?;
    let version = version.unwrap_or_default();
    run.report(&Event::VersionRead {
        version: version.clone(),
    });
    Ok(Connected::Protocomm(Box::new(OpenedDevice {
        connection,
        version,
        hints: candidate.hints,
        route: Some(route),
        permit,
    })))
}

/// Reads the version document; `None` if the device has no version endpoint.
pub(super) async fn read_version_document(
    connection: &mut Connection,
) -> Result<Option<Version>, FlowError> {
    match connection.version().await {
        Ok(version) => Ok(Some(version)),
        Err(SessionError::Transport(error)) if error.may_be_missing_endpoint() => Ok(None),
        Err(source) => Err(FlowError::of_session(FlowStep::ReadingVersion)(source)),
    }
}

/// Reads a device's version document and closes the connection. Unlike before a session, a device
/// without a version document is an error.
pub async fn read_version(run: &Run, target: &Target) -> Result<Version, FlowError> {
    let OpenedDevice {
        mut connection,
        version,
        ..
    } = find_and_open(run, target).await?;
    let session_error = FlowError::of_session(FlowStep::ReadingVersion);
    connection.close().await.map_err(&session_error)?;
    if version == Version::default() {
        let endpoint = connection.service().version_endpoint();
        return Err(session_error(
            TransportError::NoSuchEndpoint { endpoint }.into(),
        ));
    }
    Ok(version)
}

/// Does the handshake with an opened device.
pub async fn start_session(
    run: &Run,
    opened: OpenedDevice,
    access: &Access,
) -> Result<Secured, FlowError> {
    let OpenedDevice {
        mut connection,
        version,
        hints,
        route,
        mut permit,
    } = opened;
    let service = connection.service();
    let Plan {
        mut scheme,
        mut fallbacks,
        mut source,
    } = make_plan(access, service, &version, &hints)?;
    let session_error = FlowError::of_session(FlowStep::Securing);
    // A secret that the user typed for one scheme is also used for the next.
    let mut access = access.clone();
    let mut has_asked_for_pop = false;
    loop {
        // Checked before the user is asked for a secret.
        if !connection.carries(scheme) {
            let too_long = TransportError::TooLong {
                endpoint: service.session_endpoint(),
                bytes: scheme.longest_message(),
            };
            return Err(session_error(too_long.into()));
        }
        let requirement = find_pop_requirement(service, &version);
        let credentials =
            select_credentials(run, &mut permit, scheme, &mut access, requirement).await?;
        // No PoP was given, and the device did not announce whether it needs one.
        let is_pop_guessed = requirement == PopRequirement::Unknown
            && scheme == SecurityScheme::Sec1
            && matches!(credentials, Credentials::None);
        if source != SchemeSource::Probed && !has_asked_for_pop {
            run.report(&Event::SchemeChosen { scheme, source });
        }
        let agreed =
            handshake_with_fallbacks(run, &mut connection, &permit, scheme, credentials, &access)
                .await;
        let error = match agreed {
            Ok((keys, credentials)) => {
                if source == SchemeSource::Probed {
                    run.report(&Event::SchemeChosen { scheme, source });
                }
                run.report(&Event::Secured { scheme });
                if scheme == SecurityScheme::Sec0 {
                    run.warn(Warning::NoSecurity, describe_no_security(service));
                }
                return Ok(Secured {
                    session: connection.into_session(keys),
                    scheme,
                    version,
                    credentials,
                    route,
                });
            }
            Err(error) => error,
        };
        if is_scheme_mismatch(&error)
            && let Some(next) = fallbacks.pop()
        {
            // Firmware does not count a wrong scheme as a wrong secret (`security1.c`,
            // `security2.c`), so probing is safe.
            scheme = next;
            source = SchemeSource::Probed;
        } else if is_pop_guessed && is_wrong_secret(&error) {
            access.pop = Some(permit.release_during(run.require(Question::Pop)).await?);
            has_asked_for_pop = true;
        } else {
            return Err(session_error(error));
        }
    }
}

/// Selects the secret for a scheme, or asks for it. Meanwhile other devices can use the permit.
async fn select_credentials(
    run: &Run,
    permit: &mut HandshakePermit,
    scheme: SecurityScheme,
    access: &mut Access,
    requirement: PopRequirement,
) -> Result<Credentials, FlowError> {
    match scheme {
        SecurityScheme::Sec0 => Ok(Credentials::None),
        SecurityScheme::Sec1 => {
            let is_given = |pop: &Secret<String>| !pop.expose().is_empty();
            let pop = match &access.pop {
                // An attacker in between could announce this. A user who gives a PoP expects the
                // device to prove that it knows it.
                Some(pop) if requirement == PopRequirement::AnnouncedNone && is_given(pop) => {
                    return Err(FlowError::AnnouncedNoPop);
                }
                Some(pop) => pop.clone(),
                None if requirement != PopRequirement::Some => return Ok(Credentials::None),
                None => permit.release_during(run.require(Question::Pop)).await?,
            };
            access.pop = Some(pop.clone());
            Ok(Credentials::Pop(pop))
        }
        SecurityScheme::Sec2 => {
            let given = [&access.password, &access.pop, &access.label_password];
            let mut given = given.into_iter().flatten();
            let password = match given.find(|secret| !secret.expose().is_empty()) {
                Some(password) => password.clone(),
                None => {
                    permit
                        .release_during(run.require(Question::Password))
                        .await?
                }
            };
            let username = access.username.as_deref().unwrap_or(DEFAULT_USERNAME);
            Ok(Credentials::UserPassword {
                username: username.to_owned(),
                password,
                verifier: VerifierForm::Standard,
            })
        }
    }
}

/// The risk of a session without keys.
const fn describe_no_security(service: Service) -> &'static str {
    match service {
        Service::LocalControl => "Security 0: anyone on the network can read and change this",
        Service::Provisioning => {
            "Security 0: anyone who listens can read everything, including the passphrase"
        }
    }
}

/// Does a handshake; with `sec2_compat`, another one for each form in which broken firmware may have
/// stored the verifier of this password.
async fn handshake_with_fallbacks(
    run: &Run,
    connection: &mut Connection,
    permit: &HandshakePermit,
    scheme: SecurityScheme,
    mut credentials: Credentials,
    access: &Access,
) -> Result<(Keys, Credentials), SessionError> {
    let rng = UnwrapErr(SysRng);
    let error = match connection.agree(scheme, &credentials, rng, permit).await {
        Ok(keys) => return Ok((keys, credentials)),
        Err(error) => error,
    };
    let forms = match &credentials {
        Credentials::UserPassword {
            username, password, ..
        } if access.sec2_compat && is_wrong_secret(&error) => {
            let is_ambiguous = inner_hash_is_ambiguous(username, password);
            let stripped = is_ambiguous.then_some(VerifierForm::StrippedInnerHash);
            [Some(VerifierForm::ShortSalt), stripped]
        }
        _ => [None, None],
    };
    for form in forms.into_iter().flatten() {
        if let Credentials::UserPassword { verifier, .. } = &mut credentials {
            *verifier = form;
        }
        let message = "the device rejected the password; trying it in another form, \
                       which counts as one more wrong try";
        run.warn(Warning::Sec2Compat, message);
        match connection.agree(scheme, &credentials, rng, permit).await {
            Ok(keys) => return Ok((keys, credentials)),
            Err(error) if is_wrong_secret(&error) => {}
            Err(_) => break,
        }
    }
    // The first error is the relevant one: the device rejected the password.
    Err(error)
}

fn is_wrong_secret(error: &SessionError) -> bool {
    matches!(
        error,
        SessionError::HandshakeRefused {
            means: SecurityError::CredentialsMismatch { .. },
            ..
        }
    )
}

fn is_scheme_mismatch(error: &SessionError) -> bool {
    matches!(
        error,
        SessionError::HandshakeRefused {
            means: SecurityError::PeerIncompatible { .. },
            ..
        } | SessionError::Security(SecurityError::PeerIncompatible { .. })
    )
}

/// The user name of RainMaker firmware and of Espressif's examples.
const DEFAULT_USERNAME: &str = "wifiprov";

#[cfg(test)]
mod tests;
