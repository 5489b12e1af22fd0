//! What a failed run is called and what a person can do about it: error ids, exit codes, the table
//! that explains them, and the advice for one run. Every face of the program uses it; it knows none
//! of them, and chooses advice by a plain [`Context`].

mod advice;
mod context;
mod diagnosis;
mod exit;
mod failure;
mod hint;
mod id;
pub(crate) mod remedies;
mod remedy;
mod shell;
mod table;

pub(crate) use context::{Context, Environment, GivenSecret};
pub(crate) use exit::Exit;
pub(crate) use failure::Failure;
pub(crate) use id::Entry;
pub(crate) use shell::quote_word;
pub(crate) use table::ErrorId;
