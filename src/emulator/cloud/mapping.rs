//! Mapping by secret key: a user's request and a node's message that have to meet within a
//! minute, in either order. Not what a mapping changes, nor who may ask for one.
//!
//! ```text
//! request ──► requested ──(message: same user, node and secret)──► confirmed
//!                 ├── a minute without it ──► timedout
//!                 └── a newer request by the same user for the node ──► discarded
//! message ──► kept a minute ──(request that fits)──► confirmed at once
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use super::extras::Extras;
use super::random;
use super::refusal::{NO_REQUEST, Refusal};
use crate::secret::Secret;

/// What a user asks for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) user_id: String,
    pub(super) node_id: String,
    pub(super) secret: Secret<String>,
    /// What the node is to get when it is mapped.
    pub(super) extras: Extras,
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Requested,
    Confirmed,
    TimedOut,
    Discarded,
}

impl Status {
    /// As the API spells it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Confirmed => "confirmed",
            Self::TimedOut => "timedout",
            Self::Discarded => "discarded",
        }
    }
}

/// A request, as a poll tells it.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) ask: Ask,
    pub(super) at: Duration,
    pub(super) status: Status,
}

/// A node's message that nobody has asked for yet.
#[derive(Debug)]
struct Message {
    user_id: String,
    secret: Secret<String>,
    at: Duration,
}

/// What a new request leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Requested {
    pub(super) request_id: String,
    /// Whether the node's message was there already.
    pub(super) confirmed: bool,
    /// The requests that it replaces.
    pub(super) discarded: Vec<String>,
}

/// All requests and messages of one cloud.
#[derive(Debug)]
pub(super) struct Mappings {
    wait: Duration,
    requests: BTreeMap<String, Pending>,
    /// By node: a later message replaces an earlier one.
    messages: BTreeMap<String, Message>,
}

impl Mappings {
    /// With this time for the two sides to meet.
    pub(super) fn new(wait: Duration) -> Self {
        Self {
            wait,
            requests: BTreeMap::new(),
            messages: BTreeMap::new(),
        }
    }

