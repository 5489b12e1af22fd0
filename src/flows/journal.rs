//! Where a run writes down what it is about to do and cannot take back, before it does it. A batch
//! survives a crash by that; a single run needs none.

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

/// Writes down the irreversible steps of runs.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync {
    /// The run with the device of this row is about to take a step. If this cannot be recorded, the
    /// step is not taken. A step without an outcome was perhaps taken: the run was cut off.
    async fn record_start(
        &self,
        row: Option<&RowName>,
        step: &Irreversible,
    ) -> Result<(), JournalError>;

    /// What became of the step.
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
    /// Any text; the batch makes it unique.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A step that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Irreversible {
    /// The device is told to join the network that it was given.
    Apply,
    /// The node is put into the account.
    Map {
        /// The node's id in the account.
        node_id: String,
    },
}

/// Whether a step was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The device or the cloud rejected it, or did not get the request.
    No,
    /// The answer was lost.
    Perhaps,
    /// The answer says so.
    Yes,
}

/// Why a step could not be recorded.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct JournalError {
    /// The cause, in words for people.
    pub message: String,
}

/// Records nothing.
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
