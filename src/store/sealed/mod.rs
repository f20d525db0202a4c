//! Encryption at rest: a store over another store.
//!
//! ```text
//! wrapping key = HKDF(salt, the caller's key, or Argon2id(passphrase, salt, cost))
//! header       = store id ‖ epoch ‖ cost ‖ salt ‖ AES-256-GCM-SIV(wrapping key, data key)
//! name         = table, HMAC(name key, table ‖ partition), HMAC(name key, table ‖ partition ‖ sort)
//! value        = AES-256-GCM-SIV(record key, partition ‖ sort ‖ value), with the store id, the epoch
//!                and the name as associated data
//! ```
//!
//! The record key and the name key come from the data key, which is drawn once. Changing the caller's
//! key wraps the data key anew, in one `apply`: nothing else is written again. (So whoever has an old
//! copy of the store *and* the old key has the data key.)
//!
//! # What it hides, and what it shows
//!
//! Contents, addresses and the order of records are hidden. Whoever sees the store below sees the number
//! of its records, their tables and lengths, which of them share a partition, and when which of them
//! is written.
//!
//! A record that was changed, or put under another name or into another store, is
//! [`Corrupt`](StoreError::Corrupt). A record that was removed, or replaced by an older one of the same
//! name, or a whole store that was replaced by an older copy, cannot be noticed here: everything was
//! valid once.
//!
//! # What it costs
//!
//! A scan of a range, and the removal of one that is not a whole partition, read the whole partition
//! and decrypt it: the order of the records is what is hidden. Small partitions keep that small.
//! A value may be shorter than [`MAX_VALUE`](super::MAX_VALUE) by its name and 37 bytes.

mod header;
mod record;

use core::fmt;
use std::sync::{Mutex, PoisonError};

use rand_core::TryCryptoRng;

use self::header::{DataKey, Header};
use self::record::Seal;
use super::{
    Applied, Batch, Change, Generation, Key, Range, Record, Scan, Store, StoreError, Table, Value,
};
use crate::crypto::passphrase::Cost;
use crate::crypto::{Secret, random};

/// What opens a sealed store.
#[derive(Clone, Copy)]
pub enum SealKey<'a> {
    /// A key of full strength, from the system's key chain.
    Key(&'a Secret<32>),
    /// What a person types, and what deriving a key from it is to cost. A store that exists knows its
    /// cost: this one is not looked at then.
    Passphrase(&'a [u8], Cost),
}

/// Which kind of [`SealKey`] a store is sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealKind {
    /// A key.
    Key,
    /// A passphrase.
    Passphrase,
}

impl SealKind {
    /// What opens a store; `None` if it is not sealed.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Corrupt`]; those of the store.
    pub fn of(store: &impl Store) -> Result<Option<Self>, StoreError> {
        Header::read(store)?.map(|header| header.kind()).transpose()
    }
}

/// Encrypts what another store keeps.
///
/// `R` is where nonces come from: nothing on this floor has a generator of its own, and the four functions
/// of a store take none. A nonce that repeats, as after a fork with a generator that does
/// not notice it, shows that two values are equal, and nothing else.
pub struct Sealed<S, R> {
    store: S,
    seal: Seal,
    data_key: DataKey,
    rng: Mutex<R>,
}

/// Rewrapping the key yields to whoever writes at the same moment, but not for ever.
const REWRAP_ATTEMPTS: usize = 1000;

impl<S: Store, R: TryCryptoRng + Send> Sealed<S, R> {
    /// Opens a sealed store, or seals an empty one.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] if it is sealed with another key; [`StoreError::NotSealed`] if there
    /// are records and no seal; [`StoreError::Newer`], [`StoreError::Corrupt`]; [`StoreError::Rng`];
    /// those of the store below.
    pub fn open(store: S, key: &SealKey<'_>, mut rng: R) -> Result<Self, StoreError> {
        let (header, data_key) = loop {
            let generation = store.generation()?;
            if let Some(header) = Header::read(&store)? {
                let data_key = header.open(key)?;
                break (header, data_key);
            }
            if generation != Generation::new(0) && !is_empty(&store)? {
                return Err(StoreError::NotSealed);
            }
            let data_key = DataKey::new(random(&mut rng)?);
            let store_id = *random(&mut rng)?.expose();
            let header = Header::seal(store_id, key, &data_key, &mut rng)?;
            if let Applied::Done(_) = store.apply(generation, &header.batch())? {
                break (header, data_key);
            }
        };
        Ok(Self {
            seal: data_key.seal(&header),
            data_key,
            store,
            rng: Mutex::new(rng),
        })
    }

