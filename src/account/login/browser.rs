//! The port on this computer to which the login page sends the browser back, the address of the page,
//! and the wait. What a browser may bring is `callback`'s.

#![expect(
    clippy::disallowed_types,
    reason = "the browser comes back to a port of this computer"
)]

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    ORIGIN, REFERRER_POLICY,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::timeout;
use url::Url;
use uuid::Uuid;

use super::callback::{self, Brought, Expected, Visitor};
use crate::account::{BrowserLogin, Profile};
use crate::cloud::{Client, CloudError, Tokens, is_loopback};

/// A login page for one visit, whose answer is awaited.
#[derive(Debug)]
pub(crate) struct BrowserVisit<'a> {
    page: &'a BrowserLogin,
    token_url: &'a Url,
    url: Url,
    listener: TcpListener,
    expected: Expected,
}

/// Why a login with a browser failed.
#[derive(Debug, Error)]
pub(crate) enum BrowserError {
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// Only http and https pages are opened: a file names the address.
    #[error("the login page of the profile {profile} has no usable address")]
    InvalidAddress { profile: String },
    /// The profile has no login page.
    #[error("the profile {profile} has no login page")]
    NoPage { profile: String },
    #[error("cannot open a port of 127.0.0.1 for the answer of the browser")]
    NoPort,
    /// The login page reports an error.
    #[error("the login page reports: {words}")]
    Refused { words: String },
    #[error("no login in the browser within {} s", waited.as_secs_f32())]
    TimedOut { waited: Duration },
}

impl<'a> BrowserVisit<'a> {
    /// Opens the port, reachable from this computer alone. `allows_plain_http` permits exchanging a
    /// code over plain HTTP.
    pub(crate) async fn prepare(
        profile: &'a Profile,
        allows_plain_http: bool,
    ) -> Result<Self, BrowserError> {
        let name = || profile.name.to_string();
        let no_page = || BrowserError::NoPage { profile: name() };
        let page = profile.browser.as_ref().ok_or_else(no_page)?;
        let token_url = &page.token_url;
        if token_url.scheme() != "https" && !is_loopback(token_url) && !allows_plain_http {
            let host = token_url.host_str().unwrap_or_default().to_owned();
            return Err(CloudError::Insecure { host }.into());
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(|_| BrowserError::NoPort)?;
        let address = listener.local_addr().map_err(|_| BrowserError::NoPort)?;
        let expected = Expected {
            port: address.port(),
            state: Uuid::new_v4().simple().to_string(),
            needs_state: !profile.is_built_in,
            origins: origins(page),
        };
        let url = page_url(profile, page, &expected);
        Ok(Self {
            page,
            token_url,
            url: url.ok_or_else(|| BrowserError::InvalidAddress { profile: name() })?,
            listener,
            expected,
        })
    }

    /// The page to open with a browser on this computer.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether others on the way can read what is typed into the page.
    pub(crate) fn is_readable_by_others(&self) -> bool {
        self.url.scheme() == "http" && !is_loopback(&self.url)
    }

    /// Waits until the browser brings a login.
    pub(crate) async fn wait(
        self,
        client: &Client,
        limit: Duration,
    ) -> Result<Tokens, BrowserError> {
        match serve(self.listener, self.expected, limit).await? {
            Brought::Tokens(tokens) => Ok(tokens),
            Brought::Refused(words) => Err(BrowserError::Refused { words }),
            Brought::Code(code) => {
                let BrowserLogin {
                    client_id,
                    redirect_url,
                    ..
                } = self.page;
                let exchanged =
                    client.exchange_code(self.token_url, client_id, redirect_url, &code);
                Ok(exchanged.await?)
            }
        }
    }
}

/// The origins of the pages that take part: the page that is opened, and the one that gets a code.
fn origins(page: &BrowserLogin) -> Vec<String> {
    let addresses = [&page.login_url, &page.redirect_url];
    let parsed = addresses.iter().filter_map(|url| url.parse::<Url>().ok());
    let origins = parsed.map(|url| url.origin());
    origins
        .filter(url::Origin::is_tuple)
        .map(|origin| origin.ascii_serialization())
        .collect()
}

/// The address of the page, which contains the address to come back to.
///
/// How the pages of the built-in profiles parse their address is not documented, so they get the form
/// that esp-rainmaker-cli uses: only characters that no address may contain are encoded. Other pages
/// get each value encoded, and a state to bring back.
fn page_url(profile: &Profile, page: &BrowserLogin, expected: &Expected) -> Option<Url> {
    let BrowserLogin {
        login_url,
        external_url,
        ..
    } = page;
    let (port, state) = (expected.port, &expected.state);
    let login2 = format!("{}login2", profile.base_url);
    let text = if profile.is_built_in {
        format!("{login_url}{port}&host_url={login2}&github_url={external_url}{port}")
    } else {
        let encoded = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        let external = match external_url.as_str() {
            "" => String::new(),
            external_url => format!("&github_url={}", encoded(&format!("{external_url}{port}"))),
        };
        let login2 = encoded(&login2);
        format!("{login_url}{port}&host_url={login2}{external}&state={state}")
    };
    let parsed: Option<Url> = text.parse().ok();
    // A file must not make the browser open anything else.
    parsed.filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Serves the port until a browser brings something of use.
async fn serve(
    listener: TcpListener,
    expected: Expected,
    limit: Duration,
) -> Result<Brought, BrowserError> {
    let expected = Rc::new(expected);
    let (deliveries, mut brought) = mpsc::unbounded_channel();
    let tasks = LocalSet::new();
    tasks.spawn_local(async move {
        // An error concerns one connection, which ended before it was accepted.
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let serving = answer_browser(stream, Rc::clone(&expected), deliveries.clone());
                tokio::task::spawn_local(serving);
            }
        }
    });
    let first = timeout(limit, tasks.run_until(brought.recv())).await;
    let Ok(Some((brought, mut answered))) = first else {
        return Err(BrowserError::TimedOut { waited: limit });
    };
    // The browser shows that the login arrived; if it does not, nothing else changes.
    if timeout(ANSWER_TIMEOUT, tasks.run_until(answered.recv()))
        .await
        .is_err()
    {
        tracing::debug!("the browser did not read its answer");
    }
    Ok(brought)
}

