//! The devices of accounts: who is on whose list, and what is known of each (XEP-0384 §5.3.1, §5.4).

use std::collections::BTreeMap;

use prost::Message as _;

use super::contacts::COARSE;
use super::device_limit::MAX_DEVICES;
use super::names::Peer;
use super::publication::{label, label_record};
use super::records::{self, DeviceRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::crypto::IdentityKey;
use crate::model::{
    BareJid, Device, DeviceId, DeviceList, Fingerprint, PerVersion, Timestamp, Version,
};
use crate::protocol::verify_label;
use crate::store::Range;

/// What a device list has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChange {
    /// Devices that were not on it before.
    pub added: Vec<DeviceId>,
    /// Devices that have left it.
    pub removed: Vec<DeviceId>,
    /// Devices that are announced for an older version only, and have spoken a newer one.
    pub downgraded: Vec<DeviceId>,
    /// The account's own list lacks this device: announce it at this time (XEP-0384 §5.3.1). At once, and
    /// later and later if somebody takes it off the list again and again.
    pub announce_at: Option<Timestamp>,
}

/// What is known of a device of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its id.
    pub id: DeviceId,
    /// Its identity key, if it was seen.
    pub fingerprint: Option<Fingerprint>,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When something from it was decrypted last, to the hour.
    pub heard: Option<Timestamp>,
    /// What is known of each version.
    pub versions: PerVersion<DeviceVersion>,
}

/// What is known of a device in one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceVersion {
    /// Whether it is on the account's list.
    pub listed: bool,
    /// When it came to the list, or left it.
    pub listed_changed: Option<Timestamp>,
    /// What its user calls it: only if it is signed with the identity that the device has shown.
    pub label: Option<String>,
    /// Whether it is known to read this version.
    pub speaks: bool,
    /// Whether there is a session that can be sent on.
    pub has_session: bool,
    /// The number of sessions, old ones among them.
    pub sessions: usize,
}

/// Where a device stands on its account's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// On it.
    Active,
    /// It was, and is no more.
    Removed,
    /// It was never seen there.
    Never,
}

