//! What the application is to do, and what it is told.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{accessor, free};
use super::client::omemo_message_id;
use super::device::protocol_number;
use super::left_out::{changed, lost, omemo_changed_identity};
use super::mark::Unauthenticated;
use super::memory::{Text, Texts};
use super::report::{
    devices, left_out, lists, omemo_device_report, omemo_left_out, omemo_list_report,
    omemo_refusal, omemo_undecided_key, refusal, undecided,
};
use super::trust::{omemo_fingerprint, trust_number};
use super::undecryptable::{describe, omemo_undecryptable};
use crate::account::Listing;
use crate::client::{Action, ArchiveId, ArchivedMessage, Delivery, IqRequest, Notice, Origin};
use crate::model::Timestamp;
use crate::stanza::RequestKind;

/// What is to be done. New kinds may come: free what you do not know.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_action_type {
    /// Send the stanza, an `<iq/>`, and give what comes back to `omemo_client_answer`:
    /// `omemo_action_request`.
    OMEMO_ACTION_REQUEST = 1,
    /// Send the stanza: a message of yours, encrypted. `omemo_action_ticket` says which;
    /// `omemo_action_device` what became of each device.
    OMEMO_ACTION_ENCRYPTED = 2,
    /// A message of yours will not go out: `omemo_action_ticket`, `omemo_action_refusal`, and, where there
    /// is a report, `omemo_action_device`.
    OMEMO_ACTION_REFUSED = 3,
    /// Send the stanza: an empty message that nobody sees.
    OMEMO_ACTION_SEND = 4,
    /// Show the stanza, store it, then `omemo_client_acknowledge`: until then it is handed out again after
    /// each start. `omemo_action_sender`, `omemo_action_message_id`, `omemo_action_delivery`,
    /// `omemo_action_unauthenticated`, `omemo_action_mark`.
    OMEMO_ACTION_DELIVER = 5,
    /// A message could not be read. Tell the user: `omemo_action_undecryptable`. The stanza is there without
    /// its encrypted part.
    OMEMO_ACTION_UNDECRYPTABLE = 6,
    /// Messages wait until somebody has decided about keys, `omemo_action_key`: `omemo_client_decide`; or
    /// `omemo_client_send_anyway` without their devices; or `omemo_client_cancel`. `omemo_action_ticket`
    /// names the first of the messages.
    OMEMO_ACTION_DECIDE_TRUST = 7,
    /// Something happened that the user may want to know: `omemo_action_notice`.
    OMEMO_ACTION_NOTICE = 8,
    /// Call `omemo_client_tick` at `omemo_action_time_ms`, or a little later. It replaces the time that was
    /// named before.
    OMEMO_ACTION_WAKE_AT = 9,
    /// Devices show other identity keys than before, `omemo_action_changed_identity`: they were set up anew
    /// under their old ids, or somebody pretends that. Messages wait: `omemo_client_accept_identity` takes the
    /// new key, `omemo_client_decide` with OMEMO_TRUST_DISTRUSTED for it keeps the old one,
    /// `omemo_client_send_anyway` leaves the devices out, or `omemo_client_cancel`.
    OMEMO_ACTION_DECIDE_IDENTITY = 30,
    /// What `omemo_client_prepare` was asked for is there, as far as it can be had: `omemo_action_ticket`, and
    /// what a message would wait for, `omemo_action_key` and `omemo_action_changed_identity`.
    OMEMO_ACTION_PREPARED = 31,
    /// Messages of a room, `omemo_action_room`, wait until it is known who its members are: ask the room
    /// (XEP-0045 §9.5), then `omemo_client_set_room`. If the user is in no such room, do nothing.
    OMEMO_ACTION_ASK_MEMBERS = 20,
    /// A result of an archive brings nothing new: you have the message, and learn where the archive has it
    /// (`omemo_action_archive_id`). It was delivered before, as `omemo_action_message_id` says; or, if that is
    /// NULL, this device has sent it, and the stanza is there without its encrypted part. Show nothing.
    OMEMO_ACTION_ARCHIVED = 40,
}

