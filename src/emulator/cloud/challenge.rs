//! Challenge-response: challenges that are given out, and which of them can still be answered.
//! Not whether an answer is good, which is `signature`'s, nor what follows from it.
//!
//! A challenge is one user's, for a time, and good for one answer that is right. A signature that
//! is wrong burns it; what can be seen to be wrong without a signature does not.

use std::collections::BTreeMap;
use std::time::Duration;

use super::random;
use super::refusal::{NO_REQUEST, OTHER_USERS_REQUEST, Refusal};

/// A challenge that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    user_id: String,
    /// What the node is to sign.
    pub(super) text: String,
    end: Duration,
}

/// Those that can still be answered.
#[derive(Debug, Default)]
pub(super) struct Challenges(BTreeMap<String, Challenge>);

impl Challenges {
    /// Gives out one: its request id and its text.
    pub(super) fn issue(
        &mut self,
        now: Duration,
        user_id: &str,
        life: Duration,
    ) -> (String, String) {
        let request_id = random::alphanumerics(32);
        let text = random::alphanumerics(64);
        let challenge = Challenge {
            user_id: user_id.to_owned(),
            text: text.clone(),
            end: now.saturating_add(life),
        };
        self.0.insert(request_id.clone(), challenge);
        (request_id, text)
    }

    /// The challenge that this user is about to answer.
    pub(super) fn pending(
        &self,
        now: Duration,
        user_id: &str,
        request_id: &str,
    ) -> Result<Challenge, Refusal> {
        let challenge = self.0.get(request_id);
        let challenge = challenge
            .ok_or_else(|| NO_REQUEST.because("there is no such request, or it was used"))?;
        if challenge.user_id != user_id {
            return Err(OTHER_USERS_REQUEST.because("the request is another user's"));
        }
        if challenge.end <= now {
            return Err(NO_REQUEST.because("the request has expired"));
        }
        Ok(challenge.clone())
    }

    /// Takes it out of the world: it was answered, rightly or not.
    pub(super) fn consume(&mut self, request_id: &str) {
        self.0.remove(request_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    #[test]
    fn a_challenge_is_one_users_for_a_time_and_for_one_answer() {
        let mut challenges = Challenges::default();
        let (id, text) = challenges.issue(NOW, "ann", Duration::from_mins(5));
        assert_eq!((id.len(), text.len()), (32, 64));
        let status = |challenges: &Challenges, seconds, user, id: &str| {
            let pending = challenges.pending(NOW + Duration::from_secs(seconds), user, id);
            pending.map(|it| it.text).map_err(|refusal| refusal.status)
        };
        assert_eq!(status(&challenges, 299, "ann", &id), Ok(text));
        assert_eq!(status(&challenges, 300, "ann", &id), Err(400));
        assert_eq!(status(&challenges, 0, "bob", &id), Err(401));
        assert_eq!(status(&challenges, 0, "ann", "nonsense"), Err(400));
        challenges.consume(&id);
        assert_eq!(status(&challenges, 0, "ann", &id), Err(400));
    }
}
