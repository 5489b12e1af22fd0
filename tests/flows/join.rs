//! Sending credentials and waiting until the device has joined: only an outcome that the device
//! reports counts. The intervals are the shipped ones, on a clock that does not wait.

use std::time::Duration;

use espctl::emulator::device::{DeviceSettings, World};
use espctl::endpoint::ReplyError;
use espctl::endpoint::version::Version;
use espctl::flows::Access;
use espctl::flows::connect::{find_and_open, start_session};
use espctl::flows::join::Joining;
use espctl::flows::network::NetworkSelection;
use espctl::flows::{
    CredentialState, Event, FlowError, FlowStep, JoinProblem, Run, Stage, StageState, Timing,
};
use espctl::ident::Passphrase;
use espctl::proto::EndpointName;
use espctl::proto::network_provisioning::NetworkConfigPayload;
use espctl::provisioner::{
    Cause, JoinFailure, JoinedNetwork, JoinedWifi, NetworkCredentials, NetworkName, WifiCredentials,
};
use espctl::secret::Secret;
use espctl::security::{Answer, Credentials, DeviceSecret, SecurityScheme, accept};
use espctl::session::{Session, SessionError};
use espctl::transport::TransportError;
use prost::Message as _;
use tokio::time::Instant;

use crate::support::memory_transport::{MemoryDevice, Outcome, broken, plain_secured};
use crate::support::recorder::Recorder;
use crate::support::scripted_rng::SeededRng;
use crate::support::scripted_server::{ReceivedRequest, ScriptedServer, Turn, ok};
use crate::support::target::softap_at;

fn device() -> MemoryDevice {
    device_in(World::neighborhood())
}

fn device_in(world: World) -> MemoryDevice {
    let mut settings = DeviceSettings::new(DeviceSecret::Sec0);
    settings.world = world;
    MemoryDevice::new(settings)
}

fn network(ssid: &str, passphrase: &str) -> WifiCredentials {
    WifiCredentials {
        ssid: ssid.parse().unwrap(),
        passphrase: Passphrase::new(Secret::new(passphrase.to_owned())).unwrap(),
    }
}

fn home() -> WifiCredentials {
    network("Home", "correct horse battery")
}

async fn joining(
    session: &mut Session,
    network: &WifiCredentials,
) -> (Result<JoinedWifi, FlowError>, Recorder) {
    let recorder = Recorder::default();
    let outcome = join(&recorder.run(), session, network).await;
    (outcome, recorder)
}

/// Over a session that cannot reconnect.
async fn join(
    run: &Run,
    session: &mut Session,
    network: &WifiCredentials,
) -> Result<JoinedWifi, FlowError> {
    try_joining(run, session, network, 0).await
}

async fn try_joining(
    run: &Run,
    session: &mut Session,
    network: &WifiCredentials,
    retries: u32,
) -> Result<JoinedWifi, FlowError> {
    let taken = std::mem::replace(
        session,
        MemoryDevice::new(DeviceSettings::new(DeviceSecret::Sec0))
            .plain_session()
            .await,
    );
    let secured = plain_secured(taken, Version::default());
    let mut device = run.timing.protocomm(secured);
    let settled = NetworkSelection {
        network: NetworkCredentials::Wifi(network.clone()),
        seen: None,
    };
    let mut joining = Joining {
        run,
        device: &mut device,
        credentials: CredentialState::Nothing,
    };
    let outcome = joining.join(settled, retries).await;
    *session = device.secured.session;
    outcome.map(|joined| match joined.network {
        JoinedNetwork::Wifi(wifi) => wifi,
        JoinedNetwork::Thread(thread) => panic!("{thread:?}"),
    })
}

/// How the two stages ended.
fn ends(recorder: &Recorder) -> Vec<(Stage, StageState)> {
    recorder
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Stage { stage, state, .. } if *state != StageState::Started => {
                Some((*stage, *state))
            }
            _ => None,
        })
        .collect()
}

/// The remaining attempts of each reported event.
fn countdown(recorder: &Recorder) -> Vec<Option<u32>> {
    recorder
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::WifiJoining { attempts_remaining } => Some(*attempts_remaining),
            _ => None,
        })
        .collect()
}

