//! How nodes come into accounts and leave them: the calls of both flows, and the node's own word.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::exchange::{Answer, Request, needed, text};
use super::extras::Extras;
use super::log::Entry;
use super::mapping::{Ask, Status};
use super::refusal::{BAD_SIGNATURE, GROUP_FAILED, MALFORMED, Refusal};
use super::{Caller, Cloud};
use crate::ident::decode_hex;
use crate::secret::Secret;

impl Cloud {
    /// `PUT user/nodes/mapping`: a mapping by secret key, or the end of one.
    pub(super) fn map_by_secret(
        &mut self,
        now: Duration,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let body = request.object()?;
        let outcome = match text(&body, "operation") {
            Ok(Some("add")) => self.request_mapping(now, caller, &body),
            Ok(Some("remove")) => self.remove_mapping(now, caller, &body),
            Ok(_) => Err(MALFORMED.because("operation is add or remove")),
            Err(refusal) => Err(refusal),
        };
        self.note_refused(caller, &body, &outcome);
        outcome
    }

    fn request_mapping(
        &mut self,
        now: Duration,
        caller: &Caller,
        body: &Map<String, Value>,
    ) -> Result<Answer, Refusal> {
        let node_id = needed(body, "node_id")?;
        let secret = needed(body, "secret_key")?;
        let extras = Extras::of(body)?;
        self.nodes.known(node_id)?;
        // The user is whose token it is. What the body says about that counts for nothing.
        let ask = Ask {
            user_id: caller.user_id.clone(),
            node_id: node_id.to_owned(),
            secret: Secret::new(secret.to_owned()),
            extras,
        };
        let requested = self.mappings.request(now, ask.clone());
        for request_id in requested.discarded {
            self.log.write(&Entry::MappingDiscarded {
                request_id,
                node_id: node_id.to_owned(),
            });
        }
        self.log.write(&Entry::MappingRequested {
            request_id: requested.request_id.clone(),
            node_id: node_id.to_owned(),
            user_id: caller.user_id.clone(),
        });
        if requested.confirmed {
            self.map(now, &ask, None)?;
        }
        Ok(Answer::of(json!({
            "status": "success",
            "request_id": requested.request_id,
        })))
    }

    fn remove_mapping(
        &mut self,
        now: Duration,
        caller: &Caller,
        body: &Map<String, Value>,
    ) -> Result<Answer, Refusal> {
        let node_id = needed(body, "node_id")?;
        self.unmap(&caller.user_id, node_id)?;
        let ask = Ask {
            user_id: caller.user_id.clone(),
            node_id: node_id.to_owned(),
            secret: Secret::default(),
            extras: Extras::default(),
        };
        let request_id = self.mappings.note(now, ask, Status::Confirmed);
        Ok(Answer::of(
            json!({"status": "success", "request_id": request_id}),
        ))
    }

    /// `GET user/nodes/mapping`: how a request is getting on.
    pub(super) fn poll_mapping(
        &mut self,
        now: Duration,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let request_id = request.parameter(&["request_id"]);
        let request_id = request_id.ok_or_else(|| MALFORMED.because("request_id is missing"))?;
        let found = self.mappings.poll(now, &caller.user_id, request_id)?;
        Ok(Answer::of(json!({
            "request_status": found.status.as_str(),
            "request_id": request_id,
            "request_timestamp": found.at.as_secs(),
        })))
    }

    /// What a node says over MQTT about whose it is.
    pub(super) fn node_message(
        &mut self,
        now: Duration,
        node_id: &str,
        body: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        self.nodes.known(node_id)?;
        let user_id = needed(body, "user_id")?;
        let secret = text(body, "secret_key")?.unwrap_or_default();
        let reset = body.get("reset") == Some(&Value::Bool(true));
        let nobody = user_id == RESET_USER;
        if reset || nobody {
            for owner in self.nodes.owners(node_id) {
                if nobody || owner != user_id {
                    self.unmap(&owner, node_id)?;
                }
            }
        }
        let ask = if nobody {
            None
        } else {
            let secret = Secret::new(secret.to_owned());
            self.mappings.message(now, node_id, user_id, secret)
        };
        self.log.write(&Entry::NodeMessage {
            node_id: node_id.to_owned(),
            user_id: user_id.to_owned(),
            reset,
            matched: ask.is_some(),
        });
        match ask {
            // The node hears nothing of a group that failed, and nor does the user who polls.
            Some(ask) => match self.map(now, &ask, None) {
                Err(refusal) if GROUP_FAILED.is(&refusal) => Ok(()),
                outcome => outcome,
            },
            None => Ok(()),
        }
    }

