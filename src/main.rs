//! The binary: runs the command line with the transports of the program, and returns its exit code.
//! Everything else is the library's.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    espctl::cli::main(&arguments, espctl::transport::built_in_drivers()).into()
}
