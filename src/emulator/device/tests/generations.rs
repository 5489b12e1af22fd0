//! What the endpoints of older firmware do otherwise, and what a device keeps. The manager's part
//! of it is tested with the manager.

use super::*;
use crate::emulator::flash::StoredConfig;

fn of(firmware: Firmware) -> Client {
    let mut settings = DeviceSettings::new(sec1("a"));
    settings.firmware = firmware;
    let mut client = Client::of(settings);
    client.secure(&pop("a")).unwrap();
    client
}

fn reset(client: &mut Client) -> Status {
    let request = NetworkCtrlPayload {
        msg: 1,
        status: 0,
        payload: Some(network_ctrl_payload::Payload::CmdCtrlWifiReset(
            CmdCtrlWifiReset {},
        )),
    };
    let (reply, _) = client.call("prov-ctrl", &request.encode_to_vec()).unwrap();
    NetworkCtrlPayload::decode(&*reply).unwrap().status()
}

#[test]
fn generations_differ_in_control_endpoint() {
    let mut oldest = of(Firmware::V44);
    assert!(!oldest.device.has_endpoint("prov-ctrl"));
    assert_eq!(oldest.raw("prov-ctrl", b"x"), Err(Refusal::NoSuchEndpoint));
    assert_eq!(reset(&mut of(Firmware::V5)), Status::InternalError);
    let mut newest = of(Firmware::NetworkProvisioning);
    assert_eq!(reset(&mut newest), Status::Success);
}

#[test]
fn missing_body_crashes_older_firmware() {
    for firmware in [Firmware::V44, Firmware::V5] {
        let mut client = of(firmware);
        client.set(b"Home", b"correct horse battery", b"");
        assert_eq!(client.config(2, None).err(), Some(Refusal::Crashed));
        assert!(client.log.events().contains(&"crashed".to_owned()));
        assert!(!client.device.has_session(1));
        // It knows nothing of the session, nor of what was set.
        client.secure(&pop("a")).unwrap();
        assert_eq!(client.apply(), i32::from(Status::InternalError));
        assert_eq!(client.scan(4, None).err(), Some(Refusal::Crashed));
    }
    let mut newest = of(Firmware::NetworkProvisioning);
    failed(newest.config(2, None));
    assert_eq!(newest.status(), (1, None));
}

#[test]
fn crash_after_apply_ends_provisioning() {
    let mut client = of(Firmware::V44);
    client.set(b"Home", b"correct horse battery", b"");
    client.apply();
    assert_eq!(client.config(2, None).err(), Some(Refusal::Crashed));
    assert_eq!(
        client.device.stopped(Instant::now()),
        Some(StopReason::AlreadyProvisioned)
    );
}

#[tokio::test(start_paused = true)]
async fn older_firmware_adds_empty_scan_results() {
    for firmware in [Firmware::V44, Firmware::V5] {
        let mut client = of(firmware);
        let start = CmdScanWifiStart {
            blocking: true,
            ..CmdScanWifiStart::default()
        };
        let (_, _, after) = client.scan(0, Some(Scan::CmdScanWifiStart(start))).unwrap();
        advance(after).await;
        let mut page = |start_index, count| {
            let command = CmdScanWifiResult { start_index, count };
            client.scan(4, Some(Scan::CmdScanWifiResult(command)))
        };
        for (first, count, named) in [(0, 7, 7), (5, 4, 2), (9, 2, 0)] {
            let (status, reply, _) = page(first, count).unwrap();
            let Scan::RespScanWifiResult(reply) = reply else {
                panic!("{reply:?}");
            };
            let complete = first + count <= 7;
            assert_eq!(status == Status::Success, complete);
            assert_eq!(u32::try_from(reply.entries.len()), Ok(count));
            let there = reply.entries.iter().filter(|one| !one.bssid.is_empty());
            assert_eq!(there.count(), named);
        }
        failed(page(0, u32::MAX));
    }
}

#[test]
fn older_firmware_has_no_thread_commands() {
    for firmware in [Firmware::V44, Firmware::V5] {
        failed(of(firmware).scan(6, None));
        let command = Config::CmdSetThreadConfig(CmdSetThreadConfig::default());
        failed(of(firmware).config(8, Some(command)));
    }
}

#[tokio::test(start_paused = true)]
async fn logs_component_events_and_keeps_credentials() {
    let mut client = of(Firmware::NetworkProvisioning);
    client.device.start(Instant::now());
    client.set(b"Home", b"wrong horse", b"");
    assert!(!client.device.flash.is_provisioned());
    client.apply();
    assert!(client.device.flash.is_provisioned());
    advance(Duration::from_mins(1)).await;
    assert_eq!(client.status().0, 3);
    assert_eq!(reset(&mut client), Status::Success);
    assert!(!client.device.flash.is_provisioned());
    client.set(b"Home", b"correct horse battery", b"");
    client.apply();
    advance(Duration::from_secs(10)).await;
    assert_eq!(client.status().0, 0);
    client.device.end();
    let events: Vec<String> = client
        .log
        .lines()
        .iter()
        .filter(|line| line["event"] == "prov_event")
        .map(|line| line["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        events,
        [
            "init",
            "start",
            "cred_recv",
            "cred_fail",
            "cred_recv",
            "cred_success",
            "end",
            "deinit"
        ]
    );
}

#[test]
fn provisioned_device_offers_nothing_unless_forced() {
    for insists in [false, true] {
        let mut settings = DeviceSettings::new(sec1("a"));
        settings.always_provisions = insists;
        let mut client = Client::of(settings);
        let kept = client.device.flash.store(Some(StoredConfig {
            ssid: b"Home".to_vec(),
            passphrase: Secret::new(Vec::new()),
        }));
        kept.unwrap();
        client.device.start(Instant::now());
        assert_eq!(client.secure(&pop("a")).is_ok(), insists);
    }
}

#[test]
fn wrong_type_reply_is_well_formed_and_sealed() {
    let mut client = of(Firmware::NetworkProvisioning);
    let requests = [
        (
            "prov-config",
            NetworkConfigPayload {
                msg: 0,
                payload: Some(Config::CmdGetWifiStatus(CmdGetWifiStatus {})),
            }
            .encode_to_vec(),
        ),
        (
            "prov-scan",
            NetworkScanPayload {
                msg: 2,
                status: 0,
                payload: Some(Scan::CmdScanWifiStatus(CmdScanWifiStatus {})),
            }
            .encode_to_vec(),
        ),
    ];
    for (endpoint, request) in requests {
        let sealed = client.cipher.as_mut().unwrap().seal(&request).unwrap();
        let reply = client
            .device
            .handle_with_fault(1, endpoint, &sealed, true)
            .unwrap();
        let opened = client.cipher.as_mut().unwrap().open(&reply.bytes).unwrap();
        let msg = match endpoint {
            "prov-config" => NetworkConfigPayload::decode(&opened[..]).unwrap().msg,
            _ => NetworkScanPayload::decode(&opened[..]).unwrap().msg - 2,
        };
        assert_ne!(msg, 1, "{endpoint}");
    }
    assert_eq!(client.status(), (1, None));
}
