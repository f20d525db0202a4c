//! What a store has of an account, for somebody who looks for what is wrong: numbers, times and public keys.

use core::ffi::c_char;
use core::ptr;

use super::account::omemo_account;
use super::boundary::{Caller, accessor, call, free};
use super::catch_up::order_number;
use super::device::protocol_number;
use super::error::omemo_error;
use super::memory::Texts;
use super::peer::{lent, omemo_peer};
use super::status::omemo_status;
use crate::account::{
    BundleState, ConsumerSurvey, PeerSurvey, SessionState, SessionSurvey, VersionSurvey,
};
use crate::model::Timestamp;

/// Whether the server has a bundle, as far as it was said.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_bundle_state {
    /// It was never published, or was lost.
    OMEMO_BUNDLE_UNPUBLISHED = 1,
    /// Another one than the account has now.
    OMEMO_BUNDLE_OUTDATED = 2,
    /// It has it.
    OMEMO_BUNDLE_PUBLISHED = 3,
}

/// An account's own side of a version. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_version_survey {
    /// The version: an omemo_protocol.
    pub protocol: u32,
    /// Whether the server has the bundle: an omemo_bundle_state.
    pub bundle: u32,
    /// The number of pre-keys in the bundle.
    pub offered: usize,
    /// The number of pre-keys that were used, and are kept until a catch-up ends.
    pub used: usize,
    /// When the first of those was used; 0 if there is none. All times are in milliseconds since 1970.
    pub oldest_used_ms: u64,
    /// The id of the signed pre-key of the bundle.
    pub signed_pre_key: u32,
    /// How often this device was missing from its list since it last stayed there.
    pub put_back: u32,
    /// When the signed pre-key was made.
    pub signed_pre_key_created_ms: u64,
    /// The number of those before it that are kept for messages on their way.
    pub old_signed_pre_keys: usize,
    /// When the device list with this device on it was published last; 0 if never.
    pub announced_ms: u64,
}

/// What waits for somebody who acknowledges messages. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_consumer_survey {
    /// The name.
    pub name: *const c_char,
    /// The number of messages.
    pub messages: usize,
    /// The sum of their texts, in bytes.
    pub bytes: u64,
    /// When the oldest was read; 0 if there is none.
    pub oldest_ms: u64,
}

/// What there is of an account. What its functions return is there as long as it is.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_survey {
    versions: Vec<omemo_version_survey>,
    consumers: Vec<omemo_consumer_survey>,
    catch_up: Option<(u64, u32)>,
    written: Option<u64>,
    _texts: Texts,
}

/// What there is of the account besides its contacts. Nothing is written. `survey` gets an object that is yours
/// to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_survey(
    account: *const omemo_account,
    survey: *mut *mut omemo_survey,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let place = caller.place(survey)?;
        let known = account.get().survey()?;
        let mut texts = Texts::default();
        let consumers = known.inbox.iter();
        place.give(omemo_survey {
            versions: known.versions.iter().map(version).collect(),
            consumers: consumers.map(|it| consumer(it, &mut texts)).collect(),
            catch_up: known
                .catch_ups
                .first()
                .map(|it| (it.since.as_millis(), order_number(it.order))),
            written: known.written_since_incarnation,
            _texts: texts,
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The side of a version, in order; NULL if there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_survey_version(
    survey: *const omemo_survey,
    index: usize,
) -> *const omemo_version_survey {
    let get = |survey: &omemo_survey| {
        survey
            .versions
            .get(index)
            .map_or(ptr::null(), ptr::from_ref)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(survey, ptr::null(), get) }
}

/// Somebody who acknowledges messages; NULL if there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_survey_consumer(
    survey: *const omemo_survey,
    index: usize,
) -> *const omemo_consumer_survey {
    let get = |survey: &omemo_survey| {
        let consumer = survey.consumers.get(index);
        consumer.map_or(ptr::null(), ptr::from_ref)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(survey, ptr::null(), get) }
}

/// Since when a history is being caught up with, or nobody has said its end; 0 if there is none, and of several the
/// first. `order`, which may be NULL, gets an omemo_order, or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_survey_catch_up(
    survey: *const omemo_survey,
    order: *mut u32,
) -> u64 {
    // SAFETY: the promises at the top of the header.
    unsafe {
        let catch_up = accessor(survey, None, |survey| survey.catch_up);
        if !order.is_null() {
            order.write(catch_up.map_or(0, |(_, order)| order));
        }
        catch_up.map_or(0, |(since, _)| since)
    }
}

/// How often the store was written since its marker was renewed (`omemo_account_next_incarnation`); UINT64_MAX
/// if it has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_survey_written(survey: *const omemo_survey) -> u64 {
    // SAFETY: the promises at the top of the header.
    unsafe {
        accessor(survey, u64::MAX, |survey| {
            survey.written.unwrap_or(u64::MAX)
        })
    }
}

/// Frees a survey; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_survey_free(survey: *mut omemo_survey) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(survey) }
}

/// What there is between this device and another, in one version. Later versions of the library may add fields
/// at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_peer_survey {
    /// The other device.
    pub peer: omemo_peer,
    /// The number of sessions: `omemo_peer_surveys_session`.
    pub session_count: usize,
    /// Since when an empty message is owed; 0 if none is. All times are in milliseconds since 1970.
    pub owed_since_ms: u64,
    /// The number of different messages that could not be read since the last that could. No more are counted
    /// than a repair asks for.
    pub failed: usize,
    /// No repair before this; 0 if none was.
    pub no_repair_before_ms: u64,
    /// How often a broken session was replaced.
    pub repairs: u32,
    /// 1 if a message came for which there was no session.
    pub no_session: u8,
}

