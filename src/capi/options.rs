//! What the application decides for a client or an account.

use core::ffi::{c_char, c_void};
use core::mem::offset_of;
use core::time::Duration;
use std::sync::Arc;

use super::boundary::{Caller, Versioned, calling_back};
use super::error::Failure;
use super::memory::Text;
use super::trust::{omemo_fingerprint, trust_of};
use crate::account::{
    self, DowngradePolicy, GapPolicy, Incarnation, NewKey, RoomPolicy, Trust, TrustPolicy,
    VersionPolicy,
};
use crate::client;
use crate::model::Version;
use crate::stanza::{ElementName, Unprotected};

/// How keys that are seen for the first time come to be trusted.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_trust_policy {
    /// Never by themselves: the user is asked about each.
    OMEMO_TRUST_POLICY_MANUAL = 1,
    /// Those of the devices on the first device list that was seen of the account; later ones are
    /// undecided.
    OMEMO_TRUST_POLICY_FIRST_USE = 2,
    /// Until a key of the account was verified; from then on new ones are undecided.
    OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED = 3,
    /// As `decide_trust` of the options says.
    OMEMO_TRUST_POLICY_CUSTOM = 4,
}

/// Which version is written to a device that has announced both.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_version_policy {
    /// OMEMO 2 to devices that are known to read it, legacy to others. Recommended.
    OMEMO_VERSION_POLICY_BY_EVIDENCE = 1,
    /// The newest that is announced.
    OMEMO_VERSION_POLICY_NEWEST = 2,
    /// Legacy alone.
    OMEMO_VERSION_POLICY_ONLY_LEGACY = 3,
    /// OMEMO 2 alone.
    OMEMO_VERSION_POLICY_ONLY_OMEMO2 = 4,
}

/// Whether a message may leave out devices.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_gap_policy {
    /// It may, and the report says which and why; a recipient of whom no device gets it is a refusal.
    /// Recommended.
    OMEMO_GAP_POLICY_REPORT = 1,
    /// It may not.
    OMEMO_GAP_POLICY_REFUSE = 2,
}

/// What becomes of a device that is announced for an older version than the one it has spoken.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_downgrade_policy {
    /// It is written to in the older version, and the report says so. Recommended.
    OMEMO_DOWNGRADE_POLICY_REPORT = 1,
    /// It is left out, and the report says so.
    OMEMO_DOWNGRADE_POLICY_SKIP = 2,
}

/// What becomes of a message to a room of whose members some can get nothing: they have no device, no usable
/// keys, are not trusted, or have ended encryption.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_room_policy {
    /// They are left out, and the report names them. Recommended: else each member could silence the room.
    OMEMO_ROOM_POLICY_LEAVE_OUT = 1,
    /// It is refused.
    OMEMO_ROOM_POLICY_REFUSE = 2,
}

/// What is done with elements that a legacy message cannot encrypt.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_unprotected {
    /// They are left out of a stanza that has a legacy part. Recommended.
    OMEMO_UNPROTECTED_DROP = 1,
    /// They go out in clear.
    OMEMO_UNPROTECTED_KEEP = 2,
    /// Devices that read nothing newer are left out, and the report says so.
    OMEMO_UNPROTECTED_SKIP = 3,
}

/// `flags` of the options: devices about whose keys nobody has decided are left out, and the report says so.
/// Else messages wait, and OMEMO_ACTION_DECIDE_TRUST asks.
pub const OMEMO_OPTION_LEAVE_OUT_UNDECIDED: u32 = 1;
/// `flags` of the options: messages do not wait for `omemo_client_acknowledge`. What is lost between
/// decryption and your own store is lost.
pub const OMEMO_OPTION_NO_INBOX: u32 = 2;
/// `flags` of the options: payloads of very old clients are read, which every other recipient can have
/// changed.
pub const OMEMO_OPTION_ACCEPT_TAG_OUTSIDE: u32 = 4;
/// `flags` of the options: markers are kept outside of backups, but there are none yet. Needed only as long as
/// `incarnations` is empty: without it, and without any, an old copy of the store is not noticed by them.
pub const OMEMO_OPTION_KEEPS_INCARNATIONS: u32 = 8;
/// `flags` of the options: who joins a room after the user has decided who reads a message
/// (`omemo_client_send_anyway`, `omemo_client_decide`) gets it too. Else the report names them.
pub const OMEMO_OPTION_WRITE_TO_JOINED: u32 = 256;
/// `silent_after` of the options: no device is left out for being silent.
pub const OMEMO_NEVER: u32 = u32::MAX;

