//! Mapping with intervals that the binary has no flags for: signatures that no account accepts before
//! the challenge expires, and accounts that never confirm.

use std::sync::Arc;
use std::time::Duration;

use espctl::cloud::mapping::Extras;
use espctl::cloud::{Client, Limits, Settings, Tokens};
use espctl::flows::Access;
use espctl::flows::DeviceRequest;
use espctl::flows::NetworkRequest;
use espctl::flows::OwnerRequest;
use espctl::flows::ProvisionRequest;
use espctl::flows::provision::provision;
use espctl::flows::{Completed, Event, FlowError, Timing};
use espctl::ident::Passphrase;
use espctl::secret::Secret;

use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::device::Device;
use crate::support::recorder::Recorder;
use crate::support::target::softap_at;

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// For the cloud's user, by way of a URL.
fn owner(url: &str, account: &Account) -> OwnerRequest {
    let settings = Settings {
        base_url: format!("{url}/v1/").parse().unwrap(),
        ca_cert: None,
        allow_plain_http: false,
        limits: Limits {
            retries: 0,
            answer: Duration::from_secs(5),
            ..Limits::default()
        },
    };
    let tokens = Tokens {
        access: secret(&account.token("lab", "accesstoken")),
        id: Some(secret(&account.token("lab", "idtoken"))),
        refresh: None,
    };
    OwnerRequest {
        cloud: Arc::new(Client::new(&settings).unwrap().with_tokens(tokens, None)),
        extras: Extras::default(),
        disable: false,
    }
}

fn request(device: &Device, owner: OwnerRequest) -> ProvisionRequest {
    ProvisionRequest {
        device: DeviceRequest {
            target: softap_at(format!("127.0.0.1:{}", device.ready["port"])),
            access: Access {
                pop: Some(secret(device.pop())),
                ..Access::default()
            },
            timing: Timing::default(),
            label: "a device".to_owned(),
            network: None,
        },
        network: Some(NetworkRequest {
            ssid: Some("Home".parse().unwrap()),
            passphrase: Passphrase::new(secret("correct horse battery")).ok(),
            retries: 0,
        }),
        owner: Some(owner),
    }
}

async fn error_of(request: &ProvisionRequest, timing: &Timing) -> (FlowError, Recorder) {
    let recorder = Recorder::default();
    let outcome = provision(&recorder.run_at(timing.clone()), request).await;
    (outcome.unwrap_err(), recorder)
}

#[tokio::test]
async fn signature_not_submitted_in_time_is_expired_challenge() {
    let cloud = Cloud::start(&["--fault", "user/nodes/mapping/verify:*:close"]);
    let account = Account::logged_in(&cloud);
    let device = Device::start(&["--cloud", cloud.url(), "--time-scale", "0.2"]);
    let timing = Timing {
        challenge: Duration::from_secs(5),
        challenge_left: Duration::ZERO,
        account_retry: Duration::from_millis(50),
        ..Timing::default()
    };
    let request = request(&device, owner(cloud.url(), &account));
    let (error, recorder) = error_of(&request, &timing).await;
    let FlowError::PartialSuccess { completed, source } = error else {
        panic!("{error:?}");
    };
    assert!(matches!(completed, Completed::Joined(_)), "{completed:?}");
    let node_id = device.ready["node_id"].as_str().unwrap();
    match *source {
        FlowError::ChallengeExpired {
            node_id: of,
            source: Some(last),
        } => {
            assert_eq!(of, node_id);
            assert!(last.is_unreachable(), "{last:?}");
        }
        other => panic!("{other:?}"),
    }
    let count_events =
        |wanted: fn(&Event) -> bool| recorder.events().iter().filter(|one| wanted(one)).count();
    assert_eq!(
        count_events(|event| matches!(event, Event::MappingDeferred { .. })),
        1
    );
    assert_eq!(
        count_events(|event| matches!(event, Event::MappingWaits { .. })),
        1
    );
    assert_eq!(
        count_events(|event| matches!(event, Event::Mapped { .. })),
        0
    );
    assert_eq!(cloud.log_entries("challenge_issued")[0]["life_s"], 5);
    assert!(cloud.log_entries("mapped").is_empty());
    let verified = cloud.log_entries("fault").len();
    assert!(verified > 2, "it was tried {verified} times");
}

#[tokio::test]
async fn silent_account_times_out() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = Device::start(&[
        "--cloud",
        cloud.url(),
        "--cap",
        "user_assoc",
        "--scenario",
        "no-user-mapping-message",
        "--time-scale",
        "0.2",
    ]);
    let timing = Timing {
        mapping: Duration::from_millis(200),
        mapping_status: Duration::from_millis(20),
        ..Timing::default()
    };
    let request = request(&device, owner(cloud.url(), &account));
    let (error, recorder) = error_of(&request, &timing).await;
    let words = error.to_string();
    assert!(words.contains("last status: requested"), "{words}");
    let FlowError::PartialSuccess { source, .. } = error else {
        panic!("{error:?}");
    };
    assert!(matches!(*source, FlowError::MappingPending { .. }));
    // The same status is reported once.
    let events = recorder.events();
    let polled = events.iter();
    let polled = polled.filter(|event| matches!(event, Event::MappingPolled { .. }));
    assert_eq!(polled.count(), 1);
}
