//! How a manager behaves beside its states: the rules of its firmware, and what a scenario makes of
//! them. Not when anything happens, which the manager answers.

use crate::emulator::device::firmware::{Firmware, Rules};
use crate::emulator::device::scenario::Scenario;
use crate::emulator::device::world::Failure;

/// The knobs.
#[derive(Clone, Debug)]
pub(in super::super) struct Conduct {
    pub(in super::super) rules: Rules,
    /// Every attempt to join ends so.
    pub(super) failure: Option<Failure>,
    /// The number of attempts, whatever the world says.
    attempts: Option<u32>,
    /// After how many failures the application takes the manager back to its start.
    pub(super) application_resets_after: Option<u32>,
    /// A client's reset is refused, whatever the state.
    pub(super) refuses_reset: bool,
    /// A client's reset is accepted while it joins.
    pub(super) always_resets: bool,
    /// Joining costs the contact with the client.
    pub(super) radio_loss: Option<RadioLoss>,
}

/// How long a client cannot reach the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum RadioLoss {
    ForAWhile,
    ForEver,
}

impl Conduct {
    pub(in super::super) fn new(firmware: Firmware, scenarios: &[Scenario]) -> Self {
        let has = |scenario| scenarios.contains(&scenario);
        let rules = firmware.rules();
        Self {
            rules,
            failure: scenarios.iter().find_map(|scenario| scenario.failure()),
            attempts: has(Scenario::AttemptsCountdown).then_some(5),
            application_resets_after: if has(Scenario::AppResets) {
                Some(1)
            } else if has(Scenario::AppNeverResets) {
                None
            } else {
                rules.application_resets_after
            },
            refuses_reset: has(Scenario::ResetRefused),
            always_resets: has(Scenario::ResetAccepted),
            radio_loss: if has(Scenario::ServiceGone) {
                Some(RadioLoss::ForEver)
            } else {
                has(Scenario::ChannelChange).then_some(RadioLoss::ForAWhile)
            },
        }
    }

    /// How many attempts the firmware makes, 0 for one or endless ones.
    pub(super) fn attempts(&self, of_world: u32) -> u32 {
        if self.rules.counts_attempts {
            self.attempts.unwrap_or(of_world)
        } else {
            0
        }
    }
}
