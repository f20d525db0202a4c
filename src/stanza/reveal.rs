//! Encrypted messages as if they had come in clear.
//!
//! What stands beside the encrypted part was not encrypted, and may be anybody's: the sender's, or a server's.
//! What becomes of it:
//!
//! | beside | legacy | OMEMO 2 |
//! |---|---|---|
//! | bodies, `<encryption/>` (XEP-0380) | dropped | dropped |
//! | delays (XEP-0203, XEP-0091), stanza and origin ids (XEP-0359), occupants (XEP-0045, XEP-0421), MIX (XEP-0369), hints (XEP-0334), addresses (XEP-0033), carbons' `<private/>` (XEP-0280), `<error/>` | in the stanza | in the stanza |
//! | `<thread/>`, receipts (XEP-0184), markers (XEP-0333), chat states (XEP-0085) | in the stanza | apart |
//! | corrections (XEP-0308), retractions (XEP-0424), replies (XEP-0461) | in the stanza, as [`Mark`] | apart |
//! | what the application adds to this list | in the stanza | apart |
//! | everything else | apart | apart |
//!
//! In OMEMO 2 signs between clients come out of the envelope; who decrypts takes from outside only what is for
//! servers and rooms (XEP-0420 §9).

use core::fmt;

use super::mark::{MAX_MARKS, Mark};
use super::place::Place;
use super::plain::own_namespace;
use super::tag::Tag;
use super::writer::{Writer, open_tag};
use super::xml::{Reader, Scope};
use super::{Content, ElementName, StanzaError};

/// An encrypted message as if it had come in clear. Its [`Debug`](fmt::Debug) does not show what somebody wrote.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revealed {
    /// The stanza: what was encrypted, and of what stood beside it the elements that clients need.
    pub stanza: String,
    /// The elements that stood beside the encrypted part and are not in the stanza, in their order, each with its
    /// namespace. Nobody has authenticated them; a server can have added them.
    pub unauthenticated: String,
    /// The elements of the stanza that name another message, and that nobody has authenticated. Of OMEMO 2 there
    /// are none: there they come out of the envelope.
    pub unauthenticated_marks: Vec<Mark>,
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revealed")
            .field("unauthenticated_marks", &self.unauthenticated_marks.len())
            .finish_non_exhaustive()
    }
}

/// What is left of an encrypted message without its encrypted part: for [`reveal`], and short enough to
/// be kept until then.
///
/// # Errors
/// [`StanzaError`].
pub fn strip(xml: &str) -> Result<String, StanzaError> {
    let keep = |tag: &Tag<'_>, _: &Reader<'_>| match Place::of(tag) {
        Place::Encryption => Fate::Dropped,
        _ => Fate::Kept,
    };
    Ok(rewrite(xml, keep, "")?.stanza)
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
/// `also_kept` are elements that the application takes from beside a legacy message, though nobody has
/// authenticated them.
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
///              <request xmlns='urn:xmpp:receipts'/><x xmlns='jabber:x:oob'/></message>";
/// let revealed = reveal(shell, &content, &[])?;
/// assert_eq!(
///     revealed.stanza,
///     "<message from='romeo@montague.example' id='1'><request xmlns='urn:xmpp:receipts'/>\
///      <body>Neither, fair saint</body></message>"
/// );
/// assert_eq!(revealed.unauthenticated, "<x xmlns='jabber:x:oob'/>");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reveal(
    shell: &str,
    content: &Content<'_>,
    also_kept: &[ElementName],
) -> Result<Revealed, StanzaError> {
    match &content.elements {
        None => {
            let mut writer = Writer::default();
            if let Some(body) = &content.body {
                writer.text("body", &[], body);
            }
            let fate = |tag: &Tag<'_>, reader: &Reader<'_>| match Place::of(tag) {
                Place::Encryption | Place::Body | Place::OtherBody => Fate::Dropped,
                Place::Outside => Fate::Kept,
                Place::Sign | Place::Inside => match Mark::of(tag) {
                    Some(mark) => Fate::Marked(mark),
                    None if Place::of(tag) == Place::Sign => Fate::Kept,
                    None if also_kept.contains(&reader.name_of(tag)) => Fate::Kept,
                    None => Fate::Apart,
                },
            };
            rewrite(shell, fate, &writer.into_xml())
        }
        Some(elements) => {
            let fate = |tag: &Tag<'_>, _: &Reader<'_>| match Place::of(tag) {
                Place::Encryption | Place::Body | Place::OtherBody => Fate::Dropped,
                Place::Outside => Fate::Kept,
                Place::Sign | Place::Inside => Fate::Apart,
            };
            rewrite(shell, fate, elements)
        }
    }
}

