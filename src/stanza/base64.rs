//! Base64 in the text of elements (RFC 4648 §4, XEP-0384 §5).
//!
//! Written with padding and in one line, as some readers know nothing else. Where it is read, white
//! space is ignored wherever it is, as XML tools wrap and indent; the padding may be missing, as some
//! encoders leave it out. Everything else is refused, unused bits that are not zero included:
//! nobody sends them, and they would make several texts of one value.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::grammar::WHITE_SPACE;

/// The bytes; `None` if the text is not base64. No text at all is no bytes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_matches(WHITE_SPACE);
    let text = if text.contains(WHITE_SPACE) {
        Cow::Owned(text.replace(WHITE_SPACE, ""))
    } else {
        Cow::Borrowed(text)
    };
    ENGINE.decode(text.as_bytes()).ok()
}

/// Appends the text of the bytes.
pub(super) fn encode(bytes: &[u8], text: &mut String) {
    ENGINE.encode_string(bytes, text);
}

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(false),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_are_accepted() {
        for text in ["AAECAw==", "AAECAw", " AAEC\r\n\tAw = =\n", "AAECAw="] {
            assert_eq!(decode(text), Some(vec![0, 1, 2, 3]), "{text:?}");
        }
        assert_eq!(decode(""), Some(Vec::new()));
        assert_eq!(decode(" \n"), Some(Vec::new()));
    }

    #[test]
    fn one_spelling_is_written() {
        let mut text = String::from("=");
        encode(&[0, 1, 2, 3], &mut text);
        encode(&[0xfb; 60], &mut text);
        assert_eq!(text, format!("=AAECAw=={}", "+/v7".repeat(20)));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "AAECAx==",
            "AAECA",
            "AAEC=",
            "AAECAw===",
            "=",
            "AA=ECAw",
            "AAEC-_",
            "AAEC!",
            "\u{a0}",
            "AAE\u{b}C",
        ] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
