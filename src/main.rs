//! The `gitmoor` binary: hands the command line to the library.

use std::process::ExitCode;

/// Returns freed memory to the system sooner than the C library's allocator: see the memory rows of the benchmark.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The first thing: without a provider the first TLS connection panics. A second call would only say that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    gitmoor::cli::main()
}