impl Account {
    /// Takes in a device list of an account as its server gave it: the newest, whole. Also an empty one,
    /// for an account that has none. A list that is known already writes nothing.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn set_device_list(
        &self,
        jid: &BareJid,
        list: &DeviceList,
        now: Timestamp,
    ) -> Result<ListChange, AccountError> {
        self.run(|tx| {
            let mut change = ListChange::default();
            let mut contact = self.contact(tx, jid)?;
            let since = contact.saw_list(list.version, now);
            contact.failed.remove(&list.version.code().into());

            let is_own = jid == self.names.own();
            let mut entries = BTreeMap::new();
            for device in &list.devices {
                entries.entry(device.id).or_insert(device);
            }
            let mut before: Vec<_> = self.device_records(tx, jid)?;
            for (id, record) in &mut before {
                let entry = entries.remove(id);
                let was_listed = record.is_listed(list.version);
                let is_changed = match entry {
                    Some(device) => list_device(record, list.version, device, since),
                    None => was_listed && unlist_device(record, list.version, now),
                };
                if is_changed {
                    self.store_device(tx, jid, *id, record)?;
                    contact.list_has_changed(list.version, now);
                }
                match (was_listed, entry.is_some()) {
                    (false, true) => change.added.push(*id),
                    (true, false) => change.removed.push(*id),
                    _ => {}
                }
                if is_downgraded(record) {
                    change.downgraded.push(*id);
                }
            }
            if is_own {
                entries.remove(&self.own.device);
            }
            before.retain(|(_, record)| is_known(record));
            let wanted = before.len() + entries.len();
            let missing = wanted.saturating_sub(MAX_DEVICES);
            let gone = self.evict_devices(tx, jid, &mut contact, &before, missing)?;
            let room = (MAX_DEVICES + gone).saturating_sub(before.len());
            // In the order of the list.
            let listed = list.devices.iter();
            let new = listed.filter(|device| entries.remove(&device.id).is_some());
            for device in new.take(room).collect::<Vec<_>>() {
                let mut record = self.device_or_new(tx, jid, device.id, now)?;
                if !record.identity.is_empty() {
                    contact.pinned = contact.pinned.saturating_sub(1);
                }
                list_device(&mut record, list.version, device, since);
                self.store_device(tx, jid, device.id, &record)?;
                change.added.push(device.id);
                contact.list_has_changed(list.version, now);
            }
            self.store_contact(tx, jid, contact, now);
            if is_own {
                change.announce_at = self.check_own_listing(tx, list, now)?;
            }
            Ok(change)
        })
    }

    /// Whether this device has to be put (back) on its list, with its label, and when.
    fn check_own_listing(
        &self,
        tx: &mut Transaction<'_>,
        list: &DeviceList,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, AccountError> {
        let mut state = self.version_state(tx, list.version)?;
        let mut devices = list.devices.iter();
        let listed = devices.find(|device| device.id == self.own.device);
        let label = state.label.as_ref().and_then(label);
        let is_listed = listed.is_some_and(|device| device.label == label);
        let announced = Timestamp::from_millis(state.announced);
        let was_off_list = core::mem::replace(&mut state.is_off_list, !is_listed);
        if is_listed {
            if now.since(announced) >= COARSE {
                state.put_back = 0;
            }
        } else if !was_off_list && state.announced > 0 {
            // A list that comes again and again without this device is one reason to put it back, not many. The first
            // announcement puts nothing back.
            state.put_back = state.put_back.saturating_add(1);
        }
        records::write(tx, self.names.version_state(list.version), &state);
        if is_listed {
            return Ok(None);
        }
        // The first time at once.
        let pause = match state.put_back.saturating_sub(1) {
            0 => core::time::Duration::ZERO,
            count => COARSE / 60 * 2_u32.saturating_pow(count.min(12)),
        };
        // What a clock that was put back has made far away comes near again.
        let at = announced.after(pause).min(now.after(pause));
        Ok(Some(now.max(at)))
    }

    /// The devices of an account that are known, this one not among them.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn devices(&self, jid: &BareJid) -> Result<Vec<DeviceInfo>, AccountError> {
        self.read(|tx| {
            let records = self.device_records(tx, jid)?;
            Ok(records
                .iter()
                .map(|(id, record)| DeviceInfo::new(*id, record))
                .collect())
        })
    }

    /// Says that a device can read a version, as an application may know.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn set_speaks(
        &self,
        jid: &BareJid,
        device: DeviceId,
        version: Version,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            let contact = self.contact(tx, jid)?;
            self.store_contact(tx, jid, contact, now);
            let mut record = self.device_or_new(tx, jid, device, now)?;
            record.part_mut(version).speaks = true;
            self.store_device(tx, jid, device, &record)?;
            Ok(())
        })
    }

    /// Takes devices off the account's own list, for both versions; [`Account::own_device_list`] is to
    /// be published after it. Nothing is encrypted for them until they are on it again: a device that is
    /// in use puts itself back. This device's own id is left alone.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn remove_own_devices(
        &self,
        devices: &[DeviceId],
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            let own = self.names.own();
            for device in devices {
                let Some(mut record) = self.find_device(tx, own, *device)? else {
                    continue;
                };
                for version in Version::ALL {
                    unlist_device(&mut record, version, now);
                }
                self.store_device(tx, own, *device, &record)?;
            }
            Ok(())
        })
    }

    /// Where a device stands on its account's list of a version, as that was seen last.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn listing(&self, peer: &Peer) -> Result<Listing, AccountError> {
        self.read(|tx| {
            let record = self.find_device(tx, &peer.jid, peer.device)?;
            Ok(record.map_or(Listing::Never, |record| record.listing(peer.version)))
        })
    }

    pub(super) fn device_records(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
    ) -> Result<Vec<(DeviceId, DeviceRecord)>, AccountError> {
        self.records_in(tx, &self.names.devices(jid))
    }

    /// The records of devices in a range.
    pub(super) fn records_in(
        &self,
        tx: &Transaction<'_>,
        range: &Range,
    ) -> Result<Vec<(DeviceId, DeviceRecord)>, AccountError> {
        tx.scan(range)?
            .into_iter()
            .map(|(sort, value)| {
                let record = DeviceRecord::decode(value.as_slice())?;
                Ok((records::device_id(&sort)?, record))
            })
            .collect()
    }

    pub(super) fn find_device(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        device: DeviceId,
    ) -> Result<Option<DeviceRecord>, AccountError> {
        match records::find(tx, &self.names.device(jid, device))? {
            Some(record) => Ok(Some(record)),
            None => self.find_pinned(tx, jid, device),
        }
    }

    pub(super) fn device_or_new(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        device: DeviceId,
        now: Timestamp,
    ) -> Result<DeviceRecord, AccountError> {
        let found = self.find_device(tx, jid, device)?;
        Ok(found.unwrap_or_else(|| DeviceRecord::new(now)))
    }

    /// Stores what is known of a device; nothing is kept of one of which nothing is known, nor of what it
    /// sent.
    pub(super) fn store_device(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        device: DeviceId,
        record: &DeviceRecord,
    ) -> Result<(), AccountError> {
        let before = self.find_device(tx, jid, device)?;
        let after = is_known(record).then_some(record);
        self.change_owner(tx, jid, device, before.as_ref(), after)?;
        let name = self.names.device(jid, device);
        let pinned = self.names.pinned(jid, device);
        if tx.has_found(&pinned) {
            tx.delete(pinned);
        }
        if is_known(record) {
            records::write(tx, name, record);
        } else {
            tx.delete(name);
            for version in Version::ALL {
                let jid = jid.clone();
                let peer = Peer {
                    jid,
                    device,
                    version,
                };
                tx.delete(self.names.failures(&peer));
            }
        }
        Ok(())
    }
}

