//! A store in an SQLite file.
//!
//! One table, in the order of the names, and one row with the generation. An `apply` is one
//! transaction that takes the right to write first and compares the generation then.
//!
//! - **What was acknowledged stays**, also when the power fails: write-ahead log, `synchronous=FULL`.
//!   (`NORMAL` loses it.) On macOS the disk is told to write its cache.
//! - **Processes**: any number of them, on one machine, with a file on a local disk. Whoever writes
//!   makes the others wait, for five seconds unless said otherwise; then they get
//!   [`Busy`](StoreError::Busy). Between calls nobody is kept from anything. (SQLite itself marks a
//!   file that is open: those marks exclude nobody who reads or writes.)
//! - **Threads** of one handle wait for each other. A second handle on the file does not wait to read.
//! - **A fork** leaves the handle to the parent: in the child it says [`Forked`](StoreError::Forked).
//! - **Rights**: the file is made with mode 0600, before there is anything in it, and SQLite gives its
//!   `-wal` and `-shm` the same. A file that exists keeps its mode. Symbolic links are followed; the
//!   folder is to be one in which only its owner writes, since three files live in it together.
//! - **What is deleted** is overwritten with zeros in the file. Old pages stay in the `-wal` file until they
//!   have been copied, after 256 pages, when the last handle is closed, or by
//!   [`SqliteStore::checkpoint`]; what the disk keeps of them is the disk's. SQLite's own memory is not
//!   wiped.
//! - **After a failed read, write or `fsync`** the handle is used up ([`Poisoned`](StoreError::Poisoned)):
//!   what the system has kept in memory may not be what is on the disk.

mod error;
mod open;

use core::fmt;
use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{
    Applied, Batch, Change, Generation, Key, Range, Record, Scan, Store, StoreError, Table, Value,
};

/// How long a call waits for others who write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const GENERATION: &str = "SELECT generation FROM state";
const SET_GENERATION: &str = "UPDATE state SET generation = ?1";
const GET: &str = "SELECT value FROM records WHERE kind = ?1 AND part = ?2 AND sort = ?3";
const SCAN_FROM: &str = "SELECT part, sort, value FROM records \
    WHERE kind = ?1 AND part = ?2 AND sort >= ?3 ORDER BY sort LIMIT ?4";
const SCAN_RANGE: &str = "SELECT part, sort, value FROM records \
    WHERE kind = ?1 AND part = ?2 AND sort >= ?3 AND sort < ?5 ORDER BY sort LIMIT ?4";
const NEXT_PARTITION: &str = "SELECT part, sort, value FROM records \
    WHERE kind = ?1 AND part >= ?2 ORDER BY part, sort LIMIT 1";
const PUT: &str = "INSERT INTO records (kind, part, sort, value) VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM records WHERE kind = ?1 AND part = ?2 AND sort = ?3";
const DELETE_FROM: &str = "DELETE FROM records WHERE kind = ?1 AND part = ?2 AND sort >= ?3";
const DELETE_RANGE: &str =
    "DELETE FROM records WHERE kind = ?1 AND part = ?2 AND sort >= ?3 AND sort < ?4";

/// A store in an SQLite file; see the [module](self) about what it promises.
pub struct SqliteStore {
    /// `None` only while it is dropped.
    connection: Option<Mutex<Connection>>,
    process: u32,
    poisoned: AtomicBool,
}

impl SqliteStore {
    /// Opens a file, or makes it. The folder must exist.
    ///
    /// # Errors
    /// [`StoreError::NoFolder`], [`StoreError::Denied`], [`StoreError::ReadOnly`]; [`StoreError::NotAStore`],
    /// [`StoreError::Newer`], [`StoreError::Corrupt`] about what is in it; [`StoreError::Busy`],
    /// [`StoreError::Full`], [`StoreError::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, BUSY_TIMEOUT)
    }

    /// The same, waiting for others who write as long as said.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub fn open_with(path: impl AsRef<Path>, busy_timeout: Duration) -> Result<Self, StoreError> {
        Ok(Self {
            connection: Some(Mutex::new(open::open(path.as_ref(), busy_timeout)?)),
            process: std::process::id(),
            poisoned: AtomicBool::new(false),
        })
    }

    /// Copies what is in the `-wal` file and empties that, so that old pages are gone from the disk as
    /// far as files go. Done by itself from time to time; worth a call after something was forgotten.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if somebody is reading or writing; it is done later then. Else as for `get`.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let busy = self.with(|connection| {
            Ok(
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                    row.get::<_, bool>(0)
                })?,
            )
        })?;
        if busy {
            return Err(StoreError::Busy);
        }
        Ok(())
    }

    /// Reads the whole file and says whether it is sound. Takes time.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is not; else as for `get`.
    pub fn integrity_check(&self) -> Result<(), StoreError> {
        let found = self.with(|connection| {
            Ok(
                connection.query_row("PRAGMA integrity_check(1)", [], |row| {
                    row.get::<_, String>(0)
                })?,
            )
        })?;
        if found != "ok" {
            return Err(StoreError::Corrupt);
        }
        Ok(())
    }

    /// Does something with the connection, if it is ours and good.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, error::Failure>,
    ) -> Result<T, StoreError> {
        if self.process != std::process::id() {
            return Err(StoreError::Forked);
        }
        let connection = self.connection.as_ref().ok_or(StoreError::Poisoned)?;
        let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(StoreError::Poisoned);
        }
        let outcome = work(&mut connection).map_err(StoreError::from);
        // A transaction that is still open could not be rolled back.
        if outcome
            .as_ref()
            .is_err_and(|error| *error == StoreError::Io)
            || !connection.is_autocommit()
        {
            self.poisoned.store(true, Ordering::SeqCst);
        }
        outcome
    }
}

