//! Signed pre-keys: replaced after a week, kept for a month after that (XEP-0384 §5.2; X3DH §4.6).
//!
//! Only at the end of a catch-up is one replaced, so that what was written for the old one has been read.

use core::time::Duration;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::records;
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::crypto::ed25519::Signature;
use crate::crypto::{Secret, SignedPreKeyPair, SignedPreKeyPublic, random};
use crate::model::{SignedPreKeyId, Timestamp, Version};
use crate::protocol;

/// How long an old one is kept after it was replaced.
pub(super) const KEPT_AFTER_REPLACEMENT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A signed pre-key as it is stored: private, public, signature, when it was made and replaced.
pub(super) struct StoredSignedPreKey {
    pub(super) pair: SignedPreKeyPair,
    pub(super) signature: Signature,
    pub(super) created: Timestamp,
    pub(super) replaced: Option<Timestamp>,
}

impl StoredSignedPreKey {
    fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let mut record = Zeroizing::new(Vec::with_capacity(144));
        record.extend_from_slice(self.pair.private().expose());
        record.extend_from_slice(self.pair.public().as_bytes());
        record.extend_from_slice(self.signature.as_bytes());
        record.extend_from_slice(&self.created.as_millis().to_be_bytes());
        if let Some(replaced) = self.replaced {
            record.extend_from_slice(&replaced.as_millis().to_be_bytes());
        }
        record
    }

    pub(super) fn from_record(record: &[u8]) -> Result<Self, AccountError> {
        let (private, rest) = record.split_first_chunk().ok_or(AccountError::Record)?;
        let (public, rest) = rest.split_first_chunk().ok_or(AccountError::Record)?;
        let (signature, rest) = rest.split_first_chunk().ok_or(AccountError::Record)?;
        let (created, rest) = rest.split_first_chunk().ok_or(AccountError::Record)?;
        let time = |bytes| Timestamp::from_millis(u64::from_be_bytes(bytes));
        let replaced = match rest {
            [] => None,
            _ => Some(time(rest.try_into().map_err(|_| AccountError::Record)?)),
        };
        let public = SignedPreKeyPublic::from_bytes(*public).map_err(|_| AccountError::Record)?;
        Ok(Self {
            pair: SignedPreKeyPair::from_parts(Secret::new(*private), public),
            signature: Signature::from_bytes(*signature),
            created: time(*created),
            replaced,
        })
    }
}

impl Account {
    pub(super) fn signed_pre_key(
        &self,
        tx: &Transaction<'_>,
        version: Version,
        id: SignedPreKeyId,
    ) -> Result<Option<StoredSignedPreKey>, AccountError> {
        let record = tx.get(&self.names.signed_pre_key(version, id.get()))?;
        record
            .map(|record| StoredSignedPreKey::from_record(&record))
            .transpose()
    }

    /// The one of the bundle, and its id.
    pub(super) fn current_signed_pre_key(
        &self,
        tx: &Transaction<'_>,
        version: Version,
    ) -> Result<(SignedPreKeyId, StoredSignedPreKey), AccountError> {
        let state = self.version_state(tx, version)?;
        let id = SignedPreKeyId::new(state.signed_pre_key).ok_or(AccountError::Record)?;
        let key = self.signed_pre_key(tx, version, id)?;
        Ok((id, key.ok_or(AccountError::Record)?))
    }

    /// Makes one, signs it and puts it into the bundle.
    pub(super) fn renew_signed_pre_key<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        let mut state = self.version_state(tx, version)?;
        if let Some(id) = SignedPreKeyId::new(state.signed_pre_key)
            && let Some(mut old) = self.signed_pre_key(tx, version, id)?
        {
            old.replaced = Some(now);
            tx.put(
                self.names.signed_pre_key(version, id.get()),
                &old.to_record(),
            );
        }
        let id = match state.next_signed_pre_key {
            0 => 1,
            id if id > SignedPreKeyId::MAX_DRAWN => 1,
            id => id,
        };
        let pair = SignedPreKeyPair::generate(rng)?;
        let z = random(rng)?;
        let signature = protocol::of(version).sign(&self.own.identity, pair.public(), &z);
        let key = StoredSignedPreKey {
            pair,
            signature,
            created: now,
            replaced: None,
        };
        tx.put(self.names.signed_pre_key(version, id), &key.to_record());
        self.note_made(tx, version, key.pair.public())?;
        state.signed_pre_key = id;
        state.next_signed_pre_key = id + 1;
        state.revision += 1;
        records::write(tx, self.names.version_state(version), &state);
        Ok(())
    }

    /// Leaves out the ids that may have been used by what was forgotten.
    pub(super) fn skip_signed_pre_key_ids(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
    ) -> Result<(), AccountError> {
        let mut state = self.version_state(tx, version)?;
        state.next_signed_pre_key = state.next_signed_pre_key.saturating_add(FORGOTTEN_IDS);
        records::write(tx, self.names.version_state(version), &state);
        Ok(())
    }

    /// Replaces the current one if it is old enough, and wipes those that were replaced long ago.
    pub(super) fn rotate_signed_pre_key<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        let (_, current) = self.current_signed_pre_key(tx, version)?;
        // One that was made in the future, before a clock was put back, would stay until then.
        let age = now.since(current.created).max(current.created.since(now));
        if age >= self.options.signed_pre_key_lifetime {
            self.renew_signed_pre_key(tx, version, now, rng)?;
        }
        for (sort, value) in tx.scan(&self.names.signed_pre_keys(version))? {
            let replaced = StoredSignedPreKey::from_record(&value)?.replaced;
            if replaced.is_some_and(|at| now.since(at) >= KEPT_AFTER_REPLACEMENT) {
                let id = <[u8; 4]>::try_from(&*sort).map_err(|_| AccountError::Record)?;
                tx.delete(self.names.signed_pre_key(version, u32::from_be_bytes(id)));
            }
        }
        Ok(())
    }
}

/// How many ids may have been used since a backup: one a week, for years.
const FORGOTTEN_IDS: u32 = 1 << 10;
