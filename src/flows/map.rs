//! Ties a device to its owner's account: by a challenge that it signs where it can, else by a
//! secret key that device and account are both told. The device's half comes before its Wi-Fi; the
//! account's half at once where the account can be reached, else as soon as it can.
//!
//! One rule decides the way: whoever lists `ch_resp` is challenged, and there is no second try
//! with the other way. Sources: esp-rainmaker `esp_rmaker_chal_resp.c`, `esp_rmaker_user_mapping.c`.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::connect::Secured;
use super::{Doing, Event, FlowError, Observer, Pace, Stage, StageState, Warning};
use crate::cloud::mapping::{Challenge, Extras, Mapped, MappingStatus};
use crate::cloud::{Client, CloudError};
use crate::endpoint::challenge_response::{
    CHALLENGE_RESPONSE, Challenged, DisableChallengeResponse, Disabled, SignChallenge, Signed,
};
use crate::endpoint::user_mapping::SetUserMapping;
use crate::endpoint::version::Version;
use crate::secret::Secret;
use crate::session::SessionError;
use crate::transport::{TransportError, TransportKind};

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

/// Where a mapping stands.
#[derive(Debug)]
pub(super) enum Progress {
    /// The node is in the account.
    Done { node_id: String, group: Group },
    /// The device signed, and the account could not be reached.
    Signed {
        challenge: Issued,
        signed: Signed,
        began: Instant,
    },
    /// The device will confirm it once it is online.
    Told {
        node_id: String,
        secret_key: Secret<String>,
    },
}

/// What is left to do about the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Settled,
    ToJoin,
}

/// A challenge, and until when a signature of it counts.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    challenge: Challenge,
    until: Instant,
}

/// A mapping under way.
#[derive(Debug)]
pub(super) struct Mapping<'a> {
    owner: &'a Owner,
    pace: &'a Pace,
    /// Fetched before the device was looked for, where its network may cut us off.
    prepared: Option<Issued>,
    /// Whether this computer may be on the device's network.
    may_be_cut_off: bool,
}

impl<'a> Mapping<'a> {
    /// Gets ready, before the device hears anything: a login that has ended is found here, and
    /// the challenge is fetched where that may not be possible later.
    pub(super) async fn prepare(
        owner: &'a Owner,
        kind: TransportKind,
        pace: &'a Pace,
    ) -> Result<Self, FlowError> {
        let mut mapping = Self {
            owner,
            pace,
            prepared: None,
            may_be_cut_off: kind.is_on_the_devices_network(),
        };
        if mapping.may_be_cut_off {
            match mapping.challenge().await {
                Ok(issued) => mapping.prepared = Some(issued),
                // Firmware of the other way needs none; for the rest it is an error in its turn.
                Err(error) if error.is_unreachable() => {
                    tracing::info!(%error, "no challenge yet");
                }
                Err(source) => return Err(failed(Doing::FetchingChallenge, source)),
            }
        }
        Ok(mapping)
    }

    /// The device's half, and the account's where it can be reached.
    pub(super) async fn associate(
        &mut self,
        secured: &mut Secured,
        version: &Version,
        observer: &mut dyn Observer,
    ) -> Result<Progress, FlowError> {
        let way = Way::of(version);
        observer.event(&Event::MappingStarted { way });
        match way {
            Way::ChallengeResponse => self.challenge_device(secured, observer).await,
            Way::SecretKey => self.tell_device(secured, observer).await,
        }
    }

    /// What is left to do once the device is online and left alone.
    pub(super) async fn confirm(
        &self,
        progress: Progress,
        observer: &mut dyn Observer,
    ) -> Result<(String, Group), FlowError> {
        match progress {
            Progress::Done { node_id, group } => Ok((node_id, group)),
            Progress::Signed {
                challenge,
                signed,
                began,
            } => {
                let confirmed = self.hand_in_later(&challenge, &signed, observer).await;
                verified(began, &confirmed, observer);
                let group = confirmed?;
                self.mapped(&signed.node_id, Way::ChallengeResponse, observer);
                Ok((signed.node_id, group))
            }
            Progress::Told {
                node_id,
                secret_key,
            } => {
                let began = Instant::now();
                observer.event(&Stage::VerifyAssociation.event(StageState::Started, None));
                let confirmed = self.follow(&node_id, &secret_key, observer).await;
                verified(began, &confirmed, observer);
                confirmed?;
                self.mapped(&node_id, Way::SecretKey, observer);
                // The cloud does not say whether it heeded the group.
                Ok((node_id, Group::ToJoin))
            }
        }
    }

