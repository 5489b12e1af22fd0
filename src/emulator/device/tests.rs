//! The device from its client's side, in memory: handshakes, keys, lock-out, and each endpoint's
//! rules. How a refusal looks on a medium is tested there.

mod endpoints;
mod generations;
mod node;
mod on_network;

use std::time::Duration;

use getrandom::SysRng;
use prost::Message;
use rand_core::UnwrapErr;
use tokio::time::{advance, sleep};

use super::*;
use crate::emulator::log::tests::Shared;
use crate::proto::EndpointName;
use crate::proto::network_provisioning::network_config_payload::Payload as Config;
use crate::proto::network_provisioning::network_scan_payload::Payload as Scan;
use crate::proto::network_provisioning::resp_get_wifi_status::State;
use crate::proto::network_provisioning::{
    CmdApplyWifiConfig, CmdCtrlWifiReset, CmdGetWifiStatus, CmdScanWifiResult, CmdScanWifiStart,
    CmdScanWifiStatus, CmdSetThreadConfig, CmdSetWifiConfig, NetworkConfigPayload,
    NetworkCtrlPayload, NetworkScanPayload, network_ctrl_payload,
};
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{
    S2SessionCmd0, Sec1Payload, Sec2Payload, SessionData, Status, sec2_payload,
};
use crate::secret::Secret;
use crate::security::{
    self, Cipher, Credentials, DeviceSecret, NonceRule, SecurityScheme, Step, VerifierForm,
};

pub(crate) fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

pub(crate) fn sec1(pop: &str) -> DeviceSecret {
    DeviceSecret::Sec1 {
        pop: Some(Secret::new(pop.to_owned())),
    }
}

fn sec2(nonce: NonceRule) -> DeviceSecret {
    DeviceSecret::sec2(
        "wifiprov",
        &Secret::new("abcd1234".to_owned()),
        nonce,
        &mut rng(),
    )
}

fn pop(text: &str) -> Credentials {
    Credentials::Pop(Secret::new(text.to_owned()))
}

fn user(password: &str) -> Credentials {
    Credentials::UserPassword {
        username: "wifiprov".to_owned(),
        password: Secret::new(password.to_owned()),
        verifier: VerifierForm::Standard,
    }
}

/// A client of one device, on a transport session of its own.
struct Client {
    device: Device,
    log: Shared,
    scheme: SecurityScheme,
    session: u32,
    cipher: Option<Box<dyn Cipher>>,
    /// Where it shakes hands.
    handshakes: EndpointName,
}

impl Client {
    fn of(settings: DeviceSettings) -> Self {
        let log = Shared::default();
        let scheme = settings.secret.scheme();
        let handshakes = settings.offering.service().session_endpoint();
        let device =
            Device::new(settings, rng()).with_log(Log::default().with_sink(Box::new(log.clone())));
        Self {
            device,
            log,
            scheme,
            session: 1,
            cipher: None,
            handshakes,
        }
    }

    fn secured(secret: DeviceSecret, credentials: &Credentials) -> Self {
        let mut client = Self::of(DeviceSettings::new(secret));
        client.secure(credentials).unwrap();
        client
    }

    fn secure(&mut self, credentials: &Credentials) -> Result<(), Refusal> {
        let mut step = security::start(self.scheme, credentials, &mut rng()).unwrap();
        loop {
            match step {
                Step::Send { request, next } => {
                    let endpoint = self.handshakes.clone();
                    let reply = self.raw(endpoint.as_str(), &request)?;
                    step = next.receive(&reply.bytes).unwrap();
                }
                Step::Established(cipher) => {
                    self.cipher = Some(cipher);
                    return Ok(());
                }
            }
        }
    }

    fn raw(&mut self, endpoint: &str, request: &[u8]) -> Result<Reply, Refusal> {
        self.device.handle(self.session, endpoint, request)
    }

    fn call(&mut self, endpoint: &str, request: &[u8]) -> Result<(Vec<u8>, Duration), Refusal> {
        let sealed = self.cipher.as_mut().unwrap().seal(request).unwrap();
        let reply = self.raw(endpoint, &sealed)?;
        let opened = self.cipher.as_mut().unwrap().open(&reply.bytes).unwrap();
        Ok((opened.to_vec(), reply.after))
    }

    /// The message number of a command is the number of its reply less one.
    fn config(&mut self, msg: i32, payload: Option<Config>) -> Result<Config, Refusal> {
        let request = NetworkConfigPayload { msg, payload }.encode_to_vec();
        let (reply, after) = self.call("prov-config", &request)?;
        assert_eq!(after, Duration::ZERO);
        let reply = NetworkConfigPayload::decode(&*reply).unwrap();
        assert_eq!(reply.msg, msg + 1);
        Ok(reply.payload.unwrap())
    }

