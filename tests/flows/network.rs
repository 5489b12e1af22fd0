//! Listing networks and settling on one. Handing it over is `join`'s. Sessions are in the clear
//! here, so that a test can read what was asked; clocks are tokio's own, so that no time passes.

use std::time::Duration;

use espctl::emulator::device::{DeviceSettings, World};
use espctl::endpoint::version::Version;
use espctl::endpoint::wifi_scan::AccessPoint;
use espctl::flows::NetworkRequest;
use espctl::flows::network::{scan_networks, select_network};
use espctl::flows::{Chosen, Event, FlowError, Question, Timing};
use espctl::ident::{Passphrase, Ssid};
use espctl::proto::network_provisioning::network_scan_payload::Payload;
use espctl::proto::network_provisioning::{
    NetworkScanPayload, RespScanWifiResult, RespScanWifiStart, RespScanWifiStatus, WiFiScanResult,
};
use espctl::provisioner::{Cause, NetworkCredentials, ProvisionError, WifiCredentials};
use espctl::secret::Secret;
use espctl::security::DeviceSecret;
use prost::Message as _;
use tokio::time::Instant;

use crate::support::memory_transport::MemoryDevice;
use crate::support::recorder::Recorder;

fn device_in(world: World) -> MemoryDevice {
    let mut settings = DeviceSettings::new(DeviceSecret::Sec0);
    settings.world = world;
    MemoryDevice::new(settings)
}

fn neighbourhood() -> MemoryDevice {
    device_in(World::neighborhood())
}

fn names(networks: &[AccessPoint]) -> Vec<String> {
    let name = |network: &AccessPoint| network.ssid.as_ref().map(ToString::to_string);
    networks
        .iter()
        .map(|network| name(network).unwrap_or_else(|| "(hidden)".to_owned()))
        .collect()
}

/// First index and number of each page that was asked for.
fn pages(device: &MemoryDevice) -> Vec<(u32, u32)> {
    scan_requests(device)
        .into_iter()
        .filter_map(|payload| match payload {
            Payload::CmdScanWifiResult(command) => Some((command.start_index, command.count)),
            _ => None,
        })
        .collect()
}

fn scan_requests(device: &MemoryDevice) -> Vec<Payload> {
    let requests = device.requests("prov-scan");
    let decoded = requests.iter().map(|request| {
        let message = NetworkScanPayload::decode(&request[..]).unwrap();
        message.payload.expect("old firmware crashes without")
    });
    decoded.collect()
}

#[tokio::test(start_paused = true)]
async fn scan_lists_each_name_once_and_hidden_networks() {
    let device = neighbourhood();
    let mut provisioner = device.protocomm(scanning(), &Timing::default()).await;
    let recorder = Recorder::default();
    let found = scan_networks(&recorder.run(), &mut provisioner)
        .await
        .unwrap();
    assert_eq!(
        names(&found),
        [
            "Home",
            "Guest",
            "Home-WPA3",
            "Office",
            "Café 家 ’",
            "(hidden)"
        ]
    );
    assert_eq!(
        found[0].rssi, -44,
        "the stronger of the two stands for both"
    );
    // Not beyond what the device has: seven, the second "Home" among them.
    assert_eq!(pages(&device), [(0, 7)]);
    let [Event::WifiScanStarted, Event::WifiScanned { networks }] = &recorder.events()[..] else {
        panic!("{:?}", recorder.events());
    };
    assert_eq!(networks.len(), found.len());
    assert_eq!(serde_json::json!(networks[5])["ssid_hex"], "");
}

/// Over its own hotspot a device that listens on every channel in one go loses its clients, and
/// one that answers only at the end of the scan serves no other request meanwhile.
#[tokio::test(start_paused = true)]
async fn scan_keeps_hotspot_alive() {
    let device = neighbourhood();
    let mut provisioner = device.protocomm(scanning(), &Timing::default()).await;
    scan_networks(&Recorder::default().run(), &mut provisioner)
        .await
        .unwrap();
    let Payload::CmdScanWifiStart(start) = &scan_requests(&device)[0] else {
        panic!("{:?}", scan_requests(&device));
    };
    assert!(!start.blocking && !start.passive);
    assert!((1..=13).contains(&start.group_channels));
}

#[tokio::test(start_paused = true)]
async fn equal_names_with_other_authentication_are_separate_networks() {
    let world = World::from_json(
        r#"[{"ssid": "Twin", "rssi": -70, "passphrase": "12345678"},
            {"ssid": "Twin", "rssi": -60},
            {"ssid": "Twin", "rssi": -50, "passphrase": "12345678"},
            {"ssid": "a", "rssi": -80, "hidden": true},
            {"ssid": "b", "rssi": -90, "hidden": true}]"#,
    );
    let device = device_in(world.unwrap());
    let mut provisioner = device.protocomm(scanning(), &Timing::default()).await;
    let found = scan_networks(&Recorder::default().run(), &mut provisioner)
        .await
        .unwrap();
    assert_eq!(names(&found), ["Twin", "Twin", "(hidden)", "(hidden)"]);
    let strengths: Vec<i32> = found.iter().map(|network| network.rssi).collect();
    assert_eq!(strengths, [-50, -60, -80, -90]);
}

