//! Ties a device to its owner's account: by a challenge that it signs where it can, else by a
//! secret key that device and account are both told. The device's half comes before its Wi-Fi; the
//! account's half at once where the account can be reached, else as soon as it can.
//!
//! One rule decides the way: whoever lists `ch_resp` is challenged, and there is no second try
//! with the other way. Sources: esp-rainmaker `esp_rmaker_chal_resp.c`, `esp_rmaker_user_mapping.c`.

mod challenge;
mod mapping;
mod progress;
#[cfg(test)]
mod scripted;
mod secret_key;

pub(super) use mapping::{CLAIMING, Mapping};
pub use progress::MappedNode;
pub(super) use progress::Progress;
