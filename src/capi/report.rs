//! What became of each device of a message, and why a message does not go out.

use core::ffi::c_char;
use core::ptr;

use super::device::protocol_number;
use super::memory::Texts;
use super::trust::omemo_fingerprint;
use crate::account::{Absence, DeviceReport, Fate, Gap, ListReport, Refusal, Report, UndecidedKey};
use crate::client::RefusalReason;

/// Why a message is not encrypted for a device.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_gap {
    /// It is encrypted for it.
    OMEMO_GAP_NONE = 0,
    /// Nobody has decided about its key, `fingerprint`: ask the user.
    OMEMO_GAP_UNDECIDED = 1,
    /// The user does not trust its key, `fingerprint`.
    OMEMO_GAP_DISTRUSTED = 2,
    /// There is no session, and no bundle was asked for.
    OMEMO_GAP_NO_SESSION = 3,
    /// It has published no bundle.
    OMEMO_GAP_NO_BUNDLE = 4,
    /// What it has published is no bundle.
    OMEMO_GAP_BROKEN_BUNDLE = 5,
    /// Its bundle cannot be used.
    OMEMO_GAP_UNUSABLE_BUNDLE = 6,
    /// It shows another identity key than before. If the user says that this is right:
    /// `omemo_account_forget_device`.
    OMEMO_GAP_IDENTITY_CHANGED = 7,
    /// It has not answered for too long.
    OMEMO_GAP_SILENT = 8,
    /// It is announced for an older version than it has spoken.
    OMEMO_GAP_DOWNGRADED = 9,
    /// It is announced for no version that has a payload and may be used.
    OMEMO_GAP_NO_COMMON_VERSION = 10,
    /// It is on no device list.
    OMEMO_GAP_NOT_LISTED = 11,
    /// Its session cannot encrypt: `omemo_client_reset`.
    OMEMO_GAP_SESSION = 12,
    /// Its bundle could not be looked up: its server did not answer, or has a problem. Try again later.
    OMEMO_GAP_UNREACHABLE = 20,
    /// The stanza would become larger than servers take, and this device matters least.
    OMEMO_GAP_TOO_MANY_DEVICES = 30,
    /// Its id is above 2^31 - 1, and other readers would drop the whole message because of it.
    OMEMO_GAP_LARGE_ID = 31,
    /// One side has ended encryption with its account; the message goes to a room.
    OMEMO_GAP_OPTED_OUT = 32,
    /// It shows the key of somebody else's device: its account has copied a bundle.
    OMEMO_GAP_COPIED_KEY = 60,
}

/// Why a member of a room gets nothing of a message.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_absence {
    /// One side has ended encryption with this account.
    OMEMO_ABSENCE_OPTED_OUT = 1,
    /// It has no device that is announced.
    OMEMO_ABSENCE_NO_DEVICES = 2,
    /// The message is encrypted for none of its devices: each has its own omemo_gap.
    OMEMO_ABSENCE_NO_READER = 3,
    /// It joined after you had decided who reads the message.
    OMEMO_ABSENCE_JOINED = 4,
    /// Nobody could say which devices the account has.
    OMEMO_ABSENCE_UNREACHABLE = 20,
}

/// A member of a room who gets nothing of a message.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_left_out {
    /// Who.
    pub jid: *const c_char,
    /// Why: an omemo_absence.
    pub why: u32,
    /// The same in English.
    pub reason: *const c_char,
}

/// What became of a device.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_device_report {
    /// Whose device it is.
    pub jid: *const c_char,
    /// Its id.
    pub device: u32,
    /// Why the message is not encrypted for it: an omemo_gap; OMEMO_GAP_NONE if it is.
    pub gap: u32,
    /// The same in English; NULL if it is encrypted.
    pub reason: *const c_char,
    /// The version in which it is encrypted: an omemo_protocol; 0 if it is not.
    pub protocol: u32,
    /// 1 if it is encrypted with a key exchange: the device has not answered yet.
    pub has_key_exchange: u8,
    /// 1 if it has spoken a newer version than the one that it is announced for now.
    pub is_downgraded: u8,
    /// The key, for OMEMO_GAP_UNDECIDED and OMEMO_GAP_DISTRUSTED; else zeros.
    pub fingerprint: omemo_fingerprint,
}

