//! What people read and type: results on stdout, everything else on stderr, prompts at a terminal.

mod color;
mod command_output;
mod devices;
mod duration;
mod list;
mod observer;
mod output;
mod printer;
mod prompt;
mod spinner;
mod table;
mod text;

pub(super) use color::Color;
pub(super) use command_output::CommandOutput;
pub(super) use devices::device_table;
pub(super) use duration::format_duration;
pub(super) use observer::{ShownEvents, TerminalObserver};
pub(super) use output::{merge_objects, print_json, print_note, write_bytes};
pub(super) use printer::{Format, Printer};
pub(super) use table::{cell, table, yes_or_no};
pub(super) use text::{network_table, version_line};
