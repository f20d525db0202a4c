//! That the store is an old copy of itself, or may be: the user is told.

use rand_core::TryCryptoRng;

use crate::account::{AccountError, Rollback};
use crate::client::Client;
use crate::client::action::Notice;

impl<R: TryCryptoRng> Client<R> {
    /// The application has told the user that the store is an old copy of itself, or may be
    /// ([`Notice::RolledBack`], [`Notice::RollbackSuspected`]): it is not told again.
    ///
    /// # Errors
    /// [`AccountError`]: it may be told again.
    pub fn acknowledge_rollback(&mut self) -> Result<(), AccountError> {
        match self.told_rollback.take() {
            Some(told) => self.account.rollback_told(told),
            None => Ok(()),
        }
    }

    /// Tells of it, unless that was done.
    pub(in crate::client) fn tell_of_rollback(&mut self) -> Result<(), AccountError> {
        let rollback = self.account.rollback()?;
        if rollback == self.told_rollback {
            return Ok(());
        }
        match rollback {
            Some(Rollback::Proven(_)) => self.notice(Notice::RolledBack),
            Some(Rollback::Suspected(_)) => self.notice(Notice::RollbackSuspected),
            None => {}
        }
        self.told_rollback = rollback;
        Ok(())
    }
}
