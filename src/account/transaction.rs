//! One operation: what it reads is of one state of the account, and what it changes is written at once.
//!
//! An operation reads through an overlay of what it has changed so far, and ends in one `apply`. What is
//! written first matters only to a store that breaks its promise and writes a part of a batch: new
//! records come before removals, and both in the order of the tables ([`super::names`]).

use std::cell::RefCell;
use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::AccountError;
use crate::store::{
    Applied, Batch, Change, Generation, Key, Range, Scope, Store, StoreError, Table, Value,
};

/// Somebody else was faster so many times: then the operation asks to be the only one that writes.
const OVERTAKEN: usize = 3;

/// With a store that lets nobody be the only one: others write without a pause.
const MAX_ATTEMPTS: usize = 1000;

/// When an operation that has many steps has changed so many bytes, it is stored, and the rest comes
/// with another. Each message of a page can skip keys and remove others, and so can what expires: it
/// must not outgrow the memory, or what a store takes at once.
pub(super) const MAX_WRITE: usize = 16 << 20;

/// When a step of what has thousands of them, and is done between other things, has changed so many bytes, it
/// is stored: others wait no longer than for any write.
pub(super) const MAX_STEP: usize = 1 << 20;

/// Runs an operation until nobody was faster, and stores what it changed. After an error nothing is
/// changed. All that it reads and changes is in the scope.
pub(super) fn run<T, E: From<AccountError>>(
    store: &dyn Store,
    scope: &Scope,
    mut operation: impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    for number in 0..MAX_ATTEMPTS {
        let outcome = match number < OVERTAKEN {
            true => attempt(store, scope, &mut operation),
            false => alone(store, scope, &mut operation),
        };
        if let Some(outcome) = outcome {
            return outcome;
        }
    }
    Err(AccountError::Store(StoreError::Busy).into())
}

/// Runs an operation once; `None` if somebody was faster.
fn attempt<T, E: From<AccountError>>(
    store: &dyn Store,
    scope: &Scope,
    operation: &mut impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
) -> Option<Result<T, E>> {
    let mut transaction = match Transaction::begin(store, scope) {
        Ok(transaction) => transaction,
        Err(error) => return Some(Err(error.into())),
    };
    let outcome = operation(&mut transaction);
    // What was read may be of several states: then an error says nothing either.
    let (generation, batch) = match &outcome {
        Ok(_) => transaction.into_batch(),
        Err(_) => (transaction.generation, Batch::new()),
    };
    match (store.apply(scope, generation, &batch), outcome) {
        (Ok(Applied::Conflict), _) => None,
        (Ok(Applied::Done(_)), outcome) => Some(outcome),
        (Err(error), Ok(_)) => Some(Err(AccountError::from(error).into())),
        (Err(_), Err(error)) => Some(Err(error)),
    }
}

/// The same while nobody else writes, if the store can do that.
fn alone<T, E: From<AccountError>>(
    store: &dyn Store,
    scope: &Scope,
    operation: &mut impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
) -> Option<Result<T, E>> {
    let mut outcome = None;
    let stored = store.exclusively(scope, &mut |store| {
        outcome = attempt(store, scope, operation);
        Ok(())
    });
    match (stored, outcome) {
        (Ok(()), outcome) => outcome,
        (Err(_), Some(Err(error))) => Some(Err(error)),
        // It was not begun, or what was applied is not stored.
        (Err(error), _) => Some(Err(AccountError::from(error).into())),
    }
}

/// The state of the store as an operation sees it, with its own changes.
pub(super) struct Transaction<'a> {
    store: &'a dyn Store,
    scope: &'a Scope,
    generation: Generation,
    /// What this operation has written, and, as `None`, removed.
    changed: BTreeMap<Key, Option<Value>>,
    /// The sum of the names and values that are to be written or removed, in bytes, and of the names of
    /// ranges. What is cleared again stays counted.
    size: usize,
    /// By partition: who removes an account clears thousands of them.
    cleared: BTreeMap<(Table, Vec<u8>), Vec<Range>>,
    /// What was read, so that a page of messages reads a session once.
    read: RefCell<BTreeMap<Key, Option<Value>>>,
}

impl<'a> Transaction<'a> {
    fn begin(store: &'a dyn Store, scope: &'a Scope) -> Result<Self, AccountError> {
        Ok(Self {
            store,
            scope,
            generation: store.generation(scope)?,
            changed: BTreeMap::new(),
            size: 0,
            cleared: BTreeMap::new(),
            read: RefCell::default(),
        })
    }

    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<Value>, AccountError> {
        self.check(key.is_in(self.scope))?;
        if let Some(changed) = self.changed.get(key) {
            return Ok(changed.clone());
        }
        if self.is_cleared(key) {
            return Ok(None);
        }
        if let Some(read) = self.read.borrow().get(key) {
            return Ok(read.clone());
        }
        let value = self.store.get(key)?;
        self.read.borrow_mut().insert(key.clone(), value.clone());
        Ok(value)
    }