impl DeviceInfo {
    fn new(id: DeviceId, record: &DeviceRecord) -> Self {
        let time = |millis: u64| (millis > 0).then(|| Timestamp::from_millis(millis));
        let versions = PerVersion::from_fn(|version| {
            let Some(part) = record.part(version) else {
                return DeviceVersion::default();
            };
            DeviceVersion {
                listed: part.listed,
                listed_changed: time(part.listed_changed),
                label: part.label.as_ref().and_then(|label| record.verified(label)),
                speaks: part.speaks,
                has_session: part.current > 0,
                sessions: part.sessions.len(),
            }
        });
        Self {
            id,
            fingerprint: record.fingerprint(),
            first_seen: Timestamp::from_millis(record.first_seen),
            heard: time(record.heard),
            versions,
        }
    }
}

impl DeviceRecord {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            first_seen: now.as_millis(),
            ..Self::default()
        }
    }

    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        let key = self.identity.as_slice().try_into().ok()?;
        Some(Fingerprint::from_bytes(key))
    }

    fn verified(&self, record: &records::LabelRecord) -> Option<String> {
        let identity = IdentityKey::from_ed25519(&self.edwards).ok()?;
        let label = label(record)?;
        verify_label(&identity, &label).ok().map(|()| label.text)
    }

    pub(super) fn listing(&self, version: Version) -> Listing {
        match self.part(version) {
            Some(part) if part.listed => Listing::Active,
            Some(part) if part.listed_changed > 0 => Listing::Removed,
            _ => Listing::Never,
        }
    }
}

/// Whether the newest version that it is announced for is older than one that it has spoken.
pub(super) fn is_downgraded(record: &DeviceRecord) -> bool {
    let newest = |has: &dyn Fn(Version) -> bool| Version::ALL.into_iter().rev().find(|v| has(*v));
    let listed = newest(&|version| record.is_listed(version));
    let spoken = newest(&|version| record.part(version).is_some_and(|part| part.speaks));
    listed.is_some() && listed < spoken
}

/// Whether there is a reason to keep a record.
fn is_known(record: &DeviceRecord) -> bool {
    let mut parts = record.parts.values();
    !record.identity.is_empty()
        || parts.any(|part| part.listed || part.speaks || !part.sessions.is_empty())
}

/// Puts a device on its list. Whether that changes anything.
fn list_device(
    record: &mut DeviceRecord,
    version: Version,
    device: &Device,
    now: Timestamp,
) -> bool {
    let label = device.label.as_ref().map(label_record);
    let part = record.part_mut(version);
    if part.listed && part.label == label {
        return false;
    }
    if !part.listed {
        part.listed = true;
        part.listed_changed = now.as_millis();
    }
    part.label = label;
    true
}

fn unlist_device(record: &mut DeviceRecord, version: Version, now: Timestamp) -> bool {
    let part = record.part_mut(version);
    let was_listed = core::mem::replace(&mut part.listed, false);
    if was_listed {
        part.listed_changed = now.as_millis();
    }
    was_listed
}
