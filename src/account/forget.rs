//! Forgetting what there is of a contact: its sessions and the keys of its messages, device by device.
//!
//! A contact may have a thousand devices with sessions, so it takes several writes. The first one writes down
//! that they are to come: whoever opens the account after a crash does the rest.

use prost::Message;

use super::answers::unless_damaged;
use super::records;
use super::transaction::{MAX_STEP, Transaction};
use super::{Account, AccountError};
use crate::model::{BareJid, DeviceId};
use crate::store::Key;

/// The contacts of whom the user wishes nothing to be left, and what is still to be done.
#[derive(Clone, PartialEq, Message)]
struct ForgettingRecord {
    #[prost(message, repeated, tag = "1")]
    contacts: Vec<ForgottenRecord>,
}

#[derive(Clone, PartialEq, Message)]
struct ForgottenRecord {
    #[prost(string, tag = "1")]
    jid: String,
    /// The devices that there were: what one of them begins afterwards stays.
    #[prost(uint32, repeated, tag = "2")]
    devices: Vec<u32>,
}

impl Account {
    /// Removes all sessions and keys of messages with an account, and what waits from it in the inbox.
    /// What is thought of its keys, its device list and its devices' identities stay.
    ///
    /// # Errors
    /// [`AccountError`]. A part of it may be done: the rest is done when the account is opened next, or with
    /// another call.
    pub fn forget(&self, jid: &BareJid) -> Result<(), AccountError> {
        self.run(|tx| self.begin_to_forget(tx, jid))?;
        self.finish_forgetting()
    }

    fn begin_to_forget(&self, tx: &mut Transaction<'_>, jid: &BareJid) -> Result<(), AccountError> {
        self.remove_from_inbox(tx, jid)?;
        let mut contact = self.contact(tx, jid)?;
        if contact.encrypted_since > 0 {
            contact.encrypted_since = 0;
            contact.encrypted_last = 0;
            records::write(tx, self.names.contact(jid), &contact);
        }
        let devices = self.device_records(tx, jid)?.into_iter();
        let devices: Vec<_> = devices.map(|(device, _)| device.get()).collect();
        if devices.is_empty() {
            return Ok(());
        }
        let mut record: ForgettingRecord = records::read(tx, &self.name_of_forgetting())?;
        record
            .contacts
            .retain(|forgotten| forgotten.jid != jid.as_str());
        record.contacts.push(ForgottenRecord {
            jid: jid.as_str().to_owned(),
            devices,
        });
        records::write(tx, self.name_of_forgetting(), &record);
        Ok(())
    }

    /// Whether something was begun and is not finished.
    pub(super) fn is_forgetting(&self, tx: &Transaction<'_>) -> Result<bool, AccountError> {
        Ok(tx.get(&self.name_of_forgetting())?.is_some())
    }

    /// Goes on with what was begun, by this process or by one that is no more.
    pub(super) fn finish_forgetting(&self) -> Result<(), AccountError> {
        while !self.run(|tx| self.forget_some(tx))? {}
        Ok(())
    }

    /// Does as much of it as one write takes, and says whether that was all.
    fn forget_some(&self, tx: &mut Transaction<'_>) -> Result<bool, AccountError> {
        let name = self.name_of_forgetting();
        let mut record: ForgettingRecord = records::read(tx, &name)?;
        while let Some(forgotten) = record.contacts.last_mut() {
            let jid: BareJid = forgotten.jid.parse().map_err(|_| AccountError::Record)?;
            while let Some(device) = forgotten.devices.pop() {
                let device = DeviceId::new(device).ok_or(AccountError::Record)?;
                // One damaged record must not keep the account from being opened.
                let known = unless_damaged(self.find_device(tx, &jid, device))?;
                if let Some(mut known) = known.flatten() {
                    self.drop_sessions(tx, &jid, device, &mut known)?;
                    self.store_device(tx, &jid, device, &known)?;
                }
                if tx.size() >= MAX_STEP {
                    records::write(tx, name, &record);
                    return Ok(false);
                }
            }
            record.contacts.pop();
        }
        if tx.get(&name)?.is_some() {
            tx.delete(name);
        }
        Ok(true)
    }

    fn name_of_forgetting(&self) -> Key {
        self.names.account("forgetting")
    }
}
