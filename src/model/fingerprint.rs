//! What people compare.

use core::fmt;
use core::str::FromStr;

use super::hex;
use crate::crypto::IdentityKey;

/// The fingerprint of an identity key: its Curve25519 form, in both versions (XEP-0384 §7).
///
/// Shown as 64 lower-case hexadecimal digits in eight groups, with `{:x}` without the groups. Read from
/// what clients show: digits of either case, whatever their groups.
///
/// ```
/// use omemo::model::Fingerprint;
///
/// let shown = "0A49B8AC 661E0BC7 B84BADCE 81381DC6 FEDB6CDA 485969FC 58539A41 41A6D267";
/// let fingerprint: Fingerprint = shown.parse()?;
/// assert_eq!(fingerprint.to_string(), shown.to_lowercase());
/// # Ok::<(), omemo::model::FingerprintError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint that has these bytes. Whether they are a key is not asked: one that is none
    /// equals no key's fingerprint.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<&IdentityKey> for Fingerprint {
    fn from(key: &IdentityKey) -> Self {
        Self(*key.to_curve25519().as_bytes())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Takes 64 digits, or 66 that begin with libsignal's type byte `05`, with white space, `-` and `:`
    /// anywhere.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        if text.len() > MAX_SHOWN {
            return Err(FingerprintError::Length);
        }
        let mut digits = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_ascii_hexdigit() {
                digits.push(c);
            } else if !is_separator(c) {
                return Err(FingerprintError::Character);
            }
        }
        let key = match digits.strip_prefix("05") {
            Some(key) if key.len() == 64 => key,
            _ => &digits,
        };
        hex::read(key).map(Self).ok_or(FingerprintError::Length)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if index % 4 == 0 && index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::LowerHex for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Text that is no fingerprint. The text is not repeated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FingerprintError {
    /// Neither 64 digits nor `05` and 64 digits.
    Length,
    /// Something that is neither a hexadecimal digit nor stands between groups.
    Character,
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the fingerprint has not 64 digits",
            Self::Character => "the fingerprint has something else than hexadecimal digits",
        })
    }
}

impl core::error::Error for FingerprintError {}

/// No client puts more than a separator behind each digit: what is longer is refused before any work.
const MAX_SHOWN: usize = 256;

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "a49b8ac661e0bc7b84badce81381dc6fedb6cda485969fc58539a4141a6d2670";

    fn grouped(size: usize, separator: &str) -> String {
        let digits: Vec<char> = DIGITS.chars().collect();
        let groups: Vec<String> = digits.chunks(size).map(|g| g.iter().collect()).collect();
        groups.join(separator)
    }

    #[test]
    fn whatever_clients_show_is_one_fingerprint() {
        let fingerprint: Fingerprint = DIGITS.parse().unwrap();
        assert_eq!(fingerprint.as_bytes()[..3], [0xa4, 0x9b, 0x8a]);
        for shown in [
            DIGITS.to_uppercase(),
            grouped(8, " "),
            grouped(8, "-"),
            grouped(8, "\n"),
            grouped(8, "\u{a0}").to_uppercase(),
            grouped(2, ":"),
            grouped(1, " "),
            format!(" {DIGITS}\n"),
            format!("05{DIGITS}"),
            format!("05 {}", grouped(8, " ")),
            format!("05:{}", grouped(2, ":").to_uppercase()),
        ] {
            assert_eq!(shown.parse(), Ok(fingerprint), "{shown}");
        }
        assert_eq!(fingerprint.to_string(), grouped(8, " "));
        assert_eq!(format!("{fingerprint:x}"), DIGITS);
        assert_eq!(
            Fingerprint::from_bytes(*fingerprint.as_bytes()),
            fingerprint
        );
    }

    #[test]
    fn the_type_byte_is_known_by_the_length_alone() {
        let digits = format!("05{}", DIGITS.split_at(2).1);
        let fingerprint: Fingerprint = digits.parse().unwrap();
        assert_eq!(fingerprint.as_bytes()[0], 5);
        assert_eq!(format!("05{digits}").parse(), Ok(fingerprint));
    }

    #[test]
    fn what_is_no_fingerprint() {
        for text in [
            String::new(),
            " ".to_owned(),
            DIGITS.split_at(1).1.to_owned(),
            DIGITS.split_at(2).1.to_owned(),
            format!("{DIGITS}0"),
            format!("06{DIGITS}"),
            format!("5{DIGITS}"),
            format!("0505{DIGITS}"),
            DIGITS.repeat(2),
            grouped(1, "    "),
        ] {
            let read = text.parse::<Fingerprint>();
            assert_eq!(read, Err(FingerprintError::Length), "{text}");
        }
        for text in [
            format!("0x{DIGITS}"),
            DIGITS.replace('a', "g"),
            DIGITS.replace('1', "\u{ff11}"),
            format!("{DIGITS}\u{0}"),
            format!("{DIGITS}\u{200b}"),
            "d5/b8".to_owned(),
        ] {
            let read = text.parse::<Fingerprint>();
            assert_eq!(read, Err(FingerprintError::Character), "{text}");
        }
    }
}
