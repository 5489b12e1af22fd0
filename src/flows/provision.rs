//! The host's half of the provisioning manager: connect, map to the account, give Wi-Fi, see it
//! joined. The order of the whole run is here; each step is a flow of its own.
//!
//! Everything that a person can still get wrong is settled before the device is changed: which
//! network, which passphrase. Then it is mapped, then it is told to join.

use super::connect::{self, Connected, Opened};
use super::device::Device;
use super::find;
use super::join::{Joined, Joining};
use super::map::{CLAIMING, MappedNode, Mapping, Progress};
use super::mapping_method::MappingMethod;
use super::request::ProvisionRequest;
use super::wifi::{self, NetworkSelection};
use super::{
    Completed, CredentialState, Event, FlowError, FlowStep, Run, Stage, StopReason, Warning,
};
use crate::endpoint::version::Version;
use crate::security::SecurityScheme;

/// What was done, and seen to be done.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The scheme of the session; `None` for a device without sessions.
    pub scheme: Option<SecurityScheme>,
    /// The node in the account.
    pub node: Option<MappedNode>,
    /// The network that it joined.
    pub joined: Option<Joined>,
}

/// Runs the whole of it.
pub async fn provision(run: &Run, request: &ProvisionRequest) -> Result<Outcome, FlowError> {
    let mut mapping = match &request.owner {
        None => None,
        Some(owner) => {
            let preparing = Mapping::prepare(run, owner, request.device.target.medium);
            Some(run.or(FlowStep::FetchingChallenge, preparing).await?)
        }
    };
    let target = &request.device.target;
    let selecting = find::find_device(run, target);
    let candidate = run.or(FlowStep::Connecting, selecting).await?;
    let connecting = connect::connect(run, target, candidate);
    let (mut device, way) = match run.or(FlowStep::Connecting, connecting).await? {
        Connected::Protocomm(opened) => secure(run, request, &mut mapping, *opened).await?,
        Connected::Ready(mut device) if mapping.is_some() => {
            if let Err(error) = device.close().await {
                tracing::debug!(%error, "closing");
            }
            return Err(FlowError::NoMapping);
        }
        Connected::Ready(device) => (Device::Ready(device), None),
    };
    let scheme = device.secured().map(|secured| secured.scheme);

    let settled = match &request.network {
        None => None,
        Some(wanted) => {
            let settling = wifi::settle(run, device.provisioner(), wanted);
            Some((run.or(FlowStep::Scanning, settling).await?, wanted.retries))
        }
    };
    let mut progress = None;
    match (&mut mapping, device.secured(), way) {
        (None, ..) | (_, None, _) | (.., None) => {
            run.skip_stage(Stage::Associate);
            run.skip_stage(Stage::VerifyAssociation);
        }
        (Some(mapping), Some(secured), Some(way)) => {
            let associating = mapping.associate(secured, way);
            let associated = run.or(FlowStep::VerifyingAssociation, associating).await;
            progress = Some(associated.map_err(|error| with_mapped_context(mapping, error))?);
        }
    }
    let joined = match settled {
        None => {
            run.skip_stage(Stage::SendWifi);
            run.skip_stage(Stage::ConfirmWifi);
            None
        }
        Some((settled, retries)) => {
            let mut joining = Joining {
                run,
                device: device.provisioner(),
                credentials: CredentialState::Nothing,
            };
            let joined = join(&mut joining, settled, retries).await;
            Some(joined.map_err(|error| match (&mapping, &progress) {
                (_, Some(Progress::SecretSent { node_id, .. })) => {
                    let node_id = node_id.clone();
                    wrap_partial(Completed::SecretSent { node_id }, error)
                }
                (Some(mapping), _) => with_mapped_context(mapping, error),
                (None, _) => error,
            })?)
        }
    };
    // The device closes its side by itself; a failure to say goodbye changes nothing.
    if let Err(error) = device.provisioner().close().await {
        tracing::debug!(%error, "closing");
    }
    let node = if let (Some(mapping), Some(progress)) = (&mut mapping, progress) {
        let confirming = mapping.confirm(progress);
        let confirmed = run.or(FlowStep::FollowingMapping, confirming).await;
        let joining = |error| match &joined {
            Some(Joined { network, .. }) => {
                let network = network.name();
                wrap_partial(Completed::Joined { network }, error)
            }
            None => error,
        };
        let (node, rest) =
            confirmed.map_err(|error| with_mapped_context(mapping, joining(error)))?;
        let setting_up = async {
            mapping.set_up(&node.node_id, rest).await;
            Ok(())
        };
        match run.or(FlowStep::SettingUp, setting_up).await {
            // What is missing can be done by hand; the node is where it belongs.
            Err(FlowError::Stopped {
                reason: StopReason::Expired,
                ..
            }) => run.report(&Event::Warned {
                id: Warning::NotSetUp,
                message: "the node is in the account, and there was no time to set it up"
                    .to_owned(),
            }),
            outcome => outcome.map_err(|error| with_mapped_context(mapping, joining(error)))?,
        }
        Some(node)
    } else {
        run.skip_stage(Stage::SetupNode);
        None
    };
    Ok(Outcome {
        scheme,
        node,
        joined,
    })
}

