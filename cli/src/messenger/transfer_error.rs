//! Why a file did not get to its place.

use core::fmt;
use std::io;

use omemo::files::{DecryptFileError, EncryptFileError};

use crate::web::WebError;

/// Why a file did not get to its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferError {
    /// The file, or the folder, cannot be read or written.
    File(io::ErrorKind),
    /// The server has no place for files (XEP-0363).
    NoService,
    /// It is longer than the service takes, in bytes, or than what is fetched.
    TooLarge(Option<u64>),
    /// The service does not want it.
    Refused(String),
    /// The service names a place that is none.
    Url,
    /// The web server did not take it, or did not give it.
    Web(WebError),
    /// The file changed meanwhile.
    Changed,
    /// What came is not the file that was sent.
    NotAuthentic,
    /// The operating system has no randomness.
    Random,
}

impl TransferError {
    /// Whether trying again later may help.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            // RFC 9110 §15.5: the request is wrong, but for being too early, too late or one too many.
            Self::Web(WebError::Status(status)) => {
                *status >= 500 || matches!(*status, 408 | 425 | 429)
            }
            Self::Web(WebError::Connection(_)) | Self::File(_) | Self::Random => true,
            _ => false,
        }
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(kind) => kind.fmt(f),
            Self::NoService => f.write_str("the server keeps no files"),
            Self::TooLarge(None) => f.write_str("it is too large"),
            Self::TooLarge(Some(most)) => write!(f, "it is larger than {most} bytes"),
            Self::Refused(condition) => write!(f, "the server does not take it: {condition}"),
            Self::Url => f.write_str("the server named no place for it"),
            Self::Web(error) => error.fmt(f),
            Self::Changed => f.write_str("it changed while it was read"),
            Self::NotAuthentic => f.write_str("what came is not the file that was sent"),
            Self::Random => f.write_str("the system gives no randomness"),
        }
    }
}

impl core::error::Error for TransferError {}

impl From<io::Error> for TransferError {
    fn from(error: io::Error) -> Self {
        Self::File(error.kind())
    }
}

impl From<WebError> for TransferError {
    fn from(error: WebError) -> Self {
        Self::Web(error)
    }
}

impl From<EncryptFileError> for TransferError {
    fn from(error: EncryptFileError) -> Self {
        match error {
            EncryptFileError::TooLong => Self::TooLarge(None),
            EncryptFileError::Sink(error) => error.into(),
            EncryptFileError::Rng(_) => Self::Random,
        }
    }
}

impl From<DecryptFileError> for TransferError {
    fn from(error: DecryptFileError) -> Self {
        match error {
            DecryptFileError::Sink(error) => error.into(),
            _ => Self::NotAuthentic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_does_not_come_back() {
        for (status, may_pass) in [(404, false), (410, false), (429, true), (503, true)] {
            let error = TransferError::Web(WebError::Status(status));
            assert_eq!(error.may_pass(), may_pass, "{status}");
        }
        assert!(!TransferError::NotAuthentic.may_pass());
        assert!(TransferError::Web(WebError::Connection("reset".to_owned())).may_pass());
    }
}
