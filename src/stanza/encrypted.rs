//! The `<encrypted/>` element (XEP-0384 §5.5.1; 0.3.0 §4.5).
//!
//! ```text
//! legacy:   <encrypted><header sid=''><key rid='' prekey=''/>…<iv/></header><payload/></encrypted>
//! OMEMO 2:  <encrypted><header sid=''><keys jid=''><key rid='' kex=''/>…</keys>…</header>
//!             <payload/></encrypted>
//! ```
//!
//! Keys and nonce come in any order. What is for others is never decoded: rubbish in it is not ours to
//! complain about.

use std::borrow::Cow;

use super::key::{Choice, ListedKey, is_true};
use super::tag::{Namespace, Tag};
use super::xml::Reader;
use super::{Limit, MAX_KEYS, StanzaError, once, parse_id};
use crate::model::{DeviceId, Encrypted, Version};

/// Reads the `<encrypted/>` elements of one stanza.
pub(super) struct Walk<'x, C> {
    pub(super) reader: Reader<'x>,
    choice: C,
    /// How many keys there were so far, wanted or not.
    count: usize,
}

impl<'x, C: Choice<'x>> Walk<'x, C> {
    pub(super) const fn new(reader: Reader<'x>, choice: C) -> Self {
        Self {
            reader,
            choice,
            count: 0,
        }
    }

    /// Reads the element that is open.
    pub(super) fn encrypted(&mut self, version: Version) -> Result<Encrypted<C::Key>, StanzaError> {
        let mut header = None;
        let mut payload = None;
        while let Some(tag) = self.reader.child()? {
            if tag.is(Namespace::Omemo(version), "header") {
                let found = self.header(&tag, version)?;
                once(&mut header, found, "header")?;
            } else if tag.is(Namespace::Omemo(version), "payload") {
                let found = self.reader.base64("payload")?;
                once(&mut payload, found, "payload")?;
            } else {
                self.reader.skip()?;
            }
        }
        let header = header.ok_or(StanzaError::missing("header"))?;
        if header.keys.kept.is_empty() && header.keys.has_rubbish {
            return Err(StanzaError::base64("key"));
        }
        if version == Version::Legacy && header.iv.is_none() {
            return Err(StanzaError::missing("iv"));
        }
        Ok(Encrypted {
            version,
            sender_device: header.sender_device,
            keys: header.keys.kept,
            iv: header.iv,
            payload,
        })
    }

    fn header(&mut self, tag: &Tag<'x>, version: Version) -> Result<Header<C::Key>, StanzaError> {
        let sender_device = device(tag, "sid").ok_or(StanzaError::attribute("header"))?;
        let namespace = Namespace::Omemo(version);
        let mut keys = Keys {
            kept: Vec::new(),
            has_rubbish: false,
        };
        let mut iv = None;
        while let Some(tag) = self.reader.child()? {
            match version {
                Version::Legacy if tag.is(namespace, "key") => {
                    self.key(&tag, version, &Account::Unsaid, &mut keys)?;
                }
                Version::Legacy if tag.is(namespace, "iv") => {
                    let found = self.reader.base64("iv")?;
                    once(&mut iv, found, "iv")?;
                }
                Version::Omemo2 if tag.is(namespace, "keys") => {
                    let account = match tag.attribute("jid") {
                        Some(jid) if self.choice.has_account(&jid) => Account::Named(jid),
                        _ => Account::Unwanted,
                    };
                    while let Some(tag) = self.reader.child()? {
                        if tag.is(namespace, "key") {
                            self.key(&tag, version, &account, &mut keys)?;
                        } else {
                            self.reader.skip()?;
                        }
                    }
                }
                _ => self.reader.skip()?,
            }
        }
        Ok(Header {
            sender_device,
            keys,
            iv,
        })
    }

    fn key(
        &mut self,
        tag: &Tag<'x>,
        version: Version,
        account: &Account<'x>,
        keys: &mut Keys<C::Key>,
    ) -> Result<(), StanzaError> {
        self.count += 1;
        if self.count > MAX_KEYS {
            return Err(Limit::Keys.into());
        }
        let account = match account {
            Account::Unwanted => return self.reader.skip(),
            Account::Unsaid => None,
            Account::Named(jid) => Some(jid),
        };
        let device = device(tag, "rid").filter(|device| self.choice.has_device(*device));
        let Some(device) = device.filter(|_| keys.kept.len() < C::MOST) else {
            return self.reader.skip();
        };
        let attribute = match version {
            Version::Legacy => "prekey",
            Version::Omemo2 => "kex",
        };
        let key = ListedKey {
            account: account.cloned(),
            device,
            key_exchange: tag.attribute(attribute).is_some_and(|text| is_true(&text)),
            text: self.reader.text()?,
        };
        match self.choice.keep(key) {
            Some(key) => keys.kept.push(key),
            None => keys.has_rubbish = true,
        }
        Ok(())
    }
}

/// What a `<header/>` says.
struct Header<K> {
    sender_device: DeviceId,
    keys: Keys<K>,
    iv: Option<Vec<u8>>,
}

struct Keys<K> {
    kept: Vec<K>,
    /// One was asked for and is no key.
    has_rubbish: bool,
}

/// For whose devices keys are.
enum Account<'x> {
    /// Legacy does not say.
    Unsaid,
    /// For this account's, and they are looked at.
    Named(Cow<'x, str>),
    /// For somebody's, and they are not looked at.
    Unwanted,
}

fn device(tag: &Tag<'_>, attribute: &str) -> Option<DeviceId> {
    let id = tag.attribute(attribute).and_then(|text| parse_id(&text));
    id.and_then(DeviceId::new)
}
