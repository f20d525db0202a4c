//! What the server has as this device's bundle, and what that says.

use rand_core::TryCryptoRng;

use super::made::Origins;
use super::pre_keys::OFFERED;
use super::rollback::Proof;
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::{Bundle, Timestamp, Version};
use crate::protocol;

/// What the server has as this device's bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishedBundle {
    /// The bundle as it is now.
    Current,
    /// None, an older one, or somebody else's: the bundle is due.
    Other,
    /// One that this store has not made, and that is signed with the account's identity key: the store is an old
    /// copy of itself, or a second program uses the device. What could be used twice was given up, all bundles are due,
    /// and the user is to be told ([`Account::rollback`]).
    RolledBack,
}

impl Account {
    /// Takes note of what the server has as this device's bundle; `None`: it has none. To be called with each
    /// new stream, before anything is sent: that is how a device notices that its store is an old copy where nobody
    /// keeps markers ([`Incarnation`](super::Incarnation)).
    ///
    /// Old copies are noticed if a signed pre-key was made since: one is made each week
    /// ([`Options::signed_pre_key_lifetime`](super::Options::signed_pre_key_lifetime)).
    ///
    /// # Errors
    /// [`AccountError`]. What was done until then stays done; the next time goes on with the rest.
    pub fn check_published<G: TryCryptoRng + ?Sized>(
        &self,
        version: Version,
        published: Option<&Bundle>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<PublishedBundle, AccountError> {
        loop {
            let judged = self.run(|tx| self.judge_published(tx, version, published, now, rng))?;
            if let Some(judged) = judged {
                return Ok(judged);
            }
        }
    }

    /// `None`: it is not finished.
    fn judge_published<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        published: Option<&Bundle>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Option<PublishedBundle>, AccountError> {
        let mut is_proven = self.rollback_record(tx)?.is_unfinished;
        if !is_proven {
            let own = self.bundle_of(tx, version)?;
            if published == Some(&own) {
                let revision = self.version_state(tx, version)?.revision;
                self.note_published(tx, version, revision)?;
                return Ok(Some(PublishedBundle::Current));
            }
            self.note_unpublished(tx, version)?;
            let ours = published.filter(|bundle| is_signed_by(bundle, &own));
            if let Some(bundle) = ours {
                is_proven = self.weigh_published(tx, bundle, &own, now)?;
            }
        }
        if !is_proven {
            return Ok(Some(PublishedBundle::Other));
        }
        let is_done = self.disown(tx, Proof::Bundle, now, rng)?;
        Ok(is_done.then_some(PublishedBundle::RolledBack))
    }

    /// Whether a bundle that is signed with the account's identity key, and is not the current one, proves that
    /// the store is an old copy.
    fn weigh_published(
        &self,
        tx: &mut Transaction<'_>,
        published: &Bundle,
        own: &Bundle,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let version = own.version;
        if self.was_made(tx, version, &published.signed_pre_key)? {
            // Nobody has signed the pre-keys.
            if self.has_unknown_pre_keys(tx, published)? {
                self.suspect(tx, now)?;
            }
            return Ok(false);
        }
        // A key proves it once, however often the server shows it.
        self.note_made(tx, version, &published.signed_pre_key)?;
        match self.origins(tx, version)? {
            Origins::Known => return Ok(true),
            Origins::Lost => {}
            Origins::Unknown | Origins::Carried => self.suspect(tx, now)?,
        }
        Ok(false)
    }

    /// Whether there are pre-keys in a bundle that were not made here: of an id that was never drawn, or another
    /// key than the one that is stored. Those that are not stored any more were used.
    fn has_unknown_pre_keys(
        &self,
        tx: &Transaction<'_>,
        published: &Bundle,
    ) -> Result<bool, AccountError> {
        let version = published.version;
        let next = self.version_state(tx, version)?.next_pre_key;
        let mut pre_keys = published.pre_keys.iter();
        // A server can write as many as it likes.
        for entry in pre_keys.by_ref().take(2 * OFFERED as usize) {
            let is_known = match self.pre_key(tx, version, entry.id)? {
                Some(stored) => *stored.pair.public() == entry.key,
                None => entry.id.get() < next,
            };
            if !is_known {
                return Ok(true);
            }
        }
        Ok(pre_keys.next().is_some())
    }
}

/// Whether a bundle shows the identity of another one, and is signed with it.
fn is_signed_by(bundle: &Bundle, own: &Bundle) -> bool {
    let protocol = protocol::of(own.version);
    bundle.version == own.version
        && bundle.identity == own.identity
        && protocol
            .verify(&own.identity, &bundle.signed_pre_key, &bundle.signature)
            .is_ok()
}
