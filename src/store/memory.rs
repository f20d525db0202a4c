//! A store in memory.

use core::fmt;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::{
    Applied, Batch, Change, Generation, Key, Range, Record, Scan, Store, StoreError, Table, Value,
};

/// Records in memory: gone with the process, wiped when dropped.
///
/// For tests; and for hosts with a database of their own, who mirror it here and write batches when
/// they can. Several handles on one store are an [`Arc`](std::sync::Arc) of it.
#[derive(Default)]
pub struct MemoryStore(RwLock<State>);

#[derive(Clone, Default)]
struct State {
    generation: u64,
    records: BTreeMap<Key, Value>,
}

impl MemoryStore {
    /// An empty store, in generation 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A second store with the same contents, as a backup is one.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(RwLock::new(self.state().clone()))
    }

    /// Everything, in the order of the names.
    #[must_use]
    pub fn dump(&self) -> Vec<Record> {
        self.state().records.iter().map(record).collect()
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        // Nothing that can panic is done under the lock.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
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

    fn generation(&self) -> Result<Generation, StoreError> {
        Ok(Generation::new(self.state().generation))
    }

    fn apply(&self, if_generation: Generation, batch: &Batch) -> Result<Applied, StoreError> {
        batch.check()?;
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if state.generation != if_generation.get() {
            return Ok(Applied::Conflict);
        }
        if !batch.is_empty() {
            state.generation += 1;
        }
        for change in batch.changes() {
            state.change(change);
        }
        Ok(Applied::Done(Generation::new(state.generation)))
    }
}

impl State {
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
        let count = state.records.len();
        write!(
            f,
            "MemoryStore(generation {}, {count} records)",
            state.generation
        )
    }
}
