//! The calls that map nodes to users and end mappings, for both flows, and the node's message.

use std::time::Duration;

use serde_json::{Value, json};

use super::exchange::{ApiAnswer, ApiResult, Object, required_text, text};
use super::extras::MappingExtras;
use super::log::CloudEvent;
use super::mapping::{Challenge, Half, Status};
use super::refusal::{
    BAD_SIGNATURE, CONTROL, GROUP_FAILED, MALFORMED, NO_REQUEST, OTHER_USERS_REQUEST,
};
use super::signature::PublicKey;
use super::{Call, Cloud, random};

impl Cloud {
    /// Handles a mapping call, and logs a refusal, except that of the group of a mapped node.
    pub(super) fn log_refused_mapping(
        &mut self,
        call: &Call<'_>,
        method: fn(&mut Self, &Call<'_>, &Object) -> ApiResult,
    ) -> ApiResult {
        let body = call.request.parse_object()?;
        method(self, call, &body).inspect_err(|refusal| {
            if refusal.kind != GROUP_FAILED {
                self.log.write(&CloudEvent::MappingRefused {
                    node_id: body.get("node_id").and_then(Value::as_str),
                    user_id: &call.user.id,
                    why: &refusal.description,
                });
            }
        })
    }

    /// `PUT user/nodes/mapping`: begins a mapping by secret key, or ends a mapping.
    pub(super) fn change_mapping(&mut self, call: &Call<'_>, body: &Object) -> ApiResult {
        match text(body, "operation")? {
            Some("add") => self.request_mapping(call, body),
            Some("remove") => self.remove_mapping(call, body),
            _ => Err(MALFORMED.because("operation is add or remove")),
        }
    }

    fn request_mapping(&mut self, call: &Call<'_>, body: &Object) -> ApiResult {
        let node_id = required_text(body, "node_id")?;
        // The user is that of the token; the one in the body is ignored.
        let half = Half::new(&call.user.id, node_id, required_text(body, "secret_key")?);
        let extras = MappingExtras::from_body(body)?;
        self.nodes.find(node_id)?;
        let now = self.clock.now();
        let requested = self.mappings.request(now, half, extras.clone());
        for request_id in &requested.discarded {
            let entry = CloudEvent::MappingDiscarded {
                request_id,
                node_id,
            };
            self.log.write(&entry);
        }
        self.log.write(&CloudEvent::MappingRequested {
            request_id: &requested.request_id,
            node_id,
            user_id: &call.user.id,
        });
        if requested.is_confirmed {
            self.map(&call.user.id, node_id, &extras, None)?;
        }
        Ok(answer_request(&requested.request_id))
    }

    fn remove_mapping(&mut self, call: &Call<'_>, body: &Object) -> ApiResult {
        let node_id = required_text(body, "node_id")?;
        self.unmap(&call.user.id, node_id)?;
        let half = Half::new(&call.user.id, node_id, "");
        let (now, extras) = (self.clock.now(), MappingExtras::default());
        let request_id = self.mappings.record(now, half, extras, Status::Confirmed);
        Ok(answer_request(&request_id))
    }

    /// `GET user/nodes/mapping`: the progress of a request.
    pub(super) fn poll_mapping(&mut self, call: &Call<'_>) -> ApiResult {
        let request_id = call.request.required_parameter("request_id")?;
        let request = self.mappings.poll(&call.user.id, request_id)?;
        Ok(ApiAnswer::ok(json!({
            "request_status": request.status,
            "request_id": request_id,
            "request_timestamp": request.at.as_secs(),
        })))
    }

    /// Handles the user that a node reports over MQTT.
    pub(super) fn handle_node_message(&mut self, node_id: &str, body: &Object) -> ApiResult<()> {
        if body.get("node_id").is_some_and(|named| named != node_id) {
            return Err(CONTROL.because("the body is about another node"));
        }
        let node = self.nodes.find(node_id)?;
        let owners: Vec<String> = node.owners.keys().cloned().collect();
        let user_id = required_text(body, "user_id")?;
        let secret = text(body, "secret_key")?.unwrap_or_default();
        let reset = body.get("reset") == Some(&Value::Bool(true));
        let is_without_user = user_id == RESET_USER;
        if reset || is_without_user {
            for owner in owners {
                if is_without_user || owner != user_id {
                    self.unmap(&owner, node_id)?;
                }
            }
        }
        let half = Half::new(user_id, node_id, secret);
        let extras = if is_without_user {
            None
        } else {
            self.mappings.handle_message(self.clock.now(), half)
        };
        self.log.write(&CloudEvent::NodeMessage {
            node_id,
            user_id,
            reset,
            matched: extras.is_some(),
        });
        let Some(extras) = extras else {
            return Ok(());
        };
        // Neither the node nor the polling user gets the error of the group.
        match self.map(user_id, node_id, &extras, None) {
            Err(refusal) if refusal.kind == GROUP_FAILED => Ok(()),
            outcome => outcome,
        }
    }

    /// `POST user/nodes/mapping/initiate`.
    pub(super) fn initiate_mapping(&mut self, call: &Call<'_>) -> ApiResult {
        let body = call.request.parse_object()?;
        let life = match body.get("timeout") {
            None | Some(Value::Null) => self.challenge_life,
            Some(seconds) => seconds
                .as_u64()
                .filter(|seconds| (1..=MAX_CHALLENGE_LIFE).contains(seconds))
                .map(Duration::from_secs)
                .ok_or_else(|| MALFORMED.because("timeout is not a number of seconds"))?,
        };
        let text = random::alphanumerics(64);
        let challenge = Challenge {
            user_id: call.user.id.clone(),
            text: text.clone(),
        };
        let request_id = self.challenges.issue(self.clock.now(), life, 32, challenge);
        self.log.write(&CloudEvent::ChallengeIssued {
            request_id: &request_id,
            user_id: &call.user.id,
            life_s: life.as_secs(),
        });
        Ok(ApiAnswer::ok(
            json!({"challenge": text, "request_id": request_id}),
        ))
    }

    /// `POST user/nodes/mapping/verify`.
    pub(super) fn verify_mapping(&mut self, call: &Call<'_>, body: &Object) -> ApiResult {
        let request_id = required_text(body, "request_id")?;
        let challenge = self.challenges.get(self.clock.now(), request_id);
        let challenge = challenge.map_err(|why| NO_REQUEST.because(why))?;
        if challenge.user_id != call.user.id {
            return Err(OTHER_USERS_REQUEST.because("the request is another user's"));
        }
        // Errors before the check of the signature do not use up the challenge.
        let node_id = required_text(body, "node_id")?;
        let signature = hex::decode(required_text(body, "challenge_response")?)
            .map_err(|_| MALFORMED.because("challenge_response is not hexadecimal"))?;
        let extras = MappingExtras::from_body(body)?;
        let mut keys = self.nodes.find(node_id)?.keys.iter();
        let key = keys.find(|key| key.verifies(challenge.text.as_bytes(), &signature));
        let key = key.map(PublicKey::into_str);
        // Right or wrong, the signature uses up the challenge.
        self.challenges.consume(request_id);
        let key = key.ok_or_else(|| {
            BAD_SIGNATURE.because(format!("the signature is not that of the node {node_id}"))
        })?;
        self.map(&call.user.id, node_id, &extras, Some(key))?;
        Ok(ApiAnswer::success_with("the node is in the account"))
    }

    /// Adds a node to an account and then to a group, if requested; the group can fail by itself.
    fn map(
        &mut self,
        user_id: &str,
        node_id: &str,
        extras: &MappingExtras,
        key: Option<&'static str>,
    ) -> ApiResult<()> {
        self.nodes.map(self.clock.now(), user_id, node_id, extras)?;
        self.log.write(&CloudEvent::Mapped {
            node_id,
            user_id,
            by: key.map_or("secret_key", |_| "challenge_response"),
            key,
        });
        let Some(group_id) = &extras.group_id else {
            return Ok(());
        };
        let groups = self.groups_of(user_id);
        let added = groups.add_nodes(group_id, &[node_id.to_owned()]);
        added.map_err(|refusal| {
            let why = &refusal.description;
            self.log.write(&CloudEvent::GroupFailed { node_id, why });
            GROUP_FAILED.because(format!("the node is mapped, and not in the group: {why}"))
        })
    }

    /// Removes a node from an account and its groups.
    pub(super) fn unmap(&mut self, user_id: &str, node_id: &str) -> ApiResult<()> {
        self.nodes.unmap(user_id, node_id)?;
        self.groups_of(user_id).remove_node(node_id);
        self.log.write(&CloudEvent::Unmapped { node_id, user_id });
        Ok(())
    }
}

fn answer_request(request_id: &str) -> ApiAnswer {
    ApiAnswer::ok(json!({"status": "success", "request_id": request_id}))
}

/// The user that a node reports after a factory reset.
const RESET_USER: &str = "esp-rmaker";
/// One day, in seconds.
const MAX_CHALLENGE_LIFE: u64 = 86_400;
