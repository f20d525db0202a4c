//! What looks wrong on the account's own side.

use core::time::Duration;

use omemo::account::{BundleState, VersionSurvey};
use omemo::model::Timestamp;

use super::age::{DAY, length};
use super::case::{Case, Contact};
use super::finding::Finding;
use crate::name_of;

/// Fewer pre-keys must never be offered (XEP-0384 §5.2).
const FEWEST_PRE_KEYS: usize = 25;

/// A signed pre-key is replaced after a week; twice as old, it was not.
const SIGNED_PRE_KEY_AGE: Duration = DAY.saturating_mul(14);

/// Used pre-keys are kept for no longer.
const USED_PRE_KEY_AGE: Duration = DAY.saturating_mul(7);

/// No history takes longer to read.
const CATCH_UP: Duration = DAY.saturating_mul(2);

/// Somebody who takes over no message for so long does not run any more.
const INBOX_AGE: Duration = DAY.saturating_mul(7);

/// A clock may differ by so much.
const CLOCK: Duration = Duration::from_secs(60 * 60);

pub(super) fn findings(case: &Case, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let survey = &case.survey;
    let latest = latest(case);
    if latest.since(now) > CLOCK {
        findings.push(Finding::problem(
            "clock",
            format!(
                "the store knows of a time {} from now: the clock is wrong, or was then",
                length(latest.since(now))
            ),
        ));
    }
    let is_used = survey.versions.iter().any(is_published);
    for version in &survey.versions {
        findings.extend(of_version(version, is_used, now));
    }
    let open = survey.catch_ups.iter();
    for catch_up in open.filter(|catch_up| now.since(catch_up.since) > CATCH_UP) {
        findings.push(Finding::problem(
            "catching up",
            format!(
                "began {} ago and was never ended: used pre-keys are not wiped, nothing is rotated",
                length(now.since(catch_up.since))
            ),
        ));
    }
    for consumer in &survey.inbox {
        let age = consumer.oldest.map(|oldest| now.since(oldest));
        if let Some(age) = age.filter(|age| *age > INBOX_AGE) {
            findings.push(Finding::problem(
                format_args!("inbox of {}", consumer.name),
                format!(
                    "a message has waited for {} to be acknowledged",
                    length(age)
                ),
            ));
        }
    }
    if survey.written_since_incarnation.is_none() {
        let text = "no incarnation marker: a store that is put back from a backup is not noticed";
        findings.push(Finding::note("backups", text));
    }
    findings
}

fn of_version(side: &VersionSurvey, is_other_used: bool, now: Timestamp) -> Vec<Finding> {
    let name = name_of(side.version);
    let mut findings = Vec::new();
    let mut problem = |text: String| findings.push(Finding::problem(name, text));
    if side.offered < FEWEST_PRE_KEYS {
        problem(format!("only {} pre-keys are offered", side.offered));
    }
    let age = now.since(side.signed_pre_key_created);
    if age > SIGNED_PRE_KEY_AGE {
        problem(format!(
            "the signed pre-key is {} old: it should be replaced each week, after catching up",
            length(age)
        ));
    }
    let used = side.oldest_used.map(|used| now.since(used));
    if let Some(age) = used.filter(|age| *age > USED_PRE_KEY_AGE) {
        problem(format!("used pre-keys are kept for {}", length(age)));
    }
    if !is_published(side) && is_other_used {
        findings.push(Finding::note(name, "is not used: nothing was published"));
        return findings;
    }
    match side.bundle {
        BundleState::Unpublished => problem("the bundle was never published, or was lost".into()),
        BundleState::Outdated => {
            let text = "the bundle has changed since it was published: it is due";
            findings.push(Finding::note(name, text));
        }
        BundleState::Published => {}
    }
    if side.announced.is_none() {
        let text = "this device was never announced: nobody writes to it";
        findings.push(Finding::problem(name, text));
    }
    if side.put_back > 0 {
        let text = format!(
            "this device was missing from its list {} times",
            side.put_back
        );
        findings.push(Finding::note(name, text));
    }
    findings
}

fn is_published(side: &VersionSurvey) -> bool {
    side.bundle != BundleState::Unpublished || side.announced.is_some()
}

/// The latest time that the store knows of.
fn latest(case: &Case) -> Timestamp {
    let sides = case.survey.versions.iter();
    let own = sides.flat_map(|side| [Some(side.signed_pre_key_created), side.announced]);
    let waiting = case.survey.inbox.iter().map(|consumer| consumer.oldest);
    let catch_ups = case.survey.catch_ups.iter();
    let catch_ups = catch_ups.map(|catch_up| Some(catch_up.since));
    let contacts = case.contacts.iter().flat_map(times);
    let all = own.chain(waiting).chain(catch_ups).flatten();
    let created = case.account.created();
    all.chain(contacts).fold(created, Timestamp::max)
}

fn times(contact: &Contact) -> impl Iterator<Item = Timestamp> {
    let lists = contact.lists.iter().filter_map(|(_, seen)| *seen);
    let devices = contact.devices.iter();
    let devices = devices.flat_map(|device| [Some(device.first_seen), device.heard]);
    let sessions = contact.peers.iter().flat_map(|peer| &peer.sessions);
    lists
        .chain(devices.flatten())
        .chain(sessions.map(|session| session.created))
}
