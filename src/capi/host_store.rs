//! A store of the caller's: functions in C behind the contract of [`Store`].

use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr;

use super::boundary::{Caller, Versioned, call, calling_back, quietly};
use super::error::{Failure, omemo_error};
use super::status::omemo_status::{self, *};
use super::status::store_error;
use super::store::omemo_store;
use crate::store::{
    Applied, Batch, Change, Generation, Key, MAX_VALUE, Range, Record, Scan, Scope, Store,
    StoreError, Table, Value, Work,
};

/// The name of a record: a table, and two keys of any bytes. All of it is there during the call only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_store_key {
    /// A kind of records: at most 65,535.
    pub table: u32,
    /// The records that are scanned together. It begins with the scope of the record: everything up to the first
    /// zero byte, or all of it.
    pub partition: *const u8,
    /// The bytes of `partition`, at most 4,352.
    pub partition_len: usize,
    /// The place in the partition; compared byte by byte, a shorter one before those that begin with it.
    pub sort: *const u8,
    /// The bytes of `sort`, at most 4,352.
    pub sort_len: usize,
}

/// What is read by a scan.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_scan_kind {
    /// The records of `partition` from the sort key `from` on, up to the sort key `until` and without it
    /// (to the end, if that is NULL), in the order of their sort keys.
    OMEMO_SCAN_RANGE = 1,
    /// One record of each partition of the table, for its name; those that come after the partition
    /// `partition` (all, if that is NULL), in an order of yours that does not change.
    OMEMO_SCAN_PARTITIONS = 2,
}

/// What is to be read. All of it is there during the call only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_store_scan {
    /// An omemo_scan_kind.
    pub kind: u32,
    /// The table.
    pub table: u32,
    /// See `kind`.
    pub partition: *const u8,
    /// The bytes of `partition`.
    pub partition_len: usize,
    /// See `kind`.
    pub from: *const u8,
    /// The bytes of `from`.
    pub from_len: usize,
    /// See `kind`.
    pub until: *const u8,
    /// The bytes of `until`.
    pub until_len: usize,
    /// No more records than that; SIZE_MAX: all of them. Make no room by it.
    pub limit: usize,
}

/// A kind of changes.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_change_kind {
    /// Store `value` under the name, in the place of what is there.
    OMEMO_CHANGE_PUT = 1,
    /// Remove the record of that name, if there is one.
    OMEMO_CHANGE_DELETE = 2,
    /// Remove the records of the partition from `sort` on, up to `until` and without it (to the end, if
    /// that is NULL).
    OMEMO_CHANGE_DELETE_RANGE = 3,
}

/// A change. All of it is there during the call only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_store_change {
    /// An omemo_change_kind.
    pub kind: u32,
    /// The name, or the beginning of the range.
    pub key: omemo_store_key,
    /// The end of a range.
    pub until: *const u8,
    /// The bytes of `until`.
    pub until_len: usize,
    /// The contents: secret. Overwrite copies that you do not need.
    pub value: *const u8,
    /// The bytes of `value`, at most 16 MiB.
    pub value_len: usize,
}

/// Takes what a store of yours has found. Only there during the call that it was given to.
pub struct omemo_store_sink {
    value: Option<Value>,
    records: Vec<Record>,
    table: Table,
    is_scan: bool,
    is_wrong: bool,
}