const FLAGS: u32 = OMEMO_OPTION_LEAVE_OUT_UNDECIDED
    | OMEMO_OPTION_NO_INBOX
    | OMEMO_OPTION_ACCEPT_TAG_OUTSIDE
    | OMEMO_OPTION_KEEPS_INCARNATIONS
    | OMEMO_OPTION_WRITE_TO_JOINED;

/// A key that is seen for the first time, for `decide_trust`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_new_key {
    /// Whose it is; ends with a zero byte.
    pub jid: *const c_char,
    /// The device that shows it.
    pub device: u32,
    /// The key.
    pub fingerprint: omemo_fingerprint,
    /// 1 if it is one of the account's own devices.
    pub is_own: u8,
    /// 1 if the device is one of those that were there from the beginning.
    pub is_first: u8,
    /// 1 if a key of the account was verified before.
    pub has_verified: u8,
}

/// A marker of one life of a store, to be kept where no backup is made of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_incarnation {
    /// The bytes.
    pub bytes: [u8; 16],
}

/// The choices of an application. They are of a handle: nothing of them is kept in the store. Set all of it
/// to zero, then `struct_size` and `trust`: whatever is 0 is as recommended.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_options {
    /// sizeof (omemo_options).
    pub struct_size: usize,
    /// An omemo_trust_policy for keys of contacts. You must choose.
    pub trust: u32,
    /// An omemo_trust_policy for keys of new devices of the account itself, which whoever controls the
    /// server can add. 0: OMEMO_TRUST_POLICY_MANUAL.
    pub trust_own: u32,
    /// An omemo_version_policy.
    pub versions: u32,
    /// An omemo_gap_policy.
    pub gaps: u32,
    /// An omemo_downgrade_policy.
    pub downgrades: u32,
    /// An omemo_unprotected.
    pub unprotected: u32,
    /// OMEMO_OPTION_..., added.
    pub flags: u32,
    /// A device that has not answered so many messages is left out, and reported. 0: 1,000; or
    /// OMEMO_NEVER.
    pub silent_after: u32,
    /// The most messages that wait for acknowledgement. 0: 1,000.
    pub inbox_messages: u64,
    /// The most bytes of them. 0: 16 MiB.
    pub inbox_bytes: u64,
    /// How long they wait, in milliseconds. 0: 30 days.
    pub inbox_age_ms: u64,
    /// How old a signed pre-key becomes, in milliseconds. 0: a week.
    pub signed_pre_key_lifetime_ms: u64,
    /// How long the answer to a request is waited for, in milliseconds. 0: a minute.
    pub request_timeout_ms: u64,
    /// How old the device list of a contact without a subscription becomes before a message asks for it
    /// again, in milliseconds. 0: an hour.
    pub list_age_ms: u64,
    /// The markers that were kept: see `omemo_account_next_incarnation`. As long as there are none:
    /// OMEMO_OPTION_KEEPS_INCARNATIONS.
    pub incarnations: *const omemo_incarnation,
    /// The number of `incarnations`.
    pub incarnation_count: usize,
    /// Says what is thought of a new key: returns an omemo_trust. For OMEMO_TRUST_POLICY_CUSTOM alone. It is
    /// called from whatever thread uses the handle, and must not call the library.
    pub decide_trust:
        Option<unsafe extern "C" fn(user_data: *mut c_void, key: *const omemo_new_key) -> u32>,
    /// For `decide_trust`. Must be there as long as any reference to the client or to its account.
    pub decide_trust_data: *mut c_void,
    /// How long a message waits for device lists and bundles, in milliseconds; then it goes out with what is
    /// there, or is refused. 0: three minutes.
    pub patience_ms: u64,
    /// How long a message waits for decisions about keys, in milliseconds; then it goes out without their
    /// devices, or is refused. 0: until somebody decides.
    pub decision_patience_ms: u64,
    /// The most bytes of a stanza, which servers limit. 0: 256 KiB; or SIZE_MAX.
    pub stanza_limit: usize,
    /// An omemo_room_policy.
    pub rooms: u32,
    /// The elements that the application takes from beside a legacy message though nobody has authenticated them,
    /// besides those that `omemo_content_reveal` names: written as `{jabber:x:oob}x`.
    pub kept_beside: *const *const c_char,
    /// The number of `kept_beside`.
    pub kept_beside_count: usize,
}

