//! What stood beside an encrypted message, and nobody has authenticated.

use core::ffi::c_char;
use core::ptr;

use super::action::omemo_action;
use super::boundary::accessor;
use super::memory::{Text, Texts};
use crate::client::Delivery;
use crate::stanza::MarkKind;

/// What a message does with another one.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_mark_kind {
    /// It corrects it: `<replace/>` (XEP-0308).
    OMEMO_MARK_REPLACE = 1,
    /// It takes it back: `<retract/>` (XEP-0424).
    OMEMO_MARK_RETRACT = 2,
    /// It answers it: `<reply/>` (XEP-0461).
    OMEMO_MARK_REPLY = 3,
}

/// An element in the stanza of a legacy message that names another message. Nobody has authenticated it. Apply it
/// only to a message of the same `omemo_action_sender`, in the same conversation: else a server lets anybody correct
/// what somebody else has written. A reply to a message of somebody else is to be shown as what the server says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_mark {
    /// An omemo_mark_kind.
    pub kind: u32,
    /// The id of the other message; NULL if the element has none.
    pub id: *const c_char,
}

/// What a delivered message has that nobody has authenticated.
#[derive(Default)]
pub(super) struct Unauthenticated {
    elements: Option<Text>,
    marks: Vec<omemo_mark>,
}

impl Unauthenticated {
    pub(super) fn of(delivery: &Delivery, texts: &mut Texts) -> Self {
        use omemo_mark_kind::*;
        let mut marks = Vec::new();
        for mark in &delivery.unauthenticated_marks {
            let kind = match mark.kind {
                MarkKind::Replace => OMEMO_MARK_REPLACE,
                MarkKind::Retract => OMEMO_MARK_RETRACT,
                MarkKind::Reply => OMEMO_MARK_REPLY,
            };
            marks.push(omemo_mark {
                kind: kind as u32,
                id: texts.add_some(mark.id.as_deref()),
            });
        }
        Self {
            elements: Some(Text::new(&delivery.unauthenticated)),
            marks,
        }
    }
}

/// The elements that stood beside the encrypted part of a message that is delivered, and are not in its stanza: XML,
/// each element with its namespace, and its bytes without the zero in `len`, which may be NULL. Empty if there are none.
/// Nobody has authenticated them: do not show them as what the sender says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_unauthenticated(
    action: *const omemo_action,
    len: *mut usize,
) -> *const c_char {
    let get = |action: &omemo_action| {
        let elements = action.unauthenticated.elements.as_ref();
        elements.map_or((ptr::null(), 0), |text| (text.as_ptr(), text.len()))
    };
    // SAFETY: the promises at the top of the header.
    unsafe {
        let (elements, bytes) = accessor(action, (ptr::null(), 0), get);
        if !len.is_null() {
            len.write(bytes);
        }
        elements
    }
}

/// How many elements in the stanza of a message that is delivered name another message without being authenticated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_mark_count(action: *const omemo_action) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, 0, |action| action.unauthenticated.marks.len()) }
}

/// One of them; NULL if there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_action_mark(
    action: *const omemo_action,
    index: usize,
) -> *const omemo_mark {
    let get = |action: &omemo_action| {
        let mark = action.unauthenticated.marks.get(index);
        mark.map_or(ptr::null(), ptr::from_ref)
    };
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(action, ptr::null(), get) }
}
