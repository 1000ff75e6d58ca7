//! `gnomon`: the one binary. It says what it was asked to do, does it through
//! [`commands`], and ends with an exit code that scripts can tell apart.

mod client;
mod commands;
mod console;
mod context;
mod crontab;
mod daemon;
mod error;
mod output;
mod sse;

use std::process::ExitCode;

use clap::Parser;

use commands::Cli;

fn main() -> ExitCode {
    // rustls wants to be told which implementation of cryptography to use, once.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            e.print();
            e.exit_code()
        }
    }
}

/// clap prints help and version to stdout and ends with 0; wrong usage goes to stderr
/// and ends with 2.
fn usage(e: &clap::Error) -> ExitCode {
    let _ = e.print();
    ExitCode::from(if e.use_stderr() { 2 } else { 0 })
}