    /// Makes `key` the one that opens the store, in one `apply`. Handles that are open stay good.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if others write all the time; [`StoreError::Rng`]; those of the store
    /// below. The old key is the right one then, unless the store below leaves that open.
    pub fn change_key(&self, key: &SealKey<'_>) -> Result<(), StoreError> {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let header = Header::seal(self.seal.store_id(), key, &self.data_key, &mut *rng)?;
        drop(rng);
        for _ in 0..REWRAP_ATTEMPTS {
            let generation = self.store.generation()?;
            if let Applied::Done(_) = self.store.apply(generation, &header.batch())? {
                return Ok(());
            }
        }
        Err(StoreError::Busy)
    }

    /// The store below.
    pub const fn inner(&self) -> &S {
        &self.store
    }

    fn sealed_put(&self, key: &Key, value: &Value) -> Result<Change, StoreError> {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let nonce = *random(&mut *rng)?.expose();
        drop(rng);
        let sealed = self.seal.seal(key, value, &nonce)?;
        Ok(Change::Put(self.seal.name(key), sealed))
    }

    /// Records of the range, in no order.
    fn records(&self, range: &Range) -> Result<Vec<Record>, StoreError> {
        let partition = self.seal.partition(range.table, &range.partition);
        let whole = Range::partition(range.table, partition);
        let mut found = Vec::new();
        for stored in self.store.scan(&whole.into(), usize::MAX)? {
            let record = self.seal.open(&stored)?;
            if range.contains(&record.key.sort) {
                found.push(record);
            }
        }
        Ok(found)
    }

    /// Removes a range: what is stored, and what the changes before it have put there.
    fn delete_range(
        &self,
        range: &Range,
        before: &[Change],
        sealed: &mut Batch,
    ) -> Result<(), StoreError> {
        if range.from.is_empty() && range.until.is_none() {
            let partition = self.seal.partition(range.table, &range.partition);
            sealed.delete_range(Range::partition(range.table, partition));
            return Ok(());
        }
        for record in self.records(range)? {
            sealed.delete(self.seal.name(&record.key));
        }
        for change in before {
            if let Change::Put(key, _) = change
                && key.table == range.table
                && key.partition == range.partition
                && range.contains(&key.sort)
            {
                sealed.delete(self.seal.name(key));
            }
        }
        Ok(())
    }
}

impl<S: Store, R: TryCryptoRng + Send> Store for Sealed<S, R> {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        key.check()?;
        let name = self.seal.name(key);
        let Some(value) = self.store.get(&name)? else {
            return Ok(None);
        };
        let record = self.seal.open(&Record { key: name, value })?;
        Ok(Some(record.value))
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        scan.check()?;
        match scan {
            Scan::Range(_) if limit == 0 => Ok(Vec::new()),
            Scan::Range(range) => {
                let mut records = self.records(range)?;
                records.sort_unstable_by(|a, b| a.key.sort.cmp(&b.key.sort));
                records.truncate(limit);
                Ok(records)
            }
            Scan::Partitions { table, after } => {
                let after = after
                    .as_ref()
                    .map(|partition| self.seal.partition(*table, partition));
                let stored = self.store.scan(
                    &Scan::Partitions {
                        table: *table,
                        after,
                    },
                    limit,
                )?;
                stored.iter().map(|record| self.seal.open(record)).collect()
            }
        }
    }

    fn generation(&self) -> Result<Generation, StoreError> {
        self.store.generation()
    }

    fn apply(&self, if_generation: Generation, batch: &Batch) -> Result<Applied, StoreError> {
        batch.check()?;
        let mut sealed = Batch::new();
        for (at, change) in batch.changes().iter().enumerate() {
            match change {
                Change::Put(key, value) => {
                    sealed.push(self.sealed_put(key, value)?);
                }
                Change::Delete(key) => {
                    sealed.delete(self.seal.name(key));
                }
                Change::DeleteRange(range) => {
                    let before = batch.changes().get(..at).unwrap_or_default();
                    self.delete_range(range, before, &mut sealed)?;
                }
            }
        }
        if sealed.is_empty() && !batch.is_empty() {
            // A range with nothing in it: still a change, of something that is never there.
            sealed.delete(Key::new(Table::SEAL, *b"nothing", *b""));
        }
        self.store.apply(if_generation, &sealed)
    }
}

fn is_empty(store: &impl Store) -> Result<bool, StoreError> {
    for number in 0..=u8::MAX {
        if !store
            .scan(&Scan::partitions(Table::new(number)), 1)?
            .is_empty()
        {
            return Ok(false);
        }
    }
    Ok(true)
}

impl<S: fmt::Debug, R> fmt::Debug for Sealed<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({:?})", self.store)
    }
}

impl fmt::Debug for SealKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(_) => f.write_str("Key(..)"),
            Self::Passphrase(_, cost) => write!(f, "Passphrase(.., {cost:?})"),
        }
    }
}
