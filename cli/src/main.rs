//! `omemo`: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    omemo_cli::run()
}
