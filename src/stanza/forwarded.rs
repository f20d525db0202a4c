//! Messages inside others: copies for the other clients of an account, and results of an archive.
//!
//! ```text
//! <message from='own bare address'><received or sent xmlns='urn:xmpp:carbons:2'>
//!   <forwarded xmlns='urn:xmpp:forward:0'><message/></forwarded></received></message>   XEP-0280
//! <message from='archive'><result xmlns='urn:xmpp:mam:2' queryid='' id=''>
//!   <forwarded xmlns='urn:xmpp:forward:0'><delay/><message/></forwarded></result></message>   XEP-0313
//! ```
//!
//! Servers exist that leave out the namespace of the message inside, so that it is in that of forwarding; it is
//! read all the same. Results of older versions of XEP-0313 look like those of today.
//!
//! Anybody can send such a message. It means something only if the one who is asked for it, or who may
//! make copies, sent it: that is for the reader of [`Forwarded::from`] to check (CVE-2017-5589).

use std::borrow::Cow;

use super::tag::{Namespace, Tag};
use super::xml::{Reader, Scope};
use super::{Delay, StanzaError};
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
        /// The version of XEP-0313 that the archive speaks.
        version: ArchiveVersion,
        /// Which query it answers. Archives that were asked without a `queryid` answer without one.
        query: Option<Cow<'x, str>>,
        /// The archive's id of the message.
        id: Option<Cow<'x, str>>,
    },
}

/// A version of XEP-0313, by its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArchiveVersion {
    /// `urn:xmpp:mam:0`.
    Mam0,
    /// `urn:xmpp:mam:1`.
    Mam1,
    /// `urn:xmpp:mam:2`, the one of today.
    Mam2,
}

impl ArchiveVersion {
    /// The namespace.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Mam0 => "urn:xmpp:mam:0",
            Self::Mam1 => "urn:xmpp:mam:1",
            Self::Mam2 => "urn:xmpp:mam:2",
        }
    }
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
        (Namespace::Archive(version), "result") => Some(ForwardReason::Archived {
            version,
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
        let is_forwarded = tag.local() == "forwarded" && is_around(tag.namespace);
        if found.is_some() || !is_forwarded {
            reader.skip()?;
            continue;
        }
        let (mut delay, mut message) = (None, None);
        while let Some(tag) = reader.child()? {
            if message.is_none() && tag.local() == "message" {
                if tag.namespace.is_of_stanzas() {
                    message = Some(reader.element(&tag)?);
                    continue;
                }
                if is_around(tag.namespace) && tag.name() == tag.local() {
                    message = Some(reader.stream_element(&tag)?.into());
                    continue;
                }
            }
            if delay.is_none() {
                delay = Delay::read(&tag).map(|delay| delay.stamp);
            }
            reader.skip()?;
        }
        found = message.map(|message| (delay, message));
    }
    Ok(found)
}

/// Whether it is a namespace of what is around a forwarded message, which an element inherits that has none.
const fn is_around(namespace: Namespace) -> bool {
    matches!(
        namespace,
        Namespace::Forward | Namespace::Carbons | Namespace::Archive(_)
    )
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
        let version = ArchiveVersion::Mam2;
        let reason = ForwardReason::Archived { version, query, id };
        assert_eq!(read.reason, reason);
        assert_eq!(Forwarded::read(inside), Ok(None));
    }

    fn read(xml: &str) -> Option<Forwarded<'_>> {
        Forwarded::read(xml).unwrap()
    }

    #[test]
    fn archives_of_each_version_with_and_without_a_query() {
        let inside = "<forwarded xmlns='urn:xmpp:forward:0'><message/></forwarded>";
        for version in [
            ArchiveVersion::Mam0,
            ArchiveVersion::Mam1,
            ArchiveVersion::Mam2,
        ] {
            let namespace = version.namespace();
            for (attribute, query) in [("", None), ("queryid='q'", Some("q".into()))] {
                let xml = format!(
                    "<message><result xmlns='{namespace}' {attribute}>{inside}</result></message>"
                );
                let id = None;
                let reason = ForwardReason::Archived { version, query, id };
                assert_eq!(read(&xml).unwrap().reason, reason);
            }
        }
        let other = format!("<message><result xmlns='urn:xmpp:mam:9'>{inside}</result></message>");
        assert_eq!(read(&other), None);
    }

    #[test]
    fn messages_without_a_namespace_of_their_own() {
        let message = "<message from='romeo@montague.example' id=' xmlns=\"urn:xmpp:forward:0\"'>\
            <body>x &lt; y</body><a xmlns='urn:a'><b/></a></message>";
        let expected = message.replacen("<message", "<message xmlns=\"jabber:client\"", 1);
        for around in [
            "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>M</forwarded></received>",
            "<sent xmlns='urn:xmpp:carbons:2'><forwarded>M</forwarded></sent>",
            "<c:sent xmlns:c='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>M</forwarded></c:sent>",
            "<result xmlns='urn:xmpp:mam:1'><forwarded xmlns='urn:xmpp:forward:0'>M</forwarded></result>",
        ] {
            let xml = format!("<message>{around}</message>").replace('M', message);
            let found = read(&xml).unwrap_or_else(|| panic!("{xml}"));
            let document = roxmltree::Document::parse(&found.message).unwrap();
            let root = document.root_element();
            assert_eq!(root.tag_name().namespace(), Some("jabber:client"));
            assert_eq!(root.attribute("id"), Some(" xmlns=\"urn:xmpp:forward:0\""));
            let names: Vec<_> = root
                .descendants()
                .filter(roxmltree::Node::is_element)
                .map(|node| node.tag_name().namespace())
                .collect();
            assert_eq!(
                names[1..],
                [Some("jabber:client"), Some("urn:a"), Some("urn:a")]
            );
            assert_eq!(
                found.message.contains("xmlns:c"),
                around.contains("xmlns:c")
            );
            if !around.contains("xmlns:c") {
                assert_eq!(found.message, expected);
            }
        }
        for (own, outcome) in [
            (
                "<message xmlns='urn:xmpp:forward:0' id='1'/>",
                "<message xmlns=\"jabber:client\" id='1'></message>",
            ),
            ("<message/>", "<message xmlns=\"jabber:client\"></message>"),
            ("<message xmlns='urn:x'/>", ""),
            ("<iq/>", ""),
        ] {
            let xml = format!(
                "<message><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>{own}</forwarded></sent></message>"
            );
            let message = read(&xml).map(|found| found.message.into_owned());
            assert_eq!(message.unwrap_or_default(), outcome);
        }
    }
}
