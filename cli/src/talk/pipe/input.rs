//! The lines of a program, also of a time when nothing can be done about them.

use std::collections::VecDeque;
use std::io;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

/// So many lines are kept while there is no server.
const MAX_KEPT: usize = 1000;

/// Standard input.
pub(super) struct Input {
    lines: Lines<BufReader<Stdin>>,
    kept: VecDeque<String>,
    is_ended: bool,
}

impl Input {
    pub(super) fn new() -> Self {
        Self {
            lines: BufReader::new(tokio::io::stdin()).lines(),
            kept: VecDeque::new(),
            is_ended: false,
        }
    }

    /// Reads a line and keeps it, if there is another. Nothing is lost if the caller stops waiting.
    pub(super) async fn read(&mut self) -> io::Result<()> {
        match self.lines.next_line().await? {
            Some(line) if line.trim().is_empty() => {}
            Some(line) => self.kept.push_back(line),
            None => self.is_ended = true,
        }
        Ok(())
    }

    /// Whether there may be more, and room for it.
    pub(super) fn is_readable(&self) -> bool {
        !self.is_ended && self.kept.len() < MAX_KEPT
    }

    /// A line that is kept.
    pub(super) fn take(&mut self) -> Option<String> {
        self.kept.pop_front()
    }

    /// The line that came last.
    pub(super) fn last(&self) -> Option<&str> {
        self.kept.back().map(String::as_str)
    }

    /// Whether there will be no other line, beside those that are kept.
    pub(super) const fn is_ended(&self) -> bool {
        self.is_ended
    }
}
