//! From a target to a session: open a path, read the version document once, choose scheme and
//! credentials, agree keys. A PoP or password is tried once: devices count wrong ones and lock.
//!
//! The order of rules for the scheme is that of the reference clients' union, see
//! `docs/concepts/security-schemes.md`.

mod plan;

use std::sync::Arc;

use getrandom::SysRng;
use rand_core::UnwrapErr;

use self::plan::{Plan, PopRequirement, plan, pop_requirement};
use super::find;
use super::request::Access;
use super::target::Target;
use super::{Event, FlowError, FlowStep, Question, Run, SchemeSource, Warning};
use crate::endpoint::version::Version;
use crate::proto::Service;
use crate::provisioner::{self, ProvisionError, Provisioner};
use crate::security::{
    Credentials, SecurityError, SecurityScheme, VerifierForm, inner_hash_is_ambiguous,
};
use crate::session::{Connection, HandshakePermit, Keys, Secured, SessionError};
use crate::transport::{Candidate, Hints, Route, TransportError};

/// A device that said what it is.
#[derive(Debug)]
pub struct Opened {
    /// Before any keys.
    pub connection: Connection,
    /// What it said; empty when it has no version endpoint.
    pub version: Version,
    /// What it announced before anybody asked.
    pub hints: Hints,
    /// The way back to it, should it be lost.
    pub route: Option<Route>,
    /// The right to the handshake that follows.
    pub permit: HandshakePermit,
}

/// A connected device, by what has to follow.
#[derive(Debug)]
pub enum Connected {
    /// Keys have to be agreed.
    Protocomm(Box<Opened>),
    /// Nothing.
    Ready(Box<dyn Provisioner>),
}

/// Finds the device and opens a protocomm connection to it. A device that speaks another protocol is
/// an error.
pub async fn open(run: &Run, target: &Target) -> Result<Opened, FlowError> {
    let candidate = find::find_device(run, target).await?;
    match connect(run, target, candidate).await? {
        Connected::Protocomm(opened) => Ok(*opened),
        Connected::Ready(mut device) => {
            if let Err(error) = device.close().await {
                tracing::debug!(%error, "closing");
            }
            let what = "open a protocomm session";
            let source = ProvisionError::Unsupported { what };
            let step = FlowStep::Connecting;
            Err(FlowError::Protocol { step, source })
        }
    }
}

/// Connects to a device that was selected and, over protocomm, reads its version document.
pub(super) async fn connect(
    run: &Run,
    target: &Target,
    candidate: Candidate,
) -> Result<Connected, FlowError> {
    let mut protocols = target.protocols.iter();
    let protocol = protocols.find(|protocol| protocol.recognizes(&candidate));
    let protocol = protocol.ok_or(FlowError::UnknownProtocol)?;
    let found = Target {
        address: Some(candidate.address.clone()),
        ..target.clone()
    };
    let route = Route {
        driver: Arc::clone(&target.driver),
        medium: target.medium,
        search: found.search(run.pace.search),
        transcript: target.transcript.clone(),
    };
    let address = candidate.address.to_string();
    let permit = run.handshakes.begin().await;
    let opening = target
        .driver
        .open(&candidate, &target.options, &run.pace.limits);
    let opened = opening.await;
    find::report_host_changes(run, &candidate.changes);
    let prepared = protocol.open(opened?, &candidate).await;
    // Preparing a link may have to open it anew.
    find::report_host_changes(run, &candidate.changes);
    let prepared = prepared?;
    run.report(&Event::Connected { address });

    let connection = match prepared {
        provisioner::Opened::Connection(connection) => connection,
        provisioner::Opened::Ready(device) => return Ok(Connected::Ready(device)),
    };
    let mut connection = connection.recorded(target.transcript.clone());
    let version = match connection.version().await {
        Ok(version) => version,
        // Nothing announced: the scheme will be probed.
        Err(SessionError::Transport(error)) if error.may_be_missing_endpoint() => {
            Version::default()
        }
        Err(source) => {
            return Err(FlowError::Session {
                step: FlowStep::ReadingVersion,
                source,
            });
        }
    };
    run.report(&Event::VersionRead {
        version: version.clone(),
    });
    Ok(Connected::Protocomm(Box::new(Opened {
        connection,
        version,
        hints: candidate.hints,
        route: Some(route),
        permit,
    })))
}

/// Reads what a device says about itself, and leaves. Here, unlike before a session, a device
/// without a version document is an error.
pub async fn identify(run: &Run, target: &Target) -> Result<Version, FlowError> {
    let Opened {
        mut connection,
        version,
        ..
    } = open(run, target).await?;
    let reading = |source| FlowError::Session {
        step: FlowStep::ReadingVersion,
        source,
    };
    let endpoint = connection.service().version_endpoint();
    connection.close().await.map_err(reading)?;
    if version == Version::default() {
        return Err(reading(TransportError::NoSuchEndpoint { endpoint }.into()));
    }
    Ok(version)
}

