//! The user's account over HTTPS: one typed call a function, on the classic RainMaker API. It
//! knows no files, no devices and no order of steps.
//!
//! | file | calls |
//! |---|---|
//! | [`account`] | log in, renew, log out, who am I |
//! | [`mapping`] | begin and verify a challenge; add and follow a secret-key mapping |
//! | [`nodes`] | list, describe, tag, remove nodes |
//! | [`groups`] | list groups, add nodes |
//!
//! The access token travels bare in `Authorization`, without `Bearer`. It is renewed when less
//! than a minute is left, and once when the cloud says 401. What may be asked twice without harm
//! is asked again when nobody answers; the rest only when it surely did not arrive.
//!
//! Shapes: the API documentation of ESP RainMaker, and esp-rainmaker-cli's `rmaker_lib`.

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
pub use date::{Present, Skew};
pub use error::CloudError;
pub use loopback::is_loopback;
pub use settings::{Limits, Settings};
pub use tokens::{Keep, Tokens};