// SAFETY: integers, pointers and an optional function only.
unsafe impl Versioned for omemo_options {
    const OLDEST: usize = offset_of!(Self, decide_trust_data) + size_of::<usize>();
}

/// Reads the options of a caller.
pub(super) fn read(
    caller: &Caller,
    options: *const omemo_options,
) -> Result<client::Options, Failure> {
    let given = caller.sized(options)?;
    let mut options = client::Options::new(trust_policy(&given, given.trust)?);
    options.account = account_options(caller, &given, options.account)?;
    options.unprotected = unprotected_of(given.unprotected)?;
    let kept = caller.array(given.kept_beside, given.kept_beside_count)?;
    for name in kept {
        let name = ElementName::parse(caller.word(*name)?).ok_or_else(Failure::value)?;
        options.kept_beside.push(name);
    }
    options.ask_about_keys = given.flags & OMEMO_OPTION_LEAVE_OUT_UNDECIDED == 0;
    options.request_timeout = duration(given.request_timeout_ms, options.request_timeout);
    options.list_age = duration(given.list_age_ms, options.list_age);
    options.patience = duration(given.patience_ms, options.patience);
    if given.decision_patience_ms != 0 {
        options.decision_patience = Some(Duration::from_millis(given.decision_patience_ms));
    }
    let policies = [RoomPolicy::LeaveOut, RoomPolicy::Refuse];
    options.rooms = choose(given.rooms, options.rooms, &policies)?;
    options.writes_to_joined = given.flags & OMEMO_OPTION_WRITE_TO_JOINED != 0;
    options.stanza_limit = match given.stanza_limit {
        0 => options.stanza_limit,
        usize::MAX => None,
        bytes => Some(bytes),
    };
    Ok(options)
}

fn account_options(
    caller: &Caller,
    given: &omemo_options,
    mut options: account::Options,
) -> Result<account::Options, Failure> {
    if given.flags & !FLAGS != 0 {
        return Err(Failure::value());
    }
    if given.trust_own != 0 {
        options.trust_own = trust_policy(given, given.trust_own)?;
    }
    options.versions = choose(
        given.versions,
        options.versions,
        &[
            VersionPolicy::ByEvidence,
            VersionPolicy::Newest,
            VersionPolicy::Only(Version::Legacy),
            VersionPolicy::Only(Version::Omemo2),
        ],
    )?;
    let gaps = [GapPolicy::Report, GapPolicy::Refuse];
    options.gaps = choose(given.gaps, options.gaps, &gaps)?;
    let downgrades = [DowngradePolicy::Report, DowngradePolicy::Skip];
    options.downgrades = choose(given.downgrades, options.downgrades, &downgrades)?;
    options.silent_after = match given.silent_after {
        0 => options.silent_after,
        OMEMO_NEVER => None,
        messages => Some(messages),
    };
    if let Some(limits) = &mut options.inbox {
        if given.inbox_messages != 0 {
            let messages = u32::try_from(given.inbox_messages);
            limits.messages = messages.map_err(|_| Failure::value())?;
        }
        if given.inbox_bytes != 0 {
            limits.bytes = given.inbox_bytes;
        }
        limits.age = duration(given.inbox_age_ms, limits.age);
    }
    if given.flags & OMEMO_OPTION_NO_INBOX != 0 {
        options.inbox = None;
    }
    options.signed_pre_key_lifetime = duration(
        given.signed_pre_key_lifetime_ms,
        options.signed_pre_key_lifetime,
    );
    options.accept_tag_outside = given.flags & OMEMO_OPTION_ACCEPT_TAG_OUTSIDE != 0;
    let kept = caller.array(given.incarnations, given.incarnation_count)?;
    if given.flags & OMEMO_OPTION_KEEPS_INCARNATIONS != 0 || !kept.is_empty() {
        let kept = kept.iter().map(|kept| Incarnation::from_bytes(kept.bytes));
        options.incarnations = Some(kept.collect());
    }
    Ok(options)
}

