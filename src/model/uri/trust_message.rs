//! Trust messages as URIs (XEP-0434, "URI Query Types").

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeSet;

use super::{MAX_URI_KEYS, MAX_URI_LEN, UriError, XMPP, decode, encode, pairs, split};
use crate::model::{BareJid, KeyId, Version};

/// Which of an account's OMEMO 2 keys somebody trusts, and which not:
/// `xmpp:OWNER?trust-message;encryption=urn:xmpp:omemo:2;trust=HEX;distrust=HEX`.
///
/// Parameters of other names are passed over when it is read. The user is to be asked before anything
/// is made of it (XEP-0434).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustMessageUri {
    owner: BareJid,
    trusted: Vec<KeyId>,
    distrusted: Vec<KeyId>,
}

impl TrustMessageUri {
    /// The URI for these keys of an account.
    ///
    /// # Errors
    /// [`UriError::NoKey`] and [`UriError::TooManyKeys`] for both lists together; [`UriError::Repeated`]
    /// if a key occurs twice.
    pub fn new(
        owner: BareJid,
        trusted: Vec<KeyId>,
        distrusted: Vec<KeyId>,
    ) -> Result<Self, UriError> {
        let count = trusted.len() + distrusted.len();
        if count == 0 {
            return Err(UriError::NoKey);
        }
        if count > MAX_URI_KEYS {
            return Err(UriError::TooManyKeys);
        }
        let mut known = BTreeSet::new();
        if !trusted.iter().chain(&distrusted).all(|id| known.insert(id)) {
            return Err(UriError::Repeated);
        }
        Ok(Self {
            owner,
            trusted,
            distrusted,
        })
    }

    /// Whose keys they are.
    #[must_use]
    pub const fn owner(&self) -> &BareJid {
        &self.owner
    }

    /// The keys that are said to be the owner's.
    #[must_use]
    pub fn trusted(&self) -> &[KeyId] {
        &self.trusted
    }

    /// The keys that are not to be used any more.
    #[must_use]
    pub fn distrusted(&self) -> &[KeyId] {
        &self.distrusted
    }
}

impl FromStr for TrustMessageUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_URI_LEN {
            return Err(UriError::TooLong);
        }
        let (path, query) = split(text, XMPP).ok_or(UriError::Scheme)?;
        let owner = decode(path)?.parse()?;
        let mut pairs = pairs(query, ';');
        let (query_type, _) = pairs.next().ok_or(UriError::Query)?;
        let (name, encryption) = pairs.next().ok_or(UriError::Query)?;
        if !query_type.eq_ignore_ascii_case(QUERY_TYPE) || !name.eq_ignore_ascii_case(ENCRYPTION) {
            return Err(UriError::Query);
        }
        if decode(encryption)? != Version::Omemo2.namespace() {
            return Err(UriError::Encryption);
        }
        let (mut trusted, mut distrusted) = (Vec::new(), Vec::new());
        for (name, value) in pairs {
            let keys = if name.eq_ignore_ascii_case(TRUST) {
                &mut trusted
            } else if name.eq_ignore_ascii_case(DISTRUST) {
                &mut distrusted
            } else {
                continue;
            };
            keys.push(KeyId::from_hex(&decode(value)?).ok_or(UriError::Key)?);
        }
        Self::new(owner, trusted, distrusted)
    }
}

impl fmt::Display for TrustMessageUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (owner, version) = (encode(&self.owner), Version::Omemo2.namespace());
        write!(f, "{XMPP}{owner}?{QUERY_TYPE};{ENCRYPTION}={version}")?;
        for (name, keys) in [(TRUST, &self.trusted), (DISTRUST, &self.distrusted)] {
            keys.iter()
                .try_for_each(|key| write!(f, ";{name}={key:x}"))?;
        }
        Ok(())
    }
}

