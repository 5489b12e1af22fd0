//! Records irreversible steps before a run takes them, so that a batch survives a crash. A single run
//! needs no journal.

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

/// Records the irreversible steps of runs.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync {
    /// Records that the run with this row's device begins a step. On an error, the run does not take
    /// the step. A step without an outcome was perhaps taken: the run was cut off.
    async fn record_start(
        &self,
        row: Option<&RowName>,
        step: &Irreversible,
    ) -> Result<(), JournalError>;

    /// Records whether the step was taken.
    async fn record_outcome(
        &self,
        row: Option<&RowName>,
        step: &Irreversible,
        taken: Taken,
    ) -> Result<(), JournalError>;
}

/// The name of a device's row in a batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowName(String);

impl RowName {
    /// Accepts any text; the batch keeps names unique.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The text that was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A step that cannot be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Irreversible {
    /// Sends Apply: the device joins the network that it stored.
    Apply,
    /// Puts the node with this id into the account.
    Map(String),
}

/// Whether a step was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The device or the cloud rejected the request, or did not get it.
    No,
    /// The answer was lost.
    Perhaps,
    /// The answer confirms it.
    Yes,
}

/// A failure to record a step: the cause, as text.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct JournalError(pub String);
