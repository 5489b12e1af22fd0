//! The tests that see the crate from outside, as one binary: one link, and support shared without
//! dead code. What one file of `src/` promises by itself is tested at its end instead.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and says where"
)]

mod cli;
mod e2e;
mod emulator;
mod flows;
mod protocol;
mod repo;
mod support;
mod transport;
