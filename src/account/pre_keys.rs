//! One-time pre-keys: offered, used once, wiped (XEP-0384 §5.2 and §7; X3DH §3.2).
//!
//! A used one leaves the bundle at once and is replaced. Its private half stays until the catch-up with
//! the history ends, seven days at most: until then two messages may have used it, of people who have
//! fetched the same bundle while this device was away.

use core::time::Duration;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::records::{self, OwnVersionRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::crypto::{EphemeralPublicKey, PreKeyPair, PreKeyPublic, Secret};
use crate::model::{PreKeyEntry, PreKeyId, Timestamp, Version};

/// The size of a bundle (XEP-0384 §5.2 recommends 100).
pub(super) const OFFERED: u32 = 100;

/// A private half is not kept for longer after its first use.
pub(super) const KEPT_AFTER_USE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// libsignal's "last resort" id, which is never deleted after use by its family.
const LAST_RESORT: u32 = 0xFF_FFFF;

/// A pre-key as it is stored: private, public; once it was used also the time and the base key of the
/// first use.
pub(super) struct StoredPreKey {
    pub(super) pair: PreKeyPair,
    pub(super) used: Option<(Timestamp, [u8; 32])>,
}

impl StoredPreKey {
    const fn new(pair: PreKeyPair) -> Self {
        Self { pair, used: None }
    }

    fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let mut record = Zeroizing::new(Vec::with_capacity(104));
        record.extend_from_slice(self.pair.private().expose());
        record.extend_from_slice(self.pair.public().as_bytes());
        if let Some((at, base_key)) = &self.used {
            record.extend_from_slice(&at.as_millis().to_be_bytes());
            record.extend_from_slice(base_key);
        }
        record
    }

    pub(super) fn from_record(record: &[u8]) -> Result<Self, AccountError> {
        let (private, rest) = record.split_first_chunk().ok_or(AccountError::Record)?;
        let (public, rest) = rest.split_first_chunk().ok_or(AccountError::Record)?;
        let public = PreKeyPublic::from_bytes(*public).map_err(|_| AccountError::Record)?;
        let used = match rest {
            [] => None,
            _ => {
                let (at, base_key) = rest.split_first_chunk().ok_or(AccountError::Record)?;
                let at = Timestamp::from_millis(u64::from_be_bytes(*at));
                Some((at, base_key.try_into().map_err(|_| AccountError::Record)?))
            }
        };
        Ok(Self {
            pair: PreKeyPair::from_parts(Secret::new(*private), public),
            used,
        })
    }

    /// Whether it was used so long ago.
    pub(super) fn was_kept_for(&self, duration: Duration, now: Timestamp) -> bool {
        self.used.is_some_and(|(at, _)| now.since(at) >= duration)
    }
}

impl Account {
    pub(super) fn pre_key(
        &self,
        tx: &Transaction<'_>,
        version: Version,
        id: PreKeyId,
    ) -> Result<Option<StoredPreKey>, AccountError> {
        let record = tx.get(&self.names.pre_key(version, id.get()))?;
        record
            .map(|record| StoredPreKey::from_record(&record))
            .transpose()
    }

    /// The pre-keys of the bundle.
    pub(super) fn offered_pre_keys(
        &self,
        tx: &Transaction<'_>,
        version: Version,
    ) -> Result<Vec<PreKeyEntry>, AccountError> {
        let mut offered = Vec::new();
        for (sort, value) in tx.scan(&self.names.pre_keys(version))? {
            let stored = StoredPreKey::from_record(&value)?;
            if stored.used.is_none() {
                offered.push(PreKeyEntry {
                    id: id_of(&sort)?,
                    key: *stored.pair.public(),
                });
            }
        }
        Ok(offered)
    }

