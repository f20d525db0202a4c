//! What became of a call, as a number.

use crate::account::AccountError;
use crate::store::StoreError;

/// What became of a call. Numbers are never used for something else; new ones may come, between these:
/// treat what you do not know as an error.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_status {
    /// Done.
    OMEMO_OK = 0,
    /// From `apply` of a store of your own only: somebody else has written, and nothing is stored.
    OMEMO_CONFLICT = 1,

    /// A pointer is NULL that must not be.
    OMEMO_ERROR_NULL = 100,
    /// A number is none of its enum, or a length or count is impossible.
    OMEMO_ERROR_VALUE = 101,
    /// Text is not UTF-8.
    OMEMO_ERROR_UTF8 = 102,
    /// Something is longer than it may be.
    OMEMO_ERROR_TOO_LONG = 103,
    /// An address is none.
    OMEMO_ERROR_JID = 104,
    /// A fingerprint is none.
    OMEMO_ERROR_FINGERPRINT = 105,
    /// `struct_size` is smaller than any version of the struct, or the struct uses fields that this
    /// version of the library does not know.
    OMEMO_ERROR_STRUCT = 106,
    /// The object does not do this, or has done it already: see the function.
    OMEMO_ERROR_STATE = 107,
    /// The text is no URI of the kind that was asked for, or the keys make none.
    OMEMO_ERROR_URI = 108,

    /// A callback has called the library. It must not, except where the header says so.
    OMEMO_ERROR_REENTERED = 200,
    /// A mistake in the library. What was under way may be stored, or not, but never by half; a client is used up.
    OMEMO_ERROR_INTERNAL = 201,
    /// The handle has met OMEMO_ERROR_INTERNAL before. Free it, and open another.
    OMEMO_ERROR_USED_UP = 202,
    /// The library was built without it.
    OMEMO_ERROR_UNSUPPORTED = 203,
    /// The random number generator failed. Nothing has changed; trying again is safe.
    OMEMO_ERROR_RANDOM = 204,

    /// Somebody else is writing and did not finish in time. Try again.
    OMEMO_ERROR_STORE_BUSY = 300,
    /// There is no room left for the store.
    OMEMO_ERROR_STORE_FULL = 301,
    /// Reading or writing failed. Open the store again.
    OMEMO_ERROR_STORE_IO = 302,
    /// The store has met OMEMO_ERROR_STORE_IO before. Open it again.
    OMEMO_ERROR_STORE_USED_UP = 303,
    /// The file of the store was removed or replaced. Open it again.
    OMEMO_ERROR_STORE_REPLACED = 304,
    /// The folder of the file does not exist.
    OMEMO_ERROR_STORE_NO_FOLDER = 305,
    /// The system does not allow it.
    OMEMO_ERROR_STORE_DENIED = 306,
    /// The store cannot be written.
    OMEMO_ERROR_STORE_READ_ONLY = 307,
    /// The file is something else.
    OMEMO_ERROR_STORE_OTHER_FILE = 308,
    /// The store is damaged.
    OMEMO_ERROR_STORE_CORRUPT = 309,
    /// A newer version of the library has written the store.
    OMEMO_ERROR_STORE_NEWER = 310,
    /// The key or the passphrase is another.
    OMEMO_ERROR_STORE_WRONG_KEY = 311,
    /// The store has records that are not sealed.
    OMEMO_ERROR_STORE_NOT_SEALED = 312,
    /// The process has forked since the store was opened. Open another.
    OMEMO_ERROR_STORE_FORKED = 313,
    /// A name, value or batch is over its limit.
    OMEMO_ERROR_STORE_TOO_LARGE = 314,
    /// There is no such file.
    OMEMO_ERROR_STORE_NO_FILE = 315,
    /// A record of another scope was to be changed: a mistake in the library.
    OMEMO_ERROR_STORE_OUTSIDE_SCOPE = 316,

    /// A record of the account is damaged; or what is to be imported was not exported.
    OMEMO_ERROR_ACCOUNT_RECORD = 400,
    /// A newer version of the library has written the account.
    OMEMO_ERROR_ACCOUNT_NEWER = 401,
    /// The account was removed from the store, or replaced. Or, where it is to be imported: it is there
    /// already.
    OMEMO_ERROR_ACCOUNT_GONE = 402,
    /// No id is left that was not used.
    OMEMO_ERROR_ACCOUNT_NO_ID = 403,
    /// The text cannot be the label of a device.
    OMEMO_ERROR_ACCOUNT_LABEL = 404,

    /// XML is not what it should be.
    OMEMO_ERROR_STANZA = 500,
    /// The message has no valid address in its attribute `to`.
    OMEMO_ERROR_STANZA_ADDRESS = 501,
    /// There is nothing in the message that could be encrypted.
    OMEMO_ERROR_STANZA_EMPTY = 502,
    /// What is to be encrypted cannot stand in an envelope (XEP-0420).
    OMEMO_ERROR_STANZA_ENVELOPE = 503,
    /// What was decrypted is no text, or belongs to another stanza. Nothing of it is to be shown.
    OMEMO_ERROR_STANZA_CONTENT = 504,

    /// The message may not go out like this: `omemo_error_refusal`, and `omemo_error_device` for each
    /// device.
    OMEMO_ERROR_REFUSED = 600,
    /// The payload cannot be encrypted.
    OMEMO_ERROR_PAYLOAD = 601,
    /// The user has not accepted the account: an empty message would tell a stranger that somebody is there.
    OMEMO_ERROR_NOT_ACCEPTED = 602,
    /// The device cannot be sent an empty message: `omemo_error_device` says which, and why.
    OMEMO_ERROR_GAP = 603,

    /// A key or an initialisation vector has a length that its cipher does not have.
    OMEMO_ERROR_FILE_KEY = 700,
    /// The text is no `aesgcm://` URI, or none can be made.
    OMEMO_ERROR_FILE_URI = 701,
    /// The file is longer than its cipher allows.
    OMEMO_ERROR_FILE_TOO_LONG = 702,
    /// It is not the file that was encrypted, or not with this key. Remove what was decrypted.
    OMEMO_ERROR_FILE_AUTHENTICATION = 703,
    /// The cipher needs a hash of the file, and there is none.
    OMEMO_ERROR_FILE_NO_HASH = 704,
    /// Your sink has said that it could not write.
    OMEMO_ERROR_FILE_SINK = 705,
}

