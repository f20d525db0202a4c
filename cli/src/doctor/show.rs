//! A case on a page.

use omemo::account::{
    BundleState, ConsumerSurvey, ConversationState, DeviceInfo, Order, PeerSurvey, SessionState,
    SessionSurvey, Trust, VersionSurvey,
};
use omemo::model::Timestamp;

use super::age::{ago, length};
use super::case::{Case, Contact};
use crate::name_of;
use crate::page::Page;

pub(super) fn case(page: &mut Page, case: &Case, now: Timestamp) {
    let (account, survey) = (&case.account, &case.survey);
    page.title(account.jid().as_str());
    page.field("device", account.device());
    page.field("fingerprint", account.fingerprint());
    page.field("made", ago(account.created(), now));
    for catch_up in &survey.catch_ups {
        let order = match catch_up.order {
            Order::OldestFirst => "oldest first",
            Order::NewestFirst => "newest first",
        };
        page.field(
            "catching up",
            format!("{order}, since {}", ago(catch_up.since, now)),
        );
    }
    page.field(
        "incarnation marker",
        match survey.written_since_incarnation {
            None => "none".to_owned(),
            Some(count) => format!("the store was written {count} times since"),
        },
    );
    for consumer in &survey.inbox {
        page.field(format!("inbox, {}", consumer.name), waiting(consumer, now));
    }
    for side in &survey.versions {
        page.heading(name_of(side.version));
        version(page, side, now);
    }
    for contact in &case.contacts {
        page.heading(&contact.jid);
        self::contact(page, contact, now);
    }
    page.heading("What looks wrong");
    if case.findings.is_empty() {
        page.paragraph("Nothing.");
    }
    for finding in &case.findings {
        let text = format!("{}: {}", finding.about, finding.text);
        match finding.is_problem {
            true => page.problem(text),
            false => page.note(text),
        }
    }
}

fn waiting(consumer: &ConsumerSurvey, now: Timestamp) -> String {
    match consumer.oldest {
        None => "nothing waits".to_owned(),
        Some(oldest) => format!(
            "{} messages of {} bytes wait, the oldest was read {}",
            consumer.messages,
            consumer.bytes,
            ago(oldest, now)
        ),
    }
}

fn version(page: &mut Page, side: &VersionSurvey, now: Timestamp) {
    page.field(
        "bundle",
        match side.bundle {
            BundleState::Unpublished => "not published",
            BundleState::Outdated => "changed since it was published",
            BundleState::Published => "published",
        },
    );
    let announced = side.announced.map(|at| ago(at, now));
    page.field("announced", announced.as_deref().unwrap_or("never"));
    page.field("pre-keys", format!("{} offered", side.offered));
    if let Some(oldest) = side.oldest_used {
        page.field(
            "used pre-keys",
            format!(
                "{} kept, the first was used {}",
                side.used,
                ago(oldest, now)
            ),
        );
    }
    page.field(
        "signed pre-key",
        format!(
            "id {}, made {}; {} older ones kept",
            side.signed_pre_key,
            ago(side.signed_pre_key_created, now),
            side.old_signed_pre_keys
        ),
    );
}

fn contact(page: &mut Page, contact: &Contact, now: Timestamp) {
    if !contact.is_own {
        page.field("accepted", if contact.accepted { "yes" } else { "no" });
        page.field("conversation", conversation(&contact.conversation, now));
    }
    for (version, seen) in contact.lists.iter() {
        let seen = seen.map(|at| format!("as it is since {}", ago(at, now)));
        let label = format!("list, {}", name_of(version));
        page.field(label, seen.as_deref().unwrap_or("never seen"));
    }
    for device in &contact.devices {
        page.field("device", device.id);
        page.indented(|page| self::device(page, contact, device, now));
    }
    let is_shown = |key| contact.devices.iter().any(|d| d.fingerprint == Some(key));
    for key in contact.keys.iter().filter(|key| !is_shown(key.fingerprint)) {
        page.field("key of no device", key.fingerprint);
        page.indented(|page| page.field("trust", name_of_trust(key.trust)));
    }
}

fn conversation(state: &ConversationState, now: Timestamp) -> String {
    match state {
        ConversationState::Plain => "nothing encrypted yet".to_owned(),
        ConversationState::Encrypted { since, last } => {
            format!(
                "encrypted: first {}, last {}",
                ago(*since, now),
                ago(*last, now)
            )
        }
        ConversationState::OptedOut { ours, at, .. } => {
            let who = if *ours { "this side" } else { "the other side" };
            format!("{who} has ended encryption {}", ago(*at, now))
        }
    }
}

fn device(page: &mut Page, contact: &Contact, device: &DeviceInfo, now: Timestamp) {
    let listed = device.versions.iter().filter(|(_, version)| version.listed);
    let listed: Vec<_> = listed.map(|(version, _)| name_of(version)).collect();
    page.field(
        "on the list of",
        match listed.is_empty() {
            true => "none".to_owned(),
            false => listed.join(", "),
        },
    );
    let mut labels = device.versions.iter();
    if let Some(label) = labels.find_map(|(_, version)| version.label.as_deref()) {
        page.field("label", format!("“{label}”"));
    }
    match device.fingerprint {
        Some(fingerprint) => page.field("fingerprint", fingerprint),
        None => page.field("fingerprint", "not seen"),
    }
    if let Some(trust) = contact.trust(device) {
        page.field("trust", name_of_trust(trust));
    }
    page.field("first seen", ago(device.first_seen, now));
    let heard = device.heard.map(|at| ago(at, now));
    page.field("heard", heard.as_deref().unwrap_or("never"));
    for peer in contact.peers_of(device) {
        self::peer(page, peer, now);
    }
}

fn peer(page: &mut Page, peer: &PeerSurvey, now: Timestamp) {
    let name = name_of(peer.peer.version);
    for session in &peer.sessions {
        page.field(name, self::session(session, now));
    }
    if let Some(since) = peer.owed_since {
        page.field(
            name,
            format!("an empty message is owed since {}", ago(since, now)),
        );
    }
    if peer.failed > 0 || peer.no_session || peer.repairs > 0 {
        let next = peer.no_repair_before.filter(|time| *time > now);
        let next = next.map(|time| format!(", none before {} from now", length(time.since(now))));
        page.field(
            name,
            format!(
                "{} messages not read, {} repairs{}",
                peer.failed,
                peer.repairs,
                next.unwrap_or_default()
            ),
        );
    }
}

fn session(session: &SessionSurvey, now: Timestamp) -> String {
    let state = match session.state {
        SessionState::Current => "current".to_owned(),
        SessionState::Old { since } => format!("replaced {}", ago(since, now)),
        SessionState::ReceiveOnly => "only read from".to_owned(),
    };
    format!(
        "session {}, {state}: started by {} {}, {}\n\
         {} sent since the last answer, {} turns of the other side, {} skipped keys",
        session.number,
        if session.initiated {
            "this device"
        } else {
            "it"
        },
        ago(session.created, now),
        if session.answered {
            "answered"
        } else {
            "not answered"
        },
        session.sent,
        session.receiving_steps,
        session.skipped,
    )
}

pub(super) const fn name_of_trust(trust: Trust) -> &'static str {
    match trust {
        Trust::Undecided => "undecided",
        Trust::Blind => "blind",
        Trust::Verified => "verified",
        Trust::Distrusted => "distrusted",
    }
}
