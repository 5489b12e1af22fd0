//! Ties a device to its owner's account: by a challenge that it signs where it can, else by a
//! secret key that device and account are both told. The device's half comes before its Wi-Fi; the
//! account's half at once where the account can be reached, else as soon as it can.
//!
//! One rule decides the way: whoever lists `ch_resp` is challenged, and there is no second try
//! with the other way. Sources: esp-rainmaker `esp_rmaker_chal_resp.c`, `esp_rmaker_user_mapping.c`.

mod challenge;
#[cfg(test)]
mod scripted;
mod secret_key;

use std::sync::Arc;

use serde::Serialize;
use tokio::time::Instant;

use self::challenge::Issued;
use super::run::StartedStage;
use super::{Doing, Event, FlowError, Run, Stage, Warning};
use crate::cloud::mapping::Extras;
use crate::cloud::{Client, CloudError};
use crate::endpoint::challenge_response::{CHALLENGE_RESPONSE, Signed};
use crate::endpoint::version::Version;
use crate::secret::Secret;
use crate::session::Secured;
use crate::transport::Medium;

/// Whose the device shall be.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The account.
    pub cloud: Arc<Client>,
    /// What the node gets along with its owner.
    pub extras: Extras,
    /// Whether the device shall sign nothing more afterwards.
    pub disable: bool,
}

/// How a node was mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// It signed a challenge.
    ChallengeResponse,
    /// It and the account were told the same secret.
    SecretKey,
}

impl Way {
    /// The one that firmware with this version document is mapped by.
    pub fn of(version: &Version) -> Self {
        if version.has(CHALLENGE_RESPONSE) {
            Self::ChallengeResponse
        } else {
            Self::SecretKey
        }
    }
}

/// A node in its owner's account.
#[derive(Clone, Debug)]
pub struct MappedNode {
    /// The node's id in the account.
    pub node_id: String,
    /// How it got there.
    pub way: Way,
}

/// Where a mapping stands.
#[derive(Debug)]
pub(super) enum Progress {
    /// The node is in the account.
    Done { node_id: String, rest: Rest },
    /// The device signed, and the account could not be reached.
    Signed {
        challenge: Issued,
        signed: Signed,
        stage: StartedStage,
        /// Whether the signature may have counted all the same.
        in_doubt: bool,
    },
    /// The device will confirm it once it is online.
    Told {
        node_id: String,
        secret_key: Secret<String>,
    },
}

/// What is left to do about that which goes along with the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The mapping is complete.
    Nothing,
    /// The node is not in the group, or the cloud does not say.
    Group,
    /// The cloud's answer was lost.
    Everything,
}

/// A mapping under way.
#[derive(Debug)]
pub(super) struct Mapping<'a> {
    run: &'a Run,
    owner: &'a Owner,
    /// Fetched before the device was looked for, where its network may cut us off; else before
    /// the handshake.
    prepared: Option<Issued>,
    /// Whether this computer may be on the device's network.
    may_be_cut_off: bool,
    /// The id that the device announced, where it did.
    announced: Option<String>,
    /// The step that is under way.
    doing: Doing,
    /// The node, once it is in the account.
    mapped: Option<String>,
}

impl<'a> Mapping<'a> {
    /// Gets ready, before the device hears anything: a login that has ended is found here, and
    /// the challenge is fetched where that may not be possible later.
    pub(super) async fn prepare(
        run: &'a Run,
        owner: &'a Owner,
        medium: &Medium,
    ) -> Result<Self, FlowError> {
        let mut mapping = Self {
            run,
            owner,
            prepared: None,
            may_be_cut_off: medium.joins_device_network,
            announced: None,
            doing: Doing::FetchingChallenge,
            mapped: None,
        };
        if mapping.may_be_cut_off {
            run.report(&Event::ChallengeRequested);
            match mapping.challenge().await {
                Ok(issued) => mapping.prepared = Some(issued),
                // Firmware of the other way needs none; for the rest it is an error in its turn.
                Err(error) if error.is_unreachable() || error.is_no_such_call() => {
                    let why = error.to_string();
                    run.report(&Event::ChallengeMissed { why });
                }
                Err(source) => return Err(failed(Doing::FetchingChallenge, source)),
            }
        }
        Ok(mapping)
    }

    /// Whoever announced this id has to sign as it.
    pub(super) fn expect(&mut self, announced: Option<String>) {
        self.announced = announced;
    }

