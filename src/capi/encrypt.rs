//! Encrypting with an account: what is missing before, and the message.

use core::ffi::c_char;
use core::mem::offset_of;
use core::ptr;

use getrandom::SysRng;

use super::account::omemo_account;
use super::boundary::{Caller, Versioned, accessor, call, free};
use super::error::omemo_error;
use super::memory::Texts;
use super::peer::{omemo_fetched_bundle, omemo_peers};
use super::report::omemo_undecided_key;
use super::sent::omemo_sent;
use super::status::omemo_status;
use crate::account::{Outgoing, UndecidedKey};
use crate::model::{PerVersion, Timestamp};

/// What has to be asked for before a message to these accounts reaches all of their devices, and all others
/// of the account itself. Ask again when device lists have come.
///
/// `legacy` and `omemo2` say with which versions the message could be written: 0 or not. `lists` gets the
/// accounts whose device list of a version was never seen (`device` is 0 in them), `bundles` the devices with
/// which there is no session; both are yours to free, and may be empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_missing(
    account: *const omemo_account,
    recipients: *const *const c_char,
    recipient_count: usize,
    legacy: u8,
    omemo2: u8,
    lists: *mut *mut omemo_peers,
    bundles: *mut *mut omemo_peers,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let recipients = caller.jids(recipients, recipient_count)?;
        let (lists, bundles) = (caller.place(lists)?, caller.place(bundles)?);
        let versions = PerVersion {
            legacy: legacy != 0,
            omemo2: omemo2 != 0,
        };
        let missing = account.get().missing(&recipients, versions)?;
        lists.give(omemo_peers::accounts(&missing.device_lists));
        bundles.give(omemo_peers::new(&missing.bundles));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Takes note of the keys in bundles that were fetched, as `omemo_account_encrypt` would: so that the user
/// can be asked about them before (`omemo_account_undecided`). What is no good is passed over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_meet(
    account: *mut omemo_account,
    bundles: *const omemo_fetched_bundle,
    bundle_count: usize,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let bundles = caller.bundles(bundles, bundle_count)?;
        Ok(account
            .get()
            .meet(&bundles, Timestamp::from_millis(now_ms))?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Keys that somebody has to decide about. Threads: one at a time, or several that only read.
pub struct omemo_undecided_keys {
    keys: Vec<omemo_undecided_key>,
    _texts: Texts,
}

/// The keys of devices that a message to these accounts would leave out, as nobody has decided about them;
/// those of own devices among them. `keys` gets a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_undecided(
    account: *const omemo_account,
    recipients: *const *const c_char,
    recipient_count: usize,
    keys: *mut *mut omemo_undecided_keys,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let recipients = caller.jids(recipients, recipient_count)?;
        let place = caller.place(keys)?;
        let undecided = account.get().undecided(&recipients)?;
        place.give(omemo_undecided_keys::new(&undecided));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How many keys there are; 0 if `keys` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_undecided_keys_count(keys: *const omemo_undecided_keys) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(keys, 0, |keys| keys.keys.len()) }
}

/// One of the keys; NULL if there are not so many. There as long as `keys` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_undecided_keys_get(
    keys: *const omemo_undecided_keys,
    index: usize,
) -> *const omemo_undecided_key {
    let get = |keys: &omemo_undecided_keys| keys.keys.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(keys, ptr::null(), get) }
}

/// Frees a list of keys; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_undecided_keys_free(keys: *mut omemo_undecided_keys) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(keys) }
}

/// What is to be sent. Set all of it to zero, then `struct_size` and what there is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_outgoing {
    /// sizeof (omemo_outgoing).
    pub struct_size: usize,
    /// The accounts that are to read it; in a room, all that may. The account itself need not be among
    /// them: its other devices always are.
    pub recipients: *const *const c_char,
    /// The number of `recipients`.
    pub recipient_count: usize,
    /// What a legacy element is to contain: the text of the body (`omemo_plain_payload`). NULL: that version
    /// is not used.
    pub legacy: *const u8,
    /// The bytes of `legacy`.
    pub legacy_len: usize,
    /// What an element of OMEMO 2 is to contain: an envelope (`omemo_plain_payload`). NULL: that version is
    /// not used.
    pub omemo2: *const u8,
    /// The bytes of `omemo2`.
    pub omemo2_len: usize,
    /// The bundles that were fetched for it: see `omemo_account_missing`.
    pub bundles: *const omemo_fetched_bundle,
    /// The number of `bundles`.
    pub bundle_count: usize,
}

// SAFETY: integers and pointers only.
unsafe impl Versioned for omemo_outgoing {
    const OLDEST: usize = offset_of!(Self, bundle_count) + size_of::<usize>();
}

/// Encrypts a message for all devices of the recipients, and for the account's own other devices. `sent`
/// gets an object that is yours to free: what is to be sent, and a report about every device. It may be sent
/// as often as needed; encrypting again makes another message.
///
/// Errors: OMEMO_ERROR_REFUSED: the message may not go out like this, and `omemo_error_refusal` and
/// `omemo_error_device` say why; keys that were seen for the first time are stored, so that the user can decide
/// about them. OMEMO_ERROR_PAYLOAD. No session has moved then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_encrypt(
    account: *mut omemo_account,
    outgoing: *const omemo_outgoing,
    now_ms: u64,
    sent: *mut *mut omemo_sent,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let given = caller.sized(outgoing)?;
        let recipients = caller.jids(given.recipients, given.recipient_count)?;
        let payloads = PerVersion {
            legacy: caller.some_bytes(given.legacy, given.legacy_len)?,
            omemo2: caller.some_bytes(given.omemo2, given.omemo2_len)?,
        };
        let bundles = caller.bundles(given.bundles, given.bundle_count)?;
        let (place, now) = (caller.place(sent)?, Timestamp::from_millis(now_ms));
        let outgoing = Outgoing {
            recipients: &recipients,
            payloads,
            bundles: &bundles,
        };
        let sent = account.get().encrypt(&outgoing, now, &mut SysRng)?;
        place.give(omemo_sent::new(sent.elements, &sent.report));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

impl omemo_undecided_keys {
    fn new(undecided: &[UndecidedKey]) -> Self {
        let mut texts = Texts::default();
        let keys = undecided.iter().map(|key| omemo_undecided_key {
            jid: texts.add(key.jid.as_str()),
            device: key.device.get(),
            fingerprint: key.fingerprint.into(),
        });
        Self {
            keys: keys.collect(),
            _texts: texts,
        }
    }
}
