//! The way of the challenge: fetched from the account, signed by the device, handed in again.

use tokio::time::{Instant, sleep, timeout_at};

use super::mapping::{Mapping, failed};
use super::progress::{Issued, PendingSetup, Progress};
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
    pub(super) async fn challenge(&self) -> Result<Issued, CloudError> {
        let until = Instant::now() + self.run.pace.challenge;
        let challenge = self
            .owner
            .cloud
            .initiate_mapping(self.run.pace.challenge)
            .await?;
        Ok(Issued { challenge, until })
    }

    pub(super) async fn challenge_device(
        &mut self,
        secured: &mut Secured,
    ) -> Result<Progress, FlowError> {
        let mut attempt = 1;
        // Whether a signature that was handed in may have counted.
        let mut is_in_doubt = false;
        loop {
            let fresh = Instant::now() + self.run.pace.challenge_left;
            let prepared = self.prepared.take().filter(|one| one.until > fresh);
            let issued = if let Some(issued) = prepared {
                issued
            } else {
                self.step = FlowStep::FetchingChallenge;
                let issued = self.challenge().await;
                issued.map_err(|source| failed(FlowStep::FetchingChallenge, source))?
            };
            let signed = self.signed(secured, &issued).await?;
            self.step = FlowStep::VerifyingAssociation;
            let stage = self.run.start_stage(Stage::VerifyAssociation);
            let handed_in = self.hand_in(&issued, &signed, is_in_doubt).await;
            if handed_in.is_err() {
                self.run.end_stage(&stage, false);
            }
            let error = match handed_in? {
                Ok(rest) => {
                    self.run.end_stage(&stage, true);
                    self.note_mapped(&signed.node_id, MappingMethod::ChallengeResponse);
                    if self.owner.disable {
                        self.step = FlowStep::Signing;
                        disable(self.run, secured).await;
                    }
                    return Ok(Progress::Done {
                        node_id: signed.node_id,
                        rest,
                    });
                }
                Err(error) => error,
            };
            // A challenge counts once, so that nobody knows what one without an answer came to.
            // Another one does: mapped twice is mapped.
            let in_doubt = error.may_have_arrived();
            is_in_doubt |= in_doubt;
            if in_doubt && attempt < MOST_CHALLENGES {
                attempt += 1;
                match self.challenge().await {
                    Ok(issued) => {
                        self.run.end_stage(&stage, false);
                        self.prepared = Some(issued);
                        continue;
                    }
                    Err(again) => tracing::info!(error = %again, "no other challenge"),
                }
            }
            if self.may_be_cut_off && error.is_unreachable() {
                self.defer(&issued, &signed, &error);
                return Ok(Progress::Signed {
                    challenge: issued,
                    signed,
                    stage,
                    in_doubt,
                });
            }
            self.run.end_stage(&stage, false);
            return Err(failed(FlowStep::VerifyingAssociation, error));
        }
    }

    async fn signed(
        &mut self,
        secured: &mut Secured,
        issued: &Issued,
    ) -> Result<Signed, FlowError> {
        self.step = FlowStep::Signing;
        let stage = self.run.start_stage(Stage::Associate);
        let signed = sign(secured, &issued.challenge).await;
        self.run.end_stage(&stage, signed.is_ok());
        let signed = signed?;
        // Another device at an address of before, or one that poses as it.
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

    fn defer(&self, issued: &Issued, signed: &Signed, error: &CloudError) {
        let left = issued.until.saturating_duration_since(Instant::now());
        self.run.report(&Event::MappingDeferred {
            node_id: signed.node_id.clone(),
            why: error.to_string(),
            seconds_left: left.as_secs(),
        });
        if self.owner.disable {
            self.run.report(&Event::Warned {
                id: Warning::NotDisabled,
                message: "challenge-response stays on until the device restarts: \
                          when the mapping is confirmed, the device is out of reach"
                    .to_owned(),
            });
        }
    }

    async fn hand_in(
        &self,
        issued: &Issued,
        signed: &Signed,
        in_doubt: bool,
    ) -> Result<Result<PendingSetup, CloudError>, FlowError> {
        let OwnerRequest { cloud, extras, .. } = self.owner;
        let Signed { node_id, signature } = signed;
        let verifying = cloud.verify_mapping(&issued.challenge, node_id, signature, extras);
        let step = FlowStep::VerifyingAssociation;
        let verified = self.record_mapping(step, node_id, in_doubt, |_| true, verifying);
        Ok(verified.await?.map(|mapped| match mapped {
            Mapped::Complete => PendingSetup::Nothing,
            Mapped::WithoutGroup => PendingSetup::Group,
        }))
    }

    /// Hands in a signature as soon as the account can be reached, while the challenge lives. The
    /// device cannot sign another one. So where the answer to this one was lost, a refusal may mean
    /// that it has counted: then the account says whether it has the node.
    pub(super) async fn hand_in_later(
        &self,
        issued: &Issued,
        signed: &Signed,
        mut in_doubt: bool,
    ) -> Result<PendingSetup, FlowError> {
        self.report_waiting(&signed.node_id, issued.until);
        let mut last = None;
        let mut unread = 0;
        while Instant::now() < issued.until {
            let handed_in = timeout_at(issued.until, self.hand_in(issued, signed, in_doubt));
            let error = match handed_in.await {
                Ok(handed_in) => match handed_in? {
                    Ok(rest) => return Ok(rest),
                    Err(error) => error,
                },
                Err(_) => break,
            };
            in_doubt |= error.may_have_arrived();
            let mut unknown = None;
            if in_doubt {
                match self.owner.cloud.fetch_node(&signed.node_id).await {
                    Ok(Some(_)) => return Ok(PendingSetup::Everything),
                    Ok(None) => {}
                    Err(error) => unknown = Some(error),
                }
            }
            // While nobody knows what became of it, its refusal says nothing.
            let error = match unknown {
                None if !error.is_unreachable() => {
                    return Err(failed(FlowStep::FollowingMapping, error));
                }
                None => error,
                Some(unknown) => {
                    unread += 1;
                    let login = matches!(unknown, CloudError::LoginExpired { .. });
                    if !unknown.is_unreachable() && (login || unread >= MOST_LOOKS) {
                        return Err(failed(FlowStep::FollowingMapping, unknown));
                    }
                    unknown
                }
            };
            last = Some(error);
            sleep(self.run.pace.account_again).await;
        }
        Err(FlowError::ChallengeExpired {
            node_id: signed.node_id.clone(),
            source: last,
        })
    }
}

