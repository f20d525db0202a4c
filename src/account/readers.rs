//! Who is left out of a message although there is a session: so that it stays small enough, and so that
//! the others can read it.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::plan::{Plan, Reader};
use super::report::{Fate, Gap};
use super::terms::{Audience, Space};
use crate::model::{BareJid, DeviceId, Fingerprint, PerVersion};
use crate::protocol;

/// How much it matters that a device gets a message: the least of them goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    pub(super) is_verified: bool,
    /// When something of it was authenticated last; 0: never.
    pub(super) heard: u64,
    /// Of those that were never heard of, the oldest: who floods a list comes later.
    pub(super) first_seen: Reverse<u64>,
}

impl Plan<'_> {
    /// Devices that have been silent for long are written to after all where nobody else of an account is:
    /// a policy that saves keys must not make a recipient unreachable.
    pub(super) fn wake_silent(&mut self, recipients: &[BareJid]) {
        if self.silent.is_empty() {
            return;
        }
        let reached: BTreeSet<_> = self.readers.iter().map(|it| it.peer.jid.clone()).collect();
        let wanted: BTreeSet<_> = recipients.iter().collect();
        let silent = core::mem::take(&mut self.silent).into_iter();
        let (woken, silent): (Vec<_>, Vec<_>) =
            silent.partition(|it| wanted.contains(&it.peer.jid) && !reached.contains(&it.peer.jid));
        for reader in &woken {
            self.report.set(reader.place, reader.fate());
        }
        self.silent = silent;
        self.readers.extend(woken);
        self.readers.sort_by_key(|reader| reader.place);
    }

    /// Leaves out a device that has the id and the identity key of a device of another account: somebody has
    /// copied a bundle. Legacy names no accounts, so the one device that has the
    /// private key would open both keys of the stanza, and then write on the session that was started for the
    /// copy. Nothing of a copy is ever authenticated: so the account's own device stays, then the one that was
    /// verified, heard of, and seen first.
    pub(super) fn leave_out_copies(&mut self, own: &BareJid) {
        let mut best: BTreeMap<_, (bool, Standing, usize)> = BTreeMap::new();
        for reader in self.readers.iter().chain(&self.silent) {
            let rank = (reader.peer.jid == *own, reader.standing, reader.place);
            let known = best.entry(reader.face()).or_insert(rank);
            *known = rank.max(*known);
        }
        let is_copy = |reader: &Reader<'_>| {
            let original = best.get(&reader.face());
            let is_second = original.is_some_and(|(.., place)| *place != reader.place);
            reader.key.is_some() && is_second
        };
        self.silent.retain(|reader| !is_copy(reader));
        self.leave_out(Gap::CopiedKey, is_copy);
    }

    /// Leaves out devices of others that show this device's own key. The first time such a key is seen it is put
    /// down as distrusted; this counts where somebody has decided otherwise.
    pub(super) fn leave_out_own_key(&mut self, own: &BareJid, own_key: &Fingerprint) {
        let is_copy = |reader: &Reader<'_>| reader.peer.jid != *own && reader.key == Some(*own_key);
        self.silent.retain(|reader| !is_copy(reader));
        self.leave_out(Gap::CopiedKey, is_copy);
    }

    /// Devices whose ids are too large to share a stanza with others stay out of it, unless nobody else reads
    /// it: of a room, or else of their account.
    pub(super) fn leave_out_large_ids(&mut self, audience: Audience, own: &BareJid) {
        let is_large = |reader: &Reader<'_>| {
            let most = protocol::of(reader.peer.version).max_shared_device_id();
            reader.peer.device.get() > most
        };
        if !self.readers.iter().any(is_large) {
            return;
        }
        let small = self.readers.iter().filter(|reader| !is_large(reader));
        let small: BTreeSet<_> = small.map(|it| it.peer.jid.clone()).collect();
        let has_others = small.iter().any(|jid| jid != own);
        let is_room = matches!(audience, Audience::Room(_));
        self.leave_out(Gap::LargeId, |reader| {
            let jid = &reader.peer.jid;
            let goes = small.contains(jid) || has_others && (is_room || jid == own);
            goes && is_large(reader)
        });
    }

    /// Leaves out what does not fit.
    pub(super) fn leave_out_excess(&mut self, space: &Space, own: &BareJid) {
        let mut bill = Bill::new(space, &self.readers);
        if bill.fits(space) {
            return;
        }
        let mut accounts: BTreeMap<&BareJid, Vec<&Reader<'_>>> = BTreeMap::new();
        for reader in &self.readers {
            accounts.entry(&reader.peer.jid).or_default().push(reader);
        }
        let mut heap = BinaryHeap::new();
        for (jid, readers) in &mut accounts {
            // The least is last, where it is taken off.
            readers.sort_by_key(|reader| Reverse((reader.standing, Reverse(reader.place))));
            let least = readers.last().map(|reader| reader.standing);
            heap.push((readers.len(), *jid == own, Reverse(least), *jid));
        }
        let mut out = BTreeSet::new();
        while !bill.fits(space) {
            let Some((_, is_own, _, jid)) = heap.pop() else {
                break;
            };
            let Some(readers) = accounts.get_mut(jid) else {
                continue;
            };
            if let Some(reader) = readers.pop() {
                bill.take_off(space, reader);
                out.insert(reader.place);
            }
            if let Some(next) = readers.last() {
                heap.push((readers.len(), is_own, Reverse(Some(next.standing)), jid));
            }
        }
        self.leave_out(Gap::TooManyDevices, |reader| out.contains(&reader.place));
    }

    fn leave_out(&mut self, gap: Gap, goes: impl Fn(&Reader<'_>) -> bool) {
        let report = &mut self.report;
        self.readers.retain(|reader| {
            let stays = !goes(reader);
            if !stays {
                report.set(reader.place, Fate::Skipped(gap));
            }
            stays
        });
    }
}

