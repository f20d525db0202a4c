//! A store in memory.

use core::fmt;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use super::{
    Applied, Batch, Change, Generation, Key, Range, Record, Scan, Scope, Store, StoreError, Table,
    Value, Work,
};

/// Records in memory: gone with the process, wiped when dropped.
///
/// For tests; and for hosts with a database of their own, who mirror it here and write batches when
/// they can. Several handles on one store are an [`Arc`](std::sync::Arc) of it.
#[derive(Default)]
pub struct MemoryStore {
    state: RwLock<State>,
    /// Held by whoever writes, and by whoever wants to be the only one for a while.
    writing: Mutex<()>,
}

#[derive(Clone, Default)]
struct State {
    /// Of each scope that was ever written: it stays when its records go, so that no number comes back.
    generations: BTreeMap<Scope, u64>,
    records: BTreeMap<Key, Value>,
}

impl MemoryStore {
    /// An empty store: each scope is in generation 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A second store with the same contents, as a backup is one.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            state: RwLock::new(self.state().clone()),
            writing: Mutex::default(),
        }
    }

    /// Everything, in the order of the names.
    #[must_use]
    pub fn dump(&self) -> Vec<Record> {
        self.state().records.iter().map(record).collect()
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        // Nothing that can panic is done under the lock.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a batch; nobody else does meanwhile.
    fn write(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        batch.check(scope)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.generation(scope) != if_generation {
            return Ok(Applied::Conflict);
        }
        if batch.is_empty() {
            return Ok(Applied::Done(if_generation));
        }
        let next = if_generation.get() + 1;
        state.generations.insert(scope.clone(), next);
        for change in batch.changes() {
            state.change(change);
        }
        Ok(Applied::Done(Generation::new(next)))
    }
}

/// The store, for whoever is the only one to write.
struct Only<'a>(&'a MemoryStore);

impl Store for Only<'_> {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        self.0.get(key)
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.0.scan(scan, limit)
    }

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        self.0.generation(scope)
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        self.0.write(scope, if_generation, batch)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        key.check()?;
        Ok(self.state().records.get(key).cloned())
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        scan.check()?;
        let state = self.state();
        Ok(match scan {
            Scan::Range(range) => state.range(range).take(limit).map(record).collect(),
            Scan::Partitions { table, after } => state.partitions(*table, after.as_deref(), limit),
        })
    }

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        scope.check()?;
        Ok(self.state().generation(scope))
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(scope, if_generation, batch)
    }

    fn exclusively(&self, scope: &Scope, work: &mut Work<'_>) -> Result<(), StoreError> {
        scope.check()?;
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        work(&Only(self))
    }
}

impl State {
    fn generation(&self, scope: &Scope) -> Generation {
        Generation::new(self.generations.get(scope).copied().unwrap_or_default())
    }

    fn range(&self, range: &Range) -> impl Iterator<Item = (&Key, &Value)> {
        let from = Key::new(range.table, &*range.partition, &*range.from);
        self.records
            .range(from..)
            .take_while(|(key, _)| key.table == range.table && key.partition == range.partition)
            .take_while(|(key, _)| range.contains(&key.sort))
    }

    fn partitions(&self, table: Table, after: Option<&[u8]>, limit: usize) -> Vec<Record> {
        let mut found = Vec::new();
        let mut next = after.map_or_else(Vec::new, successor);
        while found.len() < limit {
            let from = Key::new(table, next, []);
            let Some(first) = self
                .records
                .range((Bound::Included(from), Bound::Unbounded))
                .next()
                .filter(|(key, _)| key.table == table)
            else {
                break;
            };
            next = successor(&first.0.partition);
            found.push(record(first));
        }
        found
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Put(key, value) => {
                self.records.insert(key.clone(), value.clone());
            }
            Change::Delete(key) => {
                self.records.remove(key);
            }
            Change::DeleteRange(range) => {
                let keys: Vec<_> = self.range(range).map(|(key, _)| key.clone()).collect();
                for key in &keys {
                    self.records.remove(key);
                }
            }
        }
    }
}

/// The smallest bytes that are larger.
fn successor(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

fn record((key, value): (&Key, &Value)) -> Record {
    Record {
        key: key.clone(),
        value: value.clone(),
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let (scopes, count) = (state.generations.len(), state.records.len());
        write!(f, "MemoryStore({scopes} scopes, {count} records)")
    }
}
