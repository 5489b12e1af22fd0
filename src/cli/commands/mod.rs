//! The subcommands, one file each.

pub(super) mod completions;
pub(super) mod demo;
pub(super) mod device;
pub(super) mod discover;
pub(super) mod emulate;
pub(super) mod login;
pub(super) mod logout;
pub(super) mod man;
pub(super) mod node;
pub(super) mod profile;
pub(super) mod provision;
pub(super) mod qr;
pub(super) mod reference;
pub(super) mod whoami;