    fn scan(
        &mut self,
        msg: i32,
        payload: Option<Scan>,
    ) -> Result<(Status, Scan, Duration), Refusal> {
        let request = NetworkScanPayload {
            msg,
            status: 0,
            payload,
        }
        .encode_to_vec();
        let (reply, after) = self.call("prov-scan", &request)?;
        let reply = NetworkScanPayload::decode(&*reply).unwrap();
        assert_eq!(reply.msg, msg + 1);
        Ok((reply.status(), reply.payload.unwrap(), after))
    }

    fn set(&mut self, ssid: &[u8], passphrase: &[u8], bssid: &[u8]) -> i32 {
        let command = CmdSetWifiConfig {
            ssid: ssid.to_vec(),
            passphrase: passphrase.to_vec(),
            bssid: bssid.to_vec(),
            channel: -1,
        };
        match self.config(2, Some(Config::CmdSetWifiConfig(command))) {
            Ok(Config::RespSetWifiConfig(reply)) => reply.status,
            other => panic!("{other:?}"),
        }
    }

    fn apply(&mut self) -> i32 {
        match self.config(4, Some(Config::CmdApplyWifiConfig(CmdApplyWifiConfig {}))) {
            Ok(Config::RespApplyWifiConfig(reply)) => reply.status,
            other => panic!("{other:?}"),
        }
    }

