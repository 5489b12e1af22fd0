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
fn url_that_is_not_plain_http_is_refused() {
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

/// What a cloud heard: request line and body.
type Heard = Vec<(String, Value)>;

/// Answers one connection after the other with these, each an HTTP status or what is none.
async fn cloud(answers: &'static [&'static str]) -> (NodeCloud, JoinHandle<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = tokio::spawn(async move {
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
            let said = json!({"status": "failure", "description": "so it is"}).to_string();
            let answer = match answer.parse::<u16>() {
                Ok(status) => format!(
                    "HTTP/1.1 {status} Text\r\nContent-Length: {}\r\n\r\n{said}",
                    said.len()
                ),
                Err(_) => (*answer).to_owned(),
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        all
    });
    (format!("http://{address}").parse().unwrap(), heard)
}

fn user(user_id: &str) -> Message {
    Message::UserMapping {
        user_id: user_id.to_owned(),
        secret_key: Secret::new("S".to_owned()),
    }
}

/// Sends all of it, and gives what is in the log after that.
async fn told(cloud: NodeCloud, messages: Vec<Message>) -> Vec<Value> {
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
async fn a_node_is_registered_with_its_key_and_its_config() {
    let (place, heard) = cloud(&["200"]).await;
    let config = json!({"node_id": "N"});
    place.register("N", "PEM", &config).await.unwrap();
    let (line, body) = heard.await.unwrap().remove(0);
    assert_eq!(line, "PUT /emulator/nodes/N HTTP/1.1");
    assert_eq!(body, json!({"public_keys": ["PEM"], "config": config}));

    let (place, _heard) = cloud(&["404"]).await;
    let error = place.register("N", "PEM", &config).await.unwrap_err();
    assert_eq!(error.to_string(), "refused with HTTP status 404: so it is");
    let (place, _heard) = cloud(&["SSH-2.0-somebody else\r\n"]).await;
    let error = place.register("N", "PEM", &config).await.unwrap_err();
    assert!(matches!(error, NodeCloudError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn messages_arrive_in_order() {
    let (place, heard) = cloud(&["200", "200"]).await;
    let lines = told(place, vec![Message::Online, user("U")]).await;
    assert_eq!(events(&lines), ["connectivity_sent", "user_mapping_sent"]);
    assert_eq!(lines[1]["user_id"], "U");
    assert_eq!(
        heard.await.unwrap(),
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
async fn a_cloud_in_trouble_is_asked_again_and_one_that_refuses_is_not() {
    let (place, _heard) = cloud(&["500", "nonsense", "200"]).await;
    let lines = told(place, vec![user("U")]).await;
    assert_eq!(
        events(&lines),
        ["cloud_failed", "cloud_failed", "user_mapping_sent"]
    );
    assert_eq!(lines[0]["what"], "user_mapping");
    assert_eq!(
        (&lines[1]["attempt"], &lines[0]["attempt"]),
        (&2.into(), &1.into())
    );

    let (place, _heard) = cloud(&["400", "200"]).await;
    let lines = told(place, vec![user("U"), Message::Online]).await;
    assert_eq!(events(&lines), ["cloud_failed", "connectivity_sent"]);
    let why = lines[0]["why"].as_str().unwrap();
    assert!(why.contains("so it is"), "{why}");
}

#[tokio::test]
async fn it_gives_up_at_last() {
    // A port that was open a moment ago.
    let (place, heard) = cloud(&[]).await;
    heard.await.unwrap();
    let lines = told(place, vec![Message::Online]).await;
    assert_eq!(events(&lines), ["cloud_failed"; 6]);
}

#[tokio::test]
async fn a_mapping_that_the_buffer_does_not_hold_is_not_sent() {
    let (place, heard) = cloud(&["200"]).await;
    let lines = told(place, vec![user(&"U".repeat(200)), Message::Online]).await;
    assert_eq!(events(&lines), ["cloud_failed", "connectivity_sent"]);
    assert_eq!(heard.await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_cloud_nothing_is_told() {
    let mut log = Log::default();
    let uplink = Uplink::start(None, TimeScale::REAL);
    uplink.send(vec![Message::Online]);
    uplink.finish(&mut log).await;
}
