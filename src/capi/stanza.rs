//! A stanza that came, with encrypted content, as one device reads it.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, accessor, call, free};
use super::device::device_id;
use super::error::omemo_error;
use super::memory::Text;
use super::sent::{element, of_protocol, omemo_element};
use super::status::omemo_status;
use crate::model::{Encrypted, OwnKey, Timestamp};
use crate::stanza::{Message, StanzaKind, strip};

/// A `<message/>` or `<iq/>`, and what is encrypted in it for one device. What its functions return is there
/// as long as it is; nothing of it is authentic yet.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_stanza {
    encrypted: Vec<Encrypted<OwnKey>>,
    elements: Vec<omemo_element>,
    is_iq: bool,
    from: Option<Text>,
    to: Option<Text>,
    kind: Option<Text>,
    id: Option<Text>,
    delays: Vec<(Option<Text>, Timestamp)>,
}

impl omemo_stanza {
    pub(super) fn encrypted(&self) -> &[Encrypted<OwnKey>] {
        &self.encrypted
    }
}

/// Reads a stanza as the stream had it, as the device `device` of the account `jid`: for
/// `omemo_account_decrypt`. One without `<encrypted/>`, or without a key for the device, is no error.
///
/// `stanza` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_read(
    jid: *const c_char,
    device: u32,
    xml: *const c_char,
    xml_len: usize,
    stanza: *mut *mut omemo_stanza,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (jid, device) = (caller.jid(jid)?, device_id(device)?);
        let xml = caller.text(xml, xml_len)?;
        let place = caller.place(stanza)?;
        let message = Message::read(xml, &jid, device)?;
        let text =
            |attribute: &Option<std::borrow::Cow<'_, str>>| attribute.as_deref().map(Text::new);
        place.give(omemo_stanza {
            is_iq: message.stanza == StanzaKind::Iq,
            from: text(&message.from),
            to: text(&message.to),
            kind: text(&message.kind),
            id: text(&message.id),
            delays: message
                .delays
                .iter()
                .map(|delay| (text(&delay.from), delay.stamp))
                .collect(),
            elements: message.encrypted.iter().map(element).collect(),
            encrypted: message.encrypted,
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// 1 if it is an `<iq/>`, 0 if it is a `<message/>`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_is_iq(stanza: *const omemo_stanza) -> u8 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(stanza, 0, |stanza| stanza.is_iq.into()) }
}

/// The attribute `from`; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_from(stanza: *const omemo_stanza) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(stanza, ptr::null(), |stanza| text_of(&stanza.from)) }
}

/// The attribute `to`; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_to(stanza: *const omemo_stanza) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(stanza, ptr::null(), |stanza| text_of(&stanza.to)) }
}

/// The attribute `type`; NULL if there is none. "error" is a stanza of ours that comes back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_type(stanza: *const omemo_stanza) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(stanza, ptr::null(), |stanza| text_of(&stanza.kind)) }
}

/// The attribute `id`; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_id(stanza: *const omemo_stanza) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(stanza, ptr::null(), |stanza| text_of(&stanza.id)) }
}

/// How many `<delay/>` elements are kept of it (XEP-0203), at most 8: when it was sent, as others say who have kept
/// it. Nobody authenticates them: the sender can have written them as well.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_delay_count(stanza: *const omemo_stanza) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(stanza, 0, |stanza| stanza.delays.len()) }
}

/// Who says to have kept it: the attribute `from` of a `<delay/>`; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_delay_from(
    stanza: *const omemo_stanza,
    index: usize,
) -> *const c_char {
    let get = |stanza: &omemo_stanza| {
        let delay = stanza.delays.get(index);
        delay.map_or(ptr::null(), |(from, _)| text_of(from))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(stanza, ptr::null(), get) }
}

/// When it was sent, as a `<delay/>` says, in milliseconds since 1970; 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_delay_ms(stanza: *const omemo_stanza, index: usize) -> u64 {
    let get = |stanza: &omemo_stanza| {
        let delay = stanza.delays.get(index);
        delay.map_or(0, |(_, stamp)| stamp.as_millis())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(stanza, 0, get) }
}

/// Its first `<encrypted/>` element of a version (an omemo_protocol); NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_element(
    stanza: *const omemo_stanza,
    protocol: u32,
) -> *const omemo_element {
    let get = |stanza: &omemo_stanza| of_protocol(&stanza.elements, protocol);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(stanza, ptr::null(), get) }
}

/// Frees a stanza; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_free(stanza: *mut omemo_stanza) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(stanza) }
}

/// What is left of an encrypted message without its encrypted part: short enough to be kept with the message
/// (`attached` of omemo_incoming), and what `omemo_content_reveal` wants.
///
/// `shell` gets text that is yours to free with `omemo_string_free`, and `shell_len`, which may be NULL, its
/// bytes without the zero. Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_stanza_strip(
    xml: *const c_char,
    xml_len: usize,
    shell: *mut *mut c_char,
    shell_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let xml = caller.text(xml, xml_len)?;
        let place = caller.text_place(shell, shell_len)?;
        place.put(&strip(xml)?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

pub(super) fn text_of(text: &Option<Text>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), Text::as_ptr)
}
