//! What an element in clear must not show: the text that is encrypted beside it, and keys of files.
//!
//! | secret | where clients put it in clear |
//! |---|---|
//! | an `aesgcm://` link (XEP-0454) | `<x xmlns='jabber:x:oob'/>` (XEP-0066), references (XEP-0372, XEP-0385), XHTML |
//! | its key alone | other links to the same file |
//! | the key of an encrypted source (XEP-0448) | `<file-sharing/>`, `<sources/>`, at any depth |
//! | the text | XHTML (XEP-0071), and what repeats the body |

use zeroize::Zeroizing;

use super::StanzaError;
use super::base64;
use super::grammar::WHITE_SPACE;
use super::tag::Tag;
use super::xml::{Reader, Scope};

/// What a body has to hide.
pub(super) struct Secrets<'b> {
    body: &'b str,
    /// The keys of its links, in each spelling.
    keys: Vec<Zeroizing<String>>,
}

impl<'b> Secrets<'b> {
    pub(super) fn of(body: &'b str) -> Self {
        let mut keys = Vec::new();
        for digits in fragments(body) {
            // The nonce is in front of the key.
            let Some(key) = digits.get(digits.len() - KEY_DIGITS..) else {
                continue;
            };
            let bytes: Vec<u8> = key.as_bytes().chunks(2).filter_map(byte).collect();
            let mut standard = String::new();
            base64::encode(&bytes, &mut standard);
            let standard = standard.trim_end_matches('=');
            let url = standard.replace('+', "-").replace('/', "_");
            let spellings = [key.to_ascii_lowercase(), standard.to_owned(), url];
            keys.extend(spellings.map(Zeroizing::new));
        }
        Self { body, keys }
    }

    /// Whether an element shows one. What cannot be read is not let out either.
    pub(super) fn are_in(&self, element: &str) -> bool {
        self.look(element).unwrap_or(true)
    }

    fn look(&self, element: &str) -> Result<bool, StanzaError> {
        let mut reader = Reader::new(element, Scope::Stream)?;
        let root = reader.root()?;
        let mut found = self.are_in_tag(&reader, root);
        let text = reader.whole_text(|reader, tag| found |= self.are_in_tag(reader, tag))?;
        Ok(found || self.are_in_text(&text))
    }

    fn are_in_tag<'x>(&self, reader: &Reader<'x>, tag: Tag<'x>) -> bool {
        let namespace = reader.name_of(&tag).namespace;
        let mut values = tag.attributes();
        namespace.starts_with(ENCRYPTED_SOURCES)
            || XHTML.contains(&&*namespace)
            || values.any(|value| self.are_in_text(&value))
    }

    fn are_in_text(&self, text: &str) -> bool {
        let trimmed = text.trim_matches(WHITE_SPACE);
        if !trimmed.is_empty() && trimmed == self.body.trim_matches(WHITE_SPACE) {
            return true;
        }
        // Wrapped or not.
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let lower = text.to_ascii_lowercase();
        let mut keys = self.keys.iter();
        lower.contains("aesgcm:")
            || fragments(&lower).next().is_some()
            || keys.any(|key| text.contains(key.as_str()) || lower.contains(key.as_str()))
    }
}

/// The beginning of the namespaces of XEP-0448.
const ENCRYPTED_SOURCES: &str = "urn:xmpp:esfs:";

/// Messages in markup say again what their body says (XEP-0071 §5).
const XHTML: [&str; 2] = [
    "http://jabber.org/protocol/xhtml-im",
    "http://www.w3.org/1999/xhtml",
];

/// Hexadecimal digits of a key of 32 bytes.
const KEY_DIGITS: usize = 64;

/// The fragments of links that are keys: so many hexadecimal digits behind a `#`, or behind its escape.
fn fragments(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split('#').skip(1).chain(text.split("%23").skip(1));
    behind.filter_map(|rest| {
        let is_other = |byte: u8| !byte.is_ascii_hexdigit();
        let end = rest.bytes().position(is_other).unwrap_or(rest.len());
        rest.get(..end).filter(|digits| digits.len() >= KEY_DIGITS)
    })
}

fn byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "68e9af38a97aaf82faa4063b4d0878a61261534410c8a84331eaac851759f587";

    #[test]
    fn keys_of_links_in_any_form() {
        let link = format!("aesgcm://upload.example/a.jpg#8c3d050e9386ec173861778f{KEY}");
        let secrets = Secrets::of(&link);
        let standard = "aOmvOKl6r4L6pAY7TQh4phJhU0QQyKhDMeqshRdZ9Yc=";
        for element in [
            format!("<x xmlns='jabber:x:oob'><url>{link}</url></x>"),
            "<x xmlns='jabber:x:oob'><url>AESGCM://a/b</url></x>".to_owned(),
            "<x xmlns='jabber:x:oob'><url>aes&#103;cm:<![CDATA[//a]]></url></x>".to_owned(),
            format!(
                "<x xmlns='jabber:x:oob'><url>https://a/b#{}</url></x>",
                KEY.to_uppercase()
            ),
            format!("<a href='https://a/b%23{KEY}'/>"),
            format!("<reference xmlns='urn:xmpp:reference:0' uri='{link}'/>"),
            format!("<a><b><c d='x {link} y'/></b></a>"),
            format!("<key xmlns='urn:x'>{standard}</key>"),
            format!(
                "<key xmlns='urn:x'>{}\n {}</key>",
                &standard[..20],
                &standard[20..]
            ),
            format!("<key xmlns='urn:x' value='{}'/>", KEY.to_uppercase()),
            format!("<key xmlns='urn:x'>{}</key>", standard.replace('+', "-")),
            "<a><sources xmlns='urn:xmpp:sfs:0'><encrypted xmlns='urn:xmpp:esfs:0'/></sources></a>"
                .to_owned(),
            "<html xmlns='http://jabber.org/protocol/xhtml-im'/>".to_owned(),
            format!("<x:subject>\n{link}</x:subject>"),
            "<a>".to_owned(),
        ] {
            assert!(secrets.are_in(&element), "{element}");
        }
        for element in [
            "<x xmlns='jabber:x:oob'><url>https://upload.example/a.jpg</url></x>",
            "<reactions xmlns='urn:xmpp:reactions:0'><reaction>!</reaction></reactions>",
            "<a href='https://a/b#68e9af38'/>",
            "<file-sharing xmlns='urn:xmpp:sfs:0'><sources><url-data \
             xmlns='http://jabber.org/protocol/url-data' target='https://a/b'/></sources></file-sharing>",
        ] {
            assert!(!secrets.are_in(element), "{element}");
        }
    }

    #[test]
    fn the_text_itself() {
        let secrets = Secrets::of("meet me at 9\n");
        assert!(secrets.are_in("<description xmlns='urn:x'> meet me at <b>9</b></description>"));
        assert!(secrets.are_in("<a b='meet me at 9'/>"));
        assert!(!secrets.are_in("<a b='9'/>"));
        assert!(!Secrets::of("").are_in("<a> </a>"));
    }
}
