//! Writing XML: every element that leaves this library is made here.
//!
//! Elements are closed by the structure of the code that opens them, and what goes into them is
//! escaped, so that the text is well-formed. The names are constants of ours.

use core::fmt::Display;

use super::base64;

/// The name of an attribute, and its value.
pub(super) type Attribute<'v> = (&'static str, &'v dyn Display);

/// A text that grows.
#[derive(Default)]
pub(super) struct Writer {
    xml: String,
}

impl Writer {
    /// Up to so many bytes are written without moving what was written before: for secrets.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let xml = String::with_capacity(bytes);
        Self { xml }
    }

    pub(super) fn into_xml(self) -> String {
        self.xml
    }

    /// An element; `content` writes what is in it.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        content: impl FnOnce(&mut Self),
    ) {
        self.xml.push('<');
        self.xml.push_str(name);
        for (attribute, value) in attributes {
            for piece in [" ", attribute, "='"] {
                self.xml.push_str(piece);
            }
            escape_value(&value.to_string(), &mut self.xml);
            self.xml.push('\'');
        }
        let start = self.xml.len();
        self.xml.push('>');
        let inside = self.xml.len();
        content(self);
        if self.xml.len() == inside {
            self.xml.truncate(start);
            self.xml.push_str("/>");
        } else {
            for piece in ["</", name, ">"] {
                self.xml.push_str(piece);
            }
        }
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        self.element(name, attributes, |_| ());
    }

    /// An element with text in it.
    pub(super) fn text(&mut self, name: &'static str, attributes: &[Attribute<'_>], text: &str) {
        self.element(name, attributes, |writer| {
            escape_text(text, &mut writer.xml)
        });
    }

    /// An element with the base64 of bytes in it: padded, not wrapped.
    pub(super) fn base64(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        bytes: &[u8],
    ) {
        self.element(name, attributes, |writer| {
            base64::encode(bytes, &mut writer.xml);
        });
    }

    /// An element that was written before.
    pub(super) fn raw(&mut self, xml: &str) {
        self.xml.push_str(xml);
    }
}

/// A start tag that is copied from another message. The literals are without their quotes, which were of
/// either kind.
pub(super) fn open_tag(name: &str, attributes: &[(&str, &str)]) -> String {
    let mut tag = format!("<{name}");
    for (name, literal) in attributes {
        let quote = if literal.contains('\'') { "\"" } else { "'" };
        for piece in [" ", name, "=", quote, literal, quote] {
            tag.push_str(piece);
        }
    }
    tag.push('>');
    tag
}

/// A reader makes `\r` a line's end and white space in values blanks, unless they are references
/// (XML 1.0 §2.11, §3.3.3).
fn escape_text(text: &str, xml: &mut String) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\r' => xml.push_str("&#13;"),
            c => xml.push(c),
        }
    }
}

fn escape_value(value: &str, xml: &mut String) {
    for c in value.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\'' => xml.push_str("&apos;"),
            '"' => xml.push_str("&quot;"),
            '\t' => xml.push_str("&#9;"),
            '\n' => xml.push_str("&#10;"),
            '\r' => xml.push_str("&#13;"),
            c => xml.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::{Reader, Scope};
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let hard = "a&b<c>d'e\"f]]>\t\n\r\r\n&amp; \u{e4}\u{1f600}";
        let mut writer = Writer::default();
        writer.element("a", &[("b", &hard), ("c", &7)], |writer| {
            writer.text("d", &[], hard);
            writer.text("e", &[], "");
            writer.base64("f", &[("g", &"")], &[0, 1, 2, 3]);
        });
        let xml = writer.into_xml();
        assert!(xml.ends_with("<e/><f g=''>AAECAw==</f></a>"), "{xml}");

        let mut reader = Reader::new(&xml, Scope::Document).unwrap();
        let root = reader.root().unwrap();
        assert_eq!(root.attribute("b").as_deref(), Some(hard));
        assert_eq!(root.attribute("c").as_deref(), Some("7"));
        reader.child().unwrap().unwrap();
        assert_eq!(reader.text().unwrap(), hard);
        reader.skip().unwrap();
        reader.finish().unwrap();
    }
}
