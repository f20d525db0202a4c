//! Noticing that the store is an old copy of itself.
//!
//! A store that is put back from a backup sends again with keys that were used, and reads again what it
//! has read. It cannot notice that by itself: everything in it was true once. So the application keeps
//! a marker where no backup is made of it, and the store has the same one. It is renewed in two steps,
//! since the two are written one after the other:
//!
//! 1. [`Account::next_incarnation`] draws one; the application keeps it beside the one that it has;
//! 2. [`Account::enter_incarnation`] puts it into the store; the application forgets the older one.
//!
//! When the account is opened with the markers that were kept ([`Options::incarnations`](super::Options::incarnations)), and the
//! store's is none of them, the store is an old copy ([`super::rollback`]), and what it has is given up before
//! the account is handed out.
//!
//! A copy that is not older than the last renewal is not noticed. [`Account::incarnation_due`] says when
//! so much was written that it should be renewed.

use core::fmt;

use rand_core::TryCryptoRng;

use super::records::{self, IncarnationRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::crypto::random;
use crate::error::RngError;

/// After so many writes the marker should be renewed.
const BLOCK: u64 = 100;

/// A marker of one life of a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Incarnation([u8; 16]);

impl Incarnation {
    /// The marker of these bytes, as [`Self::as_bytes`] gave them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be kept where no backup is made of them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Incarnation(..)")
    }
}

impl Account {
    /// Whether so much was written since the marker was renewed that it should be again.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn incarnation_due(&self) -> Result<bool, AccountError> {
        self.read(|tx| {
            let record: Option<IncarnationRecord> = records::find(tx, &self.name_of_incarnation())?;
            let written =
                record.map(|record| tx.generation().get().saturating_sub(record.generation));
            Ok(written.is_none_or(|written| written >= BLOCK))
        })
    }

    /// Draws a marker. Nothing is stored yet.
    ///
    /// # Errors
    /// [`RngError`].
    pub fn next_incarnation<G: TryCryptoRng + ?Sized>(
        &self,
        rng: &mut G,
    ) -> Result<Incarnation, RngError> {
        Ok(Incarnation(*random(rng)?.expose()))
    }

    /// Begins a new life of the store, whose marker the application has kept already.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn enter_incarnation(&self, incarnation: &Incarnation) -> Result<(), AccountError> {
        self.run(|tx| {
            let record = IncarnationRecord {
                marker: incarnation.0.to_vec(),
                generation: tx.generation().get(),
            };
            records::write(tx, self.name_of_incarnation(), &record);
            Ok(())
        })
    }

    /// Whether the store's marker is none of those that were kept.
    pub(super) fn is_old_copy(
        &self,
        tx: &Transaction<'_>,
        kept: &[Incarnation],
    ) -> Result<bool, AccountError> {
        let record: Option<IncarnationRecord> = records::find(tx, &self.name_of_incarnation())?;
        Ok(match record {
            Some(record) => kept.iter().all(|kept| kept.0 != *record.marker),
            None => !kept.is_empty(),
        })
    }

    pub(super) fn name_of_incarnation(&self) -> crate::store::Key {
        self.names.account("incarnation")
    }
}
