//! The state of mappings. By secret key: a user's request and a node's message that match within a
//! minute, in either order. By challenge-response: the challenge. `mapping_calls` has the effects.
//!
//! ```text
//! request ──► requested ──(message: same user, node and secret)──► confirmed
//!                 ├── a minute without it ──► timedout
//!                 └── a newer request by the same user for the node ──► discarded
//! message ──► stored for a minute ──(matching request)──► confirmed at once
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::exchange::ApiResult;
use super::extras::MappingExtras;
use super::random;
use super::refusal::NO_REQUEST;
use crate::secret::Secret;

/// The text that a node signs. It is valid for one user and one answer: a wrong signature ends it.
#[derive(Debug, Default)]
pub(super) struct Challenge {
    pub(super) user_id: String,
    pub(super) text: String,
}

/// One half of a mapping by secret key: a user's request, or a node's message.
#[derive(Clone, Debug)]
pub(super) struct Half {
    user_id: String,
    node_id: String,
    secret: Secret<String>,
}

impl Half {
    pub(super) fn new(user_id: &str, node_id: &str, secret: &str) -> Self {
        Self {
            user_id: user_id.to_owned(),
            node_id: node_id.to_owned(),
            secret: Secret::new(secret.to_owned()),
        }
    }

    fn has_same_node_and_user(&self, other: &Self) -> bool {
        (&self.node_id, &self.user_id) == (&other.node_id, &other.user_id)
    }

    fn matches(&self, other: &Self) -> bool {
        self.has_same_node_and_user(other) && self.secret.expose() == other.secret.expose()
    }
}

/// The state of a request, as the API spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Requested,
    Confirmed,
    TimedOut,
    Discarded,
}

/// A user's request to map a node.
#[derive(Debug)]
pub(super) struct StoredRequest {
    half: Half,
    /// What the node gets when it is mapped.
    extras: MappingExtras,
    pub(super) at: Duration,
    pub(super) status: Status,
}

/// The result of a new request.
#[derive(Debug)]
pub(super) struct NewMappingRequest {
    pub(super) request_id: String,
    /// Whether the node's message arrived before.
    pub(super) is_confirmed: bool,
    /// The requests that it replaces.
    pub(super) discarded: Vec<String>,
}

/// All requests and messages of one cloud. [`Self::expire`] comes before every other call, so that
/// the log has the requests that have ended.
#[derive(Debug)]
pub(super) struct Mappings {
    wait: Duration,
    requests: BTreeMap<String, StoredRequest>,
    /// With their times, by node: a later message replaces an earlier one.
    messages: BTreeMap<String, (Half, Duration)>,
}

impl Mappings {
    /// Creates it with the time that the two halves wait for each other.
    pub(super) fn new(wait: Duration) -> Self {
        Self {
            wait,
            requests: BTreeMap::new(),
            messages: BTreeMap::new(),
        }
    }

