//! Stores: where accounts are kept.

use core::ffi::c_char;
use core::mem::offset_of;
use core::time::Duration;
use std::sync::Arc;

use getrandom::SysRng;

use super::boundary::{Caller, Versioned, call, release};
use super::error::{Failure, omemo_error};
use super::memory::omemo_strings;
use super::status::omemo_status;
use crate::account::Account;
use crate::crypto::Secret;
use crate::crypto::passphrase::Cost;
#[cfg(feature = "sqlite")]
use crate::store::SqliteStore;
use crate::store::{MemoryStore, SealKey, Sealed, Store};

/// Where accounts are kept: in memory, in a file, sealed, or where you say. One store may hold any
/// number of accounts, and be used by any number of handles.
///
/// It is reference counted: every function that makes one, and `omemo_store_ref`, gives you a reference,
/// and `omemo_store_unref` takes it back. Clients and accounts keep references of their own.
/// Threads: any number at the same time. All functions that use it may wait for the disk.
pub struct omemo_store {
    pub(super) store: Arc<dyn Store>,
    kind: Kind,
}

enum Kind {
    Plain,
    #[cfg(feature = "sqlite")]
    Sqlite(Arc<SqliteStore>),
    Sealed(Arc<Sealed<Arc<dyn Store>, SysRng>>),
}

impl omemo_store {
    pub(super) fn plain(store: impl Store + 'static) -> Arc<Self> {
        Arc::new(Self {
            store: Arc::new(store),
            kind: Kind::Plain,
        })
    }
}

/// A store in memory: gone with the process. For tests, and as a mirror of a database of your own.
///
/// `store` gets a reference, which is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_open_memory(
    store: *mut *mut omemo_store,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let place = caller.place(store)?;
        place.share(omemo_store::plain(MemoryStore::new()));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How a file is opened. What is 0 is as recommended.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_sqlite_options {
    /// sizeof (omemo_sqlite_options).
    pub struct_size: usize,
    /// How long a call waits for other processes that write, in milliseconds. 0: 5,000.
    pub busy_timeout_ms: u64,
}

// SAFETY: integers only.
unsafe impl Versioned for omemo_sqlite_options {
    const OLDEST: usize = offset_of!(Self, busy_timeout_ms) + size_of::<u64>();
}