/// A request. Later versions of the library may add fields at the end, as to all structs that it makes and points
/// to; not to those that stand inside another or in an array.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_request {
    /// For `omemo_client_answer`.
    pub id: u64,
    /// The same as text: the id of the `<iq/>`, for those who write their own.
    pub iq_id: *const c_char,
    /// Who is asked; NULL: the account's own server.
    pub to: *const c_char,
    /// 1 for an `<iq/>` of the type `set`, 0 for `get`.
    pub is_set: u8,
    /// The element in the `<iq/>`.
    pub payload: *const c_char,
    /// The bytes of `payload`.
    pub payload_len: usize,
}

/// How a message came.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_origin {
    /// To this client.
    OMEMO_ORIGIN_DIRECT = 1,
    /// A copy of what another client of the account received.
    OMEMO_ORIGIN_CARBON_RECEIVED = 2,
    /// A copy of what another client of the account sent.
    OMEMO_ORIGIN_CARBON_SENT = 3,
    /// From an archive.
    OMEMO_ORIGIN_ARCHIVE = 4,
}

/// Where a device stands on its account's list.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_listing {
    /// On it.
    OMEMO_LISTING_ACTIVE = 1,
    /// It was, and is no more.
    OMEMO_LISTING_REMOVED = 2,
    /// It was never seen there.
    OMEMO_LISTING_NEVER = 3,
}

/// A message that was read. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_delivery {
    /// The device that wrote it.
    pub device: u32,
    /// The version in which it was read: an omemo_protocol.
    pub protocol: u32,
    /// The identity key of the device.
    pub fingerprint: omemo_fingerprint,
    /// What is thought of the key: an omemo_trust.
    pub trust: u32,
    /// An omemo_listing.
    pub listing: u32,
    /// An omemo_origin.
    pub origin: u32,
    /// When it was sent, for sorting: as the archive says, or the envelope, or a server that has kept it; 0 if nobody
    /// does. Not all of these are authenticated.
    pub sent_at_ms: u64,
    /// 1 if the key was not known before.
    pub is_new_key: u8,
    /// 1 if it may be an old message that somebody repeats.
    pub is_pre_key_reused: u8,
    /// 1 if the stanza had another text for devices that read the other version.
    pub has_other_text: u8,
    /// 1 if it was handed out before.
    pub is_again: u8,
    /// When it was sent, as its sender says in the envelope; 0 if nobody does. `sent_at_ms` is authenticated if it is
    /// the same.
    pub written_at_ms: u64,
}

/// Something that the user may want to know.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_notice_kind {
    /// The account has a new device, `device`. Unless the user knows it, somebody else has added it.
    OMEMO_NOTICE_NEW_OWN_DEVICE = 1,
    /// `device` of `jid` is announced for an older version than it has spoken.
    OMEMO_NOTICE_DOWNGRADED = 2,
    /// The server did not take what this device has to publish to the node `text`, or does not say what is in
    /// it; `reason` is its condition. Others cannot start conversations with the device. A list is asked for
    /// again with growing pauses; everything else is tried again after the next connection.
    OMEMO_NOTICE_NOT_PUBLISHED = 3,
    /// The store is an old copy of itself, or a second program uses this device with a copy of it. New sessions are
    /// started by themselves; messages that were written for the state that is lost are not readable. If nobody has
    /// restored a backup, somebody has the keys of this device. Told again after each start until
    /// `omemo_client_acknowledge_rollback`.
    OMEMO_NOTICE_ROLLED_BACK = 4,
    /// `jid` ends encryption, with `reason`. Nothing is encrypted until `omemo_account_opt_in`, and nothing
    /// goes out in clear by itself.
    OMEMO_NOTICE_OPTED_OUT = 5,
    /// This device was taken off the server, as was asked for.
    OMEMO_NOTICE_SWITCHED_OFF = 6,
    /// `count` messages were read and are lost: they went because of the limits of the inbox before you had
    /// acknowledged them. Told again after each start until `omemo_client_acknowledge_evicted`.
    OMEMO_NOTICE_EVICTED = 50,
    /// What the device sends by itself could not be made: an answer, a sign of life, or a new session. It is tried
    /// again later, and everything else goes on. `reason` is the error in English.
    OMEMO_NOTICE_UPKEEP_FAILED = 51,
    /// What the server has as the bundle of this device can mean the same as OMEMO_NOTICE_ROLLED_BACK; but a server can
    /// invent it, so nothing was given up. Told again after each start until `omemo_client_acknowledge_rollback`, and
    /// then never again.
    OMEMO_NOTICE_ROLLBACK_SUSPECTED = 52,
}

