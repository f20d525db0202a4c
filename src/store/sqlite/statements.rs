//! The statements, and the rows that they give.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::Failure;
use crate::store::{
    Applied, Batch, Change, Generation, Key, Range, Record, Scan, Scope, StoreError, Table, Value,
};

const GENERATION: &str = "SELECT coalesce(\
    (SELECT generation FROM generations WHERE scope = ?1), (SELECT generation FROM origin))";
const SET_GENERATION: &str = "INSERT INTO generations (scope, generation) VALUES (?1, ?2) \
    ON CONFLICT DO UPDATE SET generation = excluded.generation";
const FORGET_SCOPE: &str = "DELETE FROM generations WHERE scope = ?1";
const RAISE_ORIGIN: &str = "UPDATE origin SET generation = max(generation, ?1)";
const OLD_GENERATION: &str = "SELECT generation FROM state";
const NEXT_KIND: &str = "SELECT kind FROM records WHERE kind > ?1 ORDER BY kind LIMIT 1";
const IN_SCOPE: &str =
    "SELECT EXISTS (SELECT 1 FROM records WHERE kind = ?1 AND part >= ?2 AND part < ?3)";
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

/// One value.
pub(super) fn get(connection: &Connection, key: &Key) -> Result<Option<Value>, Failure> {
    let mut statement = connection.prepare_cached(GET)?;
    let name = params![key.table.number(), key.partition, key.sort];
    Ok(statement.query_row(name, |row| value(row, 0)).optional()?)
}

/// The generation of a scope: its own, or that in which each begins.
pub(super) fn generation_of(connection: &Connection, scope: &Scope) -> Result<Generation, Failure> {
    let mut statement = connection.prepare_cached(GENERATION)?;
    generation(statement.query_row([scope.as_bytes()], |row| row.get(0))?)
}

/// The one generation of a file of form 1.
pub(super) fn old_generation(connection: &Connection) -> Result<Generation, Failure> {
    generation(connection.query_row(OLD_GENERATION, [], |row| row.get(0))?)
}

fn generation(number: i64) -> Result<Generation, Failure> {
    let number = u64::try_from(number).map_err(|_| StoreError::Corrupt)?;
    Ok(Generation::new(number))
}

/// Makes the changes of a batch, within a transaction that has the right to write.
pub(super) fn apply(
    connection: &Connection,
    scope: &Scope,
    if_generation: Generation,
    batch: &Batch,
) -> Result<Applied, Failure> {
    let now = generation_of(connection, scope)?;
    if now != if_generation {
        return Ok(Applied::Conflict);
    }
    if batch.is_empty() {
        return Ok(Applied::Done(now));
    }
    for change in batch.changes() {
        make(connection, change)?;
    }
    let next = now.get().checked_add(1).ok_or(StoreError::Corrupt)?;
    let number = i64::try_from(next).map_err(|_| StoreError::Corrupt)?;
    let removes_only = |change: &Change| !matches!(change, Change::Put(..));
    if batch.changes().iter().all(removes_only) && is_empty(connection, scope)? {
        return forget(connection, scope, number);
    }
    connection
        .prepare_cached(SET_GENERATION)?
        .execute(params![scope.as_bytes(), number])?;
    Ok(Applied::Done(Generation::new(next)))
}

/// Whether a scope has no record.
fn is_empty(connection: &Connection, scope: &Scope) -> Result<bool, Failure> {
    // A partition is the scope, or begins with it and a zero byte.
    let end = [scope.as_bytes(), &[1]].concat();
    let mut kind = -1_i64;
    loop {
        let mut next = connection.prepare_cached(NEXT_KIND)?;
        let Some(found) = next.query_row([kind], |row| row.get(0)).optional()? else {
            return Ok(true);
        };
        kind = found;
        let mut exists = connection.prepare_cached(IN_SCOPE)?;
        if exists.query_row(params![kind, scope.as_bytes(), end], |row| row.get(0))? {
            return Ok(false);
        }
    }
}

/// With its last record the name of a scope goes, which is somebody's address. Where scopes begin is raised
/// instead, so that its generations do not come back.
fn forget(connection: &Connection, scope: &Scope, number: i64) -> Result<Applied, Failure> {
    connection
        .prepare_cached(FORGET_SCOPE)?
        .execute([scope.as_bytes()])?;
    connection.prepare_cached(RAISE_ORIGIN)?.execute([number])?;
    Ok(Applied::Done(generation_of(connection, scope)?))
}

/// What is asked for. If it is several statements, the caller sees to it that they see one state.
pub(super) fn scan(
    connection: &Connection,
    scan: &Scan,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
    match scan {
        Scan::Range(range) => range_of(connection, range, limit),
        Scan::Partitions { table, after } => {
            partitions_of(connection, *table, after.as_deref(), limit)
        }
    }
}

/// The first records of a range.
fn range_of(connection: &Connection, range: &Range, limit: usize) -> Result<Vec<Record>, Failure> {
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

/// The first record of each partition.
fn partitions_of(
    connection: &Connection,
    table: Table,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
    let mut statement = connection.prepare_cached(NEXT_PARTITION)?;
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
    Ok(found)
}

/// Makes one change.
fn make(connection: &Connection, change: &Change) -> Result<(), Failure> {
    match change {
        Change::Put(key, value) => connection.prepare_cached(PUT)?.execute(params![
            key.table.number(),
            key.partition,
            key.sort,
            **value
        ])?,
        Change::Delete(key) => connection.prepare_cached(DELETE)?.execute(params![
            key.table.number(),
            key.partition,
            key.sort
        ])?,
        Change::DeleteRange(range) => {
            let (table, partition) = (range.table.number(), &range.partition);
            match &range.until {
                None => connection
                    .prepare_cached(DELETE_FROM)?
                    .execute(params![table, partition, range.from])?,
                Some(until) => connection
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
