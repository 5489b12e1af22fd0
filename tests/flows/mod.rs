//! The order of steps, in-process: flows and sessions against an emulated device without a medium.
//! What reaches a device over a socket is `e2e`'s.

mod connect;
mod join;
mod journal;
#[cfg(unix)]
mod many;
mod map;
mod network;
mod sec2_compat;
mod session;
mod version;
