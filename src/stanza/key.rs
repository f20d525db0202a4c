//! The keys in a header, and which of them a reading keeps.

use std::borrow::Cow;

use super::grammar::WHITE_SPACE;
use super::{MAX_KEY_BYTES, MAX_KEYS, MAX_OWN_KEYS, StanzaError, base64};
use crate::model::{BareJid, DeviceId, MAX_JID_PART, OwnKey};

/// A key for any device, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey<'x> {
    /// The account whose device it is for. Legacy does not say.
    pub account: Option<Cow<'x, str>>,
    /// `rid`: the device that it is for.
    pub device: DeviceId,
    /// What the sender says: that this is a key exchange.
    pub key_exchange: bool,
    /// The base64 text, which was not looked at.
    pub text: Cow<'x, str>,
}

/// Which keys a reading keeps, and as what.
pub(super) trait Choice<'x> {
    type Key;

    /// When so many are kept of one header, the rest is left out.
    const MOST: usize;

    /// Whether keys under that account are looked at. Legacy names none: all are.
    fn has_account(&self, account: &str) -> bool;

    fn has_device(&self, device: DeviceId) -> bool;

    /// The error if the text is no key.
    fn keep(&self, key: ListedKey<'x>) -> Result<Self::Key, StanzaError>;
}

/// The keys for one device of an account, decoded.
pub(super) struct ForDevice<'a> {
    pub(super) account: &'a BareJid,
    pub(super) device: DeviceId,
}

impl<'x> Choice<'x> for ForDevice<'_> {
    type Key = OwnKey;
    const MOST: usize = MAX_OWN_KEYS;

    fn has_account(&self, account: &str) -> bool {
        self.account.is_spelt(account)
    }

    fn has_device(&self, device: DeviceId) -> bool {
        device == self.device
    }

    fn keep(&self, key: ListedKey<'x>) -> Result<OwnKey, StanzaError> {
        let bytes = base64::decode(&key.text).ok_or(StanzaError::base64("key"))?;
        if bytes.len() > MAX_KEY_BYTES {
            return Err(StanzaError::length("key"));
        }
        Ok(OwnKey {
            key_exchange: key.key_exchange,
            bytes,
        })
    }
}

/// All keys, as they are written.
pub(super) struct All;

impl<'x> Choice<'x> for All {
    type Key = ListedKey<'x>;
    const MOST: usize = MAX_KEYS;

    /// What is longer than an address can be is none; it would be copied for each of its keys.
    fn has_account(&self, account: &str) -> bool {
        account.len() <= 2 * MAX_JID_PART + 1
    }

    fn has_device(&self, _: DeviceId) -> bool {
        true
    }

    fn keep(&self, key: ListedKey<'x>) -> Result<ListedKey<'x>, StanzaError> {
        Ok(key)
    }
}

/// `xs:boolean`, in any case: some write `1`, some `True`.
pub(super) fn is_true(text: &str) -> bool {
    let text = text.trim_matches(WHITE_SPACE);
    text == "1" || text.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints() {
        for text in ["true", "1", "True", " TRUE\n"] {
            assert!(is_true(text), "{text}");
        }
        for text in ["false", "0", "", "yes", "truee", "11"] {
            assert!(!is_true(text), "{text}");
        }
    }
}
