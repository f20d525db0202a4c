//! The table: an entry for each resource that was pushed, answered, or asked for in vain.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use super::Resource;
use crate::account::{FailedLookup, LookupError, Peer};
use crate::model::{BareJid, DeviceId, Timestamp, Version};

/// What is known of each resource, in memory.
#[derive(Debug, Default)]
pub(in crate::client) struct Table {
    entries: BTreeMap<Resource, Entry>,
    /// The stream that there is, or was last.
    stream: u64,
    /// When entries of bundles are forgotten.
    expiry: BTreeSet<(Timestamp, Peer)>,
    /// How often the bundles of an account were asked for lately.
    rounds: BTreeMap<BareJid, Rounds>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    seen: Option<Seen>,
    failed: Option<FailedLookup>,
    /// How often there was nothing, one time after the other.
    absences: u32,
    /// The user tries again: pauses do not count.
    is_urgent: bool,
    /// When something came that is not in line with it.
    disputed: Option<Timestamp>,
    /// That was after it was seen last.
    is_disputed: bool,
    expires: Option<Timestamp>,
}

/// The last push or answer.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Timestamp,
    stream: u64,
    is_absent: bool,
}

/// The times at which bundles of an account were asked for.
#[derive(Clone, Copy, Debug)]
struct Rounds {
    since: Timestamp,
    last: Timestamp,
    count: u32,
}

/// What the table says of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It was seen on this stream, and is not old.
    Fresh,
    /// There was nothing a moment ago.
    Absent,
    /// The last lookup has failed, and the next one is not due yet.
    Paused(LookupError),
    /// It is to be asked for. The last lookup has failed, if there is an error.
    Due(Option<LookupError>),
}

/// The pause after the first answer that there is nothing. Each one is twice as long as the one before:
/// somebody who logs in for the first time is found soon, a dead device costs little.
const FIRST_ABSENCE: Duration = Duration::from_secs(30);

/// No such pause is longer than an hour.
const LONGEST_ABSENCE: Duration = Duration::from_secs(60 * 60);

/// In this time the bundles of one account are asked for at so many different times at most. Else a server
/// could announce one more device again and again, and messages would wait for each: so the time is longer
/// than all these waits together.
const ROUNDS_TIME: Duration = Duration::from_secs(10 * 60);
const MAX_ROUNDS: u32 = 4;

/// How long a bundle's failure is remembered after its pause.
const AFTER_PAUSE: Duration = Duration::from_secs(2 * 60 * 60);

impl Table {
    /// A bundle that got no answer on the last stream may get one on this: its pause is over.
    pub(super) fn begin_stream(&mut self, now: Timestamp) {
        self.stream = self.stream.wrapping_add(1);
        for (resource, entry) in &mut self.entries {
            if let (Resource::Bundle(_), Some(failed)) = (resource, &mut entry.failed)
                && failed.error == LookupError::NoAnswer
            {
                failed.retry_at = failed.retry_at.min(now);
            }
        }
    }

    pub(super) fn forget(&mut self, resource: &Resource) {
        if let (Some(entry), Resource::Bundle(peer)) = (self.entries.remove(resource), resource)
            && let Some(expires) = entry.expires
        {
            self.expiry.remove(&(expires, peer.clone()));
        }
    }

    /// What is known of a resource that must not be older than `age`.
    pub(super) fn state(&self, resource: &Resource, age: Duration, now: Timestamp) -> State {
        let Some(entry) = self.entries.get(resource) else {
            return State::Due(None);
        };
        if entry.is_urgent {
            return State::Due(None);
        }
        if let Some(failed) = &entry.failed {
            return if failed.is_over(now) {
                State::Due(Some(failed.error))
            } else {
                State::Paused(failed.error)
            };
        }
        match entry.seen {
            Some(seen) if seen.is_absent => {
                let pause = absence(entry.absences).min(age);
                // What seems to have come in the future came before a clock was put back.
                if seen.at <= now && now.since(seen.at) < pause {
                    State::Absent
                } else {
                    State::Due(None)
                }
            }
            Some(seen)
                if seen.stream == self.stream
                    && seen.at <= now
                    && now.since(seen.at) < age
                    && !entry.is_disputed =>
            {
                State::Fresh
            }
            _ => State::Due(None),
        }
    }

    /// Something came that is not in line with a resource: it is old, however short ago it was seen. At most
    /// once in `pause`, after which it is false again: anybody could make us ask for ever.
    pub(super) fn dispute(&mut self, resource: &Resource, pause: Duration, now: Timestamp) -> bool {
        let Some(entry) = self.entries.get_mut(resource) else {
            return true;
        };
        let is_due = entry
            .disputed
            .is_none_or(|at| at > now || now.since(at) >= pause);
        if is_due {
            entry.disputed = Some(now);
            entry.is_disputed = true;
        }
        is_due
    }

