//! The binary: runs the command line with the built-in transports and protocols, and returns its
//! exit code. Everything else is in the library.

use std::ffi::OsString;
use std::process::ExitCode;

use espctl::provisioner::built_in_protocols;
use espctl::transport::built_in_drivers;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    espctl::cli::main(&arguments, built_in_drivers(), built_in_protocols()).into()
}
