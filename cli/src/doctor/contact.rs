//! What looks wrong about a contact and its devices.

use core::time::Duration;
use std::collections::BTreeMap;

use omemo::account::{ConversationState, DeviceInfo, PeerSurvey, SessionState, Trust};
use omemo::model::Timestamp;

use super::age::{DAY, ago, length};
use super::case::{Contact, is_listed};
use super::finding::Finding;
use crate::name_of;

/// A device that has not answered so many messages is silent.
const UNANSWERED: u32 = 1000;

/// A device that was not heard for so long is most likely forgotten.
const SILENT: Duration = DAY.saturating_mul(90);

/// An empty message goes out at once; one that waits for so long is never sent.
const OWED: Duration = DAY.saturating_mul(7);

/// So many messages have to fail before a session counts as broken.
const FAILED: usize = 3;

/// That many lost messages are no accident.
const SKIPPED: u32 = 1000;

pub(super) fn findings(contact: &Contact, now: Timestamp) -> Vec<Finding> {
    let mut findings = shared_keys(contact);
    for device in &contact.devices {
        let about = format!("{}, device {}", contact.jid, device.id);
        let of_key = key(contact, device).map(|finding| finding(&about));
        let of_silence = silence(contact, device, now).map(|text| Finding::problem(&about, text));
        findings.extend(of_key.into_iter().chain(of_silence));
        for peer in contact.peers_of(device) {
            let about = format!("{about}, {}", name_of(peer.peer.version));
            findings.extend(of_peer(&about, peer, now));
        }
    }
    findings
}

/// Devices on the list that show the same key.
fn shared_keys(contact: &Contact) -> Vec<Finding> {
    let mut by_key: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for device in contact.devices.iter().filter(|device| is_listed(device)) {
        if let Some(key) = device.fingerprint {
            let devices = by_key.entry(*key.as_bytes()).or_default();
            devices.push(device.id.to_string());
        }
    }
    let shared = by_key.into_values().filter(|devices| devices.len() > 1);
    let finding = |devices: Vec<String>| {
        let text = format!("devices {} show one key", devices.join(", "));
        match contact.is_own {
            // An identity may be carried to another device.
            true => Finding::note(&contact.jid, text),
            false => Finding::problem(&contact.jid, text),
        }
    };
    shared.map(finding).collect()
}

/// What is wrong with a device's key, about whatever it is.
fn key(contact: &Contact, device: &DeviceInfo) -> Option<impl FnOnce(&str) -> Finding> {
    let has_session = device
        .versions
        .iter()
        .any(|(_, version)| version.has_session);
    let is_plain = matches!(contact.conversation, ConversationState::Plain);
    let (is_problem, text) = match contact.trust(device) {
        Some(Trust::Distrusted) if has_session => (
            true,
            "its key is not trusted, and there is a session: reset it",
        ),
        Some(Trust::Undecided) if is_listed(device) => (
            true,
            "nobody has decided whether to trust its key: nothing is encrypted for it",
        ),
        None if is_listed(device) => (
            !is_plain && !contact.is_own,
            "is on the device list, and has shown no key: no bundle was fetched, or there is none",
        ),
        _ => return None,
    };
    Some(move |about: &str| match is_problem {
        true => Finding::problem(about, text),
        false => Finding::note(about, text),
    })
}

/// What is said of a device that is written to and never heard.
fn silence(contact: &Contact, device: &DeviceInfo, now: Timestamp) -> Option<String> {
    let sessions = contact.peers_of(device).flat_map(|peer| &peer.sessions);
    let mut current = sessions.filter(|session| session.state == SessionState::Current);
    let since = device
        .heard
        .or(current.next().map(|session| session.created))?;
    let is_silent = is_listed(device) && now.since(since) > SILENT;
    is_silent.then(|| format!("has been silent for {}", length(now.since(since))))
}

fn of_peer(about: &str, peer: &PeerSurvey, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    for session in &peer.sessions {
        if session.state == SessionState::Current && session.sent >= UNANSWERED {
            let text = format!("has not answered the last {} messages", session.sent);
            findings.push(Finding::problem(about, text));
        }
        if session.skipped >= SKIPPED {
            let text = format!("{} messages of it are missing", session.skipped);
            findings.push(Finding::note(about, text));
        }
    }
    if peer.no_session || peer.failed >= FAILED {
        let what = match peer.no_session {
            true => "has written on a session that is not there",
            false => "its messages cannot be read",
        };
        let when = match peer.no_repair_before.filter(|time| *time > now) {
            Some(time) => format!("no repair before {}", ago(time, now)),
            None => "a new session is due, if the contact is accepted".to_owned(),
        };
        findings.push(Finding::problem(about, format!("{what}: {when}")));
    } else if peer.failed > 0 {
        let text = format!("{} of its messages could not be read", peer.failed);
        findings.push(Finding::note(about, text));
    }
    let owed = peer.owed_since.map(|since| now.since(since));
    if let Some(age) = owed.filter(|age| *age > OWED) {
        let text = format!("has been owed an empty message for {}", length(age));
        findings.push(Finding::note(about, text));
    }
    findings
}