async fn sign(secured: &mut Secured, challenge: &Challenge) -> Result<Signed, FlowError> {
    let command = SignChallenge {
        challenge: challenge.challenge.clone(),
    };
    match secured.session.call(&command).await {
        Ok(Challenged::Signed(signed)) => Ok(signed),
        Ok(Challenged::Disabled) => Err(FlowError::ChallengeDisabled),
        // protocomm has no error message: a handler that fails hangs up.
        Err(SessionError::Transport(how)) if how.may_be_refusal() => {
            Err(FlowError::ChallengeRefused { source: how })
        }
        Err(source) => Err(FlowError::Session {
            step: FlowStep::Signing,
            source,
        }),
    }
}

/// Has the device sign nothing more. The mapping holds without it, so a failure is only told.
async fn disable(run: &Run, secured: &mut Secured) {
    match secured.session.call(&DisableChallengeResponse).await {
        Ok(how) => run.report(&Event::ChallengeResponseDisabled {
            already: how == Disabled::Already,
        }),
        Err(error) => run.report(&Event::Warned {
            id: Warning::NotDisabled,
            message: format!("challenge-response stays on until the device restarts: {error}"),
        }),
    }
}

/// Into the account, where what it answers cannot be read.
const MOST_LOOKS: u32 = 3;
/// More than one only where an answer was lost.
const MOST_CHALLENGES: u32 = 3;

#[cfg(test)]
mod tests;
