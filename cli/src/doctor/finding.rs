//! Something that looks wrong, or odd.

use core::fmt::Display;

/// Something that was found.
pub(super) struct Finding {
    pub(super) is_problem: bool,
    /// What it is about: an address, a device, a version.
    pub(super) about: String,
    pub(super) text: String,
}

impl Finding {
    /// Something that is wrong, and what to do about it.
    pub(super) fn problem(about: impl Display, text: impl Into<String>) -> Self {
        Self {
            is_problem: true,
            about: about.to_string(),
            text: text.into(),
        }
    }

    /// Something that may be meant.
    pub(super) fn note(about: impl Display, text: impl Into<String>) -> Self {
        Self {
            is_problem: false,
            about: about.to_string(),
            text: text.into(),
        }
    }
}
