//! The one record of a sealed store that says how it is sealed.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 1 | version of this form: 2; 1 where names are of their first form |
//! | 1 | 1 | 0: a key, 1: a passphrase |
//! | 2 | 16 | store id |
//! | 18 | 4 | epoch of the data key: 1 |
//! | 22 | 3 × 4 | cost: memory in KiB, passes, lanes; zero for a key |
//! | 34 | 16 | salt |
//! | 50 | 12 | nonce |
//! | 62 | 32, 16 | the data key, encrypted, and its tag |
//!
//! Integers are little-endian. Everything before the nonce is associated data.

use std::sync::Mutex;

use rand_core::TryCryptoRng;

use super::record::{NameForm, Seal};
use super::{SealKey, SealKind, draw};
use crate::crypto::passphrase::{Cost, argon2id};
use crate::crypto::siv::{NONCE_LEN, SivKey};
use crate::crypto::{Secret, kdf};
use crate::store::{Batch, Key, Scope, Store, StoreError, Table};

const OLD_FORM: u8 = 1;
const FORM: u8 = 2;
const EPOCH: u32 = 1;
const KEY: u8 = 0;
const PASSPHRASE: u8 = 1;
const PUBLIC_LEN: usize = 50;
const HEADER_LEN: usize = 110;

const WRAP: &[u8] = b"omemo sealed store: wrapping key";
const RECORDS: &[u8] = b"omemo sealed store: record key";
const NAMES: &[u8] = b"omemo sealed store: name key";
const HEADER: &[u8] = b"omemo sealed store: header";

/// What everything in the store is encrypted with.
pub(super) struct DataKey(Box<Secret<32>>);

impl DataKey {
    pub(super) fn new(key: Secret<32>) -> Self {
        Self(Box::new(key))
    }

    pub(super) fn seal(&self, header: &Header, form: NameForm) -> Seal {
        let derive = |info| kdf::hkdf_salted::<32>(&header.store_id, self.0.expose(), info);
        Seal::new(&derive(RECORDS), &derive(NAMES), header, form)
    }
}

/// The header, read or made.
#[derive(PartialEq, Eq)]
pub(super) struct Header {
    store_id: [u8; 16],
    epoch: u32,
    bytes: [u8; HEADER_LEN],
}

impl Header {
    /// The header of a store; `None` if it has none.
    pub(super) fn read(store: &dyn Store) -> Result<Option<Self>, StoreError> {
        let Some(value) = store.get(&name())? else {
            return Ok(None);
        };
        if value.first().is_some_and(|form| *form > FORM) {
            return Err(StoreError::Newer);
        }
        let bytes: [u8; HEADER_LEN] = (**value).try_into().map_err(|_| StoreError::Corrupt)?;
        let mut reader = Reader(&bytes);
        let [form, _] = reader.take()?;
        let header = Self {
            store_id: reader.take()?,
            epoch: reader.number()?,
            bytes,
        };
        if form < OLD_FORM || header.epoch != EPOCH {
            return Err(StoreError::Corrupt);
        }
        Ok(Some(header))
    }

    pub(super) const fn store_id(&self) -> [u8; 16] {
        self.store_id
    }

    pub(super) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// How the names in the store are made.
    pub(super) const fn names(&self) -> NameForm {
        let [form, ..] = self.bytes;
        match form {
            OLD_FORM => NameForm::Unscoped,
            _ => NameForm::Scoped,
        }
    }

    /// What opens it.
    pub(super) fn kind(&self) -> Result<SealKind, StoreError> {
        let [_, kind] = Reader(&self.bytes).take()?;
        match kind {
            KEY => Ok(SealKind::Key),
            PASSPHRASE => Ok(SealKind::Passphrase),
            _ => Err(StoreError::Corrupt),
        }
    }

