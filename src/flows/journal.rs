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
    /// Puts the node into the account.
    Map {
        /// The node's id in the account.
        node_id: String,
    },
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

/// A failure to record a step.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct JournalError {
    /// The cause, as text.
    pub message: String,
}

/// A journal that records nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn record_start(
        &self,
        _row: Option<&RowName>,
        _step: &Irreversible,
    ) -> Result<(), JournalError> {
        Ok(())
    }

    async fn record_outcome(
        &self,
        _row: Option<&RowName>,
        _step: &Irreversible,
        _taken: Taken,
    ) -> Result<(), JournalError> {
        Ok(())
    }
}
