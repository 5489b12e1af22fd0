//! A journal for tests: it stores the outcomes.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::{Irreversible, Journal, JournalError, RowName, Taken};

/// Clones share everything.
#[derive(Clone, Debug, Default)]
pub(super) struct ScriptedJournal(Arc<Mutex<Vec<Taken>>>);

impl ScriptedJournal {
    /// The recorded outcomes, in order.
    pub(super) fn outcomes(&self) -> Vec<Taken> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Journal for ScriptedJournal {
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
        taken: Taken,
    ) -> Result<(), JournalError> {
        self.0.lock().unwrap().push(taken);
        Ok(())
    }
}
