//! Addresses that bring keys along: what QR codes and links carry (RFC 5122, XEP-0147).
//!
//! ```text
//! fingerprints:  xmpp:ACCOUNT?omemo-sid-DEVICE=HEX;omemo-sid-DEVICE=HEX…
//! trust message: xmpp:OWNER?trust-message;encryption=urn:xmpp:omemo:2;trust=HEX;distrust=HEX…
//! ```
//!
//! Whoever wrote one says which keys are right. Reading it believes nothing yet: where it came from, the
//! user knows and is to be asked.

mod fingerprints;
mod trust_message;

use core::fmt;
use std::borrow::Cow;

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};

use super::{BareJid, JidError};

pub use fingerprints::FingerprintUri;
pub use trust_message::TrustMessageUri;

/// A URI has no more bytes: enough for [`MAX_URI_KEYS`] and the longest address.
pub const MAX_URI_LEN: usize = 128 * 1024;

/// A URI has no more keys.
pub const MAX_URI_KEYS: usize = 1000;

/// Text that is no URI of the kind that was asked for, or keys that make none. The text is not repeated
/// here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriError {
    /// More than [`MAX_URI_LEN`] bytes.
    TooLong,
    /// Another scheme, or a link to elsewhere.
    Scheme,
    /// A `%` without two hexadecimal digits, or bytes that are no UTF-8.
    Encoding,
    /// The address is no bare address.
    Account(JidError),
    /// The query is of another type, or says first something else than it must.
    Query,
    /// The keys are of another encryption, or of a version of OMEMO without trust messages.
    Encryption,
    /// A device's id is no number that a device can have.
    DeviceId,
    /// A key is not 32 bytes in hexadecimal digits.
    Key,
    /// There is no key.
    NoKey,
    /// One device, or one key, occurs twice.
    Repeated,
    /// More than [`MAX_URI_KEYS`].
    TooManyKeys,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the URI is too long",
            Self::Scheme => "the text is no XMPP URI",
            Self::Encoding => "the URI's percent-encoding is invalid",
            Self::Account(error) => return error.fmt(f),
            Self::Query => "the URI's query is of another type",
            Self::Encryption => "the URI's keys are of another encryption",
            Self::DeviceId => "the id of a device in the URI is invalid",
            Self::Key => "a key in the URI has not 64 hexadecimal digits",
            Self::NoKey => "the URI has no key",
            Self::Repeated => "a device or a key occurs twice in the URI",
            Self::TooManyKeys => "the URI has too many keys",
        })
    }
}

impl core::error::Error for UriError {}

impl From<JidError> for UriError {
    fn from(error: JidError) -> Self {
        Self::Account(error)
    }
}

const XMPP: &str = "xmpp:";

/// The path and the query behind a prefix, if it is there in any case.
fn split<'a>(text: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    if !head.eq_ignore_ascii_case(prefix) {
        return None;
    }
    let (rest, _fragment) = rest.split_once('#').unwrap_or((rest, ""));
    Some(rest.split_once('?').unwrap_or((rest, "")))
}

/// The names and values of a query, still encoded.
fn pairs(query: &str, separator: char) -> impl Iterator<Item = (&str, &str)> {
    query
        .split(separator)
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn decode(text: &str) -> Result<Cow<'_, str>, UriError> {
    let is_encoded = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    // The library leaves a `%` alone that encodes nothing.
    if !text.split('%').skip(1).all(is_encoded) {
        return Err(UriError::Encoding);
    }
    percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| UriError::Encoding)
}

/// An address as the path of a URI.
fn encode(account: &BareJid) -> String {
    let domain = utf8_percent_encode(account.domain(), CONTROLS);
    match account.local() {
        Some(local) => format!("{}@{domain}", utf8_percent_encode(local, LOCAL)),
        None => domain.to_string(),
    }
}

