//! Bundles: what a device publishes so that others can write to it.

use core::ffi::c_char;
use core::ptr;

use super::account::omemo_account;
use super::boundary::{Caller, accessor, call, free};
use super::device::{protocol_number, version_of};
use super::error::omemo_error;
use super::status::omemo_status;
use super::trust::omemo_fingerprint;
use crate::account::FetchedBundle;
use crate::model::{Bundle, Fingerprint};
use crate::stanza::{read_bundle, write_bundle};

/// What a device publishes so that others can start a session with it (XEP-0384 §5.3.2). Its keys are
/// well-formed; its signature is verified when a session is started, not before.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_bundle {
    bundle: Bundle,
    fingerprint: omemo_fingerprint,
}

impl omemo_bundle {
    pub(super) fn new(bundle: Bundle) -> Self {
        Self {
            fingerprint: Fingerprint::from(&bundle.identity).into(),
            bundle,
        }
    }

    pub(super) const fn get(&self) -> &Bundle {
        &self.bundle
    }

    pub(super) fn fetched(&self) -> FetchedBundle {
        FetchedBundle::Bundle(Box::new(self.bundle.clone()))
    }
}

/// Reads the element `<bundle/>` of a version (an omemo_protocol). Of a whole stanza: `omemo_items_read`.
///
/// `bundle` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA: what is there is no bundle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_bundle_read(
    protocol: u32,
    xml: *const c_char,
    xml_len: usize,
    bundle: *mut *mut omemo_bundle,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (version, xml) = (version_of(protocol)?, caller.text(xml, xml_len)?);
        let place = caller.place(bundle)?;
        place.give(omemo_bundle::new(read_bundle(version, xml)?));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Writes the element. `xml` gets text that is yours to free with `omemo_string_free`, and `xml_len`, which
/// may be NULL, its bytes without the zero. To publish it: `omemo_iq_publish_bundle`.
///
/// Errors: OMEMO_ERROR_STANZA: others could not read it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_bundle_write(
    bundle: *const omemo_bundle,
    xml: *mut *mut c_char,
    xml_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let bundle = caller.borrow(bundle)?;
        let place = caller.text_place(xml, xml_len)?;
        place.put(&write_bundle(&bundle.bundle)?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The version: an omemo_protocol; 0 if `bundle` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_bundle_protocol(bundle: *const omemo_bundle) -> u32 {
    let get = |bundle: &omemo_bundle| protocol_number(bundle.bundle.version);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(bundle, 0, get) }
}

/// The identity key that the bundle shows. There as long as `bundle` is; NULL if that is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_bundle_fingerprint(
    bundle: *const omemo_bundle,
) -> *const omemo_fingerprint {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(bundle, ptr::null(), |bundle| &raw const bundle.fingerprint) }
}

/// The number of pre-keys; 0 if `bundle` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_bundle_pre_key_count(bundle: *const omemo_bundle) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(bundle, 0, |bundle| bundle.bundle.pre_keys.len()) }
}

/// Frees a bundle; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_bundle_free(bundle: *mut omemo_bundle) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(bundle) }
}

/// This device's bundle for a version (an omemo_protocol). `bundle` gets an object that is yours to free,
/// `revision` a number for `omemo_account_bundle_published`, and `is_due`, which may be NULL, 1 if it is
/// another one than was published last.
///
/// A client publishes its bundles itself; this, and all that follows in this part of the header, is for
/// those who have an account without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_bundle(
    account: *const omemo_account,
    protocol: u32,
    bundle: *mut *mut omemo_bundle,
    revision: *mut u64,
    is_due: *mut u8,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let version = version_of(protocol)?;
        let (place, number) = (caller.place(bundle)?, caller.place(revision)?);
        let own = account.get().bundle(version)?;
        number.put(own.revision);
        if let Some(is_due) = caller.some_place(is_due) {
            is_due.put(own.is_due.into());
        }
        place.give(omemo_bundle::new(own.bundle));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says that the server has taken this revision of the bundle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_bundle_published(
    account: *mut omemo_account,
    protocol: u32,
    revision: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let version = version_of(protocol)?;
        Ok(account.get().bundle_published(version, revision)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says that what the server has is not the bundle, or may not be: it is due again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_bundle_lost(
    account: *mut omemo_account,
    protocol: u32,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        Ok(account.get().bundle_lost(version_of(protocol)?)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
