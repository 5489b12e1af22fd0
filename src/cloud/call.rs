//! One call, as data: what is asked where, and whether it may be asked twice.

use reqwest::Method;
use serde::Serialize;
use zeroize::Zeroizing;

/// One request, before it is sent.
pub(super) struct Call<'a> {
    /// For people: reads on after "refused".
    pub(super) name: &'static str,
    pub(super) method: Method,
    /// Below the base URL, or a whole URL.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Body<'a>,
    /// What it carries that nobody may read, in case the cloud repeats it.
    pub(super) secrets: Vec<&'a str>,
    pub(super) repeat: Repeat,
    pub(super) authorised: bool,
}

/// What a request carries.
pub(super) enum Body<'a> {
    None,
    Json(Zeroizing<Vec<u8>>),
    Form(&'a [(&'a str, &'a str)]),
}

/// Whether a request may arrive twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Twice is as good as once.
    Safe,
    /// Only if it surely did not arrive.
    Unsafe,
}

impl<'a> Call<'a> {
    pub(super) fn get(name: &'static str, path: &'a str) -> Self {
        Self::new(name, Method::GET, path, Repeat::Safe)
    }

    pub(super) fn post(name: &'static str, path: &'a str) -> Self {
        Self::new(name, Method::POST, path, Repeat::Unsafe)
    }

    pub(super) fn put(name: &'static str, path: &'a str) -> Self {
        Self::new(name, Method::PUT, path, Repeat::Safe)
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
            authorised: true,
        }
    }

    pub(super) fn query(self, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..self }
    }

    pub(super) fn json(self, body: &impl Serialize) -> Self {
        // Maps with text keys always serialize. Zeroed, because it can hold secrets.
        let bytes = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
        Self {
            body: Body::Json(bytes),
            ..self
        }
    }

    /// With these in it, which no message may show.
    pub(super) fn hiding(self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
            ..self
        }
    }

    /// Without a token.
    pub(super) fn unauthorised(self) -> Self {
        Self {
            authorised: false,
            ..self
        }
    }
}
