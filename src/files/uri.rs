//! `aesgcm://` URIs (XEP-0454).
//!
//! ```text
//! aesgcm://host/path#<IV, 24 hexadecimal digits><key, 64>       older clients: an IV of 32 digits
//! ```

use core::fmt;

use zeroize::Zeroizing;

use super::{AesgcmUriError, Cipher, FileKey};

/// The longest URI that is read, in bytes.
pub const MAX_URI: usize = 8192;

/// Where an encrypted file is, and its key. Who sees the URI can read the file: it goes into an encrypted
/// message, is never shown as a link, and [`Debug`](fmt::Debug) does not show it.
#[derive(Clone)]
pub struct AesgcmUri {
    url: String,
    key: FileKey,
}

impl AesgcmUri {
    /// The URI of a file that was uploaded to `url`.
    ///
    /// # Errors
    /// [`AesgcmUriError`]: the URL has to begin with `https://` and have no fragment, and the key has to
    /// be for [`Cipher::Aes256Gcm`].
    pub fn new(url: &str, key: FileKey) -> Result<Self, AesgcmUriError> {
        if key.cipher() != Cipher::Aes256Gcm {
            return Err(AesgcmUriError::Cipher);
        }
        let rest = strip_scheme(url, HTTPS).ok_or(AesgcmUriError::Scheme)?;
        if AESGCM.len() + rest.len() + 1 + OLD_DIGITS > MAX_URI {
            return Err(AesgcmUriError::TooLong);
        }
        check(rest)?;
        let url = format!("{HTTPS}{rest}");
        Ok(Self { url, key })
    }

    /// Reads a URI. The scheme is read in any case, and written in small letters.
    ///
    /// # Errors
    /// [`AesgcmUriError`].
    ///
    /// ```
    /// use omemo::files::AesgcmUri;
    ///
    /// let uri = format!("aesgcm://upload.example/a/b.jpg#{}{}", "0".repeat(24), "1f".repeat(32));
    /// let file = AesgcmUri::parse(&uri)?;
    /// assert_eq!(file.url(), "https://upload.example/a/b.jpg");
    /// assert_eq!(file.key().key(), [0x1f; 32]);
    /// assert_eq!(*file.to_uri(), uri);
    /// # Ok::<(), omemo::files::AesgcmUriError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, AesgcmUriError> {
        if text.len() > MAX_URI {
            return Err(AesgcmUriError::TooLong);
        }
        let rest = strip_scheme(text, AESGCM).ok_or(AesgcmUriError::Scheme)?;
        let (rest, fragment) = rest.split_once('#').ok_or(AesgcmUriError::Fragment)?;
        check(rest)?;
        let bytes = decode(fragment).ok_or(AesgcmUriError::Fragment)?;
        let key_len = Cipher::Aes256Gcm.key_len();
        let (iv, key) = bytes
            .split_at_checked(bytes.len().saturating_sub(key_len))
            .ok_or(AesgcmUriError::Fragment)?;
        let key = FileKey::new(Cipher::Aes256Gcm, key, iv);
        Ok(Self {
            url: format!("{HTTPS}{rest}"),
            key: key.map_err(|_| AesgcmUriError::Fragment)?,
        })
    }

    /// Reads the body of a message: a URI, and perhaps a thumbnail as a `data:` URI in a second line,
    /// which is returned as it is. White space around each of them is passed over, line ends and blank lines
    /// too: some clients leave them there. `None` if the body is anything else, or more than that: it is a text
    /// then, and nothing in it is to be fetched.
    #[must_use]
    pub fn from_body(body: &str) -> Option<(Self, Option<&str>)> {
        let lines = body.split(['\n', '\r']).map(str::trim);
        let mut lines = lines.filter(|line| !line.is_empty());
        let (uri, thumbnail) = (lines.next()?, lines.next());
        let is_data = |text: &str| strip_scheme(text, "data:image/").is_some() && is_plain(text);
        if lines.next().is_some() || !thumbnail.is_none_or(is_data) {
            return None;
        }
        Some((Self::parse(uri).ok()?, thumbnail))
    }

    /// Where the ciphertext is: an `https://` URL without the key. The file's tag is behind it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &FileKey {
        &self.key
    }

    /// The URI as it is written, with lowercase digits.
    #[must_use]
    pub fn to_uri(&self) -> Zeroizing<String> {
        let rest = self.url.strip_prefix(HTTPS).unwrap_or(&self.url);
        // No growing: it would leave the key behind in freed memory.
        let length = AESGCM.len() + rest.len() + 1 + OLD_DIGITS;
        let mut uri = Zeroizing::new(String::with_capacity(length));
        for piece in [AESGCM, rest, "#"] {
            uri.push_str(piece);
        }
        for byte in self.key.iv().iter().chain(self.key.key()) {
            for digit in [byte >> 4, byte & 15] {
                uri.extend(char::from_digit(digit.into(), 16));
            }
        }
        uri
    }
}

