//! What is typed and what is read, apart from whole runs: refusals, sources of values, secrets.

mod canary;
mod missing;
mod refusals;
mod settings;
#[cfg(unix)]
mod terminal;
