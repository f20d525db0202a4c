//! Requests to nodes: what goes into an `<iq/>`, and what comes back.

use core::ffi::c_char;
use core::ptr;

use super::account::omemo_protocol::{OMEMO_PROTOCOL_LEGACY, OMEMO_PROTOCOL_OMEMO2};
use super::boundary::{Caller, accessor, call, free};
use super::bundle::omemo_bundle;
use super::device::{device_id, version_of};
use super::device_list::omemo_device_list;
use super::error::{Failure, omemo_error};
use super::items::omemo_node::{self, OMEMO_NODE_BUNDLES, OMEMO_NODE_DEVICE_LIST};
use super::memory::Text;
use super::stanza::text_of;
use super::status::omemo_status;
use crate::stanza::{IqAnswer, MaxItems, Node, Request};

/// The namespace of a version (an omemo_protocol): there as long as the library is; NULL if there is no such
/// version.
#[unsafe(no_mangle)]
pub extern "C" fn omemo_protocol_namespace(protocol: u32) -> *const c_char {
    const LEGACY: u32 = OMEMO_PROTOCOL_LEGACY as u32;
    const OMEMO2: u32 = OMEMO_PROTOCOL_OMEMO2 as u32;
    match protocol {
        LEGACY => c"eu.siacs.conversations.axolotl".as_ptr(),
        OMEMO2 => c"urn:xmpp:omemo:2".as_ptr(),
        _ => ptr::null(),
    }
}

/// What a client has among its features (XEP-0115, XEP-0163) to be told when a device list of a version (an
/// omemo_protocol) changes: there as long as the library is; NULL if there is no such version.
#[unsafe(no_mangle)]
pub extern "C" fn omemo_protocol_feature(protocol: u32) -> *const c_char {
    const LEGACY: u32 = OMEMO_PROTOCOL_LEGACY as u32;
    const OMEMO2: u32 = OMEMO_PROTOCOL_OMEMO2 as u32;
    match protocol {
        LEGACY => c"eu.siacs.conversations.axolotl.devicelist+notify".as_ptr(),
        OMEMO2 => c"urn:xmpp:omemo:2:devices+notify".as_ptr(),
        _ => ptr::null(),
    }
}

/// How many items the node of OMEMO 2 bundles may have: one for each device. Where a server refuses a number,
/// take the next.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_max_items {
    /// As many as the server allows.
    OMEMO_MAX_ITEMS_MAX = 1,
    /// 1000.
    OMEMO_MAX_ITEMS_THOUSAND = 2,
    /// 100.
    OMEMO_MAX_ITEMS_HUNDRED = 3,
    /// 10.
    OMEMO_MAX_ITEMS_TEN = 4,
}

/// Writes what publishes a device list: for an `<iq type='set'/>` without a `to`. A server that answers with
/// `precondition-not-met` has a node that is configured differently: `omemo_iq_configure`, then once more.
///
/// `payload` gets text that is yours to free with `omemo_string_free`, and `payload_len`, which may be NULL,
/// its bytes without the zero; as everywhere here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_publish_device_list(
    list: *const omemo_device_list,
    payload: *mut *mut c_char,
    payload_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let list = caller.borrow(list)?;
        let place = caller.text_place(payload, payload_len)?;
        place.put(&Request::publish_device_list(list.get()).payload);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Writes what publishes the bundle of the own device: for an `<iq type='set'/>` without a `to`. `max_items`
/// is an omemo_max_items, which counts in OMEMO 2 only; 0 leaves it to the node, for servers that do not know
/// the option: then `omemo_iq_configure` after it.
///
/// Errors: OMEMO_ERROR_STANZA: others could not read the bundle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_publish_bundle(
    bundle: *const omemo_bundle,
    device: u32,
    max_items: u32,
    payload: *mut *mut c_char,
    payload_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (bundle, device) = (caller.borrow(bundle)?, device_id(device)?);
        let max_items = max_items_of(max_items)?;
        let place = caller.text_place(payload, payload_len)?;
        let request = Request::publish_bundle(device, bundle.get(), max_items)?;
        place.put(&request.payload);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Writes what configures a node of the own account (an omemo_node of a version) as publishing demands it: for
/// an `<iq type='set'/>` without a `to`. `device` counts for legacy bundles only, `max_items` (an
/// omemo_max_items) for those of OMEMO 2 only; 0: OMEMO_MAX_ITEMS_MAX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_configure(
    node: u32,
    protocol: u32,
    device: u32,
    max_items: u32,
    payload: *mut *mut c_char,
    payload_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let node = node_of(node, protocol, device)?;
        let max_items = max_items_of(max_items)?.unwrap_or_default();
        let place = caller.text_place(payload, payload_len)?;
        place.put(&Request::configure(node, max_items).payload);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Writes what asks for a device list: for an `<iq type='get'/>` to the bare address of the account. If what
