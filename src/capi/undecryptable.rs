//! Why a message could not be read.

use core::ffi::c_char;

use super::action::origin_number;
use super::device::protocol_number;
use super::memory::Texts;
use crate::account::{Failure, FailureReason};
use crate::client::{Undecryptable, UndecryptableReason};

/// Why a message could not be read.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_undecryptable_kind {
    /// It is not encrypted for this device: its sender does not know it yet, or has left it out.
    OMEMO_UNDECRYPTABLE_NOT_FOR_THIS_DEVICE = 1,
    /// The XML is not what it should be.
    OMEMO_UNDECRYPTABLE_STANZA = 2,
    /// It was decrypted, and is no text, or was meant for somebody else, or written by somebody else, than
    /// the stanza says.
    OMEMO_UNDECRYPTABLE_CONTENT = 3,
    /// It does not say who sent it.
    OMEMO_UNDECRYPTABLE_NO_SENDER = 4,
    /// The key message is none, or does not verify.
    OMEMO_UNDECRYPTABLE_KEY = 10,
    /// The key message is good, what it opens is not.
    OMEMO_UNDECRYPTABLE_PAYLOAD = 11,
    /// Another message came under a counter that was used: the sender's device may have been cloned.
    OMEMO_UNDECRYPTABLE_COUNTER_REUSED = 12,
    /// The key of this message was given up: it came too late, or was read before, long ago.
    OMEMO_UNDECRYPTABLE_KEY_GONE = 13,
    /// There is no session with the device, and this does not start one. It is mended by itself, where it may.
    OMEMO_UNDECRYPTABLE_NO_SESSION = 14,
    /// It was written for a pre-key that does not exist any more.
    OMEMO_UNDECRYPTABLE_UNKNOWN_PRE_KEY = 15,
    /// It was written for a signed pre-key that does not exist any more.
    OMEMO_UNDECRYPTABLE_UNKNOWN_SIGNED_PRE_KEY = 16,
    /// Somebody repeats a first message.
    OMEMO_UNDECRYPTABLE_REPLAYED = 17,
    /// The device shows another identity key than before. If the user says that this is right:
    /// `omemo_account_forget_device`, and ask the sender to write again.
    OMEMO_UNDECRYPTABLE_IDENTITY_CHANGED = 18,
    /// Any of several accounts may have sent it.
    OMEMO_UNDECRYPTABLE_AMBIGUOUS_SENDER = 19,
    /// The account has so many devices already that no more are kept.
    OMEMO_UNDECRYPTABLE_TOO_MANY_DEVICES = 20,
}

/// A message that could not be read.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_undecryptable {
    /// An omemo_undecryptable_kind.
    pub kind: u32,
    /// How it came: an omemo_origin.
    pub origin: u32,
    /// The same as `kind` in English.
    pub reason: *const c_char,
    /// The device that says it sent it; 0 if that is not known.
    pub device: u32,
    /// The version: an omemo_protocol; 0 if that is not known.
    pub protocol: u32,
    /// 1 if the same stanza may be read later, when something else has come.
    pub may_be_read_later: u8,
}

/// What is known of it, and who sent it; where that is not known, who is said to have.
pub(super) fn describe(
    what: &Undecryptable,
    texts: &mut Texts,
) -> (omemo_undecryptable, *const c_char) {
    use omemo_undecryptable_kind::*;
    let origin = origin_number(what.origin);
    let kind = match &what.reason {
        UndecryptableReason::Failure(failure) => {
            let known = of_failure(failure, texts);
            let sender = failure.sender.as_ref().or(what.from.as_ref());
            let sender = texts.add_some(sender.map(|jid| jid.as_str()));
            return (omemo_undecryptable { origin, ..known }, sender);
        }
        UndecryptableReason::NotForThisDevice => OMEMO_UNDECRYPTABLE_NOT_FOR_THIS_DEVICE,
        UndecryptableReason::NoSender => OMEMO_UNDECRYPTABLE_NO_SENDER,
        UndecryptableReason::Stanza(_) => OMEMO_UNDECRYPTABLE_STANZA,
        UndecryptableReason::Content(_) => OMEMO_UNDECRYPTABLE_CONTENT,
    };
    let mut known = of(kind, &what.reason.to_string(), texts);
    known.origin = origin;
    let mut sender = what.from.as_ref();
    if let Some(peer) = &what.sender {
        known.device = peer.device.get();
        known.protocol = protocol_number(peer.version);
        sender = Some(&peer.jid);
    }
    (known, texts.add_some(sender.map(|jid| jid.as_str())))
}

/// What an account knows of something that was not read; how it came is not among that.
pub(super) fn of_failure(failure: &Failure, texts: &mut Texts) -> omemo_undecryptable {
    let reason = failure.reason;
    omemo_undecryptable {
        device: failure.device.get(),
        protocol: protocol_number(failure.version),
        may_be_read_later: reason.may_be_read_later().into(),
        ..of(failure_kind(reason), &reason.to_string(), texts)
    }
}

fn of(kind: omemo_undecryptable_kind, reason: &str, texts: &mut Texts) -> omemo_undecryptable {
    omemo_undecryptable {
        kind: kind as u32,
        origin: 0,
        reason: texts.add(reason),
        device: 0,
        protocol: 0,
        may_be_read_later: 0,
    }
}

const fn failure_kind(reason: FailureReason) -> omemo_undecryptable_kind {
    use omemo_undecryptable_kind::*;
    match reason {
        FailureReason::Key(_) => OMEMO_UNDECRYPTABLE_KEY,
        FailureReason::Payload(_) => OMEMO_UNDECRYPTABLE_PAYLOAD,
        FailureReason::CounterReused => OMEMO_UNDECRYPTABLE_COUNTER_REUSED,
        FailureReason::KeyGone => OMEMO_UNDECRYPTABLE_KEY_GONE,
        FailureReason::NoSession => OMEMO_UNDECRYPTABLE_NO_SESSION,
        FailureReason::UnknownPreKey => OMEMO_UNDECRYPTABLE_UNKNOWN_PRE_KEY,
        FailureReason::UnknownSignedPreKey => OMEMO_UNDECRYPTABLE_UNKNOWN_SIGNED_PRE_KEY,
        FailureReason::Replayed => OMEMO_UNDECRYPTABLE_REPLAYED,
        FailureReason::IdentityChanged => OMEMO_UNDECRYPTABLE_IDENTITY_CHANGED,
        FailureReason::AmbiguousSender => OMEMO_UNDECRYPTABLE_AMBIGUOUS_SENDER,
        FailureReason::TooManyDevices => OMEMO_UNDECRYPTABLE_TOO_MANY_DEVICES,
    }
}
