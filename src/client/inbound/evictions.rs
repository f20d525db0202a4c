//! Messages that were pushed out of the inbox: the user is told how many.

use rand_core::TryCryptoRng;

use crate::account::AccountError;
use crate::client::Client;
use crate::client::action::{Action, Notice};

/// What was told.
#[derive(Debug, Default)]
pub(in crate::client) struct Evictions {
    /// The number that was told, and not acknowledged.
    told: u64,
    /// There may be more.
    is_due: bool,
}

impl Evictions {
    /// Something was put into the inbox, or has become old in it.
    pub(in crate::client) const fn check(&mut self) {
        self.is_due = true;
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// The application has told the user of so many messages that were lost
    /// ([`Notice::Evicted`]): they are not told of again.
    ///
    /// # Errors
    /// [`AccountError`]: they may be told of again.
    pub fn acknowledge_evicted(&mut self, messages: u64) -> Result<(), AccountError> {
        self.account.evictions_told(messages)?;
        self.evictions.told = self.evictions.told.saturating_sub(messages);
        Ok(())
    }

    /// Tells of messages that were lost since it was told last.
    pub(in crate::client) fn tell_of_evictions(&mut self) -> Result<(), AccountError> {
        if !self.evictions.is_due {
            return Ok(());
        }
        let messages = self.account.evicted()?;
        if messages > self.evictions.told {
            let is_older =
                |action: &Action| matches!(action, Action::Notice(Notice::Evicted { .. }));
            self.actions.retain(|action| !is_older(action));
            self.notice(Notice::Evicted { messages });
        }
        self.evictions.told = messages;
        self.evictions.is_due = false;
        Ok(())
    }
}
