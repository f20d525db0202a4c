//! The identity key that a device has shown, which no other replaces.
//!
//! Both versions of a device share one key, in two forms. The Curve25519 form is pinned with the first
//! version that is seen, the Edwards form with the first OMEMO 2 bundle or key exchange: of the two
//! Edwards keys that have the same Curve25519 form a device shows one.

use super::records::DeviceRecord;
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::crypto::IdentityKey;
use crate::model::{BareJid, DeviceId, Version};

impl DeviceRecord {
    /// Whether this is the device's key, or may be, as none was seen.
    pub(super) fn shows(&self, identity: &IdentityKey) -> bool {
        let is = |pinned: &[u8], key: &[u8; 32]| pinned.is_empty() || pinned == key;
        let is_same_edwards = match identity {
            IdentityKey::Ed25519(key) => is(&self.edwards, key.as_bytes()),
            IdentityKey::Curve25519(_) => true,
        };
        is_same_edwards && is(&self.identity, identity.to_curve25519().as_bytes())
    }

    /// Takes it for the device's key.
    pub(super) fn pin(&mut self, identity: &IdentityKey) {
        self.identity = identity.to_curve25519().as_bytes().to_vec();
        if let IdentityKey::Ed25519(key) = identity {
            self.edwards = key.as_bytes().to_vec();
        }
    }
}

impl Account {
    /// Whether a device is one of those that were there when the account was seen first.
    pub(super) fn was_there_first(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        record: &DeviceRecord,
    ) -> Result<bool, AccountError> {
        let contact = self.contact(tx, jid)?;
        let was_on_first_list = Version::ALL.into_iter().any(|version| {
            let part = record.part(version);
            let list = contact.list(version);
            part.zip(list)
                .is_some_and(|(part, list)| part.listed && part.listed_changed <= list.first)
        });
        Ok(contact.lists.is_empty() || was_on_first_list)
    }

    /// Forgets a device: its identity key and its sessions. What is thought of its key stays. For a
    /// device that the user knows to have been set up anew under its old id: the next key that it shows
    /// is a new one.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn forget_device(&self, jid: &BareJid, device: DeviceId) -> Result<(), AccountError> {
        self.run(|tx| {
            let Some(mut record) = self.find_device(tx, jid, device)? else {
                return Ok(());
            };
            self.drop_sessions(tx, jid, device, &mut record)?;
            record.unpin();
            self.store_device(tx, jid, device, &record)?;
            Ok(())
        })
    }

    /// Removes all sessions with a device; its record is for the caller to store.
    pub(super) fn drop_sessions(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        device: DeviceId,
        record: &mut DeviceRecord,
    ) -> Result<(), AccountError> {
        for version in Version::ALL {
            let peer = super::Peer {
                jid: jid.clone(),
                device,
                version,
            };
            let numbers = record.part(version).map(|part| part.numbers());
            for number in numbers.unwrap_or_default() {
                self.drop_session(tx, &peer.clone().session(number))?;
            }
            if record.part(version).is_some() {
                let part = record.part_mut(version);
                part.sessions.clear();
                part.current = 0;
            }
            tx.delete(self.names.failures(&peer));
            self.forget_answer(tx, &peer);
        }
        Ok(())
    }
}
