//! Fingerprints of an account's devices, as clients show them in QR codes.
//!
//! No specification has it; Conversations began it and the others followed.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeSet;

use super::{MAX_URI_KEYS, MAX_URI_LEN, UriError, XMPP, decode, encode, pairs, split};
use crate::model::{BareJid, DeviceId, Fingerprint};

/// An account and the fingerprints of its devices: `xmpp:ACCOUNT?omemo-sid-DEVICE=HEX;…`.
///
/// Parameters of other names are passed over when it is read (`join`, for one). The form that links on
/// the web have is read as well: `https://conversations.im/i/ACCOUNT?omemo-sid-DEVICE=HEX&…`, the
/// account's two halves with `@` or `/` between them.
///
/// ```
/// use omemo::model::FingerprintUri;
///
/// let scanned = "xmpp:romeo@montague.example?join;omemo-sid-27=\
///     a49b8ac661e0bc7b84badce81381dc6fedb6cda485969fc58539a4141a6d2670";
/// let uri: FingerprintUri = scanned.parse()?;
/// assert_eq!(uri.account().as_str(), "romeo@montague.example");
/// for (device, fingerprint) in uri.keys() {
///     println!("{device}: {fingerprint}");
/// }
/// assert_eq!(uri.to_string(), scanned.replace("join;", ""));
/// # Ok::<(), omemo::model::UriError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FingerprintUri {
    account: BareJid,
    keys: Vec<(DeviceId, Fingerprint)>,
}

impl FingerprintUri {
    /// The URI of an account and its devices, in this order.
    ///
    /// # Errors
    /// [`UriError::NoKey`], [`UriError::TooManyKeys`], and [`UriError::Repeated`] if a device has two.
    pub fn new(account: BareJid, keys: Vec<(DeviceId, Fingerprint)>) -> Result<Self, UriError> {
        if keys.is_empty() {
            return Err(UriError::NoKey);
        }
        if keys.len() > MAX_URI_KEYS {
            return Err(UriError::TooManyKeys);
        }
        let mut known = BTreeSet::new();
        if !keys.iter().all(|(device, _)| known.insert(*device)) {
            return Err(UriError::Repeated);
        }
        Ok(Self { account, keys })
    }

    /// Whose devices they are.
    #[must_use]
    pub const fn account(&self) -> &BareJid {
        &self.account
    }

    /// The devices and their fingerprints: at least one, each device once.
    #[must_use]
    pub fn keys(&self) -> &[(DeviceId, Fingerprint)] {
        &self.keys
    }
}

impl FromStr for FingerprintUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_URI_LEN {
            return Err(UriError::TooLong);
        }
        let (account, query, separator) = if let Some((path, query)) = split(text, XMPP) {
            (decode(path)?.parse()?, query, ';')
        } else if let Some((path, query)) = split(text, LINK) {
            (linked(path)?, query, '&')
        } else {
            return Err(UriError::Scheme);
        };
        let mut keys = Vec::new();
        for (name, value) in pairs(query, separator) {
            if let Some(device) = strip_parameter(name) {
                let fingerprint = decode(value)?.parse().map_err(|_| UriError::Key)?;
                keys.push((device_id(device)?, fingerprint));
            }
        }
        Self::new(account, keys)
    }
}

impl fmt::Display for FingerprintUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{XMPP}{}", encode(&self.account))?;
        let mut separator = '?';
        for (device, fingerprint) in &self.keys {
            write!(f, "{separator}{PARAMETER}{device}={fingerprint:x}")?;
            separator = ';';
        }
        Ok(())
    }
}

const PARAMETER: &str = "omemo-sid-";

/// Where links on the web point to; those who have a client never get there.
const LINK: &str = "https://conversations.im/i/";

/// The account of a link's path: `a@b`, or `a/b`, as some sites take no `@`.
fn linked(path: &str) -> Result<BareJid, UriError> {
    match path.split_once('/') {
        Some((local, domain)) => {
            let account = format!("{}@{}", decode(local)?, decode(domain)?);
            Ok(account.parse()?)
        }
        None => Ok(decode(path)?.parse()?),
    }
}

fn strip_parameter(name: &str) -> Option<&str> {
    let (head, device) = name.split_at_checked(PARAMETER.len())?;
    head.eq_ignore_ascii_case(PARAMETER).then_some(device)
}

