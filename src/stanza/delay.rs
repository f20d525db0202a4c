//! When a stanza was sent, as somebody says who has kept it (XEP-0203).

use std::borrow::Cow;

use super::stamp;
use super::tag::{Namespace, Tag};
use crate::model::Timestamp;

/// A `<delay/>`. Servers add one to what they have kept for a client that was away. Nobody authenticates it: the
/// sender of a message can have written it as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delay<'x> {
    /// Who says to have kept the stanza: a server, an account or a room.
    pub from: Option<Cow<'x, str>>,
    /// When the stanza was sent, in whole seconds.
    pub stamp: Timestamp,
}

impl<'x> Delay<'x> {
    /// The tag, if it is of a delay with a valid time.
    pub(super) fn read(tag: &Tag<'x>) -> Option<Self> {
        if !tag.is(Namespace::Routing, "delay") {
            return None;
        }
        let stamp = stamp::read(&tag.attribute("stamp")?)?;
        let from = tag.attribute("from");
        Some(Self { from, stamp })
    }
}
