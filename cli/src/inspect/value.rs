//! How values are shown, and which are odd.

use omemo::crypto::RatchetPublicKey;
use omemo::error::KeyError;
use omemo::model::{Fingerprint, Version};

use super::input::decode_base64;
use crate::page::Page;

/// The bytes in hexadecimal: all of them, unless there are more than anything has that is shown whole.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    match bytes.len() {
        0 => "0 bytes".to_owned(),
        1..=WHOLE => digits(bytes),
        _ => excerpt(bytes),
    }
}

/// The length of a signature, the longest of them.
const WHOLE: usize = 64;

fn digits(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The number of bytes, and the first of them.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    let (start, rest) = bytes.split_at_checked(SHOWN).unwrap_or((bytes, &[]));
    let dots = if rest.is_empty() { "" } else { "…" };
    match bytes.len() {
        0 => "0 bytes".to_owned(),
        length => format!("{length} bytes: {}{dots}", digits(start)),
    }
}

const SHOWN: usize = 20;

/// Decodes the text of an element, and says what is wrong with it. `label` names it.
pub fn decode(page: &mut Page, label: &str, text: &str) -> Vec<u8> {
    let (bytes, error) = decode_base64(text);
    if let Some(error) = error {
        page.problem(format_args!("{label}: {error}"));
    }
    bytes
}

/// The id in an attribute, and what is wrong with it.
///
/// # Errors
/// A few words: what it is instead.
pub fn parse_id(text: Option<&str>) -> Result<u32, String> {
    match text.map(|text| (text, text.trim().parse())) {
        Some((_, Ok(id))) => Ok(id),
        Some((text, Err(_))) => Err(format!("\"{text}\", which is no number of 32 bits")),
        None => Err("missing".to_owned()),
    }
}

/// What `keys` of a version is: an identity, which people compare, or any other public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// An identity key.
    Identity,
    /// A pre-key, an ephemeral key or a ratchet key: they have one form.
    Other,
}

/// Shows a public key as it is on the wire, and what is wrong with it. `about` may be empty.
pub fn show_key(
    page: &mut Page,
    label: &str,
    version: Version,
    kind: KeyKind,
    wire: &[u8],
    about: &str,
) {
    page.field(label, format!("{}\n{about}", split_type(version, wire)));
    match check_key(version, kind, wire) {
        Ok(Some(fingerprint)) => show_fingerprint(page, &fingerprint),
        Ok(None) => {}
        Err(error) => page.problem(format_args!(
            "{label}: {error} ({} bytes; {} are right)",
            wire.len(),
            match version {
                Version::Legacy => "33, the first of them 05,",
                Version::Omemo2 => "32",
            }
        )),
    }
}

/// Shows a fingerprint in two lines, as clients do.
fn show_fingerprint(page: &mut Page, fingerprint: &Fingerprint) {
    let text = fingerprint.to_string();
    let (first, second) = text.split_at_checked(35).unwrap_or((&text, ""));
    page.field("  fingerprint", format!("{first}\n{}", second.trim_start()));
}

/// Checks a key as the library does; an identity key has a fingerprint.
///
/// # Errors
/// [`KeyError`].
pub fn check_key(
    version: Version,
    kind: KeyKind,
    wire: &[u8],
) -> Result<Option<Fingerprint>, KeyError> {
    match kind {
        KeyKind::Identity => {
            let identity = version.decode_identity(wire)?;
            Ok(Some(Fingerprint::from(&identity)))
        }
        // All roles have the same checks; this one stands for them.
        KeyKind::Other => {
            RatchetPublicKey::from_slice(version.strip_key_prefix(wire)?).map(|_| None)
        }
    }
}

/// A legacy key with its type byte apart.
fn split_type(version: Version, wire: &[u8]) -> String {
    match (version, wire.split_first()) {
        (Version::Legacy, Some((kind, key))) if !key.is_empty() => {
            format!("{kind:02x} {}", hex(key))
        }
        _ => hex(wire),
    }
}

/// Says what is odd about the id of a key.
pub fn note_key_id(page: &mut Page, name: &str, id: u64) {
    if id == 0 {
        page.note(format_args!(
            "{name} is 0: unusual. Converse.js counts from 0; some clients take it for \"none\""
        ));
    } else if id == LAST_RESORT {
        page.note(format_args!(
            "{name} is {LAST_RESORT}, libsignal's last resort: a pre-key that is used repeatedly"
        ));
    } else if id > MAX_DRAWN {
        page.note(format_args!(
            "{name} is above {MAX_DRAWN}, the largest id that is drawn"
        ));
    }
}

const LAST_RESORT: u64 = 0xff_ffff;
const MAX_DRAWN: u64 = i32::MAX as u64;
