//! What the user changes on the account's own device lists.

use core::ffi::c_char;

use super::boundary::{Caller, call};
use super::client::omemo_client;
use super::device::device_id;
use super::error::omemo_error;
use super::status::omemo_status;
use crate::model::Timestamp;

/// Names this device for the user's other clients, as `omemo_account_set_label` does, and publishes the name:
/// now, or with the next connection.
///
/// Errors: OMEMO_ERROR_ACCOUNT_LABEL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_set_label(
    client: *mut omemo_client,
    label: *const c_char,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let label = caller.some_word(label)?;
        let now = Timestamp::from_millis(now_ms);
        let client = caller.handle(client)?;
        client.change("set_label", |client| Ok(client.set_label(label, now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Takes devices that are gone off the account's own lists, and publishes them: now, or with the next
/// connection of this handle. Nothing is encrypted for them from now on. A device that is still in use puts
/// itself back. This one is passed over: it leaves by `omemo_client_switch_off`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_remove_own_devices(
    client: *mut omemo_client,
    devices: *const u32,
    count: usize,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let devices = caller.array(devices, count)?;
        let devices: Result<Vec<_>, _> = devices.iter().map(|id| device_id(*id)).collect();
        let (devices, now) = (devices?, Timestamp::from_millis(now_ms));
        let client = caller.handle(client)?;
        client.change("remove_own_devices", |client| {
            Ok(client.remove_own_devices(&devices, now)?)
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