/// comes is not the item `current` (`omemo_items_has_current`), ask for that too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_fetch_device_list(
    protocol: u32,
    payload: *mut *mut c_char,
    payload_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let version = version_of(protocol)?;
        let place = caller.text_place(payload, payload_len)?;
        place.put(&Request::fetch_device_list(version).payload);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Writes what asks for the item `current` of a device list: for an `<iq type='get'/>` to the bare address of the
/// account.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_fetch_current_device_list(
    protocol: u32,
    payload: *mut *mut c_char,
    payload_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let version = version_of(protocol)?;
        let place = caller.text_place(payload, payload_len)?;
        place.put(&Request::fetch_current_device_list(version).payload);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Writes what asks for the bundle of a device: for an `<iq type='get'/>` to the bare address of the account.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_fetch_bundle(
    protocol: u32,
    device: u32,
    payload: *mut *mut c_char,
    payload_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (version, device) = (version_of(protocol)?, device_id(device)?);
        let place = caller.text_place(payload, payload_len)?;
        place.put(&Request::fetch_bundle(version, device).payload);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Writes what takes the bundle of an own device away: for an `<iq type='set'/>` without a `to`. The device is
/// taken off the list by publishing a list without it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_remove_bundle(
    protocol: u32,
    device: u32,
    payload: *mut *mut c_char,
    payload_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (version, device) = (version_of(protocol)?, device_id(device)?);
        let place = caller.text_place(payload, payload_len)?;
        place.put(&Request::remove_bundle(version, device).payload);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// An `<iq/>` of the type `result` or `error`. What its functions return is there as long as it is.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_iq_answer {
    is_error: bool,
    from: Option<Text>,
    id: Option<Text>,
    conditions: Vec<String>,
}

/// Reads an answer. `answer` gets an object that is yours to free, or NULL if the stanza is none. What it
/// holds: `omemo_items_read`.
///
/// Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_answer_read(
    xml: *const c_char,
    xml_len: usize,
    answer: *mut *mut omemo_iq_answer,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let xml = caller.text(xml, xml_len)?;
        let place = caller.place(answer)?;
        match IqAnswer::read(xml)? {
            None => place.put(ptr::null_mut()),
            Some(answer) => place.give(omemo_iq_answer {
                is_error: answer.is_error,
                from: answer.from.as_deref().map(Text::new),
                id: answer.id.as_deref().map(Text::new),
                conditions: answer.conditions.iter().map(|it| it.to_string()).collect(),
            }),
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// 1 if it is an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_answer_is_error(answer: *const omemo_iq_answer) -> u8 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(answer, 0, |answer| answer.is_error.into()) }
}

/// Who says so; NULL if the own server does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_answer_from(answer: *const omemo_iq_answer) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(answer, ptr::null(), |answer| text_of(&answer.from)) }
}

/// The id of the request; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_answer_id(answer: *const omemo_iq_answer) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(answer, ptr::null(), |answer| text_of(&answer.id)) }
}

/// 1 if it is an error with this condition, as "item-not-found" or "precondition-not-met".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_answer_has(
    answer: *const omemo_iq_answer,
    condition: *const c_char,
) -> u8 {
    if condition.is_null() {
        return 0;
    }
    // SAFETY: the promises at the top of the header.
    unsafe {
        let condition = core::ffi::CStr::from_ptr(condition).to_bytes();
        accessor(answer, 0, |answer| {
            let mut conditions = answer.conditions.iter();
            conditions.any(|found| found.as_bytes() == condition).into()
        })
    }
}

/// Frees an answer; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_iq_answer_free(answer: *mut omemo_iq_answer) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(answer) }
}

fn max_items_of(number: u32) -> Result<Option<MaxItems>, Failure> {
    let all = [
        None,
        Some(MaxItems::Max),
        Some(MaxItems::Thousand),
        Some(MaxItems::Hundred),
        Some(MaxItems::Ten),
    ];
    let found = all.get(number as usize);
    found.copied().ok_or_else(Failure::value)
}

fn node_of(node: u32, protocol: u32, device: u32) -> Result<Node, Failure> {
    let version = version_of(protocol)?;
    let is = |kind: omemo_node| kind as u32 == node;
    if is(OMEMO_NODE_DEVICE_LIST) {
        return Ok(Node::DeviceList(version));
    }
    match (is(OMEMO_NODE_BUNDLES), device) {
        (true, 0) if version == crate::model::Version::Omemo2 => Ok(Node::Omemo2Bundles),
        (true, device) => Ok(Node::of_bundle(version, device_id(device)?)),
        (false, _) => Err(Failure::value()),
    }
}
