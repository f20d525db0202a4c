//! What can go wrong, one enum for each kind of operation.
//!
//! No message contains a key, an address or plaintext, so each may be logged.

use core::fmt;

macro_rules! messages {
    ($type:ty { $($pattern:pat => $text:expr,)* }) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $($pattern => f.write_str($text),)* }
            }
        }
    };
}

/// The random number generator failed. Nothing was changed; trying again is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RngError;
messages!(RngError { Self => "the random number generator failed", });
impl core::error::Error for RngError {}

/// A public key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not the length, or not the type byte, that its version of OMEMO gives it.
    Length,
    /// Not the one encoding that a key has.
    NonCanonical,
    /// No point of the curve.
    NotOnCurve,
    /// A point of small order: everybody knows its shared secrets.
    LowOrder,
    /// A point outside the prime-order group.
    MixedOrder,
    /// The shared secret is all zeros.
    NonContributory,
}
messages!(KeyError {
    Self::Length => "the key has a wrong length or type byte",
    Self::NonCanonical => "the key is not in its canonical encoding",
    Self::NotOnCurve => "the key is no point of the curve",
    Self::LowOrder => "the key has small order",
    Self::MixedOrder => "the key is outside the prime-order group",
    Self::NonContributory => "the shared secret is zero",
});
impl core::error::Error for KeyError {}

/// A signature does not verify. Why is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureError;
messages!(SignatureError { Self => "the signature does not verify", });
impl core::error::Error for SignatureError {}

/// A text that is not signed as a device's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelError {
    /// Nothing, or nothing but white space.
    Empty,
    /// Longer than labels are.
    TooLong,
    /// As many bytes as a public key has: its signature would be good for a signed pre-key.
    KeyLength,
    /// Characters that are not seen, or change how others are shown.
    Character,
}
messages!(LabelError {
    Self::Empty => "the label is empty",
    Self::TooLong => "the label is too long",
    Self::KeyLength => "the label has 32 or 33 bytes, as public keys have",
    Self::Character => "the label has characters that are not seen",
});
impl core::error::Error for LabelError {}

/// A symmetric cipher refused its input. Why is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherError;
messages!(CipherError { Self => "the ciphertext does not decrypt", });
impl core::error::Error for CipherError {}

/// Bytes that are no message of their version.
///
/// Which field is broken is named by the names of XEP-0384's protobuf schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// Longer than any message is.
    TooLong,
    /// Shorter than any message is.
    TooShort,
    /// The version byte of a legacy message names another version.
    Version(u8),
    /// No protobuf, or a field with the wire type of another.
    Protobuf,
    /// A field that must be there is not.
    Missing(&'static str),
    /// The ciphertext is empty or no multiple of the cipher's block.
    CiphertextLength,
    /// A key cannot be used.
    Key(&'static str, KeyError),
    /// A key exchange without a one-time pre-key, which OMEMO does not allow.
    NoPreKey,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the message is longer than any message is"),
            Self::TooShort => f.write_str("the message is shorter than any message is"),
            Self::Version(byte) => write!(f, "the version byte is {byte:#04x}, not of version 3"),
            Self::Protobuf => f.write_str("the message is no protobuf of its kind"),
            Self::Missing(field) => write!(f, "the field {field} is missing"),
            Self::CiphertextLength => f.write_str("the ciphertext is no whole number of blocks"),
            Self::Key(field, error) => write!(f, "the field {field} cannot be used: {error}"),
            Self::NoPreKey => f.write_str("the key exchange uses no one-time pre-key"),
        }
    }
}
impl core::error::Error for MessageError {}

/// A payload that is not what its key material says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadError {
    /// The key material has not the length that its version gives it.
    KeyMaterialLength,
    /// The initialisation vector is missing, or has neither 12 nor 16 bytes.
    IvLength,
    /// The payload does not authenticate, or does not decrypt. Which of the two is not said.
    Authentication,
}
messages!(PayloadError {
    Self::KeyMaterialLength => "the key material has a wrong length",
    Self::IvLength => "the initialisation vector is missing or has a wrong length",
    Self::Authentication => "the payload does not authenticate",
});
impl core::error::Error for PayloadError {}

