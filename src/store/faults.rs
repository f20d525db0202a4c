//! A store that fails when it is told to, for tests.
//!
//! A test runs an operation once to count its calls, then once for each call `k` with a store that
//! fails at `k`, before and after its effect, and looks at what is left.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Applied, Batch, Generation, Key, Record, Scan, Scope, Store, StoreError, Value, Work};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails and has no effect.
    Before(StoreError),
    /// It has its effect, and says that it failed, as when the process cannot see the answer any more.
    After(StoreError),
    /// An `apply` finds that somebody was faster; other calls go on as if nothing was.
    Conflict,
    /// An `apply` makes the first changes only, so many, and says that it failed. No store of ours does
    /// that; one that breaks the contract may. Other calls fail and have no effect.
    Torn(usize, StoreError),
}

/// Which calls go wrong. Calls are counted from 0.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    calls: BTreeMap<u64, Fault>,
    applies: BTreeMap<u64, Fault>,
}

impl FaultPlan {
    /// Nothing goes wrong; calls are counted.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The `nth` call of any function goes wrong, too.
    #[must_use]
    pub fn call(mut self, nth: u64, fault: Fault) -> Self {
        self.calls.insert(nth, fault);
        self
    }

    /// The `nth` call of `apply` goes wrong, too.
    #[must_use]
    pub fn apply(mut self, nth: u64, fault: Fault) -> Self {
        self.applies.insert(nth, fault);
        self
    }
}

/// A store with a plan of what goes wrong. What is done with a view of it counts as calls, too
/// ([`Store::exclusively`], which itself goes on as if nothing was).
pub struct Faulty<S> {
    store: S,
    course: Course,
}

/// The plan, and how far it is.
#[derive(Debug)]
struct Course {
    plan: FaultPlan,
    calls: AtomicU64,
    applies: AtomicU64,
}

impl<S: Store> Faulty<S> {
    /// The store, and when it fails.
    pub const fn new(store: S, plan: FaultPlan) -> Self {
        let course = Course {
            plan,
            calls: AtomicU64::new(0),
            applies: AtomicU64::new(0),
        };
        Self { store, course }
    }

    /// The number of calls so far, of all functions.
    pub fn calls(&self) -> u64 {
        self.course.calls.load(Ordering::SeqCst)
    }

    /// The number of calls of `apply` so far.
    pub fn applies(&self) -> u64 {
        self.course.applies.load(Ordering::SeqCst)
    }

    /// The store behind it, where nothing goes wrong.
    pub const fn inner(&self) -> &S {
        &self.store
    }

    const fn view(&self) -> View<'_> {
        View {
            store: &self.store,
            course: &self.course,
        }
    }
}

impl Course {
    fn next_call(&self) -> Option<Fault> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        self.plan.calls.get(&nth).copied()
    }
}

impl<S: Store> Store for Faulty<S> {
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
        let course = &self.course;
        self.store
            .exclusively(scope, &mut |store| work(&View { store, course }))
    }
}

/// A store that fails as the course says.
struct View<'a> {
    store: &'a dyn Store,
    course: &'a Course,
}

impl View<'_> {
    fn read<T>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.course.next_call() {
            Some(Fault::Before(error) | Fault::After(error) | Fault::Torn(_, error)) => Err(error),
            Some(Fault::Conflict) | None => read(self.store),
        }
    }
}

impl Store for View<'_> {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        self.read(|store| store.get(key))
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.read(|store| store.scan(scan, limit))
    }

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        self.read(|store| store.generation(scope))
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        let nth = self.course.applies.fetch_add(1, Ordering::SeqCst);
        let fault = self.course.next_call();
        match fault.or_else(|| self.course.plan.applies.get(&nth).copied()) {
            None => self.store.apply(scope, if_generation, batch),
            Some(Fault::Before(error)) => Err(error),
            Some(Fault::After(error)) => {
                let _ = self.store.apply(scope, if_generation, batch)?;
                Err(error)
            }
            Some(Fault::Conflict) => Ok(Applied::Conflict),
            Some(Fault::Torn(count, error)) => {
                let mut begun = Batch::new();
                for change in batch.changes().iter().take(count) {
                    begun.push(change.clone());
                }
                let _ = self.store.apply(scope, if_generation, &begun)?;
                Err(error)
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("store", &self.store)
            .field("course", &self.course)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Table};

    fn key(sort: u8) -> Key {
        Key::new(Table::new(1), *b"p", [sort])
    }

    /// Three changes to an empty store that goes wrong: what is said, and how many are there.
    fn apply(plan: FaultPlan) -> (Result<Applied, StoreError>, usize) {
        let store = Faulty::new(MemoryStore::new(), plan);
        let mut batch = Batch::new();
        (0..3).for_each(|sort| drop_ref(batch.put(key(sort), b"v")));
        let outcome = store.apply(&Scope::new(*b"p"), Generation::new(0), &batch);
        assert_eq!((store.calls(), store.applies()), (1, 1));
        (outcome, store.inner().dump().len())
    }

    const fn drop_ref(_: &mut Batch) {}

    #[test]
    fn c06_c07_each_fault_does_what_it_says() {
        let done = Ok(Applied::Done(Generation::new(1)));
        let (full, io) = (StoreError::Full, StoreError::Io);
        for (fault, said, stored) in [
            (Fault::Before(full), Err(full), 0),
            (Fault::After(io), Err(io), 3),
            (Fault::Conflict, Ok(Applied::Conflict), 0),
            (Fault::Torn(0, io), Err(io), 0),
            (Fault::Torn(2, io), Err(io), 2),
        ] {
            assert_eq!(apply(FaultPlan::none().call(0, fault)), (said, stored));
            assert_eq!(apply(FaultPlan::none().apply(0, fault)), (said, stored));
            assert_eq!(apply(FaultPlan::none().call(1, fault)), (done, 3));
            assert_eq!(apply(FaultPlan::none().apply(1, fault)), (done, 3));
        }
    }

    #[test]
    fn c06_each_call_can_fail() {
        for nth in 0..3 {
            let plan = FaultPlan::none().call(nth, Fault::Before(StoreError::Io));
            let store = Faulty::new(MemoryStore::new(), plan);
            let outcomes = [
                store.generation(&Scope::new(*b"p")).is_err(),
                store.get(&key(0)).is_err(),
                store.scan(&Scan::partitions(Table::new(1)), 1).is_err(),
            ];
            let failed: Vec<_> = (0..3).filter(|at| outcomes[*at as usize]).collect();
            assert_eq!(failed, [nth]);
        }
    }
}