    /// Station state and detail.
    fn status(&mut self) -> (i32, Option<State>) {
        match self.config(0, Some(Config::CmdGetWifiStatus(CmdGetWifiStatus {}))) {
            Ok(Config::RespGetWifiStatus(reply)) => (reply.wifi_sta_state, reply.state),
            other => panic!("{other:?}"),
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that a call can be written inside"
)]
fn failed<T: std::fmt::Debug>(outcome: Result<T, Refusal>) {
    assert!(
        matches!(outcome, Err(Refusal::Failed { .. } | Refusal::Security(_))),
        "{outcome:?}"
    );
}

#[test]
fn every_scheme_opens_endpoints() {
    for (secret, credentials) in [
        (DeviceSecret::Sec0, Credentials::None),
        (DeviceSecret::Sec1 { pop: None }, Credentials::None),
        (sec1("abcd1234"), pop("abcd1234")),
        (sec2(NonceRule::Fixed), user("abcd1234")),
        (sec2(NonceRule::Counter), user("abcd1234")),
    ] {
        let mut client = Client::secured(secret, &credentials);
        for _ in 0..3 {
            assert_eq!(client.status(), (1, None));
        }
    }
}

#[test]
fn without_a_handshake_only_security_0_answers() {
    let status = NetworkConfigPayload {
        msg: 0,
        payload: Some(Config::CmdGetWifiStatus(CmdGetWifiStatus {})),
    }
    .encode_to_vec();
    let mut bare = Client::of(DeviceSettings::new(DeviceSecret::Sec0));
    assert!(bare.raw("prov-config", &status).is_ok());
    let mut secured = Client::of(DeviceSettings::new(sec1("a")));
    failed(secured.raw("prov-config", &status));
    assert!(secured.raw("proto-ver", b"---").is_ok());
    assert_eq!(
        secured.raw("cloud_user_assoc", b"x"),
        Err(Refusal::NoSuchEndpoint)
    );
}

#[test]
fn new_transport_session_has_no_keys() {
    let mut client = Client::secured(sec1("a"), &pop("a"));
    client.session = 2;
    failed(client.call("prov-config", &[0x52, 0]));
    client.secure(&pop("a")).unwrap();
    client.status();
    client.device.close_session(1);
    client.status();
    client.device.close_session(2);
    failed(client.call("prov-config", &[0x52, 0]));
}

#[test]
fn handshake_can_restart_at_any_time() {
    let mut client = Client::secured(sec1("a"), &pop("a"));
    failed(client.secure(&pop("b")));
    client.secure(&pop("a")).unwrap();
    let first = security::start(SecurityScheme::Sec1, &pop("a"), &mut rng()).unwrap();
    let Step::Send { request, .. } = first else {
        panic!("no request");
    };
    client.raw("prov-session", &request).unwrap();
    // Half a handshake has already ended the session before it.
    failed(client.call("prov-config", &[0x52, 0]));
    client.secure(&pop("a")).unwrap();
    client.status();
}

#[test]
fn five_wrong_secrets_lock_the_device() {
    for (secret, wrong) in [
        (sec1("a"), pop("b")),
        (sec2(NonceRule::Counter), user("wrong")),
    ] {
        let mut client = Client::of(DeviceSettings::new(secret));
        for strike in 1..=5 {
            assert_eq!(client.device.stops_at(), None, "before strike {strike}");
            failed(client.secure(&wrong));
        }
        assert_eq!(
            client.device.stopped(Instant::now()),
            Some(StopReason::Locked)
        );
        failed(client.raw("proto-ver", b"---"));
        assert_eq!(client.log.events().last().unwrap(), "refused");
        let events = client.log.events();
        assert_eq!(events.iter().filter(|event| *event == "strike").count(), 5);
        assert_eq!(events.iter().filter(|event| *event == "locked").count(), 1);
    }
}

#[test]
fn success_keeps_strikes_which_can_be_disabled() {
    let mut client = Client::of(DeviceSettings::new(sec1("a")));
    for _ in 0..4 {
        failed(client.secure(&pop("b")));
    }
    client.secure(&pop("a")).unwrap();
    failed(client.secure(&pop("b")));
    assert!(client.device.stops_at().is_some());

    let mut settings = DeviceSettings::new(sec1("a"));
    settings.max_strikes = 0;
    let mut client = Client::of(settings);
    for _ in 0..20 {
        failed(client.secure(&pop("b")));
    }
    client.secure(&pop("a")).unwrap();
}

/// The first message of a Security 2 handshake with this user name and an A of that length.
fn sc0(username: &[u8], length: usize) -> Vec<u8> {
    let command = S2SessionCmd0 {
        client_username: username.to_vec(),
        client_pubkey: vec![1; length],
    };
    SessionData {
        sec_ver: 2,
        proto: Some(Proto::Sec2(Sec2Payload {
            msg: 0,
            payload: Some(sec2_payload::Payload::Sc0(command)),
        })),
    }
    .encode_to_vec()
}

#[test]
fn invalid_parameters_are_strikes_unlike_other_scheme() {
    let mut client = Client::of(DeviceSettings::new(sec2(NonceRule::Counter)));
    let strikes = |client: &Client| client.device.keys.strikes;
    failed(client.raw("prov-session", &sc0(b"wifiprov", 383)));
    assert_eq!(strikes(&client), 1);
    let short = client
        .log
        .lines()
        .into_iter()
        .find(|line| line["event"] == "short_a")
        .unwrap();
    assert_eq!(short["bytes"], 383);
    failed(client.raw("prov-session", &sc0(b"", 384)));
    assert_eq!(strikes(&client), 2);

    let other = security::start(SecurityScheme::Sec1, &Credentials::None, &mut rng()).unwrap();
    let Step::Send { request, .. } = other else {
        panic!("no request");
    };
    failed(client.raw("prov-session", &request));
    failed(client.raw("prov-session", &[0xff; 40]));
    // Right number, another scheme's body.
    let odd = SessionData {
        sec_ver: 2,
        proto: Some(Proto::Sec1(Sec1Payload::default())),
    };
    failed(client.raw("prov-session", &odd.encode_to_vec()));
    assert_eq!(strikes(&client), 2);
    client.secure(&user("abcd1234")).unwrap();
}

#[test]
fn log_has_all_events_and_secrets() {
    let mut client = Client::secured(sec2(NonceRule::Counter), &user("abcd1234"));
    client.set("Café 家 ’".as_bytes(), "naïve café".as_bytes(), &[]);
    assert_eq!(
        client.log.events(),
        [
            "session_opened",
            "request",
            "handshake_started",
            "answered",
            "request",
            "secured",
            "answered",
            "request",
            "wifi_set",
            "answered"
        ]
    );
    let lines = client.log.lines();
    assert_eq!(lines[5]["username"], "wifiprov");
    assert_eq!(lines[5]["scheme"], 2);
    assert_eq!(lines[8]["ssid"], "Café 家 ’");
    assert_eq!(lines[8]["ssid_hex"], "436166c3a920e5aeb620e28099");
    assert_eq!(lines[8]["passphrase"], "naïve café");
    assert_eq!(lines[7]["endpoint"], "prov-config");
    assert_eq!(lines[7]["session"], 1);

    let client = Client::secured(sec1(""), &pop(""));
    let secured = client
        .log
        .lines()
        .into_iter()
        .find(|line| line["event"] == "secured")
        .unwrap();
    assert_eq!(secured["pop"], false);
}
