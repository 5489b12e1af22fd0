//! The HTTP port of the emulated cloud: HTTP/1.1 without TLS, with any number of connections.
#![expect(
    clippy::disallowed_types,
    reason = "this file is one end of a socket, the listening one"
)]

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Cloud;
use super::exchange::{ApiAnswer, Body, Delivery, Request};

/// An open port, before the cloud serves it.
#[derive(Debug)]
pub struct CloudPort {
    socket: TcpListener,
    /// Its address.
    pub address: SocketAddr,
}

impl CloudPort {
    /// Opens a port; port 0 selects a free one.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Serves `cloud` until the future is dropped, which also closes all connections.
    pub async fn serve(self, cloud: Cloud) -> Infallible {
        let cloud = Arc::new(Mutex::new(cloud));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(serve_connection(stream, Arc::clone(&cloud)));
                    }
                    // Out of file descriptors, or a client that has already left.
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                },
                // Removes finished connections.
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, cloud: Arc<Mutex<Cloud>>) {
    // Answers are small, and sent at once.
    let _best_effort = stream.set_nodelay(true);
    let service = service_fn(|request| respond(request, &cloud));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // After a client that disconnects early, or a fault that closes, the next connection is served.
    drop(served);
}

/// Answers a request. An error closes the connection without an answer.
async fn respond(
    request: hyper::Request<Incoming>,
    cloud: &Mutex<Cloud>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return to_http(ApiAnswer::gateway_error(413, "Request Too Long"), None);
    };
    let authorization = head.headers.get(AUTHORIZATION);
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: Request::parse_parameters(head.uri.query().unwrap_or_default().as_bytes()),
        // A header that is not text is refused as an invalid token.
        authorization: authorization
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        body: body.to_bytes().to_vec(),
    };
    let (delivery, now) = {
        let mut cloud = cloud.lock().await;
        (cloud.handle(&request), cloud.clock.now())
    };
    match delivery {
        Delivery::After(wait, answer) => {
            sleep(wait).await;
            to_http(answer, Some(now))
        }
        // Until the client gives up.
        Delivery::Never => std::future::pending().await,
        Delivery::Close => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

/// Converts an answer, with the date of the cloud's clock, which a test may have moved.
fn to_http(answer: ApiAnswer, now: Option<Duration>) -> io::Result<Response<Full<Bytes>>> {
    let mut response = Response::builder().status(answer.status);
    if let Some(now) = now {
        response = response.header(DATE, httpdate::fmt_http_date(UNIX_EPOCH + now));
    }
    let (kind, bytes) = match answer.body {
        Body::Json(value) => ("application/json", value.to_string().into()),
        Body::Malformed(bytes) => ("application/json", bytes.into()),
        Body::Page(page) => ("text/html; charset=utf-8", page.into()),
        Body::Redirect(target) => {
            response = response.header(LOCATION, target);
            ("text/html; charset=utf-8", Bytes::new())
        }
    };
    let response = response.header(CONTENT_TYPE, kind).body(Full::new(bytes));
    response.map_err(io::Error::other)
}

/// More than any call of the API needs.
const MAX_BODY: usize = 64 * 1024;
/// The time limit for the head of a request.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
