//! One request to the cloud, as data: method, path, body, and whether it can be sent twice.

use reqwest::Method;
use serde::Serialize;
use zeroize::Zeroizing;

/// A request before it is sent.
pub(super) struct Call<'a> {
    /// For messages: continues "the cloud refused …".
    pub(super) name: &'static str,
    pub(super) method: Method,
    /// Relative to the base URL, or a whole URL.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Body<'a>,
    /// The secrets in the request, to redact if the cloud quotes them.
    pub(super) secrets: Vec<&'a str>,
    pub(super) repeat: Repeat,
    pub(super) needs_token: bool,
}

/// The body of a request.
pub(super) enum Body<'a> {
    None,
    Json(Zeroizing<Vec<u8>>),
    Form(&'a [(&'a str, &'a str)]),
}

/// Whether a request can be sent again if it may have arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Sending it twice has the same effect as once.
    Idempotent,
    /// Sent again only if it did not arrive.
    Once,
}

impl<'a> Call<'a> {
    pub(super) fn get(name: &'static str, path: &'a str) -> Self {
        Self::new(name, Method::GET, path, Repeat::Idempotent)
    }

    pub(super) fn post(name: &'static str, path: &'a str) -> Self {
        Self::new(name, Method::POST, path, Repeat::Once)
    }

    pub(super) fn put(name: &'static str, path: &'a str) -> Self {
        Self::new(name, Method::PUT, path, Repeat::Idempotent)
    }

    pub(super) fn new(name: &'static str, method: Method, path: &'a str, repeat: Repeat) -> Self {
        Self {
            name,
            method,
            path,
            query: &[],
            body: Body::None,
            secrets: Vec::new(),
            repeat,
            needs_token: true,
        }
    }

    pub(super) fn query(self, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..self }
    }

    pub(super) fn json(self, body: &impl Serialize) -> Self {
        // Maps with text keys always serialize. The buffer is zeroed, because it may hold secrets.
        let bytes = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
        Self {
            body: Body::Json(bytes),
            ..self
        }
    }

    /// Marks the secrets in the request, which messages must not show.
    pub(super) fn with_secrets(self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
            ..self
        }
    }

    /// Sends the request without a token.
    pub(super) fn without_token(self) -> Self {
        Self {
            needs_token: false,
            ..self
        }
    }
}
