//! The way of the secret key: device and account are told the same secret, and the device repeats
//! it to the account once it is online.

use tokio::time::{Instant, sleep};

use super::{Mapping, Owner, Progress, failed, waits};
use crate::cloud::mapping::{MappingRequest, MappingStatus};
use crate::endpoint::user_mapping::SetUserMapping;
use crate::flows::connect::Secured;
use crate::flows::{Doing, Event, FlowError, Observer, Stage, StageState, Warning};
use crate::secret::Secret;
use crate::session::SessionError;
use crate::transport::TransportError;

impl Mapping<'_> {
    pub(super) async fn tell_device(
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

    /// Says in the account that the node is the user's, and waits until the node has said so, too.
    pub(super) async fn follow(
        &self,
        node_id: &str,
        secret_key: &Secret<String>,
        observer: &mut dyn Observer,
    ) -> Result<(), FlowError> {
        let cloud = &self.owner.cloud;
        let Some(request) = self.request(node_id, secret_key, observer).await? else {
            return Ok(());
        };
        let asked = Instant::now();
        let deadline = asked + self.pace.mapping;
        let mut interval = self.pace.mapping_status;
        let mut told = None;
        loop {
            let status = match cloud.mapping_status(&request).await {
                Ok(status) => Some(status),
                Err(error) if error.is_unreachable() => None,
                Err(source) => return Err(failed(Doing::FollowingMapping, source)),
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
    /// Has the account wait for the node. `None` where it need not wait any more: an answer was
    /// lost, and by then the node had said its part. Asked again without a look, the account would
    /// wait for a message that has come.
    async fn request(
        &self,
        node_id: &str,
        secret_key: &Secret<String>,
        observer: &mut dyn Observer,
    ) -> Result<Option<MappingRequest>, FlowError> {
        let Owner { cloud, extras, .. } = self.owner;
        // The node's half is kept as long.
        let deadline = Instant::now() + self.pace.mapping;
        let mut may_be_there = false;
        let mut troubles = 0;
        let mut told = false;
        loop {
            let error = match cloud.add_mapping(node_id, secret_key, extras).await {
                Ok(request) => return Ok(Some(request)),
                Err(error) => error,
            };
            may_be_there |= error.may_have_arrived();
            if may_be_there && matches!(cloud.node(node_id).await, Ok(Some(_))) {
                return Ok(None);
            }
            if error.is_trouble() {
                troubles += 1;
            }
            let passes = error.is_unreachable() || error.is_trouble() && troubles <= TROUBLES;
            if !passes || Instant::now() >= deadline {
                return Err(failed(Doing::AddingMapping, error));
            }
            tracing::info!(%error, "asking again");
            if !told {
                waits(node_id, deadline, observer);
                told = true;
            }
            sleep(self.pace.account_again).await;
        }
    }
}

/// How often the cloud may have trouble of its own.
const TROUBLES: u32 = 2;
