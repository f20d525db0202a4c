//! Trust messages as URIs (XEP-0434): which of an account's OMEMO 2 keys somebody trusts, and which not.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, accessor, call, free};
use super::error::{Failure, omemo_error};
use super::memory::Text;
use super::status::omemo_status;
use super::trust::omemo_fingerprint;
use crate::model::{Fingerprint, KeyId, TrustMessageUri};

/// How trust messages call a key: by its fingerprint, or by its Ed25519 form.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_key_id {
    /// The bytes.
    pub bytes: [u8; 32],
}

/// Which of an account's keys somebody trusts, and which not. Reading it believes nothing: ask the user where it
/// came from, then `omemo_account_set_trust`.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_trust_message {
    owner: Text,
    trusted: Vec<omemo_key_id>,
    distrusted: Vec<omemo_key_id>,
}

/// Writes a trust message, `xmpp:...?trust-message...`, for keys of the account `owner`. `uri` gets text that is
/// yours to free with `omemo_string_free`.
///
/// Errors: OMEMO_ERROR_URI: there is no key, or one twice, or more than 1,000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_trust_message_write(
    owner: *const c_char,
    trusted: *const omemo_key_id,
    trusted_count: usize,
    distrusted: *const omemo_key_id,
    distrusted_count: usize,
    uri: *mut *mut c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let owner = caller.jid(owner)?;
        let ids = |ids, count| {
            let ids = caller.array::<omemo_key_id>(ids, count)?.iter();
            Ok::<_, Failure>(ids.map(|id| KeyId::from_bytes(id.bytes)).collect())
        };
        let (trusted, distrusted) = (
            ids(trusted, trusted_count)?,
            ids(distrusted, distrusted_count)?,
        );
        let place = caller.text_place(uri, ptr::null_mut())?;
        place.put(&TrustMessageUri::new(owner, trusted, distrusted)?.to_string());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Reads a trust message, as it was scanned. `message` gets an object that is yours to free.
///
/// Errors: OMEMO_ERROR_URI.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_trust_message_read(
    text: *const c_char,
    text_len: usize,
    message: *mut *mut omemo_trust_message,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let text = caller.text(text, text_len)?;
        let place = caller.place(message)?;
        let read: TrustMessageUri = text.parse()?;
        let ids = |ids: &[KeyId]| {
            let ids = ids.iter().map(|id| omemo_key_id {
                bytes: *id.as_bytes(),
            });
            ids.collect()
        };
        place.give(omemo_trust_message {
            owner: Text::new(read.owner().as_str()),
            trusted: ids(read.trusted()),
            distrusted: ids(read.distrusted()),
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Whose keys they are. There as long as `message` is; NULL if that is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_trust_message_owner(
    message: *const omemo_trust_message,
) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(message, ptr::null(), |message| message.owner.as_ptr()) }
}

/// A key that is said to be the owner's; NULL if there are not so many. There as long as `message` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_trust_message_trusted(
    message: *const omemo_trust_message,
    index: usize,
) -> *const omemo_key_id {
    let get = |message: &omemo_trust_message| of(&message.trusted, index);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(message, ptr::null(), get) }
}

/// A key that is not to be used any more; NULL if there are not so many. There as long as `message` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_trust_message_distrusted(
    message: *const omemo_trust_message,
    index: usize,
) -> *const omemo_key_id {
    let get = |message: &omemo_trust_message| of(&message.distrusted, index);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(message, ptr::null(), get) }
}

/// Frees it; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_trust_message_free(message: *mut omemo_trust_message) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(message) }
}

/// 1 if the key with that fingerprint is meant: the id is the fingerprint itself, or an Ed25519 form that has it.
/// 0 if not, or if one of them is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_key_id_calls(
    id: *const omemo_key_id,
    fingerprint: *const omemo_fingerprint,
) -> u8 {
    let get = |id: &omemo_key_id| {
        // SAFETY: the promises at the top of the header.
        let fingerprint = unsafe { fingerprint.as_ref() };
        fingerprint.is_some_and(|key| KeyId::from_bytes(id.bytes).calls(&Fingerprint::from(*key)))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(id, 0, |id| get(id).into()) }
}

fn of(ids: &[omemo_key_id], index: usize) -> *const omemo_key_id {
    ids.get(index).map_or(ptr::null(), ptr::from_ref)
}
