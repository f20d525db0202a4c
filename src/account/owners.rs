//! Whose an identity key is: for each key, the accounts whose devices have shown it.
//!
//! That a key exchange verifies says whose identity key it was made with, and not whose account that is. In legacy
//! nothing else does. Whoever gets a stanza can send a key exchange in it again as his own, and whoever reads a
//! bundle can publish it as his own. So a key that is known at one account does not become another's by itself.
//!
//! A key is named by its Curve25519 form, so that both forms of it are one.

use core::cmp::Reverse;
use std::collections::BTreeSet;

use prost::Message as _;

use super::names::{Names, Peer};
use super::readers::Standing;
use super::records::{self, DeviceRecord, IndexedRecord, OwnersRecord};
use super::transaction::{MAX_WRITE, Transaction};
use super::{Account, AccountError, Trust};
use crate::crypto::IdentityKey;
use crate::model::{BareJid, DeviceId, Fingerprint};
use crate::protocol;

/// The name of the record that says how far the index is made.
const INDEXED: &str = "owners";

/// So many accounts are looked through at once, when the index is made.
const STEP: usize = 100;

/// How much speaks for it that a key is an account's. More is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grounds {
    /// The user has compared it.
    is_verified: bool,
    /// A message under it was read as the account's.
    is_heard: bool,
}

