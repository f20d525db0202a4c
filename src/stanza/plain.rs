//! Messages in clear: which part of one is encrypted, and what it looks like when it was decrypted.
//!
//! | element of a message | in legacy | in OMEMO 2 |
//! |---|---|---|
//! | `<body/>` | is the payload | in the envelope |
//! | for servers and rooms: hints, ids, delays, occupants, errors | beside it | beside it |
//! | signs between clients: receipts, markers, chat states, threads, the id of a message that is corrected or retracted | beside it | in the envelope |
//! | everything else: subjects, reactions, replies, files, … | cannot be protected: see [`Unprotected`] | in the envelope |
//!
//! A stanza with both has the signs in both places. Who decrypts takes from outside an envelope only what
//! is for servers and rooms (XEP-0420 §9): everything else there was not encrypted, and may be anybody's.

use std::borrow::Cow;

use super::grammar::attribute_value;
use super::tag::{Namespace, Tag};
use super::writer::Writer;
use super::xml::{Reader, Scope};
use super::{Companion, Content, StanzaError, StanzaKind, write_encrypted};
use crate::model::{Encrypted, RecipientKey, Version};

/// What is done with an element that a legacy message cannot encrypt, and that is no sign between
/// clients: its text would be readable for the servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unprotected {
    /// It is left out of a stanza that has a legacy part. Devices that read OMEMO 2 get it.
    #[default]
    Drop,
    /// It goes out in clear, as some clients do it.
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
    name: &'x str,
    xml: Cow<'x, str>,
}

/// Where an element belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Beside the encrypted part.
    Outside,
    /// In the envelope, and beside a legacy part.
    Sign,
    /// The text.
    Body,
    /// In the envelope only.
    Inside,
    /// Made by encryption: not of the message.
    Encryption,
}

