//! Envelopes: what an OMEMO 2 payload decrypts to (XEP-0420, with the profile of XEP-0384 §5.5.1).
//!
//! ```text
//! <envelope xmlns='urn:xmpp:sce:1'><content>…</content>
//!   <rpad/> [<from jid=''/>] [<to jid=''/>] [<time stamp=''/>]</envelope>
//! ```
//!
//! The affixes tie the content to the stanza that carried it: [`Envelope::check`] compares them, and
//! has to be called before anything of the content is used.
//!
//! Elements that servers process or make never come out of an envelope (XEP-0420 §9): hints, stanza ids,
//! addresses, delays, occupants, copies, errors and the word on how a message is encrypted. They are left
//! out of what is read, and refused where an envelope is written.

use core::fmt;
use std::borrow::Cow;

use super::tag::{Namespace, Tag};
use super::xml::{Reader, Scope};
use super::{EnvelopeError, OptOut, StanzaError, XmlError, once, stamp};
use crate::model::{BareJid, Timestamp, Version};

/// A decrypted envelope. Its [`Debug`](fmt::Debug) does not show what somebody wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope<'x> {
    /// The elements of the content as XML. Each stands on its own: what it inherited from the envelope
    /// is declared on it, so that it is the same element in a stanza. Without those for servers.
    pub content: Cow<'x, str>,
    /// The text of the first `<body xmlns='jabber:client'/>` of the content.
    pub body: Option<Cow<'x, str>>,
    /// The first `<opt-out/>` of the content.
    pub opt_out: Option<OptOut<'x>>,
    /// Who says to have sent it.
    pub from: Option<BareJid>,
    /// To whom it is said to be sent.
    pub to: Option<BareJid>,
    /// When it is said to be sent, in the format of XEP-0082, unparsed; see [`Self::sent_at`].
    pub time: Option<Cow<'x, str>>,
    /// Whether its length is hidden by padding, as the profile demands of senders.
    pub has_padding: bool,
}

/// To whom a stanza was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressee<'a> {
    /// An account.
    Account(&'a BareJid),
    /// A room, by a group message.
    Room(&'a BareJid),
}

impl<'x> Envelope<'x> {
    /// Reads a decrypted payload.
    ///
    /// Unknown affixes are passed over, those known must not be there twice.
    ///
    /// # Errors
    /// [`EnvelopeError::Malformed`].
    pub fn read(plaintext: &'x [u8]) -> Result<Self, EnvelopeError> {
        let xml =
            core::str::from_utf8(plaintext).map_err(|_| StanzaError::from(XmlError::Encoding))?;
        Ok(read(xml)?)
    }

    /// The point in time that `time` names, in whole seconds. `None` if there is none, or no such point
    /// from 1970 on. How far it may be from the time of the stanza is for the caller to say: clocks differ,
    /// and archives deliver late.
    #[must_use]
    pub fn sent_at(&self) -> Option<Timestamp> {
        stamp::read(self.time.as_deref()?)
    }

    /// Checks the envelope against the stanza that it came in: `sender` is the real address of who
    /// sent it, also in a room, and `addressee` the one in the stanza's `to`, or the room.
    ///
    /// In a room `to` must be there: it keeps a server from making a private message of a group
    /// message, and the other way round. Otherwise an affix that is absent says nothing.
    ///
    /// # Errors
    /// [`EnvelopeError::From`] or [`EnvelopeError::To`].
    pub fn check(&self, sender: &BareJid, addressee: Addressee<'_>) -> Result<(), EnvelopeError> {
        if self.from.as_ref().is_some_and(|from| from != sender) {
            return Err(EnvelopeError::From);
        }
        let is_right = match (addressee, &self.to) {
            (Addressee::Account(_), None) => true,
            (Addressee::Room(_), None) => false,
            (Addressee::Account(jid) | Addressee::Room(jid), Some(to)) => to == jid,
        };
        if is_right {
            Ok(())
        } else {
            Err(EnvelopeError::To)
        }
    }
}

impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("time", &self.time)
            .field("has_padding", &self.has_padding)
            .finish_non_exhaustive()
    }
}

