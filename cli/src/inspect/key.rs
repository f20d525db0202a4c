//! The bytes of a `<key/>` element.
//!
//! Fields are shown as far as they can be read; then the library's own reader gives its verdict.

use omemo::model::Version;
use omemo::protocol::{KeyExchange, RatchetMessage};

use super::protobuf::{Broken, Field, Fields, Value};
use super::schema::{
    Entry, Frame, LEGACY_KEY_EXCHANGE, LEGACY_MESSAGE, LEGACY_UNKNOWN, Meaning,
    OMEMO2_KEY_EXCHANGE, OMEMO2_MESSAGE, OMEMO2_UNKNOWN, Schema,
};
use super::structure::Structure;
use super::value::{KeyKind, excerpt, hex, note_key_id, show_key};
use crate::name_of;
use crate::page::Page;

/// Explains the bytes. Returns what they are, where that can be told.
pub fn explain(page: &mut Page, version: Version, bytes: &[u8]) -> Option<Structure> {
    let structure = Structure::of(version, bytes);
    page.field(
        "structure",
        structure.map_or("neither a message nor a key exchange", Structure::name),
    );
    let schema = match (version, structure) {
        (Version::Legacy, Some(Structure::Message)) => &LEGACY_MESSAGE,
        (Version::Legacy, Some(Structure::KeyExchange)) => &LEGACY_KEY_EXCHANGE,
        (Version::Legacy, None) => &LEGACY_UNKNOWN,
        (Version::Omemo2, Some(Structure::Message)) => &OMEMO2_MESSAGE,
        (Version::Omemo2, Some(Structure::KeyExchange)) => &OMEMO2_KEY_EXCHANGE,
        (Version::Omemo2, None) => &OMEMO2_UNKNOWN,
    };
    // A key exchange has a message inside, and that one another in OMEMO 2: no more than three.
    let mut next = Some((schema, bytes));
    while let Some((schema, bytes)) = next {
        next = explain_message(page, version, schema, bytes);
    }
    let verdict = match structure {
        Some(Structure::KeyExchange) => KeyExchange::read(version, bytes).map(|_| ()),
        _ => RatchetMessage::read(version, bytes).map(|_| ()),
    };
    match verdict {
        Ok(()) => page.field("verdict", format!("well-formed, {}", name_of(version))),
        Err(error) => page.problem(format_args!("the library refuses these bytes: {error}")),
    }
    structure
}

/// Explains one message; returns the one inside.
fn explain_message<'a>(
    page: &mut Page,
    version: Version,
    schema: &'static Schema,
    bytes: &'a [u8],
) -> Option<(&'static Schema, &'a [u8])> {
    page.field(
        schema.name,
        format!("{} bytes, with these fields:", bytes.len()),
    );
    let mut inside = None;
    page.indented(|page| {
        let (body, mac) = take_frame(page, schema, bytes);
        let mut seen = Vec::new();
        let mut is_whole = true;
        for field in Fields::new(body) {
            match field {
                Ok(field) => {
                    if let Some(found) = explain_field(page, version, schema, &field) {
                        inside = Some(found);
                    }
                    if seen.contains(&field.number) {
                        page.note(format_args!(
                            "field {}, again: the last counts",
                            field.number
                        ));
                    }
                    seen.push(field.number);
                }
                Err(broken) => {
                    explain_broken(page, schema, &broken);
                    is_whole = false;
                }
            }
        }
        for entry in schema.fields {
            if is_whole && !seen.contains(&entry.number) {
                let label = format!("{} {}", entry.number, entry.name);
                if entry.required {
                    page.problem(format_args!("field {label} is missing"));
                } else {
                    page.field(label, "not there, which is allowed");
                }
            }
        }
        if let Some(mac) = mac {
            page.field("MAC", hex(mac));
        }
    });
    inside
}

/// Shows the version byte and takes it and the MAC off.
fn take_frame<'a>(
    page: &mut Page,
    schema: &Schema,
    bytes: &'a [u8],
) -> (&'a [u8], Option<&'a [u8; 8]>) {
    if schema.frame == Frame::Bare {
        return (bytes, None);
    }
    let Some((&version, body)) = bytes.split_first() else {
        page.problem("there is no version byte");
        return (bytes, None);
    };
    page.field(
        "version byte",
        format!(
            "{version:#04x}  message version {}, sent by one that knows version {}",
            version >> 4,
            version & 15
        ),
    );
    if version >> 4 != 3 {
        page.problem(format_args!(
            "the version byte is {version:#04x}; 0x33 is right"
        ));
    } else if version != 0x33 {
        page.note("some clients accept no version byte but 0x33");
    }
    if schema.frame == Frame::Version {
        return (body, None);
    }
    match body.split_last_chunk::<8>() {
        Some((body, mac)) => (body, Some(mac)),
        None => {
            page.problem("there is no room for the MAC, the last 8 bytes");
            (body, None)
        }
    }
}

