//! Catching up with what was written during an absence.

use core::ffi::c_char;

use getrandom::SysRng;

use super::account::omemo_account;
use super::boundary::{Caller, call};
use super::client::omemo_client;
use super::error::{Failure, omemo_error};
use super::status::omemo_status;
use crate::account::Order;
use crate::model::Timestamp;

/// In which order an archive is read.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_order {
    /// As it was written.
    OMEMO_ORDER_OLDEST_FIRST = 1,
    /// Backwards.
    OMEMO_ORDER_NEWEST_FIRST = 2,
}

/// Says that messages from a time of absence are coming: offline ones, and those of an archive in this order
/// (an omemo_order). Before the first of them; `omemo_client_end_catch_up` ends it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_begin_catch_up(
    client: *mut omemo_client,
    order: u32,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (order, now) = (order_of(order)?, Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        client.change("begin_catch_up", |client| {
            Ok(client.begin_catch_up(order, now)?)
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says that an archive was asked, and with which `queryid`: only results with both are taken. `archive` is
/// the address of a room; NULL: the account's own archive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_expect_archive(
    client: *mut omemo_client,
    archive: *const c_char,
    query_id: *const c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let query_id = caller.word(query_id)?;
        let client = caller.handle(client)?;
        client.change("expect_archive", |client| {
            if archive.is_null() {
                client.expect_archive(None, query_id);
            } else {
                client.expect_archive(Some(&caller.jid(archive)?), query_id);
            }
            Ok(())
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// A page of an archive has come as a whole: it is decrypted, and stored at once. Keep the place in the
/// archive after this has returned. After an error the page still waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_end_page(
    client: *mut omemo_client,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change("end_page", |client| Ok(client.end_page(now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Everything that was written during the absence has come. Bundles are renewed, and broken sessions mended.
/// Those who are never away call it once a day or so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_end_catch_up(
    client: *mut omemo_client,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change("end_catch_up", |client| Ok(client.end_catch_up(now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says to an account without a client that messages from a time of absence are coming: offline ones, or an
/// archive in this order (an omemo_order). Until `omemo_account_end_catch_up` used pre-keys are kept, and
/// nothing is repaired.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_begin_catch_up(
    account: *mut omemo_account,
    order: u32,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (order, now) = (order_of(order)?, Timestamp::from_millis(now_ms));
        Ok(account.get().begin_catch_up(order, now)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says to an account without a client that everything that was written during the absence was decrypted.
/// Used pre-keys are wiped, signed ones renewed if they are old enough, and what was kept for long enough goes.
/// Those who are never away call it once a day or so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_end_catch_up(
    account: *mut omemo_account,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let now = Timestamp::from_millis(now_ms);
        Ok(account.get().end_catch_up(now, &mut SysRng)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

pub(super) const fn order_number(order: Order) -> u32 {
    let number = match order {
        Order::OldestFirst => omemo_order::OMEMO_ORDER_OLDEST_FIRST,
        Order::NewestFirst => omemo_order::OMEMO_ORDER_NEWEST_FIRST,
    };
    number as u32
}

fn order_of(number: u32) -> Result<Order, Failure> {
    let mut all = [Order::OldestFirst, Order::NewestFirst].into_iter();
    let found = all.find(|order| order_number(*order) == number);
    found.ok_or_else(Failure::value)
}
