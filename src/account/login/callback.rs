//! What a browser may bring to this computer's port.
//!
//! Any web page can send requests to a port of this computer, and could log the user in to the account
//! of its author: devices would then be mapped to a stranger. Pages of custom profiles bring back a
//! state, which is a secret of this login. Pages of the built-in profiles return no such secret. For
//! them these checks remain: the port is random and open for minutes; there is one path; the host is
//! named as this computer; scripts of other pages, which name their origin, are rejected, and so are
//! images, scripts and frames of other pages, which name their destination; a request has
//! a whole set of tokens or a code; and a state, if there is one, is ours. At its end `login` prints
//! the user that is logged in.

use hyper::{Method, StatusCode};

use crate::cloud::Tokens;
use crate::ident::printable;
use crate::secret::Secret;

/// What a request must match.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) port: u16,
    /// Sent to pages of custom profiles, which bring it back.
    pub(super) state: String,
    /// Whether a request without the state is rejected.
    pub(super) needs_state: bool,
    /// The origins of the profile's pages: scripts of other pages are rejected.
    pub(super) origins: Vec<String>,
}

/// The source and the target of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor<'a> {
    pub(super) host: Option<&'a str>,
    /// The page whose script sent the request; `None` for a page that the browser opened.
    pub(super) origin: Option<&'a str>,
    /// What the browser wants the answer for (`Sec-Fetch-Dest`); `None` in older browsers.
    pub(super) destination: Option<&'a str>,
}

/// What a browser brought.
#[derive(Debug)]
pub(super) enum Brought {
    /// A code to exchange for tokens.
    Code(Secret<String>),
    /// The reason of the login page for refusing.
    Refused(String),
    Tokens(Tokens),
}

impl Brought {
    /// What the browser shows. It contains nothing that the browser brought.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Code(_) | Self::Tokens(_) => {
                "espctl has received the login. Go back to its window for the result; this one can be closed."
            }
            Self::Refused(_) => "espctl has received the refusal. This window can be closed.",
        }
    }
}

/// Reads a request, or returns the status and the words of its refusal.
pub(super) fn read(
    method: &Method,
    path: &str,
    query: &str,
    visitor: Visitor<'_>,
    expected: &Expected,
) -> Result<Brought, (StatusCode, &'static str)> {
    // A page of another site could read our answers through a name of its own for this address.
    let port = expected.port;
    let ours = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let named = |host: &str| ours.iter().any(|name| name.eq_ignore_ascii_case(host));
    if !visitor.host.is_some_and(named) {
        return Err((StatusCode::FORBIDDEN, "This is not that host."));
    }
    let known = |origin: &str| expected.origins.iter().any(|known| known == origin);
    if !visitor.origin.is_none_or(known) {
        return Err((StatusCode::FORBIDDEN, "This is not the login page."));
    }
    // Any page can make a browser load an image, a script or a frame from here, with a login of its own.
    let is_page = match visitor.destination {
        None | Some("document") => true,
        // A script of the login page.
        Some("empty") => visitor.origin.is_some(),
        Some(_) => false,
    };
    if !is_page {
        return Err((StatusCode::FORBIDDEN, "This is only for pages."));
    }
    if path != "/" {
        return Err((StatusCode::NOT_FOUND, "There is nothing here."));
    }
    if method != Method::GET {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "GET only."));
    }
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let values = Values(pairs);
    let documented = format!("port:{port}");
    let fits = match values.one("state")? {
        None => !expected.needs_state,
        Some(state) => *state == expected.state || !expected.needs_state && *state == documented,
    };
    if !fits {
        return Err((StatusCode::BAD_REQUEST, "This belongs to another login."));
    }
    if let Some(error) = values.one("error")? {
        let words = match values.one("error_description")? {
            Some(description) if !description.is_empty() => format!("{description} ({error})"),
            _ => error.to_owned(),
        };
        let words: String = words.chars().take(MAX_REASON).collect();
        return Ok(Brought::Refused(printable(words.as_bytes())));
    }
    if let Some(code) = values.secret("code")? {
        return Ok(Brought::Code(code));
    }
    let tokens = (
        values.secret("access_token")?,
        values.secret("id_token")?,
        values.secret("refresh_token")?,
    );
    match tokens {
        (Some(access), id @ Some(_), refresh @ Some(_)) => Ok(Brought::Tokens(Tokens {
            access,
            id,
            refresh,
        })),
        _ => Err((StatusCode::BAD_REQUEST, "There is no login in this.")),
    }
}

struct Values(Vec<(String, String)>);

impl Values {
    /// A value that is given once: with two it is unclear which one is meant.
    fn one(&self, key: &str) -> Result<Option<&String>, (StatusCode, &'static str)> {
        let mut found = self.0.iter().filter(|(name, _)| name == key);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(Some(value)),
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err((StatusCode::BAD_REQUEST, "A value is given twice.")),
        }
    }

    /// A secret is one word.
    fn secret(&self, key: &str) -> Result<Option<Secret<String>>, (StatusCode, &'static str)> {
        let word =
            |value: &&String| !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic());
        Ok(self.one(key)?.filter(word).cloned().map(Secret::new))
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        for (_, value) in &mut self.0 {
            zeroize::Zeroize::zeroize(value);
        }
    }
}

