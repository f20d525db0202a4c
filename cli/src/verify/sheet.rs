//! What came out of one file.

use std::collections::BTreeMap;
use std::fmt::Display;

/// How one item ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As the vector says.
    Passed,
    /// The vector allows to refuse it and to accept it, and it did not come out as anything else.
    Lenient,
    /// Not tried: the library has no function for it. Why not.
    NotOurs(&'static str),
}

/// How one item ended; a text says what was expected and what came.
pub(super) type Checked = Result<Outcome, String>;

/// The items of one file.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// The row of the table that they belong to.
    pub(super) kind: String,
    pub(super) passed: usize,
    pub(super) lenient: usize,
    pub(super) not_ours: BTreeMap<&'static str, usize>,
    /// Which item, and what was wrong.
    pub(super) failures: Vec<(String, String)>,
}

impl Sheet {
    pub(super) fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, item: impl Display, checked: Checked) {
        match checked {
            Ok(Outcome::Passed) => self.passed += 1,
            Ok(Outcome::Lenient) => self.lenient += 1,
            Ok(Outcome::NotOurs(why)) => *self.not_ours.entry(why).or_default() += 1,
            Err(text) => self.failures.push((item.to_string(), text)),
        }
    }

    /// Adds a test by its number.
    pub(super) fn test(&mut self, tc_id: u32, checked: Checked) {
        self.add(format_args!("tcId {tc_id}"), checked);
    }

    pub(super) fn items(&self) -> usize {
        self.passed + self.lenient + self.not_ours.values().sum::<usize>() + self.failures.len()
    }
}
