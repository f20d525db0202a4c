//! What a payload says, whatever the version: what goes into it, and what comes out.
//!
//! | | payload |
//! |---|---|
//! | legacy | the text of the body |
//! | OMEMO 2 | an envelope (XEP-0420) around the elements |

use core::fmt;
use std::borrow::Cow;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::grammar::is_character;
use super::{
    Addressee, Affixes, Envelope, EnvelopeError, OptOut, PlainMessage, Unprotected,
    WriteEnvelopeError, write_envelope,
};
use crate::model::{BareJid, PerVersion, Timestamp, Version};

/// What to encrypt in each version.
pub type Payloads = PerVersion<Option<Zeroizing<Vec<u8>>>>;

impl PlainMessage<'_> {
    /// Whether the message can be written in a version: legacy has nothing but a body.
    #[must_use]
    pub fn fits(&self, version: Version, unprotected: Unprotected) -> bool {
        match version {
            Version::Legacy => {
                let is_whole = || self.left_out(version, unprotected).is_empty();
                self.body().is_some() && (unprotected != Unprotected::Skip || is_whole())
            }
            Version::Omemo2 => true,
        }
    }

    /// What to encrypt in those versions.
    ///
    /// # Errors
    /// [`WriteEnvelopeError`].
    pub fn payloads<G: TryCryptoRng + ?Sized>(
        &self,
        versions: PerVersion<bool>,
        affixes: &Affixes<'_>,
        rng: &mut G,
    ) -> Result<Payloads, WriteEnvelopeError> {
        let mut payloads = Payloads::default();
        if versions.legacy {
            let body = self.body().map(|body| Zeroizing::new(body.into()));
            payloads.legacy = body;
        }
        if versions.omemo2 {
            let envelope = write_envelope(&self.content(), affixes, rng)?;
            payloads.omemo2 = Some(Zeroizing::new(envelope.as_bytes().to_vec()));
        }
        Ok(payloads)
    }
}

/// What was decrypted, read and checked. Its [`Debug`](fmt::Debug) does not show what somebody wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Content<'p> {
    /// The text.
    pub body: Option<Cow<'p, str>>,
    /// All elements, where the version encrypts more than the text: XML that stands on its own.
    pub elements: Option<Cow<'p, str>>,
    /// The wish to end encryption.
    pub opt_out: Option<OptOut<'p>>,
    /// When it was written, as it says itself.
    pub sent_at: Option<Timestamp>,
}

/// Why a payload that was decrypted is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentError {
    /// It is no text.
    Encoding,
    /// Its envelope is not well-formed, or belongs to another stanza.
    Envelope(EnvelopeError),
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding => f.write_str("the decrypted text is no text"),
            Self::Envelope(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ContentError {}

/// The account that a decrypted payload says has written it. An envelope without a sender, and no payload at all,
/// say it of nobody; a legacy text cannot say it.
///
/// For [`Incoming`](crate::account::Incoming): where a stanza does not prove who sent it, its content has to.
#[must_use]
pub fn author(version: Version, payload: Option<&[u8]>) -> Option<BareJid> {
    match version {
        Version::Legacy => None,
        Version::Omemo2 => Envelope::read(payload?).ok()?.from,
    }
}

impl<'p> Content<'p> {
    /// Reads a decrypted payload, and checks it against the stanza: see [`Envelope::check`]. Characters of a
    /// legacy text that cannot stand in XML become U+FFFD.
    ///
    /// # Errors
    /// [`ContentError`]: nothing of it is to be shown.
    pub fn read(
        version: Version,
        payload: &'p [u8],
        sender: &BareJid,
        addressee: Addressee<'_>,
    ) -> Result<Self, ContentError> {
        match version {
            Version::Legacy => {
                let body = core::str::from_utf8(payload).map_err(|_| ContentError::Encoding)?;
                Ok(Self {
                    body: Some(writable(body)),
                    elements: None,
                    opt_out: None,
                    sent_at: None,
                })
            }
            Version::Omemo2 => {
                let envelope = Envelope::read(payload).map_err(ContentError::Envelope)?;
                let check = envelope.check(sender, addressee);
                check.map_err(ContentError::Envelope)?;
                Ok(Self {
                    sent_at: envelope.sent_at(),
                    body: envelope.body,
                    elements: Some(envelope.content),
                    opt_out: envelope.opt_out,
                })
            }
        }
    }
}

/// Some clients encrypt whatever was pasted. What cannot stand in XML is replaced: a stanza with it would
/// be none, and text with a zero byte ends there in C.
fn writable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_character) {
        return Cow::Borrowed(text);
    }
    let characters = text.chars();
    let replaced = characters.map(|c| {
        if is_character(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    });
    Cow::Owned(replaced.collect())
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::reveal;
    use super::*;

    #[test]
    fn a_legacy_text_with_any_characters_becomes_a_stanza() {
        let romeo: BareJid = "romeo@montague.example".parse().unwrap();
        let to = Addressee::Account(&romeo);
        let read = |text: &'static str| {
            let content = Content::read(Version::Legacy, text.as_bytes(), &romeo, to).unwrap();
            let shell = "<message><body>x</body></message>";
            let clear = reveal(shell, &content, &[]).unwrap().stanza;
            let body = PlainMessage::read(&clear)
                .unwrap()
                .body()
                .map(str::to_owned);
            assert_eq!(body.as_deref(), content.body.as_deref());
            body.unwrap()
        };
        assert_eq!(read("Hello\0world"), "Hello\u{fffd}world");
        assert_eq!(
            read("bell\u{7}\u{c} \u{fffe}"),
            "bell\u{fffd}\u{fffd} \u{fffd}"
        );
        assert_eq!(
            read("tab\t, line\r\n, \u{1f339}"),
            "tab\t, line\r\n, \u{1f339}"
        );
    }
}
