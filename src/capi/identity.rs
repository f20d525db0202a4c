//! An account as a whole: carried to another device, removed, and known as an old copy of itself.

use core::ffi::c_char;
use std::sync::Arc;

use getrandom::SysRng;

use super::account::omemo_account;
use super::boundary::{Caller, call};
use super::error::omemo_error;
use super::options::{self, omemo_incarnation, omemo_options};
use super::status::omemo_status;
use super::store::omemo_store;
use crate::account::{Account, Incarnation};
use crate::model::Timestamp;

/// The identity key and all trust decisions, for `omemo_account_import_identity`. Whoever has this is, to
/// others, the user: encrypt it.
///
/// `exported` gets bytes that are yours to free with `omemo_bytes_free`, which overwrites them, and
/// `exported_len` their number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_export_identity(
    account: *const omemo_account,
    exported: *mut *mut u8,
    exported_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.bytes_place(exported, exported_len)?;
        place.put(&account.get().export_identity()?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Makes an account in a store that does not have it, as a new device with the identity and the trust
/// decisions of another one. `account` gets a reference, which is yours; a client of the account is opened
/// after it with `omemo_client_open`.
///
/// Errors: OMEMO_ERROR_ACCOUNT_RECORD if these bytes were not exported; OMEMO_ERROR_ACCOUNT_GONE if the
/// store has the account already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_import_identity(
    store: *mut omemo_store,
    jid: *const c_char,
    options: *const omemo_options,
    exported: *const u8,
    exported_len: usize,
    now_ms: u64,
    account: *mut *mut omemo_account,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let store = caller.handle(store)?;
        let jid = caller.jid(jid)?;
        let options = options::read(caller, options)?.account;
        let exported = caller.bytes(exported, exported_len)?;
        let place = caller.place(account)?;
        let (store, now) = (Arc::clone(&store.store), Timestamp::from_millis(now_ms));
        let made = Account::import_identity(store, jid, options, exported, now, &mut SysRng)?;
        place.share(omemo_account::new(made));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Removes the account from its store, with everything in it. After it all handles of it fail with
/// OMEMO_ERROR_ACCOUNT_GONE, also if it failed on the way: what is left then is removed when the account is opened
/// next. Take the device off the server before: `omemo_client_switch_off`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_remove(
    account: *mut omemo_account,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        Ok(Account::clone(&account.get()).remove()?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Whether so much was written that the marker should be renewed by which an old copy of the store is
/// noticed: `is_due` gets 1 or 0. For applications that keep markers outside of their backups.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_is_incarnation_due(
    account: *const omemo_account,
    is_due: *mut u8,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(is_due)?;
        place.put(account.get().incarnation_due()?.into());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Draws a marker; nothing is stored yet. Keep it beside the one that you have, where no backup is made of
/// it; then `omemo_account_enter_incarnation`; then forget the older one. Give those that you have to
/// `incarnations` of the options when the account is opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_next_incarnation(
    account: *const omemo_account,
    incarnation: *mut omemo_incarnation,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(incarnation)?;
        let next = account.get().next_incarnation(&mut SysRng)?;
        place.put(omemo_incarnation {
            bytes: *next.as_bytes(),
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Puts a marker into the store that was kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_enter_incarnation(
    account: *mut omemo_account,
    incarnation: *const omemo_incarnation,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let incarnation = Incarnation::from_bytes(caller.borrow(incarnation)?.bytes);
        Ok(account.get().enter_incarnation(&incarnation)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
