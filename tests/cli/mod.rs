//! What is typed and what is read, apart from whole runs: refusals, sources of values, secrets.

mod account;
mod bundle;
mod canary;
mod completions;
mod device;
mod doctor;
mod errors;
#[cfg(target_os = "linux")]
mod json_keys;
mod missing;
mod qr;
mod reference;
mod refusals;
mod settings;
mod terminal;
