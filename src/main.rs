//! The `calls` command.

use std::process::ExitCode;

/// Media takes and gives back some thousand pieces of memory a second, many of them on another thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    calls::cli::run()
}
