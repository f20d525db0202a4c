//! What else is known of a message that goes out, or waits: elements that some devices do not get, and
//! identity keys that have changed.

use core::ffi::c_char;
use core::ptr;

use super::action::omemo_action;
use super::boundary::accessor;
use super::memory::Texts;
use super::trust::omemo_fingerprint;
use crate::account::ChangedIdentity;
use crate::stanza::ElementName;

/// A device that shows another identity key than before.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_changed_identity {
    /// Whose device it is.
    pub jid: *const c_char,
    /// Its id.
    pub device: u32,
    /// The key that it has shown before.
    pub known: omemo_fingerprint,
    /// The key in the bundle that its server has for it now.
    pub shown: omemo_fingerprint,
}

/// How many elements of a message some of its devices do not get.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_lost_element_count(action: *const omemo_action) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.lost.len()) }
}

/// An element of a message that some of its devices do not get, as legacy carries a text alone, in the form
/// `{namespace}name`; NULL if there are not so many. If the message is refused, they may be the reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_lost_element(
    action: *const omemo_action,
    index: usize,
) -> *const c_char {
    let get = |action: &omemo_action| action.lost.get(index).copied().unwrap_or(ptr::null());
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), get) }
}

/// How many devices show another identity key than before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_changed_identity_count(action: *const omemo_action) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.changed.len()) }
}

/// A device that shows another identity key than before; NULL if there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_changed_identity(
    action: *const omemo_action,
    index: usize,
) -> *const omemo_changed_identity {
    let get = |action: &omemo_action| action.changed.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), get) }
}

pub(super) fn lost(names: &[ElementName], texts: &mut Texts) -> Vec<*const c_char> {
    names
        .iter()
        .map(|name| texts.add(&name.to_string()))
        .collect()
}

pub(super) fn changed(
    identities: &[ChangedIdentity],
    texts: &mut Texts,
) -> Vec<omemo_changed_identity> {
    let identities = identities.iter();
    identities
        .map(|identity| omemo_changed_identity {
            jid: texts.add(identity.jid.as_str()),
            device: identity.device.get(),
            known: identity.known.into(),
            shown: identity.shown.into(),
        })
        .collect()
}
