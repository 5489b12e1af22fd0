//! Login by browser: the port on this computer that the login page sends its visitor to, the
//! page's address, and the wait. What may be brought to the port is `callback`'s.

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
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, ORIGIN,
    REFERRER_POLICY,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Map;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::timeout;
use url::Url;
use uuid::Uuid;

use super::super::environment::cloud_failure;
use super::super::ui::Ui;
use super::callback::{self, Brought, Expected, Visitor};
use crate::account::{BrowserLogin, Profile};
use crate::cloud::{Client, CloudError, Tokens, is_loopback};
use crate::report::{ErrorId, Failure, remedies};

/// A visit to the login page.
pub(super) struct Visit<'a> {
    pub(super) page: &'a BrowserLogin,
    pub(super) profile: &'a Profile,
    /// Whether to open a browser, besides saying where the page is.
    pub(super) open: bool,
    pub(super) limit: Duration,
    /// Whether a code may be exchanged over plain HTTP.
    pub(super) plain_http: bool,
}

/// Has somebody log in with a browser.
pub(super) async fn log_in(visit: &Visit<'_>, client: &Client, ui: &Ui) -> Result<Tokens, Failure> {
    let token_url = &visit.page.token_url;
    if token_url.scheme() != "https" && !is_loopback(token_url) && !visit.plain_http {
        let host = token_url.host_str().unwrap_or_default().to_owned();
        return Err(cloud_failure(&CloudError::Insecure { host }, DOING));
    }
    // Bound before anybody is told of it, and reachable from this computer alone.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let port = listener
        .as_ref()
        .ok()
        .and_then(|listener| listener.local_addr().ok());
    let (Ok(listener), Some(address)) = (listener, port) else {
        let message = "cannot open a port of 127.0.0.1 for the answer of the browser";
        return Err(Failure::new(ErrorId::CannotListen, message).remedy(&remedies::WITHOUT_BROWSER));
    };
    let expected = Expected {
        port: address.port(),
        state: Uuid::new_v4().simple().to_string(),
        needs_state: !visit.profile.is_built_in,
        origins: origins(visit.page),
    };
    let url = page_url(visit, &expected)?;
    invite(visit, &url, ui);
    match wait(listener, expected, visit.limit).await? {
        Brought::Tokens(tokens) => Ok(tokens),
        Brought::Refused(words) => Err(Failure::new(
            ErrorId::LoginRefused,
            format!("the login page reports: {words}"),
        )),
        Brought::Code(code) => {
            let page = visit.page;
            let exchanged = client
                .exchange_code(token_url, &page.client_id, &page.redirect_url, &code)
                .await;
            exchanged.map_err(|error| cloud_failure(&error, DOING))
        }
    }
}

fn invite(visit: &Visit<'_>, url: &Url, ui: &Ui) {
    if url.scheme() == "http" && !is_loopback(url) {
        ui.say(
            "warning: this login page comes over plain HTTP, where anybody in between can read \
             what is typed; --user-name sends the password over HTTPS",
        );
    }
    let mut keys = Map::new();
    keys.insert("url".to_owned(), url.as_str().into());
    let asked = if visit.open {
        "Log in with the browser. If it does not open, open this page on this computer"
    } else {
        "Open this page with a browser on this computer"
    };
    ui.tell("login_page", &format!("{asked}:\n{url}"), keys);
    if visit.open
        && let Err(error) = open::that_detached(url.as_str())
    {
        tracing::debug!(%error, "opening a browser");
        ui.say("No browser could be opened");
    }
}

/// Of the pages that a login goes through: the one that is opened, and the one that a code is sent
/// to.
fn origins(page: &BrowserLogin) -> Vec<String> {
    let addresses = [&page.login_url, &page.redirect_url];
    let parsed = addresses.iter().filter_map(|url| url.parse::<Url>().ok());
    let origins = parsed.map(|url| url.origin());
    origins
        .filter(url::Origin::is_tuple)
        .map(|origin| origin.ascii_serialization())
        .collect()
}

