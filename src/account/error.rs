//! Why an account did not do what it was asked for.

use core::fmt;

use crate::error::{RecordError, RngError};
use crate::store::StoreError;

/// An operation that was not done. Nothing was changed, unless [`StoreError::Io`] leaves that open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountError {
    /// The store. [`StoreError::remedy`] says what makes sense.
    Store(StoreError),
    /// The random number generator failed. Trying again is safe.
    Rng(RngError),
    /// A record is not one that this library has written: the store was damaged or changed by others.
    Record,
    /// A newer version of the library has written the account. Use that.
    Newer,
    /// The account was removed from the store, or replaced by another, since it was opened. Open it
    /// again.
    Gone,
    /// No id is left that was not used, or none could be drawn.
    NoId,
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Rng(error) => error.fmt(f),
            Self::Record => f.write_str("a record of the account is damaged"),
            Self::Newer => f.write_str("a newer version of the library has written the account"),
            Self::Gone => f.write_str("the account was removed or replaced: open it again"),
            Self::NoId => f.write_str("no unused id is left"),
        }
    }
}

impl core::error::Error for AccountError {}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<RngError> for AccountError {
    fn from(error: RngError) -> Self {
        Self::Rng(error)
    }
}

impl From<RecordError> for AccountError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Version(_) => Self::Newer,
            RecordError::Malformed => Self::Record,
        }
    }
}

impl From<prost::DecodeError> for AccountError {
    fn from(_: prost::DecodeError) -> Self {
        Self::Record
    }
}