    /// What has waited too long ends. The ids and nodes of those requests.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<(String, String)> {
        let wait = self.wait;
        let is_over = |at: Duration| at.saturating_add(wait) <= now;
        self.messages.retain(|_, message| !is_over(message.at));
        let mut ended = Vec::new();
        for (id, request) in &mut self.requests {
            if request.status == Status::Requested && is_over(request.at) {
                request.status = Status::TimedOut;
                ended.push((id.clone(), request.ask.node_id.clone()));
            }
        }
        ended
    }

    /// A user asks.
    pub(super) fn request(&mut self, now: Duration, ask: Ask) -> Requested {
        self.expire(now);
        let mut discarded = Vec::new();
        for (id, earlier) in &mut self.requests {
            if earlier.status == Status::Requested
                && earlier.ask.user_id == ask.user_id
                && earlier.ask.node_id == ask.node_id
            {
                earlier.status = Status::Discarded;
                discarded.push(id.clone());
            }
        }
        let confirmed = self.messages.get(&ask.node_id).is_some_and(|message| {
            message.user_id == ask.user_id && message.secret.expose() == ask.secret.expose()
        });
        if confirmed {
            self.messages.remove(&ask.node_id);
        }
        let status = if confirmed {
            Status::Confirmed
        } else {
            Status::Requested
        };
        Requested {
            request_id: self.note(now, ask, status),
            confirmed,
            discarded,
        }
    }

    /// Takes down a request in that state. Its id.
    pub(super) fn note(&mut self, now: Duration, ask: Ask, status: Status) -> String {
        let request_id = random::alphanumerics(22);
        let pending = Pending {
            ask,
            at: now,
            status,
        };
        self.requests.insert(request_id.clone(), pending);
        request_id
    }

    /// A node says whose it is. What was asked for, if that is what it says.
    pub(super) fn message(
        &mut self,
        now: Duration,
        node_id: &str,
        user_id: &str,
        secret: Secret<String>,
    ) -> Option<Ask> {
        self.expire(now);
        let waiting = self.requests.values_mut().find(|request| {
            request.status == Status::Requested
                && request.ask.node_id == node_id
                && request.ask.user_id == user_id
                && request.ask.secret.expose() == secret.expose()
        });
        if let Some(request) = waiting {
            request.status = Status::Confirmed;
            return Some(request.ask.clone());
        }
        let message = Message {
            user_id: user_id.to_owned(),
            secret,
            at: now,
        };
        self.messages.insert(node_id.to_owned(), message);
        None
    }

    /// A user asks how a request is getting on. Another's is as unknown as one that never was.
    pub(super) fn poll(
        &mut self,
        now: Duration,
        user_id: &str,
        request_id: &str,
    ) -> Result<&Pending, Refusal> {
        self.expire(now);
        self.requests
            .get(request_id)
            .filter(|request| request.ask.user_id == user_id)
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

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn ask(user: &str, secret_text: &str) -> Ask {
        Ask {
            user_id: user.to_owned(),
            node_id: "node".to_owned(),
            secret: secret(secret_text),
            extras: Extras::default(),
        }
    }

    fn mappings() -> Mappings {
        Mappings::new(Duration::from_mins(1))
    }

    fn status(mappings: &mut Mappings, now: Duration, request_id: &str) -> Status {
        mappings.poll(now, "ann", request_id).unwrap().status
    }

    #[test]
    fn a_request_is_confirmed_by_the_message_that_fits() {
        let mut mappings = mappings();
        let request = mappings.request(NOW, ask("ann", "s"));
        assert!(!request.confirmed);
        assert!(
            mappings
                .message(at(1), "node", "ann", secret("x"))
                .is_none()
        );
        assert!(
            mappings
                .message(at(1), "node", "bob", secret("s"))
                .is_none()
        );
        assert!(
            mappings
                .message(at(1), "other", "ann", secret("s"))
                .is_none()
        );
        let id = &request.request_id;
        assert_eq!(status(&mut mappings, at(2), id), Status::Requested);
        let asked = mappings.message(at(59), "node", "ann", secret("s"));
        assert_eq!(asked.unwrap().node_id, "node");
        assert_eq!(status(&mut mappings, at(600), id), Status::Confirmed);
    }

    #[test]
    fn a_request_without_a_message_times_out_after_its_minute() {
        let mut mappings = mappings();
        let id = mappings.request(NOW, ask("ann", "s")).request_id;
        assert_eq!(status(&mut mappings, at(59), &id), Status::Requested);
        assert!(
            mappings
                .message(at(60), "node", "ann", secret("s"))
                .is_none()
        );
        assert_eq!(status(&mut mappings, at(60), &id), Status::TimedOut);
    }

    #[test]
    fn a_message_that_comes_first_is_kept_for_a_minute() {
        for (after, kept) in [(59, true), (60, false)] {
            let mut mappings = mappings();
            assert!(mappings.message(NOW, "node", "ann", secret("s")).is_none());
            let request = mappings.request(at(after), ask("ann", "s"));
            assert_eq!(request.confirmed, kept, "{after}");
        }
    }

    #[test]
    fn a_newer_request_discards_the_older_one_of_the_same_user() {
        let mut mappings = mappings();
        let first = mappings.request(NOW, ask("ann", "s"));
        let others = mappings.request(NOW, ask("bob", "s"));
        assert_eq!(others.discarded, Vec::<String>::new());
        let second = mappings.request(at(1), ask("ann", "t"));
        assert_eq!(second.discarded, std::slice::from_ref(&first.request_id));
        let first = status(&mut mappings, at(2), &first.request_id);
        assert_eq!(first, Status::Discarded);
        let second = status(&mut mappings, at(2), &second.request_id);
        assert_eq!(second, Status::Requested);
    }

    #[test]
    fn a_request_is_its_users_alone() {
        let mut mappings = mappings();
        let id = mappings.request(NOW, ask("ann", "s")).request_id;
        assert!(mappings.poll(NOW, "bob", &id).is_err());
        assert!(mappings.poll(NOW, "ann", "nonsense").is_err());
    }
}