/// What becomes of an element beside the encrypted part.
enum Fate {
    Dropped,
    Kept,
    /// Kept, and told of.
    Marked(Mark),
    Apart,
}

/// The message with those of its elements that are kept, and `more`.
fn rewrite(
    xml: &str,
    fate: impl Fn(&Tag<'_>, &Reader<'_>) -> Fate,
    more: &str,
) -> Result<Revealed, StanzaError> {
    let mut reader = Reader::new(xml, Scope::Stream)?;
    let root = reader.root()?;
    let literals: Vec<_> = root.literals().collect();
    let mut stanza = open_tag(root.local(), &literals);
    let mut unauthenticated = String::new();
    let mut unauthenticated_marks = Vec::new();
    while let Some(tag) = reader.child()? {
        let is_kept = match fate(&tag, &reader) {
            Fate::Dropped => {
                reader.skip()?;
                continue;
            }
            Fate::Kept => true,
            Fate::Marked(mark) if unauthenticated_marks.len() < MAX_MARKS => {
                unauthenticated_marks.push(mark);
                true
            }
            Fate::Marked(_) | Fate::Apart => false,
        };
        let element = reader.element(&tag)?;
        if is_kept {
            stanza.push_str(&element);
        } else {
            unauthenticated.push_str(&own_namespace(&tag, element));
        }
    }
    reader.finish()?;
    stanza.push_str(more);
    for piece in ["</", root.local(), ">"] {
        stanza.push_str(piece);
    }
    Ok(Revealed {
        stanza,
        unauthenticated,
        unauthenticated_marks,
    })
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
        let clear = reveal(&shell, &elements(&content), &[]).unwrap().stanza;
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
        let clear = reveal(&strip(&sent).unwrap(), &body, &[]).unwrap().stanza;
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
        let revealed = reveal(shell, &elements(content), &[]).unwrap();
        let clear = revealed.stanza;
        assert_eq!(
            revealed.unauthenticated,
            "<subject xmlns='jabber:client'>forged</subject>"
        );
        assert!(!clear.contains("forged"));
        assert!(clear.contains("urn:xmpp:delay") && clear.contains("true"));
    }

    fn legacy() -> Content<'static> {
        Content {
            elements: None,
            body: Some("true".into()),
            ..elements("")
        }
    }

    /// Beside a legacy text, and beside an envelope: whether it stays in the stanza.
    const BESIDE: [(&str, bool, bool); 24] = [
        (
            "<delay xmlns='urn:xmpp:delay' stamp='2026-11-22T23:00:00Z'/>",
            true,
            true,
        ),
        (
            "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='a@b'/>",
            true,
            true,
        ),
        ("<origin-id xmlns='urn:xmpp:sid:0' id='1'/>", true, true),
        (
            "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='1'/>",
            true,
            true,
        ),
        (
            "<x xmlns='http://jabber.org/protocol/muc#user'><item/></x>",
            true,
            true,
        ),
        ("<no-copy xmlns='urn:xmpp:hints'/>", true, true),
        ("<error type='cancel'/>", true, true),
        ("<thread>1</thread>", true, false),
        ("<request xmlns='urn:xmpp:receipts'/>", true, false),
        ("<markable xmlns='urn:xmpp:chat-markers:0'/>", true, false),
        (
            "<active xmlns='http://jabber.org/protocol/chatstates'/>",
            true,
            false,
        ),
        (
            "<replace xmlns='urn:xmpp:message-correct:0' id='0'/>",
            true,
            false,
        ),
        (
            "<retract xmlns='urn:xmpp:message-retract:1' id='0'/>",
            true,
            false,
        ),
        (
            "<reply xmlns='urn:xmpp:reply:0' id='0' to='a@b'/>",
            true,
            false,
        ),
        (
            "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='4'/></fallback>",
            false,
            false,
        ),
        (
            "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>no</body></html>",
            false,
            false,
        ),
        (
            "<x xmlns='jabber:x:oob'><url>https://evil.example/</url></x>",
            false,
            false,
        ),
        (
            "<reference xmlns='urn:xmpp:reference:0' uri='https://evil.example/'/>",
            false,
            false,
        ),
        ("<file-sharing xmlns='urn:xmpp:sfs:0'/>", false, false),
        (
            "<reactions xmlns='urn:xmpp:reactions:0' id='0'/>",
            false,
            false,
        ),
        (
            "<apply-to xmlns='urn:xmpp:fasten:0' id='0'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>",
            false,
            false,
        ),
        (
            "<nick xmlns='http://jabber.org/protocol/nick'>Romeo</nick>",
            false,
            false,
        ),
        ("<x xmlns='jabber:x:conference' jid='a@b'/>", false, false),
        ("<anything xmlns='urn:x'/>", false, false),
    ];

    #[test]
    fn what_stands_beside_the_encrypted_part_is_kept_or_told_apart() {
        let envelope = elements("<body xmlns='jabber:client'>true</body>");
        for (beside, in_legacy, in_omemo2) in BESIDE {
            for (content, stays) in [(&legacy(), in_legacy), (&envelope, in_omemo2)] {
                let shell =
                    format!("<message><body>no</body>{beside}<body xml:lang='de'/></message>");
                let revealed = reveal(&shell, content, &[]).unwrap();
                assert_eq!(revealed.stanza.contains(beside), stays, "{beside}");
                assert_eq!(revealed.stanza.matches("<body").count(), 1, "{beside}");
                let apart = if stays || beside.starts_with("<thread>") {
                    ""
                } else {
                    beside
                };
                let thread = "<thread xmlns='jabber:client'>1</thread>";
                assert!(
                    [apart, thread].contains(&&*revealed.unauthenticated),
                    "{beside}"
                );
                let is_marked = stays && beside.contains("id='0'");
                assert_eq!(revealed.unauthenticated_marks.len(), usize::from(is_marked));
            }
        }
    }

    #[test]
    fn what_is_apart_stands_on_its_own() {
        let shell = "<message xmlns='jabber:client' xmlns:o='jabber:x:oob'><subject>a</subject>\
            <o:x><o:url>b</o:url></o:x></message>";
        let revealed = reveal(shell, &legacy(), &[]).unwrap();
        let xml = format!("<all>{}</all>", revealed.unauthenticated);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let names = document
            .root_element()
            .children()
            .map(|child| child.tag_name().namespace());
        let names: Vec<_> = names.collect();
        assert_eq!(names, [Some("jabber:client"), Some("jabber:x:oob")]);
    }

    #[test]
    fn an_application_can_keep_more_of_legacy() {
        let link = "<x xmlns='jabber:x:oob'><url>a</url></x>";
        let shell = format!("<message>{link}<y xmlns='jabber:x:oob'/><x xmlns='urn:x'/></message>");
        let also = [ElementName::new("jabber:x:oob", "x")];
        let revealed = reveal(&shell, &legacy(), &also).unwrap();
        assert!(revealed.stanza.contains(link));
        assert_eq!(
            revealed.unauthenticated,
            "<y xmlns='jabber:x:oob'/><x xmlns='urn:x'/>"
        );
        // An envelope has what its sender wants to say.
        let revealed = reveal(&shell, &elements(""), &also).unwrap();
        assert_eq!(revealed.stanza, "<message></message>");
    }

    #[test]
    fn marks_name_what_they_concern_and_are_counted() {
        use crate::stanza::MarkKind::{Replace, Reply, Retract};
        let shell = "<message><replace xmlns='urn:xmpp:message-correct:0' id='&lt;7'/>\
            <retract xmlns='urn:xmpp:message-retract:0'/><reply xmlns='urn:xmpp:reply:0' id='9'/></message>";
        let revealed = reveal(shell, &legacy(), &[]).unwrap();
        let marks: Vec<_> = revealed
            .unauthenticated_marks
            .iter()
            .map(|mark| (mark.kind, mark.id.as_deref()))
            .collect();
        assert_eq!(
            marks,
            [(Replace, Some("<7")), (Retract, None), (Reply, Some("9"))]
        );

        let one = "<replace xmlns='urn:xmpp:message-correct:0' id='7'/>";
        let shell = format!("<message>{}</message>", one.repeat(20));
        let revealed = reveal(&shell, &legacy(), &[]).unwrap();
        assert_eq!(revealed.unauthenticated_marks.len(), MAX_MARKS);
        assert_eq!(revealed.stanza.matches("<replace").count(), MAX_MARKS);
        assert_eq!(
            revealed.unauthenticated.matches("<replace").count(),
            20 - MAX_MARKS
        );
    }

    #[test]
    fn debug_does_not_show_what_somebody_wrote() {
        let shell = "<message><x xmlns='se-cret'/></message>";
        let revealed = reveal(shell, &elements("<a xmlns='se-cret'/>"), &[]).unwrap();
        assert!(!format!("{revealed:?}").contains("se-cret"));
    }

    /// A prefix without its declaration would make the stanza one that nobody can parse.
    #[test]
    fn attributes_with_a_prefix() {
        let stripped = strip("<message xmlns:a='urn:a' a:b='c' xml:lang='en' id='1'/>").unwrap();
        assert_eq!(stripped, "<message xml:lang='en' id='1'></message>");
    }
}
