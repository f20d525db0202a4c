//! `MKSKIPPED` (§3.2): keys of messages that have not come yet, and the chains that they belong to.
//!
//! A receiving chain is numbered by the step that opened it. All keys of a chain are put away before
//! the next chain is opened, so the order (step, n) is the order of insertion: the first is the oldest.

use std::collections::{BTreeMap, HashMap};

use super::{MAX_CHAIN_AGE, MAX_SKIP, MessageKey, MessageKeys};
use crate::crypto::{RatchetPublicKey, Secret};

/// A key that was put away. Boxed, since collections move what they hold, and what is moved away is not
/// wiped.
#[derive(Clone, Debug)]
pub enum SkippedKey {
    /// As the chain gave it.
    Seed(Box<MessageKey>),
    /// Expanded, as libsignal stores it: the seed is not known. For who brings sessions over from there; no
    /// ratchet puts one away.
    Expanded(Box<MessageKeys>),
}

impl SkippedKey {
    /// The keys of the message; `info` has no part in one that is expanded already.
    #[must_use]
    pub fn expand(&self, info: &[u8]) -> MessageKeys {
        match self {
            Self::Seed(key) => key.expand(info),
            Self::Expanded(keys) => (**keys).clone(),
        }
    }

    /// The stored form of message `n`'s key: `n`, little-endian, then 32 bytes or, expanded, 80.
    #[must_use]
    pub fn to_record(&self, n: u32) -> zeroize::Zeroizing<Vec<u8>> {
        let mut record = zeroize::Zeroizing::new(Vec::with_capacity(84));
        record.extend_from_slice(&n.to_le_bytes());
        match self {
            Self::Seed(key) => record.extend_from_slice(key.as_secret().expose()),
            Self::Expanded(keys) => {
                record.extend_from_slice(&keys.encryption);
                record.extend_from_slice(&keys.authentication);
                record.extend_from_slice(&keys.iv);
            }
        }
        record
    }

    /// Reads what [`Self::to_record`] wrote. `None` if it did not write this.
    #[must_use]
    pub fn from_record(record: &[u8]) -> Option<(u32, Self)> {
        let (n, key) = record.split_first_chunk::<4>()?;
        let n = u32::from_le_bytes(*n);
        if let Ok(seed) = <[u8; 32]>::try_from(key) {
            return Some((n, Self::Seed(Box::new(MessageKey::new(Secret::new(seed))))));
        }
        let keys = MessageKeys::from_bytes(key.try_into().ok()?);
        Some((n, Self::Expanded(Box::new(keys))))
    }
}

/// What is known of message `n` in the chain of a ratchet key.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// The ratchet key belongs to no chain that is remembered.
    UnknownChain,
    /// The chain is known, the key is not there: it was used, or given up.
    NoKey,
    /// The key, and the step of its chain.
    Key(u32, SkippedKey),
}

/// Where a ratchet finds skipped keys. A store reads one record; nothing is removed before
/// [`SkippedChanges`] say so.
pub trait SkippedKeys {
    /// Looks for the key of message `n` in the chain of `dh`.
    fn find(&self, dh: &RatchetPublicKey, n: u32) -> Lookup;
}

/// What a received message changes about the skipped keys. It is to be stored together with the
/// ratchet's new state, or not at all.
#[derive(Debug, Default)]
#[must_use = "the keys are lost unless they are stored"]
pub struct SkippedChanges {
    /// The chain that was opened, and its step.
    pub opened: Option<(RatchetPublicKey, u32)>,
    /// Keys to put away: step, n, key. In the order of insertion.
    pub added: Vec<(u32, u32, MessageKey)>,
    /// The key that was used: step, n.
    pub used: Option<(u32, u32)>,
}

impl SkippedChanges {
    /// Chains of a smaller step, and their keys, are to be forgotten.
    #[must_use]
    pub fn forget_before(&self) -> u32 {
        self.opened
            .map_or(0, |(_, step)| step.saturating_sub(MAX_CHAIN_AGE))
    }
}