    /// The steps after provisioning. What fails here is told, and undoes nothing.
    pub(super) async fn set_up(&self, node_id: &str, group: Group, observer: &mut dyn Observer) {
        let began = Instant::now();
        observer.event(&Stage::SetupNode.event(StageState::Started, None));
        let mut state = StageState::Done;
        if let (Group::ToJoin, Some(group_id)) = (group, &self.owner.extras.group_id)
            && let Err(error) = self.owner.cloud.add_to_group(group_id, node_id).await
        {
            state = StageState::Failed;
            observer.event(&Event::Warned {
                id: Warning::NotInGroup,
                message: format!("the node is in the account, but not in the group: {error}"),
            });
        }
        Stage::SetupNode.ended(began, state, observer);
    }

    async fn challenge(&self) -> Result<Issued, CloudError> {
        let until = Instant::now() + self.pace.challenge;
        let challenge = self
            .owner
            .cloud
            .initiate_mapping(self.pace.challenge)
            .await?;
        Ok(Issued { challenge, until })
    }

    async fn challenge_device(
        &mut self,
        secured: &mut Secured,
        observer: &mut dyn Observer,
    ) -> Result<Progress, FlowError> {
        let fresh = Instant::now() + self.pace.challenge_left;
        let issued = match self.prepared.take().filter(|one| one.until > fresh) {
            Some(issued) => issued,
            None => self
                .challenge()
                .await
                .map_err(|source| failed(Doing::FetchingChallenge, source))?,
        };
        let began = Instant::now();
        observer.event(&Stage::Associate.event(StageState::Started, None));
        let signed = sign(secured, &issued.challenge).await;
        Stage::Associate.ended(began, StageState::of(signed.is_ok()), observer);
        let signed = signed?;
        observer.event(&Event::ChallengeSigned {
            node_id: signed.node_id.clone(),
        });

        let began = Instant::now();
        observer.event(&Stage::VerifyAssociation.event(StageState::Started, None));
        match self.hand_in(&issued, &signed).await {
            Err(error) if self.may_be_cut_off && error.is_unreachable() => {
                let left = issued.until.saturating_duration_since(Instant::now());
                observer.event(&Event::MappingDeferred {
                    node_id: signed.node_id.clone(),
                    why: error.to_string(),
                    seconds_left: left.as_secs(),
                });
                if self.owner.disable {
                    observer.event(&Event::Warned {
                        id: Warning::NotDisabled,
                        message: "challenge-response stays on until the device restarts: \
                                  when the mapping is confirmed, the device is out of reach"
                            .to_owned(),
                    });
                }
                Ok(Progress::Signed {
                    challenge: issued,
                    signed,
                    began,
                })
            }
            outcome => {
                verified(began, &outcome, observer);
                let group =
                    outcome.map_err(|source| failed(Doing::VerifyingAssociation, source))?;
                self.mapped(&signed.node_id, Way::ChallengeResponse, observer);
                if self.owner.disable {
                    disable(secured, observer).await;
                }
                Ok(Progress::Done {
                    node_id: signed.node_id,
                    group,
                })
            }
        }
    }

    async fn tell_device(
        &self,
        secured: &mut Secured,
        observer: &mut dyn Observer,
    ) -> Result<Progress, FlowError> {
        let user_id = self.owner.cloud.user_id().await;
        let command = SetUserMapping {
            user_id: user_id.ok_or(FlowError::UserUnknown)?,
            secret_key: Secret::new(uuid::Uuid::new_v4().to_string()),
        };
        let began = Instant::now();
        observer.event(&Stage::Associate.event(StageState::Started, None));
        let told = secured.session.call(&command).await;
        Stage::Associate.ended(began, StageState::of(told.is_ok()), observer);
        let node_id = told.map_err(|source| match source {
            SessionError::Transport(TransportError::NoSuchEndpoint { .. }) => FlowError::NoMapping,
            source => FlowError::Session {
                doing: Doing::SendingUser,
                source,
            },
        })?;
        observer.event(&Event::UserSent {
            node_id: node_id.clone(),
        });
        if self.owner.disable {
            observer.event(&Event::Warned {
                id: Warning::NotDisabled,
                message: "this firmware has no challenge-response that could be switched off"
                    .to_owned(),
            });
        }
        Ok(Progress::Told {
            node_id,
            secret_key: command.secret_key,
        })
    }

