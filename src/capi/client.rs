//! The client: stanzas in, actions out.

use core::ffi::c_char;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use super::account::omemo_account;
use super::action::omemo_action;
use super::boundary::{Caller, call, release};
use super::callbacks::{Log, Wakeup, omemo_log_level};
use super::error::{Failure, omemo_error};
use super::lock::{Guard, Lock};
use super::memory::omemo_strings;
use super::options::{self, omemo_options};
use super::status::omemo_status;
use super::store::omemo_store;
use crate::client::{Answer, Client, Disposition, NotOurs, RequestId};
use crate::model::Timestamp;

/// The whole protocol between an XMPP stream and plaintext, for one account: stanzas in, actions out. It has
/// no socket, thread or clock. After each call, and until there is none, take actions with
/// `omemo_client_next_action`, or when the wake-up callback has said that there are some.
///
/// Threads: any number at the same time; changes wait for each other. `omemo_client_account` is for questions,
/// which do not wait. All functions but `omemo_client_unref` may wait for the disk. All fail with
/// OMEMO_ERROR_STORE_..., OMEMO_ERROR_ACCOUNT_... (call again when the remedy says so: what was done already is not
/// done twice), and, after OMEMO_ERROR_INTERNAL, with OMEMO_ERROR_USED_UP. XML is UTF-8 with a length, and need not end
/// with a zero byte; addresses are UTF-8, end with a zero byte, and may have a resource.
pub struct omemo_client {
    client: Lock<Client>,
    account: Arc<omemo_account>,
    /// Somebody was told of actions, and has not taken all of them since.
    pub(super) is_woken: AtomicBool,
    pub(super) wakeup: Lock<Option<Wakeup>>,
    pub(super) log: Lock<Option<Log>>,
}

/// What became of a stanza that came.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_disposition {
    /// It has no encrypted content: handle it as ever.
    OMEMO_DISPOSITION_NOT_OURS = 1,
    /// Its content was, or will be, handed out as actions. Show nothing of the stanza itself.
    OMEMO_DISPOSITION_CONSUMED = 2,
    /// It belongs to a page of an archive that is not complete.
    OMEMO_DISPOSITION_PENDING = 3,
    /// This device sent it, and the room gives it back: you have its text.
    OMEMO_DISPOSITION_OWN_REFLECTION = 4,
    /// It has encrypted content that nobody is expected to send in this way: a result of an archive that was not
    /// announced (`omemo_client_expect_archive`), or a copy that somebody else than your server has made. Nothing was
    /// decrypted. Show nothing of it, not the fallback text either: anybody can send such a stanza.
    OMEMO_DISPOSITION_UNEXPECTED = 30,
    /// A message with encrypted content came back as an error. If its id is of a message of yours, tell the user
    /// that it did not arrive; show nothing else of it.
    OMEMO_DISPOSITION_BOUNCED = 31,
}

/// Names a message that was delivered: the same each time that the same message is handed out. May be
/// stored.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_message_id {
    /// The bytes.
    pub bytes: [u8; 16],
}

/// Opens the account of an address in a store, or makes it there.
///
/// `client` gets a reference, which is yours; it keeps one to the store. `options` is copied. `now_ms` is the
/// time in milliseconds since 1970, here and everywhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_open(
    store: *mut omemo_store,
    jid: *const c_char,
    options: *const omemo_options,
    now_ms: u64,
    client: *mut *mut omemo_client,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let store = caller.handle(store)?;
        let jid = caller.jid(jid)?;
        let options = options::read(caller, options)?;
        let place = caller.place(client)?;
        let (store, now) = (Arc::clone(&store.store), Timestamp::from_millis(now_ms));
        let client = Client::open(store, jid, options, now)?;
        place.share(Arc::new(omemo_client {
            account: omemo_account::of_client(client.account().clone()),
            client: Lock::new(client),
            is_woken: AtomicBool::new(false),
            wakeup: Lock::new(None),
            log: Lock::new(None),
        }));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Another reference to the same client, which is returned. NULL if `client` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_ref(client: *mut omemo_client) -> *mut omemo_client {
    if !client.is_null() {
        // SAFETY: the caller has a reference, so it was not freed.
        unsafe { Arc::increment_strong_count(client.cast_const()) };
    }
    client
}

/// Gives a reference back; the client is closed with the last of them. Nothing happens if it is NULL.
/// What is stored stays; messages that wait to be encrypted are forgotten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_unref(client: *mut omemo_client) {
    // SAFETY: the promises at the top of the header.
    unsafe { release(client) }
}

