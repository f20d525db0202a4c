//! Messages in clear that are going to be encrypted, and what goes into envelopes.

use core::ffi::c_char;
use core::ptr;

use getrandom::SysRng;
use zeroize::Zeroizing;

use super::boundary::{Caller, accessor, call, free};
use super::device::version_of;
use super::error::{Failure, omemo_error};
use super::memory::{Text, new_string, omemo_strings};
use super::options::unprotected_of;
use super::sent::omemo_sent;
use super::status::omemo_status;
use crate::model::{BareJid, PerVersion, Timestamp, Version};
use crate::stanza::{Affixes, ElementName, OptOut, PlainMessage, Unprotected, write_envelope};

/// A `<message/>` in clear that is going to be encrypted.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_plain {
    xml: Zeroizing<String>,
    body: Option<Text>,
}

impl omemo_plain {
    /// It was read before: this does not fail.
    fn message(&self) -> Result<PlainMessage<'_>, Failure> {
        PlainMessage::read(&self.xml).map_err(Failure::given)
    }
}

/// Takes a `<message/>` apart, as you would send it in clear: receipts, corrections and all.
///
/// `plain` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_plain_read(
    xml: *const c_char,
    xml_len: usize,
    plain: *mut *mut omemo_plain,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let xml = caller.text(xml, xml_len)?;
        let place = caller.place(plain)?;
        let body = PlainMessage::read(xml)
            .map_err(Failure::given)?
            .body()
            .map(Text::new);
        place.give(omemo_plain {
            xml: Zeroizing::new(xml.to_owned()),
            body,
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The text; NULL if there is none. There as long as `plain` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_plain_body(plain: *const omemo_plain) -> *const c_char {
    let get = |plain: &omemo_plain| plain.body.as_ref().map_or(ptr::null(), Text::as_ptr);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(plain, ptr::null(), get) }
}

/// An attribute of the message, as `to` and `id`. `value` gets text that is yours to free with
/// `omemo_string_free`, its references resolved, or NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_plain_attribute(
    plain: *const omemo_plain,
    name: *const c_char,
    value: *mut *mut c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (plain, name) = (caller.borrow(plain)?, caller.word(name)?);
        let place = caller.place(value)?;
        place.put(
            plain
                .message()?
                .attribute(name)
                .map_or(ptr::null_mut(), |value| new_string(&value)),
        );
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The names of its elements that a legacy message cannot encrypt, each once, at most 16: what becomes of them an
/// omemo_unprotected says. Without a body it can encrypt nothing. Names are written `{namespace}name`, as in
/// `{urn:xmpp:reactions:0}reactions`. `names` gets a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_plain_unprotected(
    plain: *const omemo_plain,
    names: *mut *mut omemo_strings,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let plain = caller.borrow(plain)?;
        let place = caller.place(names)?;
        let names = plain
            .message()?
            .left_out(Version::Legacy, Unprotected::Drop);
        let names: Vec<_> = names.iter().map(ElementName::to_string).collect();
        place.give(omemo_strings::new(names.iter().map(String::as_str)));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Whether the message can be written in a version (an omemo_protocol), if `unprotected` (an
/// omemo_unprotected; 0: as recommended) is done with what legacy cannot protect: `fits` gets 1 or 0. Legacy
/// has nothing but a body.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_plain_fits(
    plain: *const omemo_plain,
    protocol: u32,
    unprotected: u32,
    fits: *mut u8,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let plain = caller.borrow(plain)?;
        let (version, unprotected) = (version_of(protocol)?, unprotected_of(unprotected)?);
        let place = caller.place(fits)?;
        place.put(plain.message()?.fits(version, unprotected).into());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// What to encrypt in a version (an omemo_protocol): the body, or an envelope around the elements. `from` is
/// the own account, `to` the one in the stanza's `to`, or the room. `sent_at_ms` may be 0: then the envelope
/// does not say when it was written.
///
/// `payload` gets bytes that are yours to free with `omemo_bytes_free`, which overwrites them, and
/// `payload_len` their number. Errors: OMEMO_ERROR_STANZA_EMPTY if the version cannot say anything of the
/// message; OMEMO_ERROR_STANZA_ENVELOPE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_plain_payload(
    plain: *const omemo_plain,
    protocol: u32,
    from: *const c_char,
    to: *const c_char,
    sent_at_ms: u64,
    payload: *mut *mut u8,
    payload_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let plain = caller.borrow(plain)?;
        let version = version_of(protocol)?;
        let tie = Tie::read(caller, from, to, sent_at_ms)?;
        let place = caller.bytes_place(payload, payload_len)?;
        let versions = PerVersion::from_fn(|it| it == version);
        let payloads = plain
            .message()?
            .payloads(versions, &tie.affixes(), &mut SysRng)?;
        let payload = payloads
            .get(version)
            .as_ref()
            .ok_or_else(Failure::empty_stanza)?;
        place.put(payload);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The message with what was encrypted in the place of what that contains. `unprotected` is an
/// omemo_unprotected; 0: as recommended.
///
/// `xml` gets the stanza, which is yours to free with `omemo_string_free`, and `xml_len`, which may be NULL,
/// its bytes without the zero. Errors: OMEMO_ERROR_STANZA: there are more keys than others read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_plain_seal(
    plain: *const omemo_plain,
    sent: *const omemo_sent,
    unprotected: u32,
    xml: *mut *mut c_char,
    xml_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (plain, sent) = (caller.borrow(plain)?, caller.borrow(sent)?);
        let unprotected = unprotected_of(unprotected)?;
        let place = caller.text_place(xml, xml_len)?;
        place.put(&plain.message()?.seal(sent.encrypted(), unprotected)?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Frees a message, and overwrites it. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_plain_free(plain: *mut omemo_plain) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(plain) }
}

/// Writes an envelope around elements that are to be encrypted in OMEMO 2 (XEP-0420): well-formed XML, each
/// element with its own `xmlns`, and none of those that servers process. `from`, `to` and `sent_at_ms` are as
/// for `omemo_plain_payload`. A short envelope does not show how long its content is.
///
/// `envelope` gets text that is yours to free with `omemo_string_free`, and `envelope_len`, which may be NULL,
/// its bytes without the zero. Errors: OMEMO_ERROR_STANZA_ENVELOPE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_envelope_write(
    content: *const c_char,
    content_len: usize,
    from: *const c_char,
    to: *const c_char,
    sent_at_ms: u64,
    envelope: *mut *mut c_char,
    envelope_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let content = caller.text(content, content_len)?;
        let tie = Tie::read(caller, from, to, sent_at_ms)?;
        let place = caller.text_place(envelope, envelope_len)?;
        place.put(&write_envelope(content, &tie.affixes(), &mut SysRng)?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Writes the wish for no encryption, for the content of an envelope (XEP-0384 §5.7). `reason` is for the
/// user, and may be NULL. Say it to the account, too: `omemo_account_opt_out`.
///
/// `xml` gets text that is yours to free with `omemo_string_free`, and `xml_len`, which may be NULL, its bytes
/// without the zero. Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_opt_out_write(
    reason: *const c_char,
    xml: *mut *mut c_char,
    xml_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let reason = caller.some_word(reason)?.map(Into::into);
        let place = caller.text_place(xml, xml_len)?;
        place.put(&OptOut { reason }.to_xml()?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// What ties an envelope to its stanza.
struct Tie {
    from: BareJid,
    to: BareJid,
    time: Option<Timestamp>,
}

impl Tie {
    fn read(
        caller: &Caller,
        from: *const c_char,
        to: *const c_char,
        sent_at_ms: u64,
    ) -> Result<Self, Failure> {
        Ok(Self {
            from: caller.jid(from)?,
            to: caller.jid(to)?,
            time: (sent_at_ms > 0).then(|| Timestamp::from_millis(sent_at_ms)),
        })
    }

    const fn affixes(&self) -> Affixes<'_> {
        Affixes {
            from: &self.from,
            to: &self.to,
            time: self.time,
        }
    }
}
