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
use super::wifi::{self, Settled};
use super::{Before, Doing, Event, FlowError, Left, Run, Stage, StopReason, Warning};
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
            Some(run.or(Doing::FetchingChallenge, preparing).await?)
        }
    };
    let target = &request.device.target;
    let selecting = find::find_device(run, target);
    let candidate = run.or(Doing::Connecting, selecting).await?;
    let connecting = connect::connect(run, target, candidate);
    let (mut device, way) = match run.or(Doing::Connecting, connecting).await? {
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
            Some((run.or(Doing::Scanning, settling).await?, wanted.retries))
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
            let associated = run.or(Doing::VerifyingAssociation, associating).await;
            progress = Some(associated.map_err(|error| stays(mapping, error))?);
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
                left: Left::Nothing,
            };
            let joined = join(&mut joining, settled, retries).await;
            Some(joined.map_err(|error| match (&mapping, &progress) {
                (_, Some(Progress::Told { node_id, .. })) => {
                    let node_id = node_id.clone();
                    after(Before::Told { node_id }, error)
                }
                (Some(mapping), _) => stays(mapping, error),
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
        let confirmed = run.or(Doing::FollowingMapping, confirming).await;
        let joining = |error| match &joined {
            Some(Joined { network, .. }) => {
                let network = network.name();
                after(Before::Joined { network }, error)
            }
            None => error,
        };
        let (node, rest) = confirmed.map_err(|error| stays(mapping, joining(error)))?;
        let setting_up = async {
            mapping.set_up(&node.node_id, rest).await;
            Ok(())
        };
        match run.or(Doing::SettingUp, setting_up).await {
            // What is missing can be done by hand; the node is where it belongs.
            Err(FlowError::Stopped {
                reason: StopReason::Expired,
                ..
            }) => run.report(&Event::Warned {
                id: Warning::NotSetUp,
                message: "the node is in the account, and there was no time to set it up"
                    .to_owned(),
            }),
            outcome => outcome.map_err(|error| stays(mapping, joining(error)))?,
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
        run.or(Doing::FetchingChallenge, readying).await?;
    }
    let securing = connect::secure(run, opened, &request.device.access);
    let secured = run.or(Doing::Securing, securing).await?;
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
    settled: Settled,
    retries: u32,
) -> Result<Joined, FlowError> {
    let run = joining.run;
    let attempts = joining.join(settled, retries);
    match run.or(Doing::ConfirmingWifi, attempts).await {
        Ok(joined) => Ok(joined),
        Err(FlowError::Stopped { reason, .. }) => {
            if matches!(joining.left, Left::Applied | Left::Unknown) {
                joining.forget().await;
            }
            let doing = match joining.left {
                Left::Nothing | Left::Unapplied => Doing::SendingWifi,
                Left::Applied | Left::Forgotten | Left::Joined | Left::Unknown => {
                    Doing::ConfirmingWifi
                }
            };
            Err(FlowError::Stopped {
                reason,
                doing,
                left: joining.left,
            })
        }
        Err(error) => Err(error),
    }
}

/// A node that is in the account is so whatever comes after.
fn stays(mapping: &Mapping<'_>, error: FlowError) -> FlowError {
    match (mapping.mapped_node().map(str::to_owned), error) {
        (Some(node_id), error) => after(Before::Mapped { node_id }, error),
        (
            None,
            FlowError::Stopped {
                reason,
                doing: Doing::VerifyingAssociation,
                left,
            },
        ) => FlowError::Stopped {
            reason,
            doing: mapping.doing(),
            left,
        },
        (None, error) => error,
    }
}

fn after(before: Before, error: FlowError) -> FlowError {
    match error {
        FlowError::Stopped { reason, doing, .. } if matches!(before, Before::Joined { .. }) => {
            FlowError::Stopped {
                reason,
                doing,
                left: Left::Joined,
            }
        }
        error => FlowError::After {
            before,
            source: Box::new(error),
        },
    }
}
