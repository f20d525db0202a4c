//! Opening the database in the file.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::error::Failure;
use crate::store::StoreError;

/// "OMEM", at a fixed place in the file: says whose it is.
const APPLICATION_ID: i32 = 0x4f4d_454d;

/// The version of the schema.
const SCHEMA: i32 = 2;

/// That of 0.1: one generation for the whole file, in the table `state`.
const OLD_SCHEMA: i32 = 1;

/// Pages of the log that are copied into the file at once: the log has old secrets in it.
const AUTO_CHECKPOINT: u32 = 256;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(1);

/// Tables of form [`SCHEMA`].
const TABLES: &str = "
    CREATE TABLE records (
        kind INTEGER NOT NULL,
        part BLOB NOT NULL,
        sort BLOB NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (kind, part, sort)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE generations (
        scope BLOB PRIMARY KEY NOT NULL,
        generation INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE origin (generation INTEGER NOT NULL) STRICT;
    INSERT INTO origin VALUES (0);";

/// From form 1. Each scope that has records goes on from the one generation of the file, and others begin there:
/// no number comes back, and what an account has noted of it stays right. The old table has another name
/// then, so that a process that was started before does not take its number for an answer.
const MIGRATE: &str = "
    ALTER TABLE state RENAME TO origin;
    CREATE TABLE generations (
        scope BLOB PRIMARY KEY NOT NULL,
        generation INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO generations
        SELECT DISTINCT
            CASE instr(part, x'00') WHEN 0 THEN part ELSE substr(part, 1, instr(part, x'00') - 1) END,
            (SELECT generation FROM origin)
        FROM records;";

/// Opens a file that exists, and makes the tables if it is empty.
pub(super) fn open(path: &Path, busy_timeout: Duration) -> Result<Connection, StoreError> {
    Ok(prepare(path, busy_timeout)?)
}

/// Opens a file that exists, to read what is in it.
pub(super) fn open_read_only(
    path: &Path,
    busy_timeout: Duration,
) -> Result<Connection, StoreError> {
    Ok(prepare_read_only(path, busy_timeout)?)
}

fn prepare_read_only(path: &Path, busy_timeout: Duration) -> Result<Connection, Failure> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // The first reading makes the two files of the log, unless they are there.
    patiently(busy_timeout, || {
        let first = connection.query_row("PRAGMA application_id", [], |_| Ok(()));
        first.map_err(not_allowed)
    })?;
    patiently(busy_timeout, || check_owner(&connection))?;
    if number(&connection, "application_id")? != APPLICATION_ID {
        return Err(StoreError::NotAStore.into());
    }
    connection.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 0;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;",
    )?;
    Ok(connection)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Failure> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags).map_err(not_allowed)?;
    connection.set_prepared_statement_cache_capacity(16);
    // SQLite's own waiting gives way to whoever does not wait, for up to 100 ms each time, and has
    // gaps where two processes make one file at once: we wait. (By a pragma: rusqlite's own call asks for
    // SQLite 3.44, and system libraries are older.)
    connection.execute_batch("PRAGMA busy_timeout = 0")?;
    Ok(connection)
}

/// The file is there: what keeps it from being opened is the right to it.
fn not_allowed(error: rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => StoreError::Denied.into(),
        _ => Failure::from(error),
    }
}

fn prepare(path: &Path, busy_timeout: Duration) -> Result<Connection, Failure> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        return Err(StoreError::ReadOnly.into());
    }
    patiently(busy_timeout, || check_owner(&connection))?;
    patiently(busy_timeout, || {
        let mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(StoreError::Io.into());
        }
        Ok(())
    })?;
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = {AUTO_CHECKPOINT};
         PRAGMA journal_size_limit = 0;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 0;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;"
    ))?;
    patiently(busy_timeout, || make_tables(&mut connection))?;
    Ok(connection)
}

/// Tries again while somebody else is busy, in pauses that add up to `timeout`.
pub(super) fn patiently<T>(
    timeout: Duration,
    mut attempt: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut left = timeout;
    loop {
        match attempt().map_err(StoreError::from) {
            Err(StoreError::Busy) if !left.is_zero() => {
                let pause = left.min(PAUSE);
                left -= pause;
                thread::sleep(pause);
            }
            outcome => return Ok(outcome?),
        }
    }
}

/// Whether the file is ours, or empty. Writes nothing.
fn check_owner(connection: &Connection) -> Result<(), Failure> {
    // All of one state: somebody may be making the tables.
    let transaction = connection.unchecked_transaction()?;
    let sql = "SELECT count(*) FROM sqlite_schema";
    let things: i64 = transaction.query_row(sql, [], |row| row.get(0))?;
    let (owner, version) = (
        number(&transaction, "application_id")?,
        schema(&transaction)?,
    );
    transaction.rollback()?;
    match owner {
        APPLICATION_ID if version > SCHEMA => Err(StoreError::Newer.into()),
        APPLICATION_ID if version >= OLD_SCHEMA => Ok(()),
        0 if things == 0 && version == 0 => Ok(()),
        _ => Err(StoreError::NotAStore.into()),
    }
}

/// Makes the tables in an empty file, or changes those of an old one, all at once.
fn make_tables(connection: &mut Connection) -> Result<(), Failure> {
    if schema(connection)? >= SCHEMA {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Somebody else may have been faster.
    match schema(&transaction)? {
        0 => transaction.execute_batch(TABLES)?,
        OLD_SCHEMA => transaction.execute_batch(MIGRATE)?,
        _ => return Ok(()),
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA};"
    ))?;
    transaction.commit()?;
    Ok(())
}

/// Whether somebody with a newer library has changed the schema since the file was opened.
pub(super) fn check_schema(connection: &Connection) -> Result<(), Failure> {
    match schema(connection)? {
        SCHEMA => Ok(()),
        version if version > SCHEMA => Err(StoreError::Newer.into()),
        _ => Err(StoreError::Corrupt.into()),
    }
}

/// Whether a file that was opened to be read is of form 1.
pub(super) fn is_old(connection: &Connection) -> Result<bool, Failure> {
    Ok(schema(connection)? == OLD_SCHEMA)
}

fn schema(connection: &Connection) -> Result<i32, Failure> {
    number(connection, "user_version")
}

fn number(connection: &Connection, pragma: &str) -> Result<i32, Failure> {
    let mut statement = connection.prepare_cached(&format!("PRAGMA {pragma}"))?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
