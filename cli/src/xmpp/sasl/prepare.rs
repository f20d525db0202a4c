//! SASLprep (RFC 4013) of names and passwords.

use stringprep::tables::unassigned_code_point;
use zeroize::Zeroizing;

use crate::xmpp::StreamError;

/// A name or a password as SCRAM and PLAIN send it.
///
/// SASLprep knows Unicode 3.2. Characters that are newer stay as they are: so do the servers that have
/// libidn or ICU, and their passwords would be of no use otherwise.
///
/// # Errors
/// [`StreamError::Password`] if a character has no place in it.
pub(super) fn prepare(text: &str) -> Result<Zeroizing<String>, StreamError> {
    let mut prepared = Zeroizing::new(String::with_capacity(text.len() * 2));
    let mut rest = text;
    while let Some((at, newer)) = rest
        .char_indices()
        .find(|(_, character)| unassigned_code_point(*character))
    {
        let (before, behind) = rest.split_at(at);
        push(&mut prepared, before)?;
        prepared.push(newer);
        rest = behind.split_at(newer.len_utf8()).1;
    }
    push(&mut prepared, rest)?;
    Ok(prepared)
}

fn push(to: &mut String, text: &str) -> Result<(), StreamError> {
    let prepared = stringprep::saslprep(text).map_err(|_| StreamError::Password)?;
    to.push_str(&prepared);
    if let std::borrow::Cow::Owned(prepared) = prepared {
        drop(Zeroizing::new(prepared));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 4013 §3, and characters that are newer than Unicode 3.2.
    #[test]
    fn names_and_passwords_are_prepared() {
        for (text, expected) in [
            ("I\u{AD}X", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\u{AA}", "a"),
            ("\u{2168}", "IX"),
            ("a\u{A0}b", "a b"),
            ("\u{1F984} \u{2168}", "\u{1F984} IX"),
        ] {
            assert_eq!(prepare(text).unwrap().as_str(), expected, "{text}");
        }
        for text in ["\u{7}", "\u{627}1", "\u{1F984}\u{7}"] {
            assert_eq!(prepare(text), Err(StreamError::Password), "{text:?}");
        }
    }
}
