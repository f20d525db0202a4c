//! Empty messages: those that are owed, and those that begin a new session in the place of a broken one.

use core::ffi::c_char;
use core::ptr;

use getrandom::SysRng;

use super::account::omemo_account;
use super::boundary::{Caller, accessor, call, free};
use super::bundle::omemo_bundle;
use super::device::device_id;
use super::error::{Failure, omemo_error};
use super::memory::Texts;
use super::peer::{lent, omemo_peer, omemo_peers};
use super::sent::omemo_sent;
use super::status::omemo_status;
use crate::model::Timestamp;

/// An empty message that is owed. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_due_answer {
    /// The device that waits for it.
    pub peer: omemo_peer,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// 1 if it is a heartbeat: without it the other side's keys never change.
    pub is_heartbeat: u8,
}

/// Empty messages that are owed. Threads: one at a time, or several that only read.
pub struct omemo_due_answers {
    answers: Vec<omemo_due_answer>,
    _texts: Texts,
}

/// The empty messages that should be sent now, with `omemo_account_encrypt_empty`. While a history is being
/// caught up with: once for each page, after it was stored. `answers` gets a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_answers_due(
    account: *const omemo_account,
    answers: *mut *mut omemo_due_answers,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(answers)?;
        let due = account.get().answers_due()?;
        let mut texts = Texts::default();
        let answers = due.iter().map(|answer| omemo_due_answer {
            peer: lent(&answer.peer, &mut texts),
            since_ms: answer.since.as_millis(),
            is_heartbeat: answer.is_heartbeat.into(),
        });
        place.give(omemo_due_answers {
            answers: answers.collect(),
            _texts: texts,
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How many there are; 0 if `answers` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_due_answers_count(answers: *const omemo_due_answers) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(answers, 0, |answers| answers.answers.len()) }
}

/// One of them; NULL if there are not so many. There as long as `answers` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_due_answers_get(
    answers: *const omemo_due_answers,
    index: usize,
) -> *const omemo_due_answer {
    let get = |answers: &omemo_due_answers| {
        let answer = answers.answers.get(index);
        answer.map_or(ptr::null(), ptr::from_ref)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(answers, ptr::null(), get) }
}

/// Frees a list of what is owed; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_due_answers_free(answers: *mut omemo_due_answers) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(answers) }
}

/// Makes an empty message for a device: on the session that it is owed on, else on the current one, else on
/// a new one from `bundle`, which may be NULL. Whether its key was decided about makes no difference, unless
/// the decision was against it. `sent` gets an object that is yours to free.
///
/// Errors: OMEMO_ERROR_NOT_ACCEPTED, OMEMO_ERROR_GAP. No session has moved then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_encrypt_empty(
    account: *mut omemo_account,
    peer: *const omemo_peer,
    bundle: *const omemo_bundle,
    now_ms: u64,
    sent: *mut *mut omemo_sent,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (peer, now) = (caller.peer(peer)?, Timestamp::from_millis(now_ms));
        let fetched = if bundle.is_null() {
            None
        } else {
            Some(caller.borrow(bundle)?.fetched())
        };
        let place = caller.place(sent)?;
        let account = account.get();
        let made = account.encrypt_empty(&peer, fetched.as_ref(), now, &mut SysRng);
        let made = made.map_err(|error| Failure::empty(error, &peer))?;
        place.give(omemo_sent::empty(made));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The devices that should be sent an empty message on a new session now: fetch the bundle, then
/// `omemo_account_repair`. None while a history is being caught up with. `peers` gets a list that is yours
/// to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_repairs_due(
    account: *const omemo_account,
    now_ms: u64,
    peers: *mut *mut omemo_peers,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (place, now) = (caller.place(peers)?, Timestamp::from_millis(now_ms));
        let due = account.get().repairs_due(now)?;
        place.give(omemo_peers::new(&due));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Starts a new session with a device from its bundle, in the place of broken ones, and makes the empty
/// message that tells it so. The broken ones are read from for a while, and not written to. `sent` gets an
/// object that is yours to free.
///
/// Errors: OMEMO_ERROR_NOT_ACCEPTED, OMEMO_ERROR_GAP. Nothing has changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_repair(
    account: *mut omemo_account,
    peer: *const omemo_peer,
    bundle: *const omemo_bundle,
    now_ms: u64,
    sent: *mut *mut omemo_sent,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (peer, now) = (caller.peer(peer)?, Timestamp::from_millis(now_ms));
        let fetched = caller.borrow(bundle)?.fetched();
        let place = caller.place(sent)?;
        let made = account.get().repair(&peer, &fetched, now, &mut SysRng);
        let made = made.map_err(|error| Failure::empty(error, &peer))?;
        place.give(omemo_sent::empty(made));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says that a repair was tried and there was no bundle: it is put off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_repair_failed(
    account: *mut omemo_account,
    peer: *const omemo_peer,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (peer, now) = (caller.peer(peer)?, Timestamp::from_millis(now_ms));
        Ok(account.get().repair_failed(&peer, now)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Ends all sessions with the devices of an account, or with one of them (`device` is not 0), as the user
/// wishes: they are read from for a while, and not written to. The next message starts new ones;
/// `omemo_account_encrypt_empty` with their bundles starts them at once.
///
/// `peers`, which may be NULL, gets the devices that had sessions: a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_reset_sessions(
    account: *mut omemo_account,
    jid: *const c_char,
    device: u32,
    now_ms: u64,
    peers: *mut *mut omemo_peers,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (jid, now) = (caller.jid(jid)?, Timestamp::from_millis(now_ms));
        let device = match device {
            0 => None,
            id => Some(device_id(id)?),
        };
        let reset = account.get().reset_sessions(&jid, device, now)?;
        if let Some(place) = caller.some_place(peers) {
            place.give(omemo_peers::new(&reset));
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