/// A device list that could not be looked up: there may be devices that the report does not name.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_list_report {
    /// Whose it is.
    pub jid: *const c_char,
    /// The version for which it announces devices: an omemo_protocol.
    pub protocol: u32,
    /// 1 if an older list is known, and was used.
    pub is_known: u8,
    /// Why it could not be looked up, in English.
    pub reason: *const c_char,
}

/// A key that somebody has to decide about.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_undecided_key {
    /// Whose it is.
    pub jid: *const c_char,
    /// A device that shows it.
    pub device: u32,
    /// The key.
    pub fingerprint: omemo_fingerprint,
}

/// Why a message does not go out.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_refusal_kind {
    /// One side has ended encryption with `jid`: ask the user, then `omemo_account_opt_in`.
    OMEMO_REFUSAL_OPTED_OUT = 1,
    /// The recipient `jid` has no device that is announced.
    OMEMO_REFUSAL_NO_DEVICES = 2,
    /// The recipient `jid` would get nothing: the report says why.
    OMEMO_REFUSAL_NOBODY_REACHED = 3,
    /// Some devices would get nothing, and the policy does not allow it.
    OMEMO_REFUSAL_GAPS = 4,
    /// It cannot be encrypted or written: see `reason`.
    OMEMO_REFUSAL_CONTENT = 5,
    /// It is a note to yourself, and the account has no other device.
    OMEMO_REFUSAL_NO_OTHER_DEVICE = 20,
    /// No other member of the room would get anything: the report says why.
    OMEMO_REFUSAL_NOBODY_IN_ROOM = 21,
    /// The message is larger than servers take, whomever it is encrypted for.
    OMEMO_REFUSAL_TOO_LARGE = 22,
    /// Nobody could say which devices the recipient `jid` has: try again. `omemo_client_encrypt` asks at once.
    OMEMO_REFUSAL_UNREACHABLE = 40,
    /// The room was left while the message waited.
    OMEMO_REFUSAL_NOT_IN_ROOM = 23,
}

/// Why a message does not go out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_refusal {
    /// An omemo_refusal_kind.
    pub kind: u32,
    /// Because of whom; NULL if it is nobody's.
    pub jid: *const c_char,
    /// The same in English.
    pub reason: *const c_char,
}

pub(super) fn devices(report: &Report, texts: &mut Texts) -> Vec<omemo_device_report> {
    let devices = report.devices.iter();
    devices.map(|device| describe(device, texts)).collect()
}

pub(super) fn undecided(keys: &[UndecidedKey], texts: &mut Texts) -> Vec<omemo_undecided_key> {
    let keys = keys.iter().map(|key| omemo_undecided_key {
        jid: texts.add(key.jid.as_str()),
        device: key.device.get(),
        fingerprint: key.fingerprint.into(),
    });
    keys.collect()
}

pub(super) fn left_out(report: &Report, texts: &mut Texts) -> Vec<omemo_left_out> {
    use omemo_absence::*;
    let members = report.left_out.iter();
    members
        .map(|member| omemo_left_out {
            jid: texts.add(member.jid.as_str()),
            why: match member.why {
                Absence::OptedOut => OMEMO_ABSENCE_OPTED_OUT,
                Absence::NoDevices => OMEMO_ABSENCE_NO_DEVICES,
                Absence::NoReader => OMEMO_ABSENCE_NO_READER,
                Absence::Joined => OMEMO_ABSENCE_JOINED,
                Absence::Unreachable(_) => OMEMO_ABSENCE_UNREACHABLE,
            } as u32,
            reason: texts.add(&member.why.to_string()),
        })
        .collect()
}

pub(super) fn lists(report: &Report, texts: &mut Texts) -> Vec<omemo_list_report> {
    let lists = report.lists.iter();
    let describe = |list: &ListReport| omemo_list_report {
        jid: texts.add(list.jid.as_str()),
        protocol: protocol_number(list.version),
        is_known: list.is_known.into(),
        reason: texts.add(&list.error.to_string()),
    };
    lists.map(describe).collect()
}

pub(super) fn refusal<'r>(
    reason: &'r RefusalReason,
    texts: &mut Texts,
) -> (omemo_refusal, Option<&'r Report>) {
    match reason {
        RefusalReason::Recipients(refusal) => refused(refusal, texts),
        _ => {
            let kind = match reason {
                RefusalReason::NotInRoom => omemo_refusal_kind::OMEMO_REFUSAL_NOT_IN_ROOM,
                _ => omemo_refusal_kind::OMEMO_REFUSAL_CONTENT,
            };
            let refusal = omemo_refusal {
                kind: kind as u32,
                jid: ptr::null(),
                reason: texts.add(&reason.to_string()),
            };
            (refusal, None)
        }
    }
}