/// A store of your own. Records are in scopes, one for each account, and each scope has a state of its own: a
/// number that is 0 at first, larger after each batch that was not empty, and the same after one of another
/// scope. It never comes back: keep it when the records of a scope go, or begin each new scope with a number that is
/// larger than all before. A scope is bytes without a zero byte, at most 4,352, and may be empty.
///
/// Each function returns an omemo_status: OMEMO_OK, or one of
/// OMEMO_ERROR_STORE_..., and sees one state of the store: no part of a batch. They are called from
/// whatever thread uses a handle, several at the same time, and must not call the library, except
/// `omemo_store_sink_value` and `omemo_store_sink_record`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_store_callbacks {
    /// sizeof (omemo_store_callbacks).
    pub struct_size: usize,
    /// Gives the value of a record to the sink; nothing, if there is none.
    pub get: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            key: *const omemo_store_key,
            sink: *mut omemo_store_sink,
        ) -> u32,
    >,
    /// Gives the records that are asked for to the sink, in their order.
    pub scan: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            scan: *const omemo_store_scan,
            sink: *mut omemo_store_sink,
        ) -> u32,
    >,
    /// Says in which state a scope is.
    pub generation: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            scope: *const u8,
            scope_len: usize,
            generation: *mut u64,
        ) -> u32,
    >,
    /// Makes all changes, one after the other, or none: if the scope is still in the state `generation`,
    /// into which the new state is written then; OMEMO_CONFLICT if it is not. All of them are of that scope. When it
    /// has returned OMEMO_OK, the changes are to survive a crash.
    pub apply: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            scope: *const u8,
            scope_len: usize,
            changes: *const omemo_store_change,
            count: usize,
            generation: *mut u64,
        ) -> u32,
    >,
    /// Called when the last reference is gone. May be NULL.
    pub destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// Waits until nobody else writes in the scope, and keeps it so until `end_exclusive`: for an operation that others
    /// have overtaken again and again. What is called in between on this thread belongs to it, also
    /// `apply` in another scope (which needs no protection); for a database: begin a transaction that writes.
    /// Not OMEMO_OK: it has not begun. May be NULL, with `end_exclusive`: then such an operation goes on trying.
    pub begin_exclusive: Option<
        unsafe extern "C" fn(user_data: *mut c_void, scope: *const u8, scope_len: usize) -> u32,
    >,
    /// Lets others write again, whatever it returns. If `status` is OMEMO_OK, what was applied since
    /// `begin_exclusive` is to survive a crash when it has returned OMEMO_OK; if not, that is stored or undone as you
    /// like.
    pub end_exclusive: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            scope: *const u8,
            scope_len: usize,
            status: u32,
        ) -> u32,
    >,
}

// SAFETY: an integer and optional functions only.
unsafe impl Versioned for omemo_store_callbacks {
    // A program that was compiled before there were scopes has functions of other types, and is refused.
    const OLDEST: usize = offset_of!(Self, end_exclusive) + size_of::<usize>();
}

/// A store of your own. `callbacks` is copied; all but `destroy` and the last two must be there, and of those both
/// or none. `user_data` is given to each
/// of them; it is yours until `destroy` was called with it, which does not happen if this fails.
///
/// `store` gets a reference, which is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_open_callbacks(
    callbacks: *const omemo_store_callbacks,
    user_data: *mut c_void,
    store: *mut *mut omemo_store,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let callbacks = caller.sized(callbacks)?;
        let place = caller.place(store)?;
        let (Some(get), Some(scan), Some(generation), Some(apply)) = (
            callbacks.get,
            callbacks.scan,
            callbacks.generation,
            callbacks.apply,
        ) else {
            return Err(Failure::null());
        };
        let exclusive = match (callbacks.begin_exclusive, callbacks.end_exclusive) {
            (Some(begin), Some(end)) => Some((begin, end)),
            (None, None) => None,
            _ => return Err(Failure::null()),
        };
        place.share(omemo_store::plain(HostStore {
            get,
            scan,
            generation,
            apply,
            exclusive,
            destroy: callbacks.destroy,
            user_data,
        }));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says what the value of a record is; it is copied. For `get` of a store of your own, once. Returns
/// OMEMO_OK, OMEMO_ERROR_NULL or OMEMO_ERROR_VALUE; then `get` fails, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_sink_value(
    sink: *mut omemo_store_sink,
    value: *const u8,
    value_len: usize,
) -> omemo_status {
    // SAFETY: the library has given the sink to the callback that is running.
    let Some(sink) = (unsafe { sink.as_mut() }) else {
        return OMEMO_ERROR_NULL;
    };
    // SAFETY: the promises at the top of the header.
    match unsafe { slice(value, value_len) } {
        Some(value) if value_len <= MAX_VALUE && sink.value.is_none() && !sink.is_scan => {
            quietly((), || sink.value = Some(Value::new(value.to_vec())));
            OMEMO_OK
        }
        _ => {
            sink.is_wrong = true;
            OMEMO_ERROR_VALUE
        }
    }
}

