//! `omemo verify`: replays test vectors against the library.
//!
//! Every `*.json` and `*.xml` file below the folders is replayed by what it says it is. A file of an
//! unknown kind, one that cannot be read and a folder without vectors are failures, as a wrong byte is:
//! nothing is passed over in silence. Two things are counted apart and never as passed: what the files
//! call lenient, and what the library has no function for. Lenient items are tried as well: they may be
//! refused or accepted, but what is accepted must be what the vector says.

mod bundle;
mod bytes;
mod capture;
mod class;
mod conversions;
mod device;
mod file;
mod fixture;
mod folder;
mod identity;
mod inbox;
mod index;
mod payload;
mod problem;
mod report;
mod rfc;
mod script;
mod sender;
mod session;
mod sheet;
mod snapshot;
mod stanza;
mod stored;
mod table;
mod transcript;
mod worked;
mod wycheproof;
mod x3dh;
mod xeddsa;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::page::harmless;

pub use report::{Failure, Report, Tally};

/// What `omemo verify` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Folders of test vectors: every .json and .xml file below them is replayed
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
}

/// Replays, and prints a table and each failure. The exit code is 1 if there is any failure.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let progress = Progress::new();
    let report = replay_with(&args.dirs, |path, done, of| progress.show(path, done, of));
    progress.clear();
    match table::write(&report, &mut anstream::stdout().lock()) {
        // A reader that has gone away has seen what it wanted.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ if report.failures().is_empty() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Replays everything below the folders.
#[must_use]
pub fn replay(dirs: &[PathBuf]) -> Report {
    replay_with(dirs, |_, _, _| ())
}

fn replay_with(dirs: &[PathBuf], tell: impl Fn(&Path, usize, usize)) -> Report {
    let mut report = Report::default();
    for dir in dirs {
        let files = match folder::vectors(dir) {
            Ok(files) => files,
            Err(problem) => {
                report.fail(dir, problem);
                continue;
            }
        };
        let mut items = 0;
        for (done, path) in files.iter().enumerate() {
            tell(path, done, files.len());
            items += report.add(path, file::replay(path));
        }
        if items == 0 {
            report.fail(dir, "there are no test vectors here".to_owned());
        }
    }
    report
}

/// A line that says which file is replayed: on a terminal only, and only when it takes long.
struct Progress {
    started: Instant,
    is_terminal: bool,
}

impl Progress {
    const PATIENCE: Duration = Duration::from_millis(700);
    const CLEAR_LINE: &str = "\r\x1b[2K";

    fn new() -> Self {
        Self {
            started: Instant::now(),
            is_terminal: io::stderr().is_terminal(),
        }
    }

    fn show(&self, path: &Path, done: usize, of: usize) {
        if self.is_late() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = harmless(&name);
            anstream::eprint!("{}{done}/{of} {name}", Self::CLEAR_LINE);
        }
    }

    fn clear(&self) {
        if self.is_late() {
            anstream::eprint!("{}", Self::CLEAR_LINE);
        }
    }

    fn is_late(&self) -> bool {
        self.is_terminal && self.started.elapsed() > Self::PATIENCE
    }
}
