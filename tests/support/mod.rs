//! Helpers for several tests. This folder contains no tests.

pub(crate) mod account;
pub(crate) mod altered;
#[cfg(target_os = "linux")]
pub(crate) mod bluez;
pub(crate) mod cloud;
pub(crate) mod device;
pub(crate) mod espctl;
#[cfg(unix)]
pub(crate) mod line_time;
pub(crate) mod matrix;
pub(crate) mod memory_transport;
#[cfg(unix)]
pub(crate) mod namespace;
#[cfg(unix)]
pub(crate) mod network;
pub(crate) mod owner;
pub(crate) mod pair;
#[cfg(unix)]
pub(crate) mod pty;
pub(crate) mod recorder;
pub(crate) mod scripted_rng;
pub(crate) mod scripted_server;
#[cfg(unix)]
pub(crate) mod serial;
pub(crate) mod source;
pub(crate) mod switchable_proxy;
pub(crate) mod target;
#[cfg(unix)]
pub(crate) mod usb;
pub(crate) mod vector_file;
pub(crate) mod wait;