/// Something that the user may want to know. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_notice {
    /// An omemo_notice_kind, which says what else is there.
    pub kind: u32,
    /// A device, or 0.
    pub device: u32,
    /// An address, or NULL.
    pub jid: *const c_char,
    /// The name of a node, or NULL.
    pub text: *const c_char,
    /// What was given as the reason, or NULL.
    pub reason: *const c_char,
    /// What is to be known, in English, without names and numbers.
    pub message: *const c_char,
    /// A number, or 0.
    pub count: u64,
}

/// Something to do, or to tell. Everything is stored that has to be before it is handed out. Text that its
/// functions return ends with a zero byte, and is there as long as the action is. What an action of its kind
/// does not have is NULL or 0, as is everything of NULL.
///
/// Threads: one at a time, or several that only read. Nothing waits.
pub struct omemo_action {
    kind: omemo_action_type,
    stanza: Option<Text>,
    ticket: u64,
    time: u64,
    sender: *const c_char,
    room: *const c_char,
    message: Option<omemo_message_id>,
    archive: *const c_char,
    archive_id: *const c_char,
    request: Option<omemo_request>,
    delivery: Option<omemo_delivery>,
    undecryptable: Option<omemo_undecryptable>,
    refusal: Option<omemo_refusal>,
    notice: Option<omemo_notice>,
    devices: Vec<omemo_device_report>,
    left_out: Vec<omemo_left_out>,
    lists: Vec<omemo_list_report>,
    pub(super) lost: Vec<*const c_char>,
    pub(super) changed: Vec<omemo_changed_identity>,
    keys: Vec<omemo_undecided_key>,
    pub(super) unauthenticated: Unauthenticated,
    texts: Texts,
}

/// The kind of an action: an omemo_action_type; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_kind(action: *const omemo_action) -> u32 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.kind as u32) }
}

/// The stanza, and its bytes without the zero in `len`, which may be NULL. For actions that have one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_stanza(
    action: *const omemo_action,
    len: *mut usize,
) -> *const c_char {
    let get = |action: &omemo_action| {
        let stanza = action.stanza.as_ref();
        stanza.map_or((ptr::null(), 0), |text| (text.as_ptr(), text.len()))
    };
    // SAFETY: the promises at the top of the header.
    unsafe {
        let (stanza, bytes) = accessor(action, (ptr::null(), 0), get);
        if !len.is_null() {
            len.write(bytes);
        }
        stanza
    }
}

/// The message that an action is about: what `omemo_client_encrypt` gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_ticket(action: *const omemo_action) -> u64 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.ticket) }
}

/// The time of OMEMO_ACTION_WAKE_AT, in milliseconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_time_ms(action: *const omemo_action) -> u64 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.time) }
}

/// The address of the account that wrote a message: the real one, also in a room. Of a message that could not
/// be read it is the account, if that is certain; else the account or the room that `from` in the stanza names.
/// NULL only if `from` is no address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_sender(action: *const omemo_action) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), |action| action.sender) }
}

/// The room of OMEMO_ACTION_ASK_MEMBERS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_room(action: *const omemo_action) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), |action| action.room) }
}

/// The id of a message that is delivered, for `omemo_client_acknowledge`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_message_id(
    action: *const omemo_action,
) -> *const omemo_message_id {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), |action| of(&action.message)) }
}

/// The archive's id of a message that came from one. `archive`, which may be NULL, gets the address of the archive:
/// the account's own, or a room's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_archive_id(
    action: *const omemo_action,
    archive: *mut *const c_char,
) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe {
        if !archive.is_null() {
            archive.write(accessor(action, ptr::null(), |action| action.archive));
        }
        accessor(action, ptr::null(), |action| action.archive_id)
    }
}

/// What else is known of a message that is delivered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_delivery(
    action: *const omemo_action,
) -> *const omemo_delivery {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), |action| of(&action.delivery)) }
}

