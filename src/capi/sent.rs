//! A message that was encrypted: its elements, and what became of each device.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, accessor, call, free};
use super::device::protocol_number;
use super::error::omemo_error;
use super::memory::Texts;
use super::report::{devices, lists, omemo_device_report, omemo_list_report};
use super::status::omemo_status;
use crate::account::{DeviceReport, Fate, Report};
use crate::model::{Encrypted, RecipientKey};
use crate::stanza::{Companion, StanzaKind, write_encrypted};

/// An `<encrypted/>` element without its keys. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_element {
    /// The version: an omemo_protocol.
    pub protocol: u32,
    /// The device that says it sent it.
    pub sender_device: u32,
    /// The nonce of a legacy payload; NULL if there is none.
    pub iv: *const u8,
    /// The bytes of `iv`.
    pub iv_len: usize,
    /// The encrypted payload; NULL if there is none: an empty message carries keys only.
    pub payload: *const u8,
    /// The bytes of `payload`.
    pub payload_len: usize,
    /// The number of its keys: of what was read, those for this device.
    pub key_count: usize,
}

/// A key message for a device of a recipient. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_recipient_key {
    /// Whose device it is for.
    pub jid: *const c_char,
    /// The device.
    pub device: u32,
    /// 1 if it is a key exchange: the attribute `prekey` or `kex`.
    pub is_key_exchange: u8,
    /// The bytes, before base64.
    pub bytes: *const u8,
    /// The number of `bytes`.
    pub bytes_len: usize,
}

/// A message that was encrypted, and stored as sent. What its functions return is there as long as it is.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_sent {
    encrypted: Vec<Encrypted<RecipientKey>>,
    elements: Vec<omemo_element>,
    /// Of each of the elements.
    keys: Vec<Vec<omemo_recipient_key>>,
    devices: Vec<omemo_device_report>,
    lists: Vec<omemo_list_report>,
    _texts: Texts,
}

/// All of it as XML for a stanza: each `<encrypted/>`, and, unless it goes into an `<iq/>` (`is_iq` is not 0),
/// what stands beside: how it is encrypted, the wish to store it, a body for clients that cannot read it. To
/// make an encrypted message of one in clear: `omemo_plain_seal`.
///
/// `xml` gets text that is yours to free with `omemo_string_free`, and `xml_len`, which may be NULL, its bytes
/// without the zero. Errors: OMEMO_ERROR_STANZA: there are more keys than others read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_sent_write(
    sent: *const omemo_sent,
    is_iq: u8,
    xml: *mut *mut c_char,
    xml_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let sent = caller.borrow(sent)?;
        let place = caller.text_place(xml, xml_len)?;
        let kind = match is_iq {
            0 => StanzaKind::Message,
            _ => StanzaKind::Iq,
        };
        let mut written = String::new();
        for element in &sent.encrypted {
            written.push_str(&write_encrypted(element)?);
        }
        for companion in Companion::of(kind, &sent.encrypted) {
            written.push_str(&companion.to_string());
        }
        place.put(&written);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The element of a version (an omemo_protocol), for those who write XML themselves; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_sent_element(
    sent: *const omemo_sent,
    protocol: u32,
) -> *const omemo_element {
    let get = |sent: &omemo_sent| of_protocol(&sent.elements, protocol);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(sent, ptr::null(), get) }
}

/// A key of the element of a version, in the order in which they are to be written; NULL if there are not so
/// many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_sent_key(
    sent: *const omemo_sent,
    protocol: u32,
    index: usize,
) -> *const omemo_recipient_key {
    let get = |sent: &omemo_sent| {
        let mut elements = sent.elements.iter().zip(&sent.keys);
        let found = elements.find(|(element, _)| element.protocol == protocol);
        let key = found.and_then(|(_, keys)| keys.get(index));
        key.map_or(ptr::null(), ptr::from_ref)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(sent, ptr::null(), get) }
}

/// How many devices are in the report; 0 if `sent` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_sent_device_count(sent: *const omemo_sent) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(sent, 0, |sent| sent.devices.len()) }
}

/// What became of a device; NULL if there are not so many. Every device of every recipient, and every other
/// one of the account, is in the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_sent_device(
    sent: *const omemo_sent,
    index: usize,
) -> *const omemo_device_report {
    let get = |sent: &omemo_sent| sent.devices.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(sent, ptr::null(), get) }
}

/// How many device lists could not be looked up; 0 if `sent` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_sent_list_count(sent: *const omemo_sent) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(sent, 0, |sent| sent.lists.len()) }
}

/// A device list that could not be looked up; NULL if there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_sent_list(
    sent: *const omemo_sent,
    index: usize,
) -> *const omemo_list_report {
    let get = |sent: &omemo_sent| sent.lists.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(sent, ptr::null(), get) }
}

/// Frees an encrypted message; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_sent_free(sent: *mut omemo_sent) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(sent) }
}

impl omemo_sent {
    pub(super) fn new(encrypted: Vec<Encrypted<RecipientKey>>, report: &Report) -> Self {
        let mut texts = Texts::default();
        let keys = encrypted.iter().map(|element| {
            let keys = element.keys.iter();
            keys.map(|key| recipient_key(key, &mut texts)).collect()
        });
        Self {
            keys: keys.collect(),
            elements: encrypted.iter().map(element).collect(),
            devices: devices(report, &mut texts),
            lists: lists(report, &mut texts),
            encrypted,
            _texts: texts,
        }
    }

    /// An empty message for one device.
    pub(super) fn empty(encrypted: Encrypted<RecipientKey>) -> Self {
        let devices = encrypted.keys.iter().map(|key| DeviceReport {
            jid: key.account.clone(),
            device: key.device,
            fate: Fate::Encrypted {
                version: encrypted.version,
                key_exchange: key.key_exchange,
            },
            is_downgraded: false,
        });
        let report = Report {
            devices: devices.collect(),
            left_out: Vec::new(),
            lists: Vec::new(),
        };
        Self::new(vec![encrypted], &report)
    }

    pub(super) fn encrypted(&self) -> &[Encrypted<RecipientKey>] {
        &self.encrypted
    }
}

pub(super) fn of_protocol(elements: &[omemo_element], protocol: u32) -> *const omemo_element {
    let found = elements.iter().find(|it| it.protocol == protocol);
    found.map_or(ptr::null(), ptr::from_ref)
}

/// An element for C, which stays where it is as long as what C gets of it is used.
pub(super) fn element<K>(encrypted: &Encrypted<K>) -> omemo_element {
    let part = |bytes: &Option<Vec<u8>>| {
        let bytes = bytes.as_ref();
        bytes.map_or((ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()))
    };
    let (iv, iv_len) = part(&encrypted.iv);
    let (payload, payload_len) = part(&encrypted.payload);
    omemo_element {
        protocol: protocol_number(encrypted.version),
        sender_device: encrypted.sender_device.get(),
        iv,
        iv_len,
        payload,
        payload_len,
        key_count: encrypted.keys.len(),
    }
}

fn recipient_key(key: &RecipientKey, texts: &mut Texts) -> omemo_recipient_key {
    omemo_recipient_key {
        jid: texts.add(key.account.as_str()),
        device: key.device.get(),
        is_key_exchange: key.key_exchange.into(),
        bytes: key.bytes.as_ptr(),
        bytes_len: key.bytes.len(),
    }
}