    /// `POST user/nodes/mapping/initiate`.
    pub(super) fn initiate(
        &mut self,
        now: Duration,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let body = request.object()?;
        let life = match body.get("timeout") {
            None | Some(Value::Null) => self.challenge_life,
            Some(seconds) => seconds
                .as_u64()
                .filter(|seconds| (1..=LONGEST_LIFE).contains(seconds))
                .map(Duration::from_secs)
                .ok_or_else(|| MALFORMED.because("timeout is not a number of seconds"))?,
        };
        let (request_id, challenge) = self.challenges.issue(now, &caller.user_id, life);
        self.log.write(&Entry::ChallengeIssued {
            request_id: request_id.clone(),
            user_id: caller.user_id.clone(),
            life_s: life.as_secs(),
        });
        Ok(Answer::of(json!({
            "challenge": challenge,
            "request_id": request_id,
        })))
    }

    /// `POST user/nodes/mapping/verify`.
    pub(super) fn verify(
        &mut self,
        now: Duration,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let body = request.object()?;
        let outcome = self.verify_body(now, caller, &body);
        self.note_refused(caller, &body, &outcome);
        outcome
    }

    fn verify_body(
        &mut self,
        now: Duration,
        caller: &Caller,
        body: &Map<String, Value>,
    ) -> Result<Answer, Refusal> {
        let request_id = needed(body, "request_id")?;
        let challenge = self.challenges.pending(now, &caller.user_id, request_id)?;
        // Whatever is wrong without a look at the signature leaves the challenge as it is.
        let node_id = needed(body, "node_id")?;
        let response = needed(body, "challenge_response")?;
        let signature = decode_hex(response)
            .ok_or_else(|| MALFORMED.because("challenge_response is not hexadecimal"))?;
        let extras = Extras::of(body)?;
        let node = self.nodes.known(node_id)?;
        let message = challenge.text.as_bytes();
        let key = node
            .keys
            .iter()
            .find(|key| key.has_signed(message, &signature));
        let key = key.map(super::signature::PublicKey::kind);
        // Good or bad, it was the one answer.
        self.challenges.consume(request_id);
        let key = key.ok_or_else(|| {
            BAD_SIGNATURE.because(format!("the signature is not that of the node {node_id}"))
        })?;
        let ask = Ask {
            user_id: caller.user_id.clone(),
            node_id: node_id.to_owned(),
            secret: Secret::default(),
            extras,
        };
        self.map(now, &ask, Some(key))?;
        Ok(Answer::done_as("the node is in the account"))
    }

    /// Puts a node into an account and then, if wanted, into a group, which can fail for itself.
    fn map(&mut self, now: Duration, ask: &Ask, key: Option<&'static str>) -> Result<(), Refusal> {
        let Ask {
            user_id,
            node_id,
            extras,
            ..
        } = ask;
        self.nodes.map(now, user_id, node_id, extras)?;
        self.log.write(&Entry::Mapped {
            node_id: node_id.clone(),
            user_id: user_id.clone(),
            by: match key {
                Some(_) => "challenge_response",
                None => "secret_key",
            },
            key,
        });
        let Some(group_id) = &extras.group_id else {
            return Ok(());
        };
        let nodes = [node_id.clone()];
        self.groups.add(user_id, group_id, &nodes).map_err(|error| {
            let why = error.to_string();
            self.log.write(&Entry::GroupFailed {
                node_id: node_id.clone(),
                why: why.clone(),
            });
            GROUP_FAILED.because(format!("the node is mapped, and not in the group: {why}"))
        })
    }

    /// Takes a node out of an account, and out of the groups there.
    pub(super) fn unmap(&mut self, user_id: &str, node_id: &str) -> Result<(), Refusal> {
        self.nodes.unmap(user_id, node_id)?;
        self.groups.forget_node(user_id, node_id);
        self.log.write(&Entry::Unmapped {
            node_id: node_id.to_owned(),
            user_id: user_id.to_owned(),
        });
        Ok(())
    }

    /// Takes down that nothing was mapped, if so. A group that failed is another matter.
    fn note_refused(
        &mut self,
        caller: &Caller,
        body: &Map<String, Value>,
        outcome: &Result<Answer, Refusal>,
    ) {
        if let Err(refusal) = outcome
            && !GROUP_FAILED.is(refusal)
        {
            let node_id = body.get("node_id").and_then(Value::as_str);
            self.log.write(&Entry::MappingRefused {
                node_id: node_id.map(str::to_owned),
                user_id: caller.user_id.clone(),
                why: refusal.to_string(),
            });
        }
    }
}

/// The user of a node that was taken back to its factory settings.
const RESET_USER: &str = "esp-rmaker";
/// A day, in seconds.
const LONGEST_LIFE: u64 = 86_400;
