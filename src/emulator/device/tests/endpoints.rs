//! The device's ordinary endpoints, under the keys of a session: each rule of the firmware's
//! handlers. What a client is, and its handshakes, are one level up.

use super::*;

#[test]
fn credentials_are_checked_by_length_alone() {
    let mut client = Client::secured(sec1("a"), &pop("a"));
    let invalid = i32::from(Status::InvalidArgument);
    assert_eq!(client.set(&[b'x'; 32], &[b'y'; 63], &[0; 6]), 0);
    assert_eq!(client.set(b"", b"", b""), 0);
    assert_eq!(client.set(b"Home", b"short", b""), 0);
    assert_eq!(client.set(&[b'x'; 33], b"", b""), invalid);
    assert_eq!(client.set(b"Home", &[b'y'; 64], b""), invalid);
    assert_eq!(client.set(b"Home", b"", &[0; 5]), invalid);
}

#[test]
fn invalid_command_fails_and_keeps_session() {
    for secret in [DeviceSecret::Sec0, sec2(NonceRule::Counter)] {
        let credentials = match secret.scheme() {
            SecurityScheme::Sec0 => Credentials::None,
            _ => user("abcd1234"),
        };
        for (msg, payload) in [
            (2, None),
            (2, Some(Config::CmdGetWifiStatus(CmdGetWifiStatus {}))),
            (8, None),
            (1, None),
            (12, None),
            (-1, None),
        ] {
            let mut client = Client::secured(secret.clone(), &credentials);
            failed(client.config(msg, payload));
            // The request has moved the keys on by one; there was no reply.
            assert_eq!(client.status(), (1, None));
        }
        for msg in [0, 4, 1, 99] {
            let mut client = Client::secured(secret.clone(), &credentials);
            failed(client.scan(msg, None));
        }
        let mut client = Client::secured(secret.clone(), &credentials);
        failed(client.call("prov-ctrl", &[0x08, 0x63]));
        failed(client.call("prov-ctrl", &[0xff, 0xff]));
    }
}

#[test]
fn empty_message_fails() {
    // A status request without its arm is encoded as nothing at all.
    let mut client = Client::secured(sec2(NonceRule::Counter), &user("abcd1234"));
    failed(client.call("prov-config", &[]));
}

#[test]
fn thread_commands_are_invalid_arguments() {
    let mut client = Client::secured(sec1("a"), &pop("a"));
    let invalid = i32::from(Status::InvalidArgument);
    let command = Config::CmdSetThreadConfig(CmdSetThreadConfig::default());
    match client.config(8, Some(command)).unwrap() {
        Config::RespSetThreadConfig(reply) => assert_eq!(reply.status, invalid),
        other => panic!("{other:?}"),
    }
    let (status, _, _) = client.scan(6, None).unwrap();
    assert_eq!(status, Status::InvalidArgument);
}

#[test]
fn apply_requires_credentials_and_idle_manager() {
    let mut client = Client::secured(sec1("a"), &pop("a"));
    let internal = i32::from(Status::InternalError);
    assert_eq!(client.apply(), internal);
    client.set(b"Home", b"correct horse battery", b"");
    assert_eq!(client.apply(), 0);
    client.set(b"Home", b"correct horse battery", b"");
    assert_eq!(client.apply(), internal);
    let reset = NetworkCtrlPayload {
        msg: 1,
        status: 0,
        payload: Some(network_ctrl_payload::Payload::CmdCtrlWifiReset(
            CmdCtrlWifiReset {},
        )),
    };
    let (reply, _) = client.call("prov-ctrl", &reset.encode_to_vec()).unwrap();
    let reply = NetworkCtrlPayload::decode(&*reply).unwrap();
    assert_eq!((reply.msg, reply.status()), (2, Status::InternalError));
}

#[tokio::test(start_paused = true)]
async fn service_ends_after_reported_success() {
    let mut client = Client::secured(sec1("a"), &pop("a"));
    client.set(b"Home", b"correct horse battery", b"");
    client.apply();
    assert_eq!(client.status(), (1, None));
    advance(Duration::from_millis(2200)).await;
    let (state, detail) = client.status();
    let Some(State::WifiConnected(connected)) = detail else {
        panic!("{detail:?}");
    };
    assert_eq!(state, 0);
    assert_eq!(connected.ip4_addr, "192.168.1.23");
    assert_eq!(connected.ssid, b"Home");
    assert_eq!((connected.auth_mode, connected.channel), (3, 6));
    assert_eq!(connected.bssid.len(), 6);
    advance(Duration::from_millis(999)).await;
    assert_eq!(client.status().0, 0);
    assert_eq!(client.device.stopped(Instant::now()), None);
    advance(Duration::from_millis(1)).await;
    assert_eq!(
        client.device.stopped(Instant::now()),
        Some(StopReason::Provisioned)
    );
    failed(client.call("prov-config", &[0x52, 0]));
    let joined = client
        .log
        .lines()
        .into_iter()
        .find(|line| line["event"] == "wifi_joined")
        .unwrap();
    assert_eq!(joined["ms"], 2200);
}

