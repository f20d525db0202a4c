//! A device of an account: who it is, and what its questions are asked of.

use core::ffi::c_char;
use std::sync::Arc;

use getrandom::SysRng;

use super::boundary::{Caller, call, release};
use super::error::{Failure, omemo_error};
use super::lock::Lock;
use super::memory::new_string;
use super::options::{self, omemo_options};
use super::status::omemo_status;
use super::store::omemo_store;
use super::trust::omemo_fingerprint;
use crate::account::{Account, Opening};
use crate::model::{DeviceId, Timestamp};

/// A version of OMEMO.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_protocol {
    /// `eu.siacs.conversations.axolotl`, which every client reads.
    OMEMO_PROTOCOL_LEGACY = 1,
    /// `urn:xmpp:omemo:2`.
    OMEMO_PROTOCOL_OMEMO2 = 2,
}

/// How an account was opened.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_opening {
    /// It was not in the store, and was made.
    OMEMO_OPENING_CREATED = 1,
    /// It was in the store.
    OMEMO_OPENING_FOUND = 2,
    /// It was in the store, which is an old copy of itself. Nothing that was used since then is used again;
    /// messages of the time in between may not be readable: tell the user.
    OMEMO_OPENING_ROLLED_BACK = 3,
}

/// One device of one account: everything but XML and traffic.
///
/// A client has one (`omemo_client_account`), of which all that is known can be asked, and where the user's
/// decisions go. Nothing of it waits for what the client is doing.
///
/// It is reference counted: `omemo_account_unref` gives a reference back. Threads: any number at the same
/// time. All functions that use it may wait for the disk, except those that say otherwise. All fail
/// with OMEMO_ERROR_STORE_... and OMEMO_ERROR_ACCOUNT_...; nothing has changed then. `omemo_account_change_device_id`
/// makes other handles of the same account OMEMO_ERROR_ACCOUNT_GONE. Addresses are
/// UTF-8, end with a zero byte, and may have a resource, which is not looked at (OMEMO_ERROR_JID).
pub struct omemo_account {
    current: Lock<Arc<Account>>,
    /// Who draws another id does it alone; meanwhile the others have the account as it is.
    changing: Lock<()>,
    /// A client has it, and does what changes the device itself.
    is_of_client: bool,
}

impl omemo_account {
    pub(super) fn new(account: Account) -> Arc<Self> {
        Arc::new(Self {
            current: Lock::new(Arc::new(account)),
            changing: Lock::new(()),
            is_of_client: false,
        })
    }

    pub(super) fn of_client(account: Account) -> Arc<Self> {
        Arc::new(Self {
            current: Lock::new(Arc::new(account)),
            changing: Lock::new(()),
            is_of_client: true,
        })
    }

    pub(super) fn get(&self) -> Arc<Account> {
        Arc::clone(&self.current.lock_anyway())
    }

    /// Draws another device id.
    pub(super) fn change_device_id(&self, taken: &[DeviceId]) -> Result<(), Failure> {
        if self.is_of_client {
            return Err(Failure::state("a client draws its ids itself"));
        }
        let _alone = self.changing.lock_anyway();
        let mut account = Account::clone(&self.get());
        account.change_device_id(taken, &mut SysRng)?;
        *self.current.lock_anyway() = Arc::new(account);
        Ok(())
    }

    /// Follows a client whose device got another id, as somebody else had it.
    pub(super) fn follow(&self, account: &Account) {
        if self.get().device() != account.device() {
            let mut current = self.current.lock_anyway();
            *current = Arc::new(account.clone());
        }
    }
}

/// Opens the account of an address in a store, or makes it there. For a client that keeps its own XML and
/// traffic; others use `omemo_client_open`, which does this, too.
///
/// `account` gets a reference, which is yours; it keeps one to the store. `options` is copied. `now_ms` is
/// the time in milliseconds since 1970, here and everywhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_open(
    store: *mut omemo_store,
    jid: *const c_char,
    options: *const omemo_options,
    now_ms: u64,
    account: *mut *mut omemo_account,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let store = caller.handle(store)?;
        let jid = caller.jid(jid)?;
        let options = options::read(caller, options)?.account;
        let place = caller.place(account)?;
        let (store, now) = (Arc::clone(&store.store), Timestamp::from_millis(now_ms));
        let account = Account::open(store, jid, options, now, &mut SysRng)?;
        place.share(omemo_account::new(account));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Another reference to the same account, which is returned. NULL if `account` is. Does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_ref(account: *mut omemo_account) -> *mut omemo_account {
    if !account.is_null() {
        // SAFETY: the caller has a reference, so it was not freed.
        unsafe { Arc::increment_strong_count(account.cast_const()) };
    }
    account
}

/// Gives a reference back; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_unref(account: *mut omemo_account) {
    // SAFETY: the promises at the top of the header.
    unsafe { release(account) }
}

/// The address. `jid` gets text that is yours to free with `omemo_string_free`. Does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_jid(
    account: *const omemo_account,
    jid: *mut *mut c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(jid)?;
        place.put(new_string(account.get().jid().as_str()));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// This device's id, the same in both versions. It changes at most once, before the device was first
/// announced, if another device of the account has it. Does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_device(
    account: *const omemo_account,
    device: *mut u32,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        caller.place(device)?.put(account.get().device().get());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// This device's fingerprint, the same in both versions. Does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_fingerprint(
    account: *const omemo_account,
    fingerprint: *mut omemo_fingerprint,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(fingerprint)?;
        place.put(account.get().fingerprint().into());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How the account was opened: `opening` gets an omemo_opening. Does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_opening(
    account: *const omemo_account,
    opening: *mut u32,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let number = match account.get().opening() {
            Opening::Created => omemo_opening::OMEMO_OPENING_CREATED,
            Opening::Found => omemo_opening::OMEMO_OPENING_FOUND,
            Opening::RolledBack => omemo_opening::OMEMO_OPENING_ROLLED_BACK,
        };
        caller.place(opening)?.put(number as u32);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// When the account was made, in milliseconds since 1970. Does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_created(
    account: *const omemo_account,
    created_ms: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(created_ms)?;
        place.put(account.get().created().as_millis());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
