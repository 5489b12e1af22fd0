//! Mapping by secret key: device and account get the same secret, and the device sends it to the
//! account once it is online.

use tokio::time::{Instant, sleep};

use super::mapping::Mapping;
use super::progress::Progress;
use crate::cloud::CloudError;
use crate::cloud::mapping::{Added, MappingStatus};
use crate::endpoint::user_mapping::SetUserMapping;
use crate::flows::{Event, FlowError, FlowStep, Stage, Taken, Warning};
use crate::secret::Secret;
use crate::session::{Secured, SessionError};

impl Mapping<'_> {
    pub(super) async fn associate_by_secret(
        &mut self,
        secured: &mut Secured,
    ) -> Result<Progress, FlowError> {
        let user_id = self.owner.cloud.user_id().await;
        let command = SetUserMapping {
            user_id: user_id.ok_or(FlowError::UserUnknown)?,
            secret_key: Secret::new(uuid::Uuid::new_v4().to_string()),
        };
        self.step = FlowStep::SendingUser;
        let sending = secured.session.call(&command);
        let sent = self.run.in_stage(Stage::Associate, sending).await;
        let node_id = sent.map_err(|error| match error {
            SessionError::Transport(error) if error.may_be_missing_endpoint() => {
                FlowError::NoMapping
            }
            error => FlowError::of_session(FlowStep::SendingUser)(error),
        })?;
        self.run.report(&Event::UserSent {
            node_id: node_id.clone(),
        });
        if self.owner.disable {
            let message = "this firmware has no challenge-response that could be switched off";
            self.run.warn(Warning::NotDisabled, message);
        }
        Ok(Progress::SecretSent {
            node_id,
            secret_key: command.secret_key,
        })
    }

    /// Registers the mapping in the account, and waits until the node confirms it.
    pub(super) async fn follow_mapping(
        &self,
        node_id: &str,
        secret_key: &Secret<String>,
    ) -> Result<(), FlowError> {
        let cloud = &self.owner.cloud;
        let began = Instant::now();
        // The cloud stores the node's half for the same time.
        let deadline = began + self.run.timing.mapping;
        let mut has_reported_wait = false;
        // If an answer was lost, the node may have confirmed that request; the cloud then confirms
        // no other one.
        let mut is_answer_lost = false;
        let mut attempts = 0;
        let request = loop {
            attempts += 1;
            let adding = cloud.add_mapping(node_id, secret_key, &self.owner.extras);
            let is_done = |added: &Added| matches!(added, Added::MappedWithoutGroup);
            let step = FlowStep::AddingMapping;
            let added = self.record_mapping(step, node_id, is_answer_lost, is_done, adding);
            match added.await? {
                Ok(Added::Requested(request)) => break request,
                Ok(Added::MappedWithoutGroup) => return Ok(()),
                Err(error) if Instant::now() < deadline && should_add_again(&error, attempts) => {
                    tracing::info!(%error, "adding the mapping again");
                    is_answer_lost |= error.may_have_arrived();
                    if is_answer_lost && self.has_node(node_id).await {
                        return Ok(());
                    }
                    if !has_reported_wait {
                        self.report_waiting(node_id, deadline);
                        has_reported_wait = true;
                    }
                    sleep(self.run.timing.account_retry).await;
                }
                Err(error) => return Err(FlowError::of_cloud(FlowStep::AddingMapping)(error)),
            }
        };
        let requested = Instant::now();
        let deadline = requested + self.run.timing.mapping;
        let mut intervals = self.run.timing.mapping_status_intervals();
        let mut reported = None;
        loop {
            let status = match cloud.fetch_mapping_status(&request).await {
                Ok(status) => Some(status),
                // The network that this computer returned to may show a login page at first, so
                // espctl polls again.
                Err(error) if is_transient(&error) => {
                    tracing::info!(%error, "polling the mapping again");
                    is_answer_lost = true;
                    None
                }
                Err(error) => return Err(FlowError::of_cloud(FlowStep::FollowingMapping)(error)),
            };
            if let Some(status) = &status
                && reported.as_ref() != Some(status)
            {
                self.run.report(&Event::MappingPolled {
                    status: status.to_string(),
                    elapsed_s: requested.elapsed().as_secs(),
                });
            }
            reported = status.or(reported);
            match &reported {
                Some(MappingStatus::Confirmed) => {
                    let step = Self::map_step(node_id);
                    self.run.record_outcome(&step, Taken::Yes).await;
                    return Ok(());
                }
                Some(status @ (MappingStatus::TimedOut | MappingStatus::Discarded)) => {
                    if is_answer_lost && self.has_node(node_id).await {
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
                if is_answer_lost && self.has_node(node_id).await {
                    return Ok(());
                }
                return Err(FlowError::MappingPending {
                    node_id: node_id.to_owned(),
                    waited: self.run.timing.mapping,
                    status: reported,
                });
            }
            sleep(intervals.next().map_or(left, |interval| interval.min(left))).await;
        }
    }

    /// Whether the account has the node; false if the account does not answer.
    async fn has_node(&self, node_id: &str) -> bool {
        matches!(self.owner.cloud.fetch_node(node_id).await, Ok(Some(_)))
    }
}

/// Whether the same poll may succeed a moment later.
fn is_transient(error: &CloudError) -> bool {
    error.is_unreachable()
        || error.may_have_arrived()
        || matches!(error, CloudError::Rejected { status: 429, .. })
}

/// Whether to add the mapping again: always if the account is unreachable, a few times if the cloud
/// has a problem of its own.
fn should_add_again(error: &CloudError, attempts: u32) -> bool {
    error.is_unreachable()
        || attempts < MAX_ADD_ATTEMPTS
            && matches!(error, CloudError::Rejected { status: 500.., .. })
}

/// The number of requests to add a mapping; the cloud's client repeats safe requests as often.
const MAX_ADD_ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cloud::scripted::{ScriptedCloud, Turn};
    use crate::flows::Run;
    use crate::flows::map::scripted::{calls, mapping, owner, timing};
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

    async fn follow_mapping(script: &[Turn]) -> (Result<(), FlowError>, Vec<String>) {
        let cloud = ScriptedCloud::start(script).await;
        let owner = owner(&cloud);
        let run = ScriptedObserver::default().run_at(timing());
        let key = Secret::new("key".to_owned());
        let outcome = mapping(&run, &owner).follow_mapping("node1", &key).await;
        (outcome, calls(&cloud))
    }

    /// The cloud only knows after the node has confirmed, and may have accepted an earlier request.
    #[tokio::test]
    async fn journal_records_known_mapping_outcome() {
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
                journal: Some(Arc::new(journal.clone())),
                ..ScriptedObserver::default().run_at(timing())
            };
            let key = Secret::new("key".to_owned());
            let _outcome = mapping(&run, &owner).follow_mapping("node1", &key).await;
            assert_eq!(journal.outcomes(), outcomes, "{script:?}");
        }
    }

    #[tokio::test]
    async fn polls_mapping_until_confirmed() {
        let (outcome, calls) =
            follow_mapping(&[REQUESTED, PENDING, BROKEN, PENDING, CONFIRMED]).await;
        outcome.unwrap();
        assert_eq!(calls, [ADD, STATUS, STATUS, STATUS, STATUS]);
    }

    #[tokio::test]
    async fn rejection_is_final_and_server_error_is_retried_twice() {
        let (outcome, calls) = follow_mapping(&[REFUSED, REQUESTED, CONFIRMED]).await;
        assert!(
            matches!(outcome, Err(FlowError::Cloud { .. })),
            "{outcome:?}"
        );
        assert_eq!(calls, [ADD]);

        let broken = [BROKEN, NOT_IN_ACCOUNT, BROKEN, NOT_IN_ACCOUNT, BROKEN];
        let (outcome, calls) = follow_mapping(&broken).await;
        assert!(
            matches!(outcome, Err(FlowError::Cloud { .. })),
            "{outcome:?}"
        );
        assert_eq!(calls, [ADD, NODE, ADD, NODE, ADD]);
    }

    /// If an answer was lost, only the account knows whether it accepted the request.
    #[tokio::test]
    async fn looks_up_node_only_after_lost_answer() {
        let (outcome, calls) = follow_mapping(&[Turn::HangUp, IN_ACCOUNT]).await;
        outcome.unwrap();
        assert_eq!(calls, [ADD, NODE]);

        let lost = [REQUESTED, Turn::HangUp, TIMED_OUT, IN_ACCOUNT];
        follow_mapping(&lost).await.0.unwrap();

        for script in [
            &[REQUESTED, TIMED_OUT, IN_ACCOUNT][..],
            &[REQUESTED, Turn::HangUp, TIMED_OUT, NOT_IN_ACCOUNT],
        ] {
            let (outcome, _) = follow_mapping(script).await;
            assert!(
                matches!(outcome, Err(FlowError::NotMapped { .. })),
                "{outcome:?}"
            );
        }
    }
}
