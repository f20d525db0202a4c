//! Messages in clear that are going to be encrypted: which part of one is encrypted, and which is not.
//!
//! [`Place`](super::place) says where each element belongs.

use std::borrow::Cow;

use super::element_name::ElementName;
use super::grammar::attribute_value;
use super::place::Place;
use super::secrets::Secrets;
use super::tag::{Namespace, Tag};
use super::writer::open_tag;
use super::xml::{Reader, Scope};
use super::{Companion, StanzaError, StanzaKind, write_encrypted};
use crate::model::{Encrypted, RecipientKey, Version};

/// What is done with an element that a legacy message cannot encrypt, and that is no sign between
/// clients: its text would be readable for the servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unprotected {
    /// It is left out of a stanza that has a legacy part. Devices that read OMEMO 2 get it.
    #[default]
    Drop,
    /// It goes out in clear, as some clients do it, unless it shows what is encrypted beside it: further bodies,
    /// what repeats the text, and everything with the key of a file in it are left out as with [`Self::Drop`].
    Keep,
    /// Devices that read nothing newer are left out, and the report says so.
    Skip,
}

/// A message in clear that is going to be encrypted.
#[derive(Clone)]
pub struct PlainMessage<'x> {
    attributes: Vec<(&'x str, &'x str)>,
    parts: Vec<Part<'x>>,
    body: Option<Cow<'x, str>>,
}

#[derive(Clone)]
struct Part<'x> {
    place: Place,
    name: ElementName,
    xml: Cow<'x, str>,
}

impl<'x> PlainMessage<'x> {
    /// The most names that [`Self::left_out`] returns.
    pub const MAX_NAMED: usize = 16;

    /// Takes a `<message/>` apart, as the application would send it in clear.
    ///
    /// # Errors
    /// [`StanzaError`].
    pub fn read(xml: &'x str) -> Result<Self, StanzaError> {
        let mut reader = Reader::new(xml, Scope::Stream)?;
        let root = reader.root()?;
        if root.local() != "message" || !root.namespace.is_of_stanzas() {
            return Err(StanzaError::missing("message"));
        }
        let mut parts = Vec::new();
        let mut body = None;
        while let Some(tag) = reader.child()? {
            let mut place = Place::of(&tag);
            let name = reader.name_of(&tag);
            let xml = own_namespace(&tag, reader.element(&tag)?);
            if place == Place::Body {
                match body {
                    None => body = Some(text_of(&xml)?),
                    Some(_) => place = Place::OtherBody,
                }
            }
            parts.push(Part { place, name, xml });
        }
        reader.finish()?;
        Ok(Self {
            attributes: root.literals().collect(),
            parts,
            body,
        })
    }

    /// The value of an attribute of the message, its references resolved.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Cow<'x, str>> {
        let mut attributes = self.attributes.iter();
        let (_, literal) = attributes.find(|(found, _)| *found == name)?;
        attribute_value(literal).ok()
    }

    /// The text: what a legacy payload contains.
    #[must_use]
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// The elements that are encrypted in OMEMO 2: the content of an envelope.
    #[must_use]
    pub fn content(&self) -> zeroize::Zeroizing<String> {
        let parts = self.parts.iter().filter(|part| part.place.is_content());
        let length = parts.clone().map(|part| part.xml.len()).sum();
        let mut content = zeroize::Zeroizing::new(String::with_capacity(length));
        parts.for_each(|part| content.push_str(&part.xml));
        content
    }

    /// The elements that a device does not get if it reads only this version: what to name to the user when
    /// such a device is among the recipients.
    ///
    /// OMEMO 2 carries everything. Legacy carries the first body, and the elements that stay beside it in
    /// clear. Without a body it carries nothing. Each name is there once, and there are at most
    /// [`Self::MAX_NAMED`].
    #[must_use]
    pub fn left_out(&self, version: Version, unprotected: Unprotected) -> Vec<ElementName> {
        let mut names: Vec<ElementName> = Vec::new();
        if version == Version::Omemo2 {
            return names;
        }
        for part in self.parts.iter().filter(|part| part.place.is_content()) {
            if names.len() < Self::MAX_NAMED
                && !self.is_carried(part, unprotected)
                && !names.contains(&part.name)
            {
                names.push(part.name.clone());
            }
        }
        names
    }

    /// Whether a legacy message has this element of the content, encrypted or in clear.
    fn is_carried(&self, part: &Part<'_>, unprotected: Unprotected) -> bool {
        match part.place {
            Place::Body | Place::Sign => self.body.is_some(),
            Place::Inside => {
                let is_open = |body| !Secrets::of(body).are_in(&part.xml);
                unprotected == Unprotected::Keep && self.body().is_some_and(is_open)
            }
            Place::OtherBody | Place::Outside | Place::Encryption => false,
        }
    }

    /// The message with encrypted elements in the place of what they contain.
    ///
    /// # Errors
    /// Those of [`write_encrypted`].
    pub fn seal(
        &self,
        elements: &[Encrypted<RecipientKey>],
        unprotected: Unprotected,
    ) -> Result<String, StanzaError> {
        let has_legacy = elements
            .iter()
            .any(|element| element.version == Version::Legacy);
        let mut xml = open_tag("message", &self.attributes);
        for element in elements {
            xml.push_str(&write_encrypted(element)?);
        }
        let mut companions = Companion::of(StanzaKind::Message, elements);
        if self.parts.iter().any(is_hint_not_to_store) {
            companions.retain(|companion| *companion != Companion::Store);
        }
        for part in &self.parts {
            let stays = match part.place {
                Place::Outside => !is_hint_to_store(part),
                Place::Sign | Place::Inside => has_legacy && self.is_carried(part, unprotected),
                Place::Body | Place::OtherBody | Place::Encryption => false,
            };
            if stays {
                xml.push_str(&part.xml);
            }
        }
        for companion in companions {
            xml.push_str(&companion.to_string());
        }
        xml.push_str("</message>");
        Ok(xml)
    }
}

