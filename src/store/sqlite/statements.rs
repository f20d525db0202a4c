//! The statements, and the rows that they give.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::error::Failure;
use crate::store::{Change, Generation, Key, Range, Record, StoreError, Table, Value};

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

/// One value.
pub(super) fn get(connection: &Connection, key: &Key) -> Result<Option<Value>, Failure> {
    let mut statement = connection.prepare_cached(GET)?;
    let name = params![key.table.number(), key.partition, key.sort];
    Ok(statement.query_row(name, |row| value(row, 0)).optional()?)
}

/// The generation that is stored.
pub(super) fn generation_of(connection: &Connection) -> Result<Generation, Failure> {
    let mut statement = connection.prepare_cached(GENERATION)?;
    let number: i64 = statement.query_row([], |row| row.get(0))?;
    let number = u64::try_from(number).map_err(|_| StoreError::Corrupt)?;
    Ok(Generation::new(number))
}

/// Stores the generation that comes after `now`.
pub(super) fn advance(
    transaction: &Transaction<'_>,
    now: Generation,
) -> Result<Generation, Failure> {
    let next = now.get().checked_add(1).ok_or(StoreError::Corrupt)?;
    let number = i64::try_from(next).map_err(|_| StoreError::Corrupt)?;
    transaction
        .prepare_cached(SET_GENERATION)?
        .execute([number])?;
    Ok(Generation::new(next))
}

/// The first records of a range.
pub(super) fn range_of(
    connection: &Connection,
    range: &Range,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
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
pub(super) fn partitions_of(
    connection: &mut Connection,
    table: Table,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
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

/// Makes one change.
pub(super) fn make(transaction: &Transaction<'_>, change: &Change) -> Result<(), Failure> {
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
