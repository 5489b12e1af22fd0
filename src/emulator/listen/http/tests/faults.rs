//! How each fault looks on the wire, byte by byte, and that what comes after it is as if nothing
//! had been. Which request meets a fault is tested with `fault`.

use super::*;
use crate::emulator::device::{Firmware, Scenario};

async fn with(fault: &str) -> (Served, Client) {
    let mut settings = DeviceSettings::new(DeviceSecret::Sec0);
    settings.faults = vec![fault.parse().unwrap()];
    let served = serve_as(settings);
    let client = Client::to(&served).await;
    (served, client)
}

/// Everything until the device closes the socket.
async fn rest(client: &mut Client) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.read(&mut bytes).await > 0 {}
    bytes
}

/// Everything until the device closes the socket, because the client has.
async fn rest_after_leaving(client: &mut Client) -> Vec<u8> {
    client.0.shutdown().await.unwrap();
    rest(client).await
}

/// Waits until the device has met its fault.
async fn met_fault(served: &Served) {
    let waiting = async {
        while !served.log.events().contains(&"fault".to_owned()) {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(HANG, waiting).await.expect("a fault");
}

async fn document() -> Vec<u8> {
    let served = serve(DeviceSecret::Sec0);
    let mut client = Client::to(&served).await;
    client.ask(version("")).await.unwrap().1
}

#[tokio::test]
async fn altered_answer_is_complete_http() {
    let right = document().await;
    for (kind, wrong) in [
        ("garble", right.iter().map(|byte| !byte).collect()),
        ("truncate", right[..right.len() / 2].to_vec()),
        ("wrong-order", Vec::new()),
        ("wrong-type", b"[]".to_vec()),
        ("oversize", vec![b'x'; 256 * 1024]),
    ] {
        let (served, mut client) = with(&format!("proto-ver:1:{kind}")).await;
        let (head, body) = client.ask(version("")).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{kind}: {head}");
        assert_eq!(body, wrong, "{kind}");
        assert_eq!(client.ask(version("")).await.unwrap().1, right, "{kind}");
        let lines = served.log.lines();
        let fault = lines.iter().find(|line| line["event"] == "fault").unwrap();
        assert_eq!(
            (&fault["kind"], &fault["number"]),
            (&kind.into(), &1.into())
        );
        assert_eq!(fault["endpoint"], "proto-ver");
    }
}

#[tokio::test]
async fn answer_can_be_duplicate_late_or_lost() {
    let right = document().await;
    let (_served, mut client) = with("proto-ver:1:duplicate").await;
    client.send(version("")).await;
    let all = String::from_utf8(rest_after_leaving(&mut client).await).unwrap();
    assert_eq!(all.matches("HTTP/1.1 200 OK").count(), 2, "{all}");

    let (_served, mut client) = with("proto-ver:1:delay=200").await;
    let began = Instant::now();
    assert_eq!(client.ask(version("")).await.unwrap().1, right);
    assert!(began.elapsed() >= Duration::from_millis(200));

    for (kind, handled) in [("drop", 1), ("mute", 2)] {
        let (served, mut client) = with(&format!("proto-ver:1:{kind}")).await;
        client.send(version("")).await;
        met_fault(&served).await;
        // The connection is still good, and the one answer is the second request's.
        assert_eq!(client.ask(version("")).await.unwrap().1, right);
        assert_eq!(rest_after_leaving(&mut client).await, b"", "{kind}");
        let events = served.log.events();
        let requests = events.iter().filter(|event| *event == "request").count();
        assert_eq!(requests, handled, "{kind}");
    }

    let (served, mut client) = with("proto-ver:1:repeat").await;
    assert_eq!(client.ask(version("")).await.unwrap().1, right);
    let events = served.log.events();
    assert_eq!(events.iter().filter(|event| *event == "request").count(), 2);
}

#[tokio::test]
async fn connection_can_end_before_or_within_answer() {
    for (kind, resets) in [("close", false), ("reset", true)] {
        let (_served, mut client) = with(&format!("proto-ver:1:{kind}")).await;
        client.send(version("")).await;
        let mut bytes = Vec::new();
        let read = client.0.read_buf(&mut bytes).await;
        assert_eq!(read.is_err(), resets, "{kind}: {read:?}");
        assert_eq!(bytes, b"", "{kind}");
    }
    let (_served, mut client) = with("proto-ver:1:cut").await;
    client.send(version("")).await;
    let all = rest(&mut client).await;
    let half = document().await.len() / 2;
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    assert_eq!(all.len() - end - 4, half);
}

#[tokio::test]
async fn fault_sends_error_page_and_closes() {
    for (kind, status) in [("not-found", "404 "), ("status=503", "503 ")] {
        let (_served, mut client) = with(&format!("proto-ver:*:{kind}")).await;
        let (head, _) = client.ask(version("")).await.unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn older_firmware_takes_shorter_heads() {
    let filler = format!("X: {}\r\n", "x".repeat(600));
    for (firmware, status) in [
        (Firmware::V44, "431"),
        (Firmware::V5, "431"),
        (Firmware::NetworkProvisioning, "200"),
    ] {
        let mut settings = DeviceSettings::new(DeviceSecret::Sec0);
        settings.firmware = firmware;
        let served = serve_as(settings);
        let mut client = Client::to(&served).await;
        let (head, _) = client.ask(version(&filler)).await.unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    }
}

#[tokio::test]
async fn crash_ends_connection_and_session() {
    let mut settings = DeviceSettings::new(DeviceSecret::Sec0);
    settings.firmware = Firmware::V44;
    let served = serve_as(settings);
    let mut client = Client::to(&served).await;
    let first = client.ask(version("")).await;
    let cookie = session(first.as_ref()).unwrap().to_owned();
    // Set without a body.
    assert_eq!(client.ask(post("/prov-config", "", &[8, 2])).await, None);
    assert!(client.is_closed().await);
    let mut client = Client::to(&served).await;
    let with = version(&format!("Cookie: {cookie}\r\n"));
    let again = client.ask(&with).await;
    assert_ne!(session(again.as_ref()).unwrap(), cookie);
}

#[tokio::test]
async fn channel_change_keeps_port_and_session() {
    let mut settings = DeviceSettings::new(DeviceSecret::Sec0);
    settings.scenarios = vec![Scenario::ChannelChange];
    settings.time_scale = TimeScale::new(0.3).unwrap();
    let served = serve_as(settings);
    let mut client = Client::to(&served).await;
    let first = client.ask(version("")).await;
    let cookie = format!("Cookie: {}\r\n", session(first.as_ref()).unwrap());
    // Set "Guest", without a passphrase, and Apply.
    let set = [8, 2, 0x62, 7, 10, 5, b'G', b'u', b'e', b's', b't'];
    assert!(
        client
            .ask(post("/prov-config", &cookie, &set))
            .await
            .is_some()
    );
    let apply = [8, 4, 0x72, 0];
    assert!(
        client
            .ask(post("/prov-config", &cookie, &apply))
            .await
            .is_some()
    );
    // Closed from our side of the air, 300 ms later, and for 600 ms.
    assert!(client.is_closed().await);
    assert!(TcpStream::connect(served.address).await.is_err());
    let mut tries = 0;
    let stream = loop {
        match TcpStream::connect(served.address).await {
            Ok(stream) => break stream,
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
        tries += 1;
        assert!(tries < 500, "it never came back");
    };
    let mut client = Client(stream);
    let status = post("/prov-config", &cookie, &[8, 0, 0x52, 0]);
    let answer = client.ask(status).await;
    assert_eq!(session(answer.as_ref()), None, "the session is the same");
    assert!(served.log.events().contains(&"wifi_joined".to_owned()));
}
