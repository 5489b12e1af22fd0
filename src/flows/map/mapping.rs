//! A mapping in progress: the steps that both methods share, in order.

use tokio::time::Instant;

use super::progress::{IssuedChallenge, MappedNode, PendingSetup, Progress};
use crate::cloud::CloudError;
use crate::flows::mapping_method::MappingMethod;
use crate::flows::request::OwnerRequest;
use crate::flows::{
    Completed, Event, FlowError, FlowStep, Irreversible, Run, Stage, Taken, Warning,
};
use crate::session::Secured;
use crate::transport::Medium;

/// A mapping in progress.
#[derive(Debug)]
pub(in crate::flows) struct Mapping<'a> {
    pub(super) run: &'a Run,
    pub(super) owner: &'a OwnerRequest,
    /// Fetched before the search if the device's network may cut this computer off from the cloud;
    /// otherwise before the handshake.
    pub(super) prepared: Option<IssuedChallenge>,
    /// Whether this computer may be on the device's network, and so without internet.
    pub(super) may_be_cut_off: bool,
    /// The node id that the device announced, if it announced one. Only this node may sign.
    pub(in crate::flows) announced: Option<String>,
    /// The current step.
    pub(super) step: FlowStep,
    /// The node's id, once it is in the account.
    pub(super) mapped: Option<String>,
}

impl<'a> Mapping<'a> {
    /// Prepares the account before espctl contacts the device. Detects an expired login, and fetches
    /// the challenge if this computer may be offline later.
    pub(in crate::flows) async fn prepare(
        run: &'a Run,
        owner: &'a OwnerRequest,
        medium: &Medium,
    ) -> Result<Self, FlowError> {
        let mut mapping = Self {
            run,
            owner,
            prepared: None,
            may_be_cut_off: medium.joins_device_network,
            announced: None,
            step: FlowStep::FetchingChallenge,
            mapped: None,
        };
        if mapping.may_be_cut_off {
            run.report(&Event::ChallengeRequested);
            match mapping.fetch_challenge().await {
                Ok(issued) => mapping.prepared = Some(issued),
                // Firmware with the secret-key method needs no challenge; other firmware gets this
                // error later.
                Err(error) if error.is_unreachable() || error.is_unknown_call() => {
                    let why = error.to_string();
                    run.report(&Event::ChallengeMissed { why });
                }
                Err(error) => return Err(FlowError::of_cloud(FlowStep::FetchingChallenge)(error)),
            }
        }
        Ok(mapping)
    }

    /// Checks that the account provides what this method needs, before a handshake is spent.
    pub(in crate::flows) async fn check_account(
        &mut self,
        method: MappingMethod,
    ) -> Result<(), FlowError> {
        match method {
            MappingMethod::ChallengeResponse if self.prepared.is_none() => {
                self.run.report(&Event::ChallengeRequested);
                let issued = self.fetch_challenge().await;
                let cloud_error = FlowError::of_cloud(FlowStep::FetchingChallenge);
                self.prepared = Some(issued.map_err(cloud_error)?);
                Ok(())
            }
            MappingMethod::SecretKey if self.owner.cloud.user_id().await.is_none() => {
                Err(FlowError::UserUnknown)
            }
            MappingMethod::ChallengeResponse | MappingMethod::SecretKey => Ok(()),
        }
    }

    /// Does the device's half, and the account's half if the account is reachable.
    pub(in crate::flows) async fn associate(
        &mut self,
        secured: &mut Secured,
        method: MappingMethod,
    ) -> Result<Progress, FlowError> {
        self.run.report(&Event::MappingStarted { method });
        match method {
            MappingMethod::ChallengeResponse => self.associate_by_challenge(secured).await,
            MappingMethod::SecretKey => self.associate_by_secret(secured).await,
        }
    }

    /// Adds to the error that the node is in the account, if it is. The step of a stopped mapping
    /// becomes exact.
    pub(in crate::flows) fn add_context(&self, mut error: FlowError) -> FlowError {
        if let Some(node_id) = self.mapped.clone() {
            return error.after(Completed::Mapped(node_id));
        }
        if let FlowError::Stopped { step, .. } = &mut error
            && *step == FlowStep::VerifyingAssociation
        {
            *step = self.step;
        }
        error
    }

