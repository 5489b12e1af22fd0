//! The binary: runs the command line and returns its exit code. Everything else is the library's.

use std::process::ExitCode;

fn main() -> ExitCode {
    espctl::cli::main()
}
