//! Accounts that the user has blocked (XEP-0191): nothing is sent to them by itself.

use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::BareJid;

impl Account {
    /// Says whether the user has blocked an account, or, with the address of a domain, everybody there. It is
    /// stored, so that it holds before the application has asked the server for its list after a start.
    ///
    /// While it is blocked, an account is sent no answer, no sign of life and no new session. Nothing else
    /// changes: what comes from it is read, and messages of the user to it are encrypted.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn set_blocked(&self, jid: &BareJid, is_blocked: bool) -> Result<(), AccountError> {
        self.run(|tx| {
            let name = self.names.blocked(jid);
            match (tx.get(&name)?.is_some(), is_blocked) {
                (false, true) => tx.put(name, &[]),
                (true, false) => tx.delete(name),
                _ => {}
            }
            Ok(())
        })
    }

    /// Whether the user has blocked an account, or everybody at its domain.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn is_blocked(&self, jid: &BareJid) -> Result<bool, AccountError> {
        self.read(|tx| self.blocks(tx, jid))
    }

    /// What is blocked, in the order of the addresses: to be compared with the server's list after a login.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn blocked(&self) -> Result<Vec<BareJid>, AccountError> {
        self.read(|tx| {
            let names = tx.scan(&self.names.all_blocked())?.into_iter();
            let jid = |sort: &[u8]| {
                core::str::from_utf8(sort.get(PREFIX.len()..)?)
                    .ok()?
                    .parse()
                    .ok()
            };
            names
                .map(|(sort, _)| jid(&sort).ok_or(AccountError::Record))
                .collect()
        })
    }

    pub(super) fn blocks(&self, tx: &Transaction<'_>, jid: &BareJid) -> Result<bool, AccountError> {
        if tx.get(&self.names.blocked(jid))?.is_some() {
            return Ok(true);
        }
        match jid.domain().parse() {
            Ok(domain) => Ok(tx.get(&self.names.blocked(&domain))?.is_some()),
            Err(_) => Ok(false),
        }
    }
}

/// What the names of these records begin with.
pub(super) const PREFIX: &[u8] = b"blocked\0";
