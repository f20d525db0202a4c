//! Encryption at rest: a store over another store.
//!
//! ```text
//! wrapping key = HKDF(salt, the caller's key, or Argon2id(passphrase, salt, cost))
//! header       = store id ‖ epoch ‖ cost ‖ salt ‖ AES-256-GCM-SIV(wrapping key, data key)
//! name         = table, HMAC(name key, scope) ‖ 0 ‖ HMAC(name key, table ‖ partition),
//!                HMAC(name key, table ‖ partition ‖ sort)
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
//! of its records, their tables and lengths, which of them share a scope and a partition, and when which of
//! them is written. So the number of accounts is seen, and how much each of them has.
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
//! A value may be shorter than [`MAX_VALUE`](super::MAX_VALUE) by its name and 37 bytes. With a store of your
//! own below, all processes must have the same version of the library while the names get another form.

mod header;
mod migrate;
mod record;
mod view;

use core::fmt;
use std::sync::{Mutex, PoisonError};

use rand_core::TryCryptoRng;

use self::header::{DataKey, Header};
use self::migrate::{clean, migrate};
use self::record::{NameForm, Seal};
use self::view::View;
use super::{
    Applied, Batch, Generation, Key, Record, Scan, Scope, Store, StoreError, Table, Value, Work,
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
/// `R` is where nonces come from: nothing on this floor has a generator of its own, and the functions
/// of a store take none. A nonce that repeats, as after a fork with a generator that does
/// not notice it, shows that two values are equal, and nothing else.
pub struct Sealed<S, R> {
    store: S,
    seal: Seal,
    data_key: DataKey,
    rng: Mutex<R>,
}

/// Whoever writes the header, or gives names another form, yields to others who do, but not for ever.
const ATTEMPTS: usize = 1000;

impl<S: Store, R: TryCryptoRng + Send> Sealed<S, R> {
    /// Opens a sealed store, or seals an empty one. One that was sealed by 0.1 gets names of the present form
    /// first, which takes as long as it has records; below a store that can only be read it stays as it is, and
    /// can be read.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] if it is sealed with another key; [`StoreError::NotSealed`] if there
    /// are records and no seal; [`StoreError::Newer`], [`StoreError::Corrupt`]; [`StoreError::Rng`];
    /// those of the store below.
    pub fn open(store: S, key: &SealKey<'_>, rng: R) -> Result<Self, StoreError> {
        let rng = Mutex::new(rng);
        for _ in 0..ATTEMPTS {
            let Some((header, data_key)) = find_or_seal(&store, key, &rng)? else {
                continue;
            };
            let mut form = header.names();
            if form == NameForm::Unscoped {
                match migrate(&store, &header, &data_key, key, &rng) {
                    Ok(true) => form = NameForm::Scoped,
                    Ok(false) => continue,
                    Err(StoreError::ReadOnly) => {}
                    Err(error) => return Err(error),
                }
            }
            if form == NameForm::Scoped {
                match clean(&store) {
                    Ok(()) | Err(StoreError::ReadOnly) => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(Self {
                seal: data_key.seal(&header, form),
                data_key,
                store,
                rng,
            });
        }
        Err(StoreError::Busy)
    }

    /// Makes `key` the one that opens the store, in one `apply`. Handles that are open stay good.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if others write all the time; [`StoreError::Rng`]; those of the store
    /// below. The old key is the right one then, unless the store below leaves that open.
    pub fn change_key(&self, key: &SealKey<'_>) -> Result<(), StoreError> {
        if self.seal.form() == NameForm::Unscoped {
            return Err(StoreError::ReadOnly);
        }
        let header = Header::seal(self.seal.store_id(), key, &self.data_key, &self.rng)?;
        let scope = header::scope();
        for _ in 0..ATTEMPTS {
            let generation = self.store.generation(&scope)?;
            if let Applied::Done(_) = self.store.apply(&scope, generation, &header.batch())? {
                return Ok(());
            }
        }
        Err(StoreError::Busy)
    }

    /// The store below.
    pub const fn inner(&self) -> &S {
        &self.store
    }

    const fn view(&self) -> View<'_, R> {
        View::new(&self.store, &self.seal, &self.rng)
    }
}

impl<S: Store, R: TryCryptoRng + Send> Store for Sealed<S, R> {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        self.view().get(key)
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.view().scan(scan, limit)
    }

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        self.view().generation(scope)
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        self.view().apply(scope, if_generation, batch)
    }

    fn exclusively(&self, scope: &Scope, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.view().exclusively(scope, work)
    }
}

/// What the store is sealed with; a new seal, if it is empty. `None` if somebody else was faster.
fn find_or_seal<R: TryCryptoRng>(
    store: &dyn Store,
    key: &SealKey<'_>,
    rng: &Mutex<R>,
) -> Result<Option<(Header, DataKey)>, StoreError> {
    if let Some(header) = Header::read(store)? {
        let data_key = header.open(key)?;
        return Ok(Some((header, data_key)));
    }
    if !is_empty(store)? {
        // Unless it was sealed between these two questions.
        return match Header::read(store)? {
            Some(_) => Ok(None),
            None => Err(StoreError::NotSealed),
        };
    }
    let data_key = DataKey::new(draw(rng)?);
    let store_id = *draw(rng)?.expose();
    let header = Header::seal(store_id, key, &data_key, rng)?;
    // While nobody else writes, if the store can do that: else a record that is not sealed could come
    // between the question and the header.
    let (scope, mut is_sealed) = (header::scope(), false);
    store.exclusively(&scope, &mut |store| {
        let generation = store.generation(&scope)?;
        if Header::read(store)?.is_none() && is_empty(store)? {
            let applied = store.apply(&scope, generation, &header.batch())?;
            is_sealed = matches!(applied, Applied::Done(_));
        }
        Ok(())
    })?;
    Ok(is_sealed.then_some((header, data_key)))
}

fn is_empty(store: &dyn Store) -> Result<bool, StoreError> {
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

fn draw<const N: usize, R: TryCryptoRng>(rng: &Mutex<R>) -> Result<Secret<N>, StoreError> {
    let mut rng = rng.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(random(&mut *rng)?)
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
