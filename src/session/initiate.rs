//! Alice's side of the beginning.

use rand_core::TryCryptoRng;

use super::{Session, Unanswered};
use crate::crypto::{EphemeralKeyPair, IdentityKeyPair};
use crate::error::InitiateError;
use crate::model::{Bundle, DeviceId};
use crate::protocol::{self, Parties};
use crate::ratchet::{Ratchet, RootKey};
use crate::x3dh::Initiator;

impl Session {
    /// Starts a session with the device that published `bundle` (X3DH §3.3). The bundle's signature is
    /// verified first; one of its pre-keys is drawn. `device` is our own device id.
    ///
    /// Nothing is sent by this: the first [`Session::encrypt`] makes the key exchange.
    ///
    /// # Errors
    /// See [`InitiateError`]. A bundle with a bad signature is unusable; there is nothing to fall back to.
    pub fn initiate<G: TryCryptoRng + ?Sized>(
        identity: &IdentityKeyPair,
        device: DeviceId,
        bundle: &Bundle,
        rng: &mut G,
    ) -> Result<Self, InitiateError> {
        let protocol = protocol::of(bundle.version);
        bundle.identity.check()?;
        protocol.verify(&bundle.identity, &bundle.signed_pre_key, &bundle.signature)?;
        let pre_key = bundle.draw_pre_key(rng)?.ok_or(InitiateError::NoPreKey)?;
        let ephemeral = EphemeralKeyPair::generate(rng)?;
        let secret = Initiator {
            identity,
            ephemeral: &ephemeral,
            their_identity: &bundle.identity,
            their_signed_pre_key: &bundle.signed_pre_key,
            their_pre_key: &pre_key.key,
        }
        .agree(protocol.x3dh_info())?;
        Ok(Self::parts(
            protocol,
            Parties {
                local: protocol.identity(identity),
                remote: bundle.identity,
                local_is_initiator: true,
            },
            *ephemeral.public(),
            Some(Unanswered {
                pre_key_id: pre_key.id.get(),
                signed_pre_key_id: bundle.signed_pre_key_id.get(),
                device_id: device.get(),
            }),
            Ratchet::initiator(
                RootKey::new(secret.into_secret()),
                bundle.signed_pre_key.in_role(),
            ),
        ))
    }
}
