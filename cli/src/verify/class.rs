//! The kinds of error that the vectors name, and which of the library's errors are which.

use std::fmt;

use omemo::error::{DecryptError, MessageError};
use serde::Deserialize;

/// Why something is refused, in the words of the vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    Duplicate,
    BadMac,
    Malformed,
    NoSession,
    UnknownPreKey,
    UnknownSignedPreKey,
    MissingPreKey,
    BadKey,
    BadPadding,
    TooFarAhead,
    Version,
    IdentityMismatch,
    BadSignature,
    Payload,
    Xml,
    NotForThisDevice,
    Envelope,
    EnvelopeFrom,
    EnvelopeTo,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "duplicate",
            Self::BadMac => "bad-mac",
            Self::Malformed => "malformed",
            Self::NoSession => "no-session",
            Self::UnknownPreKey => "unknown-pre-key",
            Self::UnknownSignedPreKey => "unknown-signed-pre-key",
            Self::MissingPreKey => "missing-pre-key",
            Self::BadKey => "bad-key",
            Self::BadPadding => "bad-padding",
            Self::TooFarAhead => "too-far-ahead",
            Self::Version => "version",
            Self::IdentityMismatch => "identity-mismatch",
            Self::BadSignature => "bad-signature",
            Self::Payload => "payload",
            Self::Xml => "xml",
            Self::NotForThisDevice => "not-for-this-device",
            Self::Envelope => "envelope",
            Self::EnvelopeFrom => "envelope-from",
            Self::EnvelopeTo => "envelope-to",
        })
    }
}

impl From<MessageError> for Class {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Version(_) => Self::Version,
            MessageError::Key(..) => Self::BadKey,
            MessageError::NoPreKey => Self::MissingPreKey,
            MessageError::TooLong
            | MessageError::TooShort
            | MessageError::Protobuf
            | MessageError::Missing(_)
            | MessageError::CiphertextLength => Self::Malformed,
        }
    }
}

impl From<DecryptError> for Class {
    fn from(error: DecryptError) -> Self {
        match error {
            DecryptError::Message(error) => error.into(),
            DecryptError::OtherVersion => Self::Malformed,
            DecryptError::KeyUsed => Self::Duplicate,
            DecryptError::TooFarAhead | DecryptError::Budget => Self::TooFarAhead,
            DecryptError::UnknownRatchetKey | DecryptError::Mac => Self::BadMac,
            DecryptError::Key(_) => Self::BadKey,
            DecryptError::Padding => Self::BadPadding,
        }
    }
}

/// What the vector wants: an answer, or a refusal of a kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub(super) enum Wanted<T> {
    Ok(T),
    Error { error: Class },
}

impl<T> Wanted<T> {
    /// What is wanted, if `came` is the refusal that is wanted; a text that says the difference if not.
    pub(super) fn refused(&self, came: Class) -> Result<(), String> {
        match self {
            Self::Error { error } if *error == came => Ok(()),
            Self::Error { error } => Err(format!("expected the error {error}, came {came}")),
            Self::Ok(_) => Err(format!("expected success, came the error {came}")),
        }
    }

    /// The answer that is wanted; a text that names the refusal that did not come if not.
    pub(super) fn answer(&self) -> Result<&T, String> {
        match self {
            Self::Ok(answer) => Ok(answer),
            Self::Error { error } => Err(format!("expected the error {error}, came success")),
        }
    }
}
