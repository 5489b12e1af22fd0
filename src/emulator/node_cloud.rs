//! Connects a device to the emulated cloud: HTTP control calls in place of the factory, which registers
//! nodes, and of MQTT. A real cloud does not have them.

mod uplink;

use std::str::FromStr;
use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use derive_more::Display;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::timeout;
use url::{Position, Url};

pub(super) use self::uplink::Uplink;
use super::parse::ParseValueError;
use crate::secret::Secret;

/// The URL of an emulated cloud, without `/emulator/…`. It displays host and port.
#[derive(Clone, Debug, Display, PartialEq, Eq)]
#[display("{}:{}", _0.host_str().unwrap_or_default(), _0.port().unwrap_or(HTTP))]
pub struct NodeCloud(Url);

/// A message of a node, in place of MQTT.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// The device is on its network.
    Online,
    /// The device's half of a user mapping.
    UserMapping {
        user_id: String,
        secret_key: Secret<String>,
    },
}

impl NodeCloud {
    /// Registers a node with its public key and its configuration.
    pub async fn register(
        &self,
        node_id: &str,
        public_pem: &str,
        config: &Value,
    ) -> Result<(), NodeCloudError> {
        let body = json!({"public_keys": [public_pem], "config": config});
        self.send(Method::PUT, node_id, body.to_string()).await
    }

    /// Sends a call on a new connection.
    async fn send(&self, method: Method, path: &str, body: String) -> Result<(), NodeCloudError> {
        let base = self.0.as_str().trim_end_matches('/');
        let request = Request::builder()
            .method(method)
            .uri(format!("{base}/emulator/nodes/{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::<Bytes>::from(body));
        let exchange = async {
            let client = Client::builder(TokioExecutor::new()).build_http();
            let response = client.request(request?).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER)
                .collect()
                .await;
            let body = body.map_err(anyhow::Error::from_boxed)?;
            anyhow::Ok((status, body.to_bytes()))
        };
        let late = || anyhow!("no answer within {} s", CALL_TIMEOUT.as_secs());
        let exchanged = timeout(CALL_TIMEOUT, exchange).await;
        // The client's error contains only that a request failed.
        let (status, answer) = exchanged
            .unwrap_or_else(|_| Err(late()))
            .map_err(|error| NodeCloudError::Unreachable(error.root_cause().to_string()))?;
        if status.is_success() {
            return Ok(());
        }
        let answer = serde_json::from_slice::<Value>(&answer).unwrap_or_default();
        let description = answer.get("description").and_then(Value::as_str);
        Err(NodeCloudError::Refused {
            status: status.as_u16(),
            description: description.unwrap_or("no reason given").to_owned(),
        })
    }
}

/// Reads the URL that the emulated cloud prints, or that of a profile, which ends in `v1`.
impl FromStr for NodeCloud {
    type Err = ParseValueError;

    fn from_str(text: &str) -> Result<Self, ParseValueError> {
        // Neither another scheme nor a user before the host, and no query after the path.
        let is_plain = |url: &Url| {
            &url[..Position::BeforeHost] == "http://" && url[Position::AfterPath..].is_empty()
        };
        let expected = "the URL of an emulated cloud, as in http://127.0.0.1:8080";
        let url = Url::parse(text).ok().filter(is_plain);
        let mut url = url.ok_or(expected)?;
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1").unwrap_or(path).to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

/// Why a call to the cloud failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NodeCloudError {
    /// The cloud refused it.
    #[error("refused with HTTP status {status}: {description}")]
    Refused {
        /// The status.
        status: u16,
        /// The reason of the cloud.
        description: String,
    },
    /// A message of this many bytes does not fit into firmware's buffer.
    #[error("{0} bytes; firmware has room for {MESSAGE_BUFFER}")]
    TooLong(usize),
    /// There is no cloud, its answer is not HTTP, or it does not come in time.
    #[error("{0}")]
    Unreachable(String),
}

impl NodeCloudError {
    /// Whether a repeated call would fail again.
    const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::TooLong(_)
                | Self::Refused {
                    status: 400..=499,
                    ..
                }
        )
    }
}

/// The port of a URL without one.
const HTTP: u16 = 80;
/// The time limit of a call with its connection, for any time scale.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER: usize = 64 * 1024;
/// The buffer of the mapping in `esp_rmaker_user_mapping.c`, with its end mark.
const MESSAGE_BUFFER: usize = 200;

#[cfg(test)]
mod tests;
