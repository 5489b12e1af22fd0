//! A device's way to the emulated cloud: a few HTTP calls beside the account API, which stand for
//! the factory that registers a node and for MQTT. Not the cloud, and nothing that a real one has.
#![expect(
    clippy::disallowed_types,
    reason = "this file is one end of a socket, the calling one"
)]

mod uplink;

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

pub(super) use self::uplink::{Message, Uplink};

/// Where an emulated cloud is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeCloud {
    /// As a socket takes it.
    host: String,
    port: u16,
    /// What precedes `/emulator/…`.
    prefix: String,
}

impl NodeCloud {
    /// Makes a node known: its public key, and what it says about itself.
    pub async fn register(
        &self,
        node_id: &str,
        public_pem: &str,
        config: &Value,
    ) -> Result<(), NodeCloudError> {
        let body = json!({"public_keys": [public_pem], "config": config});
        self.call(Method::PUT, &format!("nodes/{node_id}"), &body)
            .await
    }

    async fn set_connectivity(&self, node_id: &str) -> Result<(), NodeCloudError> {
        let path = format!("nodes/{node_id}/connectivity");
        self.call(Method::PUT, &path, &json!({"connected": true}))
            .await
    }

    /// The message that a device publishes as `node/<id>/user/mapping`.
    async fn map_user(&self, node_id: &str, mapping: &Value) -> Result<(), NodeCloudError> {
        let path = format!("nodes/{node_id}/user_mapping");
        self.call(Method::POST, &path, mapping).await
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<(), NodeCloudError> {
        let exchanged = timeout(LIMIT, self.exchange(method, path, body)).await;
        let (status, answer) = match exchanged {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(NodeCloudError::Unreachable(error.to_string())),
            Err(_) => return Err(NodeCloudError::Silent),
        };
        if status.is_success() {
            return Ok(());
        }
        let description = serde_json::from_slice::<Value>(&answer)
            .ok()
            .and_then(|answer| Some(answer.get("description")?.as_str()?.to_owned()));
        Err(NodeCloudError::Refused {
            status: status.as_u16(),
            description: description.unwrap_or_else(|| "no reason given".to_owned()),
        })
    }

    /// One call, on a connection of its own.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> io::Result<(StatusCode, Bytes)> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/emulator/{path}", self.prefix))
            .header(HOST, self.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(io::Error::other)?;
        let answer = async move {
            let response = sender
                .send_request(request)
                .await
                .map_err(io::Error::other)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LARGEST_ANSWER)
                .collect()
                .await
                .map_err(io::Error::other)?;
            Ok((status, body.to_bytes()))
        };
        // What goes wrong with the connection is told by the answer, too.
        let (answer, _ended) = tokio::join!(answer, connection);
        answer
    }
}

/// As it stands in a Host header.
impl fmt::Display for NodeCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// From the URL that the emulated cloud prints, or the one that a profile has for it, which ends
/// in `v1`.
impl FromStr for NodeCloud {
    type Err = NoNodeCloud;

    fn from_str(text: &str) -> Result<Self, NoNodeCloud> {
        let url = Url::parse(text).map_err(|_| NoNodeCloud)?;
        let is_plain = url.scheme() == "http"
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let host = url.host().filter(|_| is_plain).ok_or(NoNodeCloud)?;
        let path = url.path().trim_end_matches('/');
        Ok(Self {
            host: match host {
                url::Host::Ipv6(address) => address.to_string(),
                other => other.to_string(),
            },
            port: url.port_or_known_default().ok_or(NoNodeCloud)?,
            prefix: path.strip_suffix("/v1").unwrap_or(path).to_owned(),
        })
    }
}

/// A text that leads to no emulated cloud.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected the URL of an emulated cloud, as in http://127.0.0.1:8080")]
pub struct NoNodeCloud;

/// Why the cloud was not told.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NodeCloudError {
    /// It heard, and said no.
    #[error("refused with HTTP status {status}: {description}")]
    Refused {
        /// The status.
        status: u16,
        /// What it said, as it said it.
        description: String,
    },
    /// It took too long.
    #[error("no answer within {} s", LIMIT.as_secs())]
    Silent,
    /// Nobody is there, or it does not speak HTTP.
    #[error("{0}")]
    Unreachable(String),
}

/// Of one call, connecting included. Real time: a cloud has no part in the device's.
const LIMIT: Duration = Duration::from_secs(5);
const LARGEST_ANSWER: usize = 64 * 1024;

#[cfg(test)]
mod tests;