impl fmt::Debug for AesgcmUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesgcmUri(..)")
    }
}

const AESGCM: &str = "aesgcm://";
const HTTPS: &str = "https://";

/// What is behind a scheme, which is read in any case (RFC 3986 §3.1).
fn strip_scheme<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Digits of the longest fragment.
const OLD_DIGITS: usize = 96;

/// What is behind the scheme: a host, and no character that ends a URL.
fn check(rest: &str) -> Result<(), AesgcmUriError> {
    let has_host = !rest.is_empty() && !rest.starts_with(['/', '?', ':']);
    if has_host && is_plain(rest) && !rest.contains('#') {
        Ok(())
    } else {
        Err(AesgcmUriError::Url)
    }
}

/// Without white space, control characters, and what markup and shells give a meaning.
fn is_plain(text: &str) -> bool {
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || "\"<>\\^`{|}".contains(c);
    !text.contains(is_bad)
}

/// The bytes of pairs of hexadecimal digits.
fn decode(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    let mut nibbles = digits.chars().map(|digit| digit.to_digit(16));
    while let Some(high) = nibbles.next() {
        let low = nibbles.next()?;
        bytes.push((high? << 4 | low?) as u8);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "8c3d050e9386ec173861778f\
        68e9af38a97aaf82faa4063b4d0878a61261534410c8a84331eaac851759f587";

    fn error(text: &str) -> Option<AesgcmUriError> {
        AesgcmUri::parse(text).err()
    }

    /// The example of XEP-0454 §3.
    #[test]
    fn both_ways() {
        let url = "https://download.montague.tld/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/tr%C3%A8s%20cool.jpg";
        let written = url.replace("https", "aesgcm") + "#" + DIGITS;
        for spelt in [&written, &written.replace(DIGITS, &DIGITS.to_uppercase())] {
            let uri = AesgcmUri::parse(spelt).unwrap();
            assert_eq!(uri.url(), url);
            assert_eq!(uri.key().cipher(), Cipher::Aes256Gcm);
            assert_eq!(uri.key().iv()[..2], [0x8c, 0x3d]);
            assert_eq!(uri.key().key()[30..], [0xf5, 0x87]);
            assert_eq!(*uri.to_uri(), written);
            let again = AesgcmUri::new(url, uri.key().clone()).unwrap();
            assert_eq!(*again.to_uri(), written);
            assert_eq!(format!("{again:?}"), "AesgcmUri(..)");
        }
        let old = format!("{}#{}{DIGITS}", "aesgcm://a", "abCD0123");
        let uri = AesgcmUri::parse(&old).unwrap();
        assert_eq!((uri.key().iv().len(), uri.key().key().len()), (16, 32));
    }

    #[test]
    fn what_is_none() {
        use AesgcmUriError::{Fragment, Scheme, TooLong, Url};
        for (text, expected) in [
            (String::new(), Scheme),
            (format!("https://a#{DIGITS}"), Scheme),
            (format!("aesgcm:/a#{DIGITS}"), Scheme),
            (format!(" aesgcm://a#{DIGITS}"), Scheme),
            ("aesgcm://a".into(), Fragment),
            ("aesgcm://a#".into(), Fragment),
            (format!("aesgcm://a#{DIGITS}0"), Fragment),
            (format!("aesgcm://a#{DIGITS}00"), Fragment),
            (format!("aesgcm://a#{}", &DIGITS[2..]), Fragment),
            (format!("aesgcm://a#+{}", &DIGITS[1..]), Fragment),
            (format!("aesgcm://a#{}\u{661}", &DIGITS[1..]), Fragment),
            (format!("aesgcm://a#{DIGITS} "), Fragment),
            (format!("aesgcm://a#b#{DIGITS}"), Fragment),
            (format!("aesgcm://a#{}", "0".repeat(92)), Fragment),
            (format!("aesgcm://#{DIGITS}"), Url),
            (format!("aesgcm:///a#{DIGITS}"), Url),
            (format!("aesgcm://a b#{DIGITS}"), Url),
            (format!("aesgcm://a\u{a0}b#{DIGITS}"), Url),
            (format!("aesgcm://a\"b#{DIGITS}"), Url),
            (format!("aesgcm://a\0b#{DIGITS}"), Url),
            (
                format!("aesgcm://{}#{DIGITS}", "a".repeat(MAX_URI)),
                TooLong,
            ),
        ] {
            assert_eq!(error(&text), Some(expected), "{text}");
        }
        let most = MAX_URI - AESGCM.len() - 1 - DIGITS.len();
        assert_eq!(
            error(&format!("aesgcm://{}#{DIGITS}", "a".repeat(most))),
            None
        );
    }

    #[test]
    fn what_cannot_be_one() {
        let key = AesgcmUri::parse(&format!("aesgcm://a#{DIGITS}"))
            .unwrap()
            .key;
        let error = |url: &str| AesgcmUri::new(url, key.clone()).err();
        assert_eq!(error("https://a/b?c=d"), None);
        assert_eq!(
            AesgcmUri::new("HTTPS://a/B", key.clone()).unwrap().url(),
            "https://a/B"
        );
        assert_eq!(error("http://a"), Some(AesgcmUriError::Scheme));
        assert_eq!(error("https://a#b"), Some(AesgcmUriError::Url));
        assert_eq!(error("https://a\nb"), Some(AesgcmUriError::Url));
        let long = format!("https://{}", "a".repeat(MAX_URI));
        assert_eq!(error(&long), Some(AesgcmUriError::TooLong));
        let other = FileKey::new(Cipher::Aes128Gcm, &[1; 16], &[2; 12]).unwrap();
        assert_eq!(
            AesgcmUri::new("https://a", other).err(),
            Some(AesgcmUriError::Cipher)
        );
    }

    #[test]
    fn bodies() {
        let uri = format!("aesgcm://a/b#{DIGITS}");
        let thumbnail = |body: &str| {
            AesgcmUri::from_body(body).map(|(file, thumbnail)| {
                assert_eq!(*file.to_uri(), uri);
                thumbnail.map(str::to_owned)
            })
        };
        assert_eq!(thumbnail(&uri), Some(None));
        let data = "data:image/jpeg,/9j/4AAQSkZJRgABAQEBLAEsAAD";
        for spelt in [
            &uri,
            &uri.replace("aesgcm", "AESGCM"),
            &uri.replace("aesgcm", "AesGcm"),
        ] {
            for around in [
                "X",
                "X\n",
                "X\r\n",
                " X\t",
                "\r\n X \r\n\r\n",
                "\u{a0}X\u{2028}",
            ] {
                assert_eq!(
                    thumbnail(&around.replace('X', spelt)),
                    Some(None),
                    "{around:?}"
                );
            }
            for between in ["\n", "\r\n", " \r\n", "\n\n", "\r\n\t"] {
                for end in ["", "\n", "\r\n"] {
                    let both = format!("{spelt}{between}{data}{end}");
                    assert_eq!(thumbnail(&both), Some(Some(data.to_owned())), "{both:?}");
                }
            }
        }
        for other in [
            format!("{uri} {data}"),
            format!("{uri}\u{2028}{data}"),
            format!("{uri}\nlook at this"),
            format!("{uri}\n{data}\n{data}"),
            format!("{uri}\n{data}\nlook at this"),
            format!("{uri}\ndata:text/html,<script>"),
            format!("{data}\n{uri}"),
            format!("look: {uri}"),
            format!("{uri}{uri}"),
            format!("{uri}\n{uri}"),
            String::new(),
            "\r\n ".to_owned(),
        ] {
            assert_eq!(thumbnail(&other), None, "{other}");
        }
    }
}