    /// Completes the account's half after the device is online and its session is closed.
    pub(in crate::flows) async fn confirm(
        &mut self,
        progress: Progress,
    ) -> Result<(MappedNode, PendingSetup), FlowError> {
        let (node_id, method, pending_setup) = match progress {
            Progress::Done {
                node_id,
                pending_setup,
            } => (node_id, MappingMethod::ChallengeResponse, pending_setup),
            Progress::Signed {
                challenge,
                signed,
                stage,
                may_be_mapped,
            } => {
                self.step = FlowStep::FollowingMapping;
                let submitting = self.submit_signature_later(&challenge, &signed, may_be_mapped);
                let submitted = submitting.await;
                self.run.end_stage(&stage, submitted.is_ok());
                let pending_setup = submitted?;
                let method = MappingMethod::ChallengeResponse;
                self.report_mapped(&signed.node_id, method);
                (signed.node_id, method, pending_setup)
            }
            Progress::SecretSent {
                node_id,
                secret_key,
            } => {
                self.step = FlowStep::FollowingMapping;
                let following = self.follow_mapping(&node_id, &secret_key);
                let stage = Stage::VerifyAssociation;
                self.run.in_stage(stage, following).await?;
                self.report_mapped(&node_id, MappingMethod::SecretKey);
                // The cloud does not report whether it put the node into the group.
                (node_id, MappingMethod::SecretKey, PendingSetup::Group)
            }
        };
        Ok((MappedNode { node_id, method }, pending_setup))
    }

    /// Sets the tags, metadata and group that the node still lacks. A failure is only a warning: the
    /// mapping stays.
    pub(in crate::flows) async fn set_up(&self, node_id: &str, pending_setup: PendingSetup) {
        let stage = self.run.start_stage(Stage::SetupNode);
        let (cloud, extras) = (&self.owner.cloud, &self.owner.extras);
        let mut failed = Vec::new();
        if pending_setup == PendingSetup::Everything && !extras.tags.is_empty() {
            let added = cloud.add_tags(node_id, &extras.tags).await;
            failed.extend(added.err().map(|error| ("has not its tags", error)));
        }
        if let (PendingSetup::Everything, Some(metadata)) = (pending_setup, &extras.metadata) {
            let merged = cloud.merge_metadata(node_id, metadata).await;
            failed.extend(merged.err().map(|error| ("has not its metadata", error)));
        }
        if let (PendingSetup::Everything | PendingSetup::Group, Some(group_id)) =
            (pending_setup, &extras.group_id)
        {
            let added = cloud.add_to_group(group_id, node_id).await;
            failed.extend(added.err().map(|error| ("is not in the group", error)));
        }
        self.run.end_stage(&stage, failed.is_empty());
        for (what, error) in failed {
            let message = format!("the node is in the account, but {what}: {error}");
            self.run.warn(Warning::NotSetUp, message);
        }
    }

    /// Runs `work`, which puts the node into the account, and records it before and after.
    /// `may_be_mapped`: an earlier request may have done so. `is_done`: whether the answer confirms it.
    pub(super) async fn record_mapping<T>(
        &self,
        step: FlowStep,
        node_id: &str,
        may_be_mapped: bool,
        is_done: impl FnOnce(&T) -> bool,
        work: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<Result<T, CloudError>, FlowError> {
        let mapping = Self::map_step(node_id);
        let taken = |outcome: &Result<T, CloudError>| match outcome {
            Ok(answer) if is_done(answer) => Taken::Yes,
            Err(error) if !may_be_mapped && !error.may_have_arrived() => Taken::No,
            Ok(_) | Err(_) => Taken::Perhaps,
        };
        self.run
            .perform_irreversible(step, &mapping, taken, work)
            .await
    }

    /// The irreversible step that puts this node into the account.
    pub(super) fn map_step(node_id: &str) -> Irreversible {
        Irreversible::Map(node_id.to_owned())
    }

    pub(super) fn report_mapped(&mut self, node_id: &str, method: MappingMethod) {
        self.mapped = Some(node_id.to_owned());
        self.run.report(&Event::Mapped {
            node_id: node_id.to_owned(),
            method,
            host: self.owner.cloud.host().to_owned(),
        });
    }

    /// Reports that the run only waits for the account, and for how long.
    pub(super) fn report_waiting(&self, node_id: &str, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        self.run.report(&Event::MappingWaits {
            node_id: node_id.to_owned(),
            seconds_left: left.as_secs(),
        });
    }
}

/// The capabilities of firmware that must be claimed first.
pub(in crate::flows) const CLAIMING: [&str; 2] = ["claim", "camera_claim"];