/// What the keys take.
struct Bill<'p> {
    total: usize,
    /// The keys in each element, and of each account in it.
    elements: PerVersion<usize>,
    accounts: PerVersion<BTreeMap<&'p BareJid, usize>>,
}

impl<'p> Bill<'p> {
    fn new<'b: 'p>(space: &Space, readers: &'p [Reader<'b>]) -> Self {
        let mut bill = Self {
            total: 0,
            elements: PerVersion::default(),
            accounts: PerVersion::default(),
        };
        for reader in readers {
            let (version, jid) = (reader.peer.version, &reader.peer.jid);
            let mut cost = reader.cost(space);
            let count = bill.elements.get_mut(version);
            if *count == 0 {
                cost = cost.saturating_add(*space.element.get(version));
            }
            *count = count.saturating_add(1);
            let count = bill.accounts.get_mut(version).entry(jid).or_default();
            if *count == 0 {
                cost = cost.saturating_add((space.account)(version, jid));
            }
            *count = count.saturating_add(1);
            bill.total = bill.total.saturating_add(cost);
        }
        bill
    }

    fn fits(&self, space: &Space) -> bool {
        let keys = self.elements.iter().map(|(_, count)| *count);
        self.total <= space.bytes && keys.sum::<usize>() <= space.keys
    }

    fn take_off(&mut self, space: &Space, reader: &Reader<'_>) {
        let (version, jid) = (reader.peer.version, &reader.peer.jid);
        let mut cost = reader.cost(space);
        let count = self.elements.get_mut(version);
        *count = count.saturating_sub(1);
        if *count == 0 {
            cost = cost.saturating_add(*space.element.get(version));
        }
        if let Some(count) = self.accounts.get_mut(version).get_mut(jid) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                cost = cost.saturating_add((space.account)(version, jid));
            }
        }
        self.total = self.total.saturating_sub(cost);
    }
}

impl Reader<'_> {
    /// By what a device finds its key: of two accounts, only a copy shares it.
    fn face(&self) -> (DeviceId, Option<[u8; 32]>) {
        (self.peer.device, self.key.map(|key| *key.as_bytes()))
    }

    fn cost(&self, space: &Space) -> usize {
        let (version, is_exchange) = (self.peer.version, self.is_key_exchange());
        let len = protocol::of(version).max_key_len(is_exchange);
        (space.key)(version, self.peer.device, is_exchange, len)
    }
}
