//! A device on its network, over real sockets: found by mDNS on the loopback interface, and gone
//! from there when a client disables it. The browser is the client of the mDNS library.

use std::net::Ipv6Addr;

use mdns_sd::{IfKind, Receiver, ResolvedService, ServiceDaemon, ServiceEvent};
use serde_json::json;

use super::*;
use crate::emulator::announce::Announcer;
use crate::emulator::device::{
    Advertisement, Association, KeyKind, NodeKey, NodeSettings, Offering,
};

const CHALLENGE_RESPONSE: &str = "_esp_rmaker_chal_resp._tcp.local.";
const LOCAL_CONTROL: &str = "_esp_local_ctrl._tcp.local.";
const DISABLE: &[u8] = &[8, 4];

/// A single announced device. Its mDNS port has the same number.
struct Announced {
    served: Served,
    browser: ServiceDaemon,
    _announcer: Announcer,
}

fn on_network(offering: Offering, address: impl Into<IpAddr>) -> Announced {
    let id = "h3JXN2a9SdmYwZbTqRk5vA";
    let mut settings = DeviceSettings::new(DeviceSecret::Sec0);
    settings.offering = offering;
    settings.time_scale = TimeScale::new(0.01).unwrap();
    settings.node = Some(NodeSettings {
        id: id.to_owned(),
        key: NodeKey::generate(KeyKind::Ec).unwrap(),
        association: Association::ChallengeResponse,
        is_claimed: true,
        cloud: None,
    });
    let listener = bind(SocketAddr::from((address.into(), 0))).unwrap();
    let bound = listener.address();
    let mut services = Advertisement::list(offering, &settings.secret, id, "Lamp", bound.port());
    services[0].set("dialect", "");
    let announcer = Announcer::start(None, Some(bound.port())).unwrap();
    let listener = listener.with_announcement(announcer.prepare(bound.ip(), services).unwrap());

    let log = Shared::default();
    let device =
        Device::new(settings, rng()).with_log(Log::default().with_sink(Box::new(log.clone())));
    let browser = ServiceDaemon::new_with_port(bound.port()).unwrap();
    browser.disable_interface(IfKind::All).unwrap();
    let loopback = vec![IfKind::LoopbackV4, IfKind::LoopbackV6];
    browser.enable_interface(loopback).unwrap();
    browser.set_service_name_len_max(30).unwrap();
    Announced {
        served: Served {
            address: bound,
            log,
            task: tokio::spawn(listener.serve(device)),
        },
        browser,
        _announcer: announcer,
    }
}

impl Announced {
    fn browse(&self, service: &str) -> Receiver<ServiceEvent> {
        self.browser.browse(service).unwrap()
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        let _ended = self.browser.shutdown();
    }
}

async fn event(events: &Receiver<ServiceEvent>) -> ServiceEvent {
    timeout(HANG, events.recv_async())
        .await
        .expect("no answer by mDNS")
        .unwrap()
}

async fn resolved(events: &Receiver<ServiceEvent>) -> ResolvedService {
    loop {
        if let ServiceEvent::ServiceResolved(found) = event(events).await {
            return *found;
        }
    }
}

async fn removed(events: &Receiver<ServiceEvent>) -> String {
    loop {
        if let ServiceEvent::ServiceRemoved(_, fullname) = event(events).await {
            return fullname;
        }
    }
}

fn txt(found: &ResolvedService) -> Vec<String> {
    let pairs = found.get_properties().iter();
    pairs
        .map(|pair| {
            let value = String::from_utf8_lossy(pair.val().unwrap());
            format!("{}={value}", pair.key())
        })
        .collect()
}

fn entries(served: &Served, event: &str) -> Vec<serde_json::Value> {
    let lines = served.log.lines().into_iter();
    lines.filter(|line| line["event"] == event).collect()
}

