//! Encrypted messages, and other stanzas with `<encrypted/>` in them (XEP-0384 §5.5; 0.3.0 §4.5).
//!
//! One walk over the stanza serves two readings. [`Message::read`] is what a device does with each
//! message: it decodes the keys that are for it and no other, so that a message to a thousand devices
//! takes no more memory than one to two. [`Message::list`] is for people who look into a stanza.

use std::borrow::Cow;

use super::encrypted::Walk;
use super::key::{All, Choice, ForDevice, ListedKey};
use super::tag::Namespace;
use super::xml::{Reader, Scope};
use super::{Delay, MAX_DELAYS, MAX_ENCRYPTED, StanzaError};
use crate::model::{BareJid, DeviceId, Encrypted, JidError, OwnKey, PerVersion, Version};

/// A `<message/>` or `<iq/>` and what is encrypted in it; `K` is what was kept of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'x, K> {
    /// Which kind of stanza it is.
    pub stanza: StanzaKind,
    /// The `from` attribute: usually with a resource; in a room, the nickname.
    pub from: Option<Cow<'x, str>>,
    /// The `to` attribute.
    pub to: Option<Cow<'x, str>>,
    /// The `type` attribute. `error` is our own stanza coming back.
    pub kind: Option<Cow<'x, str>>,
    /// The `id` attribute. Whoever wrote the stanza chose it.
    pub id: Option<Cow<'x, str>>,
    /// The `<encrypted/>` elements in their order: as a rule at most one of each version. Anybody on the way can
    /// add some, so that the first one need not be the one that can be opened. At most
    /// [`MAX_ENCRYPTED`](super::MAX_ENCRYPTED) of each version are kept, the rest is passed over.
    pub encrypted: Vec<Encrypted<K>>,
    /// When it was sent, as others say who have kept it, in their order. At most the last
    /// [`MAX_DELAYS`](super::MAX_DELAYS).
    pub delays: Vec<Delay<'x>>,
}

/// The stanzas that can have encrypted content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StanzaKind {
    /// `<message/>`.
    Message,
    /// `<iq/>`, which XEP-0420 allows to encrypt as well.
    Iq,
}

impl<K> Message<'_, K> {
    /// The first `<encrypted/>` element of a version.
    #[must_use]
    pub fn of(&self, version: Version) -> Option<&Encrypted<K>> {
        self.encrypted
            .iter()
            .find(|encrypted| encrypted.version == version)
    }

    /// The account, or room, that `from` names.
    ///
    /// # Errors
    /// [`JidError`] if it is no address.
    pub fn sender(&self) -> Result<Option<BareJid>, JidError> {
        self.from.as_deref().map(BareJid::from_full).transpose()
    }

    /// The account, or room, that `to` names.
    ///
    /// # Errors
    /// [`JidError`] if it is no address.
    pub fn recipient(&self) -> Result<Option<BareJid>, JidError> {
        self.to.as_deref().map(BareJid::from_full).transpose()
    }
}

impl<'x> Message<'x, OwnKey> {
    /// Reads a stanza as one device of an account, and keeps the keys for that device.
    ///
    /// Legacy goes by the device id alone, which devices of other accounts may share; OMEMO 2 by the
    /// account as well. Keys that are not base64 are left out as long as one is, and after
    /// [`MAX_OWN_KEYS`](super::MAX_OWN_KEYS) the rest is.
    ///
    /// # Errors
    /// [`StanzaError`]. A stanza without `<encrypted/>`, or without a key for us, is no error; neither is an
    /// element that is malformed beside one that is not: it is left out.
    ///
    /// ```
    /// use omemo::model::{DeviceId, Version};
    /// use omemo::stanza::Message;
    ///
    /// let xml = "<message from='juliet@capulet.example/balcony' to='romeo@montague.example'>\
    ///   <encrypted xmlns='urn:xmpp:omemo:2'><header sid='27183'>\
    ///     <keys jid='nurse@capulet.example'><key rid='31415'>not for us</key></keys>\
    ///     <keys jid='romeo@montague.example'><key rid='31415' kex='true'>AAEC</key></keys>\
    ///   </header></encrypted></message>";
    /// let device = DeviceId::new(31415).ok_or("not 0")?;
    /// let message = Message::read(xml, &"romeo@montague.example".parse()?, device)?;
    ///
    /// let encrypted = message.of(Version::Omemo2).ok_or("there")?;
    /// assert_eq!(encrypted.keys[0].bytes, [0, 1, 2]);
    /// assert_eq!(encrypted.payload, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(xml: &'x str, account: &BareJid, device: DeviceId) -> Result<Self, StanzaError> {
        walk(xml, ForDevice { account, device })
    }
}

impl<'x> Message<'x, ListedKey<'x>> {
    /// Reads a stanza and lists the keys for all devices; those without a valid `rid` are left out.
    ///
    /// # Errors
    /// [`StanzaError`]. A stanza without `<encrypted/>` is no error.
    pub fn list(xml: &'x str) -> Result<Self, StanzaError> {
        walk(xml, All)
    }
}

/// The `from` attribute of a stanza, also of one that is malformed further on.
#[must_use]
pub fn said_sender(xml: &str) -> Option<Cow<'_, str>> {
    let mut reader = Reader::new(xml, Scope::Stream).ok()?;
    reader.root().ok()?.attribute("from")
}

fn walk<'x, C: Choice<'x>>(xml: &'x str, choice: C) -> Result<Message<'x, C::Key>, StanzaError> {
    let mut reader = Reader::new(xml, Scope::Stream)?;
    let root = reader.root()?;
    let stanza = match root.local() {
        "message" if root.namespace.is_of_stanzas() => StanzaKind::Message,
        "iq" if root.namespace.is_of_stanzas() => StanzaKind::Iq,
        _ => return Err(StanzaError::missing("message")),
    };
    let mut walk = Walk::new(reader, choice);
    let mut encrypted = Vec::new();
    let mut malformed = None;
    let mut delays = Vec::new();
    let mut counts = PerVersion::<usize>::default();
    let outside = walk.reader.depth();
    while let Some(tag) = walk.reader.child()? {
        match tag.namespace {
            Namespace::Omemo(version)
                if tag.local() == "encrypted" && *counts.get(version) < MAX_ENCRYPTED =>
            {
                *counts.get_mut(version) += 1;
                match walk.encrypted(version) {
                    Ok(element) => encrypted.push(element),
                    Err(error @ (StanzaError::Xml(_) | StanzaError::Limit(_))) => {
                        return Err(error);
                    }
                    // Whoever adds a bad element must not hide the good one behind it.
                    Err(error) => {
                        malformed.get_or_insert(error);
                        walk.reader.leave(outside)?;
                    }
                }
            }
            _ => {
                if let Some(delay) = Delay::read(&tag) {
                    if delays.len() == MAX_DELAYS {
                        delays.remove(0);
                    }
                    delays.push(delay);
                }
                walk.reader.skip()?;
            }
        }
    }
    walk.reader.finish()?;
    if let Some(error) = malformed.filter(|_| encrypted.is_empty()) {
        return Err(error);
    }
    Ok(Message {
        stanza,
        from: root.attribute("from"),
        to: root.attribute("to"),
        kind: root.attribute("type"),
        id: root.attribute("id"),
        encrypted,
        delays,
    })
}

#[cfg(test)]
mod tests;
