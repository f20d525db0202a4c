//! What people see of messages and keys. What others wrote is made harmless first: it must not move
//! somebody's cursor.

use std::io::Write as _;

use omemo::account::{Gap, Report, Trust};
use omemo::client::Notice;

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

/// A message: who, and what.
#[must_use]
pub fn message(message: &Message) -> String {
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
    format!("{from}{doubt}: {}", message.body)
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
            note(&format!("a message from {from} cannot be read: {reason:?}"));
        }
        Event::Plain(plain) => note(&format!("NOT ENCRYPTED, {}: {}", plain.from, plain.body)),
        Event::Notice(Notice::NewOwnDevice(device)) => note(&format!(
            "this account has a new device, {device}: if it is not yours, somebody else's"
        )),
        Event::Notice(notice) => note(&format!("{notice:?}")),
        Event::Refused { reason, .. } => note(&format!("not sent: {reason}")),
        Event::Sent { report, .. } => gaps(report),
        _ => {}
    }
}

/// A line on standard error.
pub fn note(text: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(anstream::stderr(), "omemo: {}", harmless(&text));
}
