//! A protocol that only these tests have: no session, events instead of polls, a page at the end, and
//! no reset. The same flow provisions its device.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use espctl::endpoint::wifi_scan::AccessPoint;
use espctl::flows::join::Joining;
use espctl::flows::network::NetworkSelection;
use espctl::flows::{CredentialState, Event};
use espctl::proto::EndpointName;
use espctl::provisioner::{
    Abilities, Cause, JoinFailure, JoinReports, JoinState, JoinedNetwork, JoinedThread, JoinedWifi,
    NetworkCredentials, Opened, Protocol, ProvisionError, Provisioner, ReconnectError, RequestFate,
    ResetAbility, ThreadCredentials,
};
use espctl::secret::Secret;
use espctl::session::Handshakes;
use espctl::transport::{Candidate, Limits, Link, Transport, TransportError};
use serde_json::Value;

use super::toy::{PORCH, espctl};
use crate::support::recorder::Recorder;

/// The device: letters go in, and it reports what happens.
#[derive(Debug, Default)]
pub(super) struct LetterBox {
    letter: String,
    events: VecDeque<String>,
}

#[async_trait]
impl Transport for LetterBox {
    async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError> {
        let answer = match endpoint.as_str() {
            "letter" if request.starts_with(b"Forbidden") => "no: out of paper".to_owned(),
            "letter" => {
                self.letter = String::from_utf8(request.to_vec()).unwrap();
                "yes".to_owned()
            }
            "open" => {
                let is_right = !self.letter.ends_with("wrong passphrase");
                let outcome = if is_right { "joined" } else { "failed" };
                self.events = ["joining", outcome].map(str::to_owned).into();
                "yes".to_owned()
            }
            "event" if self.events.len() > 1 => self.events.pop_front().unwrap(),
            "event" => self.events.front().cloned().unwrap(),
            other => panic!("{other}"),
        };
        Ok(answer.into_bytes())
    }
}

/// The protocol.
#[derive(Debug)]
pub(super) struct Mail;

#[async_trait]
impl Protocol for Mail {
    fn recognizes(&self, candidate: &Candidate) -> bool {
        candidate.address.as_str() == PORCH
    }

    async fn open(
        &self,
        link: Box<dyn Link>,
        _candidate: &Candidate,
    ) -> Result<Opened, TransportError> {
        let transport = link.into_transport().await?;
        Ok(Opened::Ready(Box::new(MailDevice::new(transport))))
    }
}

#[derive(Debug)]
struct MailDevice {
    transport: Box<dyn Transport>,
    network: Option<NetworkCredentials>,
}

impl MailDevice {
    fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            network: None,
        }
    }

    async fn send(&mut self, endpoint: &'static str, text: &str) -> String {
        let endpoint = EndpointName::from_static(endpoint);
        let answer = self.transport.exchange(&endpoint, text.as_bytes()).await;
        String::from_utf8(answer.unwrap()).unwrap()
    }

    fn joined(&self) -> JoinedNetwork {
        match self.network.as_ref().expect("a letter") {
            NetworkCredentials::Wifi(wifi) => JoinedNetwork::Wifi(JoinedWifi {
                ssid: wifi.ssid.clone(),
                ip: None,
                bssid: None,
                channel: None,
                auth: None,
            }),
            NetworkCredentials::Thread(thread) => JoinedNetwork::Thread(JoinedThread {
                network_name: thread.network_name.clone(),
                pan_id: "0x1a2b".to_owned(),
                ext_pan_id: "0102030405060708".to_owned(),
                channel: 15,
            }),
        }
    }
}

#[async_trait]
impl Provisioner for MailDevice {
    fn abilities(&self) -> Abilities {
        Abilities {
            can_scan: false,
            can_reconnect: false,
            reset: ResetAbility::NotNeeded,
            reports: JoinReports::Pushed,
        }
    }

    async fn scan_networks(&mut self) -> Result<Vec<AccessPoint>, ProvisionError> {
        Err(ProvisionError::unsupported("list networks"))
    }