/// What makes sense after an error.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_remedy {
    /// The same once more, after a while.
    OMEMO_REMEDY_RETRY = 1,
    /// The same once more, after somebody has done something about it: made room, made the folder.
    OMEMO_REMEDY_MEND = 2,
    /// Opening the store or the handle again, and the operation from its beginning.
    OMEMO_REMEDY_REOPEN = 3,
    /// Nothing by itself: tell the user.
    OMEMO_REMEDY_TELL = 4,
    /// What was given is not what it should be: a mistake in the program that calls, unless it came from outside.
    /// What strangers can send is OMEMO_REMEDY_TELL.
    OMEMO_REMEDY_FIX = 5,
}

/// The statuses of stores, both ways: [`super::host_store`] reads them, too.
const STORE: [(StoreError, omemo_status); 18] = {
    use omemo_status::*;
    [
        (StoreError::Busy, OMEMO_ERROR_STORE_BUSY),
        (StoreError::Full, OMEMO_ERROR_STORE_FULL),
        (StoreError::Io, OMEMO_ERROR_STORE_IO),
        (StoreError::Poisoned, OMEMO_ERROR_STORE_USED_UP),
        (StoreError::Replaced, OMEMO_ERROR_STORE_REPLACED),
        (StoreError::NoFolder, OMEMO_ERROR_STORE_NO_FOLDER),
        (StoreError::NoFile, OMEMO_ERROR_STORE_NO_FILE),
        (StoreError::Denied, OMEMO_ERROR_STORE_DENIED),
        (StoreError::ReadOnly, OMEMO_ERROR_STORE_READ_ONLY),
        (StoreError::NotAStore, OMEMO_ERROR_STORE_OTHER_FILE),
        (StoreError::Corrupt, OMEMO_ERROR_STORE_CORRUPT),
        (StoreError::Newer, OMEMO_ERROR_STORE_NEWER),
        (StoreError::WrongKey, OMEMO_ERROR_STORE_WRONG_KEY),
        (StoreError::NotSealed, OMEMO_ERROR_STORE_NOT_SEALED),
        (StoreError::Forked, OMEMO_ERROR_STORE_FORKED),
        (StoreError::TooLarge, OMEMO_ERROR_STORE_TOO_LARGE),
        (StoreError::OutsideScope, OMEMO_ERROR_STORE_OUTSIDE_SCOPE),
        (StoreError::Rng, OMEMO_ERROR_RANDOM),
    ]
};

impl omemo_status {
    pub(super) fn of_store(error: StoreError) -> Self {
        let found = STORE.iter().find(|(known, _)| *known == error);
        found.map_or(Self::OMEMO_ERROR_STORE_IO, |(_, status)| *status)
    }

    pub(super) fn of_account(error: AccountError) -> Self {
        match error {
            AccountError::Store(error) => Self::of_store(error),
            AccountError::Rng(_) => Self::OMEMO_ERROR_RANDOM,
            AccountError::Record => Self::OMEMO_ERROR_ACCOUNT_RECORD,
            AccountError::Newer => Self::OMEMO_ERROR_ACCOUNT_NEWER,
            AccountError::Gone => Self::OMEMO_ERROR_ACCOUNT_GONE,
            AccountError::NoId => Self::OMEMO_ERROR_ACCOUNT_NO_ID,
        }
    }
}

/// What a store of the caller's means by a number; what it should not say is a failure to read or write.
pub(super) fn store_error(number: u32) -> StoreError {
    let found = STORE.iter().find(|(_, status)| *status as u32 == number);
    found.map_or(StoreError::Io, |(error, _)| *error)
}