/// The request that is to be sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_request(action: *const omemo_action) -> *const omemo_request {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), |action| of(&action.request)) }
}

/// Why a message could not be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_undecryptable(
    action: *const omemo_action,
) -> *const omemo_undecryptable {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), |action| of(&action.undecryptable)) }
}

/// Why a message will not go out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_refusal(action: *const omemo_action) -> *const omemo_refusal {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), |action| of(&action.refusal)) }
}

/// What happened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_notice(action: *const omemo_action) -> *const omemo_notice {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), |action| of(&action.notice)) }
}

/// How many devices are in the report about a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_device_count(action: *const omemo_action) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.devices.len()) }
}

/// What became of a device; NULL if there are not so many. Every device of every recipient, and every other
/// one of the account, is in the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_device(
    action: *const omemo_action,
    index: usize,
) -> *const omemo_device_report {
    let get = |action: &omemo_action| action.devices.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), get) }
}

/// How many members of a room get nothing of a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_left_out_count(action: *const omemo_action) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.left_out.len()) }
}

/// A member of a room who gets nothing of a message; NULL if there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_left_out(
    action: *const omemo_action,
    index: usize,
) -> *const omemo_left_out {
    let get = |action: &omemo_action| {
        action
            .left_out
            .get(index)
            .map_or(ptr::null(), ptr::from_ref)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), get) }
}

/// How many device lists could not be looked up for a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_list_count(action: *const omemo_action) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.lists.len()) }
}

/// A device list that could not be looked up, one of the account itself perhaps; NULL if there are not so
/// many. Where an older list is known, it was used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_list(
    action: *const omemo_action,
    index: usize,
) -> *const omemo_list_report {
    let get = |action: &omemo_action| action.lists.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), get) }
}

/// How many keys somebody has to decide about.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_key_count(action: *const omemo_action) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.keys.len()) }
}

/// A key that somebody has to decide about; NULL if there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_key(
    action: *const omemo_action,
    index: usize,
) -> *const omemo_undecided_key {
    let get = |action: &omemo_action| action.keys.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), get) }
}

/// Frees an action, and overwrites what it says. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_free(action: *mut omemo_action) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(action) }
}

fn of<T>(part: &Option<T>) -> *const T {
    part.as_ref().map_or(ptr::null(), ptr::from_ref)
}

impl omemo_action {
    pub(super) fn new(action: Action) -> Self {
        use omemo_action_type::*;
        match action {
            Action::Request(request) => Self::of_request(&request),
            Action::Encrypted(message) => {
                let mut made = Self::empty(OMEMO_ACTION_ENCRYPTED);
                made.ticket = message.ticket.get();
                made.stanza = Some(Text::new(&message.stanza));
                made.devices = devices(&message.report, &mut made.texts);
                made.left_out = left_out(&message.report, &mut made.texts);
                made.lists = lists(&message.report, &mut made.texts);
                made.lost = lost(&message.left_out, &mut made.texts);
                made
            }
            Action::Refused(refused) => {
                let mut made = Self::empty(OMEMO_ACTION_REFUSED);
                made.ticket = refused.ticket.get();
                let (known, report) = refusal(&refused.reason, &mut made.texts);
                made.refusal = Some(known);
                made.lost = lost(&refused.left_out, &mut made.texts);
                if let Some(report) = report {
                    made.devices = devices(report, &mut made.texts);
                    made.left_out = left_out(report, &mut made.texts);
                    made.lists = lists(report, &mut made.texts);
                }
                made
            }
            Action::Send(stanza) => {
                let mut made = Self::empty(OMEMO_ACTION_SEND);
                made.stanza = Some(Text::new(&stanza));
                made
            }
            Action::Deliver(delivery) => Self::of_delivery(*delivery),
            Action::Undecryptable(what) => {
                let mut made = Self::empty(OMEMO_ACTION_UNDECRYPTABLE);
                made.stanza = Some(Text::new(&what.stanza));
                let (known, sender) = describe(&what, &mut made.texts);
                made.undecryptable = Some(known);
                made.sender = sender;
                made.is_archived(what.archived.as_ref());
                made
            }
            Action::Archived(known) => {
                let mut made = Self::empty(OMEMO_ACTION_ARCHIVED);
                made.is_archived(Some(&known.archived));
                match &known.message {
                    ArchivedMessage::Read(id) => {
                        made.message = Some(omemo_message_id {
                            bytes: *id.as_bytes(),
                        });
                    }
                    ArchivedMessage::Sent(stanza) => made.stanza = Some(Text::new(stanza)),
                }
                made
            }
            Action::DecideTrust(question) => {
                let mut made = Self::empty(OMEMO_ACTION_DECIDE_TRUST);
                made.ticket = question.ticket.get();
                made.keys = undecided(&question.keys, &mut made.texts);
                made
            }
            Action::DecideIdentity(question) => {
                let mut made = Self::empty(OMEMO_ACTION_DECIDE_IDENTITY);
                made.ticket = question.ticket.get();
                made.changed = changed(&question.changed, &mut made.texts);
                made
            }
            Action::Prepared(prepared) => {
                let mut made = Self::empty(OMEMO_ACTION_PREPARED);
                made.ticket = prepared.ticket.get();
                made.keys = undecided(&prepared.keys, &mut made.texts);
                made.changed = changed(&prepared.changed, &mut made.texts);
                made
            }
            Action::Notice(notice) => Self::of_notice(&notice),
            Action::AskMembers(room) => {
                let mut made = Self::empty(OMEMO_ACTION_ASK_MEMBERS);
                made.room = made.texts.add(room.as_str());
                made
            }
            Action::WakeAt(time) => {
                let mut made = Self::empty(OMEMO_ACTION_WAKE_AT);
                made.time = time.as_millis();
                made
            }
        }
    }

