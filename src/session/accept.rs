//! Bob's side of the beginning.

use super::Session;
use crate::crypto::{IdentityKeyPair, PreKeyPair, SignedPreKeyPair};
use crate::error::DecryptError;
use crate::protocol::{self, KeyExchange, KeyMaterial, Parties};
use crate::ratchet::{Budget, BudgetError, Ratchet, RootKey, SkippedChanges, SkippedKeysInMemory};
use crate::x3dh::Responder;

/// The private keys that a key exchange names.
#[derive(Clone, Copy, Debug)]
pub struct ResponderKeys<'a> {
    /// Our identity.
    pub identity: &'a IdentityKeyPair,
    /// The signed pre-key of [`KeyExchange::signed_pre_key_id`].
    pub signed_pre_key: &'a SignedPreKeyPair,
    /// The one-time pre-key of [`KeyExchange::pre_key_id`], which nobody has used before.
    pub pre_key: &'a PreKeyPair,
}

/// A session that its first message has proved.
///
/// Whoever drops it instead of storing it leaves no trace: the one-time pre-key is still there.
#[derive(Debug)]
#[must_use = "the session is lost unless it is stored"]
pub struct Accepted {
    /// The session, past the first message.
    pub session: Session,
    /// The first message's plaintext.
    pub plaintext: KeyMaterial,
    /// Keys to put away, when the first message that came was not the first that was sent.
    pub skipped: SkippedChanges,
}

impl Session {
    /// Accepts a key exchange, if the message inside verifies (X3DH §3.4).
    ///
    /// A key exchange whose base key a session has already is for that session
    /// ([`Session::base_key`]); its message goes to [`Session::decrypt`]. Whether the identity is the one
    /// that is expected of this device is for the caller to compare, before and not after.
    ///
    /// # Errors
    /// See [`DecryptError`].
    pub fn accept(
        keys: &ResponderKeys<'_>,
        exchange: &KeyExchange,
        budget: &mut Budget,
    ) -> Result<Accepted, DecryptError> {
        let protocol = protocol::of(exchange.version());
        budget
            .take_dh_steps(4)
            .map_err(|BudgetError| DecryptError::Budget)?;
        let secret = Responder {
            identity: keys.identity,
            signed_pre_key: keys.signed_pre_key,
            pre_key: keys.pre_key,
            their_identity: exchange.identity(),
            their_ephemeral: exchange.ephemeral(),
        }
        .agree(protocol.x3dh_info())?;
        let mut session = Self::parts(
            protocol,
            Parties {
                local: protocol.identity(keys.identity),
                remote: *exchange.identity(),
                local_is_initiator: false,
            },
            *exchange.ephemeral(),
            None,
            Ratchet::responder(
                RootKey::new(secret.into_secret()),
                keys.signed_pre_key.in_role(),
            ),
        );
        let nothing_skipped = SkippedKeysInMemory::default();
        let (plaintext, skipped) = session
            .decrypt(exchange.message(), &nothing_skipped, budget)?
            .commit();
        exchange.check_keys()?;
        Ok(Accepted {
            session,
            plaintext,
            skipped,
        })
    }
}
