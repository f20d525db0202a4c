//! What C cannot do by itself: a mistake in the library.

use core::mem::offset_of;
use core::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::boundary::{Caller, Versioned, call};
use super::client::*;
use super::error::*;
use super::options::*;
use super::status::omemo_status::*;
use super::status::*;
use super::store::*;
use crate::store::{
    Applied, Batch, Generation, Key, MemoryStore, Record, Scan, Scope, Store, StoreError, Value,
};

/// A store that panics when it is told to.
struct Panicking {
    store: MemoryStore,
    is_broken: Arc<AtomicBool>,
}

impl Panicking {
    fn store(&self) -> &MemoryStore {
        assert!(!self.is_broken.load(Ordering::SeqCst), "a mistake");
        &self.store
    }
}

impl Store for Panicking {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        self.store().get(key)
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.store().scan(scan, limit)
    }

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        self.store().generation(scope)
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        self.store().apply(scope, if_generation, batch)
    }
}

fn options() -> omemo_options {
    // SAFETY: zeros are valid options.
    let mut options: omemo_options = unsafe { core::mem::zeroed() };
    options.struct_size = size_of::<omemo_options>();
    options.trust = omemo_trust_policy::OMEMO_TRUST_POLICY_MANUAL as u32;
    options
}

#[test]
fn a_panic_is_an_error_and_the_handle_is_used_up() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let store = Panicking {
        store: MemoryStore::new(),
        is_broken: Arc::clone(&is_broken),
    };
    let store = Arc::into_raw(omemo_store::plain(store)).cast_mut();
    let mut client = ptr::null_mut();
    let mut error = ptr::null_mut();
    let options = options();
    let jid = c"juliet@capulet.example".as_ptr();
    // SAFETY: all pointers are what the functions ask for; each handle is freed once.
    unsafe {
        let opened = omemo_client_open(
            store,
            jid,
            &raw const options,
            1,
            &raw mut client,
            &raw mut error,
        );
        assert_eq!(opened, OMEMO_OK);

        is_broken.store(true, Ordering::SeqCst);
        assert_eq!(
            omemo_client_connected(client, 1, &raw mut error),
            OMEMO_ERROR_INTERNAL
        );
        assert_eq!(omemo_error_remedy(error), omemo_remedy::OMEMO_REMEDY_REOPEN);
        omemo_error_free(error);

        is_broken.store(false, Ordering::SeqCst);
        assert_eq!(
            omemo_client_connected(client, 1, ptr::null_mut()),
            OMEMO_ERROR_USED_UP
        );

        // Another handle goes on where the store was.
        let mut again = ptr::null_mut();
        let opened = omemo_client_open(
            store,
            jid,
            &raw const options,
            1,
            &raw mut again,
            ptr::null_mut(),
        );
        assert_eq!(opened, OMEMO_OK);
        assert_eq!(omemo_client_connected(again, 1, ptr::null_mut()), OMEMO_OK);
        omemo_client_unref(again);
        omemo_client_unref(client);
        omemo_store_unref(store);
    }
}

#[test]
fn the_header_has_the_version_of_the_crate() {
    let version = format!(
        "{}.{}.{}",
        super::OMEMO_VERSION_MAJOR,
        super::OMEMO_VERSION_MINOR,
        super::OMEMO_VERSION_PATCH
    );
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn statuses_of_stores_are_read_back() {
    for number in 300..=315 {
        assert_eq!(omemo_status::of_store(store_error(number)) as u32, number);
    }
    assert_eq!(store_error(4711), StoreError::Io);
}

/// A struct as a newer version of the library has it: `second` came later.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grown {
    struct_size: usize,
    first: u64,
    second: u64,
}

// SAFETY: integers only.
unsafe impl Versioned for Grown {
    const OLDEST: usize = offset_of!(Self, first) + size_of::<u64>();
}

/// One as a caller with a header that is newer still has it.
#[repr(C)]
struct Newest {
    known: Grown,
    third: u64,
}

const fn grown(struct_size: usize) -> Grown {
    Grown {
        struct_size,
        first: 1,
        second: 2,
    }
}

#[test]
fn structs_of_older_and_newer_headers_are_read() {
    let read = |struct_: *const Grown| {
        let mut read = None;
        let body = |caller: &Caller| {
            read = Some(caller.sized(struct_)?);
            Ok(())
        };
        // SAFETY: the struct has the size that it says.
        (unsafe { call(ptr::null_mut(), body) }, read)
    };
    // What the older header does not have is zero, whatever stands behind it.
    let (status, older) = read(&grown(16));
    assert_eq!((status, older.map(|it| it.second)), (OMEMO_OK, Some(0)));
    let (status, same) = read(&grown(24));
    assert_eq!((status, same), (OMEMO_OK, Some(grown(24))));
    let mut newer = Newest {
        known: grown(32),
        third: 0,
    };
    assert_eq!(read((&raw const newer).cast()).0, OMEMO_OK);
    newer.third = 1;
    assert_eq!(read((&raw const newer).cast()).0, OMEMO_ERROR_STRUCT);
    assert_eq!(read(&grown(8)).0, OMEMO_ERROR_STRUCT);
}

#[test]
fn structs_of_older_and_newer_headers_are_written() {
    let write = |place: *mut Grown| {
        let body = |caller: &Caller| {
            let value = Grown {
                struct_size: 0,
                first: 7,
                second: 8,
            };
            caller.sized_place(place)?.put(&value);
            Ok(())
        };
        // SAFETY: the struct has the size that it says.
        unsafe { call(ptr::null_mut(), body) }
    };
    let mut older = grown(16);
    assert_eq!(write(&raw mut older), OMEMO_OK);
    assert_eq!((older.struct_size, older.first, older.second), (16, 7, 2));
    // What was in it does not matter.
    let mut newer = Newest {
        known: grown(32),
        third: 9,
    };
    assert_eq!(write((&raw mut newer).cast()), OMEMO_OK);
    assert_eq!((newer.known.second, newer.third), (8, 0));
    assert_eq!(newer.known.struct_size, 32);
}
