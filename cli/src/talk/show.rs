//! What people see of messages and keys. What others wrote is made harmless first: it must not move
//! somebody's cursor.

use std::io::Write as _;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use omemo::account::{ChangedIdentity, Gap, Report, Trust};
use omemo::client::Notice;
use omemo::model::{BareJid, Fingerprint, Timestamp};

use super::fetching::Fetched;
use crate::Failure;
use crate::messenger::{Event, Message, References};
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

/// A message: who, and what. In a room the nickname, and the account that the key proves: anybody can take a
/// nickname. Of a file the name, or where it is if it was fetched; not the URI, which has
/// its key.
#[must_use]
pub fn message(message: &Message, fetched: &[Fetched]) -> String {
    let from = match message.is_groupchat {
        true => format!("{} ({})", message.from, message.sender),
        false => message.sender.to_string(),
    };
    let doubt = match message.trust {
        Trust::Verified => "",
        Trust::Blind => " (key not compared)",
        Trust::Undecided => " (key not decided about)",
        Trust::Distrusted => " (KEY NOT TRUSTED)",
    };
    let mut parts = marks(&message.references);
    let is_reaction = message.references.is_reaction();
    if !message.text.is_empty() || message.files.is_empty() && !is_reaction {
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

/// What a message says about others, in words. Ids mean nothing to people.
fn marks(references: &References) -> Vec<String> {
    let mut marks = Vec::new();
    if references.corrects.is_some() {
        marks.push("[correction]".to_owned());
    }
    if references.answers.is_some() {
        marks.push("[reply]".to_owned());
    }
    if let Some(reaction) = &references.reacts {
        marks.push(match reaction.reactions.is_empty() {
            true => "[takes back a reaction]".to_owned(),
            false => {
                let reactions = reaction.reactions.join(" ");
                format!("[reacts with {}]", harmless(&reactions))
            }
        });
    }
    marks
}

/// A text, whose lines but the first do not begin where a message does: else anybody could write another
/// one's.
fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| harmless(&line)).collect();
    lines.join("\n    ")
}

/// The word for the trust in a key.
#[must_use]
pub const fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::Undecided => "undecided",
        Trust::Blind => "blind",
        Trust::Verified => "verified",
        Trust::Distrusted => "distrusted",
    }
}

/// The command that decides about a key.
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

/// Says that a device shows another key than before.
pub fn changed(identity: &ChangedIdentity) {
    note(&format!(
        "device {} of {} shows another key than before: it was set up anew, or somebody pretends that. Ask, \
         then: {}",
        identity.device,
        identity.jid,
        how_to_decide(&identity.jid, &identity.shown)
    ));
}

/// Prints an event other than a message on standard error, if people should see it.
pub fn aside(event: &Event) {
    match event {
        Event::Unreadable(what) => {
            note(&format!(
                "a message from {} cannot be read: {}",
                what.from, what.reason
            ));
        }
        Event::PutBackAt(at) => note(&put_back(*at)),
        Event::Plain(plain) => note(&format!("NOT ENCRYPTED, {}: {}", plain.from, plain.body)),
        Event::Notice(notice) => note(&self::notice(notice)),
        Event::Bounced { condition, .. } => note(&format!("a message came back: {condition}")),
        Event::Trouble(trouble) => note(&trouble.to_string()),
        Event::Refused { reason, .. } => note(&format!("not sent: {reason}")),
        Event::Sent { report, .. } => gaps(report),
        _ => {}
    }
}

/// A notice with the names and numbers in it.
#[must_use]
pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::NewOwnDevice(device) => format!("{notice} (device {device})"),
        Notice::Evicted { messages } => format!("{notice} ({messages})"),
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
    }
}

/// That this device waits before it is on its list again, and until when.
#[must_use]
pub fn put_back(at: Timestamp) -> String {
    format!(
        "this device was taken off the account's device list; waiting until {} to put itself back",
        time(at)
    )
}

/// A time for people: the date and the time of UTC.
#[must_use]
pub fn time(at: Timestamp) -> String {
    let seconds = at.as_millis() / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March of the year 0, by which leap days come last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..=9 => (year + era * 400, month + 3),
        _ => (year + era * 400 + 1, month - 9),
    };
    let (hour, minute) = (rest / 3600, rest / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
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
            references: References::default(),
            are_references_authenticated: true,
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

    #[test]
    fn a_nickname_stands_beside_who_wrote_it() {
        let shown = message(
            &said("garden@rooms.capulet.example/tybalt", true, "Ay"),
            &[],
        );
        assert_eq!(
            shown,
            "garden@rooms.capulet.example/tybalt (romeo@montague.example): Ay"
        );
    }

    #[test]
    fn corrections_replies_and_reactions_are_marked() {
        let shown = |elements: &str, text: &str| {
            let mut said = said("romeo@montague.example/a", false, text);
            said.references = References::read(&format!("<message>{elements}</message>"));
            message(&said, &[])
        };
        let correction = "<replace xmlns='urn:xmpp:message-correct:0' id='a'/>";
        let reply = "<reply xmlns='urn:xmpp:reply:0' id='b'/>";
        let reactions = "<reactions xmlns='urn:xmpp:reactions:0' id='c'><reaction>+\u{202e}</reaction>\
             </reactions>";
        let from = "romeo@montague.example:";
        assert_eq!(shown(correction, "Ay"), format!("{from} [correction] Ay"));
        assert_eq!(shown(reply, "Ay"), format!("{from} [reply] Ay"));
        assert_eq!(
            shown(reactions, ""),
            format!("{from} [reacts with +\\u{{202e}}]")
        );
        let none = "<reactions xmlns='urn:xmpp:reactions:0' id='c'/>";
        assert_eq!(shown(none, ""), format!("{from} [takes back a reaction]"));
    }

    #[test]
    fn times_are_dates_of_utc() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(time(Timestamp::from_millis(seconds * 1000)), shown);
        }
    }
}
