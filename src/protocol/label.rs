//! Labels of devices, signed (XEP-0384 §5.3.1, since 0.9; OMEMO 2 only).
//!
//! ```text
//! labelsig = Sig(IK, UTF-8 of the label)
//! ```
//!
//! A signed pre-key is signed in the same way, and nothing in what is signed says which of the two it is.
//! A label as long as a public key could thus become a signed pre-key whose private half somebody has, and
//! the signature of a pre-key one of a label: such texts are neither signed nor taken.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::crypto::{IdentityKey, IdentityKeyPair, Secret, ed25519, xeddsa};
use crate::error::{LabelError, SignatureError};
use crate::model::Label;

/// XEP-0384 §5.3.1 recommends fewer than 53 code points.
pub const MAX_LABEL_CHARS: usize = 52;

/// Signs what this device is to be called; `z` is 64 fresh random bytes.
///
/// Everybody can read it, so it should be what its user chose, never the name of a host.
///
/// # Errors
/// [`LabelError`].
///
/// ```
/// use getrandom::SysRng;
/// use omemo::crypto::{IdentityKeyPair, random};
/// use omemo::model::Version;
/// use omemo::protocol::{self, sign_label, verify_label};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let juliet = IdentityKeyPair::generate(&mut SysRng)?;
/// let label = sign_label(&juliet, "Balcony", &random(&mut SysRng)?)?;
/// let identity = protocol::of(Version::Omemo2).identity(&juliet);
/// assert!(verify_label(&identity, &label).is_ok());
/// # Ok(())
/// # }
/// ```
pub fn sign_label(
    identity: &IdentityKeyPair,
    text: &str,
    z: &Secret<64>,
) -> Result<Label, LabelError> {
    check(text)?;
    Ok(Label {
        text: text.to_owned(),
        signature: xeddsa::sign(identity, text.as_bytes(), z),
    })
}

/// Says whether a label may be shown: the identity of its device signed it, and [`sign_label`] would
/// have, too.
///
/// # Errors
/// [`SignatureError`], whatever the reason; also for an identity in the form of the other version, which
/// has no labels.
pub fn verify_label(identity: &IdentityKey, label: &Label) -> Result<(), SignatureError> {
    check(&label.text).map_err(|_| SignatureError)?;
    match identity {
        IdentityKey::Ed25519(identity) => {
            ed25519::verify(identity, label.text.as_bytes(), &label.signature)
        }
        IdentityKey::Curve25519(_) => Err(SignatureError),
    }
}

fn check(text: &str) -> Result<(), LabelError> {
    if text.trim().is_empty() {
        return Err(LabelError::Empty);
    }
    if text.chars().nth(MAX_LABEL_CHARS).is_some() {
        return Err(LabelError::TooLong);
    }
    // What is signed of a signed pre-key: 32 bytes in OMEMO 2, 33 in legacy.
    if matches!(text.len(), 32 | 33) {
        return Err(LabelError::KeyLength);
    }
    if text.chars().any(is_unseen) {
        return Err(LabelError::Character);
    }
    Ok(())
}

/// Controls; formats, among them those that change the direction of writing and those of no width; the
/// separators of lines and paragraphs; and what XML has no place for.
fn is_unseen(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    ) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_labels() {
        for text in [
            "Gajim on Ubuntu Linux",
            "L\u{e4}nge \u{2013} Ger\u{e4}t",
            "\u{624}\u{647}\u{627}\u{62a}\u{641}",
            "\u{1f4f1}\u{fe0f} \u{6211}\u{7684}\u{624b}\u{673a}",
            "a\u{a0}b",
            "x",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn nothing_is_no_label() {
        for text in ["", " ", "\u{a0}\u{3000}", "\n"] {
            assert_eq!(check(text), Err(LabelError::Empty), "{text:?}");
        }
    }

    #[test]
    fn labels_are_counted_in_code_points() {
        for c in ["a", "\u{e4}", "\u{1f4f1}"] {
            assert_eq!(check(&c.repeat(52)), Ok(()));
            assert_eq!(check(&c.repeat(53)), Err(LabelError::TooLong));
        }
        assert_eq!(check(&"a".repeat(1 << 20)), Err(LabelError::TooLong));
    }

    #[test]
    fn a48_no_label_has_the_length_of_a_key() {
        for (text, len) in [
            ("a".repeat(31), 31),
            ("a".repeat(34), 34),
            ("\u{e4}".repeat(15), 30),
            ("\u{e4}".repeat(17), 34),
        ] {
            assert_eq!((text.len(), check(&text)), (len, Ok(())));
        }
        for (text, len) in [
            ("a".repeat(32), 32),
            ("a".repeat(33), 33),
            ("\u{e4}".repeat(16), 32),
            ("\u{6211}".repeat(11), 33),
            ("\u{1f4f1}".repeat(8), 32),
        ] {
            assert_eq!(
                (text.len(), check(&text)),
                (len, Err(LabelError::KeyLength))
            );
        }
    }

    #[test]
    fn what_is_not_seen_is_in_no_label() {
        for c in [
            '\0',
            '\t',
            '\n',
            '\u{7f}',
            '\u{85}', // controls
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{2060}',
            '\u{feff}',
            '\u{e0041}', // no width
            '\u{61c}',
            '\u{200e}',
            '\u{200f}',
            '\u{202a}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{2028}',
            '\u{2029}',
            '\u{fffe}',
            '\u{ffff}',
        ] {
            let text = format!("Pho{c}ne");
            assert_eq!(check(&text), Err(LabelError::Character), "{text:?}");
        }
    }
}
