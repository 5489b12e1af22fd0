//! The trait of subcommands.

use async_trait::async_trait;

use super::workplace::Workplace;
use crate::report::Failure;

/// A subcommand with its arguments.
#[async_trait(?Send)]
pub(super) trait Subcommand {
    /// What the command touches. A support bundle looks at these parts of the computer and at no
    /// others.
    fn touches(&self) -> Touches {
        Touches::NOTHING
    }

    /// Whether the result can contain what a reader of a support bundle must not see. Only a command
    /// that states otherwise has a public result.
    fn is_output_private(&self) -> bool {
        true
    }

    /// Whether the command itself ends its work in order at a signal. Any other is dropped.
    fn stops_in_order(&self) -> bool {
        false
    }

    /// Runs the command.
    async fn run(&self, workplace: &Workplace) -> Result<(), Failure>;
}

/// What a command touches outside this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Touches {
    pub(super) devices: Devices,
    /// The files of the account.
    pub(super) account: bool,
    /// The cloud of the account.
    pub(super) cloud: bool,
}

/// How many devices a command touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Devices {
    None,
    One,
    All,
}

impl Touches {
    pub(super) const NOTHING: Self = Self {
        devices: Devices::None,
        account: false,
        cloud: false,
    };
    pub(super) const ACCOUNT_FILES: Self = Self {
        account: true,
        ..Self::NOTHING
    };
    pub(super) const ACCOUNT: Self = Self {
        cloud: true,
        ..Self::ACCOUNT_FILES
    };

    /// These, and devices.
    pub(super) const fn with(self, devices: Devices) -> Self {
        Self { devices, ..self }
    }
}
