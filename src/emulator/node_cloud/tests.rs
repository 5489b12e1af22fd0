//! Calls and messages to the cloud, against a port that answers by a list.
#![expect(
    clippy::disallowed_types,
    reason = "this file is one end of a socket, the listening one"
)]

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::emulator::device::TimeScale;
use crate::emulator::log::Log;
use crate::emulator::log::tests::Shared;

#[test]
fn url_is_read_with_and_without_version() {
    let place: NodeCloud = "http://127.0.0.1:8080".parse().unwrap();
    for same in [
        "http://127.0.0.1:8080/",
        "http://127.0.0.1:8080/v1",
        "http://127.0.0.1:8080/v1/",
    ] {
        assert_eq!(same.parse(), Ok(place.clone()), "{same}");
    }
    assert_eq!(place.to_string(), "127.0.0.1:8080");
    let other: NodeCloud = "http://[::1]:81/cloud/v1".parse().unwrap();
    assert_eq!(other.0.as_str(), "http://[::1]:81/cloud");
    assert_eq!(other.to_string(), "[::1]:81");
    let usual_port: NodeCloud = "http://localhost".parse().unwrap();
    assert_eq!(usual_port.to_string(), "localhost:80");
}

#[test]
fn rejects_url_that_is_not_plain_http() {
    for text in [
        "https://127.0.0.1:8080",
        "127.0.0.1:8080",
        "http://",
        "http://user:password@127.0.0.1",
        "http://127.0.0.1/?a=b",
        "",
    ] {
        assert!(text.parse::<NodeCloud>().is_err(), "{text}");
    }
}

/// The requests that a cloud received: request line and body.
type Requests = Vec<(String, Value)>;

/// Answers one connection after the other with these, each an HTTP status or not HTTP.
async fn cloud(answers: &'static [&'static str]) -> (NodeCloud, JoinHandle<Requests>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = tokio::spawn(async move {
        let mut all = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let (head, body) = loop {
                assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
                let text = String::from_utf8(bytes.clone()).unwrap();
                if let Some((head, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str::<Value>(body)
                {
                    break (head.to_owned(), body);
                }
            };
            all.push((head.lines().next().unwrap().to_owned(), body));
            let body = json!({"status": "failure", "description": "so it is"}).to_string();
            let answer = match answer.parse::<u16>() {
                Ok(status) => format!(
                    "HTTP/1.1 {status} Text\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ),
                Err(_) => (*answer).to_owned(),
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        all
    });
    (format!("http://{address}").parse().unwrap(), requests)
}

fn user(user_id: &str) -> Message {
    Message::UserMapping {
        user_id: user_id.to_owned(),
        secret_key: Secret::new("S".to_owned()),
    }
}

/// Sends all of it, and gives what is in the log after that.
async fn send_all(cloud: NodeCloud, messages: Vec<Message>) -> Vec<Value> {
    let sink = Shared::default();
    let mut log = Log::default().with_sink(Box::new(sink.clone()));
    let at_once = TimeScale::new(0.0).unwrap();
    let uplink = Uplink::start(Some((cloud, "N".to_owned())), at_once);
    uplink.send(messages);
    uplink.finish(&mut log).await;
    sink.lines()
}

fn events(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn registers_node_with_key_and_config() {
    let (place, requests) = cloud(&["200"]).await;
    let config = json!({"node_id": "N"});
    place.register("N", "PEM", &config).await.unwrap();
    let (line, body) = requests.await.unwrap().remove(0);
    assert_eq!(line, "PUT /emulator/nodes/N HTTP/1.1");
    assert_eq!(body, json!({"public_keys": ["PEM"], "config": config}));

    let (place, _requests) = cloud(&["404"]).await;
    let error = place.register("N", "PEM", &config).await.unwrap_err();
    assert_eq!(error.to_string(), "refused with HTTP status 404: so it is");
    let (place, _requests) = cloud(&["SSH-2.0-other\r\n"]).await;
    let error = place.register("N", "PEM", &config).await.unwrap_err();
    assert!(matches!(error, NodeCloudError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn messages_arrive_in_order() {
    let (place, requests) = cloud(&["200", "200"]).await;
    let lines = send_all(place, vec![Message::Online, user("U")]).await;
    assert_eq!(events(&lines), ["connectivity_sent", "user_mapping_sent"]);
    assert_eq!(lines[1]["user_id"], "U");
    assert_eq!(
        requests.await.unwrap(),
        [
            (
                "PUT /emulator/nodes/N/connectivity HTTP/1.1".to_owned(),
                json!({"connected": true})
            ),
            (
                "POST /emulator/nodes/N/user_mapping HTTP/1.1".to_owned(),
                json!({"node_id": "N", "user_id": "U", "secret_key": "S"})
            ),
        ]
    );
}

#[tokio::test]
async fn retries_after_server_errors_only() {
    let (place, _requests) = cloud(&["500", "nonsense", "200"]).await;
    let lines = send_all(place, vec![user("U")]).await;
    assert_eq!(
        events(&lines),
        ["cloud_failed", "cloud_failed", "user_mapping_sent"]
    );
    assert_eq!(lines[0]["what"], "user_mapping");
    assert_eq!(
        (&lines[1]["attempt"], &lines[0]["attempt"]),
        (&2.into(), &1.into())
    );

    let (place, _requests) = cloud(&["400", "200"]).await;
    let lines = send_all(place, vec![user("U"), Message::Online]).await;
    assert_eq!(events(&lines), ["cloud_failed", "connectivity_sent"]);
    let why = lines[0]["why"].as_str().unwrap();
    assert!(why.contains("so it is"), "{why}");
}

#[tokio::test]
async fn stops_after_maximum_attempts() {
    // A port that was open a moment ago.
    let (place, requests) = cloud(&[]).await;
    requests.await.unwrap();
    let lines = send_all(place, vec![Message::Online]).await;
    assert_eq!(events(&lines), ["cloud_failed"; 6]);
}

#[tokio::test]
async fn mapping_longer_than_buffer_is_not_sent() {
    let (place, requests) = cloud(&["200"]).await;
    let lines = send_all(place, vec![user(&"U".repeat(200)), Message::Online]).await;
    assert_eq!(events(&lines), ["cloud_failed", "connectivity_sent"]);
    assert_eq!(requests.await.unwrap().len(), 1);
}

#[tokio::test]
async fn node_without_cloud_sends_nothing() {
    let mut log = Log::default();
    let uplink = Uplink::start(None, TimeScale::REAL);
    uplink.send(vec![Message::Online]);
    uplink.finish(&mut log).await;
}
