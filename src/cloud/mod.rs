//! The user's account over HTTPS: one typed function for each call of the classic RainMaker API. It
//! does not access files or devices, and does not define the order of calls.
//!
//! | file | calls |
//! |---|---|
//! | [`account`] | log in, renew, log out, fetch the user |
//! | [`mapping`] | start and verify a challenge; add and watch a secret-key mapping |
//! | [`nodes`] | list, describe, tag, remove nodes |
//! | [`groups`] | list groups, add nodes |
//!
//! The access token is sent without `Bearer` in `Authorization`. It is renewed when less than a
//! minute is left, and once after a 401. Idempotent calls are retried if the cloud does not answer;
//! the others only if the request did not arrive.
//!
//! Sources: the API documentation of ESP RainMaker, and esp-rainmaker-cli's `rmaker_lib`.

pub mod account;
mod answer;
mod call;
mod client;
mod date;
mod error;
pub mod groups;
mod loopback;
pub mod mapping;
pub mod nodes;
mod paging;
mod renewal;
#[cfg(test)]
pub(crate) mod scripted;
mod settings;
mod tokens;

pub use client::Client;
pub use date::{CloudStatus, Skew};
pub use error::CloudError;
pub use loopback::is_loopback;
pub use settings::{Limits, Settings};
pub use tokens::{TokenStore, Tokens};
