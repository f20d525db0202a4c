//! Cases as JSON. Times are milliseconds since 1970.

use omemo::account::{
    BundleState, CatchUp, ConsumerSurvey, ConversationState, DeviceInfo, Order, PeerSurvey,
    SessionState, SessionSurvey, VersionSurvey,
};
use omemo::model::{PerVersion, Timestamp, Version};
use serde_json::{Map, Value, json};

use super::case::{Case, Contact};
use super::show::name_of_trust;
use crate::page::Page;

pub(super) fn page(cases: &[Case], now: Timestamp) -> Page {
    let findings = cases.iter().flat_map(|case| &case.findings);
    let problems = findings.filter(|finding| finding.is_problem).count();
    let value = json!({
        "now": now.as_millis(),
        "problems": problems,
        "accounts": cases.iter().map(case).collect::<Vec<_>>(),
    });
    Page::verbatim(&in_ascii(&format!("{value:#}")), problems)
}

/// What is not ASCII, escaped: labels come from others, and are printed on terminals.
fn in_ascii(json: &str) -> String {
    let mut escaped = String::new();
    for c in json.chars() {
        if c == '\n' || (' '..='~').contains(&c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}

fn case(case: &Case) -> Value {
    let (account, survey) = (&case.account, &case.survey);
    let findings = case.findings.iter().map(|finding| {
        json!({
            "severity": if finding.is_problem { "problem" } else { "note" },
            "about": finding.about,
            "text": finding.text,
        })
    });
    json!({
        "jid": account.jid().as_str(),
        "device": account.device().get(),
        "fingerprint": account.fingerprint().to_string(),
        "created": account.created().as_millis(),
        "catch_ups": survey.catch_ups.iter().map(catch_up).collect::<Vec<_>>(),
        "written_since_incarnation": survey.written_since_incarnation,
        "inbox": survey.inbox.iter().map(consumer).collect::<Vec<_>>(),
        "versions": survey.versions.iter().map(version).collect::<Map<_, _>>(),
        "contacts": case.contacts.iter().map(contact).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn catch_up(catch_up: &CatchUp) -> Value {
    json!({
        "since": catch_up.since.as_millis(),
        "order": match catch_up.order {
            Order::OldestFirst => "oldest-first",
            Order::NewestFirst => "newest-first",
        },
    })
}

fn consumer(consumer: &ConsumerSurvey) -> Value {
    json!({
        "name": consumer.name,
        "messages": consumer.messages,
        "bytes": consumer.bytes,
        "oldest": millis(consumer.oldest),
    })
}

fn version(side: &VersionSurvey) -> (String, Value) {
    let value = json!({
        "offered": side.offered,
        "used": side.used,
        "oldest_used": millis(side.oldest_used),
        "signed_pre_key": side.signed_pre_key.get(),
        "signed_pre_key_created": side.signed_pre_key_created.as_millis(),
        "old_signed_pre_keys": side.old_signed_pre_keys,
        "bundle": match side.bundle {
            BundleState::Unpublished => "unpublished",
            BundleState::Outdated => "outdated",
            BundleState::Published => "published",
        },
        "announced": millis(side.announced),
        "put_back": side.put_back,
    });
    (side.version.namespace().to_owned(), value)
}

fn contact(contact: &Contact) -> Value {
    let keys = contact.keys.iter().map(|key| {
        json!({
            "fingerprint": key.fingerprint.to_string(),
            "trust": name_of_trust(key.trust),
            "first_seen": key.first_seen.as_millis(),
            "decided": millis(key.decided),
        })
    });
    json!({
        "jid": contact.jid.as_str(),
        "accepted": contact.accepted,
        "conversation": conversation(&contact.conversation),
        "lists_seen": by_namespace(&contact.lists, |seen| json!(millis(*seen))),
        "devices": contact.devices.iter().map(device).collect::<Vec<_>>(),
        "keys": keys.collect::<Vec<_>>(),
        "sessions": contact.peers.iter().map(peer).collect::<Vec<_>>(),
    })
}

fn conversation(state: &ConversationState) -> Value {
    match state {
        ConversationState::Plain => json!({ "state": "plain" }),
        ConversationState::Encrypted { since, last } => json!({
            "state": "encrypted",
            "since": since.as_millis(),
            "last": last.as_millis(),
        }),
        ConversationState::OptedOut { ours, reason, at } => json!({
            "state": "opted-out",
            "ours": ours,
            "reason": reason,
            "at": at.as_millis(),
        }),
    }
}

fn device(device: &DeviceInfo) -> Value {
    let versions = by_namespace(&device.versions, |version| {
        json!({
            "listed": version.listed,
            "listed_changed": millis(version.listed_changed),
            "label": version.label,
            "speaks": version.speaks,
        })
    });
    json!({
        "id": device.id.get(),
        "fingerprint": device.fingerprint.map(|key| key.to_string()),
        "first_seen": device.first_seen.as_millis(),
        "heard": millis(device.heard),
        "versions": versions,
    })
}

fn peer(peer: &PeerSurvey) -> Value {
    json!({
        "device": peer.peer.device.get(),
        "version": peer.peer.version.namespace(),
        "sessions": peer.sessions.iter().map(session).collect::<Vec<_>>(),
        "owed_since": millis(peer.owed_since),
        "failed": peer.failed,
        "no_session": peer.no_session,
        "repairs": peer.repairs,
        "no_repair_before": millis(peer.no_repair_before),
    })
}

fn session(session: &SessionSurvey) -> Value {
    let (state, replaced) = match session.state {
        SessionState::Current => ("current", None),
        SessionState::Old { since } => ("old", Some(since)),
        SessionState::ReceiveOnly => ("receive-only", None),
    };
    json!({
        "number": session.number,
        "state": state,
        "replaced": millis(replaced),
        "initiated": session.initiated,
        "created": session.created.as_millis(),
        "answered": session.answered,
        "sent": session.sent,
        "receiving_steps": session.receiving_steps,
        "skipped": session.skipped,
    })
}

fn by_namespace<T>(versions: &PerVersion<T>, value: impl Fn(&T) -> Value) -> Value {
    let name = |version: Version| version.namespace().to_owned();
    let values = versions.iter();
    values
        .map(|(version, of)| (name(version), value(of)))
        .collect()
}

fn millis(time: Option<Timestamp>) -> Option<u64> {
    time.map(Timestamp::as_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_is_escaped_and_read_back() {
        let text = "a\u{7f}\u{9b}2J\u{202e}\u{1f600}\u{1b}";
        let json = in_ascii(&json!({ "label": text }).to_string());
        assert!(json.chars().all(|c| (' '..='~').contains(&c)), "{json}");
        let read: Value = serde_json::from_str(&json).unwrap_or_default();
        assert_eq!(read["label"], text);
    }
}
