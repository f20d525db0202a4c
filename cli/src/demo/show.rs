//! What the page of the demo shows of people, bundles, messages, sessions and servers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use omemo::account::SessionState;
use omemo::model::{BareJid, Bundle, Version};

use super::person::Person;
use super::server::{PIECE, Server, Stanza};
use crate::Failure;
use crate::page::Page;

pub(super) fn owner(page: &mut Page, person: &Person) {
    let account = &person.account;
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
    let bundle = person.account.bundle(version)?.bundle;
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

pub(super) fn stanza(page: &mut Page, stanza: &Stanza) {
    let element = &stanza.element;
    page.paragraph("Both servers see:");
    page.indented(|page| {
        page.field(
            "from",
            format!("{}, device {}", stanza.from, element.sender_device),
        );
        for key in &element.keys {
            page.field("to", format!("{}, device {}", key.account, key.device));
            page.field("key exchange", if key.key_exchange { "yes" } else { "no" });
            page.field("encrypted key", sized(&key.bytes));
        }
        let payload = element.payload.as_deref().unwrap_or_default();
        page.field("encrypted payload", sized(payload));
    });
}

/// The session that somebody sends on.
pub(super) fn sessions(
    page: &mut Page,
    person: &Person,
    with: &BareJid,
    version: Version,
) -> Result<(), Failure> {
    let peers = person.account.peers(with)?;
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
    let text = BASE64.encode(bytes);
    text.get(..24)
        .map_or_else(|| text.clone(), |start| format!("{start}…"))
}