/// What a browser brought, and a channel that closes with its connection.
type Deliveries = mpsc::UnboundedSender<(Brought, mpsc::Receiver<Infallible>)>;

async fn answer_browser(stream: TcpStream, expected: Rc<Expected>, deliveries: Deliveries) {
    let (open, closed) = mpsc::channel(1);
    let closed = std::cell::Cell::new(Some(closed));
    let answer = |request: Request<Incoming>| {
        // A value that is not text matches nothing.
        let header = |name| {
            let value = request.headers().get(name);
            value.map(|value| value.to_str().unwrap_or_default())
        };
        let visitor = Visitor {
            host: header(HOST),
            origin: header(ORIGIN),
            destination: header(FETCH_DESTINATION),
        };
        let uri = request.uri();
        let read = callback::read(
            request.method(),
            uri.path(),
            uri.query().unwrap_or_default(),
            visitor,
            &expected,
        );
        let (status, words) = match read {
            Ok(brought) => {
                let words = brought.words();
                if let Some(closed) = closed.take() {
                    // Another browser may have been first.
                    let _late = deliveries.send((brought, closed));
                }
                (hyper::StatusCode::OK, words)
            }
            Err(refusal) => refusal,
        };
        std::future::ready(Ok::<_, Infallible>(page(status, words)))
    };
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "serving the browser");
    }
    drop(open);
}

fn page(status: hyper::StatusCode, words: &str) -> Response<Full<Bytes>> {
    let html =
        format!("<!doctype html><meta charset=\"utf-8\"><title>espctl</title><p>{words}</p>\n");
    let mut page = Response::new(Full::new(Bytes::from(html)));
    *page.status_mut() = status;
    let headers = page.headers_mut();
    let value = HeaderValue::from_static;
    headers.insert(CONTENT_TYPE, value("text/html; charset=utf-8"));
    // The address contains the login.
    headers.insert(CACHE_CONTROL, value("no-store"));
    headers.insert(REFERRER_POLICY, value("no-referrer"));
    // A login page may send the login by a script, which reads the answer.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value("*"));
    page
}

/// Browsers open connections in advance and send nothing on them.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// What the answer to a request is for (W3C, Fetch Metadata Request Headers).
const FETCH_DESTINATION: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// An answer has a few bytes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Folder;

    fn url(profile: &Profile) -> String {
        let expected = Expected {
            port: 4711,
            state: "abc".to_owned(),
            needs_state: !profile.is_built_in,
            origins: Vec::new(),
        };
        page_url(profile, profile.browser.as_ref().unwrap(), &expected)
            .unwrap()
            .to_string()
    }

    #[test]
    fn built_in_pages_get_their_usual_address() {
        let folder = Folder::new("/nowhere/at/all");
        let global = folder.select_profile(Some("global")).unwrap();
        assert_eq!(
            url(&global),
            "https://rainmaker-signin-ui.s3.amazonaws.com/index.html?port=4711\
             &host_url=https://api.rainmaker.espressif.com/v1/login2\
             &github_url=https://3pauth.rainmaker.espressif.com/oauth2/authorize?\
             &redirect_uri=https://rainmaker-login-ui.s3.amazonaws.com/welcome.html\
             &response_type=CODE&client_id=1h7ujqjs8140n17v0ahb4n51m2\
             &scope=aws.cognito.signin.user.admin%20email%20openid%20phone%20profile\
             &state=port:4711"
        );
        let china = folder.select_profile(Some("china")).unwrap();
        assert!(url(&china).starts_with(
            "http://login.rainmaker.espressif.com.cn/?rm_cli=true&port=4711&host_url=https://api2."
        ));
    }

    #[test]
    fn origins_are_those_of_the_login_pages() {
        let folder = Folder::new("/nowhere/at/all");
        let of = |name| origins(&folder.select_profile(Some(name)).unwrap().browser.unwrap());
        assert_eq!(
            of("global"),
            [
                "https://rainmaker-signin-ui.s3.amazonaws.com",
                "https://rainmaker-login-ui.s3.amazonaws.com"
            ]
        );
        assert_eq!(of("china")[0], "http://login.rainmaker.espressif.com.cn");
    }

    #[test]
    fn custom_page_gets_state_and_encoded_values() {
        let folder = Folder::new("/nowhere/at/all");
        let mut own = folder.select_profile(Some("global")).unwrap();
        own.is_built_in = false;
        let page = own.browser.as_mut().unwrap();
        page.login_url = "https://login.example/?port=".to_owned();
        page.external_url = "https://other.example/?a=1&state=port:".to_owned();
        assert_eq!(
            url(&own),
            "https://login.example/?port=4711\
             &host_url=https%3A%2F%2Fapi.rainmaker.espressif.com%2Fv1%2Flogin2\
             &github_url=https%3A%2F%2Fother.example%2F%3Fa%3D1%26state%3Dport%3A4711&state=abc"
        );
    }
}