#[tokio::test(start_paused = true)]
async fn time_can_run_faster() {
    let mut settings = DeviceSettings::new(sec1("a"));
    settings.time_scale = TimeScale::new(0.01).unwrap();
    let mut client = Client::of(settings);
    client.secure(&pop("a")).unwrap();
    client.set(b"Home", b"correct horse battery", b"");
    client.apply();
    sleep(Duration::from_millis(23)).await;
    assert_eq!(client.status().0, 0);
    sleep(Duration::from_millis(11)).await;
    assert!(client.device.stopped(Instant::now()).is_some());
}

#[tokio::test(start_paused = true)]
async fn blocking_scan_is_answered_at_its_end() {
    let start = |blocking| {
        Some(Scan::CmdScanWifiStart(CmdScanWifiStart {
            blocking,
            passive: false,
            group_channels: 0,
            period_ms: 120,
        }))
    };
    let done = |client: &mut Client| match client
        .scan(2, Some(Scan::CmdScanWifiStatus(CmdScanWifiStatus {})))
        .unwrap()
    {
        (Status::Success, Scan::RespScanWifiStatus(reply), Duration::ZERO) => {
            (reply.scan_finished, reply.result_count)
        }
        other => panic!("{other:?}"),
    };
    let mut client = Client::secured(sec1("a"), &pop("a"));
    assert_eq!(done(&mut client), (true, 0));
    let (_, _, after) = client.scan(0, start(false)).unwrap();
    assert_eq!(after, Duration::ZERO);
    assert_eq!(done(&mut client), (false, 0));
    advance(Duration::from_millis(1680)).await;
    assert_eq!(done(&mut client), (true, 7));
    let (_, _, after) = client.scan(0, start(true)).unwrap();
    assert_eq!(after, Duration::from_millis(1680));
    advance(after).await;
    assert_eq!(done(&mut client), (true, 7));

    // After an apply: never.
    client.set(b"Home", b"wrong horse", b"");
    client.apply();
    let (_, _, after) = client.scan(0, start(true)).unwrap();
    assert!(after > Duration::from_hours(24), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn sorts_results_and_refuses_invalid_range() {
    let mut client = Client::secured(sec1("a"), &pop("a"));
    let start = CmdScanWifiStart {
        blocking: true,
        ..CmdScanWifiStart::default()
    };
    let (_, _, after) = client.scan(0, Some(Scan::CmdScanWifiStart(start))).unwrap();
    advance(after).await;
    let page = |start_index, count| {
        Some(Scan::CmdScanWifiResult(CmdScanWifiResult {
            start_index,
            count,
        }))
    };
    let mut entries = Vec::new();
    for (first, count) in [(0, 4), (4, 3)] {
        match client.scan(4, page(first, count)).unwrap() {
            (Status::Success, Scan::RespScanWifiResult(reply), _) => entries.extend(reply.entries),
            other => panic!("{other:?}"),
        }
    }
    let strengths: Vec<i32> = entries.iter().map(|entry| entry.rssi).collect();
    assert_eq!(strengths, [-44, -51, -58, -63, -67, -72, -80]);
    assert_eq!(entries[5].ssid, "Café 家 ’".as_bytes());
    // The hidden one has no name.
    assert_eq!(entries[6].ssid, b"");
    assert_eq!(entries[3].auth, 5);
    assert!(client.scan(4, page(0, 0)).is_ok());
    for (first, count) in [(0, 8), (7, 1), (u32::MAX, 1), (1, u32::MAX)] {
        let mut client = Client::secured(sec1("a"), &pop("a"));
        failed(client.scan(4, page(first, count)));
    }
    failed(client.scan(4, page(4, 4)));
}

#[test]
fn noise_neither_answers_nor_panics() {
    use rand_core::Rng as _;
    let mut rng = rng();
    for secret in [DeviceSecret::Sec0, sec1("a"), sec2(NonceRule::Counter)] {
        let mut settings = DeviceSettings::new(secret);
        settings.max_strikes = 0;
        let mut client = Client::of(settings);
        for endpoint in ["prov-session", "prov-config", "prov-scan", "prov-ctrl", ""] {
            for length in 0..60 {
                let mut bytes = vec![0; length];
                rng.fill_bytes(&mut bytes);
                let _whatever = client.raw(endpoint, &bytes);
            }
        }
    }
}
