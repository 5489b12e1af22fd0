//! The way of the challenge: fetched from the account, signed by the device, handed in again.

use tokio::time::{Instant, sleep, timeout_at};

use super::{Mapping, Owner, Progress, Rest, Way, failed, verified, waits};
use crate::cloud::CloudError;
use crate::cloud::mapping::{Challenge, Mapped};
use crate::endpoint::challenge_response::{
    Challenged, DisableChallengeResponse, Disabled, SignChallenge, Signed,
};
use crate::flows::connect::Secured;
use crate::flows::{Doing, Event, FlowError, Observer, Stage, StageState, Warning};
use crate::session::SessionError;

/// A challenge, and until when a signature of it counts.
#[derive(Clone, Debug)]
pub(in crate::flows) struct Issued {
    challenge: Challenge,
    until: Instant,
}

impl Mapping<'_> {
    pub(super) async fn challenge(&self) -> Result<Issued, CloudError> {
        let until = Instant::now() + self.pace.challenge;
        let challenge = self
            .owner
            .cloud
            .initiate_mapping(self.pace.challenge)
            .await?;
        Ok(Issued { challenge, until })
    }

    pub(super) async fn challenge_device(
        &mut self,
        secured: &mut Secured,
        observer: &mut dyn Observer,
    ) -> Result<Progress, FlowError> {
        let fresh = Instant::now() + self.pace.challenge_left;
        let issued = match self.prepared.take().filter(|one| one.until > fresh) {
            Some(issued) => issued,
            None => self
                .challenge()
                .await
                .map_err(|source| failed(Doing::FetchingChallenge, source))?,
        };
        let began = Instant::now();
        observer.event(&Stage::Associate.event(StageState::Started, None));
        let signed = sign(secured, &issued.challenge).await;
        Stage::Associate.ended(began, StageState::of(signed.is_ok()), observer);
        let signed = signed?;
        observer.event(&Event::ChallengeSigned {
            node_id: signed.node_id.clone(),
        });

        let began = Instant::now();
        observer.event(&Stage::VerifyAssociation.event(StageState::Started, None));
        match self.hand_in(&issued, &signed, false).await {
            Err(error) if self.may_be_cut_off && error.is_unreachable() => {
                let left = issued.until.saturating_duration_since(Instant::now());
                observer.event(&Event::MappingDeferred {
                    node_id: signed.node_id.clone(),
                    why: error.to_string(),
                    seconds_left: left.as_secs(),
                });
                if self.owner.disable {
                    observer.event(&Event::Warned {
                        id: Warning::NotDisabled,
                        message: "challenge-response stays on until the device restarts: \
                                  when the mapping is confirmed, the device is out of reach"
                            .to_owned(),
                    });
                }
                Ok(Progress::Signed {
                    challenge: issued,
                    signed,
                    began,
                })
            }
            outcome => {
                verified(began, &outcome, observer);
                let rest = outcome.map_err(|source| failed(Doing::VerifyingAssociation, source))?;
                self.note_mapped(&signed.node_id, Way::ChallengeResponse, observer);
                if self.owner.disable {
                    disable(secured, observer).await;
                }
                Ok(Progress::Done {
                    node_id: signed.node_id,
                    rest,
                })
            }
        }
    }

    /// Hands in a signature. Where the answer was lost, or an earlier one may have been, the
    /// account says whether it counted.
    async fn hand_in(
        &self,
        issued: &Issued,
        signed: &Signed,
        again: bool,
    ) -> Result<Rest, CloudError> {
        let Owner { cloud, extras, .. } = self.owner;
        let Signed { node_id, signature } = signed;
        let verified = cloud.verify_mapping(&issued.challenge, node_id, signature, extras);
        match verified.await {
            Ok(Mapped::Whole) => Ok(Rest::Nothing),
            Ok(Mapped::WithoutGroup) => Ok(Rest::Group),
            Err(error) if again || error.may_have_arrived() => match cloud.node(node_id).await {
                Ok(Some(_)) => Ok(Rest::Everything),
                // A used challenge is refused: that says nothing while nobody knows what used it.
                Err(unknown) if again => Err(unknown),
                Ok(None) | Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Likewise, as soon as the account can be reached, while the challenge lives.
    pub(super) async fn hand_in_later(
        &self,
        issued: &Issued,
        signed: &Signed,
        observer: &mut dyn Observer,
    ) -> Result<Rest, FlowError> {
        waits(&signed.node_id, issued.until, observer);
        let mut last = None;
        while Instant::now() < issued.until {
            match timeout_at(issued.until, self.hand_in(issued, signed, true)).await {
                Ok(Ok(rest)) => return Ok(rest),
                Ok(Err(error)) if error.is_unreachable() => last = Some(error),
                Ok(Err(source)) => return Err(failed(Doing::FollowingMapping, source)),
                Err(_) => break,
            }
            sleep(self.pace.account_again).await;
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
            doing: Doing::Signing,
            source,
        }),
    }
}

/// Has the device sign nothing more. The mapping holds without it, so a failure is only told.
async fn disable(secured: &mut Secured, observer: &mut dyn Observer) {
    match secured.session.call(&DisableChallengeResponse).await {
        Ok(how) => observer.event(&Event::ChallengeResponseDisabled {
            already: how == Disabled::Already,
        }),
        Err(error) => observer.event(&Event::Warned {
            id: Warning::NotDisabled,
            message: format!("challenge-response stays on until the device restarts: {error}"),
        }),
    }
}
