//! Being the only one that writes, for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::error::Failure;
use super::statements;
use crate::store::{
    Applied, Batch, Generation, Key, Record, Scan, Scope, Store, StoreError, Value,
};

/// A transaction beside which nobody writes. It is rolled back unless it was [committed](Self::commit), also
/// by a panic.
pub(super) struct Alone<'a>(Mutex<State<'a>>);

struct State<'a> {
    connection: &'a mut Connection,
    /// The first thing that went wrong: the transaction is not committed any more, whatever is made of it.
    failed: Option<StoreError>,
}

impl<'a> Alone<'a> {
    /// For a transaction that has begun and has the right to write.
    pub(super) const fn new(connection: &'a mut Connection) -> Self {
        Self(Mutex::new(State {
            connection,
            failed: None,
        }))
    }

    /// Asks for something before what was applied is stored, or before anything is.
    pub(super) fn check(
        &self,
        check: impl FnOnce(&Connection) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        Ok(self.with(check)?)
    }

    /// Stores what was applied.
    pub(super) fn commit(self) -> Result<(), Failure> {
        let state = self.state();
        if let Some(failed) = state.failed {
            return Err(failed.into());
        }
        Ok(state.connection.execute_batch("COMMIT")?)
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut state = self.state();
        if let Some(failed) = state.failed {
            return Err(failed);
        }
        let outcome = work(state.connection).map_err(StoreError::from);
        if let Err(error) = &outcome {
            state.failed = Some(*error);
        }
        outcome
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        let state = self.state();
        if !state.connection.is_autocommit() {
            // If it fails, the transaction stays open, and the handle is used up.
            let _ = state.connection.execute_batch("ROLLBACK");
        }
    }
}

impl Store for Alone<'_> {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        key.check()?;
        self.with(|connection| statements::get(connection, key))
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        scan.check()?;
        self.with(|connection| statements::scan(connection, scan, limit))
    }

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        scope.check()?;
        self.with(|connection| statements::generation_of(connection, scope))
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        batch.check(scope)?;
        self.with(|connection| statements::apply(connection, scope, if_generation, batch))
    }
}
