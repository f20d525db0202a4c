//! What became of a stanza that was decrypted, and messages that wait.

use core::ffi::c_char;
use core::ptr;

use super::action::{listing_number, omemo_delivery};
use super::boundary::{accessor, free};
use super::client::omemo_message_id;
use super::device::protocol_number;
use super::memory::{Text, Texts, lend};
use super::trust::trust_number;
use super::undecryptable::{of_failure, omemo_undecryptable};
use crate::account::{Empty, Message, MessageId, Received};

/// What became of a stanza.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_outcome {
    /// A message: `omemo_reading_payload`. It waits until it is acknowledged (`omemo_account_acknowledge`).
    OMEMO_OUTCOME_MESSAGE = 1,
    /// A message without content: sessions are made and kept alive by them. Show nothing.
    OMEMO_OUTCOME_EMPTY = 2,
    /// It was read before, byte by byte the same, and acknowledged. Show nothing.
    OMEMO_OUTCOME_DUPLICATE = 3,
    /// There is no key for this device in it. If `omemo_reading_has_payload`, tell the user.
    OMEMO_OUTCOME_NOT_FOR_THIS_DEVICE = 4,
    /// This device has sent it.
    OMEMO_OUTCOME_OWN_REFLECTION = 5,
    /// It was not read: `omemo_reading_failure`. Tell the user. No session, key or identity has changed.
    OMEMO_OUTCOME_FAILED = 6,
}

/// What became of a stanza. What its functions return is there as long as it is; what there is not is NULL or
/// 0, as is everything of NULL.
///
/// Threads: one at a time, or several that only read. Nothing waits.
pub struct omemo_reading {
    outcome: omemo_outcome,
    sender: *const c_char,
    message: Option<omemo_message_id>,
    delivery: Option<omemo_delivery>,
    failure: Option<omemo_undecryptable>,
    has_payload: bool,
    payload: Option<Text>,
    other: Option<(u32, Text)>,
    attached: Option<Text>,
    texts: Texts,
}

/// What became of it: an omemo_outcome.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_outcome(reading: *const omemo_reading) -> u32 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(reading, 0, |reading| reading.outcome as u32) }
}

/// The address of the account that wrote it. Of what was not read: who is said to have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_sender(reading: *const omemo_reading) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(reading, ptr::null(), |reading| reading.sender) }
}

/// The id of a message, also of a duplicate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_message_id(
    reading: *const omemo_reading,
) -> *const omemo_message_id {
    let get = |reading: &omemo_reading| reading.message.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(reading, ptr::null(), get) }
}

/// What else is known of a message, or of an empty one: the device, its key, what is thought of it. `origin`,
/// `sent_at_ms` and `has_other_text` are 0: the stanza, the envelope and `omemo_reading_other` say them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_delivery(
    reading: *const omemo_reading,
) -> *const omemo_delivery {
    let get =
        |reading: &omemo_reading| reading.delivery.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(reading, ptr::null(), get) }
}

/// What was decrypted, and its bytes in `len`, which may be NULL; a zero follows it. For legacy the text of a
/// body, for OMEMO 2 an envelope, which `omemo_content_read` reads and checks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_payload(
    reading: *const omemo_reading,
    len: *mut usize,
) -> *const u8 {
    // SAFETY: the promises at the top of the header.
    unsafe {
        let payload = accessor(reading, None, |reading| reading.payload.as_ref());
        lend(payload, len)
    }
}

/// What the stanza has for another version, if that was read too, and its bytes in `len`, which may be NULL.
/// `protocol`, which may be NULL, gets an omemo_protocol, or 0. The text should be the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_other(
    reading: *const omemo_reading,
    protocol: *mut u32,
    len: *mut usize,
) -> *const u8 {
    // SAFETY: the promises at the top of the header.
    unsafe {
        let other = accessor(reading, None, |reading| reading.other.as_ref());
        if !protocol.is_null() {
            protocol.write(other.map_or(0, |(protocol, _)| *protocol));
        }
        lend(other.map(|(_, text)| text), len)
    }
}

/// What came with the stanza: `attached` of omemo_incoming, and its bytes in `len`, which may be NULL; a zero
/// follows it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_attached(
    reading: *const omemo_reading,
    len: *mut usize,
) -> *const u8 {
    // SAFETY: the promises at the top of the header.
    unsafe {
        let attached = accessor(reading, None, |reading| reading.attached.as_ref());
        lend(attached, len)
    }
}

/// Why it was not read. `origin` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_failure(
    reading: *const omemo_reading,
) -> *const omemo_undecryptable {
    let get = |reading: &omemo_reading| reading.failure.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(reading, ptr::null(), get) }
}