    /// Why the last lookup failed, if somebody is not waiting for the next one on purpose.
    pub(super) fn failure(&self, resource: &Resource) -> Option<LookupError> {
        let entry = self.entries.get(resource)?;
        let failed = entry.failed.filter(|_| !entry.is_urgent);
        failed.map(|failed| failed.error)
    }

    /// When a lookup that has failed is tried again.
    pub(in crate::client) fn retry_at(&self, resource: &Resource) -> Option<Timestamp> {
        let entry = self.entries.get(resource)?;
        entry.failed.map(|failed| failed.retry_at)
    }

    /// Whether it was pushed or answered on this stream.
    pub(in crate::client) fn is_seen(&self, resource: &Resource) -> bool {
        let seen = self.entries.get(resource).and_then(|entry| entry.seen);
        seen.is_some_and(|seen| seen.stream == self.stream)
    }

    /// Whether the last lookup has failed.
    pub(in crate::client) fn has_failed(&self, resource: &Resource) -> bool {
        let entry = self.entries.get(resource);
        entry.is_some_and(|entry| entry.failed.is_some())
    }

    /// It was pushed, or answered.
    pub(super) fn saw(&mut self, resource: Resource, is_absent: bool, now: Timestamp) {
        let entry = self.entries.entry(resource).or_default();
        entry.seen = Some(Seen {
            at: now,
            stream: self.stream,
            is_absent,
        });
        entry.failed = None;
        entry.is_urgent = false;
        entry.is_disputed = false;
        entry.absences = match is_absent {
            true => entry.absences.saturating_add(1),
            false => 0,
        };
    }

    /// Nobody could say it, now or before the last start.
    pub(super) fn failed(&mut self, resource: Resource, failed: FailedLookup) {
        let entry = self.entries.entry(resource).or_default();
        entry.failed = Some(failed);
        entry.is_urgent = false;
    }

    /// Whether anything is in the table about a resource.
    pub(super) fn has(&self, resource: &Resource) -> bool {
        self.entries.contains_key(resource)
    }

    /// How long the last answer of a bundle counts: what was absent or failed is remembered longer than its
    /// pause, so that the next pause is longer.
    pub(super) fn expire(&mut self, peer: &Peer, age: Duration, now: Timestamp) {
        let resource = Resource::Bundle(peer.clone());
        let entry = self.entries.entry(resource).or_default();
        let expires = match (&entry.failed, entry.absences) {
            (Some(failed), _) => failed.retry_at.after(AFTER_PAUSE),
            (None, 0) => now.after(age),
            (None, _) => now.after(AFTER_PAUSE),
        };
        if let Some(before) = entry.expires.replace(expires) {
            self.expiry.remove(&(before, peer.clone()));
        }
        self.expiry.insert((expires, peer.clone()));
    }

    /// A bundle whose time is over.
    pub(super) fn next_expired(&mut self, now: Timestamp) -> Option<Peer> {
        let (_, peer) = self.expiry.first().filter(|(at, _)| *at <= now)?.clone();
        self.forget(&Resource::Bundle(peer.clone()));
        Some(peer)
    }

    /// The user tries again what failed, or was not there.
    pub(super) fn end_pauses(&mut self, jid: &BareJid) {
        let lists = Version::ALL.map(|version| Resource::List(jid.clone(), version));
        let bundles: Vec<_> = self.bundles_of(jid).cloned().collect();
        for resource in lists.iter().chain(&bundles) {
            if let Some(entry) = self.entries.get_mut(resource) {
                let is_absent = entry.seen.is_some_and(|seen| seen.is_absent);
                entry.is_urgent |= is_absent || entry.failed.is_some();
            }
        }
        self.rounds.remove(jid);
    }

    fn bundles_of(&self, jid: &BareJid) -> impl Iterator<Item = &Resource> {
        let first = DeviceId::new(1).zip(Version::ALL.first().copied());
        let first = first.map(|(device, version)| Peer::new(jid.clone(), device, version));
        let bundles = first.map(|peer| self.entries.range(Resource::Bundle(peer)..));
        let bundles = bundles.into_iter().flatten().map(|(resource, _)| resource);
        bundles.take_while(move |resource| resource.owner() == jid)
    }