impl Account {
    /// Whether a key exchange under this identity is taken for an account's, on its word alone. It is not if the
    /// key is known at another account, unless more speaks for this one, or the user has verified it here.
    pub(super) fn may_claim(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        identity: &IdentityKey,
    ) -> Result<bool, AccountError> {
        let key = Fingerprint::from(identity);
        let others = self.other_owners(tx, jid, &key)?;
        if others.is_empty() {
            return Ok(true);
        }
        let own = self.grounds(tx, jid, &key)?;
        if own.is_verified {
            return Ok(true);
        }
        for other in others {
            if self.grounds(tx, &other, &key)? >= own {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The accounts besides this one at which a key is known; that of this device among them.
    pub(super) fn other_owners(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        key: &Fingerprint,
    ) -> Result<BTreeSet<BareJid>, AccountError> {
        let mut owners = BTreeSet::new();
        for (sort, _) in tx.scan(&self.names.owners(key.as_bytes()))? {
            let owner = core::str::from_utf8(&sort).ok();
            let owner = owner.and_then(|owner| owner.parse().ok());
            owners.insert(owner.ok_or(AccountError::Record)?);
        }
        if *key == self.fingerprint() {
            owners.insert(self.names.own().clone());
        }
        owners.remove(jid);
        Ok(owners)
    }

    /// Whether a device shows the key of another account's device of the same id: somebody has copied a bundle. No
    /// session is started for a copy. The one device that has the private key would read what is written for it,
    /// answer on that session, and be taken for the account that has copied it. Nothing of a copy is ever
    /// authenticated: so the account's own device is the original, then the one that was verified, heard of, and
    /// seen first ([`leave_out_copies`](super::plan::Plan::leave_out_copies) does the same in one message).
    pub(super) fn is_copy(
        &self,
        tx: &Transaction<'_>,
        peer: &Peer,
        key: &Fingerprint,
        standing: Standing,
    ) -> Result<bool, AccountError> {
        // In the other versions the envelope says for whom and from whom a message is.
        if protocol::of(peer.version).names_author() {
            return Ok(false);
        }
        let own = self.names.own();
        let rank = (peer.jid == *own, standing, Reverse(&peer.jid));
        for other in &self.other_owners(tx, &peer.jid, key)? {
            let Some(record) = self.find_device(tx, other, peer.device)? else {
                continue;
            };
            if record.fingerprint() != Some(*key) {
                continue;
            }
            let standing = Standing {
                is_verified: self.known_trust(tx, other, key)? == Some(Trust::Verified),
                heard: record.heard,
                first_seen: Reverse(record.first_seen),
            };
            if (other == own, standing, Reverse(other)) > rank {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn grounds(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        key: &Fingerprint,
    ) -> Result<Grounds, AccountError> {
        if jid == self.names.own() && *key == self.fingerprint() {
            return Ok(Grounds {
                is_verified: true,
                is_heard: true,
            });
        }
        let mut grounds = Grounds {
            is_verified: self.known_trust(tx, jid, key)? == Some(Trust::Verified),
            is_heard: false,
        };
        let owner: OwnersRecord = records::read(tx, &self.names.owner(key.as_bytes(), jid))?;
        for device in owner.devices {
            let device = DeviceId::new(device).ok_or(AccountError::Record)?;
            let record = self.find_device(tx, jid, device)?;
            grounds.is_heard |=
                record.is_some_and(|record| record.heard > 0 && record.fingerprint() == Some(*key));
        }
        Ok(grounds)
    }

    /// Keeps the index as the devices are: a device had these keys before, and has those now.
    pub(super) fn change_owner(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        device: DeviceId,
        before: Option<&DeviceRecord>,
        after: Option<&DeviceRecord>,
    ) -> Result<(), AccountError> {
        let (before, after) = (keys_of(before), keys_of(after));
        for key in before.symmetric_difference(&after) {
            let name = self.names.owner(key, jid);
            let mut owner: OwnersRecord = records::read(tx, &name)?;
            owner.devices.retain(|known| *known != device.get());
            if after.contains(key) {
                owner.devices.push(device.get());
            }
            if owner.devices.is_empty() {
                tx.delete(name);
            } else {
                records::write(tx, name, &owner);
            }
        }
        Ok(())
    }

    /// Makes the index of a store that has none, a number of accounts at a time. Whether it is whole.
    pub(super) fn index_owners(&self, tx: &mut Transaction<'_>) -> Result<bool, AccountError> {
        let name = self.names.account(INDEXED);
        let mut indexed: IndexedRecord = records::read(tx, &name)?;
        if indexed.is_whole {
            return Ok(true);
        }
        let mut contacts = self.contact_jids(tx)?;
        contacts.sort();
        contacts.retain(|jid| *jid.as_str() > *indexed.last);
        let mut count = 0;
        for jid in contacts.iter().take(STEP) {
            if tx.size() >= MAX_WRITE {
                break;
            }
            for (device, record) in self.known_devices(tx, jid)? {
                self.change_owner(tx, jid, device, None, Some(&record))?;
            }
            indexed.last = jid.as_str().to_owned();
            count += 1;
        }
        indexed.is_whole = count == 0;
        records::write(tx, name, &indexed);
        Ok(indexed.is_whole)
    }

    /// Says that there is nothing to be indexed: the account is new.
    pub(super) fn begin_index(&self, tx: &mut Transaction<'_>) {
        let indexed = IndexedRecord {
            is_whole: true,
            ..IndexedRecord::default()
        };
        records::write(tx, self.names.account(INDEXED), &indexed);
    }

    /// The devices of an account, those that were evicted among them.
    fn known_devices(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
    ) -> Result<Vec<(DeviceId, DeviceRecord)>, AccountError> {
        let mut known = self.records_in(tx, &self.names.all_pinned(jid))?;
        known.extend(self.device_records(tx, jid)?);
        Ok(known)
    }
}

/// The keys under which a device is in the index.
fn keys_of(record: Option<&DeviceRecord>) -> BTreeSet<[u8; 32]> {
    let keys = record.map(|record| [record.fingerprint(), record.shown()]);
    let keys = keys.into_iter().flatten().flatten();
    keys.map(|key| *key.as_bytes()).collect()
}

/// Removes what the index has of an account that goes with the store's own one.
pub(super) fn remove(
    tx: &mut Transaction<'_>,
    names: &Names,
    jid: &BareJid,
) -> Result<(), AccountError> {
    for range in [names.devices(jid), names.all_pinned(jid)] {
        for (_, value) in tx.scan(&range)? {
            // A record that is damaged leads nowhere.
            let record = DeviceRecord::decode(value.as_slice()).ok();
            for key in keys_of(record.as_ref()) {
                tx.delete(names.owner(&key, jid));
            }
        }
    }
    Ok(())
}
