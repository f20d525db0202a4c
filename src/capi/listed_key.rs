//! The keys of a stanza for all devices: whom it was encrypted for.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, accessor, call, free};
use super::device::protocol_number;
use super::error::omemo_error;
use super::memory::Texts;
use super::status::omemo_status;
use crate::stanza::Message;

/// A key of a stanza for any device, as it is written. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_listed_key {
    /// The version of its `<encrypted/>` element: an omemo_protocol.
    pub protocol: u32,
    /// The device that says it sent it.
    pub sender_device: u32,
    /// The account whose device it is for; NULL in legacy, which does not say.
    pub jid: *const c_char,
    /// The device that it is for.
    pub device: u32,
    /// 1 if the sender says that it is a key exchange: the attribute `prekey` or `kex`.
    pub is_key_exchange: u8,
    /// Its base64, which was not looked at.
    pub text: *const c_char,
}

/// The keys of a stanza for all devices. What its functions return is there as long as it is; nothing of it is
/// authentic.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_listed_keys {
    keys: Vec<omemo_listed_key>,
    _texts: Texts,
}

/// Lists the keys of a stanza, `<message/>` or `<iq/>`, as the stream had it: to see whom it is for, as where it
/// cannot be read. To decrypt it: `omemo_stanza_read`. Keys without a valid device are left out.
///
/// `keys` gets a list that is yours to free; it may be empty. Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_listed_keys_read(
    xml: *const c_char,
    xml_len: usize,
    keys: *mut *mut omemo_listed_keys,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let xml = caller.text(xml, xml_len)?;
        let place = caller.place(keys)?;
        let (mut keys, mut texts) = (Vec::new(), Texts::default());
        for element in Message::list(xml)?.encrypted {
            keys.extend(element.keys.iter().map(|key| omemo_listed_key {
                protocol: protocol_number(element.version),
                sender_device: element.sender_device.get(),
                jid: texts.add_some(key.account.as_deref()),
                device: key.device.get(),
                is_key_exchange: key.key_exchange.into(),
                text: texts.add(&key.text),
            }));
        }
        place.give(omemo_listed_keys {
            keys,
            _texts: texts,
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How many keys there are; 0 if `keys` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_listed_keys_count(keys: *const omemo_listed_keys) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(keys, 0, |keys| keys.keys.len()) }
}

/// One of the keys, in the order of the stanza; NULL if there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_listed_keys_get(
    keys: *const omemo_listed_keys,
    index: usize,
) -> *const omemo_listed_key {
    let get = |keys: &omemo_listed_keys| keys.keys.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(keys, ptr::null(), get) }
}

/// Frees a list of keys; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_listed_keys_free(keys: *mut omemo_listed_keys) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(keys) }
}