fn explain_field<'a>(
    page: &mut Page,
    version: Version,
    schema: &'static Schema,
    field: &Field<'a>,
) -> Option<(&'static Schema, &'a [u8])> {
    let Some(entry) = schema.entry(field.number) else {
        page.field(
            format!("{} (unknown)", field.number),
            format!("{}\npassed over by readers", raw(&field.value)),
        );
        return None;
    };
    let label = format!("{} {}", entry.number, entry.name);
    match (entry.meaning, field.value) {
        (Meaning::Number | Meaning::KeyId, Value::Varint(value)) => {
            page.field(&label, format!("{value}  {}", entry.about));
            if value > u64::from(u32::MAX) {
                page.note(format_args!(
                    "{} has more than 32 bits: the upper ones are dropped",
                    entry.name
                ));
            } else if matches!(entry.meaning, Meaning::KeyId) {
                note_key_id(page, entry.name, value);
            }
        }
        (Meaning::Key, Value::Bytes(key)) => {
            show_key(page, &label, version, KeyKind::Other, key, entry.about);
        }
        (Meaning::Identity, Value::Bytes(key)) => {
            show_key(page, &label, version, KeyKind::Identity, key, entry.about);
        }
        (Meaning::Ciphertext, Value::Bytes(ciphertext)) => {
            explain_ciphertext(page, &label, ciphertext);
        }
        (Meaning::Mac, Value::Bytes(mac)) => {
            page.field(&label, hex(mac));
            if mac.len() != 16 {
                page.problem(format_args!(
                    "{label}: it has {} bytes; 16 are right, and no other can verify",
                    mac.len()
                ));
            }
        }
        (Meaning::Message(inner), Value::Bytes(message)) => {
            page.field(
                &label,
                format!("{} bytes: {}, see below", message.len(), inner.name),
            );
            return Some((inner, message));
        }
        (_, value) => wrong_type(page, entry, &value),
    }
    None
}

/// AES-256-CBC with PKCS #7 padding: from its length follows about how much is inside.
fn explain_ciphertext(page: &mut Page, label: &str, ciphertext: &[u8]) {
    page.field(label, excerpt(ciphertext));
    let length = ciphertext.len();
    if length == 0 || !length.is_multiple_of(16) {
        page.problem(format_args!(
            "{label}: {length} bytes are no whole number of blocks of 16"
        ));
    } else {
        page.field(
            "",
            format!(
                "{} to {} bytes of key material inside",
                length - 16,
                length - 1
            ),
        );
    }
}

fn wrong_type(page: &mut Page, entry: &Entry, value: &Value<'_>) {
    page.field(format!("{} {}", entry.number, entry.name), raw(value));
    let right = match entry.meaning {
        Meaning::Number | Meaning::KeyId => "a number (wire type 0)",
        _ => "bytes (wire type 2)",
    };
    page.problem(format_args!(
        "field {} {} is not {right}",
        entry.number, entry.name
    ));
}

fn explain_broken(page: &mut Page, schema: &Schema, broken: &Broken) {
    let number = broken.number.map_or(String::new(), |n| format!(" {n}"));
    let entry = broken.number.and_then(|number| schema.entry(number));
    let name = entry.map_or("", |entry| entry.name);
    // The version byte is in front of the fields.
    let offset = broken.offset + usize::from(schema.frame != Frame::Bare);
    page.problem(format_args!(
        "field{number} {name} at byte {offset} of the {} cannot be read: {}",
        schema.name, broken.reason
    ));
}

fn raw(value: &Value<'_>) -> String {
    match value {
        Value::Varint(number) => format!("number {number}"),
        Value::Fixed64(bytes) => format!("8 bytes: {}", hex(bytes)),
        Value::Fixed32(bytes) => format!("4 bytes: {}", hex(bytes)),
        Value::Bytes(bytes) => excerpt(bytes),
        Value::Group(bytes) => format!("a group of {}", excerpt(bytes)),
    }
}