/// What RFC 5122 §2.7 leaves alone in a local part.
const LOCAL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'-')
    .remove(b'.')
    .remove(b';')
    .remove(b'=')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Version;

    fn account(path: &str) -> Result<BareJid, UriError> {
        Ok(decode(path)?.parse()?)
    }

    /// The first two are the examples of RFC 5122, without resources.
    #[test]
    fn addresses_are_encoded_as_the_rfc_shows() {
        for (address, path) in [
            (
                "nasty!#$%()*+,-.;=?[\\]^_`{|}~node@example.com",
                "nasty!%23$%25()*+,-.;=%3F%5B%5C%5D%5E_%60%7B%7C%7D~node@example.com",
            ),
            (
                "ji\u{159}i@\u{10d}echy.example",
                "ji%C5%99i@%C4%8Dechy.example",
            ),
            ("example.com", "example.com"),
            ("a@[::1]", "a@[::1]"),
        ] {
            let jid: BareJid = address.parse().unwrap();
            assert_eq!(encode(&jid), path);
            assert_eq!(account(path), Ok(jid.clone()));
            assert_eq!(account(&path.to_lowercase()), Ok(jid));
        }
    }

    #[test]
    fn what_is_encoded_moves_no_border() {
        assert_eq!(account("a%2Fb@c"), Err(JidError::NotBare.into()));
        assert_eq!(account("a%40b@c"), Err(JidError::Domain.into()));
        assert_eq!(account("a@b%2Fc"), Err(JidError::NotBare.into()));
        assert_eq!(account("a%00@b"), Err(JidError::Local.into()));
        assert_eq!(account("%2561@b"), Ok("%61@b".parse().unwrap()));
    }

    #[test]
    fn a_percent_sign_encodes_or_is_an_error() {
        for bad in [
            "%", "a%", "%6", "%%61", "%6g", "%g6", "%\u{e4}", "%ff", "%c3",
        ] {
            assert_eq!(decode(bad), Err(UriError::Encoding), "{bad}");
        }
        assert_eq!(decode("%61%C3%A4%").ok(), None);
        assert_eq!(decode("%61%C3%a4b").unwrap(), "a\u{e4}b");
    }

    #[test]
    fn prefixes_are_found_in_any_case() {
        assert_eq!(split("XmPp:a?b?c#d?e", XMPP), Some(("a", "b?c")));
        assert_eq!(split("xmpp:a#?b", XMPP), Some(("a", "")));
        for other in ["", "xmpp", "xmp\u{fc}:", "xmppa:", " xmpp:a"] {
            assert_eq!(split(other, XMPP), None, "{other}");
        }
    }

    /// Every truncation, and every character replaced: refused, or read as what is written alike.
    #[test]
    fn what_is_read_can_be_written() {
        let key = "a49b8ac661e0bc7b84badce81381dc6fedb6cda485969fc58539a4141a6d2670";
        let other = key.replace('a', "b");
        let version = Version::Omemo2.namespace();
        let texts = [
            format!("xmpp:a@b.c?join;omemo-sid-12={key};omemo-sid-3={key}"),
            format!("https://conversations.im/i/a/b.c?omemo-sid-12={key}&omemo-sid-3={key}"),
            format!("xmpp:a@b.c?trust-message;encryption={version};trust={key};distrust={other}"),
        ];
        let mut read = [0; 2];
        for text in &texts {
            for at in 0..text.len() {
                let (head, tail) = text.split_at(at);
                let altered = [
                    "", "%", "%3", ";", "&", "=", "?", "#", "/", "@", "\u{e4}", "\0",
                ]
                .map(|put| format!("{head}{put}{}", &tail[1..]));
                for text in altered.iter().map(String::as_str).chain([head]) {
                    if let Ok(uri) = text.parse::<FingerprintUri>() {
                        read[0] += 1;
                        assert_eq!(uri.to_string().parse(), Ok(uri), "{text}");
                    }
                    if let Ok(uri) = text.parse::<TrustMessageUri>() {
                        read[1] += 1;
                        assert_eq!(uri.to_string().parse(), Ok(uri), "{text}");
                    }
                }
            }
        }
        assert!(read.iter().all(|count| *count > 20), "{read:?}");
    }
}
