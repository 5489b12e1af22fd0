//! What a browser may bring back to this computer's port, and what not.
//!
//! Any page that somebody visits can send requests to a port of this computer, and could so have
//! them log in to the account of whoever made the page: devices would then be mapped to a
//! stranger. Pages of custom profiles bring a state back, which nobody else knows. Those of the
//! built-in ones take no secret along that would prove a request to come from them. What is left
//! there: a port that nobody can know beforehand, open for minutes; the one path; no other
//! computer's name for this one; no script of another page, which says where it is from; a whole
//! set of tokens or a code; and a state, where one is brought, that is ours. And `login` says at
//! its end who was logged in.

use hyper::{Method, StatusCode};

use crate::cloud::Tokens;
use crate::ident::printable;
use crate::secret::Secret;

/// What a request must fit.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) port: u16,
    /// Sent to pages of custom profiles, which bring it back.
    pub(super) state: String,
    /// Whether nothing counts without it.
    pub(super) needs_state: bool,
    /// Where the profile's pages are: scripts of no other page may come.
    pub(super) origins: Vec<String>,
}

/// Where a request comes from, and to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor<'a> {
    pub(super) host: Option<&'a str>,
    /// Of the page whose script it is; visits have none.
    pub(super) origin: Option<&'a str>,
}

/// What was brought.
#[derive(Debug)]
pub(super) enum Brought {
    /// To be exchanged for tokens.
    Code(Secret<String>),
    /// The login page's words on why there is no login.
    Refused(String),
    Tokens(Tokens),
}

impl Brought {
    /// What the visitor reads. Nothing that was brought is in it.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Code(_) | Self::Tokens(_) => {
                "espctl has received the login. Go back to its window to see what came of it; this one can be closed."
            }
            Self::Refused(_) => "espctl has received the refusal. This window can be closed.",
        }
    }
}

/// Reads a request, or says with which status and words it is refused.
pub(super) fn read(
    method: &Method,
    path: &str,
    query: &str,
    visitor: Visitor<'_>,
    expected: &Expected,
) -> Result<Brought, (StatusCode, &'static str)> {
    // A foreign name for this address is how a page of another site would read our answers.
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
        let words: String = words.chars().take(LONGEST_WORDS).collect();
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
    /// A value that stands there once: of two, nobody knows which is meant.
    fn one(&self, key: &str) -> Result<Option<&String>, (StatusCode, &'static str)> {
        let mut found = self.0.iter().filter(|(name, _)| name == key);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(Some(value)),
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err((StatusCode::BAD_REQUEST, "Something stands here twice.")),
        }
    }

    /// Of use only as one word.
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

/// Of a page's explanation.
const LONGEST_WORDS: usize = 300;

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
        };
        assert!(read(&Method::GET, "/", "code=x", nowhere, &expected(false)).is_err());
    }

    #[test]
    fn a_page_that_was_given_a_state_brings_it_back() {
        let bring = |query: &str| {
            let visitor = Visitor {
                host: Some("localhost:4711"),
                origin: None,
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
}
