//! What SQLite says, in our words.

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// SQLite's error, or ours: for `?` on both.
pub(super) struct Failure(StoreError);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(error, _) = error else {
            // A row that is missing, a column of another type: not what we wrote.
            return Self(StoreError::Corrupt);
        };
        Self(match error.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
            ErrorCode::DiskFull => StoreError::Full,
            ErrorCode::ReadOnly => StoreError::ReadOnly,
            ErrorCode::PermissionDenied => StoreError::Denied,
            ErrorCode::NotADatabase => StoreError::NotAStore,
            ErrorCode::TooBig => StoreError::TooLarge,
            // `Unknown` is SQL that does not fit the schema: the tables are not ours.
            ErrorCode::DatabaseCorrupt
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::SchemaChanged
            | ErrorCode::Unknown => StoreError::Corrupt,
            // With `SystemIoFailure` and `CannotOpen` what is rare: no memory, no lock protocol.
            _ => StoreError::Io,
        })
    }
}
