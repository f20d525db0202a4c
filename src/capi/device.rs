//! The devices of accounts.

use core::ffi::c_char;

use getrandom::SysRng;

use super::account::{omemo_account, omemo_protocol};
use super::boundary::{Caller, accessor, call, free};
use super::error::{Failure, omemo_error};
use super::memory::Texts;
use super::status::omemo_status;
use super::trust::omemo_fingerprint;
use crate::account::{DeviceInfo, DeviceVersion};
use crate::model::{DeviceId, Timestamp, Version};

/// What is known of a device in one version.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_device_version {
    /// What its user calls it; NULL if nothing. Signed with the identity that the device has shown.
    pub label: *const c_char,
    /// When it came to the account's list, or left it; 0 if never.
    pub listed_changed_ms: u64,
    /// The number of sessions, old ones among them.
    pub sessions: u32,
    /// 1 if it is on the list.
    pub is_listed: u8,
    /// 1 if it is known to read this version.
    pub speaks: u8,
    /// 1 if there is a session that can be sent on.
    pub has_session: u8,
}

/// What is known of a device. Later versions of the library may add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_device {
    /// Its id.
    pub id: u32,
    /// 1 if its identity key was seen.
    pub has_fingerprint: u8,
    /// Its identity key; zeros if it was not seen.
    pub fingerprint: omemo_fingerprint,
    /// When it was seen first, in milliseconds since 1970.
    pub first_seen_ms: u64,
    /// When something from it was decrypted last, to the hour; 0 if never.
    pub heard_ms: u64,
    /// What is known of it in the legacy version.
    pub legacy: omemo_device_version,
    /// What is known of it in OMEMO 2.
    pub omemo2: omemo_device_version,
}

/// The devices of an account. Threads: one at a time, or several that only read.
pub struct omemo_devices {
    devices: Vec<omemo_device>,
    _texts: Texts,
}

/// The devices of an account that are known, those that have left its lists among them; of the own account
/// the others. `devices` gets a list that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_devices(
    account: *const omemo_account,
    jid: *const c_char,
    devices: *mut *mut omemo_devices,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let place = caller.place(devices)?;
        let mut texts = Texts::default();
        let infos = account.get().devices(&jid)?;
        let devices = infos.iter().map(|info| device(info, &mut texts)).collect();
        place.give(omemo_devices {
            devices,
            _texts: texts,
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How many devices there are; 0 if `devices` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_devices_count(devices: *const omemo_devices) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(devices, 0, |devices| devices.devices.len()) }
}

/// One of the devices; NULL if there are not so many. There as long as `devices` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_devices_get(
    devices: *const omemo_devices,
    index: usize,
) -> *const omemo_device {
    let get = |devices: &omemo_devices| {
        let device = devices.devices.get(index);
        device.map_or(core::ptr::null(), core::ptr::from_ref)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(devices, core::ptr::null(), get) }
}

/// Frees a list of devices; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_devices_free(devices: *mut omemo_devices) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(devices) }
}

/// Says that a device can read a version (an omemo_protocol), as an application may know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_set_speaks(
    account: *mut omemo_account,
    jid: *const c_char,
    device: u32,
    protocol: u32,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        let (device, version) = (device_id(device)?, version_of(protocol)?);
        let now = Timestamp::from_millis(now_ms);
        Ok(account.get().set_speaks(&jid, device, version, now)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Takes devices off the account's own lists: nothing is encrypted for them from now on. The lists are to be
/// published after it; `omemo_client_remove_own_devices` does both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_remove_own_devices(
    account: *mut omemo_account,
    devices: *const u32,
    count: usize,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let devices = caller.array(devices, count)?;
        let devices: Result<Vec<_>, _> = devices.iter().map(|id| device_id(*id)).collect();
        let now = Timestamp::from_millis(now_ms);
        Ok(account.get().remove_own_devices(&devices?, now)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Forgets the identity key and the sessions of a device that the user knows to have been set up anew under
/// its old id: the next key that it shows is a new one. What is thought of the old key stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_forget_device(
    account: *mut omemo_account,
    jid: *const c_char,
    device: u32,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let jid = caller.jid(jid)?;
        Ok(account.get().forget_device(&jid, device_id(device)?)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Names this device for the user's other clients: at most 52 characters of one line. NULL: no name. Others
/// see it, so it should not be the name of a machine. Not a text of exactly 32 or 33 bytes, which would be signed
/// as keys are, and none with characters that are not seen or turn the direction. The list is to be published after it;
/// `omemo_client_set_label` does both.
///
/// Errors: OMEMO_ERROR_ACCOUNT_LABEL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_account_set_label(
    account: *mut omemo_account,
    label: *const c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let account = caller.handle(account)?;
        let label = caller.some_word(label)?;
        Ok(account.get().set_label(label, &mut SysRng)?)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

pub(super) fn device_id(id: u32) -> Result<DeviceId, Failure> {
    DeviceId::new(id).ok_or_else(Failure::value)
}

pub(super) const fn protocol_number(version: Version) -> u32 {
    let number = match version {
        Version::Legacy => omemo_protocol::OMEMO_PROTOCOL_LEGACY,
        Version::Omemo2 => omemo_protocol::OMEMO_PROTOCOL_OMEMO2,
    };
    number as u32
}

pub(super) fn version_of(number: u32) -> Result<Version, Failure> {
    let mut all = Version::ALL.into_iter();
    all.find(|version| protocol_number(*version) == number)
        .ok_or_else(Failure::value)
}

fn device(info: &DeviceInfo, texts: &mut Texts) -> omemo_device {
    omemo_device {
        id: info.id.get(),
        has_fingerprint: info.fingerprint.is_some().into(),
        fingerprint: info.fingerprint.map_or(
            omemo_fingerprint { bytes: [0; 32] },
            omemo_fingerprint::from,
        ),
        first_seen_ms: info.first_seen.as_millis(),
        heard_ms: info.heard.map_or(0, Timestamp::as_millis),
        legacy: device_version(info.versions.get(Version::Legacy), texts),
        omemo2: device_version(info.versions.get(Version::Omemo2), texts),
    }
}

fn device_version(known: &DeviceVersion, texts: &mut Texts) -> omemo_device_version {
    omemo_device_version {
        label: texts.add_some(known.label.as_deref()),
        listed_changed_ms: known.listed_changed.map_or(0, Timestamp::as_millis),
        sessions: u32::try_from(known.sessions).unwrap_or(u32::MAX),
        is_listed: known.listed.into(),
        speaks: known.speaks.into(),
        has_session: known.has_session.into(),
    }
}
