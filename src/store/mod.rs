//! Where an account keeps what must not be lost: the contract of a store, and stores.
//!
//! A store holds records, which are opaque bytes, in the order of their names:
//! `(table, partition, sort)`. Four functions are all there is to one:
//!
//! | function | |
//! |---|---|
//! | [`Store::get`] | one record |
//! | [`Store::scan`] | the records of a partition in the order of their sort keys; the partitions of a table |
//! | [`Store::generation`] | a number that grows with everything that is written in a scope |
//! | [`Store::apply`] | all changes of a batch, or none, if nobody has written in that scope in between |
//!
//! An operation asks for the generation *first*, reads what it needs, and ends in one `apply` with that
//! generation. [`Applied::Conflict`] says that somebody else was faster, who may be in another
//! process: what was read is worth nothing then, and the operation begins anew. So nobody holds a lock
//! while he thinks.
//!
//! A [`Scope`] is what one writer works in: of an account, everything that begins with its address. Writers in
//! different scopes never get in each other's way. Who is overtaken again and again can ask for
//! [`Store::exclusively`], which a store may have or not.
//!
//! ```
//! use omemo::store::{Applied, Batch, Key, MemoryStore, Scope, Store, Table};
//!
//! const COUNTERS: Table = Table::new(1);
//!
//! let store = MemoryStore::new();
//! let scope = Scope::new(*b"juliet@capulet.example");
//! let key = Key::new(COUNTERS, scope.partition(b"stanzas"), *b"");
//! loop {
//!     let generation = store.generation(&scope)?;
//!     let count = store.get(&key)?.map_or(0, |value| value[0]);
//!     let mut batch = Batch::new();
//!     batch.put(key.clone(), &[count + 1]);
//!     if let Applied::Done(_) = store.apply(&scope, generation, &batch)? {
//!         break;
//!     }
//! }
//! assert_eq!(*store.get(&key)?.unwrap_or_default(), [1]);
//! # Ok::<(), omemo::store::StoreError>(())
//! ```
//!
//! | store | |
//! |---|---|
//! | [`MemoryStore`] | for tests, and as the mirror of a host's own database |
#![cfg_attr(
    feature = "sqlite",
    doc = "| [`SqliteStore`] | a file, for any number of processes |"
)]
//! | [`Sealed`] | encrypts what another store keeps |
//! | [`faults::Faulty`] | a store that fails when a test wants it to |

mod batch;
mod error;
pub mod faults;
mod key;
mod memory;
mod scope;
pub mod sealed;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::sync::Arc;

use zeroize::Zeroizing;

pub use batch::{Batch, Change};
pub use error::{Remedy, StoreError};
pub use key::{Key, Range, Record, Scan, Table};
pub use memory::MemoryStore;
pub use scope::Scope;
pub use sealed::{SealKey, SealKind, Sealed};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

/// The longest partition or sort key, in bytes. An address of an XMPP account has at most 2,047, and two of
/// them are in a name.
pub const MAX_KEY_PART: usize = 4352;

/// The longest value, in bytes: 16 MiB.
pub const MAX_VALUE: usize = 16 << 20;

/// The largest sum of names and values in one batch, in bytes: 64 MiB.
pub const MAX_BATCH: usize = 64 << 20;

/// A value as a store hands it out: wiped when it is dropped.
pub type Value = Zeroizing<Vec<u8>>;

/// Opaque records under names, changed in batches.
///
/// What an implementation promises (`tests/store_conformance.rs` asks for all of it):
///
/// - Each call sees one state: no call sees a part of a batch, of this process or another.
/// - When [`apply`](Self::apply) has said [`Applied::Done`], the batch survives a crash of the process and of the machine,
///   as far as the implementation says that it survives anything.
/// - Nothing is remembered between calls that another process could change, and nobody is locked out
///   between calls.
/// - After an error nothing has changed, except that an `apply` which failed with
///   [`StoreError::Io`] may be there: whole or not at all, never in part. Who gets an error begins anew
///   with the generation and releases nothing.
pub trait Store: Send + Sync {
    /// The value under a name; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has changed.
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError>;

    /// The first `limit` records of what is asked for. Fewer than `limit` means that there are no more.
    /// All of them are in memory at once: ask in pages, each [after](Range::after) the last.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has changed.
    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// The state that a scope is in.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has changed.
    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError>;

    /// Makes all changes of the batch, one after the other, if the scope is still in the state
    /// `if_generation`; a later change of a name rules over an earlier one. The generation of the scope is
    /// larger then, and that of every other scope is what it was.
    ///
    /// An empty batch writes nothing and leaves the generation as it is: `Done` says that everything
    /// read in the scope since `if_generation` was of one state.
    ///
    /// # Errors
    /// [`StoreError::OutsideScope`] if a change names a record of another scope. [`StoreError`]; nothing has
    /// changed, but see above about [`StoreError::Io`].
    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError>;

    /// Runs `work` once, with a view of the store, while nobody else writes in the scope: an `apply` through
    /// the view, with a generation that the view has given, meets no conflict. For an operation that
    /// others have overtaken before; whoever else writes waits for it, so it is to be short. `work` uses
    /// the view and nothing else of the store, and writes in this scope only.
    ///
    /// What was applied through the view is stored when this has returned `Ok`, and not before. If `work`
    /// fails or panics, what it has applied is stored or not, and others can write again.
    ///
    /// A store that cannot do it runs `work` with itself, which is what the default does: then a conflict
    /// is possible as ever.
    ///
    /// # Errors
    /// Those of `work`; [`StoreError`].
    fn exclusively(&self, scope: &Scope, work: &mut Work<'_>) -> Result<(), StoreError> {
        let _ = scope;
        work(&self)
    }
}

/// What is done with a store while nobody else writes ([`Store::exclusively`]).
pub type Work<'a> = dyn FnMut(&dyn Store) -> Result<(), StoreError> + 'a;

/// A state of a scope. A batch that is not empty makes it larger. It never comes back: a scope whose records
/// were all removed goes on from where it was, or from a larger number, so that who has slept meanwhile is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// The state of that number, for those who write a store of their own.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "after a conflict nothing is stored"]
pub enum Applied {
    /// All of it is stored, and the scope is in this state now.
    Done(Generation),
    /// Nothing is stored, since somebody else has written: read again.
    Conflict,
}

macro_rules! pointer {
    ($($pointer:ty),*) => {$(
        impl<S: Store + ?Sized> Store for $pointer {
            fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
                (**self).get(key)
            }

            fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
                (**self).scan(scan, limit)
            }

            fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
                (**self).generation(scope)
            }

            fn apply(
                &self,
                scope: &Scope,
                if_generation: Generation,
                batch: &Batch,
            ) -> Result<Applied, StoreError> {
                (**self).apply(scope, if_generation, batch)
            }

            fn exclusively(&self, scope: &Scope, work: &mut Work<'_>) -> Result<(), StoreError> {
                (**self).exclusively(scope, work)
            }
        }
    )*};
}
pointer!(&S, Box<S>, Arc<S>);
