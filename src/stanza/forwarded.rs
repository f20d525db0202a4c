//! Messages inside others: copies for the other clients of an account, and results of an archive.
//!
//! ```text
//! <message from='own bare address'><received or sent xmlns='urn:xmpp:carbons:2'>
//!   <forwarded xmlns='urn:xmpp:forward:0'><message/></forwarded></received></message>   XEP-0280
//! <message from='archive'><result xmlns='urn:xmpp:mam:2' queryid='' id=''>
//!   <forwarded xmlns='urn:xmpp:forward:0'><delay/><message/></forwarded></result></message>   XEP-0313
//! ```
//!
//! Anybody can send such a message. It means something only if the one who is asked for it, or who may
//! make copies, sent it: that is for the reader of [`Forwarded::from`] to check (CVE-2017-5589).

use std::borrow::Cow;

use super::tag::{Namespace, Tag};
use super::xml::{Reader, Scope};
use super::{StanzaError, stamp};
use crate::model::Timestamp;

/// A message that came inside another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded<'x> {
    /// The `from` of the message around it; absent if our own server sent it without.
    pub from: Option<Cow<'x, str>>,
    /// Why it was forwarded.
    pub reason: ForwardReason<'x>,
    /// When it is said to have been sent.
    pub delay: Option<Timestamp>,
    /// The message, as XML that stands on its own.
    pub message: Cow<'x, str>,
}

/// Why a message was forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardReason<'x> {
    /// A copy of what another client of the account received.
    Received,
    /// A copy of what another client of the account sent.
    Sent,
    /// A result of an archive.
    Archived {
        /// Which query it answers.
        query: Option<Cow<'x, str>>,
        /// The archive's id of the message.
        id: Option<Cow<'x, str>>,
    },
}

impl<'x> Forwarded<'x> {
    /// Reads a message that may have another inside; `None` if it has none.
    ///
    /// # Errors
    /// [`StanzaError`].
    pub fn read(xml: &'x str) -> Result<Option<Self>, StanzaError> {
        let mut reader = Reader::new(xml, Scope::Stream)?;
        let root = reader.root()?;
        let is_message = root.local() == "message" && root.namespace.is_of_stanzas();
        let mut found = None;
        while let Some(tag) = reader.child()? {
            match reason(&tag) {
                Some(reason) if is_message && found.is_none() => {
                    let inside = forwarded(&mut reader)?;
                    found = inside.map(|(delay, message)| Self {
                        from: root.attribute("from"),
                        reason,
                        delay,
                        message,
                    });
                }
                _ => reader.skip()?,
            }
        }
        reader.finish()?;
        Ok(found)
    }
}

fn reason<'x>(tag: &Tag<'x>) -> Option<ForwardReason<'x>> {
    match (tag.namespace, tag.local()) {
        (Namespace::Carbons, "received") => Some(ForwardReason::Received),
        (Namespace::Carbons, "sent") => Some(ForwardReason::Sent),
        (Namespace::Archive, "result") => Some(ForwardReason::Archived {
            query: tag.attribute("queryid"),
            id: tag.attribute("id"),
        }),
        _ => None,
    }
}

type Inside<'x> = (Option<Timestamp>, Cow<'x, str>);

/// Reads the element that is open, whose `<forwarded/>` is looked for.
fn forwarded<'x>(reader: &mut Reader<'x>) -> Result<Option<Inside<'x>>, StanzaError> {
    let mut found = None;
    while let Some(tag) = reader.child()? {
        if found.is_some() || !tag.is(Namespace::Forward, "forwarded") {
            reader.skip()?;
            continue;
        }
        let (mut delay, mut message) = (None, None);
        while let Some(tag) = reader.child()? {
            if message.is_none() && tag.local() == "message" && tag.namespace.is_of_stanzas() {
                message = Some(reader.element(&tag)?);
                continue;
            }
            if delay.is_none() && tag.is(Namespace::Routing, "delay") {
                delay = tag.attribute("stamp").and_then(|text| stamp::read(&text));
            }
            reader.skip()?;
        }
        found = message.map(|message| (delay, message));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carbons_and_results() {
        let inside = "<message xmlns='jabber:client' from='romeo@montague.example/orchard'>\
            <body>x</body></message>";
        let forwarded = format!(
            "<forwarded xmlns='urn:xmpp:forward:0'>\
             <delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:02Z'/>{inside}</forwarded>"
        );
        let carbon = |name: &str| {
            format!(
                "<message from='juliet@capulet.example'><{name} xmlns='urn:xmpp:carbons:2'>\
                 {forwarded}</{name}></message>"
            )
        };
        for (name, reason) in [
            ("received", ForwardReason::Received),
            ("sent", ForwardReason::Sent),
        ] {
            let xml = carbon(name);
            let read = Forwarded::read(&xml).unwrap().unwrap();
            assert_eq!((read.reason, &*read.message), (reason, inside));
            assert_eq!(read.from.as_deref(), Some("juliet@capulet.example"));
            assert_eq!(read.delay, Some(Timestamp::from_millis(2000)));
        }
        assert_eq!(Forwarded::read(&carbon("private")), Ok(None));
        let xml = format!(
            "<message><result xmlns='urn:xmpp:mam:2' queryid='q' id='7'>{forwarded}</result></message>"
        );
        let read = Forwarded::read(&xml).unwrap().unwrap();
        let (query, id) = (Some("q".into()), Some("7".into()));
        assert_eq!(read.reason, ForwardReason::Archived { query, id });
        assert_eq!(Forwarded::read(inside), Ok(None));
    }
}