    /// Whether a bundle may be asked for now. One that was asked for before has pauses of its own.
    pub(super) fn may_ask(&mut self, peer: &Peer, now: Timestamp) -> bool {
        let entry = self.entries.get(&Resource::Bundle(peer.clone()));
        if entry.is_some_and(|entry| entry.seen.is_some() || entry.failed.is_some()) {
            return true;
        }
        let rounds = self.rounds.entry(peer.jid.clone()).or_insert(Rounds {
            since: now,
            last: now,
            count: 1,
        });
        let is_old = now < rounds.since || now.since(rounds.since) >= ROUNDS_TIME;
        if is_old {
            *rounds = Rounds {
                since: now,
                last: now,
                count: 1,
            };
        } else if rounds.last != now {
            if rounds.count >= MAX_ROUNDS {
                return false;
            }
            rounds.last = now;
            rounds.count += 1;
        }
        true
    }
}

fn absence(count: u32) -> Duration {
    let doublings = count.saturating_sub(1).min(12);
    FIRST_ABSENCE
        .saturating_mul(1 << doublings)
        .min(LONGEST_ABSENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn list() -> Resource {
        Resource::List("romeo@montague.example".parse().unwrap(), Version::ALL[0])
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + 1000 * seconds)
    }

    #[test]
    fn what_was_seen_is_fresh_for_a_time_and_on_its_stream() {
        let mut table = Table::default();
        assert_eq!(table.state(&list(), HOUR, at(0)), State::Due(None));
        table.saw(list(), false, at(0));
        assert_eq!(table.state(&list(), HOUR, at(3599)), State::Fresh);
        assert_eq!(table.state(&list(), HOUR, at(3600)), State::Due(None));
        // A clock that was put back: nobody knows how old it is.
        let before = Timestamp::from_millis(1_600_000_000_000);
        assert_eq!(table.state(&list(), HOUR, before), State::Due(None));
        table.saw(list(), false, at(0));
        table.begin_stream(at(1));
        assert_eq!(table.state(&list(), HOUR, at(1)), State::Due(None));
    }

    fn fail(table: &mut Table, error: LookupError, now: Timestamp) {
        let before = table.entries.get(&list()).and_then(|entry| entry.failed);
        table.failed(list(), FailedLookup::new(error, before.as_ref(), now));
    }

    #[test]
    fn a_failure_is_remembered_across_streams_until_its_pause_ends() {
        let mut table = Table::default();
        let error = LookupError::ServerTimeout;
        let mut now = 0;
        for pause in [300, 600, 1200] {
            fail(&mut table, error, at(now));
            table.begin_stream(at(now));
            let last = at(now + pause - 1);
            assert_eq!(table.state(&list(), HOUR, last), State::Paused(error));
            now += pause;
            assert_eq!(table.state(&list(), HOUR, at(now)), State::Due(Some(error)));
        }
        table.saw(list(), false, at(now));
        assert_eq!(table.failure(&list()), None);
        fail(&mut table, error, at(now));
        assert_eq!(table.retry_at(&list()), Some(at(now + 300)));
    }

    #[test]
    fn what_was_absent_is_looked_for_soon_and_then_less_often() {
        let mut table = Table::default();
        let mut now = 0;
        for pause in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
            table.saw(list(), true, at(now));
            let state = table.state(&list(), HOUR, at(now + pause - 1));
            assert_eq!(state, State::Absent, "{pause}");
            now += pause;
            assert_eq!(table.state(&list(), HOUR, at(now)), State::Due(None));
        }
    }

    #[test]
    fn the_user_ends_a_pause() {
        let mut table = Table::default();
        let peer = Peer::new(
            list().owner().clone(),
            DeviceId::new(7).unwrap(),
            Version::ALL[1],
        );
        let bundle = Resource::Bundle(peer);
        fail(&mut table, LookupError::NoAnswer, at(0));
        table.saw(bundle.clone(), true, at(0));
        table.end_pauses(list().owner());
        for resource in [list(), bundle] {
            assert_eq!(table.state(&resource, HOUR, at(0)), State::Due(None));
            assert_eq!(table.failure(&resource), None, "it is waited for");
        }
        fail(&mut table, LookupError::NoAnswer, at(0));
        assert_eq!(table.retry_at(&list()), Some(at(600)), "the pause grows");
    }

    #[test]
    fn bundles_of_an_account_are_asked_for_at_a_few_times_only() {
        let mut table = Table::default();
        let peer = |device| {
            let device = DeviceId::new(device).unwrap();
            Peer::new(list().owner().clone(), device, Version::ALL[1])
        };
        for n in 0..4 {
            let now = at(30 * u64::from(n));
            assert!(table.may_ask(&peer(2 * n + 1), now));
            let other = peer(2 * n + 2);
            assert!(table.may_ask(&other, now), "many at once are one time");
        }
        assert!(!table.may_ask(&peer(20), at(120)));
        table.saw(Resource::Bundle(peer(1)), true, at(0));
        assert!(table.may_ask(&peer(1), at(120)), "it was asked for before");
        assert!(table.may_ask(&peer(20), at(600)));
    }
}
