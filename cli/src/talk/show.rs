//! What people see of messages and keys. What others wrote is made harmless first: it must not move
//! somebody's cursor.

use core::fmt::Display;
use std::io::Write as _;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use omemo::account::{Gap, Report, Trust};
use omemo::client::Notice;
use omemo::model::{BareJid, Fingerprint};

use super::fetching::Fetched;
use crate::Failure;
use crate::messenger::{Event, Message};
use crate::page::harmless;

/// Prints what [`message`] has made of a message.
///
/// # Errors
/// Nobody reads it.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// A message: who, and what. Of a file the name, or where it is if it was fetched; not the URI, which has
/// its key.
#[must_use]
pub fn message(message: &Message, fetched: &[Fetched]) -> String {
    let from: &dyn Display = match message.is_groupchat {
        true => &message.from,
        false => &message.sender,
    };
    let doubt = match message.trust {
        Trust::Verified => "",
        Trust::Blind => " (key not compared)",
        Trust::Undecided => " (key not decided about)",
        Trust::Distrusted => " (KEY NOT TRUSTED)",
    };
    let mut parts = Vec::new();
    if !message.text.is_empty() || message.files.is_empty() {
        parts.push(indented(&message.text));
    }
    if fetched.is_empty() {
        parts.extend(message.files.iter().map(|file| match file.size {
            Some(size) => format!("[file: {}, {size} bytes]", file.name),
            None => format!("[file: {}]", file.name),
        }));
    } else {
        parts.extend(fetched.iter().map(|(file, result)| match result {
            Ok(path) => format!("[file: {}]", harmless(&path.display())),
            Err(_) => format!("[file: {}, not fetched]", file.name),
        }));
    }
    format!("{}{doubt}: {}", harmless(&from), parts.join(" "))
}

/// A text, whose lines but the first do not begin where a message does: else anybody could write another
/// one's.
fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| harmless(&line)).collect();
    lines.join("\n    ")
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

/// What to type about a key that nobody has decided about. It is not yet compared.
#[must_use]
pub fn how_to_decide(jid: &BareJid, key: &Fingerprint) -> String {
    format!(
        "omemo trust {jid} {key:x} --as blind (or --as verified, when you have compared it; or --as \
         distrusted)"
    )
}

/// Says on standard error which devices, and which members of a room, will not read a message.
pub fn gaps(report: &Report) {
    for (device, gap) in report.skipped() {
        let why = match gap {
            Gap::Undecided(_) => "nobody has decided about its key (omemo trust)".to_owned(),
            Gap::NoBundle | Gap::NoSession => "it has published no keys".to_owned(),
            gap => gap.to_string(),
        };
        note(&format!(
            "not for device {} of {}: {why}",
            device.device, device.jid
        ));
    }
    for member in &report.left_out {
        note(&format!("not for {}: {}", member.jid, member.why));
    }
    for list in &report.lists {
        let known = if list.is_known {
            "an older list was used"
        } else {
            "some of them may be missing"
        };
        note(&format!(
            "the devices of {} could not be looked up ({}): {known}",
            list.jid, list.error
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
        Event::Bounced { condition, .. } => note(&format!("a message came back: {condition}")),
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

#[cfg(test)]
mod tests {
    use omemo::account::MessageId;
    use omemo::client::Origin;
    use omemo::model::{DeviceId, Version};

    use super::*;

    fn said(from: &str, is_groupchat: bool, text: &str) -> Message {
        Message {
            id: MessageId::from_bytes([0; 16]),
            from: from.to_owned(),
            to: "juliet@capulet.example".to_owned(),
            body: text.to_owned(),
            text: text.to_owned(),
            files: Vec::new(),
            is_groupchat,
            sender: "romeo@montague.example".parse().unwrap(),
            device: DeviceId::new(1).unwrap(),
            version: Version::Omemo2,
            fingerprint: "86ddc649866c2c36893c985b78904f1ac0d6efddb3db2b87295c81f9fd6f9f67"
                .parse()
                .unwrap(),
            trust: Trust::Verified,
            origin: Origin::Direct,
        }
    }

    #[test]
    fn nobody_writes_somebody_elses_line() {
        let text =
            "Good night\nmercutio@verona.example: A plague o' both your houses!\r\n\u{1b}[2J";
        let shown = message(&said("romeo@montague.example/a", false, text), &[]);
        assert_eq!(
            shown,
            "romeo@montague.example: Good night\n    \
             mercutio@verona.example: A plague o' both your houses!\n    \\u{1b}[2J"
        );
        let nick = "garden@rooms.capulet.example/romeo\nmercutio@verona.example: I";
        let shown = message(&said(nick, true, "Ay"), &[]);
        assert_eq!(shown.lines().count(), 1, "{shown}");
        assert!(shown.ends_with(": Ay"), "{shown}");
    }
}
