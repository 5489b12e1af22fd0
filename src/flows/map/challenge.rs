//! Mapping by challenge: the account issues it, the device signs it, espctl submits the signature.

use tokio::time::{Instant, sleep, timeout_at};

use super::mapping::Mapping;
use super::progress::{IssuedChallenge, PendingSetup, Progress};
use crate::cloud::CloudError;
use crate::cloud::mapping::{Challenge, Mapped};
use crate::endpoint::challenge_response::{
    Challenged, DisableChallengeResponse, Disabled, SignChallenge, Signed,
};
use crate::flows::mapping_method::MappingMethod;
use crate::flows::request::OwnerRequest;
use crate::flows::{Event, FlowError, FlowStep, Run, Stage, Warning};
use crate::session::{Secured, SessionError};

impl Mapping<'_> {
    pub(super) async fn fetch_challenge(&self) -> Result<IssuedChallenge, CloudError> {
        let until = Instant::now() + self.run.timing.challenge;
        let initiating = self.owner.cloud.initiate_mapping(self.run.timing.challenge);
        let challenge = initiating.await?;
        Ok(IssuedChallenge { challenge, until })
    }

    pub(super) async fn associate_by_challenge(
        &mut self,
        secured: &mut Secured,
    ) -> Result<Progress, FlowError> {
        let mut attempt = 1;
        // Whether the account may have accepted an earlier signature.
        let mut may_be_mapped = false;
        loop {
            let fresh = Instant::now() + self.run.timing.challenge_left;
            let prepared = self.prepared.take().filter(|issued| issued.until > fresh);
            let issued = if let Some(issued) = prepared {
                issued
            } else {
                self.step = FlowStep::FetchingChallenge;
                let issued = self.fetch_challenge().await;
                issued.map_err(FlowError::of_cloud(self.step))?
            };
            let signed = self.request_signature(secured, &issued).await?;
            self.step = FlowStep::VerifyingAssociation;
            let stage = self.run.start_stage(Stage::VerifyAssociation);
            let submitted = self.submit_signature(&issued, &signed, may_be_mapped).await;
            if submitted.is_err() {
                self.run.end_stage(&stage, false);
            }
            let error = match submitted? {
                Ok(pending_setup) => {
                    self.run.end_stage(&stage, true);
                    self.report_mapped(&signed.node_id, MappingMethod::ChallengeResponse);
                    if self.owner.disable {
                        self.step = FlowStep::Signing;
                        disable_challenge_response(self.run, secured).await;
                    }
                    return Ok(Progress::Done {
                        node_id: signed.node_id,
                        pending_setup,
                    });
                }
                Err(error) => error,
            };
            // The account accepts a challenge once. If its answer was lost, the outcome is unknown,
            // so the device signs a new challenge: mapping a node twice does no harm.
            let may_have_arrived = error.may_have_arrived();
            may_be_mapped |= may_have_arrived;
            if may_have_arrived && attempt < MAX_CHALLENGES {
                attempt += 1;
                match self.fetch_challenge().await {
                    Ok(issued) => {
                        self.run.end_stage(&stage, false);
                        self.prepared = Some(issued);
                        continue;
                    }
                    Err(error) => tracing::info!(%error, "no other challenge"),
                }
            }
            if self.may_be_cut_off && error.is_unreachable() {
                self.report_deferred(&issued, &signed, &error);
                return Ok(Progress::Signed {
                    challenge: issued,
                    signed,
                    stage,
                    may_be_mapped: may_have_arrived,
                });
            }
            self.run.end_stage(&stage, false);
            return Err(FlowError::of_cloud(FlowStep::VerifyingAssociation)(error));
        }
    }

    async fn request_signature(
        &mut self,
        secured: &mut Secured,
        issued: &IssuedChallenge,
    ) -> Result<Signed, FlowError> {
        self.step = FlowStep::Signing;
        let signing = sign_challenge(secured, &issued.challenge);
        let signed = self.run.in_stage(Stage::Associate, signing).await?;
        // Another device may have this address now, or pose as the announced one.
        if let Some(announced) = &self.announced
            && *announced != signed.node_id
        {
            return Err(FlowError::OtherNode {
                announced: announced.clone(),
                signed: signed.node_id,
            });
        }
        self.run.report(&Event::ChallengeSigned {
            node_id: signed.node_id.clone(),
        });
        Ok(signed)
    }

    fn report_deferred(&self, issued: &IssuedChallenge, signed: &Signed, error: &CloudError) {
        let left = issued.until.saturating_duration_since(Instant::now());
        self.run.report(&Event::MappingDeferred {
            node_id: signed.node_id.clone(),
            why: error.to_string(),
            seconds_left: left.as_secs(),
        });
        if self.owner.disable {
            let message = "challenge-response stays on until the device restarts: \
                           when the mapping is confirmed, the device is out of reach";
            self.run.warn(Warning::NotDisabled, message);
        }
    }

    async fn submit_signature(
        &self,
        issued: &IssuedChallenge,
        signed: &Signed,
        may_be_mapped: bool,
    ) -> Result<Result<PendingSetup, CloudError>, FlowError> {
        let OwnerRequest { cloud, extras, .. } = self.owner;
        let Signed { node_id, signature } = signed;
        let verifying = cloud.verify_mapping(&issued.challenge, node_id, signature, extras);
        let step = FlowStep::VerifyingAssociation;
        let verified = self.record_mapping(step, node_id, may_be_mapped, |_| true, verifying);
        Ok(verified.await?.map(|mapped| match mapped {
            Mapped::Complete => PendingSetup::Nothing,
            Mapped::WithoutGroup => PendingSetup::Group,
        }))
    }

    /// Submits a signature as soon as the account is reachable, until the challenge expires. The
    /// device cannot sign another challenge. If an answer was lost, a later rejection may mean that
    /// the account accepted the signature, so espctl checks whether the account has the node.
    pub(super) async fn submit_signature_later(
        &self,
        issued: &IssuedChallenge,
        signed: &Signed,
        mut may_be_mapped: bool,
    ) -> Result<PendingSetup, FlowError> {
        self.report_waiting(&signed.node_id, issued.until);
        let mut last_error = None;
        let mut failed_lookups = 0;
        while Instant::now() < issued.until {
            let submitted = timeout_at(
                issued.until,
                self.submit_signature(issued, signed, may_be_mapped),
            );
            let error = match submitted.await {
                Ok(submitted) => match submitted? {
                    Ok(pending_setup) => return Ok(pending_setup),
                    Err(error) => error,
                },
                Err(_) => break,
            };
            may_be_mapped |= error.may_have_arrived();
            let mut lookup_error = None;
            if may_be_mapped {
                match self.owner.cloud.fetch_node(&signed.node_id).await {
                    Ok(Some(_)) => return Ok(PendingSetup::Everything),
                    Ok(None) => {}
                    Err(error) => lookup_error = Some(error),
                }
            }
            // A rejection is final only if the account does not have the node.
            let error = match lookup_error {
                None if !error.is_unreachable() => {
                    return Err(FlowError::of_cloud(FlowStep::FollowingMapping)(error));
                }
                None => error,
                Some(error) => {
                    failed_lookups += 1;
                    let is_expired = matches!(error, CloudError::LoginExpired { .. });
                    let is_final = is_expired || failed_lookups >= MAX_NODE_LOOKUPS;
                    if !error.is_unreachable() && is_final {
                        return Err(FlowError::of_cloud(FlowStep::FollowingMapping)(error));
                    }
                    error
                }
            };
            last_error = Some(error);
            sleep(self.run.timing.account_retry).await;
        }
        Err(FlowError::ChallengeExpired {
            node_id: signed.node_id.clone(),
            source: last_error,
        })
    }
}