pub(super) fn refused<'r>(
    refusal: &'r Refusal,
    texts: &mut Texts,
) -> (omemo_refusal, Option<&'r Report>) {
    use omemo_refusal_kind::*;
    let (kind, jid, report) = match refusal {
        Refusal::OptedOut(jid) => (OMEMO_REFUSAL_OPTED_OUT, Some(jid), None),
        Refusal::NoDevices(jid, report) => (OMEMO_REFUSAL_NO_DEVICES, Some(jid), Some(report)),
        Refusal::Unreachable(jid, _, report) => {
            (OMEMO_REFUSAL_UNREACHABLE, Some(jid), Some(report))
        }
        Refusal::NobodyReached(jid, report) => {
            (OMEMO_REFUSAL_NOBODY_REACHED, Some(jid), Some(report))
        }
        Refusal::Gaps(report) => (OMEMO_REFUSAL_GAPS, None, Some(report)),
        Refusal::NoOtherDevice => (OMEMO_REFUSAL_NO_OTHER_DEVICE, None, None),
        Refusal::NobodyInRoom(report) => (OMEMO_REFUSAL_NOBODY_IN_ROOM, None, Some(report)),
        Refusal::TooLarge(report) => (OMEMO_REFUSAL_TOO_LARGE, None, Some(report)),
    };
    let known = omemo_refusal {
        kind: kind as u32,
        jid: texts.add_some(jid.map(|jid| jid.as_str())),
        reason: texts.add(&refusal.to_string()),
    };
    (known, report)
}

pub(super) fn describe(device: &DeviceReport, texts: &mut Texts) -> omemo_device_report {
    let mut known = omemo_device_report {
        jid: texts.add(device.jid.as_str()),
        device: device.device.get(),
        gap: omemo_gap::OMEMO_GAP_NONE as u32,
        reason: ptr::null(),
        protocol: 0,
        has_key_exchange: 0,
        is_downgraded: device.is_downgraded.into(),
        fingerprint: omemo_fingerprint { bytes: [0; 32] },
    };
    match device.fate {
        Fate::Encrypted {
            version,
            key_exchange,
        } => {
            known.protocol = protocol_number(version);
            known.has_key_exchange = key_exchange.into();
        }
        Fate::Skipped(gap) => {
            known.gap = gap_kind(gap) as u32;
            known.reason = texts.add(&gap.to_string());
            if let Gap::Undecided(key) | Gap::Distrusted(key) = gap {
                known.fingerprint = key.into();
            }
        }
    }
    known
}

const fn gap_kind(gap: Gap) -> omemo_gap {
    use omemo_gap::*;
    match gap {
        Gap::Undecided(_) => OMEMO_GAP_UNDECIDED,
        Gap::Distrusted(_) => OMEMO_GAP_DISTRUSTED,
        Gap::NoSession => OMEMO_GAP_NO_SESSION,
        Gap::NoBundle => OMEMO_GAP_NO_BUNDLE,
        Gap::BrokenBundle => OMEMO_GAP_BROKEN_BUNDLE,
        Gap::UnusableBundle(_) => OMEMO_GAP_UNUSABLE_BUNDLE,
        Gap::IdentityChanged => OMEMO_GAP_IDENTITY_CHANGED,
        Gap::Silent => OMEMO_GAP_SILENT,
        Gap::Downgraded => OMEMO_GAP_DOWNGRADED,
        Gap::NoCommonVersion => OMEMO_GAP_NO_COMMON_VERSION,
        Gap::NotListed => OMEMO_GAP_NOT_LISTED,
        Gap::Session(_) => OMEMO_GAP_SESSION,
        Gap::Unreachable(_) => OMEMO_GAP_UNREACHABLE,
        Gap::TooManyDevices => OMEMO_GAP_TOO_MANY_DEVICES,
        Gap::LargeId => OMEMO_GAP_LARGE_ID,
        Gap::OptedOut => OMEMO_GAP_OPTED_OUT,
        Gap::CopiedKey => OMEMO_GAP_COPIED_KEY,
    }
}
