//! Device lists: read and written, and taken in by an account.

use core::ffi::c_char;
use core::ptr;

use super::account::omemo_account;
use super::boundary::{Caller, accessor, call, free};
use super::device::{device_id, protocol_number, version_of};
use super::error::{Failure, omemo_error};
use super::memory::{Owned, Texts};
use super::status::omemo_status;
use crate::account::ListChange;
use crate::model::{Device, DeviceId, DeviceList, Timestamp};
use crate::stanza::{read_device_list, write_device_list};

/// One entry of a device list. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_listed_device {
    /// Its id.
    pub id: u32,
    /// What it says that its user calls it, whose signature is *not* verified; NULL if nothing. What is
    /// verified is in omemo_device_version.
    pub label: *const c_char,
}

/// The devices that an account announces for one version (XEP-0384 §5.3.1).
///
/// Threads: one at a time, or several that only read.
pub struct omemo_device_list {
    list: DeviceList,
    devices: Vec<omemo_listed_device>,
    _texts: Texts,
}

impl omemo_device_list {
    pub(super) fn new(list: DeviceList) -> Self {
        let mut texts = Texts::default();
        let devices = list.devices.iter().map(|device| omemo_listed_device {
            id: device.id.get(),
            label: texts.add_some(device.label.as_ref().map(|label| label.text.as_str())),
        });
        Self {
            devices: devices.collect(),
            list,
            _texts: texts,
        }
    }

    pub(super) const fn get(&self) -> &DeviceList {
        &self.list
    }
}

/// Makes a list of ids, without labels; `count` may be 0. `list` gets an object that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_device_list_new(
    protocol: u32,
    devices: *const u32,
    count: usize,
    list: *mut *mut omemo_device_list,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let version = version_of(protocol)?;
        let place = caller.place(list)?;
        let ids = caller.array(devices, count)?.iter();
        let device = |id: &u32| {
            let id = device_id(*id)?;
            Ok::<_, Failure>(Device { id, label: None })
        };
        let devices = ids.map(device).collect::<Result<_, _>>()?;
        place.give(omemo_device_list::new(DeviceList { version, devices }));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Reads the element `<list/>` or `<devices/>` of a version (an omemo_protocol). Of a whole stanza:
/// `omemo_items_read`.
///
/// `list` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_device_list_read(
    protocol: u32,
    xml: *const c_char,
    xml_len: usize,
    list: *mut *mut omemo_device_list,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (version, xml) = (version_of(protocol)?, caller.text(xml, xml_len)?);
        let place = caller.place(list)?;
        place.give(omemo_device_list::new(read_device_list(version, xml)?));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Writes the element. `xml` gets text that is yours to free with `omemo_string_free`, and `xml_len`, which
/// may be NULL, its bytes without the zero. To publish it: `omemo_iq_publish_device_list`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_device_list_write(
    list: *const omemo_device_list,
    xml: *mut *mut c_char,
    xml_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let list = caller.borrow(list)?;
        let place = caller.text_place(xml, xml_len)?;
        place.put(&write_device_list(&list.list));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The version: an omemo_protocol; 0 if `list` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_device_list_protocol(list: *const omemo_device_list) -> u32 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(list, 0, |list| protocol_number(list.list.version)) }
}

/// How many devices are on it; 0 if `list` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_device_list_count(list: *const omemo_device_list) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(list, 0, |list| list.devices.len()) }
}

/// One of its devices; NULL if there are not so many. There as long as `list` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_device_list_get(
    list: *const omemo_device_list,
    index: usize,
) -> *const omemo_listed_device {
    let get = |list: &omemo_device_list| list.devices.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(list, ptr::null(), get) }
}

/// Frees a device list; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_device_list_free(list: *mut omemo_device_list) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(list) }
}

