//! A challenge between a scripted cloud and a scripted device: how long it can be used, and what a
//! lost answer means.

use std::time::Duration;

use prost::Message as _;

use super::*;
use crate::cloud::scripted::{ScriptedCloud, Turn};
use crate::flows::StageState;
use crate::flows::map::scripted::{calls, mapping, owner, timing};
use crate::flows::scripted_observer::ScriptedObserver;
use crate::proto::rmaker_ch_resp::r_maker_ch_resp_payload::Payload;
use crate::proto::rmaker_ch_resp::{RMakerChRespMsgType, RMakerChRespPayload, RespCrPayload};
use crate::security::DeviceSecret;
use crate::session::scripted_device::ScriptedDevice;

fn issued(name: &str, life: Duration) -> IssuedChallenge {
    IssuedChallenge {
        challenge: Challenge {
            challenge: name.to_owned(),
            request_id: name.to_owned(),
        },
        until: Instant::now() + life,
    }
}

fn signed() -> Signed {
    Signed {
        node_id: "node1".to_owned(),
        signature: vec![1, 2],
    }
}

/// A device that signs every challenge.
fn device() -> ScriptedDevice {
    ScriptedDevice::new(DeviceSecret::Sec0, |_, _| {
        let reply = RespCrPayload {
            payload: vec![1, 2],
            node_id: "node1".to_owned(),
        };
        let message = RMakerChRespPayload {
            msg: RMakerChRespMsgType::TypeRespChallengeResponse.into(),
            payload: Some(Payload::RespChallengeResponsePayload(reply)),
            ..RMakerChRespPayload::default()
        };
        Ok(message.encode_to_vec())
    })
}

const INITIATE: &str = "POST user/nodes/mapping/initiate";
const VERIFY: &str = "POST user/nodes/mapping/verify";
const NODE: &str = "GET user/nodes";
const FRESH: Turn = Turn::Answer(200, r#"{"challenge":"fresh","request_id":"fresh"}"#);
const MAPPED: Turn = Turn::Answer(200, r#"{"status":"success"}"#);
const REFUSED: Turn = Turn::Answer(400, r#"{"status":"failure","description":"used"}"#);
const IN_ACCOUNT: Turn = Turn::Answer(200, r#"{"nodes":["node1"]}"#);
const NOT_IN_ACCOUNT: Turn = Turn::Answer(404, r#"{"status":"failure"}"#);

#[tokio::test]
async fn stale_challenge_is_replaced_before_it_is_signed() {
    for (life, script, asked, used) in [
        (
            Duration::from_secs(70),
            &[MAPPED][..],
            &[VERIFY][..],
            "prepared",
        ),
        (
            Duration::from_secs(59),
            &[FRESH, MAPPED],
            &[INITIATE, VERIFY],
            "fresh",
        ),
    ] {
        let cloud = ScriptedCloud::start(script).await;
        let (owner, device, observer) = (owner(&cloud), device(), ScriptedObserver::default());
        let run = observer.run_at(timing());
        let mut mapping = mapping(&run, &owner);
        mapping.prepared = Some(issued("prepared", life));
        let mut secured = device.secured().await;
        let progress = mapping.associate_by_challenge(&mut secured).await.unwrap();
        assert!(matches!(progress, Progress::Done { .. }), "{progress:?}");
        assert_eq!(mapping.mapped.as_deref(), Some("node1"));
        let done = |stage| (stage, StageState::Done);
        let stages = [Stage::Associate, Stage::VerifyAssociation].map(done);
        assert_eq!(observer.ended(), stages);
        assert_eq!(calls(&cloud), asked);
        let signed = device.requests("ch_resp");
        let signed = String::from_utf8_lossy(&signed[0]);
        assert!(signed.contains(used), "{signed}");
    }
}

async fn submit_signature_later(
    script: &[Turn],
    may_be_mapped: bool,
) -> (Result<PendingSetup, FlowError>, Vec<String>) {
    let cloud = ScriptedCloud::start(script).await;
    let (owner, run) = (owner(&cloud), ScriptedObserver::default().run_at(timing()));
    let issued = issued("prepared", Duration::from_mins(5));
    let outcome = mapping(&run, &owner)
        .submit_signature_later(&issued, &signed(), may_be_mapped)
        .await;
    (outcome, calls(&cloud))
}

#[tokio::test]
async fn signature_that_may_have_arrived_stays_in_doubt_while_submitted_later() {
    // The answer to the first signature is lost, so a refusal of the second one may mean that the
    // first one counted: the account knows.
    let script = [Turn::HangUp, NOT_IN_ACCOUNT, REFUSED, IN_ACCOUNT];
    let (outcome, calls) = submit_signature_later(&script, false).await;
    assert_eq!(outcome.unwrap(), PendingSetup::Everything);
    assert_eq!(calls, [VERIFY, NODE, VERIFY, NODE]);

    // Without a lost answer, a refusal is final.
    let (outcome, calls) = submit_signature_later(&[REFUSED, IN_ACCOUNT], false).await;
    assert!(
        matches!(outcome, Err(FlowError::Cloud { .. })),
        "{outcome:?}"
    );
    assert_eq!(calls, [VERIFY]);

    // The answer was lost before.
    let (outcome, _) = submit_signature_later(&[REFUSED, IN_ACCOUNT], true).await;
    assert_eq!(outcome.unwrap(), PendingSetup::Everything);
}
