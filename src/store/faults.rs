//! A store that fails when it is told to, for tests.
//!
//! A test runs an operation once to count its calls, then once for each call `k` with a store that
//! fails at `k`, before and after its effect, and looks at what is left.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Applied, Batch, Generation, Key, Record, Scan, Store, StoreError, Value};

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

/// A store with a plan of what goes wrong.
pub struct Faulty<S> {
    store: S,
    plan: FaultPlan,
    calls: AtomicU64,
    applies: AtomicU64,
}

impl<S: Store> Faulty<S> {
    /// The store, and when it fails.
    pub const fn new(store: S, plan: FaultPlan) -> Self {
        Self {
            store,
            plan,
            calls: AtomicU64::new(0),
            applies: AtomicU64::new(0),
        }
    }

    /// The number of calls so far, of all functions.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// The number of calls of `apply` so far.
    pub fn applies(&self) -> u64 {
        self.applies.load(Ordering::SeqCst)
    }

    /// The store behind it, where nothing goes wrong.
    pub const fn inner(&self) -> &S {
        &self.store
    }

    fn next_call(&self) -> Option<Fault> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        self.plan.calls.get(&nth).copied()
    }

    fn read<T>(&self, read: impl FnOnce(&S) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.next_call() {
            Some(Fault::Before(error) | Fault::After(error) | Fault::Torn(_, error)) => Err(error),
            Some(Fault::Conflict) | None => read(&self.store),
        }
    }
}

impl<S: Store> Store for Faulty<S> {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        self.read(|store| store.get(key))
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.read(|store| store.scan(scan, limit))
    }

    fn generation(&self) -> Result<Generation, StoreError> {
        self.read(Store::generation)
    }

    fn apply(&self, if_generation: Generation, batch: &Batch) -> Result<Applied, StoreError> {
        let nth = self.applies.fetch_add(1, Ordering::SeqCst);
        let fault = self.next_call();
        match fault.or_else(|| self.plan.applies.get(&nth).copied()) {
            None => self.store.apply(if_generation, batch),
            Some(Fault::Before(error)) => Err(error),
            Some(Fault::After(error)) => {
                let _ = self.store.apply(if_generation, batch)?;
                Err(error)
            }
            Some(Fault::Conflict) => Ok(Applied::Conflict),
            Some(Fault::Torn(count, error)) => {
                let mut begun = Batch::new();
                for change in batch.changes().iter().take(count) {
                    begun.push(change.clone());
                }
                let _ = self.store.apply(if_generation, &begun)?;
                Err(error)
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("store", &self.store)
            .field("plan", &self.plan)
            .field("calls", &self.calls)
            .field("applies", &self.applies)
            .finish()
    }
}
