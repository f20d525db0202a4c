//! Options that are known, and those of other programs.

use std::ffi::OsString;

use clap::{Arg, Command};

/// A command line whose options are known wherever they stood: those of other programs, and what belongs
/// to them, come last, behind `--`. Other commands than `omemo pipe` are left as they are.
#[must_use]
pub fn sorted(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut line = line.into_iter();
    let mut known: Vec<_> = line.by_ref().take(2).collect();
    if known.get(1).is_none_or(|command| command != "pipe") {
        known.extend(line);
        return known;
    }
    let command = <super::Args as clap::Args>::augment_args(Command::new("pipe"));
    let mut others = Vec::new();
    while let Some(word) = line.next() {
        let text = word.to_string_lossy();
        if text == "--help" || text == "-h" {
            known.push(word);
        } else if let Some(takes_next) = takes_next(&command, &text) {
            known.push(word);
            known.extend(line.by_ref().take(usize::from(takes_next)));
        } else {
            others.push(word);
        }
    }
    known.push("--".into());
    known.extend(others);
    known
}

/// Whether the next word is the option's value; `None` if it is no option that is known.
fn takes_next(command: &Command, word: &str) -> Option<bool> {
    let (name, has_value) = match word.strip_prefix("--")?.split_once('=') {
        Some((name, _)) => (name, true),
        None => (word.strip_prefix("--")?, false),
    };
    let mut options = command.get_arguments();
    let option = options.find(|option| option.get_long() == Some(name))?;
    let takes_value = Arg::get_action(option).takes_values();
    Some(takes_value && !has_value)
}