impl Store for SqliteStore {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        key.check()?;
        self.with(|connection| {
            let mut statement = connection.prepare_cached(GET)?;
            let name = params![key.table.number(), key.partition, key.sort];
            Ok(statement.query_row(name, |row| value(row, 0)).optional()?)
        })
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        scan.check()?;
        self.with(|connection| match scan {
            Scan::Range(range) => range_of(connection, range, limit),
            Scan::Partitions { table, after } => {
                partitions_of(connection, *table, after.as_deref(), limit)
            }
        })
    }

    fn generation(&self) -> Result<Generation, StoreError> {
        self.with(|connection| generation_of(connection))
    }

    fn apply(&self, if_generation: Generation, batch: &Batch) -> Result<Applied, StoreError> {
        batch.check()?;
        self.with(|connection| {
            if batch.is_empty() {
                return Ok(match generation_of(connection)? {
                    now if now == if_generation => Applied::Done(now),
                    _ => Applied::Conflict,
                });
            }
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            open::check_schema(&transaction)?;
            let now = generation_of(&transaction)?;
            if now != if_generation {
                transaction.rollback()?;
                return Ok(Applied::Conflict);
            }
            for change in batch.changes() {
                make(&transaction, change)?;
            }
            let next = now.get().checked_add(1).ok_or(StoreError::Corrupt)?;
            transaction
                .prepare_cached(SET_GENERATION)?
                .execute([i64::try_from(next).map_err(|_| StoreError::Corrupt)?])?;
            transaction.commit()?;
            Ok(Applied::Done(Generation::new(next)))
        })
    }
}

fn generation_of(connection: &Connection) -> Result<Generation, error::Failure> {
    let mut statement = connection.prepare_cached(GENERATION)?;
    let number: i64 = statement.query_row([], |row| row.get(0))?;
    let number = u64::try_from(number).map_err(|_| StoreError::Corrupt)?;
    Ok(Generation::new(number))
}

fn range_of(
    connection: &Connection,
    range: &Range,
    limit: usize,
) -> Result<Vec<Record>, error::Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (table, partition, from) = (range.table.number(), &range.partition, &range.from);
    let read = |row: &Row<'_>| record(range.table, row);
    let rows: Result<_, _> = match &range.until {
        None => connection
            .prepare_cached(SCAN_FROM)?
            .query_map(params![table, partition, from, limit], read)?
            .collect(),
        Some(until) => connection
            .prepare_cached(SCAN_RANGE)?
            .query_map(params![table, partition, from, limit, until], read)?
            .collect(),
    };
    Ok(rows?)
}

fn partitions_of(
    connection: &mut Connection,
    table: Table,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<Record>, error::Failure> {
    // Several statements, and one state for all of them.
    let transaction = connection.transaction()?;
    let mut statement = transaction.prepare_cached(NEXT_PARTITION)?;
    let mut found: Vec<Record> = Vec::new();
    let mut next = after.map_or_else(Vec::new, successor);
    while found.len() < limit {
        let first = statement
            .query_row(params![table.number(), next], |row| record(table, row))
            .optional()?;
        let Some(first) = first else { break };
        next = successor(&first.key.partition);
        found.push(first);
    }
    drop(statement);
    transaction.rollback()?;
    Ok(found)
}

fn make(transaction: &Transaction<'_>, change: &Change) -> Result<(), error::Failure> {
    match change {
        Change::Put(key, value) => transaction.prepare_cached(PUT)?.execute(params![
            key.table.number(),
            key.partition,
            key.sort,
            **value
        ])?,
        Change::Delete(key) => transaction.prepare_cached(DELETE)?.execute(params![
            key.table.number(),
            key.partition,
            key.sort
        ])?,
        Change::DeleteRange(range) => {
            let (table, partition) = (range.table.number(), &range.partition);
            match &range.until {
                None => transaction
                    .prepare_cached(DELETE_FROM)?
                    .execute(params![table, partition, range.from])?,
                Some(until) => transaction
                    .prepare_cached(DELETE_RANGE)?
                    .execute(params![table, partition, range.from, until])?,
            }
        }
    };
    Ok(())
}

fn record(table: Table, row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        key: Key::new(table, row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?),
        value: value(row, 2)?,
    })
}

fn value(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    Ok(Value::new(row.get_ref(column)?.as_blob()?.to_vec()))
}

/// The smallest bytes that are larger.
fn successor(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // Closing would clean up behind the parent, who is still writing.
            mem::forget(self.connection.take());
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteStore(..)")
    }
}

#[cfg(test)]
mod tests;
