//! A client of one cloud: sends calls with a valid login, and retries where that is safe.

use std::error::Error as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Mutex as Slot;

use backon::Retryable as _;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Certificate, Response};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use url::{Position, Url};
use zeroize::Zeroizing;

use super::answer::{self, Success};
use super::call::Call;
use super::error::CloudError;
use super::loopback::{LOCALHOST, is_loopback};
use super::settings::{Limits, Settings};
use super::tokens::{TokenStore, Tokens};
use crate::secret::Secret;

/// A client of one cloud, with or without a login.
#[derive(derive_more::Debug)]
#[debug("Client({base_url})")]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) base_url: Url,
    pub(super) host: String,
    limits: Limits,
    /// Locked during a renewal, so that two calls do not renew at once.
    pub(super) tokens: Mutex<Option<Tokens>>,
    pub(super) store: Option<Box<dyn TokenStore>>,
    /// Why the newest tokens could not be saved.
    pub(super) save_error: Slot<Option<String>>,
}

impl Client {
    /// Creates a client; nothing is sent.
    pub fn new(settings: &Settings) -> Result<Self, CloudError> {
        let host = settings.base_url[Position::BeforeHost..Position::AfterPort].to_owned();
        let is_local = is_loopback(&settings.base_url);
        if settings.base_url.scheme() != "https" && !is_local && !settings.allow_plain_http {
            return Err(CloudError::Insecure { host });
        }
        Ok(Self {
            http: http_client(settings, is_local)?,
            base_url: settings.base_url.clone(),
            host,
            limits: settings.limits.clone(),
            tokens: Mutex::new(None),
            store: None,
            save_error: Slot::new(None),
        })
    }

    /// Adds a login. Renewed tokens are saved to `store`.
    #[must_use]
    pub fn with_tokens(self, tokens: Tokens, store: Option<Box<dyn TokenStore>>) -> Self {
        Self {
            tokens: Mutex::new(Some(tokens)),
            store,
            ..self
        }
    }

    /// The host name, for messages.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The user id, which mapping sends to devices. `None` with only an access token.
    pub async fn user_id(&self) -> Option<String> {
        self.tokens.lock().await.as_ref().and_then(Tokens::user_id)
    }

    /// Sends a request with a valid login and parses its answer.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, CloudError> {
        let token = self.access_token(None).await?;
        match self.send_with_retry(&call, Some(&token)).await {
            // The token expired early: a wrong clock, or a logout elsewhere.
            Err(expired @ CloudError::LoginExpired { .. }) => {
                let renewed = self.access_token(Some(&token)).await?;
                if renewed.expose() == token.expose() {
                    return Err(expired);
                }
                self.send_with_retry(&call, Some(&renewed)).await
            }
            outcome => outcome,
        }
    }

    /// Sends a request, and retries it where that is safe and may help.
    pub(super) async fn send_with_retry<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        token: Option<&Secret<String>>,
    ) -> Result<T, CloudError> {
        let is_safe = |error: &CloudError| call.is_idempotent || !error.may_have_arrived();
        // Boxed, because each caller's future would contain all of it.
        (|| Box::pin(self.send(call, token)))
            .retry(self.limits.pauses())
            .when(|error| is_safe(error) && error.is_transient())
            .notify(|error, _| tracing::debug!(call = call.name, %error, "retrying"))
            .await
    }

    /// Sends a request whose answer only reports success.
    pub(super) async fn call_for_success(&self, call: Call<'_>) -> Result<(), CloudError> {
        self.call::<Success>(call).await.map(drop)
    }

    /// The error for an answer of this cloud that is not valid.
    pub(super) fn malformed(&self, call: &'static str, what: impl Into<String>) -> CloudError {
        CloudError::Malformed {
            host: self.host.clone(),
            call,
            what: what.into(),
        }
    }

    /// Sends a request once and parses its answer.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        token: Option<&Secret<String>>,
    ) -> Result<T, CloudError> {
        let malformed = |what: String| self.malformed(call.name, what);
        let url = self
            .base_url
            .join(call.path)
            .map_err(|error| malformed(error.to_string()))?;
        let request = self.http.request(call.method.clone(), url);
        let mut request = request.query(&call.query);
        if let Some(token) = token {
            let value = HeaderValue::from_str(token.expose());
            let mut value = value.map_err(|_| CloudError::LoginExpired {
                description: Some("the token has invalid characters".to_owned()),
            })?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some((kind, bytes)) = &call.body {
            let bytes = Bytes::from_owner(bytes.clone());
            request = request.header(CONTENT_TYPE, *kind).body(bytes);
        }
        let exchange = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok((status, read_body(response, MAX_ANSWER_BYTES).await?))
        };
        let (status, body) = exchange
            .await
            .map_err(|source| self.connection_error(call.name, source))?;
        tracing::debug!(call = call.name, host = %self.host, status, bytes = body.len(), "cloud");
        if body.len() > MAX_ANSWER_BYTES {
            return Err(malformed(format!("more than {MAX_ANSWER_BYTES} bytes")));
        }
        let token = token.map(|token| token.expose().as_str());
        let secrets: Vec<&str> = call.secrets.iter().copied().chain(token).collect();
        answer::parse(&self.host, call.name, status, &body, &secrets)
    }

    pub(super) fn connection_error(&self, call: &'static str, error: reqwest::Error) -> CloudError {
        let host = self.host.clone();
        // The error's text begins with the URL, whose query may be private.
        let source = error.without_url();
        if source.is_timeout() && !source.is_connect() {
            return CloudError::TimedOut {
                host,
                call,
                waited: self.limits.answer,
            };
        }
        CloudError::Unreachable {
            host,
            may_have_arrived: !source.is_connect(),
            source,
        }
    }
}

