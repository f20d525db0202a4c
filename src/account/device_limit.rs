//! Room for devices: an account has a limit of them, and the one that was heard least lately makes room.
//!
//! A web client that is a new device at each login must not lock its user out. What goes are sessions and
//! keys of messages. What the user has decided about keys stays, and so does what waits in the inbox. Of an
//! account that the user has accepted the identity key of each device stays as well, apart from the others:
//! else a server could take a device off the list, fill the account up, and list the device again with another
//! key.

use super::names::Peer;
use super::records::{self, ContactRecord, DeviceRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::{BareJid, DeviceId, Version};

/// So many devices of one account are kept: lists with dozens of forgotten ones exist.
pub(super) const MAX_DEVICES: usize = 1000;

/// So many identity keys of evicted devices are kept for an account. Then nothing is evicted any more.
const MAX_PINNED: u32 = 10_000;

impl Account {
    /// Whether a device is known, or may become so: there is room, or can be made.
    pub(super) fn has_room_for(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        device: DeviceId,
    ) -> Result<bool, AccountError> {
        if tx.get(&self.names.device(jid, device))?.is_some() {
            return Ok(true);
        }
        let records = self.device_records(tx, jid)?;
        if records.len() < MAX_DEVICES {
            return Ok(true);
        }
        let contact = self.contact(tx, jid)?;
        let accepted = self.accepts(tx, jid)?;
        Ok(contact.can_pin() && records.iter().any(|(_, record)| may_go(record, accepted)))
    }

    /// Makes room for a device that has shown that it exists. Without room, nothing changes.
    pub(super) fn make_room_for(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        device: DeviceId,
    ) -> Result<(), AccountError> {
        if tx.get(&self.names.device(jid, device))?.is_some() {
            return Ok(());
        }
        let records = self.device_records(tx, jid)?;
        let missing = (records.len() + 1).saturating_sub(MAX_DEVICES);
        let mut contact = self.contact(tx, jid)?;
        self.evict_devices(tx, jid, &mut contact, &records, missing)?;
        if self.find_pinned(tx, jid, device)?.is_some() {
            contact.pinned = contact.pinned.saturating_sub(1);
        }
        records::write(tx, self.names.contact(jid), &contact);
        Ok(())
    }

    /// Evicts so many devices that are on no list, those that were heard least lately first. How many went.
    pub(super) fn evict_devices(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        contact: &mut ContactRecord,
        records: &[(DeviceId, DeviceRecord)],
        count: usize,
    ) -> Result<usize, AccountError> {
        if count == 0 {
            return Ok(0);
        }
        let accepted = contact.accepted || jid == self.names.own();
        let records = records.iter();
        let mut leaving: Vec<_> = records
            .filter(|(_, record)| may_go(record, accepted))
            .collect();
        leaving.sort_by_key(|(_, record)| (record.heard, record.last_listed(), record.first_seen));
        let mut gone = 0;
        for (device, record) in leaving.into_iter().take(count) {
            if !contact.can_pin() {
                break;
            }
            let mut record = record.clone();
            self.drop_sessions(tx, jid, *device, &mut record)?;
            tx.delete(self.names.device(jid, *device));
            if accepted && !record.identity.is_empty() {
                for part in record.parts.values_mut() {
                    part.label = None;
                    part.failed = None;
                }
                records::write(tx, self.names.pinned(jid, *device), &record);
                contact.pinned += 1;
            } else {
                self.change_owner(tx, jid, *device, Some(&record), None)?;
            }
            for version in Version::ALL {
                let peer = Peer::new(jid.clone(), *device, version);
                tx.delete(self.names.failures(&peer));
            }
            gone += 1;
        }
        Ok(gone)
    }

    /// What is kept of a device that was evicted.
    pub(super) fn find_pinned(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        device: DeviceId,
    ) -> Result<Option<DeviceRecord>, AccountError> {
        records::find(tx, &self.names.pinned(jid, device))
    }
}

impl ContactRecord {
    const fn can_pin(&self) -> bool {
        self.pinned < MAX_PINNED
    }
}

impl DeviceRecord {
    /// When it came to a list or left it last.
    fn last_listed(&self) -> u64 {
        let times = self.parts.values().map(|part| part.listed_changed);
        times.max().unwrap_or(0)
    }
}

/// Whether a device may make room for another. Of an account that the user has not accepted, only devices that
/// were on a list: else a stranger's thousand ids, which cost him nothing, would make as much work again and
/// again.
fn may_go(record: &DeviceRecord, accepted: bool) -> bool {
    let is_listed = record.parts.values().any(|part| part.listed);
    !is_listed && (accepted || record.last_listed() > 0)
}