/// The log is written when the announcer receives the event, which may be after the clients.
async fn first_entry(served: &Served, event: &str) -> serde_json::Value {
    timeout(HANG, async {
        loop {
            if let Some(first) = entries(served, event).into_iter().next() {
                return first;
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn disable_ends_announcement_of_standalone_service() {
    let mut device = on_network(Offering::Standalone, Ipv4Addr::LOCALHOST);
    let events = device.browse(CHALLENGE_RESPONSE);
    let found = resolved(&events).await;
    let port = device.served.address.port();
    assert_eq!(found.get_fullname(), format!("Lamp.{CHALLENGE_RESPONSE}"));
    assert_eq!(found.get_hostname(), "h3JXN2a9SdmYwZbTqRk5vA.local.");
    assert_eq!(found.get_port(), port);
    let addresses: Vec<_> = found.get_addresses().iter().collect();
    assert_eq!(addresses.len(), 1, "{addresses:?}");
    assert_eq!(addresses[0].to_ip_addr(), IpAddr::from(Ipv4Addr::LOCALHOST));
    assert_eq!(
        txt(&found),
        [
            "node_id=h3JXN2a9SdmYwZbTqRk5vA".to_owned(),
            format!("port={port}"),
            "sec_version=0".to_owned(),
            "dialect=".to_owned(),
        ]
    );

    // The device logs this when the announcer reports it, which may be after the service is found.
    let begun = first_entry(&device.served, "announced").await;
    let mut client = Client::to(&device.served).await;
    let (_, body) = client.ask(post("/ch_resp", "", DISABLE)).await.unwrap();
    assert_eq!(body, [8, 5]);
    assert_eq!(removed(&events).await, found.get_fullname());
    assert!(client.is_closed().await);
    let served = &device.served;
    assert_eq!(
        (&begun["instance"], &begun["port"]),
        (&json!("Lamp"), &json!(port))
    );
    assert_eq!(begun["service"], "_esp_rmaker_chal_resp._tcp");
    assert_eq!(begun["host"], "h3JXN2a9SdmYwZbTqRk5vA.local");
    assert_eq!(begun["txt"]["dialect"], "");
    assert_eq!(entries(served, "announcement_removed").len(), 1);
    // The firmware's two seconds, a hundred times as fast.
    let stopped = timeout(HANG, &mut device.served.task).await;
    assert_eq!(stopped.unwrap().unwrap(), StopReason::ChallengesDisabled);
    let why = &entries(&device.served, "service_stopped")[0]["why"];
    assert_eq!(why, "challenge-response switched off");
    let address = device.served.address;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn local_control_stays_when_challenge_response_goes() {
    let device = on_network(Offering::LocalControl, Ipv4Addr::LOCALHOST);
    let signs = device.browse(CHALLENGE_RESPONSE);
    let controls = device.browse(LOCAL_CONTROL);
    assert!(txt(&resolved(&signs).await).contains(&"pop_required=false".to_owned()));
    let found = resolved(&controls).await;
    assert_eq!(
        txt(&found),
        [
            "node_id=h3JXN2a9SdmYwZbTqRk5vA",
            "version_endpoint=/esp_local_ctrl/version",
            "session_endpoint=/esp_local_ctrl/session",
            "control_endpoint=/esp_local_ctrl/control",
        ]
    );
    let mut client = Client::to(&device.served).await;
    let (_, body) = client.ask(post("/ch_resp", "", DISABLE)).await.unwrap();
    assert_eq!(body, [8, 5]);
    removed(&signs).await;
    let (_, body) = client.ask(post("/ch_resp", "", DISABLE)).await.unwrap();
    assert_eq!(body, [8, 1, 16, 3]);
    let gone = entries(&device.served, "announcement_removed");
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert_eq!(gone[0]["service"], "_esp_rmaker_chal_resp._tcp");
}

#[tokio::test]
async fn unspecified_ipv6_address_accepts_ipv4() {
    let device = on_network(Offering::Standalone, Ipv6Addr::UNSPECIFIED);
    let port = device.served.address.port();
    for address in [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        Ipv6Addr::LOCALHOST.into(),
    ] {
        let mut client = Client(TcpStream::connect((address, port)).await.unwrap());
        let (_, body) = client
            .ask(post("/esp_local_ctrl/version", "", b"---"))
            .await
            .unwrap();
        assert!(body.starts_with(b"{\"on_network\""), "{address}");
    }
    // The other address is for the other family's multicast, which loopback need not have.
    let found = resolved(&device.browse(CHALLENGE_RESPONSE)).await;
    let local = IpAddr::from(Ipv4Addr::LOCALHOST);
    assert!(
        found
            .get_addresses()
            .iter()
            .any(|one| one.to_ip_addr() == local)
    );
}

#[tokio::test]
async fn challenge_endpoint_has_usual_faults_and_refusals() {
    let mut settings = DeviceSettings::new(DeviceSecret::Sec0);
    settings.offering = Offering::Standalone;
    settings.faults = vec![
        "esp_local_ctrl/version:1:status=500".parse().unwrap(),
        "esp_local_ctrl/session:*:close".parse().unwrap(),
    ];
    let served = serve_as(settings);
    let ask = async |target: &str| {
        let mut client = Client::to(&served).await;
        let answer = client.ask(post(target, "", b"---")).await;
        answer.map(|(head, _)| head.lines().next().unwrap().to_owned())
    };
    let version = "/esp_local_ctrl/version";
    assert_eq!(ask(version).await.unwrap(), "HTTP/1.1 500 Ordered");
    assert_eq!(ask(version).await.unwrap(), "HTTP/1.1 200 OK");
    assert_eq!(ask("/esp_local_ctrl/session").await, None);
    let missing = ask("/proto-ver").await.unwrap();
    assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
}
