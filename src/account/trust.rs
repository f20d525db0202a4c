//! Trust: what the user, or the policy that he chose, thinks of an identity key (XEP-0384 §8).
//!
//! Trust belongs to a key of an account, not to a device: two devices that show one key share it, and a
//! device that shows another key has none of it. The key is named by its Curve25519 form, which is what
//! people compare, whatever version it was seen in.

use core::fmt;
use std::sync::Arc;

use super::records::{self, TrustRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::{BareJid, DeviceId, Fingerprint, Timestamp};

/// What is thought of an identity key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Nobody has decided: nothing is encrypted for it.
    Undecided,
    /// Trusted without comparing anything, as the policy says.
    Blind,
    /// The user has compared the fingerprint.
    Verified,
    /// The user does not want it: nothing is encrypted for it, not even an empty message.
    Distrusted,
}

impl Trust {
    /// Whether messages are encrypted for such a key.
    #[must_use]
    pub const fn allows_sending(self) -> bool {
        matches!(self, Self::Blind | Self::Verified)
    }

    pub(super) const fn code(self) -> u32 {
        match self {
            Self::Undecided => 0,
            Self::Blind => 1,
            Self::Verified => 2,
            Self::Distrusted => 3,
        }
    }

    /// What is not known is not trusted.
    pub(super) const fn from_code(code: u32) -> Self {
        match code {
            1 => Self::Blind,
            2 => Self::Verified,
            3 => Self::Distrusted,
            _ => Self::Undecided,
        }
    }
}

/// How keys that are seen for the first time come to be trusted.
#[derive(Clone)]
#[non_exhaustive]
pub enum TrustPolicy {
    /// Never by themselves.
    Manual,
    /// Those of the devices on the first device list that was seen of the account, and of accounts that
    /// wrote before they had one; later ones are undecided.
    FirstUse,
    /// Until a key of the account was verified; from then on new ones are undecided. The user should be
    /// told that nothing was compared.
    BlindUntilVerified,
    /// As the application says. It is asked within an operation, and again if that has to begin anew
    /// as somebody else has written: it should say the same again, and write to the store neither itself
    /// nor by way of a handle of the account.
    Custom(Arc<dyn Fn(&NewKey<'_>) -> Trust + Send + Sync>),
}

impl fmt::Debug for TrustPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manual => "Manual",
            Self::FirstUse => "FirstUse",
            Self::BlindUntilVerified => "BlindUntilVerified",
            Self::Custom(_) => "Custom(..)",
        })
    }
}

/// A key that is seen for the first time.
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    /// Whose it is.
    pub jid: &'a BareJid,
    /// The device that shows it.
    pub device: DeviceId,
    /// The key.
    pub fingerprint: Fingerprint,
    /// Whether it is one of the account's own devices.
    pub is_own: bool,
    /// Whether the device is one of those that were there from the beginning.
    pub is_first: bool,
    /// Whether a key of the account was verified before.
    pub has_verified: bool,
}

/// A key and what is thought of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The key.
    pub fingerprint: Fingerprint,
    /// What is thought of it.
    pub trust: Trust,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was last decided about; `None` if the policy did.
    pub decided: Option<Timestamp>,
}