/// A device that lists `count` networks after it has reported `busy` times that the scan continues.
fn listing(count: u32, mut busy: u32) -> MemoryDevice {
    neighbourhood().instead(move |endpoint, request| {
        if endpoint != "prov-scan" {
            return None;
        }
        let request = NetworkScanPayload::decode(request).unwrap();
        let payload = match request.payload.unwrap() {
            Payload::CmdScanWifiStart(_) => Payload::RespScanWifiStart(RespScanWifiStart {}),
            Payload::CmdScanWifiStatus(_) => {
                let scan_finished = busy == 0;
                busy = busy.saturating_sub(1);
                Payload::RespScanWifiStatus(RespScanWifiStatus {
                    scan_finished,
                    // Grows while it listens, and must not be taken for the end.
                    result_count: if scan_finished { count } else { 1 },
                })
            }
            Payload::CmdScanWifiResult(page) => {
                assert!(
                    page.start_index + page.count <= count,
                    "{page:?} of {count}"
                );
                let entries = (page.start_index..page.start_index + page.count).map(network);
                Payload::RespScanWifiResult(RespScanWifiResult {
                    entries: entries.collect(),
                })
            }
            other => panic!("{other:?}"),
        };
        let reply = NetworkScanPayload {
            msg: request.msg + 1,
            status: 0,
            payload: Some(payload),
        };
        Some(Ok(reply.encode_to_vec()))
    })
}

fn network(index: u32) -> WiFiScanResult {
    WiFiScanResult {
        ssid: format!("{index}").into_bytes(),
        ..WiFiScanResult::default()
    }
}

