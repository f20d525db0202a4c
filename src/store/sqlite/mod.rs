//! A store in an SQLite file.
//!
//! One table, in the order of the names, and a row for each scope with its generation. An `apply` is one
//! transaction that takes the right to write first and compares the generation then.
//!
//! - **What was acknowledged stays**, also when the power fails: write-ahead log, `synchronous=FULL`.
//!   (`NORMAL` loses it.) On macOS the disk is told to write its cache.
//! - **Processes**: any number of them, on one machine, with a file on a local disk. Whoever writes
//!   makes the others wait, for five seconds unless said otherwise; then they get
//!   [`Busy`](StoreError::Busy). Between calls nobody is kept from anything. (SQLite itself marks a
//!   file that is open: those marks exclude nobody who reads or writes.)
//! - **Who is overtaken** again and again takes the right to write first and reads then
//!   ([`Store::exclusively`]); others wait as they do for any other who writes.
//! - **Files of version 0.1** get their rows when they are opened, in one transaction; a process of that
//!   version that still has the file open is refused from then on. Opened to be read only, they stay as they are.
//! - **Threads** of one handle wait for each other. A second handle on the file does not wait to read.
//! - **A fork** leaves the handle to the parent: in the child it says [`Forked`](StoreError::Forked).
//! - **Rights**: the file is made with mode 0600, before there is anything in it, and SQLite gives its
//!   `-wal` and `-shm` the same. A file that exists keeps its mode. Symbolic links to a file are followed; the
//!   folder is to be one in which only its owner writes, since three files live in it together.
//! - **Copies**: a process that has the file open must not read it by other means, since on Unix
//!   closing it takes the locks away; nor is the file whole without its `-wal`. Close first, or copy in
//!   another process after a [`SqliteStore::checkpoint`].
//! - **What is deleted** is overwritten with zeros in the file. Old pages stay in the `-wal` file until they
//!   have been copied, after 256 pages, and something is written after that: in a store that rests then they
//!   stay. At once they go when the last handle is closed, or by [`SqliteStore::checkpoint`]; what the disk keeps of them is the disk's. SQLite's own memory is not
//!   wiped.
//! - **A file that is removed or replaced** while it is open is noticed when something is to be stored
//!   ([`Replaced`](StoreError::Replaced)), except by a race; not on Windows, where it cannot be done.
//! - **After a failed read, write or `fsync`** the handle is used up ([`Poisoned`](StoreError::Poisoned)):
//!   what the system has kept in memory may not be what is on the disk.

mod alone;
mod error;
mod file;
mod open;
mod statements;

use core::fmt;
use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use self::alone::Alone;
use self::file::File;
use super::{Applied, Batch, Generation, Key, Record, Scan, Scope, Store, StoreError, Value, Work};

/// How long a call waits for others who write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A store in an SQLite file; see the [module](self) about what it promises.
pub struct SqliteStore {
    /// `None` only while it is dropped.
    connection: Option<Mutex<Connection>>,
    file: File,
    busy_timeout: Duration,
    is_read_only: bool,
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
        let file = File::find_or_make(path.as_ref())?;
        let connection = open::open(file.path(), busy_timeout)?;
        Ok(Self::new(file, connection, busy_timeout, false))
    }

    /// Opens a file that exists, to look at it: whoever wants to store something is told
    /// [`StoreError::ReadOnly`], and the file stays as it is, byte by byte. Others may write at the same
    /// time. While it is open there are a `-wal` and a `-shm` file beside it, as always; if nobody else
    /// has the file open they are left there, and the next who writes takes them away.
    ///
    /// # Errors
    /// [`StoreError::NoFile`]; [`StoreError::Denied`], also if the folder is not one to write in and
    /// those two are not there; [`StoreError::NotAStore`], also of an empty file;
    /// [`StoreError::Newer`], [`StoreError::Corrupt`], [`StoreError::Busy`], [`StoreError::Io`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let file = File::find(path.as_ref())?;
        let connection = open::open_read_only(file.path(), BUSY_TIMEOUT)?;
        Ok(Self::new(file, connection, BUSY_TIMEOUT, true))
    }

    fn new(file: File, connection: Connection, busy_timeout: Duration, is_read_only: bool) -> Self {
        Self {
            connection: Some(Mutex::new(connection)),
            file,
            busy_timeout,
            is_read_only,
            process: std::process::id(),
            poisoned: AtomicBool::new(false),
        }
    }

    /// Copies what is in the `-wal` file and empties that, so that old pages are gone from the disk as
    /// far as files go. Done by itself from time to time; worth a call after something was forgotten.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if somebody is reading or writing; it is done later then. Else as for `get`.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        self.with(|connection| {
            let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
            match connection.query_row(sql, [], |row| row.get(0))? {
                true => Err(StoreError::Busy.into()),
                false => Ok(()),
            }
        })
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

    /// The generation of a scope. A file of form 1, which only a handle that reads can have, has one for all
    /// of them, until somebody who writes has changed that.
    fn generation_of(
        &self,
        connection: &Connection,
        scope: &Scope,
    ) -> Result<Generation, error::Failure> {
        match self.is_read_only && open::is_old(connection)? {
            true => statements::old_generation(connection),
            false => statements::generation_of(connection, scope),
        }
    }

    /// Does something with the connection, if it is ours and good.
    fn with<T>(
        &self,
        mut work: impl FnMut(&mut Connection) -> Result<T, error::Failure>,
    ) -> Result<T, StoreError> {
        self.with_once(|connection| open::patiently(self.busy_timeout, || work(connection)))
    }

    /// The same, without trying again while somebody else is busy.
    fn with_once<T>(
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
        let used_up = matches!(outcome, Err(StoreError::Io | StoreError::Replaced));
        if used_up || !connection.is_autocommit() {
            self.poisoned.store(true, Ordering::SeqCst);
        }
        outcome
    }
}

impl Store for SqliteStore {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        key.check()?;
        self.with(|connection| statements::get(connection, key))
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        scan.check()?;
        self.with(|connection| match scan {
            Scan::Range(_) => statements::scan(connection, scan, limit),
            Scan::Partitions { .. } => {
                // Several statements, and one state for all of them.
                let transaction = connection.transaction()?;
                let found = statements::scan(&transaction, scan, limit)?;
                transaction.rollback()?;
                Ok(found)
            }
        })
    }

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        scope.check()?;
        self.with(|connection| self.generation_of(connection, scope))
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        batch.check(scope)?;
        self.with(|connection| {
            if batch.is_empty() {
                return Ok(match self.generation_of(connection, scope)? {
                    now if now == if_generation => Applied::Done(now),
                    _ => Applied::Conflict,
                });
            }
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            open::check_schema(&transaction)?;
            let applied = statements::apply(&transaction, scope, if_generation, batch)?;
            match applied {
                Applied::Conflict => transaction.rollback()?,
                Applied::Done(_) => {
                    self.file.check()?;
                    transaction.commit()?;
                }
            }
            Ok(applied)
        })
    }

    fn exclusively(&self, scope: &Scope, work: &mut Work<'_>) -> Result<(), StoreError> {
        scope.check()?;
        if self.is_read_only {
            return work(&self);
        }
        self.with_once(|connection| {
            open::patiently(self.busy_timeout, || {
                Ok(connection.execute_batch("BEGIN IMMEDIATE")?)
            })?;
            let alone = Alone::new(connection);
            alone.check(open::check_schema)?;
            work(&alone)?;
            alone.check(|_| Ok(self.file.check()?))?;
            alone.commit()
        })
    }
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