impl Account {
    /// The keys of an account that are known, and what is thought of them.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn keys(&self, jid: &BareJid) -> Result<Vec<KnownKey>, AccountError> {
        self.read(|tx| {
            let mut keys = Vec::new();
            for (sort, value) in tx.scan(&self.names.trusts(jid))? {
                let key = <[u8; 32]>::try_from(&*sort).map_err(|_| AccountError::Record)?;
                let record: TrustRecord = prost::Message::decode(value.as_slice())?;
                keys.push(KnownKey {
                    fingerprint: Fingerprint::from_bytes(key),
                    trust: Trust::from_code(record.trust),
                    first_seen: Timestamp::from_millis(record.first_seen),
                    decided: (record.decided > 0).then(|| Timestamp::from_millis(record.decided)),
                });
            }
            Ok(keys)
        })
    }

    /// What is thought of a key; undecided if it was never seen.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn trust(&self, jid: &BareJid, key: &Fingerprint) -> Result<Trust, AccountError> {
        self.read(|tx| Ok(self.known_trust(tx, jid, key)?.unwrap_or(Trust::Undecided)))
    }

    /// Says what the user thinks of a key. It may be one that was not seen yet, as when its
    /// fingerprint was scanned.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn set_trust(
        &self,
        jid: &BareJid,
        key: &Fingerprint,
        trust: Trust,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.run(|tx| self.put_trust(tx, jid, key, trust, now))
    }

    pub(super) fn put_trust(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        key: &Fingerprint,
        trust: Trust,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let contact = self.contact(tx, jid)?;
        self.store_contact(tx, jid, contact, now);
        let name = self.names.trust(jid, key.as_bytes());
        let mut record: TrustRecord = records::find(tx, &name)?.unwrap_or(TrustRecord {
            first_seen: now.as_millis(),
            ..TrustRecord::default()
        });
        record.trust = trust.code();
        record.decided = now.as_millis();
        records::write(tx, name, &record);
        Ok(())
    }

    /// Notes a key that the user has to decide about, whatever the policy.
    pub(super) fn note_key(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        key: &Fingerprint,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if self.known_trust(tx, jid, key)?.is_none() {
            let record = TrustRecord {
                trust: Trust::Undecided.code(),
                first_seen: now.as_millis(),
                decided: 0,
            };
            records::write(tx, self.names.trust(jid, key.as_bytes()), &record);
        }
        Ok(())
    }

    pub(super) fn known_trust(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        key: &Fingerprint,
    ) -> Result<Option<Trust>, AccountError> {
        let record: Option<TrustRecord> =
            records::find(tx, &self.names.trust(jid, key.as_bytes()))?;
        Ok(record.map(|record| Trust::from_code(record.trust)))
    }

    /// What is thought of a key; one that is new is put down as the policy says.
    pub(super) fn meet_key(
        &self,
        tx: &mut Transaction<'_>,
        key: &Fingerprint,
        of: &Introduction<'_>,
        now: Timestamp,
    ) -> Result<(Trust, bool), AccountError> {
        if let Some(trust) = self.known_trust(tx, of.jid, key)? {
            return Ok((trust, false));
        }
        let mut has_verified = false;
        for (_, value) in tx.scan(&self.names.trusts(of.jid))? {
            let record: TrustRecord = prost::Message::decode(value.as_slice())?;
            has_verified |= Trust::from_code(record.trust) == Trust::Verified;
        }
        let is_own = of.jid == self.names.own();
        let trust = self.first_trust(&NewKey {
            jid: of.jid,
            device: of.device,
            fingerprint: *key,
            is_own,
            is_first: of.is_first,
            has_verified,
        });
        let record = TrustRecord {
            trust: trust.code(),
            first_seen: now.as_millis(),
            decided: 0,
        };
        records::write(tx, self.names.trust(of.jid, key.as_bytes()), &record);
        Ok((trust, true))
    }

    fn first_trust(&self, key: &NewKey<'_>) -> Trust {
        if key.fingerprint == self.fingerprint() {
            // Our own identity on another device of ours was carried there. Somebody else who shows it
            // cannot have it.
            return if key.is_own {
                Trust::Verified
            } else {
                Trust::Distrusted
            };
        }
        let policy = if key.is_own {
            &self.options.trust_own
        } else {
            &self.options.trust
        };
        match policy {
            TrustPolicy::FirstUse if key.is_first => Trust::Blind,
            TrustPolicy::BlindUntilVerified if !key.has_verified => Trust::Blind,
            TrustPolicy::Manual | TrustPolicy::FirstUse | TrustPolicy::BlindUntilVerified => {
                Trust::Undecided
            }
            TrustPolicy::Custom(decide) => decide(key),
        }
    }
}

/// The device that shows a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Introduction<'a> {
    pub(super) jid: &'a BareJid,
    pub(super) device: DeviceId,
    /// It is one of those that were there from the beginning.
    pub(super) is_first: bool,
}