/// Gives a record that was found; all of it is copied. For `scan` of a store of your own, in the order of
/// the records. The table of `key` is not looked at. Returns OMEMO_OK, OMEMO_ERROR_NULL or
/// OMEMO_ERROR_VALUE; then `scan` fails, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_sink_record(
    sink: *mut omemo_store_sink,
    key: *const omemo_store_key,
    value: *const u8,
    value_len: usize,
) -> omemo_status {
    // SAFETY: the library has given the sink to the callback that is running; the promises at the top of
    // the header.
    let (sink, key) = unsafe { (sink.as_mut(), key.as_ref()) };
    let Some(sink) = sink else {
        return OMEMO_ERROR_NULL;
    };
    let Some(key) = key else {
        sink.is_wrong = true;
        return OMEMO_ERROR_NULL;
    };
    // SAFETY: the promises at the top of the header.
    let parts = unsafe {
        (
            slice(key.partition, key.partition_len),
            slice(key.sort, key.sort_len),
            slice(value, value_len),
        )
    };
    match parts {
        (Some(partition), Some(sort), Some(value)) if value.len() <= MAX_VALUE && sink.is_scan => {
            quietly((), || {
                sink.records.push(Record {
                    key: Key::new(sink.table, partition, sort),
                    value: Value::new(value.to_vec()),
                });
            });
            OMEMO_OK
        }
        _ => {
            sink.is_wrong = true;
            OMEMO_ERROR_VALUE
        }
    }
}

/// Bytes of the caller's; NULL is no bytes, if it says so.
unsafe fn slice<'a>(bytes: *const u8, len: usize) -> Option<&'a [u8]> {
    match (bytes.is_null(), len) {
        (_, 0) => Some(&[]),
        (true, _) => None,
        _ if len > isize::MAX.unsigned_abs() => None,
        // SAFETY: promised.
        _ => Some(unsafe { core::slice::from_raw_parts(bytes, len) }),
    }
}

type Get = unsafe extern "C" fn(*mut c_void, *const omemo_store_key, *mut omemo_store_sink) -> u32;
type Search =
    unsafe extern "C" fn(*mut c_void, *const omemo_store_scan, *mut omemo_store_sink) -> u32;
type State = unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut u64) -> u32;
type Apply = unsafe extern "C" fn(
    *mut c_void,
    *const u8,
    usize,
    *const omemo_store_change,
    usize,
    *mut u64,
) -> u32;
type Begin = unsafe extern "C" fn(*mut c_void, *const u8, usize) -> u32;
type End = unsafe extern "C" fn(*mut c_void, *const u8, usize, u32) -> u32;

struct HostStore {
    get: Get,
    scan: Search,
    generation: State,
    apply: Apply,
    exclusive: Option<(Begin, End)>,
    destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    user_data: *mut c_void,
}

// SAFETY: the header asks for callbacks that may be called from any thread, several at the same time.
unsafe impl Send for HostStore {}
// SAFETY: as above.
unsafe impl Sync for HostStore {}

impl Drop for HostStore {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the last use of the user data.
            calling_back(|| unsafe { destroy(self.user_data) });
        }
    }
}

impl omemo_store_sink {
    const fn new(table: Table, is_scan: bool) -> Self {
        Self {
            value: None,
            records: Vec::new(),
            table,
            is_scan,
            is_wrong: false,
        }
    }

    fn check(&self, status: u32) -> Result<(), StoreError> {
        match check(status) {
            Ok(()) if self.is_wrong => Err(StoreError::Io),
            checked => checked,
        }
    }
}

fn check(status: u32) -> Result<(), StoreError> {
    if status == OMEMO_OK as u32 {
        Ok(())
    } else {
        Err(store_error(status))
    }
}

