//! Writing envelopes (XEP-0420 §4 and §7, with the profile of XEP-0384 §5.5.1).
//!
//! ```text
//! <envelope xmlns='urn:xmpp:sce:1'><content>…</content>
//!   <rpad>…</rpad><from xmlns='urn:xmpp:sce:1' jid=''/><to xmlns='urn:xmpp:sce:1' jid=''/>
//!   [<time stamp=''/>]</envelope>
//! ```
//!
//! `<from/>` and `<to/>` repeat the namespace that they are in anyway: Converse.js 14 looks for the attribute,
//! and drops group messages without it.

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::grammar::WHITE_SPACE;
use super::tag::Namespace;
use super::writer::Writer;
use super::xml::{Reader, Scope};
use super::{Limit, MAX_BYTES, StanzaError, WriteEnvelopeError, XmlError, stamp};
use crate::error::RngError;
use crate::model::{BareJid, Timestamp};

/// What ties the content of an envelope to the stanza that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affixes<'a> {
    /// Our account.
    pub from: &'a BareJid,
    /// The recipient in the stanza's `to`, or the room.
    pub to: &'a BareJid,
    /// When the stanza is sent. Messages about trust must say it (XEP-0434 §5.2), others may.
    pub time: Option<Timestamp>,
}

/// Up to this length, in bytes, all envelopes are equally long but for the random part of the padding.
pub const MIN_ENVELOPE: usize = 512;

/// The most characters of the random part of the padding (XEP-0420 §4).
pub const MAX_RANDOM_PADDING: usize = 200;

/// Writes an envelope around elements that are to be encrypted.
///
/// `content` is the XML of those elements: well-formed, each with its own `xmlns`, nothing between them,
/// and none of those that servers process. It is looked at as a recipient will; it stays as it is.
///
/// The padding brings a short envelope to [`MIN_ENVELOPE`] bytes, and then adds a random number of
/// random characters, up to [`MAX_RANDOM_PADDING`]: of a short message the length says nothing.
///
/// # Errors
/// [`WriteEnvelopeError`].
///
/// ```
/// use getrandom::SysRng;
/// use omemo::model::BareJid;
/// use omemo::stanza::{Addressee, Affixes, Envelope, write_envelope};
///
/// let juliet: BareJid = "juliet@capulet.example".parse()?;
/// let romeo: BareJid = "romeo@montague.example".parse()?;
/// let affixes = Affixes { from: &juliet, to: &romeo, time: None };
///
/// let content = "<body xmlns='jabber:client'>Wherefore art thou?</body>";
/// let plaintext = write_envelope(content, &affixes, &mut SysRng)?;
///
/// let envelope = Envelope::read(plaintext.as_bytes())?;
/// envelope.check(&juliet, Addressee::Account(&romeo))?;
/// assert_eq!(envelope.body.as_deref(), Some("Wherefore art thou?"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_envelope<G: TryCryptoRng + ?Sized>(
    content: &str,
    affixes: &Affixes<'_>,
    rng: &mut G,
) -> Result<Zeroizing<String>, WriteEnvelopeError> {
    if content.len() > MAX_BYTES {
        return Err(StanzaError::from(Limit::Bytes).into());
    }
    let affixes = affixes.to_xml();
    let length = [
        OPEN,
        content,
        CLOSE_CONTENT,
        RPAD[0],
        RPAD[1],
        &affixes,
        CLOSE,
    ]
    .map(str::len)
    .iter()
    .sum();
    let padding = padding(length, rng)?;

    // No growing: it would leave plaintext behind in freed memory.
    let mut xml = Zeroizing::new(String::with_capacity(length + padding.len()));
    for piece in [OPEN, content, CLOSE_CONTENT, CLOSE] {
        xml.push_str(piece);
    }
    check_content(&xml)?;
    let end_of_content = xml.len() - CLOSE.len();
    xml.truncate(end_of_content);
    for piece in [RPAD[0], &padding, RPAD[1], &affixes, CLOSE] {
        xml.push_str(piece);
    }
    Ok(xml)
}

impl Affixes<'_> {
    fn to_xml(self) -> String {
        let mut writer = Writer::default();
        writer.empty("from", &[("xmlns", &ENVELOPE), ("jid", self.from)]);
        writer.empty("to", &[("xmlns", &ENVELOPE), ("jid", self.to)]);
        if let Some(time) = self.time {
            writer.empty("time", &[("stamp", &stamp::write(time))]);
        }
        writer.into_xml()
    }
}

const ENVELOPE: &str = "urn:xmpp:sce:1";
const OPEN: &str = "<envelope xmlns='urn:xmpp:sce:1'><content>";
const CLOSE_CONTENT: &str = "</content>";
const RPAD: [&str; 2] = ["<rpad>", "</rpad>"];
const CLOSE: &str = "</envelope>";

/// An envelope with nothing but content, looked at before anybody else sees it.
fn check_content(xml: &str) -> Result<(), WriteEnvelopeError> {
    let mut reader = Reader::new(xml, Scope::Document)?;
    reader.root()?;
    reader.child()?;
    if !reader.text()?.trim_matches(WHITE_SPACE).is_empty() {
        return Err(WriteEnvelopeError::Text);
    }
    // Content that closes the element around it has made another one.
    if reader.child()?.is_some() {
        return Err(StanzaError::from(XmlError::Syntax).into());
    }
    reader.finish()?;

    let mut reader = Reader::new(xml, Scope::Document)?;
    reader.root()?;
    reader.child()?;
    while let Some(tag) = reader.child()? {
        if matches!(tag.namespace, Namespace::None | Namespace::Envelope) {
            return Err(WriteEnvelopeError::Namespace);
        }
        if tag.is_for_servers() {
            return Err(WriteEnvelopeError::ForServers);
        }
        reader.skip()?;
    }
    Ok(())
}

/// The padding of an envelope that has `length` bytes without.
fn padding<G: TryCryptoRng + ?Sized>(length: usize, rng: &mut G) -> Result<String, RngError> {
    let mut drawn = [0; 8];
    rng.try_fill_bytes(&mut drawn).map_err(|_| RngError)?;
    // The bias of the remainder is below 201 / 2^64.
    let random = u64::from_le_bytes(drawn) % (MAX_RANDOM_PADDING as u64 + 1);
    let fixed = MIN_ENVELOPE.saturating_sub(length);
    let mut bytes = vec![0; fixed + random as usize];
    rng.try_fill_bytes(&mut bytes).map_err(|_| RngError)?;
    Ok(bytes.into_iter().map(character).collect())
}

/// One of 64 characters, each as likely as the others.
const fn character(byte: u8) -> char {
    let byte = byte & 63;
    let character = match byte {
        0..26 => b'A' + byte,
        26..52 => b'a' + (byte - 26),
        52..62 => b'0' + (byte - 52),
        62 => b'-',
        _ => b'_',
    };
    character as char
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_characters() {
        let all: String = (0..=255).map(character).collect();
        let once = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        assert_eq!(all, once.repeat(4));
    }
}