    /// The records of a range, in the order of their sort keys. They are asked for at once, as all of them
    /// are kept here: a sealed store would decrypt the whole partition again for each page.
    pub(super) fn scan(&self, range: &Range) -> Result<Vec<(Vec<u8>, Value)>, AccountError> {
        self.check(range.is_in(self.scope))?;
        let records = self.store.scan(&range.clone().into(), usize::MAX)?;
        let mut found: BTreeMap<_, _> = records
            .into_iter()
            .filter(|record| !self.is_cleared(&record.key))
            .map(|record| (record.key.sort, record.value))
            .collect();
        let from = Key::new(range.table, &*range.partition, &*range.from);
        let changed = self
            .changed
            .range(from..)
            .take_while(|(key, _)| is_in_partition(range, key));
        for (key, value) in changed.filter(|(key, _)| range.contains(&key.sort)) {
            match value {
                Some(value) => found.insert(key.sort.clone(), value.clone()),
                None => found.remove(&key.sort),
            };
        }
        Ok(found.into_iter().collect())
    }

    /// What is of another scope changes without this one's generation: reading it would be of no state.
    fn check(&self, is_inside: bool) -> Result<(), AccountError> {
        match is_inside {
            true => Ok(()),
            false => Err(StoreError::OutsideScope.into()),
        }
    }

    pub(super) fn put(&mut self, key: Key, value: &[u8]) {
        let value = Zeroizing::new(value.to_vec());
        self.change(key, Some(value));
    }

    pub(super) fn delete(&mut self, key: Key) {
        self.change(key, None);
    }

    /// Whether a record was read, and was there.
    pub(super) fn has_found(&self, key: &Key) -> bool {
        self.read.borrow().get(key).is_some_and(Option::is_some)
    }

    /// How much is to be written, in bytes.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    fn change(&mut self, key: Key, value: Option<Value>) {
        let length = |value: &Option<Value>| value.as_ref().map_or(0, |value| value.len());
        self.size += length(&value);
        let name = key.partition.len() + key.sort.len();
        match self.changed.insert(key, value) {
            Some(before) => self.size = self.size.saturating_sub(length(&before)),
            None => self.size += name,
        }
    }

    pub(super) fn clear(&mut self, range: Range) {
        let until = range.until.as_ref().map_or(0, Vec::len);
        self.size += range.partition.len() + range.from.len() + until;
        let from = Key::new(range.table, &*range.partition, &*range.from);
        let changed = self.changed.range(from..);
        let changed = changed.take_while(|(key, _)| is_in_partition(&range, key));
        let gone: Vec<_> = changed
            .filter(|(key, _)| range.contains(&key.sort))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &gone {
            self.changed.remove(key);
        }
        let partition = (range.table, range.partition.clone());
        self.cleared.entry(partition).or_default().push(range);
    }

    fn is_cleared(&self, key: &Key) -> bool {
        if self.cleared.is_empty() {
            return false;
        }
        let ranges = self.cleared.get(&(key.table, key.partition.clone()));
        let mut ranges = ranges.into_iter().flatten();
        ranges.any(|range| range.contains(&key.sort))
    }

    /// Whether a record is as it was read: writing it, or removing it, would change nothing.
    fn is_unchanged(&self, key: &Key, value: &Option<Value>) -> bool {
        !self.is_cleared(key) && self.read.borrow().get(key) == Some(value)
    }

    fn into_batch(mut self) -> (Generation, Batch) {
        let changed = core::mem::take(&mut self.changed);
        let changed = changed.into_iter();
        self.changed = changed
            .filter(|(key, value)| !self.is_unchanged(key, value))
            .collect();
        let is_new = |key: &Key| !self.is_cleared(key);
        let (before, after): (Vec<_>, Vec<_>) = self
            .changed
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)))
            .partition(|(key, _)| is_new(key));
        let removed = self.changed.iter().filter(|(_, value)| value.is_none());
        let mut batch = Batch::new();
        for (key, value) in before {
            batch.push(Change::Put(key.clone(), value.clone()));
        }
        for range in self.cleared.values().flatten() {
            batch.delete_range(range.clone());
        }
        for (key, value) in after {
            batch.push(Change::Put(key.clone(), value.clone()));
        }
        for (key, _) in removed {
            batch.delete(key.clone());
        }
        (self.generation, batch)
    }
}

