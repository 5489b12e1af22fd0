//! Validates the base URL of a cloud's calls.

use thiserror::Error;
use url::Url;

/// Why a text is not a valid base URL.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidUrl {
    /// The text is not an HTTP URL with a host; its scheme may be missing.
    #[error("is not a URL; expected https:// and a host")]
    NoUrl,
    /// Credentials would be written to a file that other users may be able to read.
    #[error("must not contain a user name or a password")]
    Credentials,
    /// A query or fragment would end up in the middle of a call's URL.
    #[error("must not have a query or a fragment")]
    Query,
}

/// Parses a base URL, and appends `v1/` if it is missing.
pub(crate) fn parse_base_url(text: &str) -> Result<Url, InvalidUrl> {
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
