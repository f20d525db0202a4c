//! What is known of other accounts besides their devices, and of the conversations with them.

use core::ffi::c_char;

use super::account::omemo_account;
use super::boundary::{Caller, call, free};
use super::error::omemo_error;
use super::memory::{Owned, Texts, omemo_strings};
use super::status::omemo_status;
use crate::account::ConversationState;
use crate::model::Timestamp;

/// Whether a conversation is encrypted.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_conversation_state {
    /// Nothing encrypted came or went: plaintext is no surprise.
    OMEMO_CONVERSATION_PLAIN = 1,
    /// It is encrypted: if plaintext comes in it, tell the user.
    OMEMO_CONVERSATION_ENCRYPTED = 2,
    /// One side has said that it ends encryption. Nothing is encrypted until `omemo_account_opt_in`.
    OMEMO_CONVERSATION_OPTED_OUT = 3,
}

/// What is known of a conversation. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_conversation {
    /// An omemo_conversation_state.
    pub state: u32,
    /// Opted out: 1 if this side has.
    pub is_ours: u8,
    /// Opted out: what was given as the reason; NULL if nothing.
    pub reason: *const c_char,
    /// Encrypted: since when. Opted out: when. In milliseconds since 1970.
    pub since_ms: u64,
    /// Encrypted: the last encrypted message, to the hour.
    pub last_ms: u64,
}

/// Whether a conversation is encrypted. `conversation` gets a struct that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_conversation(
    account: *const omemo_account,
    jid: *const c_char,
    conversation: *mut *mut omemo_conversation,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let place = caller.place(conversation)?;
        let mut texts = Texts::default();
        let conversation = describe(&account.get().conversation_state(&jid)?, &mut texts);
        Owned::give(place, conversation, texts);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Frees what is known of a conversation; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_conversation_free(conversation: *mut omemo_conversation) {
    // SAFETY: the promises at the top of the header; every one that C has is in an `Owned`.
    unsafe { free(conversation.cast::<Owned<omemo_conversation, Texts>>()) }
}

/// Says that one side ends encryption: this one (`is_ours` is not 0) or the other. Nothing is encrypted for
/// the account until `omemo_account_opt_in`. `reason` may be NULL. A client does so by itself when the other
/// side says it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_opt_out(
    account: *mut omemo_account,
    jid: *const c_char,
    is_ours: u8,
    reason: *const c_char,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let (reason, now) = (caller.some_word(reason)?, Timestamp::from_millis(now_ms));
        Ok(account.get().opt_out(&jid, is_ours != 0, reason, now)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says that the conversation is encrypted again, as the user wishes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_opt_in(
    account: *mut omemo_account,
    jid: *const c_char,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        Ok(account.get().opt_in(&jid, Timestamp::from_millis(now_ms))?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says whether the user has accepted an account (0 or not): a subscription, a place on the roster, a room in
/// common. Nothing is ever sent by itself to one that is not accepted. Writing to an account accepts it. With
/// a client: `omemo_client_set_contact`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_set_accepted(
    account: *mut omemo_account,
    jid: *const c_char,
    is_accepted: u8,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (jid, now) = (caller.jid(jid)?, Timestamp::from_millis(now_ms));
        Ok(account.get().set_accepted(&jid, is_accepted != 0, now)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says whether the user has blocked an account (XEP-0191), or everybody at a domain: 0 or not. While it is
/// blocked nothing is sent to it by itself. With a client: `omemo_client_set_blocked`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_set_blocked(
    account: *mut omemo_account,
    jid: *const c_char,
    is_blocked: u8,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        Ok(account
            .get()
            .set_blocked(&caller.jid(jid)?, is_blocked != 0)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// What the user has blocked: accounts and domains. `jids` gets a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_blocked(
    account: *const omemo_account,
    jids: *mut *mut omemo_strings,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(jids)?;
        let blocked = account.get().blocked()?;
        place.give(omemo_strings::new(blocked.iter().map(|jid| jid.as_str())));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Whether the user has accepted an account: `is_accepted` gets 1 or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_is_accepted(
    account: *const omemo_account,
    jid: *const c_char,
    is_accepted: *mut u8,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let place = caller.place(is_accepted)?;
        place.put(account.get().is_accepted(&jid)?.into());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The accounts that anything is known of, this one among them. `jids` gets a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_contacts(
    account: *const omemo_account,
    jids: *mut *mut omemo_strings,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(jids)?;
        let contacts = account.get().contacts()?;
        place.give(omemo_strings::new(contacts.iter().map(|jid| jid.as_str())));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Removes all sessions and message keys with an account, and what waits from it to be acknowledged. What is
/// thought of its keys, and its devices, stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_forget(
    account: *mut omemo_account,
    jid: *const c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        Ok(account.get().forget(&jid)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

fn describe(state: &ConversationState, texts: &mut Texts) -> omemo_conversation {
    use omemo_conversation_state::*;
    let mut known = omemo_conversation {
        state: OMEMO_CONVERSATION_PLAIN as u32,
        is_ours: 0,
        reason: core::ptr::null(),
        since_ms: 0,
        last_ms: 0,
    };
    match state {
        ConversationState::Plain => {}
        ConversationState::Encrypted { since, last } => {
            known.state = OMEMO_CONVERSATION_ENCRYPTED as u32;
            known.since_ms = since.as_millis();
            known.last_ms = last.as_millis();
        }
        ConversationState::OptedOut { ours, reason, at } => {
            known.state = OMEMO_CONVERSATION_OPTED_OUT as u32;
            known.is_ours = (*ours).into();
            known.reason = texts.add_some(reason.as_deref());
            known.since_ms = at.as_millis();
        }
    }
    known
}
