//! The stored form of what is not secret: protobuf, so that fields can be added and old records are read
//! for ever. Numbers of fields are never used again for something else. Times are milliseconds since
//! 1970, 0 where there is none.

use std::collections::BTreeMap;

use prost::Message;

use super::AccountError;
use super::contacts::COARSE;
use super::transaction::Transaction;
use crate::model::{DeviceId, Timestamp, Version};
use crate::store::Key;

/// What is known of one's own side of a version.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OwnVersionRecord {
    #[prost(uint32, tag = "1")]
    pub(super) next_pre_key: u32,
    #[prost(uint32, tag = "2")]
    pub(super) next_signed_pre_key: u32,
    /// The pre-keys that are in the bundle.
    #[prost(uint32, tag = "3")]
    pub(super) offered: u32,
    #[prost(uint32, tag = "4")]
    pub(super) signed_pre_key: u32,
    /// Grows with every change of the bundle.
    #[prost(uint64, tag = "5")]
    pub(super) revision: u64,
    #[prost(uint64, tag = "6")]
    pub(super) published: u64,
    #[prost(message, optional, tag = "7")]
    pub(super) label: Option<LabelRecord>,
    #[prost(uint64, tag = "8")]
    pub(super) announced: u64,
    /// How often the own device was put back into its list since it last stayed there.
    #[prost(uint32, tag = "9")]
    pub(super) put_back: u32,
    /// The own device was not on its list when that was seen last.
    #[prost(bool, tag = "10")]
    pub(super) is_off_list: bool,
    /// What is known of the signed pre-keys that were ever made: an [`Origins`](super::made::Origins).
    #[prost(uint32, tag = "11")]
    pub(super) origins: u32,
}

/// What others have written into an own list.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ExtrasRecord {
    #[prost(btree_map = "uint32, string", tag = "1")]
    pub(super) devices: BTreeMap<u32, String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) others: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LabelRecord {
    #[prost(string, tag = "1")]
    pub(super) text: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) signature: Vec<u8>,
}

/// The histories that are being caught up with. Tags 1 and 2 were of the only one that there could be.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CatchUpsRecord {
    /// The largest number of a catch-up so far.
    #[prost(uint64, tag = "3")]
    pub(super) last: u64,
    /// Since when there has been one all the time.
    #[prost(uint64, tag = "4")]
    pub(super) open_since: u64,
    /// Oldest first.
    #[prost(message, repeated, tag = "5")]
    pub(super) leases: Vec<LeaseRecord>,
}

/// One catch-up.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct LeaseRecord {
    #[prost(uint64, tag = "1")]
    pub(super) number: u64,
    #[prost(uint64, tag = "2")]
    pub(super) since: u64,
    #[prost(bool, tag = "3")]
    pub(super) newest_first: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct IncarnationRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) marker: Vec<u8>,
    /// The store's generation when it was entered.
    #[prost(uint64, tag = "2")]
    pub(super) generation: u64,
}

/// What is known of the store as an old copy of itself.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct RollbackRecord {
    /// When it was last proven; 0: never.
    #[prost(uint64, tag = "1")]
    pub(super) proven: u64,
    /// What the copy has is not all given up yet.
    #[prost(bool, tag = "2")]
    pub(super) is_unfinished: bool,
    /// The pauses between repairs stay as they are.
    #[prost(bool, tag = "3")]
    pub(super) keeps_pauses: bool,
    /// The user knows of it.
    #[prost(bool, tag = "4")]
    pub(super) is_proof_told: bool,
    /// When it was first suspected; 0: never.
    #[prost(uint64, tag = "5")]
    pub(super) suspected: u64,
    /// The user knows of that.
    #[prost(bool, tag = "6")]
    pub(super) is_suspicion_told: bool,
}

/// How many skipped keys there are at most.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SkippedRecord {
    #[prost(uint64, tag = "1")]
    pub(super) at_most: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ContactRecord {
    #[prost(uint64, tag = "1")]
    pub(super) known_since: u64,
    /// The user has accepted this contact: a subscription, or a message to it.
    #[prost(bool, tag = "2")]
    pub(super) accepted: bool,
    /// By the version's code.
    #[prost(btree_map = "uint32, message", tag = "3")]
    pub(super) lists: BTreeMap<u32, ListRecord>,
    #[prost(uint64, tag = "4")]
    pub(super) encrypted_since: u64,
    #[prost(uint64, tag = "5")]
    pub(super) encrypted_last: u64,
    #[prost(message, optional, tag = "6")]
    pub(super) opt_out: Option<OptOutRecord>,
    /// Lookups of device lists that have failed, by the version's code, until one is answered.
    #[prost(btree_map = "uint32, message", tag = "7")]
    pub(super) failed: BTreeMap<u32, FailedRecord>,
    /// How many identities of evicted devices are kept.
    #[prost(uint32, tag = "8")]
    pub(super) pinned: u32,
}

