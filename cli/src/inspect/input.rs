//! What is to be explained: XML, or the bytes of a key element in some spelling.

use std::fs::File;
use std::io::{self, Read};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// No stanza is longer that a server would pass on.
const MAX_BYTES: u64 = 1 << 22;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Text that begins like XML.
    Xml(String),
    /// Bytes, how they were written, and what is wrong with that.
    Key(Vec<u8>, &'static str, Option<String>),
}

impl Input {
    /// Reads a file, or standard input if its name is `-`.
    ///
    /// # Errors
    /// If it cannot be read, is empty or longer than any stanza.
    pub fn read(name: &str) -> Result<Self, String> {
        let advice = |error: io::Error| {
            format!("cannot read {name}: {error}. Name a file, or - for standard input")
        };
        let mut bytes = Vec::new();
        let mut read = |source: &mut dyn Read| source.take(MAX_BYTES + 1).read_to_end(&mut bytes);
        match name {
            "-" => read(&mut io::stdin().lock()),
            name => File::open(name).and_then(|mut file| read(&mut file)),
        }
        .map_err(advice)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!(
                "{name} has more than {MAX_BYTES} bytes, more than any stanza: cut it down to one"
            ));
        }
        match Self::of(bytes) {
            Some(input) => Ok(input),
            None => Err(format!("{name} is empty: there is nothing to explain")),
        }
    }

    /// Sorts it out. `None` if there is nothing.
    fn of(bytes: Vec<u8>) -> Option<Self> {
        let text = core::str::from_utf8(&bytes).unwrap_or_default();
        let text = text.trim_start_matches('\u{feff}').trim();
        if bytes.trim_ascii().is_empty() {
            None
        } else if text.starts_with('<') {
            Some(Self::Xml(text.to_owned()))
        } else if !text.is_empty()
            && text
                .chars()
                .all(|c| is_base64(c) || c.is_ascii_whitespace())
        {
            Some(Self::of_text(text))
        } else {
            Some(Self::Key(bytes, "raw bytes", None))
        }
    }

    fn of_text(text: &str) -> Self {
        if let Some(bytes) = decode_hex(text) {
            return Self::Key(bytes, "hexadecimal", None);
        }
        let (bytes, error) = decode_base64(text);
        Self::Key(bytes, "base64", error)
    }
}

/// The bytes of base64 as XML has it: wrapped or not, padded or not. Of what is broken, the bytes up to
/// there, and what is wrong.
#[must_use]
pub fn decode_base64(text: &str) -> (Vec<u8>, Option<String>) {
    let text: String = text.split_ascii_whitespace().collect();
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    match GeneralPurpose::new(&STANDARD, config).decode(&text) {
        Ok(bytes) => (bytes, None),
        Err(error) => {
            let good = text
                .find(|c| !is_base64(c) || c == '=')
                .unwrap_or(text.len());
            // Four letters are three bytes; a single one is none.
            let good = if good % 4 == 1 { good - 1 } else { good };
            let config = config.with_decode_allow_trailing_bits(true);
            let bytes = GeneralPurpose::new(&STANDARD, config)
                .decode(text.get(..good).unwrap_or_default())
                .unwrap_or_default();
            (
                bytes,
                Some(format!("not base64, or not all of it: {error}")),
            )
        }
    }
}

/// The bytes of hexadecimal digits. Base64 of the length of a key has other letters as well.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    (rest.is_empty() && pairs.len() >= 32)
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

const fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_told_apart() {
        let of = |bytes: &[u8]| Input::of(bytes.to_vec());
        assert_eq!(of(b" \n"), None);
        assert_eq!(
            of(b"\xef\xbb\xbf <a/>\n"),
            Some(Input::Xml("<a/>".to_owned()))
        );
        let key = |how| Some(Input::Key(vec![0x33, 0x0a, 0x21], how, None));
        assert_eq!(of(b"Mwoh\n"), key("base64"));
        assert_eq!(of(b" M w\n\toh"), key("base64"));
        assert_eq!(of(&[0x33, 0x0a, 0x21]), key("raw bytes"));
        let hex = Input::Key(vec![0x5a; 32], "hexadecimal", None);
        assert_eq!(of("5A".repeat(32).as_bytes()), Some(hex));
    }

    #[test]
    fn base64_is_read_as_far_as_it_goes() {
        assert_eq!(decode_base64("AAEC\n Aw"), (vec![0, 1, 2, 3], None));
        for (text, bytes) in [
            ("AAECA", &[0, 1, 2][..]),
            ("AAECAx", &[0, 1, 2, 3]),
            ("AAEC!AAA", &[0, 1, 2]),
            ("=", &[]),
        ] {
            let (found, error) = decode_base64(text);
            assert_eq!(found, bytes, "{text}");
            assert!(error.is_some(), "{text}");
        }
    }
}
