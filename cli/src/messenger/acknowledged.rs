//! Messages that were shown, until the store knows it: one write for all that came together.

use omemo::account::{APPLICATION, Account, AccountError, MessageId};

/// Messages that were shown, and are not acknowledged yet.
pub(super) struct Acknowledged {
    account: Account,
    ids: Vec<MessageId>,
}

impl Acknowledged {
    pub(super) const fn new(account: Account) -> Self {
        let ids = Vec::new();
        Self { account, ids }
    }

    pub(super) fn push(&mut self, id: MessageId) {
        self.ids.push(id);
    }

    /// Acknowledges them, and says which they were.
    pub(super) fn store(&mut self) -> Result<Vec<MessageId>, AccountError> {
        self.account.acknowledge(&self.ids, APPLICATION)?;
        Ok(core::mem::take(&mut self.ids))
    }
}

/// Whatever ends the program: what was shown does not come again.
impl Drop for Acknowledged {
    fn drop(&mut self) {
        // Else it comes again, which is all that an error means here.
        self.store().ok();
    }
}
