//! Messages that wait until everybody who has to has taken them over.

use core::ffi::c_char;

use super::account::omemo_account;
use super::boundary::{Caller, call};
use super::client::omemo_message_id;
use super::error::{Failure, omemo_error};
use super::reading::{omemo_reading, omemo_readings};
use super::status::omemo_status;
use crate::account::{APPLICATION, MessageId};

/// The messages that a consumer has not acknowledged, in the order in which they were read. `consumer` is the
/// name of one who was added, or NULL: the application, which every account has.
///
/// `waiting` gets a list that is yours to free; all of it are messages. Nothing waits for a name that was not
/// added.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_inbox(
    account: *const omemo_account,
    consumer: *const c_char,
    waiting: *mut *mut omemo_readings,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let consumer = caller.consumer(consumer)?;
        let place = caller.place(waiting)?;
        let waiting = account.get().inbox(consumer)?;
        place.give(waiting.iter().map(omemo_reading::of_message).collect());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says that a consumer (NULL: the application) has taken messages over. `ids` are `count` of them, which may be 0.
/// When all consumers have, their texts are removed; what was removed already is passed over. One write takes up to
/// 1,000 of them. After an error some may be acknowledged; give all of them again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_acknowledge(
    account: *mut omemo_account,
    ids: *const omemo_message_id,
    count: usize,
    consumer: *const c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let ids = caller.message_ids(ids, count)?;
        let consumer = caller.consumer(consumer)?;
        Ok(account.get().acknowledge(&ids, consumer)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

impl Caller {
    /// Names of messages.
    pub(super) fn message_ids(
        &self,
        ids: *const omemo_message_id,
        count: usize,
    ) -> Result<Vec<MessageId>, Failure> {
        let ids = self.array(ids, count)?.iter();
        Ok(ids.map(|id| MessageId::from_bytes(id.bytes)).collect())
    }
}

/// Adds somebody who acknowledges messages besides the application, such as an extension that shows
/// notifications. Messages wait for it from now on.
///
/// Errors: OMEMO_ERROR_ACCOUNT_NO_ID if there are eight already; OMEMO_ERROR_VALUE if the name is empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_add_consumer(
    account: *mut omemo_account,
    consumer: *const c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let consumer = caller.word(consumer)?;
        if consumer.is_empty() {
            return Err(Failure::value());
        }
        Ok(account.get().add_consumer(consumer)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Removes a consumer that was added: nothing waits for it any more. Nothing happens if there is none of that
/// name.
///
/// Errors: OMEMO_ERROR_VALUE for the application, which every account has (OMEMO_OPTION_NO_INBOX: nothing waits).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_remove_consumer(
    account: *mut omemo_account,
    consumer: *const c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let consumer = caller.word(consumer)?;
        if consumer == APPLICATION {
            return Err(Failure::value());
        }
        Ok(account.get().remove_consumer(consumer)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

impl Caller {
    fn consumer(&self, name: *const c_char) -> Result<&str, Failure> {
        Ok(self.some_word(name)?.unwrap_or(APPLICATION))
    }
}

/// How many messages went because of the limits of the inbox before the application had acknowledged them, since
/// `omemo_account_evictions_told`. `count` gets the number. With a client: OMEMO_NOTICE_EVICTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_evicted(
    account: *const omemo_account,
    count: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        caller.place(count)?.put(account.get().evicted()?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The user knows of so many messages that were lost: `omemo_account_evicted` counts them no more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_evictions_told(
    account: *mut omemo_account,
    count: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        Ok(account.get().evictions_told(count)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