/// What a session is used for.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_session_state {
    /// It is sent on.
    OMEMO_SESSION_CURRENT = 1,
    /// It was replaced, and is kept for what is on its way.
    OMEMO_SESSION_OLD = 2,
    /// Nothing is ever sent on it: it began with a pre-key that had been used, or was reset or repaired.
    OMEMO_SESSION_RECEIVE_ONLY = 3,
}

/// A session, as far as it is not secret. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_session_survey {
    /// Its number: each new one of a device and version has the next.
    pub number: u32,
    /// What it is used for: an omemo_session_state.
    pub state: u32,
    /// When it was started.
    pub created_ms: u64,
    /// When it was replaced, for OMEMO_SESSION_OLD; else 0.
    pub replaced_ms: u64,
    /// The number of messages that were sent since the other side was heard last.
    pub sent: u32,
    /// The number of receiving chains so far: it grows each time that the other side answers.
    pub receiving_steps: u32,
    /// The number of keys that wait for messages that were skipped.
    pub skipped: u32,
    /// 1 if this side started it.
    pub is_initiated: u8,
    /// 1 if the other side has sent anything on it.
    pub is_answered: u8,
}

/// What there is between this device and those of an account. Threads: one at a time, or several that only read.
pub struct omemo_peer_surveys {
    peers: Vec<omemo_peer_survey>,
    /// Of each of them.
    sessions: Vec<Vec<omemo_session_survey>>,
    _texts: Texts,
}

/// What there is between this device and those of an account: one entry for each device and version of which
/// anything is known. Nothing is written. `peers` gets a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_peers(
    account: *const omemo_account,
    jid: *const c_char,
    peers: *mut *mut omemo_peer_surveys,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let place = caller.place(peers)?;
        let known = account.get().peers(&jid)?;
        let mut texts = Texts::default();
        let sessions = |it: &PeerSurvey| it.sessions.iter().map(session).collect();
        place.give(omemo_peer_surveys {
            peers: known.iter().map(|it| peer(it, &mut texts)).collect(),
            sessions: known.iter().map(sessions).collect(),
            _texts: texts,
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How many there are; 0 if `peers` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_peer_surveys_count(peers: *const omemo_peer_surveys) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(peers, 0, |peers| peers.peers.len()) }
}

/// One of them; NULL if there are not so many. There as long as `peers` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_peer_surveys_get(
    peers: *const omemo_peer_surveys,
    index: usize,
) -> *const omemo_peer_survey {
    let get =
        |peers: &omemo_peer_surveys| peers.peers.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(peers, ptr::null(), get) }
}

/// A session of one of them: the one that is sent on first, then the newest; NULL if there are not so many.
/// There as long as `peers` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_peer_surveys_session(
    peers: *const omemo_peer_surveys,
    index: usize,
    session: usize,
) -> *const omemo_session_survey {
    let get = |peers: &omemo_peer_surveys| {
        let found = peers.sessions.get(index).and_then(|it| it.get(session));
        found.map_or(ptr::null(), ptr::from_ref)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(peers, ptr::null(), get) }
}

/// Frees them; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_peer_surveys_free(peers: *mut omemo_peer_surveys) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(peers) }
}

fn version(known: &VersionSurvey) -> omemo_version_survey {
    use omemo_bundle_state::*;
    let bundle = match known.bundle {
        BundleState::Unpublished => OMEMO_BUNDLE_UNPUBLISHED,
        BundleState::Outdated => OMEMO_BUNDLE_OUTDATED,
        BundleState::Published => OMEMO_BUNDLE_PUBLISHED,
    };
    omemo_version_survey {
        protocol: protocol_number(known.version),
        bundle: bundle as u32,
        offered: known.offered,
        used: known.used,
        oldest_used_ms: millis(known.oldest_used),
        signed_pre_key: known.signed_pre_key.get(),
        put_back: known.put_back,
        signed_pre_key_created_ms: known.signed_pre_key_created.as_millis(),
        old_signed_pre_keys: known.old_signed_pre_keys,
        announced_ms: millis(known.announced),
    }
}

fn consumer(known: &ConsumerSurvey, texts: &mut Texts) -> omemo_consumer_survey {
    omemo_consumer_survey {
        name: texts.add(&known.name),
        messages: known.messages,
        bytes: known.bytes,
        oldest_ms: millis(known.oldest),
    }
}

fn peer(known: &PeerSurvey, texts: &mut Texts) -> omemo_peer_survey {
    omemo_peer_survey {
        peer: lent(&known.peer, texts),
        session_count: known.sessions.len(),
        owed_since_ms: millis(known.owed_since),
        failed: known.failed,
        no_repair_before_ms: millis(known.no_repair_before),
        repairs: known.repairs,
        no_session: known.no_session.into(),
    }
}

fn session(known: &SessionSurvey) -> omemo_session_survey {
    use omemo_session_state::*;
    let (state, replaced) = match known.state {
        SessionState::Current => (OMEMO_SESSION_CURRENT, None),
        SessionState::Old { since } => (OMEMO_SESSION_OLD, Some(since)),
        SessionState::ReceiveOnly => (OMEMO_SESSION_RECEIVE_ONLY, None),
    };
    omemo_session_survey {
        number: known.number,
        state: state as u32,
        created_ms: known.created.as_millis(),
        replaced_ms: millis(replaced),
        sent: known.sent,
        receiving_steps: known.receiving_steps,
        skipped: known.skipped,
        is_initiated: known.initiated.into(),
        is_answered: known.answered.into(),
    }
}

fn millis(time: Option<Timestamp>) -> u64 {
    time.map_or(0, Timestamp::as_millis)
}