/// 1 if there was something to read in it, whether or not it could be; 0 for a duplicate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_has_payload(reading: *const omemo_reading) -> u8 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(reading, 0, |reading| reading.has_payload.into()) }
}

/// Frees it, and overwrites what it says. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_reading_free(reading: *mut omemo_reading) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(reading) }
}

/// What became of several stanzas, or messages that wait. Threads: one at a time, or several that only read.
pub struct omemo_readings(Vec<omemo_reading>);

/// How many there are; 0 if `readings` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_readings_count(readings: *const omemo_readings) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(readings, 0, |readings| readings.0.len()) }
}

/// One of them; NULL if there are not so many. There as long as `readings` is: not to be freed apart.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_readings_get(
    readings: *const omemo_readings,
    index: usize,
) -> *const omemo_reading {
    let get = |readings: &omemo_readings| readings.0.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(readings, ptr::null(), get) }
}

/// Frees them, and overwrites what they say. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_readings_free(readings: *mut omemo_readings) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(readings) }
}

impl FromIterator<omemo_reading> for omemo_readings {
    fn from_iter<I: IntoIterator<Item = omemo_reading>>(readings: I) -> Self {
        Self(readings.into_iter().collect())
    }
}

impl omemo_reading {
    pub(super) fn new(received: &Received) -> Self {
        use omemo_outcome::*;
        match received {
            Received::Message(message) => Self::of_message(message),
            Received::Empty(empty) => Self::of_empty(empty),
            Received::Duplicate(id) => Self {
                message: Some(message_id(id)),
                ..Self::of(OMEMO_OUTCOME_DUPLICATE)
            },
            Received::NotForUs { has_payload } => Self {
                has_payload: *has_payload,
                ..Self::of(OMEMO_OUTCOME_NOT_FOR_THIS_DEVICE)
            },
            Received::OwnReflection => Self::of(OMEMO_OUTCOME_OWN_REFLECTION),
            Received::Failed(failure) => {
                let mut made = Self::of(OMEMO_OUTCOME_FAILED);
                let sender = failure.sender.as_ref().map(|jid| jid.as_str());
                made.sender = made.texts.add_some(sender);
                made.failure = Some(of_failure(failure, &mut made.texts));
                made.has_payload = failure.has_payload;
                made
            }
        }
    }

    pub(super) fn of_message(message: &Message) -> Self {
        let mut made = Self::of(omemo_outcome::OMEMO_OUTCOME_MESSAGE);
        made.sender = made.texts.add(message.sender.jid.as_str());
        made.message = Some(message_id(&message.id));
        made.delivery = Some(omemo_delivery {
            device: message.sender.device.get(),
            protocol: protocol_number(message.sender.version),
            fingerprint: message.fingerprint.into(),
            trust: trust_number(message.trust),
            listing: listing_number(message.listing),
            origin: 0,
            sent_at_ms: 0,
            is_new_key: message.is_new_key.into(),
            is_pre_key_reused: message.is_pre_key_reused.into(),
            has_other_text: 0,
            is_again: message.is_again.into(),
            written_at_ms: 0,
        });
        made.has_payload = true;
        made.payload = Some(Text::from_bytes(&message.payload));
        let other = message.other.as_ref();
        made.other =
            other.map(|(version, text)| (protocol_number(*version), Text::from_bytes(text)));
        made.attached = Some(Text::from_bytes(&message.attached));
        made
    }

    fn of_empty(empty: &Empty) -> Self {
        let mut made = Self::of(omemo_outcome::OMEMO_OUTCOME_EMPTY);
        made.sender = made.texts.add(empty.sender.jid.as_str());
        made.delivery = Some(omemo_delivery {
            device: empty.sender.device.get(),
            protocol: protocol_number(empty.sender.version),
            fingerprint: empty.fingerprint.into(),
            trust: trust_number(empty.trust),
            listing: listing_number(empty.listing),
            origin: 0,
            sent_at_ms: 0,
            is_new_key: empty.is_new_key.into(),
            is_pre_key_reused: 0,
            has_other_text: 0,
            is_again: 0,
            written_at_ms: 0,
        });
        made
    }

    fn of(outcome: omemo_outcome) -> Self {
        Self {
            outcome,
            sender: ptr::null(),
            message: None,
            delivery: None,
            failure: None,
            has_payload: false,
            payload: None,
            other: None,
            attached: None,
            texts: Texts::default(),
        }
    }
}

fn message_id(id: &MessageId) -> omemo_message_id {
    omemo_message_id {
        bytes: *id.as_bytes(),
    }
}
