//! Maps a node to the user, by the cloud's two methods: the node signs a challenge, or user and
//! node both send a secret key. `flows::map` does the device's part.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{Display, EnumString};

use super::call::Call;
use super::client::Client;
use super::error::CloudError;
use crate::secret::Secret;

/// What a mapped node gets besides its owner.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Extras {
    /// Tags, each `key:value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// An object with any members.
    #[serde(skip_serializing_if = "is_absent_or_empty")]
    pub metadata: Option<Map<String, Value>>,
    /// The id of the group that the node joins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
}

/// A challenge for the node to sign.
#[derive(Clone, Debug, Deserialize)]
pub struct Challenge {
    /// The text to sign, byte for byte.
    pub challenge: String,
    /// The id under which the signature is sent.
    pub request_id: String,
}

/// The outcome of an accepted mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// The node is mapped, with all extras.
    Complete,
    /// The node is mapped, but was not added to the group.
    WithoutGroup,
}

/// The id of a secret-key mapping in progress.
#[derive(Clone, Debug, Deserialize)]
pub struct MappingRequest {
    request_id: String,
}

/// The outcome of a request for a secret-key mapping.
#[derive(Clone, Debug)]
pub enum Added {
    /// The cloud waits for the node.
    Requested(MappingRequest),
    /// The node had already sent its half. It is mapped, but was not added to the group.
    MappedWithoutGroup,
}

/// The state of a secret-key mapping.
#[derive(Clone, Debug, Display, EnumString, PartialEq, Eq)]
#[strum(serialize_all = "lowercase")]
pub enum MappingStatus {
    /// The cloud waits for the node's half.
    Requested,
    /// The node is mapped.
    Confirmed,
    /// The node's half did not arrive within a minute.
    TimedOut,
    /// Another request replaced this one, or the cloud canceled it.
    Discarded,
    /// A state that the API does not document.
    #[strum(default)]
    Other(String),
}

#[derive(Serialize)]
struct Verify<'a> {
    request_id: &'a str,
    node_id: &'a str,
    challenge_response: String,
    #[serde(flatten)]
    extras: &'a Extras,
}

#[derive(Serialize)]
struct Add<'a> {
    node_id: &'a str,
    secret_key: &'a str,
    operation: &'static str,
    #[serde(flatten)]
    extras: &'a Extras,
}

#[derive(Deserialize)]
struct StatusAnswer {
    request_status: String,
}

impl Client {
    /// Requests a challenge that is valid for `life`, if the cloud respects it. The node need not
    /// be known yet, and an unused challenge is harmless.
    pub async fn initiate_mapping(&self, life: Duration) -> Result<Challenge, CloudError> {
        let call = Call::post("the challenge", "user/nodes/mapping/initiate")
            .idempotent(true)
            .json(&json!({"timeout": life.as_secs()}));
        self.call(call).await
    }

    /// Sends the node's signature. This uses up the challenge, so the call is not repeated if it
    /// may have arrived.
    pub async fn verify_mapping(
        &self,
        challenge: &Challenge,
        node_id: &str,
        signature: &[u8],
        extras: &Extras,
    ) -> Result<Mapped, CloudError> {
        let body = Verify {
            request_id: &challenge.request_id,
            node_id,
            challenge_response: hex::encode(signature),
            extras,
        };
        let call = Call::post("the signature", "user/nodes/mapping/verify").json(&body);
        match self.call_for_success(call).await {
            Ok(()) => Ok(Mapped::Complete),
            Err(error) if is_group_refused(&error) => Ok(Mapped::WithoutGroup),
            Err(error) => Err(error),
        }
    }

    /// Claims the node with this secret key for the user. The cloud maps the node if the node
    /// confirms the key within a minute before or after. A second request replaces the first, even
    /// a confirmed one, so the call is not repeated if it may have arrived.
    pub async fn add_mapping(
        &self,
        node_id: &str,
        secret_key: &Secret<String>,
        extras: &Extras,
    ) -> Result<Added, CloudError> {
        let body = Add {
            node_id,
            secret_key: secret_key.expose(),
            operation: "add",
            extras,
        };
        let call = Call::put("the mapping", "user/nodes/mapping")
            .idempotent(false)
            .json(&body)
            .with_secrets([body.secret_key]);
        match self.call(call).await {
            Ok(request) => Ok(Added::Requested(request)),
            Err(error) if is_group_refused(&error) => Ok(Added::MappedWithoutGroup),
            Err(error) => Err(error),
        }
    }

    /// Fetches the state of a secret-key mapping.
    pub async fn fetch_mapping_status(
        &self,
        request: &MappingRequest,
    ) -> Result<MappingStatus, CloudError> {
        let query = [("request_id", request.request_id.as_str())];
        let call = Call::get("the state of the mapping", "user/nodes/mapping").query(&query);
        let answer: StatusAnswer = self.call(call).await?;
        let word = answer.request_status.chars();
        let word: String = word.take(MAX_STATUS_CHARS).collect();
        let word = crate::ident::printable(word.as_bytes());
        Ok(word.parse().unwrap_or(MappingStatus::Other(word)))
    }
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn is_absent_or_empty(metadata: &Option<Map<String, Value>>) -> bool {
    metadata.as_ref().is_none_or(Map::is_empty)
}

/// Whether a rejection is a success: the node was mapped, but the group did not accept it.
fn is_group_refused(error: &CloudError) -> bool {
    matches!(error, CloudError::Rejected { code: Some(code), .. } if code == GROUP_REFUSED)
}

/// The cloud's code for a node that was mapped, but not added to the group.
const GROUP_REFUSED: &str = "103035";
/// Longer than any documented state.
const MAX_STATUS_CHARS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_parsed_and_displayed_as_same_word() {
        for (word, status) in [
            ("timedout", MappingStatus::TimedOut),
            ("odd", MappingStatus::Other("odd".to_owned())),
        ] {
            assert_eq!(word.parse(), Ok(status.clone()));
            assert_eq!(status.to_string(), word);
        }
    }
}
