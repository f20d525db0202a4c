//! Forgetting: contacts, and the account itself.

use super::{Account, AccountError};
use crate::model::{BareJid, Version};
use crate::store::Range;

impl Account {
    /// Removes all sessions and keys of messages with an account, and what waits from it in the inbox.
    /// What is thought of its keys, its device list and its devices' identities stay.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn forget(&self, jid: &BareJid) -> Result<(), AccountError> {
        self.run(|tx| {
            for (device, mut record) in self.device_records(tx, jid)? {
                self.drop_sessions(tx, jid, device, &mut record)?;
                self.store_device(tx, jid, device, &record);
            }
            self.remove_from_inbox(tx, jid)?;
            let mut contact = self.contact(tx, jid)?;
            if contact.encrypted_since > 0 {
                contact.encrypted_since = 0;
                contact.encrypted_last = 0;
                super::records::write(tx, self.names.contact(jid), &contact);
            }
            Ok(())
        })
    }

    /// Removes everything that the store has of the account: nothing that was written for it can be read
    /// any more. Other accounts in the store stay. The device lists and bundles on the server are the
    /// caller's to remove.
    ///
    /// # Errors
    /// [`AccountError`]. Afterwards every handle of the account says [`AccountError::Gone`].
    pub fn remove(self) -> Result<(), AccountError> {
        self.run(|tx| {
            for jid in self.contact_jids(tx)? {
                for (device, mut record) in self.device_records(tx, &jid)? {
                    self.drop_sessions(tx, &jid, device, &mut record)?;
                }
                tx.clear(self.names.all_chains(&jid));
                tx.clear(self.names.sessions(&jid));
                tx.clear(self.names.devices(&jid));
                tx.clear(self.names.all_pinned(&jid));
                tx.clear(self.names.trusts(&jid));
            }
            for version in Version::ALL {
                tx.clear(self.names.pre_keys(version));
                tx.clear(self.names.signed_pre_keys(version));
                tx.clear(self.names.all_made(version));
            }
            for range in self.ranges() {
                tx.clear(range);
            }
            tx.delete(self.names.identity());
            Ok(())
        })
    }

    fn ranges(&self) -> [Range; 5] {
        [
            self.names.contacts(),
            self.names.all_failures(),
            self.names.answers(),
            self.names.inbox_range(),
            self.names.account_range(),
        ]
    }
}