#[tokio::test(start_paused = true)]
async fn pages_end_with_the_list() {
    for (count, expected) in [
        (0, &[][..]),
        (1, &[(0, 1)]),
        (16, &[(0, 16)]),
        (17, &[(0, 16), (16, 1)]),
        (40, &[(0, 16), (16, 16), (32, 8)]),
    ] {
        let device = listing(count, 3);
        let mut provisioner = device.protocomm(scanning(), &Timing::default()).await;
        let found = scan_networks(&Recorder::default().run(), &mut provisioner)
            .await
            .unwrap();
        assert_eq!(u32::try_from(found.len()).unwrap(), count);
        assert_eq!(pages(&device), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn endless_scan_times_out() {
    let device = listing(1, u32::MAX);
    let timing = Timing {
        wifi_scan: Duration::from_millis(50),
        wifi_scan_poll: Duration::from_millis(7),
        ..Timing::default()
    };
    let mut provisioner = device.protocomm(scanning(), &timing).await;
    let began = Instant::now();
    let error = scan_networks(&Recorder::default().run(), &mut provisioner)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FlowError::Protocol { source: ProvisionError { cause: Cause::ScanUnfinished { waited }, .. }, .. } if waited == timing.wifi_scan),
        "{error:?}"
    );
    assert!(began.elapsed() <= timing.wifi_scan);
    assert!(pages(&device).is_empty());
}

fn wanted(ssid: Option<&str>, passphrase: Option<&str>) -> NetworkRequest {
    let checked = |text: &str| Passphrase::new(Secret::new(text.to_owned())).unwrap();
    NetworkRequest {
        ssid: ssid.map(|ssid| ssid.parse().unwrap()),
        passphrase: passphrase.map(checked),
        ..NetworkRequest::default()
    }
}

async fn settled(
    device: &MemoryDevice,
    wanted: &NetworkRequest,
    recorder: &Recorder,
) -> Result<(String, String), FlowError> {
    let mut provisioner = device.protocomm(scanning(), &Timing::default()).await;
    let settled = select_network(&recorder.run(), &mut provisioner, wanted).await?;
    let NetworkCredentials::Wifi(WifiCredentials { ssid, passphrase }) = settled.network else {
        panic!("{settled:?}");
    };
    let passphrase = String::from_utf8(passphrase.expose().to_vec()).unwrap();
    Ok((ssid.to_string(), passphrase))
}

fn pair(ssid: &str, passphrase: &str) -> (String, String) {
    (ssid.to_owned(), passphrase.to_owned())
}

#[tokio::test(start_paused = true)]
async fn complete_credentials_need_no_scan() {
    for passphrase in ["", "12345678"] {
        let device = neighbourhood();
        // Not even for an enterprise network: an access point of that name may be another.
        let wanted = wanted(Some("Office"), Some(passphrase));
        let recorder = Recorder::default();
        let network = settled(&device, &wanted, &recorder).await.unwrap();
        assert_eq!(network, pair("Office", passphrase));
        assert!(device.requests("prov-scan").is_empty());
        assert!(recorder.events().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn name_alone_is_looked_up_for_open_network() {
    let owe = World::from_json(r#"[{"ssid": "Guest", "auth": "owe"}]"#).unwrap();
    for world in [World::neighborhood(), owe] {
        let recorder = Recorder::default();
        let wanted = wanted(Some("Guest"), None);
        let network = settled(&device_in(world), &wanted, &recorder)
            .await
            .unwrap();
        assert_eq!(network, pair("Guest", ""));
        assert!(recorder.asked().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn asks_for_passphrase_if_one_may_be_needed() {
    for ssid in ["Home", "Home-WPA3", "Not in the air"] {
        let wanted = wanted(Some(ssid), None);
        let name: Ssid = ssid.parse().unwrap();
        let question = Question::Passphrase(name);

        let recorder = Recorder::with_answers(["typed in"]);
        let network = settled(&neighbourhood(), &wanted, &recorder).await;
        assert_eq!(network.unwrap(), pair(ssid, "typed in"));
        assert_eq!(recorder.asked(), std::slice::from_ref(&question));

        let non_interactive = &Recorder::default();
        let error = settled(&neighbourhood(), &wanted, non_interactive)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, FlowError::MissingInput(missing) if *missing == question),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn enterprise_network_is_rejected_before_asking_for_passphrase() {
    let recorder = Recorder::with_answers(["typed in"]).with_choices([Chosen::Item(3)]);
    for ssid in [Some("Office"), None] {
        let wanted = wanted(ssid, None);
        let error = settled(&neighbourhood(), &wanted, &recorder)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, FlowError::EnterpriseNetwork { ssid, auth }
                if ssid.as_bytes() == b"Office" && auth.0 == 5),
            "{error:?}"
        );
        assert!(recorder.asked().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn without_name_network_is_chosen_from_scan() {
    let nothing = wanted(None, None);
    let recorder =
        Recorder::with_answers(["typed in"]).with_choices([Chosen::Rescan, Chosen::Item(0)]);
    let network = settled(&neighbourhood(), &nothing, &recorder).await;
    assert_eq!(network.unwrap(), pair("Home", "typed in"));
    assert_eq!(recorder.shown().len(), 2, "looked again when asked to");
    assert_eq!(names(&recorder.shown()[0])[0], "Home");

    let manual = Chosen::Manual("Elsewhere".parse().unwrap());
    let recorder = Recorder::default().with_choices([manual]);
    let given = wanted(None, Some("12345678"));
    let network = settled(&neighbourhood(), &given, &recorder).await;
    assert_eq!(network.unwrap(), pair("Elsewhere", "12345678"));

    // The run is non-interactive; a hidden network, which has no name to send; one that is not in the list.
    for choice in [Chosen::Nothing, Chosen::Item(5), Chosen::Item(99)] {
        let recorder = Recorder::default().with_choices([choice]);
        let error = settled(&neighbourhood(), &nothing, &recorder)
            .await
            .unwrap_err();
        assert!(
            matches!(error, FlowError::MissingInput(Question::Ssid)),
            "{error:?}"
        );
    }
}

/// Old firmware, and firmware for Thread, has no endpoint for it.
#[tokio::test(start_paused = true)]
async fn device_that_cannot_scan_gets_no_scan_request() {
    let device = neighbourhood();
    let mut provisioner = device
        .protocomm(Version::default(), &Timing::default())
        .await;
    let non_interactive = Recorder::default();
    let nothing = wanted(None, None);
    let error = select_network(&non_interactive.run(), &mut provisioner, &nothing)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FlowError::MissingInput(Question::Ssid)),
        "{error:?}"
    );
    let recorder = Recorder::with_answers(["typed in"]);
    let name = wanted(Some("Guest"), None);
    select_network(&recorder.run(), &mut provisioner, &name)
        .await
        .unwrap();
    assert_eq!(recorder.asked().len(), 1);
    // The user types the name of the network.
    let recorder = Recorder::with_answers(["Guest", "typed in"]);
    let settled = select_network(&recorder.run(), &mut provisioner, &nothing)
        .await
        .unwrap();
    let NetworkCredentials::Wifi(WifiCredentials { ssid, passphrase }) = settled.network else {
        panic!("{settled:?}");
    };
    assert_eq!(
        (ssid, passphrase.expose()),
        ("Guest".parse().unwrap(), &b"typed in"[..])
    );
    assert_eq!(recorder.asked()[0], Question::Ssid);
    assert!(device.requests("prov-scan").is_empty());
}

/// Of firmware that scans.
fn scanning() -> Version {
    Version::from_bytes(br#"{"prov":{"sec_ver":0,"cap":["wifi_scan"]}}"#).unwrap()
}
