//! What people see of messages and keys. What others wrote is made harmless first: it must not move
//! somebody's cursor.

use std::io::Write as _;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use omemo::account::{Gap, Report, Trust};
use omemo::client::Notice;

use super::fetching::Fetched;
use crate::Failure;
use crate::messenger::{Event, Message};
use crate::page::harmless;

/// Prints a line.
///
/// # Errors
/// Nobody reads it.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    for line in text.lines() {
        writeln!(out, "{}", harmless(&line))?;
    }
    Ok(out.flush()?)
}

/// A message: who, and what. Of a file the name, or where it is if it was fetched; not the URI, which has
/// its key.
#[must_use]
pub fn message(message: &Message, fetched: &[Fetched]) -> String {
    let from = if message.is_groupchat {
        &message.from
    } else {
        message.sender.as_str()
    };
    let doubt = match message.trust {
        Trust::Verified => "",
        Trust::Blind => " (key not compared)",
        Trust::Undecided => " (key not decided about)",
        Trust::Distrusted => " (KEY NOT TRUSTED)",
    };
    let what = if message.files.is_empty() {
        message.body.clone()
    } else if fetched.is_empty() {
        let files = message.files.iter().map(|file| match file.size {
            Some(size) => format!("[file: {}, {size} bytes]", file.name),
            None => format!("[file: {}]", file.name),
        });
        files.collect::<Vec<_>>().join(" ")
    } else {
        let files = fetched.iter().map(|(file, result)| match result {
            Ok(path) => format!("[file: {}]", path.display()),
            Err(_) => format!("[file: {}, not fetched]", file.name),
        });
        files.collect::<Vec<_>>().join(" ")
    };
    format!("{from}{doubt}: {what}")
}

/// The word for what is thought of a key.
#[must_use]
pub const fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::Undecided => "undecided",
        Trust::Blind => "blind",
        Trust::Verified => "verified",
        Trust::Distrusted => "distrusted",
    }
}

/// Says on standard error which devices will not read a message.
pub fn gaps(report: &Report) {
    for (device, gap) in report.skipped() {
        let why = match gap {
            Gap::Undecided(_) => "nobody has decided about its key (omemo trust)",
            Gap::Distrusted(_) => "its key is not trusted",
            Gap::NoBundle | Gap::NoSession => "it has published no keys",
            Gap::BrokenBundle | Gap::UnusableBundle(_) => "what it has published is no good",
            Gap::IdentityChanged => "it shows another key than before",
            Gap::Silent => "it has not answered for too long",
            _ => "it speaks no version that is used here",
        };
        note(&format!(
            "not for device {} of {}: {why}",
            device.device, device.jid
        ));
    }
}

/// What is worth a line on standard error beside the messages.
pub fn aside(event: &Event) {
    match event {
        Event::Unreadable { from, reason } => {
            note(&format!("a message from {from} cannot be read: {reason}"));
        }
        Event::Plain(plain) => note(&format!("NOT ENCRYPTED, {}: {}", plain.from, plain.body)),
        Event::Notice(notice) => note(&match notice {
            Notice::NewOwnDevice(device) => format!("{notice} (device {device})"),
            Notice::Downgraded(peer) => format!("{notice} ({}, device {})", peer.jid, peer.device),
            Notice::NotPublished { node, condition } => {
                let condition = condition.as_deref().unwrap_or("no reason");
                format!("{notice} ({node}: {condition})")
            }
            Notice::OptedOut { jid, reason } => {
                format!(
                    "{notice} ({jid}: {})",
                    reason.as_deref().unwrap_or("no reason")
                )
            }
            _ => notice.to_string(),
        }),
        Event::Trouble(trouble) => note(&trouble.to_string()),
        Event::Refused { reason, .. } => note(&format!("not sent: {reason}")),
        Event::Sent { report, .. } => gaps(report),
        _ => {}
    }
}

/// A bar for a file that is uploaded, on standard error if that is a terminal.
///
/// # Errors
/// The file cannot be looked at.
pub fn progress(path: &Path) -> Result<ProgressBar, Failure> {
    let about = std::fs::metadata(path);
    let about = about.map_err(|error| format!("{}: {error}", path.display()))?;
    let style = "{bar:40} {bytes} of {total_bytes}, {eta} left";
    Ok(ProgressBar::new(about.len()).with_style(ProgressStyle::with_template(style)?))
}

/// A line on standard error.
pub fn note(text: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(anstream::stderr(), "omemo: {}", harmless(&text));
}
