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
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use self::challenge::Issued;
use super::connect::Secured;
use super::{Doing, Event, FlowError, Observer, Pace, Stage, StageState, Warning};
use crate::cloud::mapping::Extras;
use crate::cloud::{Client, CloudError};
use crate::endpoint::challenge_response::{CHALLENGE_RESPONSE, Signed};
use crate::endpoint::version::Version;
use crate::secret::Secret;
use crate::transport::TransportKind;

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
        began: Instant,
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
    owner: &'a Owner,
    pace: &'a Pace,
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
        owner: &'a Owner,
        kind: TransportKind,
        pace: &'a Pace,
        observer: &mut dyn Observer,
    ) -> Result<Self, FlowError> {
        let mut mapping = Self {
            owner,
            pace,
            prepared: None,
            may_be_cut_off: kind.is_on_the_devices_network(),
            announced: None,
            doing: Doing::FetchingChallenge,
            mapped: None,
        };
        if mapping.may_be_cut_off {
            observer.event(&Event::ChallengeRequested);
            match mapping.challenge().await {
                Ok(issued) => mapping.prepared = Some(issued),
                // Firmware of the other way needs none; for the rest it is an error in its turn.
                Err(error) if error.is_unreachable() || error.is_no_such_call() => {
                    let why = error.to_string();
                    observer.event(&Event::ChallengeMissed { why });
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
    pub(super) async fn ready(
        &mut self,
        way: Way,
        observer: &mut dyn Observer,
    ) -> Result<(), FlowError> {
        match way {
            Way::ChallengeResponse if self.prepared.is_none() => {
                observer.event(&Event::ChallengeRequested);
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
        observer: &mut dyn Observer,
    ) -> Result<Progress, FlowError> {
        observer.event(&Event::MappingStarted { way });
        match way {
            Way::ChallengeResponse => self.challenge_device(secured, observer).await,
            Way::SecretKey => self.tell_device(secured, observer).await,
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
        observer: &mut dyn Observer,
    ) -> Result<(MappedNode, Rest), FlowError> {
        let (node_id, way, rest) = match progress {
            Progress::Done { node_id, rest } => (node_id, Way::ChallengeResponse, rest),
            Progress::Signed {
                challenge,
                signed,
                began,
                in_doubt,
            } => {
                self.doing = Doing::FollowingMapping;
                let later = self.hand_in_later(&challenge, &signed, in_doubt, observer);
                let confirmed = later.await;
                verified(began, &confirmed, observer);
                let rest = confirmed?;
                self.note_mapped(&signed.node_id, Way::ChallengeResponse, observer);
                (signed.node_id, Way::ChallengeResponse, rest)
            }
            Progress::Told {
                node_id,
                secret_key,
            } => {
                let began = Instant::now();
                observer.event(&Stage::VerifyAssociation.event(StageState::Started, None));
                self.doing = Doing::FollowingMapping;
                let confirmed = self.follow(&node_id, &secret_key, observer).await;
                verified(began, &confirmed, observer);
                confirmed?;
                self.note_mapped(&node_id, Way::SecretKey, observer);
                // The cloud does not say whether it heeded the group.
                (node_id, Way::SecretKey, Rest::Group)
            }
        };
        Ok((MappedNode { node_id, way }, rest))
    }

    /// The steps after provisioning. What fails here is told, and undoes nothing.
    pub(super) async fn set_up(&self, node_id: &str, rest: Rest, observer: &mut dyn Observer) {
        let began = Instant::now();
        observer.event(&Stage::SetupNode.event(StageState::Started, None));
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
        Stage::SetupNode.ended(began, StageState::of(failed.is_empty()), observer);
        for (what, error) in failed {
            observer.event(&Event::Warned {
                id: Warning::NotSetUp,
                message: format!("the node is in the account, but {what}: {error}"),
            });
        }
    }

    fn note_mapped(&mut self, node_id: &str, way: Way, observer: &mut dyn Observer) {
        self.mapped = Some(node_id.to_owned());
        observer.event(&Event::Mapped {
            node_id: node_id.to_owned(),
            way,
            host: self.owner.cloud.host().to_owned(),
        });
    }
}

/// Tells that nothing but the account is missing.
fn waits(node_id: &str, until: Instant, observer: &mut dyn Observer) {
    let left = until.saturating_duration_since(Instant::now());
    observer.event(&Event::MappingWaits {
        node_id: node_id.to_owned(),
        seconds_left: left.as_secs(),
    });
}

fn failed(doing: Doing, source: CloudError) -> FlowError {
    FlowError::Cloud { doing, source }
}

fn verified<T, E>(began: Instant, outcome: &Result<T, E>, observer: &mut dyn Observer) {
    Stage::VerifyAssociation.ended(began, StageState::of(outcome.is_ok()), observer);
}

/// Capabilities of firmware that must be claimed first.
pub(super) const CLAIMING: [&str; 2] = ["claim", "camera_claim"];

/// As long as clients of this API ask for.
pub(super) const CHALLENGE_LIFE: Duration = Duration::from_mins(6);