    fn is_archived(&mut self, archived: Option<&ArchiveId>) {
        if let Some(archived) = archived {
            self.archive = self.texts.add(archived.archive.as_str());
            self.archive_id = self.texts.add(&archived.id);
        }
    }

    /// For the log.
    pub(super) const fn name(&self) -> &'static str {
        use omemo_action_type::*;
        match self.kind {
            OMEMO_ACTION_REQUEST => "action: request",
            OMEMO_ACTION_ENCRYPTED => "action: encrypted",
            OMEMO_ACTION_REFUSED => "action: refused",
            OMEMO_ACTION_SEND => "action: send",
            OMEMO_ACTION_DELIVER => "action: deliver",
            OMEMO_ACTION_UNDECRYPTABLE => "action: undecryptable",
            OMEMO_ACTION_DECIDE_TRUST => "action: decide about trust",
            OMEMO_ACTION_NOTICE => "action: notice",
            OMEMO_ACTION_WAKE_AT => "action: wake at",
            OMEMO_ACTION_DECIDE_IDENTITY => "action: decide about an identity",
            OMEMO_ACTION_PREPARED => "action: prepared",
            OMEMO_ACTION_ASK_MEMBERS => "action: ask members",
            OMEMO_ACTION_ARCHIVED => "action: archived",
        }
    }

    fn empty(kind: omemo_action_type) -> Self {
        Self {
            kind,
            stanza: None,
            ticket: 0,
            time: 0,
            sender: ptr::null(),
            room: ptr::null(),
            message: None,
            archive: ptr::null(),
            archive_id: ptr::null(),
            request: None,
            delivery: None,
            undecryptable: None,
            refusal: None,
            notice: None,
            devices: Vec::new(),
            left_out: Vec::new(),
            lists: Vec::new(),
            lost: Vec::new(),
            changed: Vec::new(),
            keys: Vec::new(),
            unauthenticated: Unauthenticated::default(),
            texts: Texts::default(),
        }
    }

    fn of_request(request: &IqRequest) -> Self {
        let mut made = Self::empty(omemo_action_type::OMEMO_ACTION_REQUEST);
        made.stanza = Some(Text::new(&request.to_string()));
        made.request = Some(omemo_request {
            id: request.id.get(),
            iq_id: made.texts.add(&request.id.to_string()),
            to: made
                .texts
                .add_some(request.to.as_ref().map(|to| to.as_str())),
            is_set: (request.kind == RequestKind::Set).into(),
            payload: made.texts.add(&request.payload),
            payload_len: request.payload.len(),
        });
        made
    }

    fn of_delivery(delivery: Delivery) -> Self {
        let mut made = Self::empty(omemo_action_type::OMEMO_ACTION_DELIVER);
        made.delivery = Some(omemo_delivery {
            device: delivery.sender.device.get(),
            protocol: protocol_number(delivery.sender.version),
            fingerprint: delivery.fingerprint.into(),
            trust: trust_number(delivery.trust),
            listing: listing_number(delivery.listing),
            origin: origin_number(delivery.origin),
            sent_at_ms: delivery.sent_at.map_or(0, Timestamp::as_millis),
            is_new_key: delivery.is_new_key.into(),
            is_pre_key_reused: delivery.is_pre_key_reused.into(),
            has_other_text: delivery.has_other_text.into(),
            is_again: delivery.is_again.into(),
            written_at_ms: delivery.written_at.map_or(0, Timestamp::as_millis),
        });
        made.is_archived(delivery.archived.as_ref());
        made.message = Some(omemo_message_id {
            bytes: *delivery.id.as_bytes(),
        });
        made.sender = made.texts.add(delivery.sender.jid.as_str());
        made.unauthenticated = Unauthenticated::of(&delivery, &mut made.texts);
        let stanza = zeroize::Zeroizing::new(delivery.stanza);
        made.stanza = Some(Text::new(&stanza));
        made
    }

    fn of_notice(notice: &Notice) -> Self {
        use omemo_notice_kind::*;
        let mut made = Self::empty(omemo_action_type::OMEMO_ACTION_NOTICE);
        let mut known = omemo_notice {
            kind: 0,
            device: 0,
            jid: ptr::null(),
            text: ptr::null(),
            reason: ptr::null(),
            message: made.texts.add(&notice.to_string()),
            count: 0,
        };
        let kind = match notice {
            Notice::NewOwnDevice(device) => {
                known.device = device.get();
                OMEMO_NOTICE_NEW_OWN_DEVICE
            }
            Notice::Downgraded(peer) => {
                known.device = peer.device.get();
                known.jid = made.texts.add(peer.jid.as_str());
                OMEMO_NOTICE_DOWNGRADED
            }
            Notice::NotPublished { node, condition } => {
                known.text = made.texts.add(node);
                known.reason = made.texts.add_some(condition.as_deref());
                OMEMO_NOTICE_NOT_PUBLISHED
            }
            Notice::RolledBack => OMEMO_NOTICE_ROLLED_BACK,
            Notice::RollbackSuspected => OMEMO_NOTICE_ROLLBACK_SUSPECTED,
            Notice::OptedOut { jid, reason } => {
                known.jid = made.texts.add(jid.as_str());
                known.reason = made.texts.add_some(reason.as_deref());
                OMEMO_NOTICE_OPTED_OUT
            }
            Notice::SwitchedOff => OMEMO_NOTICE_SWITCHED_OFF,
            Notice::Evicted { messages } => {
                known.count = *messages;
                OMEMO_NOTICE_EVICTED
            }
            Notice::UpkeepFailed(error) => {
                known.reason = made.texts.add(&error.to_string());
                OMEMO_NOTICE_UPKEEP_FAILED
            }
        };
        known.kind = kind as u32;
        made.notice = Some(known);
        made
    }
}

pub(super) const fn origin_number(origin: Origin) -> u32 {
    let number = match origin {
        Origin::Direct => omemo_origin::OMEMO_ORIGIN_DIRECT,
        Origin::CarbonReceived => omemo_origin::OMEMO_ORIGIN_CARBON_RECEIVED,
        Origin::CarbonSent => omemo_origin::OMEMO_ORIGIN_CARBON_SENT,
        Origin::Archive => omemo_origin::OMEMO_ORIGIN_ARCHIVE,
    };
    number as u32
}

pub(super) const fn listing_number(listing: Listing) -> u32 {
    let number = match listing {
        Listing::Active => omemo_listing::OMEMO_LISTING_ACTIVE,
        Listing::Removed => omemo_listing::OMEMO_LISTING_REMOVED,
        Listing::Never => omemo_listing::OMEMO_LISTING_NEVER,
    };
    number as u32
}
