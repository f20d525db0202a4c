//! Fingerprints of an account's devices as QR codes and links have them.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, accessor, call, free};
use super::device::device_id;
use super::error::{Failure, omemo_error};
use super::memory::Text;
use super::status::omemo_status;
use super::trust::omemo_fingerprint;
use crate::model::{Fingerprint, FingerprintUri};

/// A device and its fingerprint.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_device_fingerprint {
    /// The device.
    pub device: u32,
    /// Its identity key.
    pub fingerprint: omemo_fingerprint,
}

/// An account and the fingerprints of its devices, as somebody says they are. Reading it believes nothing: ask
/// the user where it came from, then `omemo_account_set_trust`.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_fingerprint_uri {
    jid: Text,
    keys: Vec<omemo_device_fingerprint>,
}

/// Writes an address with fingerprints, `xmpp:...?omemo-sid-...`, as for a QR code. `uri` gets text that is
/// yours to free with `omemo_string_free`.
///
/// Errors: OMEMO_ERROR_URI: there is no device, or one twice, or more than 1,000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_fingerprint_uri_write(
    jid: *const c_char,
    keys: *const omemo_device_fingerprint,
    count: usize,
    uri: *mut *mut c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let jid = caller.jid(jid)?;
        let keys = caller.array(keys, count)?.iter();
        let key = |it: &omemo_device_fingerprint| {
            let device = device_id(it.device)?;
            Ok::<_, Failure>((device, Fingerprint::from(it.fingerprint)))
        };
        let keys = keys.map(key).collect::<Result<_, _>>()?;
        let place = caller.text_place(uri, ptr::null_mut())?;
        place.put(&FingerprintUri::new(jid, keys)?.to_string());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Reads an address with fingerprints, as it was scanned. `uri` gets an object that is yours to free.
///
/// Errors: OMEMO_ERROR_URI.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_fingerprint_uri_read(
    text: *const c_char,
    text_len: usize,
    uri: *mut *mut omemo_fingerprint_uri,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let text = caller.text(text, text_len)?;
        let place = caller.place(uri)?;
        let read: FingerprintUri = text.parse()?;
        let key = |(device, fingerprint): &(crate::model::DeviceId, Fingerprint)| {
            omemo_device_fingerprint {
                device: device.get(),
                fingerprint: (*fingerprint).into(),
            }
        };
        place.give(omemo_fingerprint_uri {
            jid: Text::new(read.account().as_str()),
            keys: read.keys().iter().map(key).collect(),
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Whose devices they are. There as long as `uri` is; NULL if that is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_fingerprint_uri_jid(
    uri: *const omemo_fingerprint_uri,
) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(uri, ptr::null(), |uri| uri.jid.as_ptr()) }
}

/// How many devices there are; 0 if `uri` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_fingerprint_uri_count(uri: *const omemo_fingerprint_uri) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(uri, 0, |uri| uri.keys.len()) }
}

/// One of the devices; NULL if there are not so many. There as long as `uri` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_fingerprint_uri_get(
    uri: *const omemo_fingerprint_uri,
    index: usize,
) -> *const omemo_device_fingerprint {
    let get = |uri: &omemo_fingerprint_uri| uri.keys.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(uri, ptr::null(), get) }
}

/// Frees it; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_fingerprint_uri_free(uri: *mut omemo_fingerprint_uri) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(uri) }
}