/// Agrees keys with a device, once what it says about itself does not rule the run out and the
/// account has given what its way of mapping needs.
async fn secure(
    run: &Run,
    request: &ProvisionRequest,
    mapping: &mut Option<Mapping<'_>>,
    opened: Opened,
) -> Result<(Device, Option<MappingMethod>), FlowError> {
    check(request, &opened.version)?;
    let way = if request.device.target.medium.has_network_already {
        MappingMethod::ChallengeResponse
    } else {
        MappingMethod::of(&opened.version)
    };
    if let Some(mapping) = mapping {
        mapping.expect(opened.hints.node_id.clone());
        let readying = mapping.ready(way);
        run.or(FlowStep::FetchingChallenge, readying).await?;
    }
    let securing = connect::secure(run, opened, &request.device.access);
    let secured = run.or(FlowStep::Securing, securing).await?;
    let device = run.pace.protocomm(secured);
    Ok((Device::Protocomm(Box::new(device)), Some(way)))
}

/// What the device says about itself can rule the whole run out, before it is touched.
fn check(request: &ProvisionRequest, version: &Version) -> Result<(), FlowError> {
    // Given credentials now, an unclaimed node would go where it cannot be claimed any more.
    if CLAIMING.iter().any(|capability| version.has(capability)) {
        return Err(FlowError::ClaimRequired);
    }
    // Whatever is found there is found by its challenge-response service.
    if request.device.target.medium.has_network_already {
        return Ok(());
    }
    if request.network.is_none() {
        return match MappingMethod::of(version) {
            MappingMethod::ChallengeResponse => Ok(()),
            MappingMethod::SecretKey => Err(FlowError::NoWifiNeedsChallenge),
        };
    }
    if version.has("thread_prov") && !version.has("wifi_prov") {
        return Err(FlowError::NoWifi);
    }
    Ok(())
}

async fn join(
    joining: &mut Joining<'_>,
    settled: NetworkSelection,
    retries: u32,
) -> Result<Joined, FlowError> {
    let run = joining.run;
    let attempts = joining.join(settled, retries);
    match run.or(FlowStep::ConfirmingWifi, attempts).await {
        Ok(joined) => Ok(joined),
        Err(FlowError::Stopped { reason, .. }) => {
            if matches!(
                joining.credentials,
                CredentialState::Applied | CredentialState::Unknown
            ) {
                joining.reset_credentials().await;
            }
            let step = match joining.credentials {
                CredentialState::Nothing | CredentialState::Unapplied => FlowStep::SendingWifi,
                CredentialState::Applied
                | CredentialState::Forgotten
                | CredentialState::Joined
                | CredentialState::Unknown => FlowStep::ConfirmingWifi,
            };
            Err(FlowError::Stopped {
                reason,
                step,
                credentials: joining.credentials,
            })
        }
        Err(error) => Err(error),
    }
}

/// A node that is in the account is so whatever comes after.
fn with_mapped_context(mapping: &Mapping<'_>, error: FlowError) -> FlowError {
    match (mapping.mapped_node().map(str::to_owned), error) {
        (Some(node_id), error) => wrap_partial(Completed::Mapped { node_id }, error),
        (
            None,
            FlowError::Stopped {
                reason,
                step: FlowStep::VerifyingAssociation,
                credentials,
            },
        ) => FlowError::Stopped {
            reason,
            step: mapping.step(),
            credentials,
        },
        (None, error) => error,
    }
}

fn wrap_partial(completed: Completed, error: FlowError) -> FlowError {
    match error {
        FlowError::Stopped { reason, step, .. }
            if matches!(completed, Completed::Joined { .. }) =>
        {
            FlowError::Stopped {
                reason,
                step,
                credentials: CredentialState::Joined,
            }
        }
        error => FlowError::PartialSuccess {
            completed,
            source: Box::new(error),
        },
    }
}
