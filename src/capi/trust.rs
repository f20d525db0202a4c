//! Fingerprints, and what is thought of keys.

use core::ffi::c_char;

use super::account::omemo_account;
use super::boundary::{Caller, accessor, call, free};
use super::error::{Failure, omemo_error};
use super::status::omemo_status;
use crate::account::{KnownKey, Trust};
use crate::model::{Fingerprint, Timestamp};

/// The fingerprint of an identity key: the same in both versions.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_fingerprint {
    /// The Curve25519 form of the key.
    pub bytes: [u8; 32],
}

/// The size of the text of a fingerprint, with the zero byte at its end.
pub const OMEMO_FINGERPRINT_SIZE: usize = 72;

/// What is thought of an identity key.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_trust {
    /// Nobody has decided: nothing is encrypted for it.
    OMEMO_TRUST_UNDECIDED = 1,
    /// Trusted without comparing anything.
    OMEMO_TRUST_BLIND = 2,
    /// The user has compared the fingerprint.
    OMEMO_TRUST_VERIFIED = 3,
    /// The user does not want it: nothing is encrypted for it.
    OMEMO_TRUST_DISTRUSTED = 4,
}

/// Writes a fingerprint as people compare it: eight groups of eight lower-case hexadecimal digits. `text`
/// has room for OMEMO_FINGERPRINT_SIZE bytes.
///
/// Errors: OMEMO_ERROR_NULL. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_fingerprint_format(
    fingerprint: *const omemo_fingerprint,
    text: *mut c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let fingerprint = Fingerprint::from(*caller.borrow(fingerprint)?);
        let place = caller.place(text.cast::<[u8; OMEMO_FINGERPRINT_SIZE]>())?;
        let mut written = [0; OMEMO_FINGERPRINT_SIZE];
        for (to, from) in written.iter_mut().zip(fingerprint.to_string().bytes()) {
            *to = from;
        }
        place.put(written);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Reads a fingerprint as clients show it: 64 hexadecimal digits of either case, with white space, `-` or `:`
/// anywhere, or 66 that begin with 05.
///
/// Errors: OMEMO_ERROR_FINGERPRINT. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_fingerprint_parse(
    text: *const c_char,
    fingerprint: *mut omemo_fingerprint,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let text = caller.word(text)?;
        let place = caller.place(fingerprint)?;
        let read: Fingerprint = text.parse().map_err(|_| Failure::fingerprint())?;
        place.put(read.into());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// A key and what is thought of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_key {
    /// The key.
    pub fingerprint: omemo_fingerprint,
    /// An omemo_trust.
    pub trust: u32,
    /// When it was seen first, in milliseconds since 1970.
    pub first_seen_ms: u64,
    /// When it was last decided about; 0 if a policy did.
    pub decided_ms: u64,
}

/// The keys of an account. Threads: one at a time, or several that only read.
pub struct omemo_keys(Vec<omemo_key>);

/// The keys of an account that are known, and what is thought of them. `keys` gets a list that is yours to
/// free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_keys(
    account: *const omemo_account,
    jid: *const c_char,
    keys: *mut *mut omemo_keys,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let place = caller.place(keys)?;
        let known = account.get().keys(&jid)?;
        place.give(omemo_keys(known.into_iter().map(omemo_key::from).collect()));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How many keys there are; 0 if `keys` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_keys_count(keys: *const omemo_keys) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(keys, 0, |keys| keys.0.len()) }
}

/// One of the keys; NULL if there are not so many. There as long as `keys` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_keys_get(keys: *const omemo_keys, index: usize) -> *const omemo_key {
    let get = |keys: &omemo_keys| {
        keys.0
            .get(index)
            .map_or(core::ptr::null(), core::ptr::from_ref)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(keys, core::ptr::null(), get) }
}

/// Frees a list of keys; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_keys_free(keys: *mut omemo_keys) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(keys) }
}

/// What is thought of a key: `trust` gets an omemo_trust, OMEMO_TRUST_UNDECIDED if it was never seen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_trust(
    account: *const omemo_account,
    jid: *const c_char,
    fingerprint: *const omemo_fingerprint,
    trust: *mut u32,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let fingerprint = Fingerprint::from(*caller.borrow(fingerprint)?);
        let place = caller.place(trust)?;
        place.put(trust_number(account.get().trust(&jid, &fingerprint)?));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says what the user thinks of a key: an omemo_trust. It may be one that was not seen yet, as when its
/// fingerprint was scanned. With a client, `omemo_client_decide` does the same, and lets messages go on that
/// wait for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_set_trust(
    account: *mut omemo_account,
    jid: *const c_char,
    fingerprint: *const omemo_fingerprint,
    trust: u32,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let fingerprint = Fingerprint::from(*caller.borrow(fingerprint)?);
        let trust = trust_of(trust).ok_or_else(Failure::value)?;
        let now = Timestamp::from_millis(now_ms);
        Ok(account.get().set_trust(&jid, &fingerprint, trust, now)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

pub(super) const fn trust_number(trust: Trust) -> u32 {
    use omemo_trust::*;
    let number = match trust {
        Trust::Undecided => OMEMO_TRUST_UNDECIDED,
        Trust::Blind => OMEMO_TRUST_BLIND,
        Trust::Verified => OMEMO_TRUST_VERIFIED,
        Trust::Distrusted => OMEMO_TRUST_DISTRUSTED,
    };
    number as u32
}

pub(super) fn trust_of(number: u32) -> Option<Trust> {
    let all = [
        Trust::Undecided,
        Trust::Blind,
        Trust::Verified,
        Trust::Distrusted,
    ];
    all.into_iter().find(|trust| trust_number(*trust) == number)
}

impl From<omemo_fingerprint> for Fingerprint {
    fn from(fingerprint: omemo_fingerprint) -> Self {
        Self::from_bytes(fingerprint.bytes)
    }
}

impl From<Fingerprint> for omemo_fingerprint {
    fn from(fingerprint: Fingerprint) -> Self {
        Self {
            bytes: *fingerprint.as_bytes(),
        }
    }
}

impl From<KnownKey> for omemo_key {
    fn from(key: KnownKey) -> Self {
        Self {
            fingerprint: key.fingerprint.into(),
            trust: trust_number(key.trust),
            first_seen_ms: key.first_seen.as_millis(),
            decided_ms: key.decided.map_or(0, Timestamp::as_millis),
        }
    }
}
