//! Bytes as the vectors write them: hex or base64, and of a given length where one is due.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omemo::crypto::Secret;
use serde::Deserialize;

/// Bytes in hex.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Hex(pub(super) Vec<u8>);

/// `N` bytes in hex: mostly a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Fixed<const N: usize>(pub(super) [u8; N]);

/// 32 bytes in hex.
pub(super) type Key = Fixed<32>;

/// Bytes in base64.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Base64(pub(super) Vec<u8>);

impl<const N: usize> Fixed<N> {
    pub(super) const fn secret(&self) -> Secret<N> {
        Secret::new(self.0)
    }
}

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        read_hex(&text).map(Self)
    }
}

impl<const N: usize> TryFrom<String> for Fixed<N> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        fixed(&read_hex(&text)?).map(Self)
    }
}

impl TryFrom<String> for Base64 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        read_base64(&text).map(Self)
    }
}

pub(super) fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes
        .try_into()
        .map_err(|_| format!("{} bytes where {N} are due", bytes.len()))
}

pub(super) fn read_base64(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| error.to_string())
}

pub(super) fn read_hex(text: &str) -> Result<Vec<u8>, String> {
    let no_hex = || format!("{text:?} is no hex");
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(no_hex());
    }
    pairs
        .iter()
        .map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?))
        .collect::<Option<_>>()
        .ok_or_else(no_hex)
}

fn digit(character: u8) -> Option<u8> {
    char::from(character)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Says what was expected and what came unless they are the same.
pub(super) fn same(what: &str, expected: &[u8], came: &[u8]) -> Result<(), String> {
    if expected == came {
        return Ok(());
    }
    let (expected, came) = (excerpt(expected, came), excerpt(came, expected));
    Err(format!("{what}: expected {expected}, came {came}"))
}

/// The hex of `bytes`; of long ones the neighbourhood of the first byte that differs from `other`.
fn excerpt(bytes: &[u8], other: &[u8]) -> String {
    const SHOWN: usize = 40;
    match bytes.len() {
        0 => "nothing".to_owned(),
        length if length <= SHOWN => to_hex(bytes),
        length => {
            let differs = bytes.iter().zip(other).position(|(a, b)| a != b);
            let from = differs
                .unwrap_or_else(|| length.min(other.len()))
                .saturating_sub(4);
            let part: Vec<u8> = bytes.iter().skip(from).take(SHOWN).copied().collect();
            format!(
                "{} (bytes {from} to {} of {length})",
                to_hex(&part),
                from + part.len()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_and_anything_else_is_not() {
        assert_eq!(read_hex("00ff1A").unwrap(), [0, 255, 26]);
        assert!(read_hex("").unwrap().is_empty());
        for bad in ["0", "0g", "0x", "é", " 1"] {
            assert!(read_hex(bad).is_err(), "{bad}");
        }
        assert_eq!(fixed::<2>(&[1, 2]), Ok([1, 2]));
        assert!(fixed::<2>(&[1]).is_err());
    }

    #[test]
    fn a_difference_is_shown_where_it_is() {
        assert_eq!(
            same("mac", &[1], &[2]),
            Err("mac: expected 01, came 02".to_owned())
        );
        let (long, mut other) = ([7; 100], [7; 100]);
        other[90] = 0xab;
        let text = same("bytes", &long, &other).unwrap_err();
        assert!(
            text.contains("ab") && text.contains("bytes 86 to 100 of 100"),
            "{text}"
        );
        assert!(same("bytes", &long, &long[..99]).is_err());
    }
}
