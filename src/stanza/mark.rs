//! Marks of a message that name another one.

use super::tag::{Namespace, Tag};

/// An element that makes a message concern another one. Beside a legacy message nobody has authenticated it: a
/// server can add it, take it away, or change which message it names.
///
/// Apply it only to a message of the same authenticated sender, in the same conversation: else a server lets anybody
/// correct what somebody else has written. A reply to a message of somebody else is to be shown as what the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark {
    /// What is done with the other message.
    pub kind: MarkKind,
    /// The id of the other message, if the mark has one.
    pub id: Option<String>,
}

/// What a message does with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MarkKind {
    /// It corrects it: `<replace/>` (XEP-0308).
    Replace,
    /// It takes it back: `<retract/>` (XEP-0424).
    Retract,
    /// It answers it: `<reply/>` (XEP-0461).
    Reply,
}

/// The most marks of one message. What is beyond is not kept in the stanza.
pub(super) const MAX_MARKS: usize = 8;

impl Mark {
    /// The mark that an element is.
    pub(super) fn of(tag: &Tag<'_>) -> Option<Self> {
        let kind = match (tag.namespace, tag.local()) {
            (Namespace::Signal, "replace") => MarkKind::Replace,
            (Namespace::Signal, "retract") => MarkKind::Retract,
            (Namespace::Reply, "reply") => MarkKind::Reply,
            _ => return None,
        };
        let id = tag.attribute("id").map(|id| id.into_owned());
        Some(Self { kind, id })
    }
}
