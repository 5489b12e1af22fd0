//! Flags: which there are, and the requests of flows that they make.

pub(super) mod account;
pub(super) mod board_log;
pub(super) mod completions;
pub(super) mod device;
pub(super) mod drivers;
pub(super) mod environment;
pub(super) mod filters;
pub(super) mod inputs;
pub(super) mod label;
pub(super) mod network;
pub(super) mod owner;
pub(super) mod public_text;
pub(super) mod seen_devices;
