//! What the page of the demo shows of people, bundles, messages, sessions and servers.

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use omemo::account::SessionState;
use omemo::model::{BareJid, Bundle, Version};
use omemo::stanza::Message;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::person::Person;
use super::server::{PIECE, Server};
use crate::Failure;
use crate::page::Page;

pub(super) fn owner(page: &mut Page, person: &Person) {
    let account = person.client.account();
    page.field(
        person.name,
        format!("{}, device {}", account.jid(), account.device()),
    );
    page.indented(|page| page.field("fingerprint", account.fingerprint()));
}

pub(super) fn bundle(
    page: &mut Page,
    person: &Person,
    server: &Server,
    version: Version,
) -> Result<(), Failure> {
    let bundle = person.client.account().bundle(version)?.bundle;
    page.field(
        format!("{}'s bundle", person.name),
        format!("published at {}", server.domain),
    );
    page.indented(|page| {
        page.field("identity key", short(bundle.identity.as_bytes()));
        page.field(
            "signed pre-key",
            format!(
                "{}, id {}",
                short(bundle.signed_pre_key.as_bytes()),
                bundle.signed_pre_key_id
            ),
        );
        page.field("its signature", short(bundle.signature.as_bytes()));
        page.field("pre-keys", count_pre_keys(&bundle));
    });
    Ok(())
}

/// What became of the bundle when one of its pre-keys was used.
pub(super) fn renewal(page: &mut Page, before: &Bundle, now: &Bundle) {
    let is_gone = |id| now.pre_keys.iter().all(|entry| entry.id != id);
    let mut used = before.pre_keys.iter().map(|entry| entry.id);
    match used.find(|id| is_gone(*id)) {
        Some(used) => {
            page.field(
                "pre-key",
                format!("{used} is used up, and gone from his bundle"),
            );
            page.field("pre-keys now", count_pre_keys(now));
        }
        None => page.problem("the pre-key that was used is still in his bundle"),
    }
}

fn count_pre_keys(bundle: &Bundle) -> String {
    let ids = bundle.pre_keys.iter().map(|entry| entry.id);
    match (ids.clone().min(), ids.max()) {
        (Some(first), Some(last)) => {
            format!("{}, ids {first} to {last}", bundle.pre_keys.len())
        }
        _ => "none".to_owned(),
    }
}

/// The stanzas as both servers see them, and what is in them.
pub(super) fn stanzas(page: &mut Page, stanzas: &[String]) -> Result<(), Failure> {
    for stanza in stanzas {
        page.paragraph("Both servers see:");
        let outline = outline(stanza)?;
        page.indented(|page| page.lines(&outline));
        for element in Message::list(stanza)?.encrypted {
            for key in &element.keys {
                let bytes = BASE64.decode(&*key.text)?;
                page.indented(|page| {
                    page.field("key exchange", if key.key_exchange { "yes" } else { "no" });
                    page.field("encrypted key", sized(&bytes));
                });
            }
            let payload = element.payload.as_deref().unwrap_or_default();
            page.indented(|page| page.field("encrypted payload", sized(payload)));
        }
    }
    Ok(())
}

/// Whether any of the stanzas begins a session.
pub(super) fn has_key_exchange(stanzas: &[String]) -> Result<bool, Failure> {
    for stanza in stanzas {
        let mut elements = Message::list(stanza)?.encrypted.into_iter();
        if elements.any(|element| element.keys.iter().any(|key| key.key_exchange)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The elements of a stanza, one a line, with long texts shortened.
fn outline(stanza: &str) -> Result<String, Failure> {
    let mut reader = Reader::from_str(stanza);
    let (mut lines, mut depth) = (String::new(), 0);
    // An element whose text follows on its line.
    let mut is_open = false;
    loop {
        let event = reader.read_event()?;
        let margin = "  ".repeat(depth);
        match event {
            Event::Start(tag) => {
                let _ = write!(lines, "{}{margin}<{}>", newline(&lines), &*tag);
                depth += 1;
                is_open = true;
            }
            Event::Empty(tag) => {
                let _ = write!(lines, "{}{margin}<{}/>", newline(&lines), &*tag);
                is_open = false;
            }
            Event::Text(text) => lines.push_str(&shortened(&text)),
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                let margin = "  ".repeat(depth);
                let margin = if is_open {
                    String::new()
                } else {
                    format!("\n{margin}")
                };
                let _ = write!(lines, "{margin}</{}>", &*tag);
                is_open = false;
            }
            Event::Eof => return Ok(lines),
            _ => {}
        }
    }
}

const fn newline(lines: &str) -> &'static str {
    if lines.is_empty() { "" } else { "\n" }
}

/// What somebody reads.
pub(super) fn texts(page: &mut Page, reader: &Person, writer: &Person, texts: &[String]) {
    for text in texts {
        let label = format!("{} reads", reader.name);
        page.field(label, format!("“{text}”, from {}", writer.name));
    }
}

/// The session that somebody sends on.
pub(super) fn sessions(
    page: &mut Page,
    person: &Person,
    with: &BareJid,
    version: Version,
) -> Result<(), Failure> {
    let peers = person.client.account().peers(with)?;
    for peer in peers.iter().filter(|peer| peer.peer.version == version) {
        let mut sessions = peer.sessions.iter();
        let current = sessions.find(|session| session.state == SessionState::Current);
        if let Some(session) = current {
            page.field(
                format!("{}'s session", person.name),
                format!(
                    "number {}, turns of the other side: {}",
                    session.number, session.receiving_steps
                ),
            );
        }
    }
    Ok(())
}

/// Looks for the words in what a server saw; finding any is a problem.
pub(super) fn verdict(page: &mut Page, server: &Server, said: &[&str]) {
    if said.iter().any(|text| server.has_seen(text)) {
        page.problem(format_args!(
            "{} has seen something of what was said",
            server.domain
        ));
    } else {
        page.field(
            server.domain,
            format!(
                "saw {} bytes: nothing that was said, no {PIECE} letters of it",
                server.seen_bytes()
            ),
        );
    }
}

fn sized(bytes: &[u8]) -> String {
    format!("{} bytes: {}", bytes.len(), short(bytes))
}

/// The beginning, in base64.
fn short(bytes: &[u8]) -> String {
    shortened(&BASE64.encode(bytes))
}

fn shortened(text: &str) -> String {
    let start = text
        .char_indices()
        .nth(24)
        .and_then(|(end, _)| text.get(..end));
    start.map_or_else(|| text.to_owned(), |start| format!("{start}…"))
}
