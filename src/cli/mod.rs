//! What people type and read: arguments, subcommands, the terminal, and the help for failures.

mod args;
mod commands;
mod diagnose;
mod interrupt;
mod program;
mod public_tree;
mod subcommand;
mod terminal;
mod usage;
mod workplace;

pub use program::main;
