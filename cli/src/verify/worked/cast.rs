//! Who takes part, and their keys.

use omemo::crypto::{KeyPair, RatchetKeyPair, Role, Secret};
use omemo::model::{DeviceId, PreKeyId, SignedPreKeyId, Version};
use omemo::protocol::{self, Protocol};
use serde::Deserialize;

use super::super::bytes::Fixed;
use super::super::file::{ProtocolName, from_json};
use super::super::identity::with_published;
use super::super::transcript::Transcript;
use super::super::x3dh::Agreement;
use super::super::xeddsa::compare_fingerprint;

#[derive(Deserialize)]
struct Head {
    protocol: ProtocolName,
}

/// Alice, who starts, and Bob, whose bundle she has.
pub(super) struct Cast {
    pub(super) keys: Agreement,
    pub(super) alice_ratchet: Vec<RatchetKeyPair>,
    pub(super) bob_ratchet: Vec<RatchetKeyPair>,
    pub(super) alice_device: DeviceId,
    pub(super) bob_device: DeviceId,
    pub(super) signed_pre_key_id: SignedPreKeyId,
    pub(super) pre_key_id: PreKeyId,
}

impl Cast {
    pub(super) fn read(text: &str, values: &mut Transcript<'_>) -> Result<Self, String> {
        let version = Version::from(from_json::<Head>(text)?.protocol);
        values.compare_text("version", version.namespace());
        let cast = Self {
            keys: Agreement {
                version,
                alice: identity("alice", values)?,
                ephemeral: pair("alice_ephemeral", values)?,
                bob: identity("bob", values)?,
                signed_pre_key: pair("bob_signed_prekey", values)?,
                pre_key: pair("bob_one_time_prekey", values)?,
            },
            alice_ratchet: pairs("alice_ratchet", values)?,
            bob_ratchet: pairs("bob_ratchet", values)?,
            alice_device: id("alice_device_id", DeviceId::new, values)?,
            bob_device: id("bob_device_id", DeviceId::new, values)?,
            signed_pre_key_id: id("spk_id", SignedPreKeyId::new, values)?,
            pre_key_id: id("opk_id", PreKeyId::new, values)?,
        };
        let (alice, bob) = cast.keys.identities();
        for (who, key) in [("alice", alice), ("bob", bob)] {
            let path = format!("fingerprint.{who}");
            let expected = values.text(&path)?;
            values.add(&path, compare_fingerprint(&expected, &key));
        }
        Ok(cast)
    }

    pub(super) const fn version(&self) -> Version {
        self.keys.version
    }

    pub(super) fn protocol(&self) -> &'static dyn Protocol {
        protocol::of(self.version())
    }

    /// The ratchet key pair with that public half, and whether it is Alice's.
    pub(super) fn ratchet_key(&self, public: &[u8; 32]) -> Result<(&RatchetKeyPair, bool), String> {
        let of_alice = self.alice_ratchet.iter().map(|pair| (pair, true));
        let mut all = of_alice.chain(self.bob_ratchet.iter().map(|pair| (pair, false)));
        all.find(|(pair, _)| pair.public().as_bytes() == public)
            .ok_or_else(|| "the ratchet key is nobody's".to_owned())
    }
}

fn identity(
    who: &str,
    values: &mut Transcript<'_>,
) -> Result<omemo::crypto::IdentityKeyPair, String> {
    let ed25519 = format!("public_identity_ed25519.{who}");
    let private = Fixed(values.fixed(&format!("private_keys.{who}_identity"))?);
    let pair = with_published(&private, &Fixed(values.fixed(&ed25519)?));
    values.compare(&ed25519, pair.ed25519().as_bytes());
    let curve = pair.curve25519().as_bytes();
    values.compare(&format!("public_keys_curve25519.{who}_identity"), curve);
    Ok(pair)
}

fn pair<R: Role>(name: &str, values: &mut Transcript<'_>) -> Result<KeyPair<R>, String> {
    let private = Secret::new(values.fixed(&format!("private_keys.{name}"))?);
    let pair = KeyPair::from_private(private);
    values.compare(
        &format!("public_keys_curve25519.{name}"),
        pair.public().as_bytes(),
    );
    Ok(pair)
}

fn pairs(name: &str, values: &mut Transcript<'_>) -> Result<Vec<RatchetKeyPair>, String> {
    (0..values.count(&format!("private_keys.{name}")))
        .map(|index| pair(&format!("{name}.{index}"), values))
        .collect()
}

fn id<T>(
    name: &str,
    new: impl Fn(u32) -> Option<T>,
    values: &mut Transcript<'_>,
) -> Result<T, String> {
    let number = values.number(&format!("ids.{name}"))?;
    new(number).ok_or_else(|| format!("ids.{name} is 0"))
}
