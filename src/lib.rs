//! espctl puts ESP32 devices on a network and into their owner's account: host-side provisioning
//! for ESP-IDF and ESP RainMaker firmware.
//!
//! The program is a stack of layers. Calls go down, values come back up; the only call that goes
//! up is [`flows::Observer`], by which a flow tells and asks whoever runs it.
//!
//! ```text
//!    what the person does, top down                      what the other side is
//!    ┌──────────────────────────────────────┐            ┌──────────────────────────────┐
//!    │ cli       typed, read                │───────────▶│ emulator   a device, a cloud │
//!    ├──────────────────────────────────────┤  emulate   │ imports proto, security      │
//!    │ report    errors, exit codes, advice │            │                              │
//!    ├────────────────────────────┬─────────┤            └──────────────────────────────┘
//!    │ flows  the order of steps  │ account │
//!    ├────────────────────────────┼─────────┤
//!    │ provisioner  gets a network│ cloud   │
//!    ├────────────────────────────┤         │
//!    │ session   a conversation   │         │
//!    ├──────────┬──────────┬──────┴─────────┤
//!    │ endpoint │ security │ transport      │   meaning · keys · movement
//!    ├──────────┴──────────┴───────┬────────┤
//!    │ proto   messages and names  │ host   │   host: this computer
//!    └─────────────────────────────┴────────┘   leaves, for all: secret, ident, qr
//! ```
//!
//! A device exposes named *endpoints*: bytes in, bytes out, one request at a time. [`transport`]
//! moves them, [`security`] decides who can read them, [`endpoint`] what they mean; the first two
//! never look inside and the last never touches a socket. [`session`] joins the three into a
//! conversation, [`provisioner`] is what a flow asks of any device that can be given a network,
//! [`cloud`] is the owner's account behind its calls, and [`flows`] says what to talk about with
//! all of them in which order. [`host`] is this computer, which drivers and advice ask, `account`
//! keeps which account that is, and `report` says what a failed run is called and what to do about
//! it. Which module may import which is a table in `tests/repo/layering.rs`, and a test; that files
//! do not import each other in a circle, one in `tests/repo/cycles.rs`.
//!
//! The library exists for the program, its tests and its benchmarks; it makes no promise of
//! stability.

pub mod cli;
pub mod emulator;
pub mod flows;

mod report;

mod account;
pub mod cloud;
pub mod provisioner;
pub mod session;

pub mod endpoint;
pub mod security;
pub mod transport;

pub mod host;
pub mod proto;

pub mod ident;
pub mod qr;
pub mod secret;
