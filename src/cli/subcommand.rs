//! The trait of subcommands.

use async_trait::async_trait;

use super::workplace::Workplace;
use crate::report::Failure;

/// A subcommand with its arguments.
#[async_trait(?Send)]
pub(super) trait Subcommand {
    /// How the program handles a run.
    fn handling(&self) -> Handling {
        Handling::default()
    }

    /// Runs the command.
    async fn run(&self, workplace: &Workplace) -> Result<(), Failure>;
}

/// How the program handles a run of a command.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Handling {
    /// What the command touches. A support bundle looks at these parts of the computer and at no
    /// others.
    pub(super) touches: Touches,
    /// Whether a reader of a support bundle may see the result. Only a command that states this has a
    /// public result.
    pub(super) is_public: bool,
    /// Whether the command itself ends its work in order at a signal. Any other is dropped.
    pub(super) stops_in_order: bool,
}

impl Handling {
    /// The command that ends its work in order at a signal.
    pub(super) fn stopping_in_order(self) -> Self {
        Self {
            stops_in_order: true,
            ..self
        }
    }
}

/// What a command touches outside this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Touches {
    pub(super) devices: Devices,
    /// The files of the account.
    pub(super) account: bool,
    /// The cloud of the account.
    pub(super) cloud: bool,
}

/// How many devices a command touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Devices {
    #[default]
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

    /// The handling of a command that touches these, and whose result is public.
    pub(super) fn public(self) -> Handling {
        Handling {
            touches: self,
            is_public: true,
            stops_in_order: false,
        }
    }
}