impl Store for HostStore {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        key.check()?;
        let mut sink = omemo_store_sink::new(key.table, false);
        let name = name(key.table, &key.partition, &key.sort);
        // SAFETY: what is pointed to lives until the call has ended.
        let status =
            calling_back(|| unsafe { (self.get)(self.user_data, &raw const name, &raw mut sink) });
        sink.check(status)?;
        Ok(sink.value)
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        scan.check()?;
        let (asked, table) = match scan {
            Scan::Range(range) => (range_scan(range, limit), range.table),
            Scan::Partitions { table, after } => {
                (partition_scan(*table, after.as_deref(), limit), *table)
            }
        };
        let mut sink = omemo_store_sink::new(table, true);
        // SAFETY: what is pointed to lives until the call has ended.
        let status = calling_back(|| unsafe {
            (self.scan)(self.user_data, &raw const asked, &raw mut sink)
        });
        sink.check(status)?;
        sink.records.truncate(limit);
        Ok(sink.records)
    }

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        scope.check()?;
        let mut generation = 0;
        // SAFETY: what is pointed to lives until the call has ended.
        let status = calling_back(|| unsafe {
            let scope = scope.as_bytes();
            (self.generation)(
                self.user_data,
                scope.as_ptr(),
                scope.len(),
                &raw mut generation,
            )
        });
        check(status)?;
        Ok(Generation::new(generation))
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        batch.check(scope)?;
        let changes: Vec<_> = batch.changes().iter().map(change).collect();
        let mut generation = if_generation.get();
        // SAFETY: what is pointed to lives until the call has ended.
        let status = calling_back(|| unsafe {
            let (scope, scope_len) = (scope.as_bytes().as_ptr(), scope.as_bytes().len());
            let (changes, count) = (changes.as_ptr(), changes.len());
            (self.apply)(
                self.user_data,
                scope,
                scope_len,
                changes,
                count,
                &raw mut generation,
            )
        });
        if status == OMEMO_CONFLICT as u32 {
            return Ok(Applied::Conflict);
        }
        check(status)?;
        Ok(Applied::Done(Generation::new(generation)))
    }

    fn exclusively(&self, scope: &Scope, work: &mut Work<'_>) -> Result<(), StoreError> {
        scope.check()?;
        let Some((begin, end)) = self.exclusive else {
            return work(self);
        };
        let name = scope.as_bytes();
        // SAFETY: what is pointed to lives until the call has ended.
        let begun = calling_back(|| unsafe { begin(self.user_data, name.as_ptr(), name.len()) });
        check(begun)?;
        let mut exclusive = Exclusive {
            store: self,
            scope,
            end: Some(end),
        };
        let outcome = work(self);
        let ended = exclusive.end(outcome.map_or_else(omemo_status::of_store, |()| OMEMO_OK));
        outcome.and(ended)
    }
}

/// That nobody else writes. It ends, also by a panic.
struct Exclusive<'a> {
    store: &'a HostStore,
    scope: &'a Scope,
    /// `None` once it was called.
    end: Option<End>,
}

impl Exclusive<'_> {
    fn end(&mut self, status: omemo_status) -> Result<(), StoreError> {
        let Some(end) = self.end.take() else {
            return Ok(());
        };
        let name = self.scope.as_bytes();
        // SAFETY: what is pointed to lives until the call has ended.
        check(calling_back(|| unsafe {
            end(
                self.store.user_data,
                name.as_ptr(),
                name.len(),
                status as u32,
            )
        }))
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        let _ = self.end(OMEMO_ERROR_INTERNAL);
    }
}

fn name(table: Table, partition: &[u8], sort: &[u8]) -> omemo_store_key {
    omemo_store_key {
        table: table.number().into(),
        partition: partition.as_ptr(),
        partition_len: partition.len(),
        sort: sort.as_ptr(),
        sort_len: sort.len(),
    }
}

/// Bytes that may be missing, which is not the same as empty ones.
fn some(bytes: Option<&[u8]>) -> (*const u8, usize) {
    bytes.map_or((ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()))
}

fn range_scan(range: &Range, limit: usize) -> omemo_store_scan {
    let (until, until_len) = some(range.until.as_deref());
    omemo_store_scan {
        kind: omemo_scan_kind::OMEMO_SCAN_RANGE as u32,
        table: range.table.number().into(),
        partition: range.partition.as_ptr(),
        partition_len: range.partition.len(),
        from: range.from.as_ptr(),
        from_len: range.from.len(),
        until,
        until_len,
        limit,
    }
}

fn partition_scan(table: Table, after: Option<&[u8]>, limit: usize) -> omemo_store_scan {
    let (partition, partition_len) = some(after);
    omemo_store_scan {
        kind: omemo_scan_kind::OMEMO_SCAN_PARTITIONS as u32,
        table: table.number().into(),
        partition,
        partition_len,
        from: ptr::null(),
        from_len: 0,
        until: ptr::null(),
        until_len: 0,
        limit,
    }
}

fn change(change: &Change) -> omemo_store_change {
    let (kind, key, until, value) = match change {
        Change::Put(key, value) => (
            omemo_change_kind::OMEMO_CHANGE_PUT,
            name(key.table, &key.partition, &key.sort),
            None,
            Some(value.as_slice()),
        ),
        Change::Delete(key) => (
            omemo_change_kind::OMEMO_CHANGE_DELETE,
            name(key.table, &key.partition, &key.sort),
            None,
            None,
        ),
        Change::DeleteRange(range) => (
            omemo_change_kind::OMEMO_CHANGE_DELETE_RANGE,
            name(range.table, &range.partition, &range.from),
            range.until.as_deref(),
            None,
        ),
    };
    let ((until, until_len), (value, value_len)) = (some(until), some(value));
    omemo_store_change {
        kind: kind as u32,
        key,
        until,
        until_len,
        value,
        value_len,
    }
}
