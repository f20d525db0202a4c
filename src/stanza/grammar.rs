//! The productions of XML 1.0 that the tokenizer leaves to its user: characters, names, references and
//! attributes (XML 1.0 §2.2, §2.3, §3.1, §4.1; Namespaces in XML 1.0 §4).
//!
//! What is accepted here is handed on to the application and parsed again by its own parser. A text
//! that two parsers understand differently is a way past whoever looked first: so exactly what the
//! productions allow, and nothing that XMPP takes out of them.

use std::borrow::Cow;

use super::XmlError;

/// `S`.
pub(super) const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// `Char`: everything but most control characters, surrogates and two noncharacters.
pub(super) const fn is_character(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// Splits a `QName` into prefix and local part; `None` if it is none.
pub(super) fn split_name(name: &str) -> Option<(Option<&str>, &str)> {
    match name.split_once(':') {
        Some((prefix, local)) => {
            (is_name(prefix) && is_name(local)).then_some((Some(prefix), local))
        }
        None => is_name(name).then_some((None, name)),
    }
}

/// What a reference `&name;` stands for: `CharRef`, or one of the five predefined entities, the only
/// ones that RFC 6120 §11.1 leaves.
pub(super) fn resolve(name: &str) -> Result<char, XmlError> {
    let Some(number) = name.strip_prefix('#') else {
        return match name {
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "amp" => Ok('&'),
            "apos" => Ok('\''),
            "quot" => Ok('"'),
            _ => Err(XmlError::Entity),
        };
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(XmlError::Syntax);
    }
    u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .filter(|c| is_character(*c))
        .ok_or(XmlError::Character)
}

/// The value of an attribute from its literal: references resolved, white space made blanks
/// (XML 1.0 §3.3.3). Borrowed where nothing had to be changed.
pub(super) fn attribute_value(literal: &str) -> Result<Cow<'_, str>, XmlError> {
    let needs_work = |c: char| matches!(c, '&' | '<' | '\t' | '\r' | '\n');
    if !literal.contains(needs_work) {
        return Ok(Cow::Borrowed(literal));
    }
    let mut value = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some((plain, special, after)) = split_at_char(rest, needs_work) {
        value.push_str(plain);
        rest = after;
        match special {
            '<' => return Err(XmlError::Syntax),
            '&' => {
                let (name, after) = rest.split_once(';').ok_or(XmlError::Syntax)?;
                value.push(resolve(name)?);
                rest = after;
            }
            '\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                value.push(' ');
            }
            _ => value.push(' '),
        }
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

/// The attributes of a start tag: names and literals without their quotes, in order.
///
/// Iterates over what stands behind the element's name, and ends at the first error.
#[derive(Clone)]
pub(super) struct Attributes<'x> {
    rest: &'x str,
}

impl<'x> Attributes<'x> {
    pub(super) const fn new(rest: &'x str) -> Self {
        Self { rest }
    }

    fn split_first(&mut self) -> Option<(&'x str, &'x str)> {
        // White space is not optional: the second of a='1'b='2' would start here.
        let text = self.rest.strip_prefix(WHITE_SPACE)?;
        let (name, text) = text.split_once('=')?;
        let text = text.trim_start_matches(WHITE_SPACE);
        let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (literal, rest) = text.strip_prefix(quote)?.split_once(quote)?;
        self.rest = rest;
        Some((name.trim_matches(WHITE_SPACE), literal))
    }
}

impl<'x> Iterator for Attributes<'x> {
    type Item = Result<(&'x str, &'x str), XmlError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.trim_start_matches(WHITE_SPACE).is_empty() {
            return None;
        }
        let attribute = self.split_first();
        if attribute.is_none() {
            self.rest = "";
        }
        Some(attribute.ok_or(XmlError::Syntax))
    }
}

/// `NCName`, in ASCII. The editions of XML 1.0 disagree about further characters, and so do parsers: a
/// name that only one of two accepts could end the stream of who passes it on. No specification of
/// XMPP has such a name.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let is_other =
        |byte: u8| is_start(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    bytes.next().is_some_and(is_start) && bytes.all(is_other)
}

fn split_at_char(text: &str, pattern: impl Fn(char) -> bool) -> Option<(&str, char, &str)> {
    let (position, found) = text.char_indices().find(|(_, c)| pattern(*c))?;
    let (before, rest) = text.split_at_checked(position)?;
    Some((before, found, rest.strip_prefix(found)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(split_name("key"), Some((None, "key")));
        assert_eq!(split_name("o:key"), Some((Some("o"), "key")));
        assert_eq!(split_name("_a-2.b"), Some((None, "_a-2.b")));
        for bad in [
            "", ":", "a:", ":a", "a:b:c", "1a", "-a", "a b", "a/", "a<", "a\u{e4}",
        ] {
            assert_eq!(split_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn references() {
        assert_eq!(resolve("amp"), Ok('&'));
        assert_eq!(resolve("#65"), Ok('A'));
        assert_eq!(resolve("#x1F600"), Ok('\u{1f600}'));
        for bad in ["nbsp", "lol", "", "Amp", "amp "] {
            assert_eq!(resolve(bad), Err(XmlError::Entity), "{bad}");
        }
        for bad in ["#", "#x", "#+65", "#-65", "#X41", "#4 1"] {
            assert_eq!(resolve(bad), Err(XmlError::Syntax), "{bad}");
        }
        for bad in ["#0", "#8", "#xD800", "#xFFFE", "#x110000", "#99999999999"] {
            assert_eq!(resolve(bad), Err(XmlError::Character), "{bad}");
        }
    }

    #[test]
    fn values() {
        assert!(matches!(attribute_value("a>b"), Ok(Cow::Borrowed("a>b"))));
        assert_eq!(
            attribute_value("&lt;\r\n\r\t&#10;&amp;amp;").as_deref(),
            Ok("<   \n&amp;")
        );
        assert_eq!(attribute_value("a<b"), Err(XmlError::Syntax));
        assert_eq!(attribute_value("a & b"), Err(XmlError::Syntax));
        assert_eq!(attribute_value("&lol;"), Err(XmlError::Entity));
    }

    #[test]
    fn attributes() {
        let all: Result<Vec<_>, _> = Attributes::new(" a='1'\n b = \"'2'>\" ").collect();
        assert_eq!(all, Ok(vec![("a", "1"), ("b", "'2'>")]));
        assert_eq!(Attributes::new(" \n").count(), 0);
        for bad in ["a='1'", " a='1'b='2'", " a", " a=1", " a='1", " a=", " /"] {
            let all: Result<Vec<_>, _> = Attributes::new(bad).collect();
            assert_eq!(all, Err(XmlError::Syntax), "{bad}");
        }
    }
}
