//! espctl connects ESP32 devices to a network and adds them to their owner's account: host-side
//! provisioning for ESP-IDF and ESP RainMaker firmware.
//!
//! The program is a stack of layers. Calls go down, values come back up. The only call that goes up
//! is [`flows::Observer`], with which a flow reports progress and asks for decisions.
//!
//! ```text
//!    the host side, from the user down                   the other side
//!    ┌──────────────────────────────────────┐            ┌──────────────────────────────┐
//!    │ cli       arguments and output       │───────────▶│ emulator   a device, a cloud │
//!    ├──────────────────────────────────────┤  emulate   │ imports proto, security      │
//!    │ report    errors, exit codes, hints  │            │                              │
//!    ├────────────────────────────┬─────────┤            └──────────────────────────────┘
//!    │ flows  the order of steps  │ account │
//!    ├────────────────────────────┼─────────┤
//!    │ provisioner  sets a network│ cloud   │
//!    ├────────────────────────────┤         │
//!    │ session   commands         │         │
//!    ├──────────┬──────────┬──────┴─────────┤
//!    │ endpoint │ security │ transport      │   messages · keys · bytes
//!    ├──────────┴──────────┴───────┬────────┤
//!    │ proto   messages and names  │ host   │   host: this computer
//!    └─────────────────────────────┴────────┘   used by all: secret, ident, qr
//! ```
//!
//! A device exposes named *endpoints*: bytes in, bytes out, one request at a time. [`transport`]
//! carries the bytes, [`security`] encrypts them, and [`endpoint`] defines their meaning: transport
//! and security never interpret them, and endpoint never uses a socket. [`session`] combines the
//! three to send commands. [`provisioner`] is the interface of any device that can be given a
//! network, [`cloud`] makes the calls to the owner's account, and [`flows`] defines the order of
//! all steps. [`host`] describes this computer for drivers and hints, `account` stores profiles and
//! logins, and `report` names each error and gives hints. `tests/repo/layering.rs` has a table of
//! the allowed imports and tests it; `tests/repo/cycles.rs` tests that no files import each other
//! in a cycle.
//!
//! The library exists for the program, its tests and its benchmarks; its API is not stable.

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