const QUERY_TYPE: &str = "trust-message";
const ENCRYPTION: &str = "encryption";
const TRUST: &str = "trust";
const DISTRUST: &str = "distrust";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JidError;

    /// The example of XEP-0434 0.6.
    const EXAMPLE: &str = "xmpp:bob@example.com?trust-message;encryption=urn:xmpp:omemo:2;\
        trust=623548d3835c6d33ef5cb680f7944ef381cf712bf23a0119dabe5c4f252cd02f;\
        distrust=b423f5088de9a924d51b31581723d850c7cc67d0a4fe6b267c3d301ff56d2413;\
        distrust=d9f849b6b828309c5f2c8df4f38fd891887da5aaa24a22c50d52f69b4a80817e";

    fn read(text: &str) -> Result<TrustMessageUri, UriError> {
        text.parse()
    }

    #[test]
    fn the_example_of_the_specification() {
        let uri = read(EXAMPLE).unwrap();
        assert_eq!(uri.owner().as_str(), "bob@example.com");
        let first = |keys: &[KeyId]| keys.iter().map(|id| id.as_bytes()[0]).collect::<Vec<_>>();
        assert_eq!(first(uri.trusted()), [0x62]);
        assert_eq!(first(uri.distrusted()), [0xb4, 0xd9]);
        assert_eq!(uri.to_string(), EXAMPLE);

        let spelt = EXAMPLE
            .replace("trust-message", "Trust-Message")
            .replace(";trust=6235", ";x;other=%;TRUST=6%3235")
            .replace("urn:xmpp", "urn%3Axmpp")
            .replace("b423f5", "B423F5");
        assert_eq!(read(&spelt), Ok(uri));
    }

    #[test]
    fn what_is_no_trust_message() {
        let trust = EXAMPLE.split_at(EXAMPLE.len() - 2 * 74).0;
        assert!(read(trust).is_ok(), "{trust}");
        let key = trust.split_at(trust.len() - 64).1;
        for (uri, error) in [
            (trust.replace("xmpp:bob", "http:bob"), UriError::Scheme),
            (trust.replace("bob@", "bob@/"), JidError::NotBare.into()),
            (trust.replace("trust-message", "message"), UriError::Query),
            (trust.replace("encryption", "usage"), UriError::Query),
            (
                trust.replace("encryption", "trust=00;encryption"),
                UriError::Query,
            ),
            ("xmpp:bob@example.com".to_owned(), UriError::Query),
            (
                "xmpp:bob@example.com?trust-message".to_owned(),
                UriError::Query,
            ),
            (trust.replace("omemo:2", "omemo:1"), UriError::Encryption),
            (
                trust.replace("urn:xmpp:omemo:2", "eu.siacs.conversations.axolotl"),
                UriError::Encryption,
            ),
            (trust.replace(";trust=", ";other="), UriError::NoKey),
            (format!("{trust}0"), UriError::Key),
            (format!("{trust};trust"), UriError::Key),
            (format!("{trust};distrust={key}"), UriError::Repeated),
            (format!("{trust};trust=%"), UriError::Encoding),
            (
                format!("{trust}{}", ";".repeat(MAX_URI_LEN)),
                UriError::TooLong,
            ),
        ] {
            assert_eq!(read(&uri), Err(error), "{uri}");
        }
    }

    #[test]
    fn keys_are_counted_together() {
        let ids = |from: u32, to: u32| {
            let id = |n: u32| KeyId::from_bytes(std::array::from_fn(|i| n.to_be_bytes()[i % 4]));
            (from..to).map(id).collect::<Vec<_>>()
        };
        let new =
            |trusted, distrusted| TrustMessageUri::new("a@b".parse().unwrap(), trusted, distrusted);
        let largest = new(ids(0, 400), ids(400, 1000)).unwrap();
        assert_eq!(read(&largest.to_string()), Ok(largest));
        assert_eq!(new(ids(0, 401), ids(401, 1001)), Err(UriError::TooManyKeys));
        assert_eq!(new(Vec::new(), Vec::new()), Err(UriError::NoKey));
    }
}