impl<'x> PlainMessage<'x> {
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
            let place = Place::of(&tag);
            let xml = own_namespace(&tag, reader.element(&tag)?);
            if place == Place::Body && body.is_none() {
                body = Some(text_of(&xml)?);
            }
            let name = tag.local();
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
        let inside =
            |part: &&Part<'_>| matches!(part.place, Place::Body | Place::Sign | Place::Inside);
        let parts = self.parts.iter().filter(inside);
        let length = parts.clone().map(|part| part.xml.len()).sum();
        let mut content = zeroize::Zeroizing::new(String::with_capacity(length));
        parts.for_each(|part| content.push_str(&part.xml));
        content
    }

    /// The names of the elements that a legacy part cannot protect.
    pub fn unprotected(&self) -> impl Iterator<Item = &'x str> {
        let parts = self.parts.iter();
        parts
            .filter(|part| part.place == Place::Inside)
            .map(|part| part.name)
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
        let keeps = unprotected == Unprotected::Keep;
        let mut xml = open_tag(&self.attributes);
        for element in elements {
            xml.push_str(&write_encrypted(element)?);
        }
        let companions = Companion::of(StanzaKind::Message, elements);
        for part in &self.parts {
            let stays = match part.place {
                Place::Outside => !is_hint_to_store(part),
                Place::Sign => has_legacy,
                Place::Inside => has_legacy && keeps,
                Place::Body | Place::Encryption => false,
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

/// What is left of an encrypted message without its encrypted part: for [`reveal`], and short enough to
/// be kept until then.
///
/// # Errors
/// [`StanzaError`].
pub fn strip(xml: &str) -> Result<String, StanzaError> {
    rewrite(xml, |place| place != Place::Encryption, "")
}

/// An encrypted message as if it had come in clear: `shell` is the message, or what [`strip`] left of it.
///
/// Beside the content of an envelope only what is for servers and rooms stays of it; beside the body of
/// a legacy message everything but other bodies.
///
/// # Errors
/// [`StanzaError`].
///
/// ```
/// use omemo::model::Version;
/// use omemo::stanza::{Addressee, Content, reveal};
///
/// let romeo = "romeo@montague.example".parse()?;
/// let juliet = "juliet@capulet.example".parse()?;
/// let to = Addressee::Account(&juliet);
/// let content = Content::read(Version::Legacy, b"Neither, fair saint", &romeo, to)?;
/// let shell = "<message from='romeo@montague.example' id='1'><body>not this</body>\
///              <request xmlns='urn:xmpp:receipts'/></message>";
/// assert_eq!(
///     reveal(shell, &content)?,
///     "<message from='romeo@montague.example' id='1'><request xmlns='urn:xmpp:receipts'/>\
///      <body>Neither, fair saint</body></message>"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reveal(shell: &str, content: &Content<'_>) -> Result<String, StanzaError> {
    match &content.elements {
        None => {
            let mut writer = Writer::default();
            if let Some(body) = &content.body {
                writer.text("body", &[], body);
            }
            let keeps = |place| !matches!(place, Place::Encryption | Place::Body);
            rewrite(shell, keeps, &writer.into_xml())
        }
        Some(elements) => rewrite(shell, |place| place == Place::Outside, elements),
    }
}

/// The message with those of its elements that are kept, and `more`.
fn rewrite(xml: &str, keeps: impl Fn(Place) -> bool, more: &str) -> Result<String, StanzaError> {
    let mut reader = Reader::new(xml, Scope::Stream)?;
    let root = reader.root()?;
    let literals: Vec<_> = root.literals().collect();
    let mut rewritten = open_tag_of(root.local(), &literals);
    while let Some(tag) = reader.child()? {
        if keeps(Place::of(&tag)) {
            rewritten.push_str(&reader.element(&tag)?);
        } else {
            reader.skip()?;
        }
    }
    reader.finish()?;
    rewritten.push_str(more);
    for piece in ["</", root.local(), ">"] {
        rewritten.push_str(piece);
    }
    Ok(rewritten)
}

impl Place {
    fn of(tag: &Tag<'_>) -> Self {
        match tag.namespace {
            Namespace::Omemo(_) if tag.local() == "encrypted" => Self::Encryption,
            Namespace::Encryption => Self::Encryption,
            Namespace::Hints
            | Namespace::StanzaIds
            | Namespace::Addresses
            | Namespace::Routing
            | Namespace::Carbons => Self::Outside,
            Namespace::Signal => Self::Sign,
            namespace if namespace.is_of_stanzas() => match tag.local() {
                "body" => Self::Body,
                "error" => Self::Outside,
                "thread" => Self::Sign,
                _ => Self::Inside,
            },
            _ => Self::Inside,
        }
    }
}

fn is_hint_to_store(part: &Part<'_>) -> bool {
    part.name == "store"
}

fn open_tag(attributes: &[(&str, &str)]) -> String {
    open_tag_of("message", attributes)
}

/// The literals are without their quotes, and were in either kind.
fn open_tag_of(name: &str, attributes: &[(&str, &str)]) -> String {
    let mut tag = format!("<{name}");
    for (name, literal) in attributes {
        let quote = if literal.contains('\'') { "\"" } else { "'" };
        for piece in [" ", name, "=", quote, literal, quote] {
            tag.push_str(piece);
        }
    }
    tag.push('>');
    tag
}

/// In an envelope each element says its namespace, also that of the stream.
fn own_namespace<'x>(tag: &Tag<'x>, xml: Cow<'x, str>) -> Cow<'x, str> {
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

    fn elements(xml: &str) -> Content<'_> {
        Content {
            body: None,
            elements: Some(xml.into()),
            opt_out: None,
            sent_at: None,
        }
    }

    #[test]
    fn what_goes_where() {
        let message = PlainMessage::read(MESSAGE).unwrap();
        assert_eq!(message.body(), Some("Art thou not Romeo?"));
        assert_eq!(
            message.attribute("to").as_deref(),
            Some("romeo@montague.example")
        );
        assert_eq!(message.unprotected().collect::<Vec<_>>(), ["reactions"]);
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
        let stripped = strip(xml).unwrap();
        assert_eq!(stripped, "<message xml:lang='en' id='1'></message>");
        let sealed = PlainMessage::read(xml)
            .unwrap()
            .seal(&[], Unprotected::Drop);
        assert_eq!(sealed.unwrap(), "<message xml:lang='en' id='1'></message>");
    }

    #[test]
    fn what_comes_out_is_what_went_in() {
        let message = PlainMessage::read(MESSAGE).unwrap();
        let sent = message
            .seal(&[element(Version::Omemo2)], Unprotected::Drop)
            .unwrap();
        let shell = strip(&sent).unwrap();
        assert!(!shell.contains("encrypted"));
        let content = message.content();
        let clear = reveal(&shell, &elements(&content)).unwrap();
        let again = PlainMessage::read(&clear).unwrap();
        assert_eq!(again.content(), content);
        assert_eq!(again.attribute("id").as_deref(), Some("m1"));
        assert!(clear.contains("origin-id") && clear.contains("hints"));

        let sent = message
            .seal(&[element(Version::Legacy)], Unprotected::Drop)
            .unwrap();
        let body = Content {
            elements: None,
            body: Some("Art thou not Romeo?".into()),
            ..elements("")
        };
        let clear = reveal(&strip(&sent).unwrap(), &body).unwrap();
        let again = PlainMessage::read(&clear).unwrap();
        assert_eq!(again.body(), message.body());
        assert!(clear.contains("receipts") && clear.contains("m0"));
        assert!(!clear.contains("This message is encrypted"));
    }

    #[test]
    fn what_is_in_clear_beside_an_envelope_is_not_taken() {
        let shell = "<message from='a@b'><body>forged</body><subject>forged</subject>\
            <delay xmlns='urn:xmpp:delay' stamp='2026-11-22T23:00:00Z'/></message>";
        let content = "<body xmlns='jabber:client'>true</body>";
        let clear = reveal(shell, &elements(content)).unwrap();
        assert!(!clear.contains("forged"));
        assert!(clear.contains("urn:xmpp:delay") && clear.contains("true"));
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
