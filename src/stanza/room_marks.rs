//! Signs of a room in a message (XEP-0045), and of a message that came late (XEP-0203).
//!
//! ```text
//! <message from='room/nickname'> …
//!   <x xmlns='http://jabber.org/protocol/muc#user'>[<item jid=''/>]</x>
//!   <delay xmlns='urn:xmpp:delay'/></message>
//! ```
//!
//! Occupants can put such elements into what they write, and rooms pass them on. So they prove nothing.

use super::StanzaError;
use super::tag::Namespace;
use super::xml::{Reader, Scope};
use crate::model::BareJid;

/// What a message contains beside its content that rooms and servers put there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomMarks {
    /// There is a `<delay/>`: it was not written just now.
    pub is_delayed: bool,
    /// There is an `<x xmlns='http://jabber.org/protocol/muc#user'/>`: it is from a room, or to an occupant of
    /// one (XEP-0045 §7.5).
    pub is_of_room: bool,
    /// Whom the only `<item jid=''/>` in such an element names, as an archive of a room says who wrote a message.
    /// `None` if there are several: all but one were put there by somebody else.
    pub item: Option<BareJid>,
}

impl RoomMarks {
    /// Reads a message.
    ///
    /// # Errors
    /// [`StanzaError`].
    pub fn read(xml: &str) -> Result<Self, StanzaError> {
        let mut reader = Reader::new(xml, Scope::Stream)?;
        reader.root()?;
        let mut marks = Self::default();
        let (mut elements, mut items) = (0_u32, Vec::new());
        while let Some(tag) = reader.child()? {
            let is_routing = tag.namespace == Namespace::Routing;
            // The old form of a delay is an `<x/>` too.
            let is_delay =
                tag.local() == "delay" || tag.local() == "x" && tag.attribute("stamp").is_some();
            marks.is_delayed |= is_routing && is_delay;
            if !is_routing || is_delay || tag.local() != "x" {
                reader.skip()?;
                continue;
            }
            marks.is_of_room = true;
            elements += 1;
            while let Some(tag) = reader.child()? {
                if tag.is(Namespace::Routing, "item") {
                    items.push(tag.attribute("jid"));
                }
                reader.skip()?;
            }
        }
        reader.finish()?;
        if let (1, [Some(jid)]) = (elements, &*items) {
            marks.item = BareJid::from_full(jid).ok();
        }
        Ok(marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(inside: &str) -> RoomMarks {
        RoomMarks::read(&format!(
            "<message from='garden@rooms.example/J'>{inside}</message>"
        ))
        .unwrap()
    }

    fn x(inside: &str) -> String {
        format!("<x xmlns='http://jabber.org/protocol/muc#user'>{inside}</x>")
    }

    #[test]
    fn one_item_names_somebody_and_several_nobody() {
        let item = "<item jid='Nurse@capulet.example/house'/>";
        assert_eq!(marks(&x(item)).item, "nurse@capulet.example".parse().ok());
        for inside in [
            x("<item/>"),
            x(""),
            x(&item.repeat(2)),
            x(item).repeat(2),
            x(item) + &x(""),
            item.to_owned(),
            x("<item xmlns='y' jid='nurse@capulet.example'/>"),
            x("<item jid='a@b@c'/>"),
            format!(
                "<forwarded xmlns='urn:xmpp:forward:0'>{}</forwarded>",
                x(item)
            ),
        ] {
            assert_eq!(marks(&inside).item, None, "{inside}");
        }
        assert!(marks(&x("")).is_of_room && !marks("<x xmlns='y'/>").is_of_room);
    }

    #[test]
    fn delays() {
        for (inside, is_delayed) in [
            ("<delay xmlns='urn:xmpp:delay' stamp='x'/>", true),
            (
                "<x xmlns='jabber:x:delay' stamp='20040125T06:05:00'/>",
                true,
            ),
            ("<delay/>", false),
            ("<y xmlns='z'><delay xmlns='urn:xmpp:delay'/></y>", false),
        ] {
            let marks = marks(inside);
            assert_eq!(
                (marks.is_delayed, marks.is_of_room),
                (is_delayed, false),
                "{inside}"
            );
        }
    }
}
