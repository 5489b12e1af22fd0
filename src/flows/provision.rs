//! The host's half of the provisioning manager: connect, map to the account, send credentials, confirm
//! that the device joined. This file has the order of the whole run; each step is a flow of its own.
//!
//! The network and its passphrase are selected before the device is changed, because the user can still
//! mistype them. Then the device is mapped, then it joins.

use tokio::time::timeout;

use super::connect::{self, Connected, OpenedDevice};
use super::join::{Joined, Joining};
use super::map::{CLAIMING, MappedNode, Mapping, Progress};
use super::mapping_method::MappingMethod;
use super::network::{self, NetworkSelection};
use super::request::ProvisionRequest;
use super::{Completed, CredentialState, FlowError, FlowStep, Run, Stage, StopReason, Warning};
use crate::endpoint::version::Version;
use crate::provisioner::Provisioner;
use crate::security::SecurityScheme;

/// The confirmed results of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The scheme of the session; `None` for a device without sessions.
    pub scheme: Option<SecurityScheme>,
    /// The node in the account; `None` if the request had no owner.
    pub node: Option<MappedNode>,
    /// The network that the device joined; `None` if the request had no network.
    pub joined: Option<Joined>,
}

/// Provisions a device.
pub async fn provision(run: &Run, request: &ProvisionRequest) -> Result<Outcome, FlowError> {
    let mut mapping = match &request.owner {
        None => None,
        Some(owner) => {
            let preparing = Mapping::prepare(run, owner, request.device.target.medium);
            let step = FlowStep::FetchingChallenge;
            Some(run.unless_stopped(step, preparing).await?)
        }
    };
    let connecting = connect::find_and_connect(run, &request.device.target);
    let (mut device, method) = match run.unless_stopped(FlowStep::Connecting, connecting).await? {
        Connected::Protocomm(opened) => secure_device(run, request, &mut mapping, *opened).await?,
        Connected::Ready(mut device) if mapping.is_some() => {
            device.close().await;
            return Err(FlowError::NoMapping);
        }
        Connected::Ready(device) => (device, None),
    };
    let scheme = device.secured().map(|secured| secured.scheme);

    let selection = match &request.network {
        None => None,
        Some(wanted) => {
            let selecting = network::select_network(run, device.as_mut(), wanted);
            let selection = run.unless_stopped(FlowStep::Scanning, selecting).await?;
            Some((selection, wanted.retries))
        }
    };
    let mut progress = None;
    match (&mut mapping, device.secured(), method) {
        (None, ..) | (_, None, _) | (.., None) => {
            run.skip_stage(Stage::Associate);
            run.skip_stage(Stage::VerifyAssociation);
        }
        (Some(mapping), Some(secured), Some(method)) => {
            let associating = mapping.associate(secured, method);
            let step = FlowStep::VerifyingAssociation;
            let associated = run.unless_stopped(step, associating).await;
            progress = Some(associated.map_err(|error| mapping.add_context(error))?);
        }
    }
    let joined = match selection {
        None => {
            run.skip_stage(Stage::SendWifi);
            run.skip_stage(Stage::ConfirmWifi);
            None
        }
        Some((selection, retries)) => {
            let mut joining = Joining {
                run,
                device: device.as_mut(),
                credentials: CredentialState::Nothing,
            };
            let joined = join_network(&mut joining, selection, retries).await;
            Some(joined.map_err(|error| match (&mapping, &progress) {
                (_, Some(Progress::SecretSent { node_id, .. })) => {
                    error.after(Completed::SecretSent(node_id.clone()))
                }
                (Some(mapping), _) => mapping.add_context(error),
                (None, _) => error,
            })?)
        }
    };
    device.close().await;
    let node = if let (Some(mapping), Some(progress)) = (&mut mapping, progress) {
        // The box keeps this large future out of the futures around it.
        let confirming = Box::pin(mapping.confirm(progress));
        let step = FlowStep::FollowingMapping;
        let confirmed = run.unless_stopped(step, confirming).await;
        let add_context = |mapping: &Mapping<'_>, error: FlowError| {
            let network = joined.as_ref().map(|joined| joined.network.name());
            mapping.add_context(match network {
                Some(network) => error.after(Completed::Joined(network)),
                None => error,
            })
        };
        let (node, pending_setup) = confirmed.map_err(|error| add_context(mapping, error))?;
        let setting_up = async {
            mapping.set_up(&node.node_id, pending_setup).await;
            Ok(())
        };
        match run.unless_stopped(FlowStep::SettingUp, setting_up).await {
            // The user can set up the node later; the mapping is complete.
            Err(FlowError::Stopped {
                reason: StopReason::Expired,
                ..
            }) => {
                let message = "the node is in the account, and there was no time to set it up";
                run.warn(Warning::NotSetUp, message);
            }
            outcome => outcome.map_err(|error| add_context(mapping, error))?,
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

/// Does the handshake, after checking that the device's capabilities allow the run and that the account
/// provides what the mapping method needs.
async fn secure_device(
    run: &Run,
    request: &ProvisionRequest,
    mapping: &mut Option<Mapping<'_>>,
    mut opened: OpenedDevice,
) -> Result<(Box<dyn Provisioner>, Option<MappingMethod>), FlowError> {
    check_capabilities(request, &opened.version)?;
    let method = if request.device.target.medium.has_network_already {
        MappingMethod::ChallengeResponse
    } else {
        MappingMethod::of(&opened.version)
    };
    if let Some(mapping) = mapping {
        mapping.announced.clone_from(&opened.hints.node_id);
        // Meanwhile other devices can use the permit.
        let checking = opened.permit.release_during(mapping.check_account(method));
        let step = FlowStep::FetchingChallenge;
        run.unless_stopped(step, checking).await?;
    }
    let securing = connect::start_session(run, opened, &request.device.access);
    let secured = run.unless_stopped(FlowStep::Securing, securing).await?;
    let device = Box::new(run.timing.protocomm(secured));
    Ok((device, Some(method)))
}

/// Checks that the device's capabilities allow the run, before espctl changes the device.
fn check_capabilities(request: &ProvisionRequest, version: &Version) -> Result<(), FlowError> {
    // With Wi-Fi credentials, the device would need a reset before claiming.
    if CLAIMING.iter().any(|capability| version.has(capability)) {
        return Err(FlowError::ClaimRequired);
    }
    // On such media, the driver only finds devices with a challenge-response service.
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

async fn join_network(
    joining: &mut Joining<'_>,
    selection: NetworkSelection,
    retries: u32,
) -> Result<Joined, FlowError> {
    let run = joining.run;
    let attempts = joining.join(selection, retries);
    let mut outcome = run.unless_stopped(FlowStep::ConfirmingWifi, attempts).await;
    if let Err(FlowError::Stopped {
        step, credentials, ..
    }) = &mut outcome
    {
        if matches!(
            joining.credentials,
            CredentialState::Applied | CredentialState::Unknown
        ) {
            // A stop ends within seconds, even if the device is lost or other runs use all permits.
            let _reset = timeout(2 * run.timing.reset, joining.reset_credentials()).await;
        }
        *credentials = joining.credentials;
        if matches!(
            credentials,
            CredentialState::Nothing | CredentialState::Unapplied
        ) {
            *step = FlowStep::SendingWifi;
        }
    }
    outcome
}
