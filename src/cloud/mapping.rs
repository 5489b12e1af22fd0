//! Tying a node to the user, in the cloud's two ways: by a challenge that the node signs, and by a
//! secret key that user and node both send. What the device has to do with it is `flows::map`'s.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call::{Call, Repeat};
use super::client::Client;
use super::error::CloudError;
use crate::secret::Secret;

/// What a node gets along with its owner.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Each `key:value`.
    pub tags: Vec<String>,
    /// Any members.
    pub metadata: Option<Map<String, Value>>,
    /// The group that it joins.
    pub group_id: Option<String>,
}

/// Something that a node shall sign.
#[derive(Clone, Debug, Deserialize)]
pub struct Challenge {
    /// Signed byte for byte as it is.
    pub challenge: String,
    /// Names it when the signature is handed in.
    pub request_id: String,
}

/// What came of a mapping that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// All of it.
    Whole,
    /// The node is the user's, and not in the group.
    WithoutGroup,
}

/// Names a secret-key mapping while it is under way.
#[derive(Clone, Debug)]
pub struct MappingRequest(String);

/// What came of asking for a secret-key mapping.
#[derive(Clone, Debug)]
pub enum Added {
    /// It is under way.
    Requested(MappingRequest),
    /// The node had said so before, and is the user's, and not in the group.
    MappedWithoutGroup,
}

/// How a secret-key mapping goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingStatus {
    /// The cloud waits for the node's half.
    Requested,
    /// The node is the user's.
    Confirmed,
    /// The node's half did not come within a minute.
    TimedOut,
    /// Another request took its place, or the cloud gave it up.
    Discarded,
    /// A word that is not documented.
    Other(String),
}

impl fmt::Display for MappingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "requested",
            Self::Confirmed => "confirmed",
            Self::TimedOut => "timedout",
            Self::Discarded => "discarded",
            Self::Other(word) => word,
        })
    }
}

#[derive(Serialize)]
struct Initiate {
    timeout: u64,
}

#[derive(Serialize)]
struct Verify<'a> {
    request_id: &'a str,
    node_id: &'a str,
    challenge_response: String,
    #[serde(flatten)]
    extras: ExtrasBody<'a>,
}

#[derive(Serialize)]
struct Add<'a> {
    node_id: &'a str,
    secret_key: &'a str,
    operation: &'static str,
    #[serde(flatten)]
    extras: ExtrasBody<'a>,
}

#[derive(Serialize)]
struct ExtrasBody<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<&'a str>,
}

#[derive(Deserialize)]
struct AddAnswer {
    request_id: String,
}

#[derive(Deserialize)]
struct Followed {
    request_status: String,
}

impl Extras {
    fn body(&self) -> ExtrasBody<'_> {
        ExtrasBody {
            tags: &self.tags,
            metadata: self.metadata.as_ref().filter(|members| !members.is_empty()),
            group_id: self.group_id.as_deref(),
        }
    }
}

impl Client {
    /// Asks for a challenge that lives for `life`, as far as the cloud heeds that. Which node will
    /// sign it need not be known yet, and one that nobody signs does no harm.
    pub async fn initiate_mapping(&self, life: Duration) -> Result<Challenge, CloudError> {
        let call = Call {
            repeat: Repeat::Safe,
            ..Call::post("the challenge", "user/nodes/mapping/initiate")
        };
        self.call(call.json(&Initiate {
            timeout: life.as_secs(),
        }))
        .await
    }

    /// Hands in a signature. The challenge is used up by it, so that this is not repeated once it
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
            extras: extras.body(),
        };
        let call = Call::post("the signature", "user/nodes/mapping/verify").json(&body);
        mapped(self.call_for_success(call).await)
    }

    /// Says that the node with this secret key is the user's. The cloud believes it when the node
    /// says so, too, within a minute before or after. A second request takes the place of the
    /// first, even of one that was confirmed already, so that this is not repeated once it may
    /// have arrived.
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
            extras: extras.body(),
        };
        let call = Call {
            repeat: Repeat::Unsafe,
            ..Call::put("the mapping", "user/nodes/mapping")
        };
        let call = call.json(&body).hiding([secret_key.expose().as_str()]);
        match self.call::<AddAnswer>(call).await {
            Ok(added) => Ok(Added::Requested(MappingRequest(added.request_id))),
            Err(error) if is_group_refused(&error) => Ok(Added::MappedWithoutGroup),
            Err(error) => Err(error),
        }
    }

    /// How that goes.
    pub async fn mapping_status(
        &self,
        request: &MappingRequest,
    ) -> Result<MappingStatus, CloudError> {
        let query = [("request_id", request.0.as_str())];
        let call = Call::get("the state of the mapping", "user/nodes/mapping").query(&query);
        let followed: Followed = self.call(call).await?;
        Ok(match followed.request_status.as_str() {
            "requested" => MappingStatus::Requested,
            "confirmed" => MappingStatus::Confirmed,
            "timedout" => MappingStatus::TimedOut,
            "discarded" => MappingStatus::Discarded,
            other => {
                let word: String = other.chars().take(LONGEST_WORD).collect();
                MappingStatus::Other(crate::ident::printable(word.as_bytes()))
            }
        })
    }
}

/// One refusal is none: the node was mapped, and then the group did not take it.
fn mapped(outcome: Result<(), CloudError>) -> Result<Mapped, CloudError> {
    match outcome {
        Ok(()) => Ok(Mapped::Whole),
        Err(error) if is_group_refused(&error) => Ok(Mapped::WithoutGroup),
        Err(error) => Err(error),
    }
}

fn is_group_refused(error: &CloudError) -> bool {
    matches!(error, CloudError::Rejected { code: Some(code), .. } if code == GROUP_REFUSED)
}

/// The cloud's code for "mapped, and adding the node to the group failed".
const GROUP_REFUSED: &str = "103035";
/// No state has a longer name.
const LONGEST_WORD: usize = 40;