    /// Wraps a data key.
    pub(super) fn seal<R: TryCryptoRng>(
        store_id: [u8; 16],
        key: &SealKey<'_>,
        data_key: &DataKey,
        rng: &Mutex<R>,
    ) -> Result<Self, StoreError> {
        let salt: [u8; 16] = *draw(rng)?.expose();
        let nonce: [u8; NONCE_LEN] = *draw(rng)?.expose();
        let (kind, cost) = match key {
            SealKey::Key(_) => (KEY, [0; 3]),
            SealKey::Passphrase(_, cost) => {
                (PASSPHRASE, [cost.memory(), cost.passes(), cost.lanes()])
            }
        };
        let mut public = Vec::with_capacity(HEADER_LEN);
        public.extend([FORM, kind]);
        public.extend(store_id);
        public.extend(EPOCH.to_le_bytes());
        public.extend(cost.iter().flat_map(|number| number.to_le_bytes()));
        public.extend(salt);
        let wrapping = wrapping_key(key, &salt)?;
        let mut wrapped = data_key.0.clone();
        let tag = wrapping
            .seal(&nonce, &associated(&public), wrapped.expose_mut())
            .map_err(|_| StoreError::TooLarge)?;
        let parts = [&public, &nonce[..], &wrapped.expose()[..], &tag[..]];
        Ok(Self {
            store_id,
            epoch: EPOCH,
            bytes: parts
                .concat()
                .try_into()
                .map_err(|_| StoreError::TooLarge)?,
        })
    }

    /// The key that was given, with the cost that is stored.
    pub(super) fn with_cost<'a>(&self, key: &SealKey<'a>) -> Result<SealKey<'a>, StoreError> {
        let mut reader = Reader(&self.bytes);
        let [_, kind] = reader.take()?;
        let _: [u8; 20] = reader.take()?;
        let cost = [reader.number()?, reader.number()?, reader.number()?];
        match (kind, *key) {
            (KEY, SealKey::Key(_)) if cost == [0; 3] => Ok(*key),
            (PASSPHRASE, SealKey::Passphrase(passphrase, _)) => {
                let [memory, passes, lanes] = cost;
                let cost = Cost::new(memory, passes, lanes).ok_or(StoreError::Corrupt)?;
                Ok(SealKey::Passphrase(passphrase, cost))
            }
            (KEY, SealKey::Passphrase(..)) | (PASSPHRASE, SealKey::Key(_)) => {
                Err(StoreError::WrongKey)
            }
            _ => Err(StoreError::Corrupt),
        }
    }

    /// Unwraps the data key.
    pub(super) fn open(&self, key: &SealKey<'_>) -> Result<DataKey, StoreError> {
        let key = self.with_cost(key)?;
        let mut reader = Reader(&self.bytes);
        let _: [u8; 34] = reader.take()?;
        let salt = reader.take()?;
        let nonce = reader.take()?;
        let wrapped: [u8; 32] = reader.take()?;
        let tag = reader.take()?;
        let public = self.bytes.get(..PUBLIC_LEN).unwrap_or_default();
        let data = wrapping_key(&key, &salt)?
            .open(&nonce, &associated(public), &wrapped, &tag)
            .map_err(|_| StoreError::WrongKey)?;
        let mut data_key = DataKey::new(Secret::new([0; 32]));
        data_key.0.expose_mut().copy_from_slice(&data);
        Ok(data_key)
    }

    /// What stores it.
    pub(super) fn batch(&self) -> Batch {
        let mut batch = Batch::new();
        batch.put(name(), &self.bytes);
        batch
    }
}

/// Where the header is.
pub(super) fn scope() -> Scope {
    Scope::new([])
}

fn name() -> Key {
    Key::new(Table::SEAL, [], [])
}

fn wrapping_key(key: &SealKey<'_>, salt: &[u8; 16]) -> Result<SivKey, StoreError> {
    let derive = |key: &Secret<32>| SivKey::new(&kdf::hkdf_salted(salt, key.expose(), WRAP));
    match key {
        SealKey::Key(key) => Ok(derive(key)),
        SealKey::Passphrase(passphrase, cost) => {
            let key = argon2id(passphrase, salt, *cost).ok_or(StoreError::TooLarge)?;
            Ok(derive(&key))
        }
    }
}

fn associated(public: &[u8]) -> Vec<u8> {
    [HEADER, public].concat()
}

/// Reads fixed places.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(StoreError::Corrupt)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(super) fn number(&mut self) -> Result<u32, StoreError> {
        self.take().map(u32::from_le_bytes)
    }
}
