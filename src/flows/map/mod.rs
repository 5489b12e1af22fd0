//! Maps a device to its owner's account: the device signs a challenge if its firmware can, otherwise
//! device and account both get the same secret key. The device's half comes before its Wi-Fi; the
//! account's half follows at once if the account is reachable, otherwise as soon as it is.
//!
//! One rule selects the method: a device that lists `ch_resp` gets a challenge. There is no fallback
//! to the other method. Sources: esp-rainmaker `esp_rmaker_chal_resp.c`, `esp_rmaker_user_mapping.c`.

mod challenge;
mod mapping;
mod progress;
#[cfg(test)]
mod scripted;
mod secret_key;

pub(super) use mapping::{CLAIMING, Mapping};
pub use progress::MappedNode;
pub(super) use progress::Progress;
