//! Decrypting with an account: a stanza, or a page of an archive.

use core::ffi::c_char;
use core::mem::offset_of;

use getrandom::SysRng;

use super::account::omemo_account;
use super::boundary::{Caller, Versioned, call};
use super::error::{Failure, omemo_error};
use super::peer::{omemo_fetched_bundle, omemo_peers};
use super::reading::{omemo_reading, omemo_readings};
use super::stanza::omemo_stanza;
use super::status::omemo_status;
use crate::account::{Arrival, Bundles, Candidates, CatchUpId, Incoming, Sender};
use crate::model::{BareJid, Timestamp};
use crate::stanza::author;

/// How a stanza came.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_arrival {
    /// From the stream, just after it was written.
    OMEMO_ARRIVAL_LIVE = 1,
    /// From an archive, in the order that was said to `omemo_account_begin_catch_up`, whose number is `catch_up`.
    OMEMO_ARRIVAL_ARCHIVED = 2,
    /// From the stream, in the order in which it was written, but later: it has a `<delay/>`; or from a room.
    OMEMO_ARRIVAL_DELAYED = 3,
}

/// What is known of who sent a stanza.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_evidence {
    /// The one in `senders`: its server says so, or a room that shows its occupants, of one who is there now.
    OMEMO_EVIDENCE_ACCOUNT = 1,
    /// One of those in `senders`, and nobody else: the members of a room, where it is not known who it was. All are
    /// weighed before one is named.
    OMEMO_EVIDENCE_CANDIDATES = 2,
    /// One of those in `senders`, or somebody else. A message that starts a session is nobody's then.
    OMEMO_EVIDENCE_SOME_CANDIDATES = 3,
    /// Nobody can be named. `sender_count` is 0.
    OMEMO_EVIDENCE_NOBODY = 4,
}

/// A stanza that is to be decrypted. Set all of it to zero, then `struct_size`, `senders` and `stanza`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_incoming {
    /// sizeof (omemo_incoming).
    pub struct_size: usize,
    /// Who sent it: the real account, also in a room. Several, where it is not known who: all who may have. A
    /// nickname says who it was in a message that has just come, without a `<delay/>`, and not in a room's
    /// history or archive.
    pub senders: *const *const c_char,
    /// The number of `senders`: 1, as a rule.
    pub sender_count: usize,
    /// What was read of it.
    pub stanza: *const omemo_stanza,
    /// What else you need of it: kept with the message, and handed out with it. NULL: nothing.
    pub attached: *const u8,
    /// The bytes of `attached`.
    pub attached_len: usize,
    /// How it came: an omemo_arrival. 0: OMEMO_ARRIVAL_LIVE.
    pub arrival: u32,
    /// 0.
    pub reserved: u32,
    /// For OMEMO_ARRIVAL_ARCHIVED: the catch-up that it belongs to.
    pub catch_up: u64,
    /// Of several senders: what came of asking for the bundles that `omemo_account_bundles_to_tell` has named. Leave
    /// out what nobody could be asked for.
    pub bundles: *const omemo_fetched_bundle,
    /// The number of `bundles`.
    pub bundle_count: usize,
    /// An omemo_evidence. 0: OMEMO_EVIDENCE_ACCOUNT for one sender, OMEMO_EVIDENCE_CANDIDATES for several.
    pub evidence: u32,
}

// SAFETY: integers and pointers only.
unsafe impl Versioned for omemo_incoming {
    const OLDEST: usize = offset_of!(Self, reserved) + size_of::<u32>();
}

/// Decrypts a stanza. `reading` gets an object that is yours to free: what became of it. What is wrong with
/// the stanza is no error, but an outcome.
///
/// After an error nothing has changed: give the stanza again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_decrypt(
    account: *mut omemo_account,
    incoming: *const omemo_incoming,
    now_ms: u64,
    reading: *mut *mut omemo_reading,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let given = Given::read(caller, incoming)?;
        let (place, now) = (caller.place(reading)?, Timestamp::from_millis(now_ms));
        let received = account.get().decrypt(&given.incoming(), now, &mut SysRng)?;
        place.give(omemo_reading::new(&received));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Decrypts stanzas one after the other, and stores what they change at once: a page of an archive. `page`
