//! The way of the secret key: device and account are told the same secret, and the device repeats
//! it to the account once it is online.

use tokio::time::{Instant, sleep};

use super::{Mapping, Progress, failed, waits};
use crate::cloud::CloudError;
use crate::cloud::mapping::{Added, MappingStatus};
use crate::endpoint::user_mapping::SetUserMapping;
use crate::flows::connect::Secured;
use crate::flows::{Doing, Event, FlowError, Observer, Stage, StageState, Warning};
use crate::secret::Secret;
use crate::session::SessionError;

impl Mapping<'_> {
    pub(super) async fn tell_device(
        &mut self,
        secured: &mut Secured,
        observer: &mut dyn Observer,
    ) -> Result<Progress, FlowError> {
        let user_id = self.owner.cloud.user_id().await;
        let command = SetUserMapping {
            user_id: user_id.ok_or(FlowError::UserUnknown)?,
            secret_key: Secret::new(uuid::Uuid::new_v4().to_string()),
        };
        self.doing = Doing::SendingUser;
        let began = Instant::now();
        observer.event(&Stage::Associate.event(StageState::Started, None));
        let told = secured.session.call(&command).await;
        Stage::Associate.ended(began, StageState::of(told.is_ok()), observer);
        let node_id = told.map_err(|source| match source {
            SessionError::Transport(error) if error.may_be_missing_endpoint() => {
                FlowError::NoMapping
            }
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
        let began = Instant::now();
        // The node's half is kept as long.
        let deadline = began + self.pace.mapping;
        let mut told = false;
        // A request whose answer was lost may have been confirmed, and then no other one is.
        let mut lost = false;
        let mut asked = 0;
        let request = loop {
            asked += 1;
            match cloud
                .add_mapping(node_id, secret_key, &self.owner.extras)
                .await
            {
                Ok(Added::Requested(request)) => break request,
                Ok(Added::MappedWithoutGroup) => return Ok(()),
                Err(error) if Instant::now() < deadline && may_pass(&error, asked) => {
                    tracing::info!(%error, "asking again");
                    lost |= error.may_have_arrived();
                    if lost && self.has(node_id).await {
                        return Ok(());
                    }
                    if !told {
                        waits(node_id, deadline, observer);
                        told = true;
                    }
                    sleep(self.pace.account_again).await;
                }
                Err(source) => return Err(failed(Doing::AddingMapping, source)),
            }
        };
        let asked = Instant::now();
        let deadline = asked + self.pace.mapping;
        let mut intervals = self.pace.mapping_status_intervals();
        let mut told = None;
        loop {
            let status = match cloud.mapping_status(&request).await {
                Ok(status) => Some(status),
                // A question that can be asked again: by then this computer may be past the login
                // page of the network that it came back to.
                Err(error) if may_be_otherwise(&error) => {
                    tracing::info!(%error, "asking again how the mapping goes");
                    lost = true;
                    None
                }
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
                    if lost && self.has(node_id).await {
                        return Ok(());
                    }
                    return Err(FlowError::NotMapped {
                        node_id: node_id.to_owned(),
                        status: status.clone(),
                    });
                }
                Some(MappingStatus::Requested | MappingStatus::Other(_)) | None => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                if lost && self.has(node_id).await {
                    return Ok(());
                }
                return Err(FlowError::MappingPending {
                    node_id: node_id.to_owned(),
                    waited: self.pace.mapping,
                    status: told,
                });
            }
            sleep(intervals.next().map_or(left, |interval| interval.min(left))).await;
        }
    }

    /// Whether the account has the node. Where it cannot be asked, nobody knows of it.
    async fn has(&self, node_id: &str) -> bool {
        matches!(self.owner.cloud.node(node_id).await, Ok(Some(_)))
    }
}

/// Whether the same question may get an answer a moment later.
fn may_be_otherwise(error: &CloudError) -> bool {
    error.is_unreachable()
        || error.may_have_arrived()
        || matches!(error, CloudError::Rejected { status: 429, .. })
}

/// Whether to ask for the mapping again: when nobody was there, and some times when the cloud has
/// trouble of its own.
fn may_pass(error: &CloudError, asked: u32) -> bool {
    error.is_unreachable()
        || asked < MOST_ASKED && matches!(error, CloudError::Rejected { status: 500.., .. })
}

/// As often as the cloud's client asks by itself where that is safe.
const MOST_ASKED: u32 = 3;