/// What a device list has changed. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_list_change {
    /// Devices that were not on it before; NULL if there are none, as for the others.
    pub added: *const u32,
    /// The number of `added`.
    pub added_count: usize,
    /// Devices that have left it.
    pub removed: *const u32,
    /// The number of `removed`.
    pub removed_count: usize,
    /// Devices that are announced for an older version only, and have spoken a newer one.
    pub downgraded: *const u32,
    /// The number of `downgraded`.
    pub downgraded_count: usize,
    /// 1 if it is the account's own list and lacks this device: publish it with it, at `announce_at_ms`.
    pub is_to_announce: u8,
    /// When. At once, and later and later if somebody takes the device off the list again and again.
    pub announce_at_ms: u64,
}

/// What an omemo_list_change points to.
type Ids = [Vec<u32>; 3];

/// Takes in a device list of an account as its server gave it: the newest, whole. Also an empty one, for an
/// account that has none (`omemo_device_list_new`).
///
/// `change`, which may be NULL, gets a struct that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_set_device_list(
    account: *mut omemo_account,
    jid: *const c_char,
    list: *const omemo_device_list,
    now_ms: u64,
    change: *mut *mut omemo_list_change,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let (list, now) = (caller.borrow(list)?, Timestamp::from_millis(now_ms));
        let changed = account.get().set_device_list(&jid, &list.list, now)?;
        if let Some(place) = caller.some_place(change) {
            let (change, ids) = describe(&changed);
            Owned::give(place, change, ids);
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Frees what a device list has changed; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_list_change_free(change: *mut omemo_list_change) {
    // SAFETY: the promises at the top of the header; every one that C has is in an `Owned`.
    unsafe { free(change.cast::<Owned<omemo_list_change, Ids>>()) }
}

/// The account's own device list as it should be published: what is known to be on it, and this device.
/// `list` gets an object that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_own_device_list(
    account: *const omemo_account,
    protocol: u32,
    list: *mut *mut omemo_device_list,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let version = version_of(protocol)?;
        let place = caller.place(list)?;
        let own = account.get().own_device_list(version)?;
        place.give(omemo_device_list::new(own));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says that the list with this device on it was published.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_device_list_published(
    account: *mut omemo_account,
    protocol: u32,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (version, now) = (version_of(protocol)?, Timestamp::from_millis(now_ms));
        Ok(account.get().device_list_published(version, now)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// When the device list of an account was first seen as it is now, in milliseconds since 1970: `seen_ms` gets 0
/// if none was ever seen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_device_list_seen(
    account: *const omemo_account,
    jid: *const c_char,
    protocol: u32,
    seen_ms: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let (jid, version) = (caller.jid(jid)?, version_of(protocol)?);
        let place = caller.place(seen_ms)?;
        let seen = account.get().device_list_seen(&jid, version)?;
        place.put(seen.map_or(0, Timestamp::as_millis));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Draws another device id, as this one is taken: a device of the account is on the list under it. Only
/// before anything was published under it. `taken` are ids that it must not be.
///
/// Errors: OMEMO_ERROR_STATE if the account is that of a client, which does it itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_change_device_id(
    account: *mut omemo_account,
    taken: *const u32,
    count: usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let taken = caller.array(taken, count)?.iter();
        let taken: Vec<DeviceId> = taken.map(|id| device_id(*id)).collect::<Result<_, _>>()?;
        account.change_device_id(&taken)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

fn describe(change: &ListChange) -> (omemo_list_change, Ids) {
    let numbers = |ids: &[DeviceId]| ids.iter().map(|id| id.get()).collect::<Vec<_>>();
    let ids = [
        numbers(&change.added),
        numbers(&change.removed),
        numbers(&change.downgraded),
    ];
    let [added, removed, downgraded] = &ids;
    let start = |ids: &[u32]| ids.first().map_or(ptr::null(), ptr::from_ref);
    let known = omemo_list_change {
        added: start(added),
        added_count: added.len(),
        removed: start(removed),
        removed_count: removed.len(),
        downgraded: start(downgraded),
        downgraded_count: downgraded.len(),
        is_to_announce: change.announce_at.is_some().into(),
        announce_at_ms: change.announce_at.map_or(0, Timestamp::as_millis),
    };
    (known, ids)
}