fn read(xml: &str) -> Result<Envelope<'_>, StanzaError> {
    let mut reader = Reader::new(xml, Scope::Document)?;
    if !reader.root()?.is(Namespace::Envelope, "envelope") {
        return Err(StanzaError::missing("envelope"));
    }
    let (mut content, mut body, mut opt_out) = (None, None, None);
    let (mut from, mut to, mut time) = (None, None, None);
    let mut has_padding = false;
    while let Some(tag) = reader.child()? {
        if tag.is(Namespace::Envelope, "content") {
            let wanted = |tag: &Tag<'_>| !tag.is_for_servers();
            let found = reader.content(wanted, |reader, tag| {
                if body.is_none() && tag.is(Namespace::Client, "body") {
                    body = Some(reader.text()?);
                    Ok(())
                } else if opt_out.is_none() && tag.is(OPT_OUT, "opt-out") {
                    opt_out = Some(OptOut::read(reader)?);
                    Ok(())
                } else {
                    reader.skip()
                }
            })?;
            once(&mut content, found, "content")?;
            continue;
        }
        match (tag.namespace, tag.local()) {
            (Namespace::Envelope, "from") => once(&mut from, jid(&tag, "from")?, "from")?,
            (Namespace::Envelope, "to") => once(&mut to, jid(&tag, "to")?, "to")?,
            (Namespace::Envelope, "time") => {
                let stamp = tag.attribute("stamp");
                once(
                    &mut time,
                    stamp.ok_or(StanzaError::attribute("time"))?,
                    "time",
                )?;
            }
            (Namespace::Envelope, "rpad") => has_padding = true,
            _ => {}
        }
        reader.skip()?;
    }
    reader.finish()?;
    Ok(Envelope {
        content: content.ok_or(StanzaError::missing("content"))?,
        body,
        opt_out,
        from,
        to,
        time,
        has_padding,
    })
}

const OPT_OUT: Namespace = Namespace::Omemo(Version::Omemo2);