/// What is done with what legacy cannot protect; 0 is as recommended.
pub(super) fn unprotected_of(number: u32) -> Result<Unprotected, Failure> {
    let all = [Unprotected::Drop, Unprotected::Keep, Unprotected::Skip];
    choose(number, Unprotected::default(), &all)
}

/// The choice of a number, which counts from 1; 0 is as recommended.
fn choose<T: Copy>(number: u32, recommended: T, choices: &[T]) -> Result<T, Failure> {
    match number.checked_sub(1) {
        None => Ok(recommended),
        Some(index) => {
            let choice = choices.get(index as usize);
            choice.copied().ok_or_else(Failure::value)
        }
    }
}

fn duration(millis: u64, recommended: Duration) -> Duration {
    match millis {
        0 => recommended,
        millis => Duration::from_millis(millis),
    }
}

fn trust_policy(given: &omemo_options, number: u32) -> Result<TrustPolicy, Failure> {
    use omemo_trust_policy::*;
    let policies = [
        (OMEMO_TRUST_POLICY_MANUAL, TrustPolicy::Manual),
        (OMEMO_TRUST_POLICY_FIRST_USE, TrustPolicy::FirstUse),
        (
            OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED,
            TrustPolicy::BlindUntilVerified,
        ),
    ];
    if number == OMEMO_TRUST_POLICY_CUSTOM as u32 {
        let function = given.decide_trust.ok_or_else(Failure::null)?;
        let judge = Judge {
            function,
            user_data: given.decide_trust_data,
        };
        return Ok(TrustPolicy::Custom(Arc::new(move |key| judge.decide(key))));
    }
    let found = policies
        .into_iter()
        .find(|(policy, _)| *policy as u32 == number);
    found.map(|(_, policy)| policy).ok_or_else(Failure::value)
}

/// A policy of the caller's.
struct Judge {
    function: unsafe extern "C" fn(*mut c_void, *const omemo_new_key) -> u32,
    user_data: *mut c_void,
}

// SAFETY: the header asks for a callback that may be called from any thread, several at the same time.
unsafe impl Send for Judge {}
// SAFETY: as above.
unsafe impl Sync for Judge {}

impl Judge {
    fn decide(&self, key: &NewKey<'_>) -> Trust {
        let jid = Text::new(key.jid.as_str());
        let key = omemo_new_key {
            jid: jid.as_ptr(),
            device: key.device.get(),
            fingerprint: key.fingerprint.into(),
            is_own: key.is_own.into(),
            is_first: key.is_first.into(),
            has_verified: key.has_verified.into(),
        };
        // SAFETY: what is pointed to lives until the call has ended.
        let number = calling_back(|| unsafe { (self.function)(self.user_data, &raw const key) });
        // What is not said is not trusted.
        trust_of(number).unwrap_or(Trust::Undecided)
    }
}