    /// Takes a pre-key out of the bundle, puts a new one into its place, and wipes it unless a history
    /// is being caught up with.
    pub(super) fn use_pre_key<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        (id, mut key): (PreKeyId, StoredPreKey),
        base_key: &EphemeralPublicKey,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        let name = self.names.pre_key(version, id.get());
        let was_offered = key.used.is_none();
        if self.is_catching_up(tx, now)? {
            key.used.get_or_insert((now, *base_key.as_bytes()));
            tx.put(name, &key.to_record());
        } else {
            tx.delete(name);
        }
        if was_offered {
            let mut state = self.version_state(tx, version)?;
            state.offered = state.offered.saturating_sub(1);
            self.refill(tx, version, &mut state, rng)?;
        }
        Ok(())
    }

    /// Makes as many new pre-keys as the bundle lacks.
    pub(super) fn refill<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        state: &mut OwnVersionRecord,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        while state.offered < OFFERED {
            let id = self.next_pre_key_id(tx, version, state)?;
            let pair = PreKeyPair::generate(rng)?;
            let record = StoredPreKey::new(pair).to_record();
            tx.put(self.names.pre_key(version, id), &record);
            state.offered += 1;
        }
        state.revision += 1;
        records::write(tx, self.names.version_state(version), state);
        Ok(())
    }

    /// Ids are counted up, from 1 again after the last, past those that are still there.
    fn next_pre_key_id(
        &self,
        tx: &Transaction<'_>,
        version: Version,
        state: &mut OwnVersionRecord,
    ) -> Result<u32, AccountError> {
        // More than are ever stored, so one of them is free.
        for _ in 0..=MAX_STORED {
            let id = match state.next_pre_key {
                0 | LAST_RESORT => state.next_pre_key + 1,
                id if id > PreKeyId::MAX_DRAWN => 1,
                id => id,
            };
            state.next_pre_key = id + 1;
            if tx.get(&self.names.pre_key(version, id))?.is_none() {
                return Ok(id);
            }
        }
        Err(AccountError::NoId)
    }

    /// Wipes the used pre-keys: all of them, or those that were kept for long enough.
    pub(super) fn wipe_used_pre_keys(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        kept_for: Duration,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        for (sort, value) in tx.scan(&self.names.pre_keys(version))? {
            if StoredPreKey::from_record(&value)?.was_kept_for(kept_for, now) {
                tx.delete(self.names.pre_key(version, id_of(&sort)?.get()));
            }
        }
        Ok(())
    }

    /// Wipes all pre-keys and makes others, whose ids were not used by what was forgotten.
    pub(super) fn replace_pre_keys<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        let mut state = self.version_state(tx, version)?;
        tx.clear(self.names.pre_keys(version));
        state.next_pre_key = state.next_pre_key.saturating_add(FORGOTTEN_IDS);
        state.offered = 0;
        self.refill(tx, version, &mut state, rng)
    }
}

/// A bundle, and what may be used while a history of a million messages is caught up with.
const MAX_STORED: u32 = 1 << 20;

/// How many ids may have been used since a backup: years of new contacts.
const FORGOTTEN_IDS: u32 = 1 << 20;

fn id_of(sort: &[u8]) -> Result<PreKeyId, AccountError> {
    let bytes = <[u8; 4]>::try_from(sort).map_err(|_| AccountError::Record)?;
    PreKeyId::new(u32::from_be_bytes(bytes)).ok_or(AccountError::Record)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::account::{Options, TrustPolicy};
    use crate::store::MemoryStore;

    fn account() -> Account {
        let options = Options::new(TrustPolicy::Manual);
        let mut rng = StdRng::seed_from_u64(24);
        let now = Timestamp::from_millis(1);
        let jid = "juliet@capulet.example".parse().unwrap();
        Account::open(Arc::new(MemoryStore::new()), jid, options, now, &mut rng).unwrap()
    }

    /// The ids that are drawn from a number on.
    fn ids(account: &Account, from: u32, count: usize) -> Vec<u32> {
        let version = Version::Omemo2;
        let mut next = from;
        let mut ids = Vec::new();
        while ids.len() < count {
            account
                .run(|tx| {
                    let mut state = account.version_state(tx, version)?;
                    state.next_pre_key = next;
                    for _ in 0..count.min(1000) {
                        ids.push(account.next_pre_key_id(tx, version, &mut state)?);
                    }
                    next = state.next_pre_key;
                    Ok::<_, AccountError>(())
                })
                .unwrap();
        }
        ids
    }

    #[test]
    fn a24_no_id_comes_twice_before_all_were_used() {
        let account = account();
        let ids = ids(&account, 101, 1_000_000);
        assert_eq!(ids.first(), Some(&101));
        assert_eq!(BTreeSet::from_iter(&ids).len(), 1_000_000);
    }

    #[test]
    fn a24_ids_wrap_past_those_that_are_offered_and_are_never_0_or_the_last_resort() {
        let account = account();
        let last = PreKeyId::MAX_DRAWN;
        assert_eq!(ids(&account, last - 1, 4), [last - 1, last, 101, 102]);
        assert_eq!(
            ids(&account, LAST_RESORT - 1, 3),
            [LAST_RESORT - 1, LAST_RESORT + 1, LAST_RESORT + 2]
        );
        assert_eq!(ids(&account, 0, 2), [101, 102]);
        for far in [last + 1, u32::MAX] {
            assert_eq!(ids(&account, far, 1), [101]);
        }
    }

    #[test]
    fn a24_a_store_that_was_put_back_at_the_end_of_the_ids_draws_others() {
        let account = account();
        let mut rng = StdRng::seed_from_u64(25);
        account
            .run(|tx| {
                let mut state = account.version_state(tx, Version::Omemo2)?;
                state.next_pre_key = PreKeyId::MAX_DRAWN - 5;
                records::write(tx, account.names.version_state(Version::Omemo2), &state);
                account.replace_pre_keys(tx, Version::Omemo2, &mut rng)
            })
            .unwrap();
        let offered = account.bundle(Version::Omemo2).unwrap().bundle.pre_keys;
        assert_eq!(offered.len(), 100);
        assert!(
            offered
                .iter()
                .all(|key| key.id.get() <= PreKeyId::MAX_DRAWN)
        );
    }
}
