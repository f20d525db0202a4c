//! Carrying an identity to another device: the key, and what the user thinks of others', without sessions.
//!
//! Sessions cannot be carried: two devices that send with the same keys lose messages. The other device
//! gets a device id of its own and shares the fingerprint.

use std::sync::Arc;

use prost::Message as _;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::records::{self, ContactRecord, TrustRecord};
use super::transaction::Transaction;
use super::{Account, AccountError, Options};
use crate::crypto::{EdwardsSign, IdentityKeyPair, Secret};
use crate::model::{BareJid, Timestamp};
use crate::store::Store;

const FORM: u8 = 1;

/// What is carried besides the key: form, sign of the Edwards form, private key and then this. The key is
/// no part of the protobuf, as prost reads bytes by way of a copy that it does not wipe.
#[derive(Clone, PartialEq, prost::Message)]
struct Carried {
    #[prost(message, repeated, tag = "1")]
    trusts: Vec<CarriedTrust>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CarriedTrust {
    #[prost(string, tag = "1")]
    jid: String,
    #[prost(bytes = "vec", tag = "2")]
    identity: Vec<u8>,
    #[prost(message, required, tag = "3")]
    record: TrustRecord,
    #[prost(bool, tag = "4")]
    accepted: bool,
}

impl Account {
    /// The identity key and all trust decisions, for [`Self::import_identity`]. Whoever has this is, to
    /// others, the user: encrypt it.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn export_identity(&self) -> Result<Zeroizing<Vec<u8>>, AccountError> {
        self.read(|tx| {
            let mut carried = Carried::default();
            for jid in self.contact_jids(tx)? {
                let accepted = self.contact(tx, &jid)?.accepted;
                for (identity, value) in tx.scan(&self.names.trusts(&jid))? {
                    carried.trusts.push(CarriedTrust {
                        jid: jid.as_str().to_owned(),
                        identity,
                        record: TrustRecord::decode(value.as_slice())?,
                        accepted,
                    });
                }
            }
            let mut exported = Zeroizing::new(Vec::with_capacity(34 + carried.encoded_len()));
            exported.push(FORM);
            exported.push(match self.own.identity.edwards_sign() {
                EdwardsSign::Natural => 0,
                EdwardsSign::Zero => 1,
            });
            exported.extend_from_slice(self.own.identity.private().expose());
            exported.extend_from_slice(&carried.encode_to_vec());
            Ok(exported)
        })
    }

    /// Makes the account in a store that does not have it, as a new device with the identity and the
    /// trust decisions of another.
    ///
    /// # Errors
    /// [`AccountError::Record`] if [`Self::export_identity`] did not write this, [`AccountError::Newer`]
    /// if that of a newer version did; [`AccountError::Gone`] if the store has the account already:
    /// [`Self::remove`] it before.
    pub fn import_identity<G: TryCryptoRng + ?Sized>(
        store: Arc<dyn Store>,
        jid: BareJid,
        options: Options,
        exported: &[u8],
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Self, AccountError> {
        let (&form, rest) = exported.split_first().ok_or(AccountError::Record)?;
        if form > FORM {
            return Err(AccountError::Newer);
        }
        let (&sign, rest) = rest.split_first().ok_or(AccountError::Record)?;
        let (private, rest) = rest.split_first_chunk().ok_or(AccountError::Record)?;
        let sign = match sign {
            0 => EdwardsSign::Natural,
            1 => EdwardsSign::Zero,
            _ => return Err(AccountError::Record),
        };
        let private = Secret::new(*private);
        let carried = Carried::decode(rest)?;
        let identity = IdentityKeyPair::from_private(private, sign);
        let mut trusts = Vec::new();
        for trust in &carried.trusts {
            let jid: BareJid = trust.jid.parse().map_err(|_| AccountError::Record)?;
            if trust.identity.len() != 32 {
                return Err(AccountError::Record);
            }
            trusts.push((jid, trust));
        }
        let brought = Brought { identity, trusts };
        Self::open_with(store, jid, options, Some(&brought), now, rng)
    }
}

/// What was carried, for a new account.
pub(super) struct Brought<'a> {
    pub(super) identity: IdentityKeyPair,
    trusts: Vec<(BareJid, &'a CarriedTrust)>,
}

impl Brought<'_> {
    /// Puts everything but the identity into the transaction that makes the account.
    pub(super) fn unpack(
        &self,
        account: &Account,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        for (jid, trust) in &self.trusts {
            let mut contact: ContactRecord = account.contact(tx, jid)?;
            contact.accepted |= trust.accepted;
            account.store_contact(tx, jid, contact, now);
            let name = account.names.trust(jid, &trust.identity);
            records::write(tx, name, &trust.record);
        }
        Ok(())
    }
}