/// A store in an SQLite file, which is made if it does not exist; its folder must. Any number of
/// processes may use it at the same time. After a fork, the child must open it again. What is in it is
/// not encrypted: see `omemo_store_seal`.
///
/// `path` ends with a zero byte, in UTF-8. `options` may be NULL. `store` gets a reference, which is
/// yours. Errors: OMEMO_ERROR_STORE_...; OMEMO_ERROR_UNSUPPORTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_open_sqlite(
    path: *const c_char,
    options: *const omemo_sqlite_options,
    store: *mut *mut omemo_store,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let path = caller.word(path)?;
        let mut timeout = Duration::from_secs(5);
        if !options.is_null() {
            let options = caller.sized(options)?;
            if options.busy_timeout_ms > 0 {
                timeout = Duration::from_millis(options.busy_timeout_ms);
            }
        }
        let place = caller.place(store)?;
        place.share(sqlite::open(path, timeout)?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The same for a file that exists, to look at it: whoever wants to store something is told
/// OMEMO_ERROR_STORE_READ_ONLY, and the file stays as it is. An account can only be opened in it if nothing is
/// due to be stored.
///
/// `path` ends with a zero byte, in UTF-8. `store` gets a reference, which is yours. Errors:
/// OMEMO_ERROR_STORE_NO_FILE and other OMEMO_ERROR_STORE_...; OMEMO_ERROR_UNSUPPORTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_open_sqlite_read_only(
    path: *const c_char,
    store: *mut *mut omemo_store,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let path = caller.word(path)?;
        let place = caller.place(store)?;
        place.share(sqlite::open_read_only(path)?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;

    pub(super) fn open(path: &str, timeout: Duration) -> Result<Arc<omemo_store>, Failure> {
        Ok(shared(SqliteStore::open_with(path, timeout)?))
    }

    pub(super) fn open_read_only(path: &str) -> Result<Arc<omemo_store>, Failure> {
        Ok(shared(SqliteStore::open_read_only(path)?))
    }

    fn shared(store: SqliteStore) -> Arc<omemo_store> {
        let store = Arc::new(store);
        Arc::new(omemo_store {
            store: Arc::<SqliteStore>::clone(&store),
            kind: Kind::Sqlite(store),
        })
    }
}

#[cfg(not(feature = "sqlite"))]
mod sqlite {
    use super::*;

    pub(super) fn open(_: &str, _: Duration) -> Result<Arc<omemo_store>, Failure> {
        Err(Failure::unsupported())
    }

    pub(super) fn open_read_only(_: &str) -> Result<Arc<omemo_store>, Failure> {
        Err(Failure::unsupported())
    }
}

/// What opens a sealed store: either a key, or a passphrase. What is 0 is as recommended.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_seal_key {
    /// sizeof (omemo_seal_key).
    pub struct_size: usize,
    /// 32 bytes of full strength, as from the key chain of the system; NULL if there is a passphrase.
    pub key: *const u8,
    /// What a person types; NULL if there is a key.
    pub passphrase: *const u8,
    /// The bytes of the passphrase.
    pub passphrase_len: usize,
    /// What deriving a key from a passphrase costs (Argon2id), if the store is new: memory in KiB, passes
    /// and lanes. All three 0: RFC 9106's recommendation, 64 MiB, 3, 4.
    pub cost_memory_kib: u32,
    /// See `cost_memory_kib`.
    pub cost_passes: u32,
    /// See `cost_memory_kib`.
    pub cost_lanes: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers and pointers only.
unsafe impl Versioned for omemo_seal_key {
    const OLDEST: usize = offset_of!(Self, reserved) + size_of::<u32>();
}

/// A store that encrypts what it keeps in another one, names and all. If the other is empty, it is sealed
/// with this key; if not, it must have been sealed with it. Accounts are opened through nothing else
/// then; `omemo_store_check` and `omemo_store_checkpoint` take the one below. The key is copied: wipe yours.
///
/// `sealed` gets a reference, which is yours; it keeps one to `store`. Errors:
/// OMEMO_ERROR_STORE_WRONG_KEY, OMEMO_ERROR_STORE_NOT_SEALED, those of the other store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_seal(
    store: *const omemo_store,
    key: *const omemo_seal_key,
    sealed: *mut *mut omemo_store,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let below = caller.handle(store)?;
        let place = caller.place(sealed)?;
        let sealed = with_key(caller, key, |key| {
            let below = Arc::clone(&below.store);
            Ok(Arc::new(Sealed::open(below, key, SysRng)?))
        })?;
        let store: Arc<dyn Store> = Arc::<Sealed<_, _>>::clone(&sealed);
        place.share(Arc::new(omemo_store {
            store,
            kind: Kind::Sealed(sealed),
        }));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Makes another key, or passphrase, the one that opens a sealed store. Nothing else is written again.
/// Handles that are open stay good.
///
/// Errors: OMEMO_ERROR_VALUE if the store was not made by `omemo_store_seal`; OMEMO_ERROR_STORE_...: the
/// old key is the right one then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_change_key(
    sealed: *mut omemo_store,
    key: *const omemo_seal_key,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let store = caller.handle(sealed)?;
        let Kind::Sealed(sealed) = &store.kind else {
            return Err(Failure::value());
        };
        with_key(caller, key, |key| Ok(sealed.change_key(key)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Empties the `-wal` file of an SQLite store, so that old contents are gone from the disk as far as files
/// go. Done by itself from time to time; worth a call after something was forgotten.
///
/// Errors: OMEMO_ERROR_VALUE if it is no store in a file; OMEMO_ERROR_STORE_BUSY if somebody uses it: it is
/// done later then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_checkpoint(
    store: *mut omemo_store,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| match &caller.handle(store)?.kind {
        #[cfg(feature = "sqlite")]
        Kind::Sqlite(store) => Ok(store.checkpoint()?),
        _ => Err(Failure::value()),
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Reads a whole SQLite store and says whether it is sound. Takes time.
///
/// Errors: OMEMO_ERROR_STORE_CORRUPT if it is not; OMEMO_ERROR_VALUE if it is no store in a file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_check(
    store: *mut omemo_store,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| match &caller.handle(store)?.kind {
        #[cfg(feature = "sqlite")]
        Kind::Sqlite(store) => Ok(store.integrity_check()?),
        _ => Err(Failure::value()),
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The addresses of the accounts in a store. `accounts` gets a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_accounts(
    store: *const omemo_store,
    accounts: *mut *mut omemo_strings,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let store = caller.handle(store)?;
        let place = caller.place(accounts)?;
        let jids = Account::all_in(&*store.store)?;
        place.give(omemo_strings::new(jids.iter().map(|jid| jid.as_str())));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Another reference to the same store, which is returned. NULL if `store` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_ref(store: *mut omemo_store) -> *mut omemo_store {
    if !store.is_null() {
        // SAFETY: the caller has a reference, so it was not freed.
        unsafe { Arc::increment_strong_count(store.cast_const()) };
    }
    store
}

/// Gives a reference back; the store is closed with the last of them. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_store_unref(store: *mut omemo_store) {
    // SAFETY: the promises at the top of the header.
    unsafe { release(store) }
}

fn with_key<T>(
    caller: &Caller,
    key: *const omemo_seal_key,
    open: impl FnOnce(&SealKey<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let given = caller.sized(key)?;
    if given.reserved != 0 {
        return Err(Failure::value());
    }
    match (given.key.is_null(), given.passphrase.is_null()) {
        (false, true) => {
            let mut key = Secret::new([0; 32]);
            key.expose_mut()
                .copy_from_slice(caller.bytes(given.key, 32)?);
            open(&SealKey::Key(&key))
        }
        (true, false) => {
            let passphrase = caller.bytes(given.passphrase, given.passphrase_len)?;
            let numbers = (given.cost_memory_kib, given.cost_passes, given.cost_lanes);
            let cost = match numbers {
                (0, 0, 0) => Cost::RECOMMENDED,
                (memory, passes, lanes) => {
                    Cost::new(memory, passes, lanes).ok_or_else(Failure::value)?
                }
            };
            open(&SealKey::Passphrase(passphrase, cost))
        }
        _ => Err(Failure::value()),
    }
}