/// The message types that reached `prov-config`.
fn config_messages(device: &MemoryDevice) -> Vec<i32> {
    let requests = device.requests("prov-config");
    let decoded = requests.iter().map(|request| {
        let message = NetworkConfigPayload::decode(&request[..]).unwrap();
        assert!(message.payload.is_some(), "old firmware crashes without");
        message.msg
    });
    decoded.collect()
}

const SET: i32 = 2;
const APPLY: i32 = 4;
const STATUS: i32 = 0;

#[tokio::test(start_paused = true)]
async fn sends_credentials_once_and_joins() {
    let pop = Secret::new("abcd1234".to_owned());
    let secret = DeviceSecret::Sec1 {
        pop: Some(pop.clone()),
    };
    for (settings, scheme, credentials) in [
        (DeviceSecret::Sec0, SecurityScheme::Sec0, Credentials::None),
        (secret, SecurityScheme::Sec1, Credentials::Pop(pop)),
    ] {
        let device = MemoryDevice::new(DeviceSettings::new(settings));
        let mut session = device.session(scheme, &credentials).await;
        let began = Instant::now();
        let (outcome, recorder) = joining(&mut session, &home()).await;
        let joined = outcome.unwrap();
        assert_eq!(joined.ssid, home().ssid);
        assert_eq!(joined.ip.unwrap(), "192.168.1.23");
        assert_eq!(
            ends(&recorder),
            [
                (Stage::SendWifi, StageState::Done),
                (Stage::ConfirmWifi, StageState::Done)
            ]
        );
        assert_eq!(countdown(&recorder), [None], "told once");
        assert!(matches!(
            recorder.events()[recorder.events().len() - 2],
            Event::WifiJoined(_)
        ));
        // The device takes 2200 ms; what follows is the pause between two questions at most.
        assert!(began.elapsed() < Duration::from_millis(2200 + 1000));
        let set = device.log_entries("wifi_set");
        assert_eq!(set.len(), 1);
        assert_eq!(set[0]["passphrase"], "correct horse battery");
        assert_eq!(device.log_entries("wifi_applied").len(), 1);
        assert!(device.log_entries("reset").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn failed_device_counts_attempts_and_is_reset() {
    for (network, reason) in [
        (network("Home", "wrong horse"), JoinFailure::Authentication),
        (network("Nowhere", "12345678"), JoinFailure::NetworkNotFound),
    ] {
        let device = device();
        let mut session = device.plain_session().await;
        let (outcome, recorder) = joining(&mut session, &network).await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(&error, FlowError::NotJoined { network: named, problem: JoinProblem::Reported(Some(said)), is_forgotten: true, .. }
                if *named == NetworkName::Wifi(network.ssid.clone()) && *said == reason),
            "{error:?}"
        );
        assert_eq!(countdown(&recorder), [None, Some(2), Some(1)]);
        assert_eq!(
            ends(&recorder),
            [
                (Stage::SendWifi, StageState::Done),
                (Stage::ConfirmWifi, StageState::Failed)
            ]
        );
        let reset = device.log_entries("reset");
        assert_eq!(reset.len(), 1);
        assert_eq!(reset[0]["accepted"], true);

        // In the same session, the right one is taken now.
        let (outcome, _) = joining(&mut session, &home()).await;
        outcome.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn failed_reset_reports_stored_credentials() {
    let device = device().instead(|endpoint, _| {
        let missing = TransportError::NoSuchEndpoint {
            endpoint: EndpointName::PROV_CTRL,
        };
        (endpoint == "prov-ctrl").then_some(Err(missing))
    });
    let mut session = device.plain_session().await;
    let (outcome, _) = joining(&mut session, &network("Home", "wrong horse")).await;
    let error = outcome.unwrap_err();
    assert!(
        matches!(
            error,
            FlowError::NotJoined {
                problem: JoinProblem::Reported(_),
                is_forgotten: false,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn endless_joining_times_out() {
    for limit in [Duration::from_millis(300), Duration::from_secs(90)] {
        let mut world = World::neighborhood();
        world.join = Duration::from_hours(1);
        let device = device_in(world);
        let mut session = device.plain_session().await;
        let timing = Timing {
            join: limit,
            ..Timing::default()
        };
        let recorder = Recorder::default();
        let began = Instant::now();
        let outcome = join(&recorder.run_at(timing.clone()), &mut session, &home()).await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, FlowError::NotJoined { problem: JoinProblem::TimedOut(waited), .. } if waited == limit),
            "{error:?}"
        );
        assert_eq!(began.elapsed(), limit, "neither early nor late");
        assert_eq!(countdown(&recorder), [None]);
        assert!(config_messages(&device).len() > 2, "asked at least once");
    }
}

/// A device in its last attempt must not be asked every few milliseconds, nor forgotten.
#[tokio::test(start_paused = true)]
async fn polls_at_configured_intervals() {
    let mut world = World::neighborhood();
    world.join = Duration::from_hours(1);
    let device = device_in(world);
    let mut session = device.plain_session().await;
    let timing = Timing {
        first_status: Duration::from_millis(10),
        status: Duration::from_millis(2),
        slowest_status: Duration::from_millis(8),
        join: Duration::from_millis(100),
        ..Timing::default()
    };
    let recorder = Recorder::default();
    let outcome = join(&recorder.run_at(timing.clone()), &mut session, &home()).await;
    outcome.unwrap_err();
    let asked = config_messages(&device)
        .into_iter()
        .filter(|msg| *msg == STATUS)
        .count();
    // 90 ms at 8 ms, and a few more while the interval grows.
    assert!((12..=20).contains(&asked), "{asked}");
}

/// A device whose answer to one message of `prov-config` does not arrive, or as another.
fn answering(which: i32, answer: impl Fn() -> Outcome + Send + 'static) -> MemoryDevice {
    device().altering(move |endpoint, bytes| {
        let due = endpoint == "prov-config"
            && NetworkConfigPayload::decode(&bytes[..]).unwrap().msg == which + 1;
        if due { answer() } else { Ok(bytes) }
    })
}

async fn failing(device: &MemoryDevice) -> FlowError {
    let mut session = device.plain_session().await;
    let (outcome, _) = joining(&mut session, &home()).await;
    outcome.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn lost_answer_to_apply_is_unconfirmed() {
    let device = answering(SET, || Err(broken("prov-config")));
    let error = failing(&device).await;
    assert!(
        matches!(
            error,
            FlowError::Session {
                step: FlowStep::SendingWifi,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(config_messages(&device), [SET]);

    for (which, messages) in [(APPLY, &[SET, APPLY][..]), (STATUS, &[SET, APPLY, STATUS])] {
        let device = answering(which, || Err(broken("prov-config")));
        let error = failing(&device).await;
        assert!(
            matches!(
                error,
                FlowError::Unconfirmed {
                    source: Cause::Session(SessionError::Transport(_)),
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(config_messages(&device), messages, "asked once");
        assert_eq!(device.log_entries("wifi_applied").len(), 1);
    }
}

/// An answer that cannot be read is as good as none: the device may have begun.
#[tokio::test(start_paused = true)]
async fn unreadable_answer_to_apply_is_unconfirmed() {
    for nonsense in [&b"\xff\xff"[..], b"", b"\x08\x05", b"\x08\x03\x6a\x00"] {
        let error = failing(&answering(APPLY, || Ok(nonsense.to_vec()))).await;
        assert!(
            matches!(
                error,
                FlowError::Unconfirmed {
                    source: Cause::Session(SessionError::Reply(_)),
                    ..
                }
            ),
            "{nonsense:?}: {error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn rejected_apply_is_certain() {
    // Still joining, so the firmware takes no other network.
    let mut world = World::neighborhood();
    world.join = Duration::from_hours(1);
    let device = device_in(world);
    let mut session = device.plain_session().await;
    joining(&mut session, &home()).await.0.unwrap_err();
    let (outcome, recorder) = joining(&mut session, &home()).await;
    let error = outcome.unwrap_err();
    let FlowError::Session {
        step: FlowStep::ApplyingWifi,
        source: SessionError::Reply(ReplyError::Refused { status }),
    } = &error
    else {
        panic!("{error:?}");
    };
    assert!(status.is_wrong_state());
    assert_eq!(ends(&recorder), [(Stage::SendWifi, StageState::Failed)]);
}

/// On the wire "connected" is zero, and so is what was left out: only the details prove it.
#[tokio::test(start_paused = true)]
async fn connected_without_details_is_not_success() {
    for hollow in [
        &[0x08, 0x01, 0x5a, 0x00][..],
        &[0x08, 0x01],
        &[],
        // Connected, with a reason to have failed.
        &[0x08, 0x01, 0x5a, 0x02, 0x50, 0x00],
    ] {
        let device = answering(STATUS, || Ok(hollow.to_vec()));
        let mut session = device.plain_session().await;
        let (outcome, recorder) = joining(&mut session, &home()).await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(
                error,
                FlowError::Unconfirmed {
                    source: Cause::Session(SessionError::Reply(ReplyError::Unexpected { .. })),
                    ..
                }
            ),
            "{hollow:?}: {error:?}"
        );
        let joined = |event: &Event| matches!(event, Event::WifiJoined(_));
        assert!(!recorder.events().iter().any(joined));
    }
}

/// A device in the clear that takes any network and reports that it failed to join.
fn answer(request: &ReceivedRequest) -> Vec<u8> {
    let answer = match request.head.split(' ').nth(1) {
        Some("/proto-ver") => b"V0.1".to_vec(),
        Some("/prov-session") => {
            let responder = accept(&DeviceSecret::Sec0, &mut SeededRng::new("a device"));
            match responder.answer(&request.body).unwrap() {
                Answer::Established { response, .. } => response,
                Answer::Reply { .. } => panic!("Security 0 is one exchange"),
            }
        }
        _ => match NetworkConfigPayload::decode(&request.body[..]).unwrap().msg {
            SET => b"\x08\x03\x6a\x00".to_vec(),
            APPLY => b"\x08\x05\x7a\x00".to_vec(),
            _ => b"\x08\x01\x5a\x04\x10\x03\x50\x00".to_vec(),
        },
    };
    ok(answer)
}

#[tokio::test]
async fn reconnects_at_most_three_times() {
    let answers = |number| vec![Turn::Reply(answer); number];
    let lost_after = |number| [answers(number), vec![Turn::close()]].concat();
    // Version, handshake, network, apply; then version and handshake for each reconnection.
    let mut script = vec![lost_after(4)];
    script.extend(vec![lost_after(2); 3]);
    // One reconnection more would get an answer.
    script.push(answers(3));
    let server = ScriptedServer::start(script).await;
    let target = softap_at(server.address);
    let timing = Timing {
        first_status: Duration::ZERO,
        reconnect_interval: Duration::from_millis(1),
        ..Timing::default()
    };
    let access = Access {
        scheme: Some(SecurityScheme::Sec0),
        ..Access::default()
    };
    let recorder = Recorder::default();
    let run = recorder.run_at(timing);
    let opened = find_and_open(&run, &target).await.unwrap();
    let secured = start_session(&run, opened, &access).await.unwrap();
    let mut device = run.timing.protocomm(secured);
    let mut joining = Joining {
        run: &run,
        device: &mut device,
        credentials: CredentialState::Nothing,
    };
    let settled = NetworkSelection {
        network: NetworkCredentials::Wifi(home()),
        seen: None,
    };
    let error = joining.join(settled, 0).await.unwrap_err();
    assert!(matches!(error, FlowError::Unconfirmed { .. }), "{error:?}");
    let count =
        |wanted: fn(&Event) -> bool| recorder.events().iter().filter(|one| wanted(one)).count();
    assert_eq!(count(|event| matches!(event, Event::ContactLost)), 1);
    assert_eq!(count(|event| matches!(event, Event::ContactRegained)), 3);
    assert_eq!(server.connections(), 4);
}