/// The page's address, with where to come back to.
///
/// How the pages of the built-in profiles take their address apart is not documented, so it is
/// put together for them as they are used to: only what no address can hold is encoded. Others
/// get each value encoded, and a state to bring back.
fn page_url(visit: &Visit<'_>, expected: &Expected) -> Result<Url, Failure> {
    let BrowserLogin {
        login_url,
        external_url,
        ..
    } = visit.page;
    let (port, state) = (expected.port, &expected.state);
    let login2 = format!("{}login2", visit.profile.base_url);
    let text = if visit.profile.is_built_in {
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
    // Nothing else may be opened on the word of a file.
    let usable = parsed.filter(|url| matches!(url.scheme(), "http" | "https"));
    usable.ok_or_else(|| {
        let name = &visit.profile.name;
        let message = format!("the login page of the profile {name} has no usable address");
        Failure::new(ErrorId::NoLoginPage, message).remedy(&remedies::LOGIN_URL)
    })
}

/// Serves the port until something of use is brought to it.
async fn wait(
    listener: TcpListener,
    expected: Expected,
    limit: Duration,
) -> Result<Brought, Failure> {
    let expected = Rc::new(expected);
    let (told, mut brought) = mpsc::unbounded_channel();
    let tasks = LocalSet::new();
    tasks.spawn_local(async move {
        // An error is one visitor's, gone before being let in.
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let serving = serve(stream, Rc::clone(&expected), told.clone());
                tokio::task::spawn_local(serving);
            }
        }
    });
    let first = timeout(limit, tasks.run_until(brought.recv())).await;
    let Ok(Some((brought, mut answered))) = first else {
        let message = format!("no login in the browser within {} s", limit.as_secs_f32());
        return Err(Failure::new(ErrorId::LoginTimedOut, message));
    };
    // The visitor reads that it was done; whether they do changes nothing.
    if timeout(LAST_WORD, tasks.run_until(answered.recv()))
        .await
        .is_err()
    {
        tracing::debug!("the browser did not take its answer");
    }
    Ok(brought)
}

/// What was brought, and something that ends with the connection.
type Told = mpsc::UnboundedSender<(Brought, mpsc::Receiver<Infallible>)>;

async fn serve(stream: TcpStream, expected: Rc<Expected>, told: Told) {
    let (open, closed) = mpsc::channel(1);
    let closed = std::cell::Cell::new(Some(closed));
    let answer = |request: Request<Incoming>| {
        // What is no text is nobody's that is known.
        let header = |name| {
            let value = request.headers().get(name);
            value.map(|value| value.to_str().unwrap_or_default())
        };
        let visitor = Visitor {
            host: header(HOST),
            origin: header(ORIGIN),
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
                    // Nobody waits any more when somebody else was first.
                    let _late = told.send((brought, closed));
                }
                (hyper::StatusCode::OK, words)
            }
            Err(refusal) => refusal,
        };
        std::future::ready(Ok::<_, Infallible>(page(status, words)))
    };
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SLOWEST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "the browser's visit");
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
    // The address holds the login.
    headers.insert(CACHE_CONTROL, value("no-store"));
    headers.insert(REFERRER_POLICY, value("no-referrer"));
    // A login page may bring it by a script, and wants to know that it arrived.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value("*"));
    page
}

const DOING: &str = "logging in with the browser";
/// Browsers open connections in advance and say nothing on them.
const SLOWEST_HEAD: Duration = Duration::from_secs(30);
/// Until an answer of a few bytes is on its way.
const LAST_WORD: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Folder;

    fn url(profile: &Profile) -> String {
        let visit = Visit {
            page: profile.browser.as_ref().unwrap(),
            profile,
            open: false,
            limit: Duration::ZERO,
            plain_http: false,
        };
        let expected = Expected {
            port: 4711,
            state: "abc".to_owned(),
            needs_state: !profile.is_built_in,
            origins: Vec::new(),
        };
        page_url(&visit, &expected).unwrap().to_string()
    }

    #[test]
    fn the_built_in_pages_get_the_address_that_they_know() {
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
    fn the_pages_of_a_login_may_send_scripts() {
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
    fn a_page_of_ones_own_gets_a_state_and_encoded_values() {
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