/// The length of a page's explanation.
const MAX_REASON: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(needs_state: bool) -> Expected {
        Expected {
            port: 4711,
            state: "ours".to_owned(),
            needs_state,
            origins: vec!["https://login.example".to_owned()],
        }
    }

    fn visit(method: &Method, path: &str, query: &str, host: &str) -> Result<Brought, u16> {
        let visitor = Visitor {
            host: Some(host),
            origin: None,
            destination: None,
        };
        status(read(method, path, query, visitor, &expected(false)))
    }

    fn status(read: Result<Brought, (StatusCode, &'static str)>) -> Result<Brought, u16> {
        read.map_err(|(status, _)| status.as_u16())
    }

    fn get(query: &str) -> Result<Brought, u16> {
        visit(&Method::GET, "/", query, "localhost:4711")
    }

    #[test]
    fn a_code_or_all_three_tokens_are_a_login() {
        assert!(matches!(get("code=a%2Fb"), Ok(Brought::Code(code)) if code.expose() == "a/b"));
        for state in ["port:4711", "ours"] {
            assert!(matches!(
                get(&format!("code=x&state={state}")),
                Ok(Brought::Code(_))
            ));
        }
        let Ok(Brought::Tokens(tokens)) = get("id_token=i&refresh_token=r&access_token=a") else {
            panic!("no tokens");
        };
        assert_eq!(tokens.access.expose(), "a");
        assert_eq!(tokens.id.unwrap().expose(), "i");
        assert_eq!(tokens.refresh.unwrap().expose(), "r");
    }

    #[test]
    fn the_pages_refusal_is_passed_on_as_one_line() {
        let refused = get("error=denied&error_description=not%0Atoday&code=x");
        assert!(matches!(refused, Ok(Brought::Refused(words)) if words == "not\\ntoday (denied)"));
    }

    #[test]
    fn everything_else_is_none() {
        for query in [
            "",
            "code=",
            "code=a%20b",
            "code=a&code=b",
            "id_token=i&refresh_token=r",
            "access_token=a",
            "id_token=i&refresh_token=r&access_token=a%0A",
        ] {
            assert_eq!(get(query).unwrap_err(), 400, "{query}");
        }
        for state in ["", "theirs", "port:4712", "port:4711&state=ours"] {
            assert_eq!(
                get(&format!("code=x&state={state}")).unwrap_err(),
                400,
                "{state}"
            );
        }
        let here = "127.0.0.1:4711";
        assert_eq!(
            visit(&Method::GET, "/favicon.ico", "code=x", here).unwrap_err(),
            404
        );
        assert_eq!(visit(&Method::POST, "/", "code=x", here).unwrap_err(), 405);
        for host in [
            "evil.example",
            "evil.example:4711",
            "127.0.0.1",
            "127.0.0.1:80",
        ] {
            assert_eq!(
                visit(&Method::GET, "/", "code=x", host).unwrap_err(),
                403,
                "{host}"
            );
        }
        let nowhere = Visitor {
            host: None,
            origin: None,
            destination: None,
        };
        assert!(read(&Method::GET, "/", "code=x", nowhere, &expected(false)).is_err());
    }

    #[test]
    fn a_page_that_was_given_a_state_brings_it_back() {
        let bring = |query: &str| {
            let visitor = Visitor {
                host: Some("localhost:4711"),
                origin: None,
                destination: None,
            };
            status(read(&Method::GET, "/", query, visitor, &expected(true)))
        };
        assert!(matches!(bring("code=x&state=ours"), Ok(Brought::Code(_))));
        for query in [
            "code=x",
            "code=x&state=",
            "code=x&state=port:4711",
            "access_token=a&id_token=i&refresh_token=r",
            "error=denied",
        ] {
            assert_eq!(bring(query).unwrap_err(), 400, "{query}");
        }
    }

    #[test]
    fn scripts_of_other_pages_are_refused() {
        let from = |origin: &str| {
            let visitor = Visitor {
                host: Some("localhost:4711"),
                origin: Some(origin),
                destination: None,
            };
            status(read(&Method::GET, "/", "code=x", visitor, &expected(false)))
        };
        assert!(from("https://login.example").is_ok());
        for other in [
            "https://evil.example",
            "http://login.example",
            "https://login.example:8443",
            "null",
            "",
        ] {
            assert_eq!(from(other).unwrap_err(), 403, "{other}");
        }
    }

    /// Fetch Metadata Request Headers, W3C: the value of `Sec-Fetch-Dest` says what the answer is for.
    #[test]
    fn parts_of_other_pages_are_refused() {
        let from = |origin, destination| {
            let visitor = Visitor {
                host: Some("localhost:4711"),
                origin,
                destination: Some(destination),
            };
            status(read(&Method::GET, "/", "code=x", visitor, &expected(false)))
        };
        assert!(from(None, "document").is_ok());
        assert!(from(Some("https://login.example"), "empty").is_ok());
        for part in [
            "image", "script", "style", "iframe", "frame", "object", "empty", "", "new",
        ] {
            assert_eq!(from(None, part).unwrap_err(), 403, "{part}");
        }
    }
}
