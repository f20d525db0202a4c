//! Catching up with what was written during an absence.

use core::ffi::c_char;

use getrandom::SysRng;

use super::account::omemo_account;
use super::boundary::{Caller, call};
use super::client::omemo_client;
use super::error::{Failure, omemo_error};
use super::status::omemo_status;
use crate::account::{CatchUpId, Order};
use crate::client::QueryId;
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

/// Begins a catch-up: messages from a time of absence are going to come, from the server's offline storage or
/// from archives that are read in this order (an omemo_order). To be called before the first of them.
/// `catch_up` gets its number, for `omemo_client_end_catch_up`. Several may be open at once. One that is never ended
/// expires after seven days.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_begin_catch_up(
    client: *mut omemo_client,
    order: u32,
    now_ms: u64,
    catch_up: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (order, now) = (order_of(order)?, Timestamp::from_millis(now_ms));
        let place = caller.place(catch_up)?;
        let client = caller.handle(client)?;
        let id = client.change("begin_catch_up", |client| {
            Ok(client.begin_catch_up(order, now)?)
        })?;
        place.put(id.get());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Announces a query to an archive, as a part of a catch-up: only results that are announced are read. `archive`
/// is the address of a room; NULL: the account's own archive. `query_id` is the `queryid` of the query; NULL takes
/// results without one, for old servers that leave it out. `query` gets a number for `omemo_client_end_page`. The
/// same query may be announced for each page anew, or once for all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_expect_archive(
    client: *mut omemo_client,
    catch_up: u64,
    archive: *const c_char,
    query_id: *const c_char,
    query: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let query_id = caller.some_word(query_id)?;
        let archive = match archive.is_null() {
            true => None,
            false => Some(caller.jid(archive)?),
        };
        let place = caller.place(query)?;
        let client = caller.handle(client)?;
        let id = client.change("expect_archive", |client| {
            let catch_up = CatchUpId::from_number(catch_up);
            Ok(client.expect_archive(catch_up, archive.as_ref(), query_id))
        })?;
        place.put(id.get());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// A page of a query has come as a whole: it is decrypted, and stored at once. Keep the place in the
/// archive after this has returned. After an error the page still waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_end_page(
    client: *mut omemo_client,
    query: u64,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (query, now) = (QueryId::from_number(query), Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        client.change("end_page", |client| Ok(client.end_page(query, now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Ends a catch-up: everything that belongs to it has come. Results of its queries are not taken any more. Other
/// catch-ups go on. What `omemo_client_maintain` does is done, and broken sessions are mended if no other is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_end_catch_up(
    client: *mut omemo_client,
    catch_up: u64,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (id, now) = (
            CatchUpId::from_number(catch_up),
            Timestamp::from_millis(now_ms),
        );
        let client = caller.handle(client)?;
        client.change("end_catch_up", |client| Ok(client.end_catch_up(id, now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Does what is due once a day: keys are replaced, and what was kept for long enough goes. Those who are never
/// away call it once a day. It may be called at any time: it takes nothing from a catch-up that is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_maintain(
    client: *mut omemo_client,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change("maintain", |client| Ok(client.maintain(now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says to an account without a client that messages from a time of absence are going to come: offline ones, or
/// an archive in this order (an omemo_order). `catch_up` gets its number, for `omemo_account_end_catch_up` and for
/// omemo_incoming. Several may be open at once. Until the last of them ends used pre-keys are kept, and nothing is
/// repaired.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_begin_catch_up(
    account: *mut omemo_account,
    order: u32,
    now_ms: u64,
    catch_up: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (order, now) = (order_of(order)?, Timestamp::from_millis(now_ms));
        let place = caller.place(catch_up)?;
        let account = caller.handle(account)?;
        place.put(account.get().begin_catch_up(order, now)?.get());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says to an account without a client that everything that belongs to a catch-up was decrypted. Then what
/// `omemo_account_maintain` does is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_end_catch_up(
    account: *mut omemo_account,
    catch_up: u64,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (id, now) = (
            CatchUpId::from_number(catch_up),
            Timestamp::from_millis(now_ms),
        );
        Ok(account.get().end_catch_up(id, now, &mut SysRng)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Does for an account without a client what is due once a day. Used pre-keys are wiped, signed ones renewed if
/// they are old enough, and what was kept for long enough goes. What an open catch-up may need waits for its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_maintain(
    account: *mut omemo_account,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let now = Timestamp::from_millis(now_ms);
        Ok(account.get().maintain(now, &mut SysRng)?)
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
