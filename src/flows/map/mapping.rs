//! A mapping under way: what both methods share, in their order.

use tokio::time::Instant;

use super::progress::{Issued, MappedNode, PendingSetup, Progress};
use crate::cloud::CloudError;
use crate::flows::mapping_method::MappingMethod;
use crate::flows::request::OwnerRequest;
use crate::flows::{Event, FlowError, FlowStep, Irreversible, Run, Stage, Taken, Warning};
use crate::session::Secured;
use crate::transport::Medium;

/// A mapping under way.
#[derive(Debug)]
pub(in crate::flows) struct Mapping<'a> {
    pub(super) run: &'a Run,
    pub(super) owner: &'a OwnerRequest,
    /// Fetched before the device was looked for, where its network may cut us off; else before
    /// the handshake.
    pub(super) prepared: Option<Issued>,
    /// Whether this computer may be on the device's network.
    pub(super) may_be_cut_off: bool,
    /// The id that the device announced, where it did.
    pub(super) announced: Option<String>,
    /// The step that is under way.
    pub(super) step: FlowStep,
    /// The node, once it is in the account.
    pub(super) mapped: Option<String>,
}

impl<'a> Mapping<'a> {
    /// Gets ready, before the device hears anything: a login that has ended is found here, and
    /// the challenge is fetched where that may not be possible later.
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
            match mapping.challenge().await {
                Ok(issued) => mapping.prepared = Some(issued),
                // Firmware of the other way needs none; for the rest it is an error in its turn.
                Err(error) if error.is_unreachable() || error.is_unknown_call() => {
                    let why = error.to_string();
                    run.report(&Event::ChallengeMissed { why });
                }
                Err(source) => return Err(failed(FlowStep::FetchingChallenge, source)),
            }
        }
        Ok(mapping)
    }

    /// Whoever announced this id has to sign as it.
    pub(in crate::flows) fn expect(&mut self, announced: Option<String>) {
        self.announced = announced;
    }

    /// Makes sure that what this way needs of the account is there, before a handshake is spent.
    pub(in crate::flows) async fn ready(&mut self, way: MappingMethod) -> Result<(), FlowError> {
        match way {
            MappingMethod::ChallengeResponse if self.prepared.is_none() => {
                self.run.report(&Event::ChallengeRequested);
                let issued = self.challenge().await;
                let issued =
                    issued.map_err(|source| failed(FlowStep::FetchingChallenge, source))?;
                self.prepared = Some(issued);
                Ok(())
            }
            MappingMethod::SecretKey if self.owner.cloud.user_id().await.is_none() => {
                Err(FlowError::UserUnknown)
            }
            MappingMethod::ChallengeResponse | MappingMethod::SecretKey => Ok(()),
        }
    }

    /// The device's half, and the account's where it can be reached.
    pub(in crate::flows) async fn associate(
        &mut self,
        secured: &mut Secured,
        way: MappingMethod,
    ) -> Result<Progress, FlowError> {
        self.run.report(&Event::MappingStarted { way });
        match way {
            MappingMethod::ChallengeResponse => self.challenge_device(secured).await,
            MappingMethod::SecretKey => self.tell_device(secured).await,
        }
    }

    /// The node, once it is in the account.
    pub(in crate::flows) fn mapped_node(&self) -> Option<&str> {
        self.mapped.as_deref()
    }

    /// What was under way, for a run that is stopped.
    pub(in crate::flows) fn step(&self) -> FlowStep {
        self.step
    }

    /// What is left to do once the device is online and left alone.
    pub(in crate::flows) async fn confirm(
        &mut self,
        progress: Progress,
    ) -> Result<(MappedNode, PendingSetup), FlowError> {
        let (node_id, way, rest) = match progress {
            Progress::Done { node_id, rest } => (node_id, MappingMethod::ChallengeResponse, rest),
            Progress::Signed {
                challenge,
                signed,
                stage,
                in_doubt,
            } => {
                self.step = FlowStep::FollowingMapping;
                let later = self.hand_in_later(&challenge, &signed, in_doubt);
                let confirmed = later.await;
                self.run.end_stage(&stage, confirmed.is_ok());
                let rest = confirmed?;
                self.note_mapped(&signed.node_id, MappingMethod::ChallengeResponse);
                (signed.node_id, MappingMethod::ChallengeResponse, rest)
            }
            Progress::SecretSent {
                node_id,
                secret_key,
            } => {
                let stage = self.run.start_stage(Stage::VerifyAssociation);
                self.step = FlowStep::FollowingMapping;
                let confirmed = self.follow(&node_id, &secret_key).await;
                self.run.end_stage(&stage, confirmed.is_ok());
                confirmed?;
                self.note_mapped(&node_id, MappingMethod::SecretKey);
                // The cloud does not say whether it heeded the group.
                (node_id, MappingMethod::SecretKey, PendingSetup::Group)
            }
        };
        Ok((MappedNode { node_id, way }, rest))
    }

    /// The steps after provisioning. What fails here is told, and undoes nothing.
    pub(in crate::flows) async fn set_up(&self, node_id: &str, rest: PendingSetup) {
        let stage = self.run.start_stage(Stage::SetupNode);
        let (cloud, extras) = (&self.owner.cloud, &self.owner.extras);
        let mut failed = Vec::new();
        if rest == PendingSetup::Everything && !extras.tags.is_empty() {
            let added = cloud.add_tags(node_id, &extras.tags).await;
            failed.extend(added.err().map(|error| ("has not its tags", error)));
        }
        if let (PendingSetup::Everything, Some(metadata)) = (rest, &extras.metadata) {
            let merged = cloud.merge_metadata(node_id, metadata).await;
            failed.extend(merged.err().map(|error| ("has not its metadata", error)));
        }
        if let (PendingSetup::Everything | PendingSetup::Group, Some(group_id)) =
            (rest, &extras.group_id)
        {
            let added = cloud.add_to_group(group_id, node_id).await;
            failed.extend(added.err().map(|error| ("is not in the group", error)));
        }
        self.run.end_stage(&stage, failed.is_empty());
        for (what, error) in failed {
            self.run.report(&Event::Warned {
                id: Warning::NotSetUp,
                message: format!("the node is in the account, but {what}: {error}"),
            });
        }
    }

    /// Puts the node into the account, and records it before and after. `in_doubt`: an earlier
    /// request may have done so. `is_done`: what the answer says.
    pub(super) async fn record_mapping<T>(
        &self,
        step: FlowStep,
        node_id: &str,
        in_doubt: bool,
        is_done: impl FnOnce(&T) -> bool,
        work: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<Result<T, CloudError>, FlowError> {
        let mapping = Self::mapping_of(node_id);
        let taken = |outcome: &Result<T, CloudError>| match outcome {
            Ok(answer) if is_done(answer) => Taken::Yes,
            Err(error) if !in_doubt && !error.may_have_arrived() => Taken::No,
            Ok(_) | Err(_) => Taken::Perhaps,
        };
        self.run.irreversible(step, &mapping, taken, work).await
    }

    /// The step that puts this node into the account.
    pub(super) fn mapping_of(node_id: &str) -> Irreversible {
        Irreversible::Map {
            node_id: node_id.to_owned(),
        }
    }

    pub(super) fn note_mapped(&mut self, node_id: &str, way: MappingMethod) {
        self.mapped = Some(node_id.to_owned());
        self.run.report(&Event::Mapped {
            node_id: node_id.to_owned(),
            way,
            host: self.owner.cloud.host().to_owned(),
        });
    }

    /// Reports that only the account is missing, and how long the run waits for it.
    pub(super) fn report_waiting(&self, node_id: &str, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        self.run.report(&Event::MappingWaits {
            node_id: node_id.to_owned(),
            seconds_left: left.as_secs(),
        });
    }
}

pub(super) fn failed(step: FlowStep, source: CloudError) -> FlowError {
    FlowError::Cloud { step, source }
}

/// Capabilities of firmware that must be claimed first.
pub(in crate::flows) const CLAIMING: [&str; 2] = ["claim", "camera_claim"];