/// How many of a session's oldest skipped keys are given up, when it has `kept` of them and the last `added` came
/// with the message that was just read: none up to [`MAX_SKIP`]. Beyond it up to a thousand more go than have to, so that
/// a store does not look for the oldest again with each message; but of those that just came, only as many as have
/// to.
///
/// Every store of skipped keys follows this rule, so that the same messages can be read whatever the store.
#[must_use]
pub const fn given_up(kept: u64, added: u64) -> u64 {
    let excess = kept.saturating_sub(MAX_SKIP as u64);
    if excess == 0 {
        return 0;
    }
    let older = kept.saturating_sub(added).saturating_sub(excess);
    excess + if older < BESIDES { older } else { BESIDES }
}

/// How many keys go besides those that have to.
const BESIDES: u64 = 1000;

/// Skipped keys in memory, with the limits of this module.
#[derive(Clone, Debug, Default)]
pub struct SkippedKeysInMemory {
    chains: HashMap<RatchetPublicKey, u32>,
    keys: BTreeMap<(u32, u32), SkippedKey>,
}

impl SkippedKeysInMemory {
    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The chains that are remembered, and their steps.
    pub fn chains(&self) -> impl Iterator<Item = (&RatchetPublicKey, u32)> {
        self.chains.iter().map(|(dh, &step)| (dh, step))
    }

    /// The keys in the order of insertion: step, n, key.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32, &SkippedKey)> {
        self.keys.iter().map(|(&(step, n), key)| (step, n, key))
    }

    /// Makes the changes. Beyond [`MAX_SKIP`] keys the oldest go, as [`given_up`] says.
    pub fn apply(&mut self, changes: SkippedChanges) {
        let oldest = changes.forget_before();
        if oldest > 0 {
            self.chains.retain(|_, step| *step >= oldest);
            self.keys = self.keys.split_off(&(oldest, 0));
        }
        self.chains.extend(changes.opened);
        if let Some(used) = changes.used {
            self.keys.remove(&used);
        }
        for (step, n, key) in &changes.added {
            let key = SkippedKey::Seed(Box::new(key.clone()));
            self.keys.insert((*step, *n), key);
        }
        for _ in 0..given_up(self.keys.len() as u64, changes.added.len() as u64) {
            self.keys.pop_first();
        }
    }
}

impl SkippedKeys for SkippedKeysInMemory {
    fn find(&self, dh: &RatchetPublicKey, n: u32) -> Lookup {
        let Some(&step) = self.chains.get(dh) else {
            return Lookup::UnknownChain;
        };
        self.keys
            .get(&(step, n))
            .map_or(Lookup::NoKey, |key| Lookup::Key(step, key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(byte: u8) -> SkippedKey {
        SkippedKey::Seed(Box::new(MessageKey::new(Secret::new([byte; 32]))))
    }

    #[test]
    fn the_limit_is_kept_and_what_just_came_goes_last() {
        let most = u64::from(MAX_SKIP);
        for (kept, added, gone) in [
            (0, 0, 0),
            (most, 1, 0),
            // One too many: a thousand go besides.
            (most + 1, 1, 1001),
            // Ten thousand came with one message: those that were there go, and no other.
            (most + 300, most, 300),
            (most + 1, most + 1, 1),
            (most + 1, 9500, 501),
        ] {
            assert_eq!(given_up(kept, added), gone, "{kept} {added}");
            assert!(kept - given_up(kept, added) <= most);
        }
    }

    #[test]
    fn a_record_of_either_form_is_read_back_and_garbage_is_not() {
        let expanded = SkippedKey::Expanded(Box::new(MessageKeys::from_bytes(&[7; 80])));
        for (key, size) in [(seed(1), 36), (expanded, 84)] {
            let record = key.to_record(9);
            assert_eq!(record.len(), size);
            let (n, again) = SkippedKey::from_record(&record).unwrap();
            assert_eq!((n, again.to_record(n)), (9, record));
        }
        for len in (0..200).filter(|len| ![36, 84].contains(len)) {
            assert!(SkippedKey::from_record(&vec![0; len]).is_none());
        }
        assert!(!format!("{:?}", seed(0xab)).contains("171"));
    }
}