    /// Ends requests and messages that have waited too long. Returns the ids and nodes of the requests.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<(String, String)> {
        let wait = self.wait;
        let is_over = |at: Duration| at.saturating_add(wait) <= now;
        self.messages.retain(|_, (_, at)| !is_over(*at));
        let mut ended = Vec::new();
        for (id, request) in &mut self.requests {
            if request.status == Status::Requested && is_over(request.at) {
                request.status = Status::TimedOut;
                ended.push((id.clone(), request.half.node_id.clone()));
            }
        }
        ended
    }

    /// Handles a user's request.
    pub(super) fn request(
        &mut self,
        now: Duration,
        half: Half,
        extras: MappingExtras,
    ) -> NewMappingRequest {
        let mut discarded = Vec::new();
        for (id, earlier) in &mut self.requests {
            if earlier.status == Status::Requested && earlier.half.has_same_node_and_user(&half) {
                earlier.status = Status::Discarded;
                discarded.push(id.clone());
            }
        }
        let message = self.messages.get(&half.node_id);
        let is_confirmed = message.is_some_and(|(message, _)| message.matches(&half));
        let status = if is_confirmed {
            self.messages.remove(&half.node_id);
            Status::Confirmed
        } else {
            Status::Requested
        };
        NewMappingRequest {
            request_id: self.record(now, half, extras, status),
            is_confirmed,
            discarded,
        }
    }

    /// Stores a request in this state. Returns its id.
    pub(super) fn record(
        &mut self,
        at: Duration,
        half: Half,
        extras: MappingExtras,
        status: Status,
    ) -> String {
        let request_id = random::alphanumerics(22);
        let request = StoredRequest {
            half,
            extras,
            at,
            status,
        };
        self.requests.insert(request_id.clone(), request);
        request_id
    }

    /// Handles a node's message. If a request matches, returns what the node gets.
    pub(super) fn handle_message(&mut self, now: Duration, half: Half) -> Option<MappingExtras> {
        let mut requests = self.requests.values_mut();
        let waiting = requests
            .find(|request| request.status == Status::Requested && request.half.matches(&half));
        if let Some(request) = waiting {
            request.status = Status::Confirmed;
            return Some(request.extras.clone());
        }
        self.messages.insert(half.node_id.clone(), (half, now));
        None
    }

    /// A user's request. Another user's is refused as unknown.
    pub(super) fn poll(&self, user_id: &str, request_id: &str) -> ApiResult<&StoredRequest> {
        self.requests
            .get(request_id)
            .filter(|request| request.half.user_id == user_id)
            .ok_or_else(|| NO_REQUEST.because("there is no such request"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn at(seconds: u64) -> Duration {
        NOW + Duration::from_secs(seconds)
    }

    fn request(
        mappings: &mut Mappings,
        now: Duration,
        user: &str,
        secret: &str,
    ) -> NewMappingRequest {
        mappings.request(
            now,
            Half::new(user, "node", secret),
            MappingExtras::default(),
        )
    }

    fn mappings() -> Mappings {
        Mappings::new(Duration::from_mins(1))
    }

    fn status(mappings: &mut Mappings, now: Duration, request_id: &str) -> Status {
        mappings.expire(now);
        mappings.poll("ann", request_id).unwrap().status
    }

    #[test]
    fn matching_message_confirms_request() {
        let mut mappings = mappings();
        let request = request(&mut mappings, NOW, "ann", "s");
        assert!(!request.is_confirmed);
        assert!(
            mappings
                .handle_message(at(1), Half::new("ann", "node", "x"))
                .is_none()
        );
        assert!(
            mappings
                .handle_message(at(1), Half::new("bob", "node", "s"))
                .is_none()
        );
        assert!(
            mappings
                .handle_message(at(1), Half::new("ann", "other", "s"))
                .is_none()
        );
        let id = &request.request_id;
        assert_eq!(status(&mut mappings, at(2), id), Status::Requested);
        let confirmed = mappings.handle_message(at(59), Half::new("ann", "node", "s"));
        assert_eq!(confirmed, Some(MappingExtras::default()));
        assert_eq!(status(&mut mappings, at(600), id), Status::Confirmed);
    }

    #[test]
    fn request_times_out_without_message() {
        let mut mappings = mappings();
        let id = request(&mut mappings, NOW, "ann", "s").request_id;
        assert_eq!(status(&mut mappings, at(59), &id), Status::Requested);
        assert_eq!(mappings.expire(at(60)), [(id.clone(), "node".to_owned())]);
        assert!(
            mappings
                .handle_message(at(60), Half::new("ann", "node", "s"))
                .is_none()
        );
        assert_eq!(status(&mut mappings, at(60), &id), Status::TimedOut);
    }

    #[test]
    fn early_message_is_kept_for_a_minute() {
        for (after, kept) in [(59, true), (60, false)] {
            let mut mappings = mappings();
            assert!(
                mappings
                    .handle_message(NOW, Half::new("ann", "node", "s"))
                    .is_none()
            );
            mappings.expire(at(after));
            let request = request(&mut mappings, at(after), "ann", "s");
            assert_eq!(request.is_confirmed, kept, "{after}");
        }
    }

    #[test]
    fn newer_request_discards_older_one() {
        let mut mappings = mappings();
        let first = request(&mut mappings, NOW, "ann", "s");
        let others = request(&mut mappings, NOW, "bob", "s");
        assert_eq!(others.discarded, Vec::<String>::new());
        let second = request(&mut mappings, at(1), "ann", "t");
        assert_eq!(second.discarded, std::slice::from_ref(&first.request_id));
        let first = status(&mut mappings, at(2), &first.request_id);
        assert_eq!(first, Status::Discarded);
        let second = status(&mut mappings, at(2), &second.request_id);
        assert_eq!(second, Status::Requested);
    }

    #[test]
    fn request_of_another_user_is_unknown() {
        let mut mappings = mappings();
        let id = request(&mut mappings, NOW, "ann", "s").request_id;
        assert!(mappings.poll("bob", &id).is_err());
        assert!(mappings.poll("ann", "nonsense").is_err());
    }
}