fn device_id(digits: &str) -> Result<DeviceId, UriError> {
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(UriError::DeviceId);
    }
    let id = digits.parse().map_err(|_| UriError::DeviceId)?;
    DeviceId::new(id).ok_or(UriError::DeviceId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JidError, MAX_JID_PART};

    const ONE: &str = "a49b8ac661e0bc7b84badce81381dc6fedb6cda485969fc58539a4141a6d2670";
    const TWO: &str = "79d23e038c6ef222391059d9648e61b41f26dcb6a35b00db97e9521079ca441e";

    fn read(text: &str) -> Result<FingerprintUri, UriError> {
        text.parse()
    }

    fn expected() -> FingerprintUri {
        let keys = [(1_057_050_797, ONE), (u32::MAX, TWO)];
        FingerprintUri::new(
            "juliet@capulet.example".parse().unwrap(),
            keys.map(|(id, hex)| (DeviceId::new(id).unwrap(), hex.parse().unwrap()))
                .to_vec(),
        )
        .unwrap()
    }

    #[test]
    fn written_and_read() {
        let uri = format!(
            "xmpp:juliet@capulet.example?omemo-sid-1057050797={ONE};omemo-sid-4294967295={TWO}"
        );
        assert_eq!(expected().to_string(), uri);
        assert_eq!(read(&uri), Ok(expected()));
    }

    #[test]
    fn every_spelling_is_read() {
        let (one, two) = (ONE.to_uppercase(), TWO.replace('7', "%37"));
        let keys = format!("omemo-sid-1057050797={ONE};omemo-sid-4294967295={TWO}");
        let spelt = format!("OMEMO-SID-1057050797={one};Omemo-Sid-4294967295={two}");
        let mixed = keys.replace(';', ";;otr-fingerprint=%;x?=;");
        for uri in [
            format!("XMPP:Juliet@CAPULET.example?{spelt}"),
            format!("xmpp:juliet%40capulet.example?{keys}#x;y"),
            format!("xmpp:juliet@capulet.example?join;{mixed};"),
        ] {
            assert_eq!(read(&uri), Ok(expected()), "{uri}");
        }
        let (keys, spelt) = (keys.replace(';', "&"), spelt.replace(';', "&"));
        for link in [
            format!("https://conversations.im/i/juliet@capulet.example?{keys}"),
            format!("HTTPS://Conversations.IM/i/juliet%40capulet.example?a=;&{spelt}"),
            format!("https://conversations.im/i/juliet/capulet.example?{spelt}#"),
        ] {
            assert_eq!(read(&link), Ok(expected()), "{link}");
        }
    }

    #[test]
    fn addresses_that_are_none() {
        for (address, error) in [
            ("", UriError::Scheme),
            ("juliet@capulet.example", UriError::Scheme),
            ("https://example.org/i/a@b", UriError::Scheme),
            ("http://conversations.im/i/a@b", UriError::Scheme),
            ("https://conversations.im/j/a@b", UriError::Scheme),
            ("xmpp:", JidError::Domain.into()),
            ("xmpp://a@b", JidError::NotBare.into()),
            ("xmpp:a@b/c", JidError::NotBare.into()),
            ("xmpp:a%@b", UriError::Encoding),
            ("https://conversations.im/i/a/b/c", JidError::NotBare.into()),
            ("https://conversations.im/i/a@b/c", JidError::Domain.into()),
            ("https://conversations.im/i//c", JidError::Local.into()),
            (
                "https://conversations.im/i/a%2Fb/c",
                JidError::NotBare.into(),
            ),
        ] {
            let uri = format!("{address}?omemo-sid-1={ONE}");
            assert_eq!(read(&uri), Err(error), "{uri}");
        }
    }

    #[test]
    fn queries_without_keys_or_with_bad_ones() {
        for (query, error) in [
            (String::new(), UriError::NoKey),
            ("?join".to_owned(), UriError::NoKey),
            (format!("#?omemo-sid-1={ONE}"), UriError::NoKey),
            (format!("?omemo-sid-={ONE}"), UriError::DeviceId),
            (format!("?omemo-sid-0={ONE}"), UriError::DeviceId),
            (format!("?omemo-sid-+1={ONE}"), UriError::DeviceId),
            (format!("?omemo-sid--1={ONE}"), UriError::DeviceId),
            (format!("?omemo-sid-4294967296={ONE}"), UriError::DeviceId),
            ("?omemo-sid-1".to_owned(), UriError::Key),
            (format!("?omemo-sid-1={ONE}0"), UriError::Key),
            (
                format!("?omemo-sid-1={ONE}&omemo-sid-2={TWO}"),
                UriError::Key,
            ),
            (format!("?omemo-sid-1={ONE}%"), UriError::Encoding),
            (
                format!("?omemo-sid-1={ONE};omemo-sid-01={ONE}"),
                UriError::Repeated,
            ),
        ] {
            let uri = format!("xmpp:a@b{query}");
            assert_eq!(read(&uri), Err(error), "{uri}");
        }
    }

    #[test]
    fn as_many_keys_as_are_written_are_read() {
        let part = "\u{10d}".repeat(MAX_JID_PART / 2);
        let account: BareJid = format!("{part}@{part}").parse().unwrap();
        let keys = |count| {
            let ids = (u32::MAX - count..u32::MAX).filter_map(DeviceId::new);
            ids.map(|id| (id, ONE.parse().unwrap())).collect::<Vec<_>>()
        };
        let largest = FingerprintUri::new(account.clone(), keys(1000)).unwrap();
        let written = largest.to_string();
        assert_eq!(read(&written), Ok(largest));

        let one_more = format!("{written};omemo-sid-1={TWO}");
        assert_eq!(read(&one_more), Err(UriError::TooManyKeys));
        let made = FingerprintUri::new(account, keys(1001));
        assert_eq!(made, Err(UriError::TooManyKeys));
        let padded = format!("{written}{}", ";".repeat(MAX_URI_LEN));
        assert_eq!(read(&padded), Err(UriError::TooLong));
    }
}