/// Agrees keys with an opened device.
pub async fn secure(run: &Run, opened: Opened, access: &Access) -> Result<Secured, FlowError> {
    let Opened {
        mut connection,
        version,
        hints,
        route,
        permit,
    } = opened;
    let service = connection.service();
    let Plan {
        mut scheme,
        mut otherwise,
        mut source,
    } = plan(access, service, &version, &hints)?;
    // What was asked for one scheme serves the next, too.
    let mut access = access.clone();
    let mut asked_again = false;
    loop {
        // Before anybody is asked for a secret.
        if !connection.carries(scheme) {
            return Err(FlowError::Session {
                step: FlowStep::Securing,
                source: SessionError::from(TransportError::TooLong {
                    endpoint: service.session_endpoint(),
                    bytes: scheme.longest_message(),
                }),
            });
        }
        let requirement = pop_requirement(service, &version);
        let credentials = credentials(run, scheme, &mut access, requirement).await?;
        // Nothing was given, and nothing said that something is needed.
        let guessed = requirement == PopRequirement::Unknown
            && scheme == SecurityScheme::Sec1
            && matches!(credentials, Credentials::None);
        if source != SchemeSource::Probed && !asked_again {
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
                    run.report(&Event::Warned {
                        id: Warning::NoSecurity,
                        message: no_security(service).to_owned(),
                    });
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
            && let Some(next) = otherwise.pop()
        {
            // Another scheme is no strike (`security1.c`, `security2.c`), so probing is free.
            scheme = next;
            source = SchemeSource::Probed;
        } else if guessed && is_wrong_secret(&error) {
            access.pop = run.ask(&Question::Pop).await;
            if access.pop.is_none() {
                return Err(FlowError::MissingInput(Question::Pop));
            }
            asked_again = true;
        } else {
            return Err(FlowError::Session {
                step: FlowStep::Securing,
                source: error,
            });
        }
    }
}

async fn credentials(
    run: &Run,
    scheme: SecurityScheme,
    access: &mut Access,
    requirement: PopRequirement,
) -> Result<Credentials, FlowError> {
    match scheme {
        SecurityScheme::Sec0 => Ok(Credentials::None),
        SecurityScheme::Sec1 => {
            match &access.pop {
                // Whoever stands in between can announce this; nobody gives a PoP to prove
                // nothing.
                Some(pop)
                    if requirement == PopRequirement::AnnouncedNone && !pop.expose().is_empty() =>
                {
                    Err(FlowError::AnnouncedNoPop)
                }
                Some(pop) => Ok(Credentials::Pop(pop.clone())),
                None if requirement != PopRequirement::Some => Ok(Credentials::None),
                None => {
                    access.pop = run.ask(&Question::Pop).await;
                    let pop = access.pop.clone().map(Credentials::Pop);
                    pop.ok_or(FlowError::MissingInput(Question::Pop))
                }
            }
        }
        SecurityScheme::Sec2 => {
            let given = [&access.password, &access.pop, &access.label_password];
            let password = match given
                .into_iter()
                .flatten()
                .find(|one| !one.expose().is_empty())
            {
                Some(password) => password.clone(),
                None => run
                    .ask(&Question::Password)
                    .await
                    .ok_or(FlowError::MissingInput(Question::Password))?,
            };
            let username = access
                .username
                .clone()
                .unwrap_or_else(|| DEFAULT_USERNAME.to_owned());
            Ok(Credentials::UserPassword {
                username,
                password,
                verifier: VerifierForm::Standard,
            })
        }
    }
}

/// What a session without keys means, where that is.
const fn no_security(service: Service) -> &'static str {
    match service {
        Service::LocalControl => "Security 0: anybody on the network can read and change this",
        Service::Provisioning => {
            "Security 0: whoever listens reads everything, the passphrase included"
        }
    }
}

/// One handshake; with `sec2_compat`, one more for each broken verifier form that could apply.
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
    if access.sec2_compat && is_wrong_secret(&error) {
        for form in other_forms(&credentials) {
            if let Credentials::UserPassword { verifier, .. } = &mut credentials {
                *verifier = form;
            }
            run.report(&Event::Warned {
                id: Warning::Sec2Compat,
                message: "the password was refused; trying it in another form, \
                          which counts as one more wrong try"
                    .to_owned(),
            });
            match connection.agree(scheme, &credentials, rng, permit).await {
                Ok(keys) => return Ok((keys, credentials)),
                Err(error) if is_wrong_secret(&error) => {}
                Err(_) => break,
            }
        }
    }
    // Whatever a further try met, it is the password that was refused first.
    Err(error)
}

/// The verifier forms beside the standard one that this secret can have.
fn other_forms(credentials: &Credentials) -> Vec<VerifierForm> {
    match credentials {
        Credentials::UserPassword {
            username, password, ..
        } => {
            let mut forms = vec![VerifierForm::ShortSalt];
            if inner_hash_is_ambiguous(username, password) {
                forms.push(VerifierForm::StrippedInnerHash);
            }
            forms
        }
        Credentials::None | Credentials::Pop(_) => Vec::new(),
    }
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
