//! What the tests of both mapping methods share: an owner with a scripted cloud.

use std::sync::Arc;
use std::time::Duration;

use super::mapping::Mapping;
use crate::cloud::mapping::Extras;
use crate::cloud::scripted::{ScriptedCloud, tokens};
use crate::flows::request::OwnerRequest;
use crate::flows::{FlowStep, Run, Timing};

pub(super) fn owner(cloud: &ScriptedCloud) -> OwnerRequest {
    OwnerRequest {
        cloud: Arc::new(cloud.client(tokens("token", None), 0)),
        extras: Extras::default(),
        disable: false,
    }
}

/// Retries and polls the account without a wait.
pub(super) fn timing() -> Timing {
    let at_once = Duration::from_millis(1);
    Timing {
        account_retry: at_once,
        mapping_status: at_once,
        slowest_mapping_status: at_once,
        ..Timing::default()
    }
}

/// A mapping as over SoftAP, without a prepared challenge.
pub(super) fn mapping<'a>(run: &'a Run, owner: &'a OwnerRequest) -> Mapping<'a> {
    Mapping {
        run,
        owner,
        prepared: None,
        may_be_cut_off: true,
        announced: None,
        step: FlowStep::FetchingChallenge,
        mapped: None,
    }
}

/// The method and the path of each request.
pub(super) fn calls(cloud: &ScriptedCloud) -> Vec<String> {
    let call = |request: &String| {
        let words: Vec<&str> = request.split([' ', '?']).take(2).collect();
        words.join(" ")
    };
    cloud.requests().iter().map(call).collect()
}
