//! One request to the cloud, as data: method, path, body, and whether it can be sent twice.

use reqwest::Method;
use serde::Serialize;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// A request before it is sent.
pub(super) struct Call<'a> {
    /// For messages: continues "the cloud refused …".
    pub(super) name: &'static str,
    pub(super) method: Method,
    /// Relative to the base URL, or a whole URL.
    pub(super) path: &'a str,
    pub(super) query: Vec<(&'a str, &'a str)>,
    /// The body with its content type. It is zeroed, because it may hold secrets.
    pub(super) body: Option<(&'static str, Zeroizing<Vec<u8>>)>,
    /// The secrets in the request, to redact if the cloud quotes them.
    pub(super) secrets: Vec<&'a str>,
    /// Whether sending it twice has the same effect as once. If not, it is sent again only if it
    /// did not arrive.
    pub(super) is_idempotent: bool,
}

impl<'a> Call<'a> {
    pub(super) fn get(name: &'static str, path: &'a str) -> Self {
        Self::new(name, Method::GET, path, true)
    }

    /// Not idempotent.
    pub(super) fn post(name: &'static str, path: &'a str) -> Self {
        Self::new(name, Method::POST, path, false)
    }

    pub(super) fn put(name: &'static str, path: &'a str) -> Self {
        Self::new(name, Method::PUT, path, true)
    }

    fn new(name: &'static str, method: Method, path: &'a str, is_idempotent: bool) -> Self {
        Self {
            name,
            method,
            path,
            query: Vec::new(),
            body: None,
            secrets: Vec::new(),
            is_idempotent,
        }
    }

    pub(super) fn idempotent(mut self, is_idempotent: bool) -> Self {
        self.is_idempotent = is_idempotent;
        self
    }

    pub(super) fn query(mut self, query: &[(&'a str, &'a str)]) -> Self {
        self.query = query.to_vec();
        self
    }

    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        // Maps with text keys always serialize.
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        self.body = Some(("application/json", bytes.into()));
        self
    }

    pub(super) fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
        let bytes = form.into_bytes().into();
        self.body = Some(("application/x-www-form-urlencoded", bytes));
        self
    }

    /// Marks the secrets in the request, which messages must not show.
    pub(super) fn with_secrets(mut self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        self.secrets.extend(secrets);
        self
    }
}
