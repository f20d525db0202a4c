//! A store that is an old copy of itself, for accounts without a client.

use getrandom::SysRng;

use super::account::omemo_account;
use super::boundary::{Caller, call};
use super::bundle::omemo_bundle;
use super::device::version_of;
use super::error::{Failure, omemo_error};
use super::status::omemo_status;
use crate::account::{PublishedBundle, Rollback};
use crate::model::Timestamp;

/// What the server has as this device's bundle.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_published {
    /// The bundle as it is now.
    OMEMO_PUBLISHED_CURRENT = 1,
    /// None, an older one, or somebody else's: the bundle is due.
    OMEMO_PUBLISHED_OTHER = 2,
    /// One that this store has not made, and that is signed with the account's identity key: the store is an old
    /// copy of itself, or a second program uses the device. What could be used twice was given up, all bundles are
    /// due, and the user is to be told (`omemo_account_rollback`).
    OMEMO_PUBLISHED_ROLLED_BACK = 3,
}

/// Whether a store is an old copy of itself, or a second program uses the device.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_rollback {
    /// Nothing says so, or the user knows of it.
    OMEMO_ROLLBACK_NONE = 0,
    /// It is proven. What could be used twice was given up, and new sessions are being started: messages that were
    /// written for the state that is lost are not readable.
    OMEMO_ROLLBACK_PROVEN = 1,
    /// It is suspected. Nothing was given up: a server can invent what it was seen by.
    OMEMO_ROLLBACK_SUSPECTED = 2,
}

/// Takes note of what the server has as this device's bundle; NULL: it has none. Call it with each new stream,
/// before anything is sent: that is how a device notices that its store is an old copy where nobody keeps markers
/// (`omemo_account_next_incarnation`). It is noticed if a signed pre-key was made since: one is made each week.
///
/// `published` gets an omemo_published. A client does this itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_check_published(
    account: *mut omemo_account,
    protocol: u32,
    bundle: *const omemo_bundle,
    now_ms: u64,
    published: *mut u32,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (version, now) = (version_of(protocol)?, Timestamp::from_millis(now_ms));
        let place = caller.place(published)?;
        let bundle = match bundle.is_null() {
            true => None,
            false => Some(caller.borrow(bundle)?.get()),
        };
        let found = account
            .get()
            .check_published(version, bundle, now, &mut SysRng)?;
        let number = match found {
            PublishedBundle::Current => omemo_published::OMEMO_PUBLISHED_CURRENT,
            PublishedBundle::Other => omemo_published::OMEMO_PUBLISHED_OTHER,
            PublishedBundle::RolledBack => omemo_published::OMEMO_PUBLISHED_ROLLED_BACK,
        };
        place.put(number as u32);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Whether the store is an old copy of itself, or may be, and the user was not told: `rollback` gets an
/// omemo_rollback, and `since_ms`, which may be NULL, since when that is known, in milliseconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_rollback(
    account: *const omemo_account,
    rollback: *mut u32,
    since_ms: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(rollback)?;
        let (number, since) = match account.get().rollback()? {
            None => (omemo_rollback::OMEMO_ROLLBACK_NONE, 0),
            Some(Rollback::Proven(at)) => (omemo_rollback::OMEMO_ROLLBACK_PROVEN, at.as_millis()),
            Some(Rollback::Suspected(at)) => {
                (omemo_rollback::OMEMO_ROLLBACK_SUSPECTED, at.as_millis())
            }
        };
        place.put(number as u32);
        if let Some(place) = caller.some_place(since_ms) {
            place.put(since);
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The user knows of what `omemo_account_rollback` said: it is not said again. A suspicion is never said a second
/// time, whatever the server shows.
///
/// Errors: OMEMO_ERROR_VALUE if `rollback` is neither OMEMO_ROLLBACK_PROVEN nor OMEMO_ROLLBACK_SUSPECTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_rollback_told(
    account: *mut omemo_account,
    rollback: u32,
    since_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let since = Timestamp::from_millis(since_ms);
        let told = match rollback {
            n if n == omemo_rollback::OMEMO_ROLLBACK_PROVEN as u32 => Rollback::Proven(since),
            n if n == omemo_rollback::OMEMO_ROLLBACK_SUSPECTED as u32 => Rollback::Suspected(since),
            _ => return Err(Failure::value()),
        };
        Ok(account.get().rollback_told(told)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
