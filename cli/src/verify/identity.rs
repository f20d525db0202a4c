//! An identity as the vectors write it, and the recipient that it belongs to.

use omemo::crypto::{
    EdwardsSign, IdentityKeyPair, KeyPair, PreKeyPair, Role, SignedPreKeyPair, ed25519::Signature,
};
use omemo::model::{BareJid, DeviceId, Version};
use omemo::protocol;
use serde::Deserialize;

use super::bytes::{Fixed, Key, same};
use super::device::Device;
use super::sender;

/// A device's identity key, all of it.
#[derive(Debug, Deserialize)]
pub(super) struct Identity {
    curve25519_private: Key,
    ed25519_seed: Option<Key>,
    curve25519_public: Key,
    ed25519_public: Key,
}

impl Identity {
    /// The key pair, if all that the file says of it agrees.
    pub(super) fn key_pair(&self) -> Result<IdentityKeyPair, String> {
        let private = &self.curve25519_private;
        let pair = with_published(private, &self.ed25519_public);
        same(
            "Ed25519 form of the identity",
            &self.ed25519_public.0,
            pair.ed25519().as_bytes(),
        )?;
        same(
            "Curve25519 form of the identity",
            &self.curve25519_public.0,
            pair.curve25519().as_bytes(),
        )?;
        if let Some(seed) = &self.ed25519_seed {
            let seeded = IdentityKeyPair::from_seed(&seed.secret());
            same(
                "private key of the seed",
                &private.0,
                seeded.private().expose(),
            )?;
            same(
                "Curve25519 form of the seed's identity",
                &self.curve25519_public.0,
                seeded.curve25519().as_bytes(),
            )?;
        }
        Ok(pair)
    }
}

/// The identity of a private key, with the sign that its Ed25519 form is published with.
pub(super) fn with_published(private: &Key, ed25519: &Key) -> IdentityKeyPair {
    let natural = IdentityKeyPair::from_private(private.secret(), EdwardsSign::Natural);
    if *natural.ed25519().as_bytes() == ed25519.0 {
        natural
    } else {
        IdentityKeyPair::from_private(private.secret(), EdwardsSign::Zero)
    }
}

/// A key pair that is nobody's identity.
#[derive(Debug, Deserialize)]
pub(super) struct Pair {
    private: Key,
    public: Key,
}

impl Pair {
    /// The pair, if its halves belong together.
    pub(super) fn read<R: Role>(&self, what: &str) -> Result<KeyPair<R>, String> {
        let pair = KeyPair::from_private(self.private.secret());
        same(what, &self.public.0, pair.public().as_bytes())?;
        Ok(pair)
    }
}

/// A device under test: with all private keys.
#[derive(Debug, Deserialize)]
pub(super) struct Recipient {
    jid: String,
    device_id: u32,
    identity: Identity,
    signed_pre_keys: Vec<SignedPreKey>,
    pre_keys: Vec<PreKey>,
}

#[derive(Debug, Deserialize)]
struct SignedPreKey {
    id: u32,
    #[serde(flatten)]
    pair: Pair,
    signature: Fixed<64>,
}

#[derive(Debug, Deserialize)]
struct PreKey {
    id: u32,
    #[serde(flatten)]
    pair: Pair,
}

impl Recipient {
    pub(super) fn account(&self) -> Result<BareJid, String> {
        sender::account(&self.jid)
    }

    /// The device as it is before the first step, if all that the file says of it agrees.
    pub(super) fn device(&self, version: Version) -> Result<Device, String> {
        let id = DeviceId::new(self.device_id).ok_or("the device id is 0")?;
        let identity = self.identity.key_pair()?;
        let protocol = protocol::of(version);
        let mut device = Device::new(version, id, identity);
        for key in &self.signed_pre_keys {
            let pair: SignedPreKeyPair = key.pair.read("public half of a signed pre-key")?;
            let signature = Signature::from_bytes(key.signature.0);
            protocol
                .verify(&device.public_identity(), pair.public(), &signature)
                .map_err(|error| format!("signed pre-key {}: {error}", key.id))?;
            device.add_signed_pre_key(key.id, pair);
        }
        for key in &self.pre_keys {
            let pair: PreKeyPair = key.pair.read("public half of a pre-key")?;
            device.add_pre_key(key.id, pair);
        }
        Ok(device)
    }
}
