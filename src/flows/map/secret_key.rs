//! The way of the secret key: device and account are told the same secret, and the device repeats
//! it to the account once it is online.

use tokio::time::{Instant, sleep};

use super::mapping::{Mapping, failed};
use super::progress::Progress;
use crate::cloud::CloudError;
use crate::cloud::mapping::{Added, MappingStatus};
use crate::endpoint::user_mapping::SetUserMapping;
use crate::flows::{Event, FlowError, FlowStep, Stage, Taken, Warning};
use crate::secret::Secret;
use crate::session::{Secured, SessionError};

impl Mapping<'_> {
    pub(super) async fn tell_device(
        &mut self,
        secured: &mut Secured,
    ) -> Result<Progress, FlowError> {
        let user_id = self.owner.cloud.user_id().await;
        let command = SetUserMapping {
            user_id: user_id.ok_or(FlowError::UserUnknown)?,
            secret_key: Secret::new(uuid::Uuid::new_v4().to_string()),
        };
        self.step = FlowStep::SendingUser;
        let stage = self.run.start_stage(Stage::Associate);
        let told = secured.session.call(&command).await;
        self.run.end_stage(&stage, told.is_ok());
        let node_id = told.map_err(|source| match source {
            SessionError::Transport(error) if error.may_be_missing_endpoint() => {
                FlowError::NoMapping
            }
            source => FlowError::Session {
                step: FlowStep::SendingUser,
                source,
            },
        })?;
        self.run.report(&Event::UserSent {
            node_id: node_id.clone(),
        });
        if self.owner.disable {
            self.run.report(&Event::Warned {
                id: Warning::NotDisabled,
                message: "this firmware has no challenge-response that could be switched off"
                    .to_owned(),
            });
        }
        Ok(Progress::SecretSent {
            node_id,
            secret_key: command.secret_key,
        })
    }

    /// Says in the account that the node is the user's, and waits until the node has said so, too.
    pub(super) async fn follow(
        &self,
        node_id: &str,
        secret_key: &Secret<String>,
    ) -> Result<(), FlowError> {
        let cloud = &self.owner.cloud;
        let began = Instant::now();
        // The node's half is kept as long.
        let deadline = began + self.run.pace.mapping;
        let mut told = false;
        // A request whose answer was lost may have been confirmed, and then no other one is.
        let mut lost = false;
        let mut asked = 0;
        let request = loop {
            asked += 1;
            let adding = cloud.add_mapping(node_id, secret_key, &self.owner.extras);
            let is_done = |added: &Added| matches!(added, Added::MappedWithoutGroup);
            let step = FlowStep::AddingMapping;
            let added = self.record_mapping(step, node_id, lost, is_done, adding);
            match added.await? {
                Ok(Added::Requested(request)) => break request,
                Ok(Added::MappedWithoutGroup) => return Ok(()),
                Err(error) if Instant::now() < deadline && may_pass(&error, asked) => {
                    tracing::info!(%error, "asking again");
                    lost |= error.may_have_arrived();
                    if lost && self.has(node_id).await {
                        return Ok(());
                    }
                    if !told {
                        self.report_waiting(node_id, deadline);
                        told = true;
                    }
                    sleep(self.run.pace.account_again).await;
                }
                Err(source) => return Err(failed(FlowStep::AddingMapping, source)),
            }
        };
        let asked = Instant::now();
        let deadline = asked + self.run.pace.mapping;
        let mut intervals = self.run.pace.mapping_status_intervals();
        let mut told = None;
        loop {
            let status = match cloud.fetch_mapping_status(&request).await {
                Ok(status) => Some(status),
                // A question that can be asked again: by then this computer may be past the login
                // page of the network that it came back to.
                Err(error) if may_be_otherwise(&error) => {
                    tracing::info!(%error, "asking again how the mapping goes");
                    lost = true;
                    None
                }
                Err(source) => return Err(failed(FlowStep::FollowingMapping, source)),
            };
            if let Some(status) = &status
                && told.as_ref() != Some(status)
            {
                self.run.report(&Event::MappingPolled {
                    status: status.to_string(),
                    elapsed_s: asked.elapsed().as_secs(),
                });
            }
            told = status.or(told);
            match &told {
                Some(MappingStatus::Confirmed) => {
                    let step = Self::mapping_of(node_id);
                    self.run.record_outcome(&step, Taken::Yes).await;
                    return Ok(());
                }
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
                    waited: self.run.pace.mapping,
                    status: told,
                });
            }
            sleep(intervals.next().map_or(left, |interval| interval.min(left))).await;
        }
    }

    /// Whether the account has the node. Where it cannot be asked, nobody knows of it.
    async fn has(&self, node_id: &str) -> bool {
        matches!(self.owner.cloud.fetch_node(node_id).await, Ok(Some(_)))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cloud::scripted::{ScriptedCloud, Turn};
    use crate::flows::Run;
    use crate::flows::map::scripted::{calls, mapping, owner, pace};
    use crate::flows::scripted_journal::ScriptedJournal;
    use crate::flows::scripted_observer::ScriptedObserver;

    const ADD: &str = "PUT user/nodes/mapping";
    const STATUS: &str = "GET user/nodes/mapping";
    const NODE: &str = "GET user/nodes";
    const REQUESTED: Turn = Turn::Answer(200, r#"{"request_id":"1"}"#);
    const PENDING: Turn = Turn::Answer(200, r#"{"request_status":"requested"}"#);
    const CONFIRMED: Turn = Turn::Answer(200, r#"{"request_status":"confirmed"}"#);
    const TIMED_OUT: Turn = Turn::Answer(200, r#"{"request_status":"timedout"}"#);
    const REFUSED: Turn = Turn::Answer(400, r#"{"status":"failure"}"#);
    const BROKEN: Turn = Turn::Answer(500, r#"{"status":"failure"}"#);
    const IN_ACCOUNT: Turn = Turn::Answer(200, r#"{"nodes":["node1"]}"#);
    const NOT_IN_ACCOUNT: Turn = Turn::Answer(404, r#"{"status":"failure"}"#);

    async fn follow(script: &[Turn]) -> (Result<(), FlowError>, Vec<String>) {
        let cloud = ScriptedCloud::start(script).await;
        let owner = owner(&cloud);
        let run = ScriptedObserver::default().run_at(pace());
        let key = Secret::new("key".to_owned());
        let outcome = mapping(&run, &owner).follow("node1", &key).await;
        (outcome, calls(&cloud))
    }

    /// The cloud only knows after the node has confirmed, and an earlier request may have counted.
    #[tokio::test]
    async fn journal_has_what_is_known_of_the_mapping() {
        use Taken::{No, Perhaps, Yes};
        for (script, outcomes) in [
            (&[REQUESTED, CONFIRMED][..], &[Perhaps, Yes][..]),
            (&[REQUESTED, TIMED_OUT], &[Perhaps]),
            (&[REFUSED], &[No]),
            (
                &[Turn::HangUp, NOT_IN_ACCOUNT, REFUSED],
                &[Perhaps, Perhaps],
            ),
        ] {
            let cloud = ScriptedCloud::start(script).await;
            let (owner, journal) = (owner(&cloud), ScriptedJournal::default());
            let run = Run {
                journal: Arc::new(journal.clone()),
                ..ScriptedObserver::default().run_at(pace())
            };
            let key = Secret::new("key".to_owned());
            let _outcome = mapping(&run, &owner).follow("node1", &key).await;
            assert_eq!(journal.outcomes(), outcomes, "{script:?}");
        }
    }

    #[tokio::test]
    async fn mapping_is_followed_until_it_is_confirmed() {
        let (outcome, calls) = follow(&[REQUESTED, PENDING, BROKEN, PENDING, CONFIRMED]).await;
        outcome.unwrap();
        assert_eq!(calls, [ADD, STATUS, STATUS, STATUS, STATUS]);
    }

    #[tokio::test]
    async fn refusal_is_final_and_a_broken_cloud_is_asked_three_times() {
        let (outcome, calls) = follow(&[REFUSED, REQUESTED, CONFIRMED]).await;
        assert!(
            matches!(outcome, Err(FlowError::Cloud { .. })),
            "{outcome:?}"
        );
        assert_eq!(calls, [ADD]);

        let broken = [BROKEN, NOT_IN_ACCOUNT, BROKEN, NOT_IN_ACCOUNT, BROKEN];
        let (outcome, calls) = follow(&broken).await;
        assert!(
            matches!(outcome, Err(FlowError::Cloud { .. })),
            "{outcome:?}"
        );
        assert_eq!(calls, [ADD, NODE, ADD, NODE, ADD]);
    }

    /// Only the account knows whether a request counted whose answer was lost.
    #[tokio::test]
    async fn account_is_asked_for_the_node_only_after_a_lost_answer() {
        let (outcome, calls) = follow(&[Turn::HangUp, IN_ACCOUNT]).await;
        outcome.unwrap();
        assert_eq!(calls, [ADD, NODE]);

        let lost = [REQUESTED, Turn::HangUp, TIMED_OUT, IN_ACCOUNT];
        follow(&lost).await.0.unwrap();

        for script in [
            &[REQUESTED, TIMED_OUT, IN_ACCOUNT][..],
            &[REQUESTED, Turn::HangUp, TIMED_OUT, NOT_IN_ACCOUNT],
        ] {
            let (outcome, _) = follow(script).await;
            assert!(
                matches!(outcome, Err(FlowError::NotMapped { .. })),
                "{outcome:?}"
            );
        }
    }
}
