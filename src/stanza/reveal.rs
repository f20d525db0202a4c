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
mod tests;
