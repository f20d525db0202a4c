//! The kinds of error that the vectors name, and which of the library's errors are which.

use std::fmt;

use omemo::error::{DecryptError, MessageError};
use omemo::stanza::{EnvelopeError, StanzaError};
use serde::Deserialize;

use super::sheet::{Checked, Outcome};

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

impl Class {
    /// What is said when several sessions, or several keys, were tried and all refused: that it is a
    /// duplicate if one says so, else what the first said. `None` if there was none.
    pub(super) fn of_all(refusals: &[Self]) -> Option<Self> {
        if refusals.contains(&Self::Duplicate) {
            return Some(Self::Duplicate);
        }
        refusals.first().copied()
    }
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

impl From<StanzaError> for Class {
    fn from(error: StanzaError) -> Self {
        match error {
            StanzaError::Xml(_) => Self::Xml,
            StanzaError::Limit(_) | StanzaError::Malformed { .. } => Self::Malformed,
            StanzaError::Key { .. } => Self::BadKey,
        }
    }
}

impl From<EnvelopeError> for Class {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Malformed(_) => Self::Envelope,
            EnvelopeError::From => Self::EnvelopeFrom,
            EnvelopeError::To => Self::EnvelopeTo,
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
    /// Compares what came with what is wanted; `same` compares the answers if there are both.
    ///
    /// Of a `lenient` item both outcomes are fine. But if it succeeds, then with the answer that the vector
    /// has: another one is never fine.
    pub(super) fn judge<C>(
        &self,
        lenient: bool,
        came: Result<C, Class>,
        same: impl FnOnce(&T, C) -> Result<(), String>,
    ) -> Checked {
        match (self, came) {
            (Self::Ok(wanted), Ok(came)) => same(wanted, came)?,
            (Self::Error { error }, Err(came)) if *error == came => (),
            _ if lenient => (),
            (Self::Error { error }, Err(came)) => {
                return Err(format!("expected the error {error}, came {came}"));
            }
            (Self::Error { error }, Ok(_)) => {
                return Err(format!("expected the error {error}, came success"));
            }
            (Self::Ok(_), Err(came)) => {
                return Err(format!("expected success, came the error {came}"));
            }
        }
        Ok(if lenient {
            Outcome::Lenient
        } else {
            Outcome::Passed
        })
    }
}