/// Why no session was started from a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitiateError {
    /// The signed pre-key is not signed by the bundle's identity key: the bundle is not used.
    Signature(SignatureError),
    /// The bundle has no one-time pre-key left.
    NoPreKey,
    /// One of the bundle's keys cannot be used.
    Key(KeyError),
    /// The random number generator failed.
    Rng(RngError),
}

/// Why a session cannot encrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptError {
    /// 2^32 - 1 messages went out without an answer: start a new session.
    ChainExhausted,
    /// A responder cannot send before it has received.
    NothingReceived,
    /// The other side's ratchet key cannot be used.
    Key(KeyError),
    /// The random number generator failed.
    Rng(RngError),
}

/// Why a message or a key exchange was not decrypted. The session, and all that is stored, is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecryptError {
    /// The bytes are no message.
    Message(MessageError),
    /// The message is of the other version of OMEMO.
    OtherVersion,
    /// The key of this message was used before, or given up: a duplicate, if its bytes are the same.
    KeyUsed,
    /// The message is further ahead than is ever skipped.
    TooFarAhead,
    /// The stanza asked for more work than it is worth.
    Budget,
    /// The message's ratchet key answers nothing that this session sent: it cannot be verified.
    UnknownRatchetKey,
    /// A key of the message cannot be used.
    Key(KeyError),
    /// The MAC does not verify.
    Mac,
    /// The MAC verifies and the padding is wrong: the sender is at fault, nobody on the way.
    Padding,
}

/// A stored session that was not written by this library, or not by a version that this one knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// Written by a newer version of the library.
    Version(u8),
    /// No session record.
    Malformed,
}

impl fmt::Display for InitiateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(_) => {
                f.write_str("the bundle's signed pre-key is not signed by its identity key")
            }
            Self::NoPreKey => f.write_str("the bundle has no one-time pre-key"),
            Self::Key(error) => write!(f, "the bundle cannot be used: {error}"),
            Self::Rng(error) => error.fmt(f),
        }
    }
}
impl core::error::Error for InitiateError {}

impl fmt::Display for EncryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChainExhausted => {
                f.write_str("the sending chain is exhausted: start a new session")
            }
            Self::NothingReceived => f.write_str("nothing was received on this session yet"),
            Self::Key(error) => error.fmt(f),
            Self::Rng(error) => error.fmt(f),
        }
    }
}
impl core::error::Error for EncryptError {}

impl fmt::Display for DecryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(error) => error.fmt(f),
            Self::OtherVersion => f.write_str("the message is of the other version of OMEMO"),
            Self::KeyUsed => f.write_str("the message's key was used before, or given up"),
            Self::TooFarAhead => f.write_str("the message is too far ahead"),
            Self::Budget => f.write_str("the message asks for more work than a stanza may cause"),
            Self::UnknownRatchetKey => {
                f.write_str("the message's ratchet key answers nothing of ours")
            }
            Self::Key(error) => error.fmt(f),
            Self::Mac => f.write_str("the message does not authenticate"),
            Self::Padding => f.write_str("the message authenticates but its padding is wrong"),
        }
    }
}
impl core::error::Error for DecryptError {}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(
                f,
                "the session record has version {version}, which this library does not know"
            ),
            Self::Malformed => f.write_str("the bytes are no session record"),
        }
    }
}
impl core::error::Error for RecordError {}

macro_rules! from {
    ($($source:ty => $target:ident::$variant:ident;)*) => {$(
        impl From<$source> for $target {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}
from! {
    SignatureError => InitiateError::Signature;
    KeyError => InitiateError::Key;
    RngError => InitiateError::Rng;
    MessageError => DecryptError::Message;
    KeyError => DecryptError::Key;
}
