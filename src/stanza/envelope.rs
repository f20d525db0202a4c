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
    /// One of these: a private message to an occupant of a room, whose nickname may have been anybody's then.
    OneOf(&'a [BareJid]),
    /// Nobody knows to whom. `to` is not compared.
    Unknown,
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
            (Addressee::Account(_) | Addressee::OneOf(_), None) | (Addressee::Unknown, _) => true,
            (Addressee::OneOf(jids), Some(to)) => jids.contains(to),
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
mod tests;
