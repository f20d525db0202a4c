//! Where an element of a message belongs, when the message is encrypted.
//!
//! | element of a message | in legacy | in OMEMO 2 |
//! |---|---|---|
//! | the first `<body/>` | is the payload | in the envelope |
//! | for servers and rooms: hints, ids, delays, occupants, errors | beside it | beside it |
//! | signs between clients: receipts, markers, chat states, threads, the id of a message that is corrected or retracted | beside it | in the envelope |
//! | everything else: further bodies, subjects, reactions, replies, files, … | cannot be protected: see [`Unprotected`](super::Unprotected) | in the envelope |
//!
//! A stanza with both versions has the signs in both places.

use super::tag::{Namespace, Tag};

/// Where an element belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Beside the encrypted part.
    Outside,
    /// In the envelope, and beside a legacy part.
    Sign,
    /// The text.
    Body,
    /// A further text, in another language: in the envelope only.
    OtherBody,
    /// In the envelope only.
    Inside,
    /// Made by encryption: not of the message.
    Encryption,
}

impl Place {
    /// `<body/>` is always [`Self::Body`]: whoever reads the message knows which one is the first.
    pub(super) fn of(tag: &Tag<'_>) -> Self {
        match tag.namespace {
            Namespace::Omemo(_) if tag.local() == "encrypted" => Self::Encryption,
            Namespace::Encryption => Self::Encryption,
            Namespace::Hints
            | Namespace::StanzaIds
            | Namespace::Addresses
            | Namespace::Routing
            | Namespace::Carbons => Self::Outside,
            Namespace::Signal => Self::Sign,
            namespace if namespace.is_of_stanzas() => match tag.local() {
                "body" => Self::Body,
                "error" => Self::Outside,
                "thread" => Self::Sign,
                _ => Self::Inside,
            },
            _ => Self::Inside,
        }
    }

    /// Whether it is of what an envelope contains.
    pub(super) const fn is_content(self) -> bool {
        matches!(
            self,
            Self::Body | Self::OtherBody | Self::Sign | Self::Inside
        )
    }
}
