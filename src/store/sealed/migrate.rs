//! From the first form of names to the second, which shows a scope.
//!
//! Every record is written again under its new name, then one `apply` changes the header, then the old names are
//! removed. Whoever is killed in between leaves either the old form, whole, with some copies beside it, or the new form,
//! whole, with some old names beside it and a mark that says so; the next who opens the store goes on. Two can do it
//! at once: while the header is of the old form nobody writes anything but these copies, which are the same for
//! both, and each batch of copies is applied only if its scope was not written since the header was seen.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rand_core::TryCryptoRng;

use super::header::{self, DataKey, Header};
use super::record::{NameForm, Seal};
use super::{SealKey, draw};
use crate::store::{
    Applied, Batch, Change, Key, Range, Record, Scan, Scope, Store, StoreError, Table,
};

/// How many partitions are listed at once.
const PAGE: usize = 1000;

/// How much is copied at once, in bytes.
const MAX_COPIED: usize = 8 << 20;

/// Gives the names of a store the second form. `false` if somebody else has written meanwhile: look at the header
/// again.
pub(super) fn migrate<R: TryCryptoRng>(
    store: &dyn Store,
    header: &Header,
    data_key: &DataKey,
    key: &SealKey<'_>,
    rng: &Mutex<R>,
) -> Result<bool, StoreError> {
    let scope = header::scope();
    let generation = store.generation(&scope)?;
    let migration = Migration {
        store,
        header,
        old: data_key.seal(header, NameForm::Unscoped),
        new: data_key.seal(header, NameForm::Scoped),
    };
    if !(migration.remove_strays()? && migration.copy(rng)?) {
        return Ok(false);
    }
    let new = Header::seal(header.store_id(), &header.with_cost(key)?, data_key, rng)?;
    let mut batch = new.batch();
    batch.put(mark(), b"");
    let applied = store.apply(&scope, generation, &batch)?;
    Ok(matches!(applied, Applied::Done(_)))
}

/// Removes what is left of the first form, if there may be anything.
pub(super) fn clean(store: &dyn Store) -> Result<(), StoreError> {
    if store.get(&mark())?.is_none() {
        return Ok(());
    }
    let scope = header::scope();
    // At once, if the store can do that: each partition of the first form is a scope of its own below.
    store.exclusively(&scope, &mut |store| {
        each_partition(store, NameForm::Unscoped, |name| {
            let mut batch = Batch::new();
            batch.delete_range(name.clone());
            apply_until_done(store, &Scope::of(&name.partition), &batch)?;
            Ok(true)
        })?;
        let mut batch = Batch::new();
        batch.delete(mark());
        apply_until_done(store, &scope, &batch)
    })
}

struct Migration<'a> {
    store: &'a dyn Store,
    header: &'a Header,
    old: Seal,
    new: Seal,
}

impl Migration<'_> {
    /// Removes copies of what is there no more: of a migration that was cut short, after which an older version
    /// went on with the store.
    fn remove_strays(&self) -> Result<bool, StoreError> {
        each_partition(self.store, NameForm::Scoped, |name| {
            let mut batch = Batch::new();
            for stored in self.store.scan(&name.clone().into(), usize::MAX)? {
                let record = self.new.open(&stored)?;
                if self.store.get(&self.old.name(&record.key))?.is_none() {
                    batch.delete(stored.key);
                }
            }
            Ok(batch.is_empty() || self.write(&Scope::of(&name.partition), &batch)?)
        })
    }

    /// Writes each record under its new name.
    fn copy<R: TryCryptoRng>(&self, rng: &Mutex<R>) -> Result<bool, StoreError> {
        let mut copies = Copies::default();
        let is_done = each_partition(self.store, NameForm::Unscoped, |name| {
            for stored in self.store.scan(&name.clone().into(), usize::MAX)? {
                copies.add(self.renamed(&stored, rng)?);
                if copies.size > MAX_COPIED && !copies.write(self)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        Ok(is_done && copies.write(self)?)
    }

    fn renamed<R: TryCryptoRng>(
        &self,
        stored: &Record,
        rng: &Mutex<R>,
    ) -> Result<(Scope, Change), StoreError> {
        let record = self.old.open(stored)?;
        let nonce = *draw(rng)?.expose();
        let value = self.new.seal(&record.key, &record.value, &nonce)?;
        let name = self.new.name(&record.key);
        Ok((Scope::of(&name.partition), Change::Put(name, value)))
    }

    /// Applies a batch if the store is still of the old form, and nobody has written in the scope since it
    /// was seen to be.
    fn write(&self, scope: &Scope, batch: &Batch) -> Result<bool, StoreError> {
        let generation = self.store.generation(scope)?;
        if Header::read(self.store)?.as_ref() != Some(self.header) {
            return Ok(false);
        }
        let applied = self.store.apply(scope, generation, batch)?;
        Ok(matches!(applied, Applied::Done(_)))
    }
}

/// Copies that are to be written.
#[derive(Default)]
struct Copies {
    batches: BTreeMap<Scope, Batch>,
    size: usize,
}

impl Copies {
    fn add(&mut self, (scope, copy): (Scope, Change)) {
        let batch = self.batches.entry(scope).or_default();
        self.size -= batch.size();
        batch.push(copy);
        self.size += batch.size();
    }

    fn write(&mut self, migration: &Migration<'_>) -> Result<bool, StoreError> {
        self.size = 0;
        for (scope, batch) in core::mem::take(&mut self.batches) {
            if !migration.write(&scope, &batch)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Does something with each partition that has a name of that form, until it says `false`.
fn each_partition(
    store: &dyn Store,
    form: NameForm,
    mut work: impl FnMut(&Range) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    let tables = (0..=u8::MAX).map(Table::new).chain([Table::SEAL]);
    for table in tables {
        let mut after = None;
        loop {
            let page = store.scan(&Scan::Partitions { table, after }, PAGE)?;
            for record in &page {
                let partition = &record.key.partition;
                if NameForm::of(partition) == Some(form)
                    && !work(&Range::partition(table, &**partition))?
                {
                    return Ok(false);
                }
            }
            after = match page.last() {
                Some(last) if page.len() == PAGE => Some(last.key.partition.clone()),
                _ => break,
            };
        }
    }
    Ok(true)
}

/// Nobody else works in these scopes, but for those who do the same.
fn apply_until_done(store: &dyn Store, scope: &Scope, batch: &Batch) -> Result<(), StoreError> {
    for _ in 0..super::ATTEMPTS {
        let generation = store.generation(scope)?;
        if let Applied::Done(_) = store.apply(scope, generation, batch)? {
            return Ok(());
        }
    }
    Err(StoreError::Busy)
}

/// Says that names of the first form may be left.
fn mark() -> Key {
    Key::new(Table::SEAL, [], *b"unscoped names are left")
}
