//! The report, printed.

use anstyle::{AnsiColor, Style};

use super::{Report, Tally};

/// Prints the table, what was not tried and why, and each failure.
pub(super) fn print(report: &Report) {
    let bold = Style::new().bold();
    let names = report.kinds().keys().map(String::len);
    let width = names.max().unwrap_or(0).max("total".len());
    anstream::println!(
        "{bold}{:width$}  files   items  passed  lenient  not ours  failed{bold:#}",
        "kind"
    );
    let mut total = Tally::default();
    for (kind, tally) in report.kinds() {
        row(kind, width, tally);
        total.files += tally.files;
        total.passed += tally.passed;
        total.lenient += tally.lenient;
        total.failed += tally.failed;
        for (why, count) in &tally.not_ours {
            *total.not_ours.entry(why).or_default() += count;
        }
    }
    row("total", width, &total);

    for (why, count) in &total.not_ours {
        anstream::println!("not ours: {count:4}  {why}");
    }
    let red = AnsiColor::Red.on_default().bold();
    for failure in report.failures() {
        anstream::println!("{red}failed:{red:#} {failure}");
    }
    if report.failures().is_empty() {
        let green = AnsiColor::Green.on_default();
        anstream::println!("{green}all as the vectors say{green:#}");
    } else {
        anstream::println!("{red}{} failed{red:#}", report.failures().len());
    }
}

fn row(kind: &str, width: usize, tally: &Tally) {
    let style = if tally.failed > 0 {
        AnsiColor::Red.on_default()
    } else {
        Style::new()
    };
    anstream::println!(
        "{style}{kind:width$}  {:5}  {:6}  {:6}  {:7}  {:8}  {:6}{style:#}",
        tally.files,
        tally.items(),
        tally.passed,
        tally.lenient,
        tally.not_ours(),
        tally.failed
    );
}