/// Lookups that have failed, one after the other.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct FailedRecord {
    #[prost(uint32, tag = "1")]
    pub(super) error: u32,
    #[prost(uint32, tag = "2")]
    pub(super) count: u32,
    #[prost(uint64, tag = "3")]
    pub(super) retry_at: u64,
}

/// When a contact's device list of a version was seen.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct ListRecord {
    /// 0 if the account's list of another version had been seen long before: what this one shows was not
    /// there from the beginning.
    #[prost(uint64, tag = "1")]
    pub(super) first: u64,
    /// When it was another than the one before.
    #[prost(uint64, tag = "2")]
    pub(super) last: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OptOutRecord {
    #[prost(bool, tag = "1")]
    pub(super) ours: bool,
    #[prost(string, optional, tag = "2")]
    pub(super) reason: Option<String>,
    #[prost(uint64, tag = "3")]
    pub(super) at: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DeviceRecord {
    /// Curve25519 form; empty if it is not known.
    #[prost(bytes = "vec", tag = "1")]
    pub(super) identity: Vec<u8>,
    /// Edwards form as first seen; empty if it is not known.
    #[prost(bytes = "vec", tag = "2")]
    pub(super) edwards: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub(super) first_seen: u64,
    /// The last decryption, to the hour.
    #[prost(uint64, tag = "4")]
    pub(super) heard: u64,
    /// By the version's code.
    #[prost(btree_map = "uint32, message", tag = "5")]
    pub(super) parts: BTreeMap<u32, PartRecord>,
    /// A key exchange has claimed another identity, and the bundle was not looked at since.
    #[prost(bool, tag = "6")]
    pub(super) is_doubted: bool,
    /// Curve25519 form of another identity that its bundle has shown since; empty if there is none.
    #[prost(bytes = "vec", tag = "7")]
    pub(super) shown: Vec<u8>,
}

/// What is known of a device in one version.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PartRecord {
    /// It is on the list now.
    #[prost(bool, tag = "1")]
    pub(super) listed: bool,
    /// When it came to the list or left it.
    #[prost(uint64, tag = "2")]
    pub(super) listed_changed: u64,
    #[prost(message, optional, tag = "3")]
    pub(super) label: Option<LabelRecord>,
    /// A payload of this version was read, or the application says that the device can.
    #[prost(bool, tag = "4")]
    pub(super) speaks: bool,
    /// The largest number of a session so far.
    #[prost(uint32, tag = "5")]
    pub(super) last_session: u32,
    /// The sessions, newest first.
    #[prost(message, repeated, tag = "6")]
    pub(super) sessions: Vec<SessionEntry>,
    /// The number of the session that is sent on; 0 if there is none.
    #[prost(uint32, tag = "7")]
    pub(super) current: u32,
    /// The last decryption.
    #[prost(uint64, tag = "8")]
    pub(super) heard: u64,
    /// Lookups of its bundle that have failed, until one is answered.
    #[prost(message, optional, tag = "9")]
    pub(super) failed: Option<FailedRecord>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionEntry {
    #[prost(uint32, tag = "1")]
    pub(super) number: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) base_key: Vec<u8>,
    #[prost(bool, tag = "3")]
    pub(super) initiated: bool,
    /// Nothing is sent on it.
    #[prost(bool, tag = "4")]
    pub(super) receive_only: bool,
    #[prost(uint64, tag = "5")]
    pub(super) created: u64,
    /// When it stopped being the current one.
    #[prost(uint64, tag = "6")]
    pub(super) retired: u64,
}

/// The receiving chains of a session that are remembered, oldest first.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ChainsRecord {
    #[prost(message, repeated, tag = "1")]
    pub(super) chains: Vec<ChainEntry>,
    /// The first eight bytes of the ratchet keys of chains that are not remembered any more, one after the
    /// other, oldest first.
    #[prost(bytes = "vec", tag = "2")]
    pub(super) forgotten: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ChainEntry {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) dh: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(super) step: u32,
    /// How many skipped keys it has at most.
    #[prost(uint32, tag = "3")]
    pub(super) at_most: u32,
    /// When the last of them was added.
    #[prost(uint64, tag = "4")]
    pub(super) added: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct TrustRecord {
    #[prost(uint32, tag = "1")]
    pub(super) trust: u32,
    #[prost(uint64, tag = "2")]
    pub(super) first_seen: u64,
    #[prost(uint64, tag = "3")]
    pub(super) decided: u64,
}