    /// Hands in a signature. Where the answer was lost, the account says whether it counted.
    async fn hand_in(&self, issued: &Issued, signed: &Signed) -> Result<Group, CloudError> {
        let Owner { cloud, extras, .. } = self.owner;
        let Signed { node_id, signature } = signed;
        let verified = cloud.verify_mapping(&issued.challenge, node_id, signature, extras);
        match verified.await {
            Ok(Mapped::Whole) => Ok(Group::Settled),
            Ok(Mapped::WithoutGroup) => Ok(Group::ToJoin),
            Err(error) if error.may_have_arrived() => match cloud.node(node_id).await {
                Ok(Some(_)) => Ok(Group::ToJoin),
                Ok(None) | Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Likewise, as soon as the account can be reached, while the challenge lives.
    async fn hand_in_later(
        &self,
        issued: &Issued,
        signed: &Signed,
        observer: &mut dyn Observer,
    ) -> Result<Group, FlowError> {
        observer.event(&Event::MappingWaits {
            node_id: signed.node_id.clone(),
            seconds_left: issued
                .until
                .saturating_duration_since(Instant::now())
                .as_secs(),
        });
        let mut last = None;
        while Instant::now() < issued.until {
            match timeout_at(issued.until, self.hand_in(issued, signed)).await {
                Ok(Ok(group)) => return Ok(group),
                Ok(Err(error)) if error.is_unreachable() => last = Some(error),
                Ok(Err(source)) => return Err(failed(Doing::VerifyingAssociation, source)),
                Err(_) => break,
            }
            sleep(self.pace.account_again).await;
        }
        Err(FlowError::ChallengeExpired {
            node_id: signed.node_id.clone(),
            source: last,
        })
    }

    /// Says in the account that the node is the user's, and waits until the node has said so, too.
    async fn follow(
        &self,
        node_id: &str,
        secret_key: &Secret<String>,
        observer: &mut dyn Observer,
    ) -> Result<(), FlowError> {
        let cloud = &self.owner.cloud;
        let began = Instant::now();
        // The node's half is kept as long.
        let deadline = began + self.pace.mapping;
        let request = loop {
            match cloud
                .add_mapping(node_id, secret_key, &self.owner.extras)
                .await
            {
                Ok(request) => break request,
                Err(error) if error.is_unreachable() && Instant::now() < deadline => {
                    tracing::info!(%error, "asking again");
                    sleep(self.pace.account_again).await;
                }
                Err(source) => return Err(failed(Doing::AddingMapping, source)),
            }
        };
        let asked = Instant::now();
        let deadline = asked + self.pace.mapping;
        let mut interval = self.pace.mapping_status;
        let mut told = None;
        loop {
            let status = match cloud.mapping_status(&request).await {
                Ok(status) => Some(status),
                Err(error) if error.is_unreachable() => None,
                Err(source) => return Err(failed(Doing::AddingMapping, source)),
            };
            if let Some(status) = &status
                && told.as_ref() != Some(status)
            {
                observer.event(&Event::MappingPolled {
                    status: status.to_string(),
                    elapsed_s: asked.elapsed().as_secs(),
                });
            }
            told = status.or(told);
            match &told {
                Some(MappingStatus::Confirmed) => return Ok(()),
                Some(status @ (MappingStatus::TimedOut | MappingStatus::Discarded)) => {
                    return Err(FlowError::NotMapped {
                        node_id: node_id.to_owned(),
                        status: status.clone(),
                    });
                }
                Some(MappingStatus::Requested | MappingStatus::Other(_)) | None => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(FlowError::MappingPending {
                    node_id: node_id.to_owned(),
                    waited: self.pace.mapping,
                    status: told,
                });
            }
            sleep(interval.min(left)).await;
            interval = (interval + interval / 2).min(self.pace.slowest_mapping_status);
        }
    }

    fn mapped(&self, node_id: &str, way: Way, observer: &mut dyn Observer) {
        observer.event(&Event::Mapped {
            node_id: node_id.to_owned(),
            way,
            host: self.owner.cloud.host().to_owned(),
        });
    }
}

async fn sign(secured: &mut Secured, challenge: &Challenge) -> Result<Signed, FlowError> {
    let command = SignChallenge {
        challenge: challenge.challenge.clone(),
    };
    match secured.session.call(&command).await {
        Ok(Challenged::Signed(signed)) => Ok(signed),
        Ok(Challenged::Disabled) => Err(FlowError::ChallengeDisabled),
        // protocomm has no error message: a handler that fails hangs up.
        Err(SessionError::Transport(how)) if how.may_be_refusal() => {
            Err(FlowError::ChallengeRefused { source: how })
        }
        Err(source) => Err(FlowError::Session {
            doing: Doing::Signing,
            source,
        }),
    }
}

/// Has the device sign nothing more. The mapping holds without it, so a failure is only told.
async fn disable(secured: &mut Secured, observer: &mut dyn Observer) {
    match secured.session.call(&DisableChallengeResponse).await {
        Ok(how) => observer.event(&Event::ChallengeResponseDisabled {
            already: how == Disabled::Already,
        }),
        Err(error) => observer.event(&Event::Warned {
            id: Warning::NotDisabled,
            message: format!("challenge-response stays on until the device restarts: {error}"),
        }),
    }
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