/// Reads a body up to this length, and at most one more chunk.
pub(super) async fn read_body(
    mut response: Response,
    max_length: usize,
) -> reqwest::Result<Zeroizing<Vec<u8>>> {
    let mut body = Zeroizing::new(Vec::new());
    while body.len() <= max_length
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn http_client(settings: &Settings, is_local: bool) -> Result<reqwest::Client, CloudError> {
    // Fails only if a provider is already installed, which is equivalent.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let invalid = |source| CloudError::BadCertificate { source };
    let own = settings.ca_cert.as_ref();
    let own = own.map(|pem| Certificate::from_pem_bundle(pem)).transpose();
    let own = own.map_err(invalid)?.unwrap_or_default();
    let loopback = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
    ];
    let builder = || {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("espctl/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.limits.connect)
            .timeout(settings.limits.answer)
            // Plain HTTP to `localhost` must stay on this computer, whatever a name server
            // resolves.
            .resolve_to_addrs(LOCALHOST, &loopback)
            // A redirect would send the token to another server.
            .redirect(reqwest::redirect::Policy::none());
        if is_local {
            builder.no_proxy()
        } else {
            builder
        }
    };
    let with_system_roots = builder().tls_certs_merge(own.clone()).build();
    with_system_roots.or_else(|error| {
        // The computer has no certificate store, as in small containers.
        tracing::debug!(cause = ?error.source(), "no system certificates: using those of Mozilla");
        let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS
            .iter()
            .filter_map(|der| Certificate::from_der(der).ok());
        builder()
            .tls_certs_only(own.into_iter().chain(bundled))
            .build()
            .map_err(invalid)
    })
}

/// A page of nodes with their details has some hundred KiB.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::super::scripted::{ScriptedCloud, Turn, refused_client, tokens};
    use super::*;

    /// The paused clock advances only while the client waits.
    #[tokio::test(start_paused = true)]
    async fn client_waits_before_each_retry() {
        let limits = Limits {
            retries: 3,
            pause: Duration::from_millis(500),
            ..Limits::default()
        };
        let (_socket, client) = refused_client(limits);
        let began = Instant::now();
        let error = client.remove_node("node1").await.unwrap_err();
        assert!(!error.may_have_arrived(), "{error:?}");
        let pauses = Duration::from_millis(500 + 1000 + 2000);
        assert!(began.elapsed() >= pauses, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn limits_answer_size() {
        for (length, is_read) in [(MAX_ANSWER_BYTES, true), (MAX_ANSWER_BYTES + 1, false)] {
            let (start, end) = (r#"{"request_id":"1","challenge":""#, r#""}"#);
            let filling = "x".repeat(length - start.len() - end.len());
            let body = [start, &filling, end].concat().leak();
            let cloud = ScriptedCloud::start(&[Turn::Answer(200, body)]).await;
            let client = cloud.client(tokens("token", None), 0);
            let challenge = client.initiate_mapping(Duration::from_secs(1)).await;
            match challenge {
                Ok(challenge) => assert!(is_read && challenge.challenge == filling),
                Err(CloudError::Malformed { what, .. }) => {
                    assert!(!is_read && what.contains("more than"), "{what}");
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    #[tokio::test]
    async fn retries_only_idempotent_calls_after_lost_answer() {
        let node = Turn::Answer(200, r#"{"nodes":["node1"]}"#);
        let cloud = ScriptedCloud::start(&[Turn::HangUp, Turn::HangUp, node]).await;
        let client = cloud.client(tokens("token", None), 2);
        let node = client.fetch_node("node1").await.unwrap();
        assert_eq!(node.unwrap().node_id, "node1");
        assert_eq!(cloud.requests().len(), 3);

        let cloud = ScriptedCloud::start(&[Turn::HangUp]).await;
        let client = cloud.client(tokens("token", None), 2);
        let error = client.remove_node("node1").await.unwrap_err();
        assert!(error.may_have_arrived(), "{error:?}");
        assert_eq!(cloud.requests().len(), 1);
    }

    #[tokio::test]
    async fn login_has_no_token_and_redacts_password() {
        let repeated = r#"{"status":"failure","description":"no user with horse-battery"}"#;
        let cloud = ScriptedCloud::start(&[Turn::Answer(400, repeated)]).await;
        let client = cloud.client(tokens("token", None), 0);
        let password = Secret::new("horse-battery".to_owned());
        let error = client.log_in("user", Some(&password)).await.unwrap_err();
        let words = error.to_string();
        assert!(words.contains("no user with <redacted>"), "{words}");
        let body = r#"{"user_name":"user","password":"horse-battery"}"#;
        assert_eq!(cloud.requests(), [format!("POST login2 - {body}")]);
    }

    #[tokio::test]
    async fn sends_query_and_token() {
        let cloud = ScriptedCloud::start(&[Turn::Answer(200, r#"{"nodes":[]}"#)]).await;
        let client = cloud.client(tokens("token", None), 0);
        assert_eq!(client.fetch_node("node1").await.unwrap(), None);
        let query = "node_id=node1&node_details=true&show_tags=true";
        assert_eq!(cloud.requests(), [format!("GET user/nodes?{query} token")]);
    }
}