/// are pointers to them.
///
/// `readings` gets a list that is yours to free, in the order of the stanzas. It can be shorter than the page,
/// if more would not fit into one write, but has at least one (if the page has): *give the stanzas that are
/// behind it again*. After an error nothing has changed: give all of them again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_decrypt_page(
    account: *mut omemo_account,
    page: *const *const omemo_incoming,
    count: usize,
    now_ms: u64,
    readings: *mut *mut omemo_readings,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let page = caller.array(page, count)?.iter();
        let given: Vec<_> = page
            .map(|incoming| Given::read(caller, *incoming))
            .collect::<Result<_, _>>()?;
        let (place, now) = (caller.place(readings)?, Timestamp::from_millis(now_ms));
        let page: Vec<_> = given.iter().map(Given::incoming).collect();
        let received = account.get().decrypt_page(&page, now, &mut SysRng)?;
        place.give(received.iter().map(omemo_reading::new).collect());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The bundles that are to be fetched before a stanza of several senders can be read, whose outcome was
/// OMEMO_UNDECRYPTABLE_AMBIGUOUS_SENDER: of devices that may have made it, and whose identity key nobody knows.
/// Give it again with what came of them. `peers` gets a list that is yours to free; it is empty if they would not
/// help.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_bundles_to_tell(
    account: *const omemo_account,
    incoming: *const omemo_incoming,
    peers: *mut *mut omemo_peers,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let given = Given::read(caller, incoming)?;
        let place = caller.place(peers)?;
        let to_fetch = account.get().bundles_to_tell(&given.incoming())?;
        place.give(omemo_peers::new(&to_fetch));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// What is known of who sent it.
#[derive(Clone, Copy)]
enum Evidence {
    Account,
    Candidates { are_all: bool },
    Nobody,
}

/// A stanza of a caller's.
struct Given<'c> {
    senders: Vec<BareJid>,
    evidence: Evidence,
    bundles: Bundles,
    stanza: &'c omemo_stanza,
    attached: &'c [u8],
    arrival: Arrival,
}

impl<'c> Given<'c> {
    fn read(caller: &'c Caller, incoming: *const omemo_incoming) -> Result<Self, Failure> {
        let given = caller.sized(incoming)?;
        const LIVE: u32 = omemo_arrival::OMEMO_ARRIVAL_LIVE as u32;
        const DELAYED: u32 = omemo_arrival::OMEMO_ARRIVAL_DELAYED as u32;
        const ARCHIVED: u32 = omemo_arrival::OMEMO_ARRIVAL_ARCHIVED as u32;
        let arrival = match given.arrival {
            0 | LIVE => Arrival::Live,
            DELAYED => Arrival::Delayed,
            ARCHIVED => Arrival::Archived(CatchUpId::from_number(given.catch_up)),
            _ => return Err(Failure::value()),
        };
        const ACCOUNT: u32 = omemo_evidence::OMEMO_EVIDENCE_ACCOUNT as u32;
        const ALL: u32 = omemo_evidence::OMEMO_EVIDENCE_CANDIDATES as u32;
        const SOME: u32 = omemo_evidence::OMEMO_EVIDENCE_SOME_CANDIDATES as u32;
        const NOBODY: u32 = omemo_evidence::OMEMO_EVIDENCE_NOBODY as u32;
        if given.reserved != 0 {
            return Err(Failure::value());
        }
        let evidence = match (given.evidence, given.sender_count) {
            (0 | ACCOUNT, 1) => Evidence::Account,
            (0, 2..) | (ALL, 1..) => Evidence::Candidates { are_all: true },
            (SOME, 1..) => Evidence::Candidates { are_all: false },
            (NOBODY, 0) => Evidence::Nobody,
            _ => return Err(Failure::value()),
        };
        Ok(Self {
            evidence,
            bundles: caller.bundles(given.bundles, given.bundle_count)?,
            senders: caller.jids(given.senders, given.sender_count)?,
            stanza: caller.borrow(given.stanza)?,
            attached: caller
                .some_bytes(given.attached, given.attached_len)?
                .unwrap_or_default(),
            arrival,
        })
    }

    fn incoming(&self) -> Incoming<'_> {
        Incoming {
            sender: match (self.evidence, self.senders.first()) {
                (Evidence::Account, Some(sender)) => Sender::Known(sender),
                (Evidence::Candidates { are_all }, Some(_)) => Sender::OneOf(Candidates {
                    accounts: &self.senders,
                    are_all,
                    bundles: &self.bundles,
                }),
                _ => Sender::Nobody,
            },
            elements: self.stanza.encrypted(),
            arrival: self.arrival,
            author: Some(author),
            attached: self.attached,
        }
    }
}
