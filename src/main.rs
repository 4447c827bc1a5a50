//! The `calls` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    calls::cli::run()
}
