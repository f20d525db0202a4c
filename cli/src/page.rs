//! What a command prints: paragraphs under headings, labels and values in columns.
//!
//! A page is made first and printed when it is complete. What comes from outside is made harmless as it
//! goes in: a label in a stanza must not move somebody's cursor.

use core::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};

const HEADING: Style = Style::new().bold();
const LABEL: Style = Style::new().dimmed();
const NOTE: Style = AnsiColor::Yellow.on_default();
const PROBLEM: Style = AnsiColor::Red.on_default().bold();

/// Where values begin, whatever the indentation of their labels.
const VALUE_COLUMN: usize = 26;
/// Where prose is broken.
const WIDTH: usize = 84;

/// A page of text, with the number of problems that it tells about.
#[derive(Clone, Debug, Default)]
pub struct Page {
    text: String,
    indent: usize,
    problems: usize,
}

impl Page {
    /// A text that is printed as it is, such as JSON, and tells about so many problems.
    #[must_use]
    pub fn verbatim(text: &str, problems: usize) -> Self {
        Self {
            text: format!("{text}\n"),
            indent: 0,
            problems,
        }
    }

    /// A line above everything that follows, underlined.
    pub fn title(&mut self, title: &str) {
        let line = "=".repeat(title.chars().count());
        self.gap();
        self.styled(HEADING, title);
        self.styled(HEADING, &line);
    }

    /// A heading, with an empty line before it.
    pub fn heading(&mut self, heading: impl Display) {
        self.gap();
        self.styled(HEADING, &harmless(&heading));
    }

    /// Prose, broken into lines.
    pub fn paragraph(&mut self, text: impl Display) {
        self.wrapped(Style::new(), &harmless(&text), 0);
    }

    /// Lines as they are.
    pub fn lines(&mut self, text: &str) {
        for line in text.lines() {
            self.margin();
            self.text.push_str(&harmless(&line));
            self.text.push('\n');
        }
    }

    /// A label and a value. A value of several lines stays in its column.
    pub fn field(&mut self, label: impl Display, value: impl Display) {
        let width = VALUE_COLUMN.saturating_sub(self.indent);
        let mut label = harmless(&label);
        let value = value.to_string();
        // An empty value is a line too.
        for line in value.lines().chain(value.is_empty().then_some("")) {
            self.margin();
            let _ = write!(
                self.text,
                "{LABEL}{label:<width$}{LABEL:#} {}",
                harmless(&line)
            );
            self.text.push('\n');
            label.clear();
        }
    }

    /// Something odd that does no harm by itself.
    pub fn note(&mut self, text: impl Display) {
        self.wrapped(NOTE, &format!("note: {}", harmless(&text)), 6);
    }

    /// Something that is broken.
    pub fn problem(&mut self, text: impl Display) {
        self.problems += 1;
        self.wrapped(PROBLEM, &format!("broken: {}", harmless(&text)), 8);
    }

    /// How often [`Self::problem`] was called.
    #[must_use]
    pub const fn problems(&self) -> usize {
        self.problems
    }

    /// Writes what `inner` writes further to the right.
    pub fn indented(&mut self, inner: impl FnOnce(&mut Self)) {
        self.indent += 2;
        inner(self);
        self.indent -= 2;
    }

    /// An empty line, unless there is one, or nothing, above.
    pub fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Prints the page to standard output, in colours if that is a terminal.
    ///
    /// # Errors
    /// [`io::Error`] from writing. A reader that has gone away is none: it has seen what it wanted.
    pub fn print(&self) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        match out
            .write_all(self.text.as_bytes())
            .and_then(|()| out.flush())
        {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    fn styled(&mut self, style: Style, line: &str) {
        self.margin();
        let _ = writeln!(self.text, "{style}{line}{style:#}");
    }

    fn wrapped(&mut self, style: Style, text: &str, hanging: usize) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            let width = self.indent + line.chars().count() + 1 + word.chars().count();
            if width > WIDTH && !line.trim().is_empty() {
                self.styled(style, &line);
                line = " ".repeat(hanging);
            } else if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.styled(style, &line);
    }

    fn margin(&mut self) {
        self.text.extend(core::iter::repeat_n(' ', self.indent));
    }
}

impl Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text with everything escaped that a terminal might obey, or that hides or reorders letters.
pub(crate) fn harmless(text: &impl Display) -> String {
    let mut harmless = String::new();
    for c in text.to_string().chars() {
        match c {
            c if hides(c) => harmless.extend(c.escape_unicode()),
            c if c.is_control() => harmless.extend(c.escape_default()),
            c => harmless.push(c),
        }
    }
    harmless
}

/// Whether a character is not seen, or reorders or joins those around it.
pub(crate) const fn hides(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_reorders_letters_is_escaped() {
        let mut page = Page::default();
        page.field("label", "a\u{1b}[2Jb\u{202e}c\u{7}");
        let text = anstream::adapter::strip_str(page.to_string().as_str()).to_string();
        assert!(text.ends_with("a\\u{1b}[2Jb\\u{202e}c\\u{7}\n"), "{text:?}");
        for c in ['\u{ad}', '\u{61c}', '\u{200b}', '\u{feff}', '\u{e0041}'] {
            assert_eq!(harmless(&c), c.escape_unicode().to_string());
        }
    }

    #[test]
    fn values_are_in_one_column() {
        let mut page = Page::default();
        page.field("nothing", "");
        assert!(page.to_string().contains("nothing"));
        let mut page = Page::default();
        page.field("a", "1");
        page.indented(|page| page.field("bb", "2\n3"));
        let text = anstream::adapter::strip_str(page.to_string().as_str()).to_string();
        for (line, value) in text.lines().zip(["1", "2", "3"]) {
            assert_eq!(line.find(value), Some(VALUE_COLUMN + 1), "{line:?}");
        }
    }

    #[test]
    fn prose_is_broken_at_words() {
        let mut page = Page::default();
        page.note("word ".repeat(60));
        let text = anstream::adapter::strip_str(page.to_string().as_str()).to_string();
        assert!(text.lines().count() > 3);
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.starts_with("      word"))
        );
        assert_eq!(page.problems(), 0);
    }
}
