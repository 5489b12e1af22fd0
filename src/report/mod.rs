//! Errors for the user: ids, exit codes, the table that explains them, the advice for a run, and the
//! record of a run for a support bundle. Every face of the program uses this module. It depends on no
//! face: it selects advice by a plain [`Context`].

mod advice;
mod bundle;
mod context;
mod error_table;
mod exit;
mod failure;
mod id;
mod log;
mod recorder;
mod redact_email;
pub(crate) mod remedies;
mod remedy;
mod shell;
mod system;

pub(crate) use bundle::{Findings, ResultPolicy, RunStart, compose_bundle};
pub(crate) use context::{Context, Environment, describe_filters};
pub(crate) use error_table::ErrorId;
pub(crate) use exit::Exit;
pub(crate) use failure::Failure;
pub(crate) use id::ErrorEntry;
pub(crate) use log::init_logging;
pub(crate) use recorder::{Recorder, transcript};
pub(crate) use shell::quote_word;
