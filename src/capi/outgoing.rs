//! Messages that a client is to encrypt.

use core::ffi::c_char;

use super::boundary::{Caller, call};
use super::client::omemo_client;
use super::device::device_id;
use super::error::{Failure, omemo_error};
use super::status::omemo_status;
use super::trust::{omemo_fingerprint, trust_of};
use crate::client::Ticket;
use crate::model::{Fingerprint, Timestamp};

/// Takes a `<message/>` to be encrypted for accounts, or for a room that `omemo_client_set_room` has told of.
/// It is held until device lists, bundles and decisions about keys are there; then comes
/// OMEMO_ACTION_ENCRYPTED or OMEMO_ACTION_REFUSED. Messages of one conversation stay in their order.
///
/// `recipients` are the accounts that are to read it. For a message to a room, or a private one to somebody in it,
/// the address of the room stands for them.
///
/// `ticket` gets a number that names the message in the action; it means nothing after a restart: give the
/// message again then. Errors: OMEMO_ERROR_STANZA_..., OMEMO_ERROR_JID: the message was not taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_encrypt(
    client: *mut omemo_client,
    xml: *const c_char,
    xml_len: usize,
    recipients: *const *const c_char,
    recipient_count: usize,
    now_ms: u64,
    ticket: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let xml = caller.text(xml, xml_len)?;
        let recipients = caller.jids(recipients, recipient_count)?;
        let (place, now) = (caller.place(ticket)?, Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        let taken = client.change("encrypt", |client| {
            Ok(client.encrypt(xml, &recipients, now)?)
        })?;
        place.put(taken.get());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The same without waiting: what is not there is missing, and the report says so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_encrypt_now(
    client: *mut omemo_client,
    xml: *const c_char,
    xml_len: usize,
    recipients: *const *const c_char,
    recipient_count: usize,
    now_ms: u64,
    ticket: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let xml = caller.text(xml, xml_len)?;
        let recipients = caller.jids(recipients, recipient_count)?;
        let (place, now) = (caller.place(ticket)?, Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        let taken = client.change("encrypt_now", |client| {
            Ok(client.encrypt_now(xml, &recipients, now)?)
        })?;
        place.put(taken.get());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Learns the devices and keys of accounts, or of the members of rooms, before there is a message to send:
/// when a conversation is opened, say. What is not known is asked for; then comes OMEMO_ACTION_PREPARED, with
/// the `ticket`. Nothing is sent to them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_prepare(
    client: *mut omemo_client,
    accounts: *const *const c_char,
    account_count: usize,
    now_ms: u64,
    ticket: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let accounts = caller.jids(accounts, account_count)?;
        let (place, now) = (caller.place(ticket)?, Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        let taken = client.change("prepare", |client| Ok(client.prepare(&accounts, now)?))?;
        place.put(taken.get());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The server has announced the most `bytes` of a stanza (XEP-0478, `<max-bytes/>`); 0: it has announced
/// nothing. It counts if it is less than `stanza_limit` of the options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_set_stanza_limit(
    client: *mut omemo_client,
    bytes: usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        client.change("set_stanza_limit", |client| {
            client.set_stanza_limit(Some(bytes).filter(|bytes| *bytes > 0));
            Ok(())
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Forgets a message that waits to be encrypted; the next one of its conversation goes on. Nothing happens if
/// it is gone already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_cancel(
    client: *mut omemo_client,
    ticket: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        client.change("cancel", |client| {
            client.cancel(Ticket::from_number(ticket));
            Ok(())
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Sends a message that waits without the devices about whose keys nobody has decided. Nothing happens if it
/// is gone already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_send_anyway(
    client: *mut omemo_client,
    ticket: u64,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (ticket, now) = (Ticket::from_number(ticket), Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        client.change("send_anyway", |client| Ok(client.send_anyway(ticket, now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Somebody has decided about a key: `trust` is an omemo_trust. Messages that waited for it go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_decide(
    client: *mut omemo_client,
    jid: *const c_char,
    fingerprint: *const omemo_fingerprint,
    trust: u32,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let jid = caller.jid(jid)?;
        let key = Fingerprint::from(*caller.borrow(fingerprint)?);
        let trust = trust_of(trust).ok_or_else(Failure::value)?;
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change(
            "decide",
            |client| Ok(client.decide(&jid, &key, trust, now)?),
        )
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The user accepts the identity key that a device shows in the place of another one
/// (OMEMO_ACTION_DECIDE_IDENTITY: `shown`). Messages that waited for it go on, in new sessions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_accept_identity(
    client: *mut omemo_client,
    jid: *const c_char,
    device: u32,
    fingerprint: *const omemo_fingerprint,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (jid, device) = (caller.jid(jid)?, device_id(device)?);
        let key = Fingerprint::from(*caller.borrow(fingerprint)?);
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change("accept_identity", |client| {
            Ok(client.accept_identity(&jid, device, &key, now)?)
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
