//! What a store has of an account, for somebody who looks for what is wrong: numbers, times and public keys,
//! and no secret.

mod peers;

pub use peers::{PeerSurvey, SessionState, SessionSurvey};

use super::catch_up::{CatchUpId, Order};
use super::pre_keys::StoredPreKey;
use super::records::{self, IncarnationRecord, LeaseRecord};
use super::signed_pre_keys::StoredSignedPreKey;
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::{SignedPreKeyId, Timestamp, Version};

/// What there is of an account besides its contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Its side of each version, in the order of [`Version::ALL`].
    pub versions: Vec<VersionSurvey>,
    /// The histories that are being caught up with, or whose end nobody has said; those of more than seven
    /// days ago have expired.
    pub catch_ups: Vec<CatchUp>,
    /// How often the store was written since its [`Incarnation`](super::Incarnation) was renewed; `None` if it has
    /// none.
    pub written_since_incarnation: Option<u64>,
    /// Who acknowledges messages, and what waits for each.
    pub inbox: Vec<ConsumerSurvey>,
}

/// An account's own side of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSurvey {
    /// The version.
    pub version: Version,
    /// The number of pre-keys in the bundle.
    pub offered: usize,
    /// The number of pre-keys that were used and are kept until a catch-up ends.
    pub used: usize,
    /// When the first of those was used.
    pub oldest_used: Option<Timestamp>,
    /// The signed pre-key of the bundle.
    pub signed_pre_key: SignedPreKeyId,
    /// When that was made.
    pub signed_pre_key_created: Timestamp,
    /// The number of those before it that are kept for messages on their way.
    pub old_signed_pre_keys: usize,
    /// Whether the server has the bundle.
    pub bundle: BundleState,
    /// When the device list with this device on it was published last, as far as the application said so.
    pub announced: Option<Timestamp>,
    /// How often this device was missing from its list since it last stayed there.
    pub put_back: u32,
}

/// Whether the server has the bundle, as far as the application said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleState {
    /// It was never published, or was lost.
    Unpublished,
    /// Another one than the account has now.
    Outdated,
    /// It has it.
    Published,
}

/// A history that is being caught up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatchUp {
    /// Which one.
    pub id: CatchUpId,
    /// Since when.
    pub since: Timestamp,
    /// In which order.
    pub order: Order,
}

/// What waits for somebody who acknowledges messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerSurvey {
    /// His name.
    pub name: String,
    /// The number of messages.
    pub messages: usize,
    /// The sum of their texts, in bytes.
    pub bytes: u64,
    /// When the oldest was read.
    pub oldest: Option<Timestamp>,
}

impl ConsumerSurvey {
    pub(super) const fn new(name: String) -> Self {
        Self {
            name,
            messages: 0,
            bytes: 0,
            oldest: None,
        }
    }

    pub(super) fn add(&mut self, bytes: u64, received: Timestamp) {
        self.messages += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.oldest = Some(self.oldest.map_or(received, |oldest| oldest.min(received)));
    }
}

impl Account {
    /// What there is of the account itself. About its contacts: [`Self::contacts`], and for each
    /// [`Self::devices`], [`Self::keys`] and [`Self::peers`]. Nothing is written.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn survey(&self) -> Result<Survey, AccountError> {
        self.read(|tx| {
            let versions = Version::ALL
                .into_iter()
                .map(|version| self.survey_version(tx, version));
            let incarnation: Option<IncarnationRecord> =
                records::find(tx, &self.name_of_incarnation())?;
            Ok(Survey {
                versions: versions.collect::<Result<_, _>>()?,
                catch_ups: self.catch_ups(tx)?.leases.iter().map(catch_up).collect(),
                written_since_incarnation: incarnation
                    .map(|record| tx.generation().get().saturating_sub(record.generation)),
                inbox: self.survey_inbox(tx)?,
            })
        })
    }

    fn survey_version(
        &self,
        tx: &Transaction<'_>,
        version: Version,
    ) -> Result<VersionSurvey, AccountError> {
        let state = self.version_state(tx, version)?;
        let mut offered = 0;
        let mut used = Vec::new();
        for (_, value) in tx.scan(&self.names.pre_keys(version))? {
            match StoredPreKey::from_record(&value)?.used {
                None => offered += 1,
                Some((at, _)) => used.push(at),
            }
        }
        let mut old_signed_pre_keys = 0;
        for (_, value) in tx.scan(&self.names.signed_pre_keys(version))? {
            let key = StoredSignedPreKey::from_record(&value)?;
            old_signed_pre_keys += usize::from(key.replaced.is_some());
        }
        let (signed_pre_key, signed) = self.current_signed_pre_key(tx, version)?;
        Ok(VersionSurvey {
            version,
            offered,
            used: used.len(),
            oldest_used: used.into_iter().min(),
            signed_pre_key,
            signed_pre_key_created: signed.created,
            old_signed_pre_keys,
            bundle: match state.published {
                0 => BundleState::Unpublished,
                published if published < state.revision => BundleState::Outdated,
                _ => BundleState::Published,
            },
            announced: time(state.announced),
            put_back: state.put_back,
        })
    }
}

fn catch_up(lease: &LeaseRecord) -> CatchUp {
    CatchUp {
        id: CatchUpId::from_number(lease.number),
        since: Timestamp::from_millis(lease.since),
        order: match lease.newest_first {
            true => Order::NewestFirst,
            false => Order::OldestFirst,
        },
    }
}

/// The time of a record, if it has one.
fn time(millis: u64) -> Option<Timestamp> {
    (millis > 0).then(|| Timestamp::from_millis(millis))
}