/// The account of the client: fingerprints, devices, trust, and all else that can be asked. `account` gets a
/// reference, which is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_account(
    client: *const omemo_client,
    account: *mut *mut omemo_account,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        caller.place(account)?.share(Arc::clone(&client.account));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// What your service discovery information has to contain (XEP-0030, XEP-0163), so that servers tell you of
/// changes of device lists. `features` gets a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_features(
    client: *const omemo_client,
    features: *mut *mut omemo_strings,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        let place = caller.place(features)?;
        let features = client.lock()?.features();
        place.give(omemo_strings::new(features.iter().map(String::as_str)));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// There is a stream, and the account can send. What was asked on an older one is forgotten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_connected(
    client: *mut omemo_client,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change("connected", |client| Ok(client.connected(now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The stream that was there before goes on (XEP-0198). Instead of `omemo_client_connected`: what was told or
/// answered on the stream counts as if it had not been interrupted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_resumed(
    client: *mut omemo_client,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change("resumed", |client| Ok(client.resumed(now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The stream is gone, for good or until it is resumed. Messages wait for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_disconnected(
    client: *mut omemo_client,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        client.change("disconnected", |client| {
            client.disconnected();
            Ok(())
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Takes a `<message/>` that came, as the stream had it: also carbons, results of an archive, and
/// notifications of nodes. `disposition` gets an omemo_disposition. Acknowledge the stanza to the server
/// (XEP-0198) when this has returned: what it contained is stored then.
///
/// What is wrong with the stanza is no error, but an action. After an error nothing has changed: give it again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_receive(
    client: *mut omemo_client,
    xml: *const c_char,
    xml_len: usize,
    now_ms: u64,
    disposition: *mut u32,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let xml = caller.text(xml, xml_len)?;
        let (place, now) = (caller.place(disposition)?, Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        let became = client.change("receive", |client| Ok(client.receive(xml, now)?))?;
        let number = match became {
            Disposition::NotOurs => omemo_disposition::OMEMO_DISPOSITION_NOT_OURS,
            Disposition::Consumed => omemo_disposition::OMEMO_DISPOSITION_CONSUMED,
            Disposition::Pending => omemo_disposition::OMEMO_DISPOSITION_PENDING,
            Disposition::OwnReflection => omemo_disposition::OMEMO_DISPOSITION_OWN_REFLECTION,
            Disposition::Unexpected => omemo_disposition::OMEMO_DISPOSITION_UNEXPECTED,
            Disposition::Bounced => omemo_disposition::OMEMO_DISPOSITION_BOUNCED,
        };
        place.put(number as u32);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Which request an `<iq/>` answers: `request` gets what `omemo_client_answer` takes. `iq_id` is the id of the
/// `<iq/>`.
///
/// Errors: OMEMO_ERROR_VALUE if the id is of a request that is not the library's. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_request_parse_id(
    iq_id: *const c_char,
    request: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let iq_id = caller.word(iq_id)?;
        let place = caller.place(request)?;
        let not_ours =
            |error: NotOurs| Failure::argument(omemo_status::OMEMO_ERROR_VALUE, &error.to_string());
        let id: RequestId = iq_id.parse().map_err(not_ours)?;
        place.put(id.get());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// What came of a request: the whole `<iq/>` of the type `result` or `error`; NULL if nothing came, and
/// nothing will. Nothing happens if the request is not open any more, or if somebody answers who was not
/// asked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_answer(
    client: *mut omemo_client,
    request: u64,
    xml: *const c_char,
    xml_len: usize,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let answer = if xml.is_null() {
            Answer::None
        } else {
            Answer::Stanza(caller.text(xml, xml_len)?)
        };
        let (id, now) = (
            RequestId::from_number(request),
            Timestamp::from_millis(now_ms),
        );
        let client = caller.handle(client)?;
        client.change("answer", |client| Ok(client.answer(id, answer, now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Time has passed: to be called when OMEMO_ACTION_WAKE_AT said so, or more often.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_tick(
    client: *mut omemo_client,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change("tick", |client| Ok(client.tick(now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// What is to be done next. `action` gets an action that is yours to free, or NULL if there is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_next_action(
    client: *mut omemo_client,
    action: *mut *mut omemo_action,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        let place = caller.place(action)?;
        let mut guard = client.lock()?;
        let next = guard.next_action();
        if next.is_none() {
            client.is_woken.store(false, Ordering::SeqCst);
        }
        drop(guard);
        match next.map(omemo_action::new) {
            Some(next) => {
                client.log(omemo_log_level::OMEMO_LOG_DEBUG, next.name());
                place.give(next);
            }
            None => place.put(core::ptr::null_mut()),
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// You have stored messages that were delivered: they are not handed out again. `ids` are `count` of them, which may
/// be 0. All that came with a page, or with one call, are best given at once: one write takes up to 1,000 of them. What
/// was acknowledged before is passed over. After an error some may be acknowledged; give all of them again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_acknowledge(
    client: *mut omemo_client,
    ids: *const omemo_message_id,
    count: usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let ids = caller.message_ids(ids, count)?;
        let client = caller.handle(client)?;
        client.change("acknowledge", |client| Ok(client.acknowledge(&ids)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says of a contact whether the user has accepted it (only then is anything sent to it by itself), and
/// whether its server tells you when its device list changes: with a subscription to its presence, as a rule.
/// Both are 0 or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_set_contact(
    client: *mut omemo_client,
    jid: *const c_char,
    is_accepted: u8,
    is_subscribed: u8,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (jid, now) = (caller.jid(jid)?, Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        client.change("set_contact", |client| {
            Ok(client.set_contact(&jid, is_accepted != 0, is_subscribed != 0, now)?)
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says whether the user has blocked an account (XEP-0191), or everybody at a domain: 0 or not. Nothing is sent
/// to it by itself, and its device lists and bundles are not asked for. It is stored. After a login compare the
/// server's list with `omemo_account_blocked`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_set_blocked(
    client: *mut omemo_client,
    jid: *const c_char,
    is_blocked: u8,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (jid, now) = (caller.jid(jid)?, Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        client.change("set_blocked", |client| {
            Ok(client.set_blocked(&jid, is_blocked != 0, now)?)
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The user knows of so many messages that were lost (OMEMO_NOTICE_EVICTED): they are not told of again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_acknowledge_evicted(
    client: *mut omemo_client,
    count: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        client.change("acknowledge_evicted", |client| {
            Ok(client.acknowledge_evicted(count)?)
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The user knows that the store is an old copy of itself, or may be (OMEMO_NOTICE_ROLLED_BACK,
/// OMEMO_NOTICE_ROLLBACK_SUSPECTED): it is not told again. Nothing happens if it was not told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_acknowledge_rollback(
    client: *mut omemo_client,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        client.change("acknowledge_rollback", |client| {
            Ok(client.acknowledge_rollback()?)
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Ends all sessions with an account, as the user wishes. The next message starts new ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_reset(
    client: *mut omemo_client,
    jid: *const c_char,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (jid, now) = (caller.jid(jid)?, Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        client.change("reset", |client| Ok(client.reset(&jid, now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Whether the server has the lists and the bundles of this device, so that others can find it:
/// `is_published` gets 1 or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_is_published(
    client: *const omemo_client,
    is_published: *mut u8,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        let place = caller.place(is_published)?;
        let is_known = client.lock()?.is_published()?;
        place.put(is_known.into());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Takes this device off the server: from the lists, and its bundles; then comes a notice. The account stays
/// in the store; `omemo_account_remove` wipes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_switch_off(
    client: *mut omemo_client,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change("switch_off", |client| Ok(client.switch_off(now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

impl omemo_client {
    pub(super) fn lock(&self) -> Result<Guard<'_, Client>, Failure> {
        // Whoever panicked had it: what is in it is not whole.
        self.client.lock().map_err(|_| Failure::used_up())
    }

    /// Changes the client; then tells whoever wants to know.
    pub(super) fn change<T>(
        &self,
        what: &str,
        work: impl FnOnce(&mut Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut client = self.lock()?;
        let outcome = work(&mut client);
        self.account.follow(client.account());
        let is_to_wake = client.has_actions() && !self.is_woken.swap(true, Ordering::SeqCst);
        drop(client);
        match &outcome {
            Ok(_) => self.log(omemo_log_level::OMEMO_LOG_DEBUG, what),
            Err(failure) => {
                let line = format!("{what}: {}", failure.message());
                self.log(omemo_log_level::OMEMO_LOG_WARNING, &line);
            }
        }
        if is_to_wake {
            self.wake();
        }
        outcome
    }
}