    async fn set_credentials(
        &mut self,
        network: &NetworkCredentials,
    ) -> Result<(), ProvisionError> {
        let letter = match network {
            NetworkCredentials::Wifi(wifi) => {
                let passphrase = String::from_utf8_lossy(wifi.passphrase.expose());
                format!("{}\n{passphrase}", wifi.ssid)
            }
            NetworkCredentials::Thread(thread) => thread.network_name.clone(),
        };
        let answer = self.send("letter", &letter).await;
        if let Some(words) = answer.strip_prefix("no: ") {
            return Err(ProvisionError {
                fate: RequestFate::Refused {
                    is_wrong_state: false,
                },
                cause: Cause::Message {
                    protocol: "mail",
                    text: words.to_owned(),
                },
            });
        }
        self.network = Some(network.clone());
        Ok(())
    }

    async fn apply(&mut self) -> Result<(), ProvisionError> {
        self.send("open", "").await;
        Ok(())
    }

    async fn join_state(&mut self) -> Result<JoinState, ProvisionError> {
        Ok(match self.send("event", "").await.as_str() {
            "joining" => JoinState::Joining {
                attempts_remaining: None,
            },
            "joined" => JoinState::Joined {
                network: self.joined(),
                urls: vec![PAGE.to_owned()],
            },
            _ => JoinState::Failed(Some(JoinFailure::Authentication)),
        })
    }

    async fn reset(&mut self) -> Result<(), ProvisionError> {
        panic!("it is never reset")
    }

    async fn reconnect(
        &mut self,
        _handshakes: &Handshakes,
        _within: Duration,
        _limits: &Limits,
    ) -> Result<(), ReconnectError> {
        Err(ReconnectError::Unreachable)
    }

    async fn close(&mut self) {}
}

/// Gives the device on the porch this network.
fn provision(ssid: &str, passphrase: &str, exit: i32) -> (Value, Vec<String>) {
    let line = [
        "provision",
        "--no-cloud",
        "--toy-room",
        PORCH,
        "--ssid",
        ssid,
        "--passphrase",
        passphrase,
        "--format",
        "json",
    ];
    let output = espctl(&line).exits(exit);
    let names = output.json().into_iter();
    let names = names.map(|object| object["event"].as_str().unwrap().to_owned());
    (output.result(), names.collect())
}

#[test]
fn provisions_a_device_of_a_new_protocol() {
    let (result, events) = provision("Home", "correct horse", 0);
    let summary = &result["summary"];
    assert_eq!(summary["ssid"], "Home", "{result}");
    assert_eq!(summary["urls"][0], PAGE, "{result}");
    assert!(summary["security"].is_null() && summary["bssid"].is_null());
    for event in ["wifi_sent", "wifi_applied", "wifi_joining", "wifi_joined"] {
        assert!(events.iter().any(|name| name == event), "{events:?}");
    }
}

#[test]
fn failures_of_a_new_protocol_have_ids_and_messages() {
    let (result, events) = provision("Home", "wrong passphrase", 9);
    assert_eq!(result["error"]["id"], "wifi-auth-failed", "{result}");
    assert!(!events.iter().any(|name| name == "wifi_reset"));

    let (result, _) = provision("Forbidden", "correct horse", 6);
    assert_eq!(result["error"]["id"], "refused", "{result}");
    assert_eq!(result["error"]["message"], "mail: out of paper", "{result}");

    let line = ["device", "info", "--toy-room", PORCH, "--format", "json"];
    let error = espctl(&line).exits(6).result()["error"].clone();
    let message = "the device cannot open a protocomm session";
    assert_eq!(error["message"], message, "{error}");
}

#[tokio::test]
async fn joins_a_thread_network_through_the_same_flow() {
    let recorder = Recorder::default();
    let mut device = MailDevice::new(Box::new(LetterBox::default()));
    let mut joining = Joining {
        run: &recorder.run(),
        device: &mut device,
        credentials: CredentialState::Nothing,
    };
    let network = NetworkCredentials::Thread(ThreadCredentials {
        network_name: "Garden".to_owned(),
        dataset: Secret::new(vec![0; 3]),
    });
    let settled = NetworkSelection {
        network,
        seen: None,
    };
    let joined = joining.join(settled, 0).await.unwrap();
    assert_eq!(joined.urls, [PAGE]);
    let events = recorder.events();
    let thread = |event: &&Event| {
        matches!(event, Event::ThreadSent { network_name } if network_name == "Garden")
            || matches!(event, Event::ThreadJoined(thread) if thread.pan_id == "0x1a2b")
    };
    assert_eq!(events.iter().filter(thread).count(), 2, "{events:?}");
}

const PAGE: &str = "http://192.0.2.1/";