impl core::fmt::Debug for PlainMessage<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PlainMessage({} elements)", self.parts.len())
    }
}

fn is_hint(part: &Part<'_>, name: &str) -> bool {
    part.name.namespace == "urn:xmpp:hints" && part.name.name == name
}

/// Encryption adds its own, where the message does not forbid it.
fn is_hint_to_store(part: &Part<'_>) -> bool {
    is_hint(part, "store")
}

/// The hints exclude each other (XEP-0334 §4), and archives of servers differ about which one counts.
fn is_hint_not_to_store(part: &Part<'_>) -> bool {
    is_hint(part, "no-store") || is_hint(part, "no-permanent-store")
}

/// In an envelope each element says its namespace, also that of the stream.
pub(super) fn own_namespace<'x>(tag: &Tag<'x>, xml: Cow<'x, str>) -> Cow<'x, str> {
    let end = 1 + tag.name().len();
    match (tag.namespace, xml.split_at_checked(end)) {
        (Namespace::None, Some((open, rest))) if tag.name() == tag.local() => {
            Cow::Owned([open, " xmlns='jabber:client'", rest].concat())
        }
        _ => xml,
    }
}

fn text_of<'x>(xml: &Cow<'x, str>) -> Result<Cow<'x, str>, StanzaError> {
    let mut reader = Reader::new(xml, Scope::Stream)?;
    reader.root()?;
    Ok(Cow::Owned(reader.text()?.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceId;

    const MESSAGE: &str = "<message to='romeo@montague.example' id='m1' type='chat'>\
        <body>Art thou not Romeo?</body><origin-id xmlns='urn:xmpp:sid:0' id='m1'/>\
        <request xmlns='urn:xmpp:receipts'/>\
        <replace xmlns='urn:xmpp:message-correct:0' id='m0'/>\
        <reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>!</reaction></reactions></message>";

    fn element(version: Version) -> Encrypted<RecipientKey> {
        Encrypted {
            version,
            sender_device: DeviceId::new(7).unwrap(),
            keys: vec![],
            iv: (version == Version::Legacy).then(|| vec![0; 12]),
            payload: Some(vec![1, 2, 3]),
        }
    }

    fn names(
        message: &PlainMessage<'_>,
        version: Version,
        unprotected: Unprotected,
    ) -> Vec<String> {
        let names = message.left_out(version, unprotected);
        names.iter().map(ElementName::to_string).collect()
    }

    #[test]
    fn what_goes_where() {
        let message = PlainMessage::read(MESSAGE).unwrap();
        assert_eq!(message.body(), Some("Art thou not Romeo?"));
        assert_eq!(
            message.attribute("to").as_deref(),
            Some("romeo@montague.example")
        );
        assert_eq!(
            names(&message, Version::Legacy, Unprotected::Drop),
            ["{urn:xmpp:reactions:0}reactions"]
        );
        assert_eq!(
            message.content().as_str(),
            "<body xmlns='jabber:client'>Art thou not Romeo?</body>\
             <request xmlns='urn:xmpp:receipts'/>\
             <replace xmlns='urn:xmpp:message-correct:0' id='m0'/>\
             <reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>!</reaction></reactions>"
        );
        let omemo2 = message
            .seal(&[element(Version::Omemo2)], Unprotected::Keep)
            .unwrap();
        for hidden in ["Art thou", "receipts", "m0", "reaction"] {
            assert!(!omemo2.contains(hidden), "{omemo2}");
        }
        assert!(omemo2.contains("<origin-id xmlns='urn:xmpp:sid:0' id='m1'/>"));

        let both = [element(Version::Legacy), element(Version::Omemo2)];
        let mixed = message.seal(&both, Unprotected::Drop).unwrap();
        assert!(mixed.contains("urn:xmpp:receipts") && mixed.contains("m0"));
        assert!(!mixed.contains("Art thou") && !mixed.contains("reaction"));
        let kept = message.seal(&both, Unprotected::Keep).unwrap();
        assert!(kept.contains("<reaction>"));
    }

    /// A prefix without its declaration would make the stanza one that nobody can parse.
    #[test]
    fn attributes_with_a_prefix() {
        let xml = "<message xmlns:a='urn:a' a:b='c' xml:lang='en' id='1'/>";
        let sealed = PlainMessage::read(xml)
            .unwrap()
            .seal(&[], Unprotected::Drop);
        assert_eq!(sealed.unwrap(), "<message xml:lang='en' id='1'></message>");
    }

    #[test]
    fn what_legacy_leaves_out() {
        let xml = "<message to='a@b' xmlns:r='urn:xmpp:reply:0'><body>one</body><r:reply id='m0'/>\
            <body xml:lang='de'>eins</body><spoiler xmlns='urn:xmpp:spoiler:0'/><active \
            xmlns='http://jabber.org/protocol/chatstates'/><store xmlns='urn:xmpp:hints'/>\
            <body xml:lang='fr'>un</body><subject/></message>";
        let message = PlainMessage::read(xml).unwrap();
        for policy in [Unprotected::Drop, Unprotected::Skip] {
            assert_eq!(
                names(&message, Version::Legacy, policy),
                [
                    "{urn:xmpp:reply:0}reply",
                    "{jabber:client}body",
                    "{urn:xmpp:spoiler:0}spoiler",
                    "{jabber:client}subject"
                ]
            );
            assert!(message.left_out(Version::Omemo2, policy).is_empty());
        }
        assert_eq!(
            names(&message, Version::Legacy, Unprotected::Keep),
            ["{jabber:client}body"]
        );
        assert!(!message.fits(Version::Legacy, Unprotected::Skip));
        let kept = message
            .seal(&[element(Version::Legacy)], Unprotected::Keep)
            .unwrap();
        assert!(kept.contains("spoiler") && !kept.contains("eins") && !kept.contains("one"));
    }

    #[test]
    fn without_a_body_legacy_leaves_out_everything() {
        let xml = "<message to='a@b'><received xmlns='urn:xmpp:receipts' id='1'/>\
            <reactions xmlns='urn:xmpp:reactions:0'/><store xmlns='urn:xmpp:hints'/></message>";
        let message = PlainMessage::read(xml).unwrap();
        for policy in [Unprotected::Drop, Unprotected::Keep, Unprotected::Skip] {
            assert_eq!(
                names(&message, Version::Legacy, policy),
                [
                    "{urn:xmpp:receipts}received",
                    "{urn:xmpp:reactions:0}reactions"
                ]
            );
        }
    }

    #[test]
    fn the_names_of_what_is_left_out_are_bounded() {
        let many: String = (0..100).map(|n| format!("<a{n} xmlns='x'/>")).collect();
        let xml = format!("<message><body/>{many}</message>");
        let message = PlainMessage::read(&xml).unwrap();
        let left_out = message.left_out(Version::Legacy, Unprotected::Drop);
        assert_eq!(left_out.len(), PlainMessage::MAX_NAMED);
    }

    #[test]
    fn attributes_keep_their_values() {
        let xml = "<message to=\"o'neil@b\" id='&lt;\"&gt;'><body/></message>";
        let message = PlainMessage::read(xml).unwrap();
        assert_eq!(message.attribute("to").as_deref(), Some("o'neil@b"));
        assert_eq!(message.attribute("id").as_deref(), Some("<\">"));
        let sealed = message.seal(&[], Unprotected::Drop).unwrap();
        assert_eq!(
            sealed,
            "<message to=\"o'neil@b\" id='&lt;\"&gt;'></message>"
        );
    }
}
