//! The signed pre-keys that were ever made: a digest of each, kept for ever.
//!
//! The server has one of them in the bundle. If that verifies under our identity and is none that was made here,
//! somebody else has made it with our identity key: this store in the time that was lost, if it is an old copy of
//! itself, or a second program ([`super::rollback`]). A server cannot invent such a key; but it can keep those that
//! were published once. So the digests say something only where there is one of every key that was made under the
//! identity ([`Origins`]).
//!
//! A digest is 16 bytes, one a week for each version: less than 2 KiB a year.

use sha2::{Digest as _, Sha256};

use super::signed_pre_keys::StoredSignedPreKey;
use super::transaction::Transaction;
use super::{Account, AccountError, records};
use crate::crypto::SignedPreKeyPublic;
use crate::model::Version;

/// What is known of the signed pre-keys of a version that were made under the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origins {
    /// The account is of a version of the library that kept no digests. What the server has may be older than
    /// they are, until it has taken a bundle whose digest is kept.
    Unknown,
    /// There is a digest of each.
    Known,
    /// The store was an old copy. What the server has may be of the time that was lost, until it has taken
    /// another bundle.
    Lost,
    /// The identity was brought from another device, which has made others.
    Carried,
}

impl Origins {
    const fn code(self) -> u32 {
        match self {
            Self::Unknown => 0,
            Self::Known => 1,
            Self::Lost => 2,
            Self::Carried => 3,
        }
    }

    /// Of what a newer version has stored nothing is taken for proven.
    const fn from_code(code: u32) -> Self {
        match code {
            1 => Self::Known,
            2 => Self::Lost,
            3 => Self::Carried,
            _ => Self::Unknown,
        }
    }
}

impl Account {
    /// Notes that a signed pre-key was made.
    pub(super) fn note_made(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        key: &SignedPreKeyPublic,
    ) -> Result<(), AccountError> {
        let name = self.names.made(version, &digest(version, key));
        // So that nothing is written where nothing has changed.
        if tx.get(&name)?.is_none() {
            tx.put(name, &[1]);
        }
        Ok(())
    }

    /// Whether a signed pre-key was made here, as far as that is known.
    pub(super) fn was_made(
        &self,
        tx: &Transaction<'_>,
        version: Version,
        key: &SignedPreKeyPublic,
    ) -> Result<bool, AccountError> {
        if tx
            .get(&self.names.made(version, &digest(version, key)))?
            .is_some()
        {
            return Ok(true);
        }
        let stored = self.stored_signed_pre_keys(tx, version)?;
        Ok(stored.iter().any(|stored| stored.pair.public() == key))
    }

    pub(super) fn origins(
        &self,
        tx: &Transaction<'_>,
        version: Version,
    ) -> Result<Origins, AccountError> {
        Ok(Origins::from_code(self.version_state(tx, version)?.origins))
    }

    pub(super) fn set_origins(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        origins: Origins,
    ) -> Result<(), AccountError> {
        let mut state = self.version_state(tx, version)?;
        state.origins = origins.code();
        records::write(tx, self.names.version_state(version), &state);
        Ok(())
    }

    /// Notes that the store was an old copy: of the keys that were made since then there are no digests.
    pub(super) fn note_lost_origins(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
    ) -> Result<(), AccountError> {
        match self.origins(tx, version)? {
            Origins::Carried => Ok(()),
            _ => self.set_origins(tx, version, Origins::Lost),
        }
    }

    /// Notes that the server has the bundle as it is now: what it had before is not there any more.
    pub(super) fn note_replaced_on_server(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
    ) -> Result<(), AccountError> {
        if matches!(
            self.origins(tx, version)?,
            Origins::Known | Origins::Carried
        ) {
            return Ok(());
        }
        for stored in self.stored_signed_pre_keys(tx, version)? {
            self.note_made(tx, version, stored.pair.public())?;
        }
        self.set_origins(tx, version, Origins::Known)
    }

    fn stored_signed_pre_keys(
        &self,
        tx: &Transaction<'_>,
        version: Version,
    ) -> Result<Vec<StoredSignedPreKey>, AccountError> {
        let stored = tx.scan(&self.names.signed_pre_keys(version))?;
        let stored = stored.iter();
        stored
            .map(|(_, value)| StoredSignedPreKey::from_record(value))
            .collect()
    }
}

fn digest(version: Version, key: &SignedPreKeyPublic) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::new_with_prefix(b"omemo signed pre-key")
        .chain_update([version.code()])
        .chain_update(key.as_bytes())
        .finalize()
        .into();
    let (digest, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
    *digest
}