fn is_in_partition(range: &Range, key: &Key) -> bool {
    key.table == range.table && key.partition == range.partition
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Table};

    const TABLE: Table = Table::new(1);

    fn key(sort: u8) -> Key {
        Key::new(TABLE, *b"p", [sort])
    }

    fn scope() -> Scope {
        Scope::new(*b"p")
    }

    fn put(store: &MemoryStore, sorts: &[u8]) {
        run::<_, AccountError>(store, &scope(), |tx| {
            sorts.iter().for_each(|sort| tx.put(key(*sort), &[*sort]));
            Ok(())
        })
        .unwrap();
    }

    fn sorts(store: &MemoryStore) -> Vec<u8> {
        store
            .dump()
            .iter()
            .map(|record| record.key.sort[0])
            .collect()
    }

    #[test]
    fn an_operation_sees_what_it_changed() {
        let store = MemoryStore::new();
        put(&store, &[1, 2, 3, 5]);
        let seen = run::<_, AccountError>(&store, &scope(), |tx| {
            tx.put(key(4), b"new");
            tx.delete(key(1));
            tx.clear(Range::partition(TABLE, *b"p").from([3]).until([4]));
            tx.put(key(3), b"again");
            assert_eq!(tx.get(&key(1))?, None);
            assert_eq!(
                tx.get(&key(3))?.as_deref().map(Vec::as_slice),
                Some(&b"again"[..])
            );
            tx.clear(Range::partition(TABLE, *b"p").from([5]));
            assert_eq!(tx.get(&key(5))?, None);
            let found = tx.scan(&Range::partition(TABLE, *b"p"))?;
            Ok(found.iter().map(|(sort, _)| sort[0]).collect::<Vec<_>>())
        });
        assert_eq!(seen.unwrap(), [2, 3, 4]);
        assert_eq!(sorts(&store), [2, 3, 4]);
    }

    #[test]
    fn whoever_was_slower_begins_anew_and_an_error_changes_nothing() {
        let store = MemoryStore::new();
        put(&store, &[1]);
        let mut attempts = 0;
        let outcome = run::<_, AccountError>(&store, &scope(), |tx| {
            attempts += 1;
            let count = tx.get(&key(1))?.map_or(0, |value| value[0]);
            if attempts == 1 {
                put(&store, &[1, 7]);
            }
            tx.put(key(1), &[count + 1]);
            Ok(count + 1)
        });
        assert_eq!((outcome.unwrap(), attempts), (2, 2));

        // An error that is due to a torn reading is not one.
        let mut attempts = 0;
        let outcome = run::<u8, AccountError>(&store, &scope(), |tx| {
            attempts += 1;
            tx.put(key(9), b"");
            if attempts == 1 {
                put(&store, &[8]);
            }
            Err(AccountError::Gone)
        });
        assert_eq!((outcome, attempts), (Err(AccountError::Gone), 2));
        assert_eq!(sorts(&store), [1, 7, 8]);
    }

    #[test]
    fn what_is_written_as_it_was_read_is_no_change() {
        let store = MemoryStore::new();
        put(&store, &[1, 2]);
        let before = store.generation(&scope()).unwrap();
        run::<_, AccountError>(&store, &scope(), |tx| {
            for (sort, is_there) in [(1, true), (9, false)] {
                assert_eq!(tx.get(&key(sort))?.is_some(), is_there);
            }
            tx.put(key(1), b"x");
            tx.put(key(1), &[1]);
            tx.delete(key(9));
            Ok(())
        })
        .unwrap();
        assert_eq!(store.generation(&scope()).unwrap(), before);
        // Unless what was read is removed before.
        run::<_, AccountError>(&store, &scope(), |tx| {
            tx.get(&key(1))?;
            tx.clear(Range::partition(TABLE, *b"p"));
            tx.put(key(1), &[1]);
            Ok(())
        })
        .unwrap();
        assert_eq!(sorts(&store), [1]);
    }

    #[test]
    fn c07_what_is_removed_comes_last() {
        let (store, scope) = (MemoryStore::new(), scope());
        let mut tx = Transaction::begin(&store, &scope).unwrap();
        tx.delete(key(1));
        tx.clear(Range::partition(TABLE, *b"p\0q"));
        tx.put(Key::new(TABLE, *b"p\0q", *b"x"), b"");
        tx.put(key(2), b"");
        let (_, batch) = tx.into_batch();
        let kinds: Vec<_> = batch
            .changes()
            .iter()
            .map(|change| match change {
                Change::Put(key, _) if key.partition == *b"p" => b'p',
                Change::Put(..) => b'q',
                Change::DeleteRange(_) => b'r',
                Change::Delete(_) => b'd',
            })
            .collect();
        assert_eq!(kinds, *b"prqd");
    }
}
