//! Messages inside others: carbons, and results of an archive.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, call, free};
use super::error::omemo_error;
use super::memory::{Owned, Texts};
use super::status::omemo_status;
use crate::model::Timestamp;
use crate::stanza::{ForwardReason, Forwarded};

/// Why a message was forwarded.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_forward_reason {
    /// A copy of what another client of the account received (XEP-0280).
    OMEMO_FORWARD_RECEIVED = 1,
    /// A copy of what another client of the account sent.
    OMEMO_FORWARD_SENT = 2,
    /// A result of an archive (XEP-0313).
    OMEMO_FORWARD_ARCHIVED = 3,
}

/// A message that came inside another. Anybody can send such a thing: it means something only if `from` is
/// who may make copies (the own bare address, or NULL), or the archive that was asked. Later versions of the
/// library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_forwarded {
    /// The attribute `from` of the message around it; NULL if there is none.
    pub from: *const c_char,
    /// An omemo_forward_reason.
    pub reason: u32,
    /// Which query of an archive it answers; NULL if it does not say.
    pub query_id: *const c_char,
    /// The archive's id of the message; NULL if it does not say.
    pub archive_id: *const c_char,
    /// When it is said to have been sent, in milliseconds since 1970; 0 if that is not said.
    pub sent_at_ms: u64,
    /// The message, as XML that stands on its own.
    pub message: *const c_char,
    /// The bytes of `message`, without the zero.
    pub message_len: usize,
    /// The namespace of the archive's protocol, such as "urn:xmpp:mam:2" (XEP-0313); NULL if it is from no
    /// archive.
    pub archive_namespace: *const c_char,
}

/// Reads a message that may have another inside. `forwarded` gets a struct that is yours to free, or NULL if
/// it has none.
///
/// Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_forwarded_read(
    xml: *const c_char,
    xml_len: usize,
    forwarded: *mut *mut omemo_forwarded,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let xml = caller.text(xml, xml_len)?;
        let place = caller.place(forwarded)?;
        match Forwarded::read(xml)? {
            None => place.put(ptr::null_mut()),
            Some(found) => {
                let mut texts = Texts::default();
                let known = describe(&found, &mut texts);
                Owned::give(place, known, texts);
            }
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Frees a message that came inside another; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_forwarded_free(forwarded: *mut omemo_forwarded) {
    // SAFETY: the promises at the top of the header; every one that C has is in an `Owned`.
    unsafe { free(forwarded.cast::<Owned<omemo_forwarded, Texts>>()) }
}

fn describe(found: &Forwarded<'_>, texts: &mut Texts) -> omemo_forwarded {
    use omemo_forward_reason::*;
    let reason = match &found.reason {
        ForwardReason::Received => OMEMO_FORWARD_RECEIVED,
        ForwardReason::Sent => OMEMO_FORWARD_SENT,
        ForwardReason::Archived { .. } => OMEMO_FORWARD_ARCHIVED,
    };
    let (query, id, version) = match &found.reason {
        ForwardReason::Archived { version, query, id } => {
            (query.as_deref(), id.as_deref(), Some(version))
        }
        _ => (None, None, None),
    };
    omemo_forwarded {
        from: texts.add_some(found.from.as_deref()),
        reason: reason as u32,
        query_id: texts.add_some(query),
        archive_id: texts.add_some(id),
        sent_at_ms: found.delay.map_or(0, Timestamp::as_millis),
        message: texts.add(&found.message),
        message_len: found.message.len(),
        archive_namespace: texts.add_some(version.map(|version| version.namespace())),
    }
}
