//! What can go wrong with files.

use core::fmt;
use std::io;

use crate::error::RngError;

/// A key, or an initialisation vector, that its cipher cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKeyError {
    /// The key has another length.
    KeyLength,
    /// The initialisation vector has another length.
    IvLength,
}

/// Why a text is no `aesgcm://` URI, or none can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AesgcmUriError {
    /// It is longer than [`MAX_URI`](super::MAX_URI).
    TooLong,
    /// It begins with another scheme: `aesgcm://` where it is read, `https://` where it is made.
    Scheme,
    /// It has no host, or a character that no URL has.
    Url,
    /// Its fragment is not 88 or 96 hexadecimal digits.
    Fragment,
    /// The key is for another cipher.
    Cipher,
}

/// Why a file was not encrypted.
#[derive(Debug)]
pub enum EncryptFileError {
    /// The file is longer than the cipher allows: about 64 GiB.
    TooLong,
    /// The ciphertext could not be written.
    Sink(io::Error),
    /// The random number generator failed.
    Rng(RngError),
}

/// Why a file was not decrypted.
#[derive(Debug)]
pub enum DecryptFileError {
    /// The cipher authenticates nothing, and there is no hash that would.
    NoHash,
    /// The file is longer than the cipher allows: about 64 GiB.
    TooLong,
    /// It is not the file that was encrypted, or not with this key: the tag, the padding or the hash does
    /// not fit. Which of them is not said.
    Authentication,
    /// The plaintext could not be written.
    Sink(io::Error),
}

impl fmt::Display for FileKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyLength => "the key has a length that its cipher does not have",
            Self::IvLength => {
                "the initialisation vector has a length that its cipher does not have"
            }
        })
    }
}

impl fmt::Display for AesgcmUriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the URI is too long",
            Self::Scheme => "the URI has another scheme",
            Self::Url => "the URI has no host or a character that no URL has",
            Self::Fragment => "the URI's fragment is not 88 or 96 hexadecimal digits",
            Self::Cipher => "the key is for another cipher",
        })
    }
}

impl fmt::Display for EncryptFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the file is too long for its cipher"),
            Self::Sink(_) => f.write_str("the encrypted file could not be written"),
            Self::Rng(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for DecryptFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHash => "the cipher needs a hash of the file, and there is none",
            Self::TooLong => "the file is too long for its cipher",
            Self::Authentication => "the file does not authenticate",
            Self::Sink(_) => "the decrypted file could not be written",
        })
    }
}

impl core::error::Error for FileKeyError {}
impl core::error::Error for AesgcmUriError {}

impl core::error::Error for EncryptFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Sink(error) => Some(error),
            _ => None,
        }
    }
}

impl core::error::Error for DecryptFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Sink(error) => Some(error),
            _ => None,
        }
    }
}

impl From<RngError> for EncryptFileError {
    fn from(error: RngError) -> Self {
        Self::Rng(error)
    }
}
