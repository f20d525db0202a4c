//! What the bytes of a `<key/>` element are: two versions, two structures.

use omemo::model::Version;
use omemo::protocol::{KeyExchange, RatchetMessage};

use super::protobuf::{Fields, Value};

/// What a key element can contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// A message of an established session.
    Message,
    /// A key exchange, with a message inside.
    KeyExchange,
}

impl Structure {
    /// The structure of the bytes, from a field that both have under one number and with different
    /// types. `None` if there is none.
    #[must_use]
    pub fn of(version: Version, bytes: &[u8]) -> Option<Self> {
        let bytes = match version {
            Version::Legacy => bytes.split_first()?.1,
            Version::Omemo2 => bytes,
        };
        Fields::new(bytes).map_while(Result::ok).find_map(|field| {
            match (version, field.number, field.value) {
                (_, 1, Value::Varint(_))
                | (Version::Legacy, 2, Value::Bytes(_))
                | (Version::Omemo2, 2, Value::Varint(_)) => Some(Self::KeyExchange),
                (_, 1, Value::Bytes(_))
                | (Version::Legacy, 2, Value::Varint(_))
                | (Version::Omemo2, 2, Value::Bytes(_)) => Some(Self::Message),
                _ => None,
            }
        })
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "a message of an established session",
            Self::KeyExchange => "a key exchange, the first message of a session",
        }
    }
}

/// The version whose key element the bytes look like: legacy begins with a version byte, which no
/// OMEMO 2 message has in that place.
#[must_use]
pub fn guess_version(bytes: &[u8]) -> Version {
    let reads = |version| {
        KeyExchange::read(version, bytes).is_ok() || RatchetMessage::read(version, bytes).is_ok()
    };
    if let Some(version) = Version::ALL.into_iter().find(|version| reads(*version)) {
        return version;
    }
    // Neither reads it: the tags of the fields 1 to 5 are no version bytes.
    match bytes.first() {
        Some(0x08 | 0x0a | 0x10 | 0x12 | 0x1a | 0x22 | 0x2a) => Version::Omemo2,
        _ => Version::Legacy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_told_apart_by_one_field() {
        for (version, bytes, structure) in [
            (
                Version::Legacy,
                &[0x33, 0x08, 1][..],
                Some(Structure::KeyExchange),
            ),
            (Version::Legacy, &[0x33, 0x10, 0], Some(Structure::Message)),
            (Version::Legacy, &[0x33, 0x0a, 0], Some(Structure::Message)),
            (
                Version::Legacy,
                &[0x33, 0x12, 0],
                Some(Structure::KeyExchange),
            ),
            (Version::Omemo2, &[0x08, 1], Some(Structure::KeyExchange)),
            (Version::Omemo2, &[0x10, 1], Some(Structure::KeyExchange)),
            (Version::Omemo2, &[0x0a, 0], Some(Structure::Message)),
            (Version::Omemo2, &[0x12, 0], Some(Structure::Message)),
            (Version::Omemo2, &[], None),
            (Version::Legacy, &[], None),
            (Version::Legacy, &[0x33, 0x78, 0], None),
        ] {
            assert_eq!(
                Structure::of(version, bytes),
                structure,
                "{version:?} {bytes:?}"
            );
        }
    }
}
