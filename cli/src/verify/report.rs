//! What came out of all files.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use super::sheet::Sheet;

/// What a replay found, counted for each kind of vector.
#[derive(Clone, Debug, Default)]
pub struct Report {
    kinds: BTreeMap<String, Tally>,
    failures: Vec<Failure>,
}

/// The counts of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files.
    pub files: usize,
    /// Items that came out as the vectors say.
    pub passed: usize,
    /// Items of which the vectors allow to refuse them and to accept them.
    pub lenient: usize,
    /// Items that were not tried because the library has no function for them, by reason.
    pub not_ours: BTreeMap<&'static str, usize>,
    /// Items that came out otherwise, and files that could not be replayed.
    pub failed: usize,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The file, or the folder.
    pub path: PathBuf,
    /// Which item of the file; empty when it is the file as a whole.
    pub item: String,
    /// What was expected, and what came.
    pub text: String,
}

impl Report {
    /// The counts by kind, `index` and `schema` among them. A file that could not be replayed is counted
    /// where it says it belongs, or under `unknown`.
    #[must_use]
    pub const fn kinds(&self) -> &BTreeMap<String, Tally> {
        &self.kinds
    }

    /// All failures, in the order of the files.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Adds what came out of a file; the number of its items.
    pub(super) fn add(&mut self, path: &Path, sheet: Sheet) -> usize {
        let items = sheet.items();
        *self.kinds.entry(sheet.kind).or_default() += &Tally {
            files: 1,
            passed: sheet.passed,
            lenient: sheet.lenient,
            not_ours: sheet.not_ours,
            failed: sheet.failures.len(),
        };
        self.failures
            .extend(sheet.failures.into_iter().map(|(item, text)| Failure {
                path: path.to_owned(),
                item,
                text,
            }));
        items
    }

    /// Adds a failure that belongs to no file.
    pub(super) fn fail(&mut self, path: &Path, text: String) {
        self.failures.push(Failure {
            path: path.to_owned(),
            item: String::new(),
            text,
        });
    }
}

impl Tally {
    /// How many items the library has no function for.
    #[must_use]
    pub fn not_ours(&self) -> usize {
        self.not_ours.values().sum()
    }

    /// All items.
    #[must_use]
    pub fn items(&self) -> usize {
        self.passed + self.lenient + self.not_ours() + self.failed
    }
}

impl AddAssign<&Self> for Tally {
    fn add_assign(&mut self, other: &Self) {
        self.files += other.files;
        self.passed += other.passed;
        self.lenient += other.lenient;
        self.failed += other.failed;
        for (why, count) in &other.not_ours {
            *self.not_ours.entry(why).or_default() += count;
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        if !self.item.is_empty() {
            write!(f, "{}: ", self.item)?;
        }
        f.write_str(&self.text)
    }
}
