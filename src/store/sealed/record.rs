//! A sealed record: its keyed name, and its contents with the full name inside.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 1 | version of this form: 1 |
//! | 1 | 4 | epoch of the data key |
//! | 5 | 12 | nonce |
//! | 17 | 2, 2 | lengths of partition and sort key, encrypted as all that follows |
//! | 21 | … | partition, sort key, value |
//! | end | 16 | tag |
//!
//! Integers are little-endian. A keyed name has two forms: in the first a partition is 16 bytes; in the second
//! those come after the 16 bytes of the scope, without zero bytes, and a zero byte. The associated data binds the record to the store, the epoch and the
//! keyed name; the full name inside must have that keyed name.

use super::header::{Header, Reader};
use crate::crypto::Secret;
use crate::crypto::kdf::HmacKey;
use crate::crypto::siv::{NONCE_LEN, SivKey, TAG_LEN};
use crate::store::{Key, Record, Scope, StoreError, Table, Value};

const FORM: u8 = 1;
const CLEAR_LEN: usize = 5 + NONCE_LEN;
const NAME_LEN: usize = 16;
const SCOPED_LEN: usize = NAME_LEN + 1 + NAME_LEN;
const LABEL: &[u8] = b"omemo sealed store: record";

/// Seals and opens records.
pub(super) struct Seal {
    records: SivKey,
    names: Box<HmacKey>,
    store_id: [u8; 16],
    epoch: u32,
    form: NameForm,
}

/// How names are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameForm {
    /// As in 0.1: a partition does not show its scope.
    Unscoped,
    /// A partition begins with its scope, as the store below asks for.
    Scoped,
}

impl NameForm {
    /// Of a name in a sealed store; `None` of the header's, and of what the library has not written.
    pub(super) fn of(partition: &[u8]) -> Option<Self> {
        match (partition.len(), Scope::of(partition).as_bytes().len()) {
            (NAME_LEN, _) => Some(Self::Unscoped),
            (SCOPED_LEN, NAME_LEN) => Some(Self::Scoped),
            _ => None,
        }
    }
}

impl Seal {
    pub(super) fn new(
        records: &Secret<32>,
        names: &Secret<32>,
        header: &Header,
        form: NameForm,
    ) -> Self {
        Self {
            records: SivKey::new(records),
            names: Box::new(HmacKey::new(names.expose())),
            store_id: header.store_id(),
            epoch: header.epoch(),
            form,
        }
    }

    pub(super) const fn store_id(&self) -> [u8; 16] {
        self.store_id
    }

    pub(super) const fn form(&self) -> NameForm {
        self.form
    }

    /// The keyed name of a scope. Without zero bytes, which end a scope.
    pub(super) fn scope(&self, scope: &Scope) -> Scope {
        let mut name = self.keyed(&[b"scope", scope.as_bytes()]);
        for byte in &mut name {
            *byte = (*byte).max(1);
        }
        Scope::new(name)
    }

    /// The keyed name of a partition.
    pub(super) fn partition(&self, table: Table, partition: &[u8]) -> Vec<u8> {
        let number = table.number().to_le_bytes();
        let name = self.keyed(&[b"partition", &number, partition]);
        match self.form {
            NameForm::Unscoped => name,
            NameForm::Scoped => self.scope(&Scope::of(partition)).partition(&name),
        }
    }

    /// The keyed name of a record.
    pub(super) fn name(&self, key: &Key) -> Key {
        let table = key.table.number().to_le_bytes();
        let length = (key.partition.len() as u64).to_le_bytes();
        let sort = self.keyed(&[b"sort", &table, &length, &key.partition, &key.sort]);
        Key::new(key.table, self.partition(key.table, &key.partition), sort)
    }

    fn keyed(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mac = self.names.mac(parts);
        mac.expose().iter().copied().take(NAME_LEN).collect()
    }

    /// The stored value.
    pub(super) fn seal(
        &self,
        key: &Key,
        value: &[u8],
        nonce: &[u8; NONCE_LEN],
    ) -> Result<Value, StoreError> {
        let length = |part: &[u8]| u16::try_from(part.len()).map_err(|_| StoreError::TooLarge);
        let (partition, sort) = (length(&key.partition)?, length(&key.sort)?);
        let total = CLEAR_LEN + 4 + key.partition.len() + key.sort.len() + value.len() + TAG_LEN;
        let mut sealed = Value::new(Vec::with_capacity(total));
        sealed.push(FORM);
        sealed.extend_from_slice(&self.epoch.to_le_bytes());
        sealed.extend_from_slice(nonce);
        sealed.extend_from_slice(&partition.to_le_bytes());
        sealed.extend_from_slice(&sort.to_le_bytes());
        sealed.extend_from_slice(&key.partition);
        sealed.extend_from_slice(&key.sort);
        sealed.extend_from_slice(value);
        let associated = self.associated(&self.name(key));
        let contents = sealed.get_mut(CLEAR_LEN..).unwrap_or_default();
        let tag = self
            .records
            .seal(nonce, &associated, contents)
            .map_err(|_| StoreError::TooLarge)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// The record as it was before it was sealed.
    pub(super) fn open(&self, stored: &Record) -> Result<Record, StoreError> {
        let mut reader = Reader(&stored.value);
        let [form] = reader.take()?;
        if form > FORM {
            return Err(StoreError::Newer);
        }
        let epoch = reader.number()?;
        let nonce = reader.take()?;
        let (ciphertext, tag) = reader.0.split_last_chunk().ok_or(StoreError::Corrupt)?;
        if form != FORM || epoch != self.epoch {
            return Err(StoreError::Corrupt);
        }
        let contents = self
            .records
            .open(&nonce, &self.associated(&stored.key), ciphertext, tag)
            .map_err(|_| StoreError::Corrupt)?;
        let (key, value) = split(stored.key.table, &contents).ok_or(StoreError::Corrupt)?;
        if self.name(&key) != stored.key {
            return Err(StoreError::Corrupt);
        }
        Ok(Record { key, value })
    }

    fn associated(&self, name: &Key) -> Vec<u8> {
        let epoch = self.epoch.to_le_bytes();
        let table = name.table.number().to_le_bytes();
        let parts: [&[u8]; 7] = [
            LABEL,
            &[FORM],
            &self.store_id,
            &epoch,
            &table,
            &name.partition,
            &name.sort,
        ];
        parts.concat()
    }
}

fn split(table: Table, contents: &[u8]) -> Option<(Key, Value)> {
    let (partition, rest) = contents.split_first_chunk()?;
    let (sort, rest) = rest.split_first_chunk()?;
    let (partition, rest) = rest.split_at_checked(u16::from_le_bytes(*partition).into())?;
    let (sort, value) = rest.split_at_checked(u16::from_le_bytes(*sort).into())?;
    Some((Key::new(table, partition, sort), Value::new(value.to_vec())))
}
