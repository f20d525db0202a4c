//! What a payload says that was decrypted.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, accessor, call, free};
use super::device::version_of;
use super::error::{Failure, omemo_error};
use super::memory::Text;
use super::stanza::text_of;
use super::status::omemo_status;
use crate::model::Timestamp;
use crate::stanza::{Addressee, Content, Revealed, reveal};

/// What a payload says, read and checked. What its functions return is there as long as it is.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_content {
    body: Option<Text>,
    elements: Option<Text>,
    has_opt_out: bool,
    opt_out_reason: Option<Text>,
    sent_at: Option<Timestamp>,
}

/// Reads what was decrypted in a version (an omemo_protocol): `omemo_reading_payload`. An envelope is checked
/// against the stanza that it came in: `sender` is the real account that wrote it, also in a room
/// (`omemo_reading_sender`), and `addressee` the account in the stanza's `to`, or the room of a group message
/// (`is_room` is not 0).
///
/// `content` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA_CONTENT: it is no text, or was
/// meant for somebody else, or written by somebody else, than the stanza says. Show nothing of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_content_read(
    protocol: u32,
    payload: *const u8,
    payload_len: usize,
    sender: *const c_char,
    addressee: *const c_char,
    is_room: u8,
    content: *mut *mut omemo_content,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let version = version_of(protocol)?;
        let payload = caller.bytes(payload, payload_len)?;
        let (sender, jid) = (caller.jid(sender)?, caller.jid(addressee)?);
        let addressee = match is_room {
            0 => Addressee::Account(&jid),
            _ => Addressee::Room(&jid),
        };
        let place = caller.place(content)?;
        let read = Content::read(version, payload, &sender, addressee)?;
        let opt_out = read.opt_out.as_ref();
        place.give(omemo_content {
            body: read.body.as_deref().map(Text::new),
            elements: read.elements.as_deref().map(Text::new),
            has_opt_out: opt_out.is_some(),
            opt_out_reason: opt_out.and_then(|it| it.reason.as_deref().map(Text::new)),
            sent_at: read.sent_at,
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The text; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_content_body(content: *const omemo_content) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(content, ptr::null(), |content| text_of(&content.body)) }
}

/// All elements of an envelope, as XML that stands on its own; NULL if the version has a text only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_content_elements(content: *const omemo_content) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(content, ptr::null(), |content| text_of(&content.elements)) }
}

/// 1 if it is the wish to end encryption: `omemo_account_opt_out`, and tell the user.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_content_has_opt_out(content: *const omemo_content) -> u8 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(content, 0, |content| content.has_opt_out.into()) }
}

/// The reason for that; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_content_opt_out_reason(
    content: *const omemo_content,
) -> *const c_char {
    let get = |content: &omemo_content| text_of(&content.opt_out_reason);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(content, ptr::null(), get) }
}

/// When it was written, as it says itself, in milliseconds since 1970; 0 if it does not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_content_sent_at_ms(content: *const omemo_content) -> u64 {
    let get = |content: &omemo_content| content.sent_at.map_or(0, Timestamp::as_millis);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(content, 0, get) }
}

/// The encrypted message as if it had come in clear: `shell` is the stanza, or what `omemo_stanza_strip` has
/// left of it. What stands beside the encrypted part was not encrypted, and may be anybody's. Beside an envelope only
/// that stays which servers and rooms make: delays, stanza and origin ids, occupants, hints, addresses, errors.
/// Beside a legacy text threads, receipts, markers and chat states stay as well, and `<replace/>`, `<retract/>` and
/// `<reply/>`, which are to be applied only to messages of the same authenticated sender. `omemo_content_unauthenticated`
/// has the rest.
///
/// `xml` gets the stanza, which is yours to free with `omemo_string_free`, and `xml_len`, which may be NULL,
/// its bytes without the zero. Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_content_reveal(
    content: *const omemo_content,
    shell: *const c_char,
    shell_len: usize,
    xml: *mut *mut c_char,
    xml_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let revealed = revealed(caller.borrow(content)?, caller.text(shell, shell_len)?)?;
        let place = caller.text_place(xml, xml_len)?;
        place.put(&zeroize::Zeroizing::new(revealed.stanza));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The elements of `shell` that `omemo_content_reveal` leaves out, but for bodies: XML, each element with its namespace.
/// Nobody has authenticated them: do not show them as what the sender says.
///
/// `xml` gets text that is yours to free with `omemo_string_free`, empty if there are none, and `xml_len`, which may be
/// NULL, its bytes without the zero. Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_content_unauthenticated(
    content: *const omemo_content,
    shell: *const c_char,
    shell_len: usize,
    xml: *mut *mut c_char,
    xml_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let revealed = revealed(caller.borrow(content)?, caller.text(shell, shell_len)?)?;
        let place = caller.text_place(xml, xml_len)?;
        place.put(&revealed.unauthenticated);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

fn revealed(known: &omemo_content, shell: &str) -> Result<Revealed, Failure> {
    let content = Content {
        body: text(&known.body)?.map(Into::into),
        elements: text(&known.elements)?.map(Into::into),
        opt_out: None,
        sent_at: known.sent_at,
    };
    Ok(reveal(shell, &content, &[])?)
}

/// Frees it, and overwrites what it says. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_content_free(content: *mut omemo_content) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(content) }
}

fn text(text: &Option<Text>) -> Result<Option<&str>, Failure> {
    let text = text.as_ref().map(Text::as_str).transpose();
    text.map_err(|_| Failure::internal())
}
