//! The emulated cloud behind a port: HTTP/1.1 without TLS, as many connections as come. What a
//! request means and what becomes of it is [`Cloud`]'s.
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
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, LOCATION};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::exchange::{Answer, Body, Request};
use super::{Cloud, Delivery};

/// Opens a port; port 0 takes a free one.
pub async fn bind(address: SocketAddr) -> io::Result<Listener> {
    Ok(Listener {
        socket: TcpListener::bind(address).await?,
    })
}

/// An open port that nobody serves yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Where it really is.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves `cloud` until the future is dropped, and all connections with it.
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
                // So that those that ended do not pile up.
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, cloud: Arc<Mutex<Cloud>>) {
    // Answers are small, and leave at once.
    let _best_effort = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let cloud = Arc::clone(&cloud);
        async move { respond(request, &cloud).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that leaves in the middle, or a fault that closes: the next one is served all the same.
    drop(served);
}

/// That a connection is to be closed without an answer.
#[derive(Debug, Error)]
#[error("closed without an answer")]
struct Closed;

async fn respond(
    request: hyper::Request<Incoming>,
    cloud: &Mutex<Cloud>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return Ok(written(&Answer::of_gateway(413, "Request Too Long")));
    };
    let authorization = head.headers.get(AUTHORIZATION);
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: Request::parameters(head.uri.query().unwrap_or_default().as_bytes()),
        // What is no text is no token either, and is refused as one.
        authorization: authorization
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        body: body.to_bytes().to_vec(),
    };
    let (delivery, now) = {
        let mut cloud = cloud.lock().await;
        (cloud.meet(&request), cloud.now())
    };
    match delivery {
        Delivery::After(wait, answer) => {
            sleep(wait).await;
            let mut response = written(&answer);
            // By its own clock, which may have been moved.
            let date = httpdate::fmt_http_date(UNIX_EPOCH + now);
            if let Ok(date) = HeaderValue::from_str(&date) {
                response.headers_mut().insert(DATE, date);
            }
            Ok(response)
        }
        // Until the client has had enough.
        Delivery::Never => std::future::pending().await,
        Delivery::Close => Err(Closed),
    }
}

fn written(answer: &Answer) -> Response<Full<Bytes>> {
    let (kind, bytes) = match &answer.body {
        Body::Json(value) => ("application/json", value.to_string().into_bytes()),
        Body::Spoilt(bytes) => ("application/json", bytes.clone()),
        Body::Page(page) => ("text/html; charset=utf-8", page.clone().into_bytes()),
        Body::Redirect(_) => ("text/html; charset=utf-8", Vec::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    let status = StatusCode::from_u16(answer.status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Body::Redirect(target) = &answer.body
        && let Ok(target) = HeaderValue::from_str(target)
    {
        headers.insert(LOCATION, target);
    }
    response
}

/// More than any call of the API has a use for.
const LARGEST_BODY: usize = 64 * 1024;
/// How long a client may take for the head of a request.
const IDLE: Duration = Duration::from_mins(2);
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
