//! The rules for the address under which all calls of a cloud are.

use thiserror::Error;
use url::Url;

/// Why something is no base URL.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidUrl {
    /// Such as one without a scheme.
    #[error("is no URL; it begins with https:// and names a host")]
    NoUrl,
    /// They would be written to a file that others may read.
    #[error("must not hold a user name or a password")]
    Credentials,
    /// They would end up in the middle.
    #[error("must not have a query or a fragment")]
    Query,
}

/// The base of every call: with `v1/` at its end, whether that was typed or not.
pub(crate) fn base_url(text: &str) -> Result<Url, InvalidUrl> {
    let mut url: Url = text.trim().parse().map_err(|_| InvalidUrl::NoUrl)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(InvalidUrl::NoUrl);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidUrl::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(InvalidUrl::Query);
    }
    let mut path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with("/v1") {
        path.push_str("/v1");
    }
    path.push('/');
    url.set_path(&path);
    Ok(url)
}