async fn sign_challenge(secured: &mut Secured, challenge: &Challenge) -> Result<Signed, FlowError> {
    let command = SignChallenge {
        challenge: challenge.challenge.clone(),
    };
    match secured.session.call(&command).await {
        Ok(Challenged::Signed(signed)) => Ok(signed),
        Ok(Challenged::Disabled) => Err(FlowError::ChallengeDisabled),
        // protocomm has no error message: a handler that fails closes the connection.
        Err(SessionError::Transport(source)) if source.may_be_refusal() => {
            Err(FlowError::ChallengeRefused(source))
        }
        Err(error) => Err(FlowError::of_session(FlowStep::Signing)(error)),
    }
}

/// Disables challenge-response on the device. A failure is only a warning: the mapping stays.
async fn disable_challenge_response(run: &Run, secured: &mut Secured) {
    match secured.session.call(&DisableChallengeResponse).await {
        Ok(disabled) => run.report(&Event::ChallengeResponseDisabled {
            already: disabled == Disabled::Already,
        }),
        Err(error) => {
            let message = format!("challenge-response stays on until the device restarts: {error}");
            run.warn(Warning::NotDisabled, message);
        }
    }
}

/// The number of node lookups after which an answer that cannot be read ends the run.
const MAX_NODE_LOOKUPS: u32 = 3;
/// The number of challenges in a run. A second one follows only a lost answer.
const MAX_CHALLENGES: u32 = 3;

#[cfg(test)]
mod tests;
