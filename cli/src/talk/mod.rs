//! The commands of people and scripts that talk: what they have in common.

pub mod account;
pub mod chat;
mod config;
pub mod devices;
pub mod fetching;
pub mod fingerprint;
pub mod listen;
pub mod pipe;
pub mod send;
pub mod show;
pub mod trust;

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;

use crate::Failure;

/// Runs a command that talks to a server.
pub(crate) fn run(command: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime.map_err(Failure::from).and_then(|runtime| {
        let done = runtime.block_on(command);
        // A thread that still waits for standard input is left alone.
        runtime.shutdown_background();
        done
    });
    finish(done)
}

/// Says what went wrong, if something did.
pub(crate) fn finish(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If even this cannot be written, the exit code still tells.
            let _ = writeln!(anstream::stderr(), "omemo: {failure}");
            ExitCode::FAILURE
        }
    }
}
