//! Encrypted messages as if they had come in clear.
//!
//! Who decrypts takes from outside an envelope only what is for servers and rooms (XEP-0420 §9): everything
//! else there was not encrypted, and may be anybody's.

use super::place::Place;
use super::writer::{Writer, open_tag};
use super::xml::{Reader, Scope};
use super::{Content, StanzaError};

/// What is left of an encrypted message without its encrypted part: for [`reveal`], and short enough to
/// be kept until then.
///
/// # Errors
/// [`StanzaError`].
pub fn strip(xml: &str) -> Result<String, StanzaError> {
    rewrite(xml, |place| place != Place::Encryption, "")
}

/// The root of a stanza with its attributes and without its children. It can be read also where something
/// further on is malformed; empty if the root itself is.
#[must_use]
pub fn root_alone(xml: &str) -> String {
    let root = Reader::new(xml, Scope::Stream).and_then(|mut reader| reader.root());
    root.map_or_else(
        |_| String::new(),
        |root| {
            let literals: Vec<_> = root.literals().collect();
            let open = open_tag(root.local(), &literals);
            [&open, "</", root.local(), ">"].concat()
        },
    )
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
    let mut rewritten = open_tag(root.local(), &literals);
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

#[cfg(test)]
mod tests {
    use super::super::{PlainMessage, Unprotected};
    use super::*;
    use crate::model::{DeviceId, Encrypted, RecipientKey, Version};

    const MESSAGE: &str = "<message to='romeo@montague.example' id='m1' type='chat'>\
        <body>Art thou not Romeo?</body><origin-id xmlns='urn:xmpp:sid:0' id='m1'/>\
        <request xmlns='urn:xmpp:receipts'/>\
        <replace xmlns='urn:xmpp:message-correct:0' id='m0'/></message>";

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

    /// A prefix without its declaration would make the stanza one that nobody can parse.
    #[test]
    fn attributes_with_a_prefix() {
        let stripped = strip("<message xmlns:a='urn:a' a:b='c' xml:lang='en' id='1'/>").unwrap();
        assert_eq!(stripped, "<message xml:lang='en' id='1'></message>");
    }
}
