//! What a node holds, as a stanza shows it: device lists and bundles.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, accessor, call, free};
use super::bundle::omemo_bundle;
use super::device::{device_id, protocol_number};
use super::device_list::omemo_device_list;
use super::error::omemo_error;
use super::memory::Text;
use super::stanza::text_of;
use super::status::omemo_status;
use crate::model::{Bundle, DeviceList};
use crate::stanza::{Items, Node, Source, StanzaError};

/// Stanzas that show items of a node.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_source {
    /// The answer to a request for items: there are none but these, as far as was asked.
    OMEMO_SOURCE_RESULT = 1,
    /// A notification of new items.
    OMEMO_SOURCE_EVENT = 2,
    /// A notification that the node was emptied or deleted: it has no items any more.
    OMEMO_SOURCE_REMOVAL = 3,
    /// A request to publish an item.
    OMEMO_SOURCE_PUBLISH = 4,
}

/// A node of OMEMO.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_node {
    /// The device list of an account.
    OMEMO_NODE_DEVICE_LIST = 1,
    /// Bundles: of one device in legacy, of all in OMEMO 2.
    OMEMO_NODE_BUNDLES = 2,
}

/// Items of a node of OMEMO. Nothing of it is authentic: an answer counts only if you have asked, a
/// notification only for the account that it is from.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_items {
    source: Source,
    node: Node,
    from: Option<Text>,
    has_current: bool,
    list: Result<Option<DeviceList>, StanzaError>,
    /// What is there of each device.
    bundles: Vec<(u32, Result<Option<Bundle>, StanzaError>)>,
}

/// Reads a stanza, `<message/>` or `<iq/>`, that may show items of a node of OMEMO. `items` gets an object
/// that is yours to free, or NULL if there is nothing such in it.
///
/// Errors: OMEMO_ERROR_STANZA. What is wrong with an item, the functions say that ask for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_read(
    xml: *const c_char,
    xml_len: usize,
    items: *mut *mut omemo_items,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let xml = caller.text(xml, xml_len)?;
        let place = caller.place(items)?;
        match Items::read(xml)? {
            None => place.put(ptr::null_mut()),
            Some(items) => {
                let devices = items.bundle_devices();
                let bundles = devices.map(|device| (device.get(), items.bundle(device)));
                place.give(omemo_items {
                    source: items.source,
                    node: items.node,
                    from: items.from.as_deref().map(Text::new),
                    has_current: items.has_current(),
                    list: items.device_list(),
                    bundles: bundles.collect(),
                });
            }
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// What kind of stanza it was: an omemo_source; 0 if `items` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_source(items: *const omemo_items) -> u32 {
    let get = |items: &omemo_items| {
        let source = match items.source {
            Source::Result => omemo_source::OMEMO_SOURCE_RESULT,
            Source::Event => omemo_source::OMEMO_SOURCE_EVENT,
            Source::Removal => omemo_source::OMEMO_SOURCE_REMOVAL,
            Source::Publish => omemo_source::OMEMO_SOURCE_PUBLISH,
        };
        source as u32
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(items, 0, get) }
}

/// The node: an omemo_node; 0 if `items` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_node(items: *const omemo_items) -> u32 {
    let get = |items: &omemo_items| {
        let node = match items.node {
            Node::DeviceList(_) => omemo_node::OMEMO_NODE_DEVICE_LIST,
            Node::LegacyBundle(_) | Node::Omemo2Bundles => omemo_node::OMEMO_NODE_BUNDLES,
        };
        node as u32
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(items, 0, get) }
}

/// The version of the node: an omemo_protocol; 0 if `items` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_protocol(items: *const omemo_items) -> u32 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(items, 0, |items| protocol_number(items.node.version())) }
}

/// The attribute `from` of the stanza: whose node it is. There as long as `items` is; NULL if there is none:
/// the own account's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_from(items: *const omemo_items) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(items, ptr::null(), |items| text_of(&items.from)) }
}

/// 1 if the item `current` is among them: the only one of a node for one item. Some servers send the item that
/// was made last instead of the one that was published last. If what came is not `current`, there may be one all
/// the same: `omemo_iq_fetch_current_device_list`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_has_current(items: *const omemo_items) -> u8 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(items, 0, |items| items.has_current.into()) }
}

/// The device list in it. `list` gets an object that is yours to free, or NULL if there is none.
///
/// Errors: OMEMO_ERROR_STANZA: what is there is no device list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_device_list(
    items: *const omemo_items,
    list: *mut *mut omemo_device_list,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let items = caller.borrow(items)?;
        let place = caller.place(list)?;
        match items.list.clone()? {
            None => place.put(ptr::null_mut()),
            Some(list) => place.give(omemo_device_list::new(list)),
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How many bundles are in it, readable or not; 0 if `items` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_bundle_count(items: *const omemo_items) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(items, 0, |items| items.bundles.len()) }
}

/// The device whose bundle it is; 0 if there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_bundle_device(items: *const omemo_items, index: usize) -> u32 {
    let get = |items: &omemo_items| items.bundles.get(index).map_or(0, |(device, _)| *device);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(items, 0, get) }
}

/// The bundle of a device. `bundle` gets an object that is yours to free, or NULL if there is none.
///
/// Errors: OMEMO_ERROR_STANZA: what is there is no bundle (`is_broken` of omemo_fetched_bundle).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_bundle(
    items: *const omemo_items,
    device: u32,
    bundle: *mut *mut omemo_bundle,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let items = caller.borrow(items)?;
        let device = device_id(device)?.get();
        let place = caller.place(bundle)?;
        let mut bundles = items.bundles.iter();
        let found = bundles.find(|(of, _)| *of == device);
        match found
            .map(|(_, bundle)| bundle.clone())
            .transpose()?
            .flatten()
        {
            None => place.put(ptr::null_mut()),
            Some(bundle) => place.give(omemo_bundle::new(bundle)),
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Frees what a node held; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_items_free(items: *mut omemo_items) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(items) }
}
