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
use std::collections::BTreeMap;

use super::key::{Choice, ListedKey, is_true};
use super::tag::{Namespace, Tag};
use super::writer::{Attribute, Writer};
use super::xml::Reader;
use super::{Limit, MAX_KEY_BYTES, MAX_KEYS, StanzaError, once, parse_id};
use crate::model::{BareJid, DeviceId, Encrypted, RecipientKey, Version};

/// Writes an `<encrypted/>` element.
///
/// Legacy has the keys in their order and the nonce behind them, in empty messages as well. OMEMO 2 has
/// one `<keys/>` for each account, in alphabetical order, and in it the keys of the account in theirs.
/// The attribute that announces a key exchange says `true`, which everybody reads, or is not there.
///
/// # Errors
/// What others could not read: [`Defect::Missing`](super::Defect::Missing) or
/// [`Defect::Length`](super::Defect::Length) if a legacy nonce is not there or has not 12 bytes,
/// [`Limit::Keys`] if there are too many.
///
/// ```
/// use omemo::model::{DeviceId, Encrypted, RecipientKey, Version};
/// use omemo::stanza::write_encrypted;
///
/// let encrypted = Encrypted {
///     version: Version::Omemo2,
///     sender_device: DeviceId::new(27183).ok_or("not 0")?,
///     keys: vec![RecipientKey {
///         account: "romeo@montague.example".parse()?,
///         device: DeviceId::new(31415).ok_or("not 0")?,
///         key_exchange: true,
///         bytes: vec![0, 1, 2],
///     }],
///     iv: None,
///     payload: None,
/// };
/// assert_eq!(
///     write_encrypted(&encrypted)?,
///     "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='27183'>\
///      <keys jid='romeo@montague.example'><key rid='31415' kex='true'>AAEC</key></keys>\
///      </header></encrypted>"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_encrypted(encrypted: &Encrypted<RecipientKey>) -> Result<String, StanzaError> {
    if encrypted.keys.len() > MAX_KEYS {
        return Err(Limit::Keys.into());
    }
    let version = encrypted.version;
    let iv = match (version, encrypted.iv.as_deref()) {
        (Version::Omemo2, _) => None,
        (Version::Legacy, Some(iv)) if iv.len() == IV_LEN => Some(iv),
        (Version::Legacy, Some(_)) => return Err(StanzaError::length("iv")),
        (Version::Legacy, None) => return Err(StanzaError::missing("iv")),
    };
    let mut writer = Writer::default();
    writer.element("encrypted", &[("xmlns", &version.namespace())], |writer| {
        writer.element("header", &[("sid", &encrypted.sender_device)], |writer| {
            match version {
                Version::Legacy => write_keys(writer, version, &encrypted.keys),
                Version::Omemo2 => {
                    for (account, keys) in by_account(&encrypted.keys) {
                        writer.element("keys", &[("jid", account)], |writer| {
                            write_keys(writer, version, keys);
                        });
                    }
                }
            }
            if let Some(iv) = iv {
                writer.base64("iv", &[], iv);
            }
        });
        if let Some(payload) = &encrypted.payload {
            writer.base64("payload", &[], payload);
        }
    });
    Ok(writer.into_xml())
}

/// The length of the nonces that are written, in bytes. Monal reads no other.
const IV_LEN: usize = 12;

fn by_account(keys: &[RecipientKey]) -> BTreeMap<&BareJid, Vec<&RecipientKey>> {
    let mut accounts = BTreeMap::new();
    for key in keys {
        let keys: &mut Vec<_> = accounts.entry(&key.account).or_default();
        keys.push(key);
    }
    accounts
}

fn write_keys<'k>(
    writer: &mut Writer,
    version: Version,
    keys: impl IntoIterator<Item = &'k RecipientKey>,
) {
    for key in keys {
        let device: Attribute<'_> = ("rid", &key.device);
        if key.key_exchange {
            let attributes = [device, (exchange_attribute(version), &"true")];
            writer.base64("key", &attributes, &key.bytes);
        } else {
            writer.base64("key", &[device], &key.bytes);
        }
    }
}

/// The attribute that says of a key that it is a key exchange.
pub(super) const fn exchange_attribute(version: Version) -> &'static str {
    match version {
        Version::Legacy => "prekey",
        Version::Omemo2 => "kex",
    }
}

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
        if let Some(rubbish) = header.keys.rubbish.filter(|_| header.keys.kept.is_empty()) {
            return Err(rubbish);
        }
        // An empty message has nothing for a nonce to be used with; some leave it out there.
        if version == Version::Legacy && payload.is_some() && header.iv.is_none() {
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
            rubbish: None,
        };
        let mut iv = None;
        while let Some(tag) = self.reader.child()? {
            match version {
                Version::Legacy if tag.is(namespace, "key") => {
                    self.key(&tag, version, &Account::Unsaid, &mut keys)?;
                }
                Version::Legacy if tag.is(namespace, "iv") => {
                    let found = self.reader.base64("iv")?;
                    if found.len() > MAX_KEY_BYTES {
                        return Err(StanzaError::length("iv"));
                    }
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
        let attribute = exchange_attribute(version);
        let key = ListedKey {
            account: account.cloned(),
            device,
            key_exchange: tag.attribute(attribute).is_some_and(|text| is_true(&text)),
            text: self.reader.text()?,
        };
        match self.choice.keep(key) {
            Ok(key) => keys.kept.push(key),
            Err(error) => keys.rubbish = Some(error),
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
    rubbish: Option<StanzaError>,
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
