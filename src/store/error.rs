//! Why a store did not do what it was asked for.

use core::fmt;

use crate::error::RngError;

/// Why a store did not do what it was asked for. No message names a file, a record or a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else is writing and did not finish in time. Try again.
    Busy,
    /// There is no room left on the disk, or a quota is used up. Make room and try again; nothing has
    /// changed and the handle is good.
    Full,
    /// Reading or writing failed. Whether an `apply` is stored, as a whole, is not known. The handle is
    /// used up: what the system says about a file after a failed `fsync` cannot be relied on.
    Io,
    /// The handle has met [`Io`](Self::Io) before. Open the store again.
    Poisoned,
    /// The file was removed, or another one was put in its place, while it was open; or a sealed store that
    /// was opened to be read has got another form. The handle is used up; open the store again.
    Replaced,
    /// The folder of the file does not exist. Make it: a store makes its file only.
    NoFolder,
    /// There is no such file, and it was not to be made.
    NoFile,
    /// The system does not allow it.
    Denied,
    /// The store can be read and not written.
    ReadOnly,
    /// The file is something else. Nothing was written to it.
    NotAStore,
    /// The contents are damaged, or the disk does not give them back (SQLite tells no difference), or
    /// somebody has changed what was sealed. If it is still so after opening the store again, restore
    /// a copy.
    Corrupt,
    /// A newer version of the library has written it. Use that; nothing was changed.
    Newer,
    /// The key or the passphrase is another, or the header of the sealed store was changed.
    WrongKey,
    /// The store has records that are not sealed: it is another one, or it was used without its seal.
    NotSealed,
    /// The process has forked since the handle was opened; it belongs to the parent. Open another.
    Forked,
    /// A name, a value or a batch is over its limit. Trying again does not help.
    TooLarge,
    /// A record is to be changed that is not in the scope of the `apply`: a mistake in the program. Nothing
    /// has changed; trying again does not help.
    OutsideScope,
    /// The random number generator failed. Nothing has changed; trying again is safe.
    Rng,
}

/// What makes sense after a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// The same once more, after a while.
    Retry,
    /// The same once more, after somebody has done something about it: made room, made the folder, given
    /// the right.
    Mend,
    /// Opening the store again, and the operation from its beginning.
    Reopen,
    /// Nothing by itself: tell the user.
    Tell,
}

impl StoreError {
    /// What makes sense now.
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::Busy | Self::Rng => Remedy::Retry,
            Self::Full | Self::NoFolder | Self::NoFile | Self::Denied | Self::ReadOnly => {
                Remedy::Mend
            }
            Self::Io | Self::Poisoned | Self::Replaced | Self::Forked => Remedy::Reopen,
            Self::NotAStore
            | Self::Corrupt
            | Self::Newer
            | Self::WrongKey
            | Self::NotSealed
            | Self::TooLarge
            | Self::OutsideScope => Remedy::Tell,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "the store is busy",
            Self::Full => "there is no room left for the store",
            Self::Io => "the store could not be read or written",
            Self::Poisoned => "the store could not be read or written before: open it again",
            Self::Replaced => "the file of the store is another one by now",
            Self::NoFolder => "the folder of the store does not exist",
            Self::NoFile => "the file of the store does not exist",
            Self::Denied => "the system does not allow the store to be opened",
            Self::ReadOnly => "the store cannot be written",
            Self::NotAStore => "the file is no store",
            Self::Corrupt => "the store is damaged",
            Self::Newer => "the store was written by a newer version of the library",
            Self::WrongKey => "the store is sealed with another key",
            Self::NotSealed => "the store has records that are not sealed",
            Self::Forked => "the store was opened before the process forked",
            Self::TooLarge => "a name, value or batch is larger than the store takes",
            Self::OutsideScope => "a record of another scope was to be changed",
            Self::Rng => "the random number generator failed",
        })
    }
}

impl core::error::Error for StoreError {}

impl From<RngError> for StoreError {
    fn from(_: RngError) -> Self {
        Self::Rng
    }
}