/// The address in an affix. It should be bare; a resource says nothing more about the account.
fn jid(tag: &Tag<'_>, element: &'static str) -> Result<BareJid, StanzaError> {
    tag.attribute("jid")
        .and_then(|jid| BareJid::from_full(&jid).ok())
        .ok_or(StanzaError::attribute(element))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stanza::Limit;

    fn envelope(inside: &str) -> Result<Envelope<'static>, EnvelopeError> {
        let xml = format!("<envelope xmlns='urn:xmpp:sce:1'>{inside}</envelope>");
        Envelope::read(xml.leak().as_bytes())
    }

    #[test]
    fn everything_in_any_order() {
        let envelope = envelope(
            "<time stamp='2026-11-22T23:00:00Z'/><mood xmlns='urn:example:x'>fine</mood>\
             <to jid='Room@muc.example.org'/><rpad>abc</rpad>\
             <content><body xmlns='jabber:client'>A &lt; B</body><b xmlns='c'/></content>\
             <from jid='juliet@example.com/balcony'/>",
        )
        .unwrap();
        assert_eq!(
            envelope.content,
            "<body xmlns='jabber:client'>A &lt; B</body><b xmlns='c'/>"
        );
        assert_eq!(envelope.body.as_deref(), Some("A < B"));
        assert_eq!(envelope.from, "juliet@example.com".parse().ok());
        assert_eq!(envelope.to, "room@muc.example.org".parse().ok());
        assert_eq!(envelope.time.as_deref(), Some("2026-11-22T23:00:00Z"));
        assert!(envelope.has_padding);
    }

    #[test]
    fn only_a_body_of_the_client_namespace_is_one() {
        let inside = |content: &str| envelope(&format!("<content>{content}</content>")).unwrap();
        for content in [
            "",
            "<body>hi</body>",
            "<body xmlns=''>hi</body>",
            "<x xmlns='y'><body xmlns='jabber:client'>hi</body></x>",
        ] {
            assert_eq!(inside(content).body, None, "{content}");
        }
        assert_eq!(
            inside("<body>hi</body>").content,
            "<body xmlns=\"urn:xmpp:sce:1\">hi</body>"
        );
        let both = "<body xmlns='jabber:client'/><body xmlns='jabber:client'>hi</body>";
        assert_eq!(inside(both).body.as_deref(), Some(""));
    }

    #[test]
    fn prefixes_survive() {
        let xml = "<e:envelope xmlns:e='urn:xmpp:sce:1' xmlns:c='jabber:client'>\
                   <e:content><c:body>hi</c:body></e:content></e:envelope>";
        let envelope = Envelope::read(xml.as_bytes()).unwrap();
        assert_eq!(envelope.body.as_deref(), Some("hi"));
        assert_eq!(
            envelope.content,
            "<c:body xmlns=\"\" xmlns:e=\"urn:xmpp:sce:1\" xmlns:c=\"jabber:client\">hi</c:body>"
        );
    }

    #[test]
    fn what_is_no_envelope() {
        let malformed = |inside: &str| match envelope(inside) {
            Err(EnvelopeError::Malformed(error)) => error,
            other => panic!("{other:?}"),
        };
        let content = "<content/>";
        for (inside, error) in [
            ("", StanzaError::missing("content")),
            ("<content xmlns='x'/>", StanzaError::missing("content")),
            ("<content/><content/>", StanzaError::repeated("content")),
            ("<content/><from/>", StanzaError::attribute("from")),
            ("<content/><from jid='@'/>", StanzaError::attribute("from")),
            ("<content/><time/>", StanzaError::attribute("time")),
            (
                "<content/><to jid='a'/><to jid='b'/>",
                StanzaError::repeated("to"),
            ),
            ("<content><a:b/></content>", XmlError::Namespace.into()),
            ("<content>&nbsp;</content>", XmlError::Entity.into()),
            ("<content><a><b></a></b></content>", XmlError::Syntax.into()),
        ] {
            assert_eq!(malformed(inside), error, "{inside}");
        }
        assert!(envelope(content).is_ok());
        for (bytes, error) in [
            (&b"hi"[..], XmlError::Syntax.into()),
            (b"\xff", XmlError::Encoding.into()),
            (
                b"<envelope xmlns='urn:xmpp:sce:0'/>",
                StanzaError::missing("envelope"),
            ),
            (
                b"<!DOCTYPE envelope><envelope/>",
                XmlError::DocumentType.into(),
            ),
        ] {
            assert_eq!(Envelope::read(bytes), Err(EnvelopeError::Malformed(error)));
        }
    }

    /// One long name that each of many children inherits would be copied for each of them.
    #[test]
    fn inherited_names_cannot_be_multiplied() {
        let inside = format!(
            "<content xmlns:a='{}'>{}</content>",
            "b".repeat(400_000),
            "<c xmlns='d'/>".repeat(40_000)
        );
        assert_eq!(
            envelope(&inside),
            Err(EnvelopeError::Malformed(Limit::Namespaces.into()))
        );
    }

    #[test]
    fn affixes_are_compared_as_accounts() {
        let jid = |text: &str| text.parse::<BareJid>().unwrap();
        let (juliet, romeo) = (jid("juliet@example.com"), jid("romeo@example.org"));
        let room = jid("balcony@muc.example.org");
        let check = |affixes: &str, addressee| {
            let envelope = envelope(&format!("<content/>{affixes}")).unwrap();
            envelope.check(&juliet, addressee)
        };
        let from_juliet = "<from jid='Juliet@EXAMPLE.com/balcony'/>";
        assert_eq!(check("", Addressee::Account(&romeo)), Ok(()));
        assert_eq!(check(from_juliet, Addressee::Account(&romeo)), Ok(()));
        assert_eq!(
            check(
                "<from jid='romeo@example.org'/>",
                Addressee::Account(&romeo)
            ),
            Err(EnvelopeError::From)
        );
        assert_eq!(
            check(
                "<to jid='mercutio@example.org'/>",
                Addressee::Account(&romeo)
            ),
            Err(EnvelopeError::To)
        );
        assert_eq!(
            check(from_juliet, Addressee::Room(&room)),
            Err(EnvelopeError::To)
        );
        assert_eq!(
            check(
                "<to jid='balcony@muc.example.org'/>",
                Addressee::Room(&room)
            ),
            Ok(())
        );
        assert_eq!(
            check(
                "<to jid='balcony@muc.example.org'/>",
                Addressee::Account(&romeo)
            ),
            Err(EnvelopeError::To)
        );
    }

    #[test]
    fn debug_shows_no_content() {
        let envelope =
            envelope("<content><body xmlns='jabber:client'>secret</body></content>").unwrap();
        assert!(!format!("{envelope:?}").contains("secret"));
    }
}