    /// Makes sure that what this way needs of the account is there, before a handshake is spent.
    pub(super) async fn ready(&mut self, way: Way) -> Result<(), FlowError> {
        match way {
            Way::ChallengeResponse if self.prepared.is_none() => {
                self.run.report(&Event::ChallengeRequested);
                let issued = self.challenge().await;
                let issued = issued.map_err(|source| failed(Doing::FetchingChallenge, source))?;
                self.prepared = Some(issued);
                Ok(())
            }
            Way::SecretKey if self.owner.cloud.user_id().await.is_none() => {
                Err(FlowError::UserUnknown)
            }
            Way::ChallengeResponse | Way::SecretKey => Ok(()),
        }
    }

    /// The device's half, and the account's where it can be reached.
    pub(super) async fn associate(
        &mut self,
        secured: &mut Secured,
        way: Way,
    ) -> Result<Progress, FlowError> {
        self.run.report(&Event::MappingStarted { way });
        match way {
            Way::ChallengeResponse => self.challenge_device(secured).await,
            Way::SecretKey => self.tell_device(secured).await,
        }
    }

    /// The node, once it is in the account.
    pub(super) fn mapped_node(&self) -> Option<&str> {
        self.mapped.as_deref()
    }

    /// What was under way, for a run that is stopped.
    pub(super) fn doing(&self) -> Doing {
        self.doing
    }

    /// What is left to do once the device is online and left alone.
    pub(super) async fn confirm(
        &mut self,
        progress: Progress,
    ) -> Result<(MappedNode, Rest), FlowError> {
        let (node_id, way, rest) = match progress {
            Progress::Done { node_id, rest } => (node_id, Way::ChallengeResponse, rest),
            Progress::Signed {
                challenge,
                signed,
                stage,
                in_doubt,
            } => {
                self.doing = Doing::FollowingMapping;
                let later = self.hand_in_later(&challenge, &signed, in_doubt);
                let confirmed = later.await;
                self.run.end_stage(&stage, confirmed.is_ok());
                let rest = confirmed?;
                self.note_mapped(&signed.node_id, Way::ChallengeResponse);
                (signed.node_id, Way::ChallengeResponse, rest)
            }
            Progress::Told {
                node_id,
                secret_key,
            } => {
                let stage = self.run.start_stage(Stage::VerifyAssociation);
                self.doing = Doing::FollowingMapping;
                let confirmed = self.follow(&node_id, &secret_key).await;
                self.run.end_stage(&stage, confirmed.is_ok());
                confirmed?;
                self.note_mapped(&node_id, Way::SecretKey);
                // The cloud does not say whether it heeded the group.
                (node_id, Way::SecretKey, Rest::Group)
            }
        };
        Ok((MappedNode { node_id, way }, rest))
    }

    /// The steps after provisioning. What fails here is told, and undoes nothing.
    pub(super) async fn set_up(&self, node_id: &str, rest: Rest) {
        let stage = self.run.start_stage(Stage::SetupNode);
        let (cloud, extras) = (&self.owner.cloud, &self.owner.extras);
        let mut failed = Vec::new();
        if rest == Rest::Everything && !extras.tags.is_empty() {
            let added = cloud.add_tags(node_id, &extras.tags).await;
            failed.extend(added.err().map(|error| ("has not its tags", error)));
        }
        if let (Rest::Everything, Some(metadata)) = (rest, &extras.metadata) {
            let merged = cloud.merge_metadata(node_id, metadata).await;
            failed.extend(merged.err().map(|error| ("has not its metadata", error)));
        }
        if let (Rest::Everything | Rest::Group, Some(group_id)) = (rest, &extras.group_id) {
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

    fn note_mapped(&mut self, node_id: &str, way: Way) {
        self.mapped = Some(node_id.to_owned());
        self.run.report(&Event::Mapped {
            node_id: node_id.to_owned(),
            way,
            host: self.owner.cloud.host().to_owned(),
        });
    }

    /// Reports that only the account is missing, and how long the run waits for it.
    fn report_waiting(&self, node_id: &str, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        self.run.report(&Event::MappingWaits {
            node_id: node_id.to_owned(),
            seconds_left: left.as_secs(),
        });
    }
}

fn failed(doing: Doing, source: CloudError) -> FlowError {
    FlowError::Cloud { doing, source }
}

/// Capabilities of firmware that must be claimed first.
pub(super) const CLAIMING: [&str; 2] = ["claim", "camera_claim"];
