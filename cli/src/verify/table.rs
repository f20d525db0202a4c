//! The report, printed.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::file::{INDEX, SCHEMA};
use super::{Report, Tally};
use crate::page::harmless;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();

/// Writes the table, what was not tried and why, and each failure.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let is_vector = |kind: &str| kind != INDEX && kind != SCHEMA;
    let kinds = report.kinds().iter().filter(|(kind, _)| is_vector(kind));
    let names = kinds
        .clone()
        .map(|(kind, _)| harmless(kind).chars().count());
    let width = names.max().unwrap_or(0).max("total".len());

    let bold = Style::new().bold();
    writeln!(
        out,
        "{bold}{:width$}  files   items  passed  lenient  not ours  failed{bold:#}",
        "kind"
    )?;
    let mut total = Tally::default();
    for (kind, tally) in kinds {
        row(out, kind, width, tally)?;
        total += tally;
    }
    row(out, "total", width, &total)?;
    remarks(report, &total, out)?;
    conclusion(report, out)
}

fn row(out: &mut dyn Write, kind: &str, width: usize, tally: &Tally) -> io::Result<()> {
    // It stands in a file, like what failures repeat.
    let kind = harmless(&kind);
    let style = if tally.failed > 0 { RED } else { Style::new() };
    writeln!(
        out,
        "{style}{kind:width$}  {:>5}  {:>6}  {:>6}  {:>7}  {:>8}  {:>6}{style:#}",
        grouped(tally.files),
        grouped(tally.items()),
        grouped(tally.passed),
        grouped(tally.lenient),
        grouped(tally.not_ours()),
        grouped(tally.failed)
    )
}

fn remarks(report: &Report, total: &Tally, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    if total.lenient > 0 {
        writeln!(
            out,
            "lenient: an answer and a refusal are both safe. No answer was a wrong one."
        )?;
    }
    if total.not_ours() > 0 {
        writeln!(out, "not ours: the library does not do this.")?;
    }
    for (why, count) in &total.not_ours {
        writeln!(out, "{:>7}  {why}", grouped(*count))?;
    }
    if let Some(index) = report.kinds().get(INDEX) {
        writeln!(
            out,
            "index: {} of {} files are there, byte for byte.",
            grouped(index.passed),
            grouped(index.items())
        )?;
    }
    Ok(())
}

fn conclusion(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for failure in report.failures() {
        writeln!(out, "{RED}{}{RED:#}", harmless(&failure))?;
    }
    match report.failures().len() {
        0 => writeln!(out, "{GREEN}All as the vectors say.{GREEN:#}"),
        1 => writeln!(out, "{RED}1 failure.{RED:#}"),
        count => writeln!(out, "{RED}{} failures.{RED:#}", grouped(count)),
    }
}

/// A number with its digits in groups of three.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in (1..=digits.len()).rev().zip(digits.chars()) {
        text.push(digit);
        if place % 3 == 1 && place > 1 {
            text.push(',');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::sheet::{Outcome, Sheet};
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let text = [0, 12, 123, 1234, 123_456, 1_234_567].map(grouped);
        assert_eq!(text, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }

    #[test]
    fn a_report() {
        let mut report = Report::default();
        let mut sheet = Sheet::new("ses\u{7}ion");
        sheet.test(1, Ok(Outcome::Passed));
        sheet.test(2, Ok(Outcome::Lenient));
        sheet.test(3, Ok(Outcome::NotOurs("juggling")));
        sheet.test(4, Err("expected 1, came \u{1b}[2J".to_owned()));
        report.add(Path::new("a/b.json"), sheet);
        report.add(Path::new("a/schema.json"), Sheet::new(SCHEMA));
        let mut index = Sheet::new(INDEX);
        index.add("b.json", Ok(Outcome::Passed));
        report.add(Path::new("a/index.json"), index);

        let mut out = Vec::new();
        write(&report, &mut out).unwrap();
        let text = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        assert_eq!(
            text,
            "kind         files   items  passed  lenient  not ours  failed\n\
             ses\\u{7}ion      1       4       1        1         1       1\n\
             total            1       4       1        1         1       1\n\
             \n\
             lenient: an answer and a refusal are both safe. No answer was a wrong one.\n\
             not ours: the library does not do this.\n      \
             1  juggling\n\
             index: 1 of 1 files are there, byte for byte.\n\
             a/b.json: tcId 4: expected 1, came \\u{1b}[2J\n\
             1 failure.\n"
        );
    }
}