/// What could not be decrypted lately.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FailuresRecord {
    /// Digests of distinct messages.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(super) messages: Vec<Vec<u8>>,
    /// There was no session at all.
    #[prost(bool, tag = "2")]
    pub(super) no_session: bool,
    #[prost(uint32, tag = "3")]
    pub(super) repairs: u32,
    /// No repair before this.
    #[prost(uint64, tag = "4")]
    pub(super) not_before: u64,
}

/// An empty message that is owed.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct AnswerRecord {
    #[prost(uint32, tag = "1")]
    pub(super) session: u32,
    #[prost(uint64, tag = "2")]
    pub(super) since: u64,
    #[prost(bool, tag = "3")]
    pub(super) heartbeat: bool,
}

/// Who acknowledges messages, and what waits.
#[derive(Clone, PartialEq, Message)]
pub(super) struct InboxRecord {
    #[prost(string, repeated, tag = "1")]
    pub(super) consumers: Vec<String>,
    #[prost(uint32, tag = "2")]
    pub(super) count: u32,
    #[prost(uint64, tag = "3")]
    pub(super) bytes: u64,
    #[prost(uint64, tag = "4")]
    pub(super) next: u64,
    /// How many messages went because of a limit that the application had not acknowledged, and has not been
    /// told of.
    #[prost(uint64, tag = "5")]
    pub(super) evicted: u64,
}

/// The devices of an account that have shown an identity key.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OwnersRecord {
    #[prost(uint32, repeated, tag = "1")]
    pub(super) devices: Vec<u32>,
}

/// How far the index of identity keys is made.
#[derive(Clone, PartialEq, Message)]
pub(super) struct IndexedRecord {
    #[prost(bool, tag = "1")]
    pub(super) is_whole: bool,
    /// The last account whose devices are in it.
    #[prost(string, tag = "2")]
    pub(super) last: String,
}

/// Reads a record; what is not there is as new.
pub(super) fn read<M: Message + Default>(
    tx: &Transaction<'_>,
    key: &Key,
) -> Result<M, AccountError> {
    Ok(find(tx, key)?.unwrap_or_default())
}

/// Reads a record that may not be there.
pub(super) fn find<M: Message + Default>(
    tx: &Transaction<'_>,
    key: &Key,
) -> Result<Option<M>, AccountError> {
    let value = tx.get(key)?;
    Ok(value.map(|value| M::decode(value.as_slice())).transpose()?)
}

/// Writes a record.
pub(super) fn write<M: Message>(tx: &mut Transaction<'_>, key: Key, record: &M) {
    tx.put(key, &record.encode_to_vec());
}

impl ContactRecord {
    pub(super) fn list(&self, version: Version) -> Option<&ListRecord> {
        self.lists.get(&u32::from(version.code()))
    }

    /// Notes that a list is another than the one before.
    pub(super) fn list_has_changed(&mut self, version: Version, now: Timestamp) {
        if let Some(list) = self.lists.get_mut(&version.code().into()) {
            list.last = now.as_millis();
        }
    }

    /// Notes that a list was seen. When a device came that is on it and was not before: later than the
    /// first list, whatever the clock says.
    pub(super) fn saw_list(&mut self, version: Version, now: Timestamp) -> Timestamp {
        let lists = self.lists.values();
        let is_late = lists.clone().any(|list| {
            let first = Timestamp::from_millis(list.first);
            now.since(first).max(first.since(now)) >= COARSE
        });
        let millis = now.as_millis();
        let Some(list) = self.lists.get_mut(&version.code().into()) else {
            let list = ListRecord {
                first: if is_late { 0 } else { millis },
                last: millis,
            };
            self.lists.insert(version.code().into(), list);
            return now;
        };
        now.max(Timestamp::from_millis(list.first.saturating_add(1)))
    }
}

impl DeviceRecord {
    pub(super) fn part(&self, version: Version) -> Option<&PartRecord> {
        self.parts.get(&u32::from(version.code()))
    }

    pub(super) fn part_mut(&mut self, version: Version) -> &mut PartRecord {
        self.parts.entry(version.code().into()).or_default()
    }

    pub(super) fn is_listed(&self, version: Version) -> bool {
        self.part(version).is_some_and(|part| part.listed)
    }
}

/// The id in the name of a device's record.
pub(super) fn device_id(sort: &[u8]) -> Result<DeviceId, AccountError> {
    let bytes = <[u8; 4]>::try_from(sort).map_err(|_| AccountError::Record)?;
    DeviceId::new(u32::from_be_bytes(bytes)).ok_or(AccountError::Record)
}
