//! What a sealed store does, over whatever gives it the records: the store below, or a view of it.

use std::sync::Mutex;

use rand_core::TryCryptoRng;

use super::draw;
use super::header::{self, Header};
use super::record::{NameForm, Seal};
use crate::store::{
    Applied, Batch, Change, Generation, Key, Range, Record, Scan, Scope, Store, StoreError, Table,
    Value, Work,
};

/// A store below, and what it is sealed with.
pub(super) struct View<'a, R> {
    store: &'a dyn Store,
    seal: &'a Seal,
    rng: &'a Mutex<R>,
}

impl<'a, R: TryCryptoRng> View<'a, R> {
    pub(super) const fn new(store: &'a dyn Store, seal: &'a Seal, rng: &'a Mutex<R>) -> Self {
        Self { store, seal, rng }
    }

    fn sealed_put(&self, key: &Key, value: &Value) -> Result<Change, StoreError> {
        let nonce = *draw(self.rng)?.expose();
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

    /// The batch for the store below.
    fn sealed(&self, batch: &Batch, scope: &Scope) -> Result<Batch, StoreError> {
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
            sealed.delete(Key::new(Table::SEAL, scope.partition(b"nothing"), *b""));
        }
        Ok(sealed)
    }

    /// The scope below. In the first form of names nothing is written, and the header is what changes when
    /// somebody gives them another.
    fn scope(&self, scope: &Scope) -> Scope {
        match self.seal.form() {
            NameForm::Unscoped => header::scope(),
            NameForm::Scoped => self.seal.scope(scope),
        }
    }

    /// Whether the names that the seal makes are still those in the store.
    fn check_form(&self) -> Result<(), StoreError> {
        if self.seal.form() == NameForm::Scoped {
            return Ok(());
        }
        match Header::read(self.store)? {
            Some(header) if header.names() == NameForm::Unscoped => Ok(()),
            _ => Err(StoreError::Replaced),
        }
    }
}

impl<R: TryCryptoRng + Send> Store for View<'_, R> {
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

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        scope.check()?;
        let generation = self.store.generation(&self.scope(scope))?;
        self.check_form()?;
        Ok(generation)
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        batch.check(scope)?;
        if self.seal.form() == NameForm::Unscoped && !batch.is_empty() {
            return Err(StoreError::ReadOnly);
        }
        let below = self.scope(scope);
        let sealed = self.sealed(batch, &below)?;
        self.store.apply(&below, if_generation, &sealed)
    }

    fn exclusively(&self, scope: &Scope, work: &mut Work<'_>) -> Result<(), StoreError> {
        scope.check()?;
        let (seal, rng) = (self.seal, self.rng);
        self.store.exclusively(&self.scope(scope), &mut |store| {
            work(&View { store, seal, rng })
        })
    }
}
