//! OMEMO 2: `urn:xmpp:omemo:2`, XEP-0384 0.9.1 §4.
//!
//! ```text
//! message      = OMEMOAuthenticatedMessage { mac, message: OMEMOMessage }
//! mac          = HMAC(auth, IK_A || IK_B || message)[0..16]     A started the session, whoever sends
//! key exchange = OMEMOKeyExchange { pk_id, spk_id, ik, ek, message }
//! payload      = AES-256-CBC(enc, iv, envelope), HMAC(auth, payload)[0..16] = tag
//!                enc || auth || iv = HKDF(0^32, key, "OMEMO Payload", 80);  key material = key || tag
//! ```

use prost::Message;
use prost::bytes::Bytes;
use zeroize::Zeroizing;

use super::message::check_ciphertext;
use super::wire::{MAX_NUMBER, OmemoAuthenticatedMessage, OmemoKeyExchange, OmemoMessage, decode};
use super::{
    Direction, KeyExchange, KeyExchangeHead, KeyMaterial, Parties, Protocol, RatchetMessage,
    SealedPayload,
};
use crate::crypto::ed25519::{self, Signature};
use crate::crypto::kdf::{self, HmacKey};
use crate::crypto::{
    EdwardsKey, IdentityKey, IdentityKeyPair, PublicKey, Role, Secret, SignedPreKeyPublic, aes,
    xeddsa,
};
use crate::error::{MessageError, PayloadError, SignatureError};
use crate::model::Version;
use crate::ratchet::{Header, MessageKeys};

const MAC_LEN: usize = 16;

/// Of a payload: its key and its tag.
const KEY_MATERIAL_LEN: usize = 48;

#[derive(Debug)]
pub(super) struct Omemo2;

impl Protocol for Omemo2 {
    fn version(&self) -> Version {
        Version::Omemo2
    }

    fn x3dh_info(&self) -> &'static [u8] {
        b"OMEMO X3DH"
    }

    fn root_info(&self) -> &'static [u8] {
        b"OMEMO Root Chain"
    }

    fn message_info(&self) -> &'static [u8] {
        b"OMEMO Message Key Material"
    }

    fn identity(&self, pair: &IdentityKeyPair) -> IdentityKey {
        IdentityKey::Ed25519(*pair.ed25519())
    }

    fn stored_identity(&self, bytes: [u8; 32]) -> IdentityKey {
        IdentityKey::Ed25519(EdwardsKey::from_trusted(bytes))
    }

    fn sign(
        &self,
        identity: &IdentityKeyPair,
        key: &SignedPreKeyPublic,
        z: &Secret<64>,
    ) -> Signature {
        xeddsa::sign(identity, key.as_bytes(), z)
    }

    fn verify(
        &self,
        identity: &IdentityKey,
        key: &SignedPreKeyPublic,
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        match identity {
            IdentityKey::Ed25519(identity) => ed25519::verify(identity, key.as_bytes(), signature),
            IdentityKey::Curve25519(_) => Err(SignatureError),
        }
    }

    fn associated_data<'a>(&self, parties: &'a Parties, _: Direction) -> [&'a [u8]; 4] {
        let (initiator, responder) = if parties.local_is_initiator {
            (&parties.local, &parties.remote)
        } else {
            (&parties.remote, &parties.local)
        };
        [initiator.as_bytes(), responder.as_bytes(), &[], &[]]
    }

    fn mac_len(&self) -> usize {
        MAC_LEN
    }

    fn write_message(
        &self,
        header: &Header,
        ciphertext: Vec<u8>,
        mac: &dyn Fn(&[u8]) -> Secret<32>,
    ) -> Vec<u8> {
        let message = OmemoMessage {
            n: Some(header.n),
            pn: Some(header.pn),
            dh_pub: Some(Bytes::copy_from_slice(header.dh.as_bytes())),
            ciphertext: Some(ciphertext.into()),
        }
        .encode_to_vec();
        let mac = mac(&message);
        OmemoAuthenticatedMessage {
            mac: Some(Bytes::copy_from_slice(mac.expose().split_at(MAC_LEN).0)),
            message: Some(message.into()),
        }
        .encode_to_vec()
    }

    fn read_message(&self, wire: Bytes) -> Result<RatchetMessage, MessageError> {
        let outer: OmemoAuthenticatedMessage = decode(wire)?;
        let mac = outer.mac.ok_or(MessageError::Missing("mac"))?;
        let authenticated = outer.message.ok_or(MessageError::Missing("message"))?;
        let message: OmemoMessage = decode(authenticated.clone())?;
        let dh_pub = message.dh_pub.ok_or(MessageError::Missing("dh_pub"))?;
        let n = message.n.ok_or(MessageError::Missing("n"))?;
        let pn = message.pn.ok_or(MessageError::Missing("pn"))?;
        let ciphertext = check_ciphertext(message.ciphertext)?;
        let (dh, canonical) = key("dh_pub", &dh_pub)?;
        Ok(RatchetMessage {
            version: Version::Omemo2,
            header: Header { dh, pn, n },
            canonical,
            ciphertext,
            authenticated,
            mac,
        })
    }

    fn write_key_exchange(&self, head: &KeyExchangeHead, message: Vec<u8>) -> Vec<u8> {
        OmemoKeyExchange {
            pk_id: Some(head.pre_key_id),
            spk_id: Some(head.signed_pre_key_id),
            ik: Some(Bytes::copy_from_slice(head.identity.as_bytes())),
            ek: Some(Bytes::copy_from_slice(head.ephemeral.as_bytes())),
            message: Some(message.into()),
        }
        .encode_to_vec()
    }

    fn read_key_exchange(&self, wire: Bytes) -> Result<KeyExchange, MessageError> {
        let exchange: OmemoKeyExchange = decode(wire)?;
        let signed_pre_key_id = exchange.spk_id.ok_or(MessageError::Missing("spk_id"))?;
        let identity = exchange.ik.ok_or(MessageError::Missing("ik"))?;
        let ephemeral = exchange.ek.ok_or(MessageError::Missing("ek"))?;
        let message = exchange.message.ok_or(MessageError::Missing("message"))?;
        let identity =
            IdentityKey::from_ed25519(&identity).map_err(|error| MessageError::Key("ik", error))?;
        let (ephemeral, canonical) = key("ek", &ephemeral)?;
        Ok(KeyExchange {
            version: Version::Omemo2,
            signed_pre_key_id,
            identity,
            ephemeral,
            canonical,
            message: self.read_message(message)?,
            pre_key_id: exchange.pk_id.ok_or(MessageError::NoPreKey)?,
        })
    }

    fn seal_payload(
        &self,
        plaintext: &[u8],
        random: &Secret<32>,
    ) -> Result<SealedPayload, PayloadError> {
        let keys = payload_keys(random.expose());
        let ciphertext = aes::cbc_encrypt(&keys.encryption, &keys.iv, plaintext);
        let tag = HmacKey::new(&keys.authentication).mac(&[&ciphertext]);
        let mut key_material = Zeroizing::new([0; KEY_MATERIAL_LEN]);
        let (left, right) = key_material.split_at_mut(32);
        left.copy_from_slice(random.expose());
        right.copy_from_slice(tag.expose().split_at(MAC_LEN).0);
        Ok(SealedPayload {
            key_material: KeyMaterial::new(key_material.as_slice()),
            iv: None,
            ciphertext,
        })
    }

    fn open_payload(
        &self,
        key_material: &KeyMaterial,
        _: Option<&[u8]>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, PayloadError> {
        let (key, tag) = key_material
            .expose()
            .split_first_chunk::<32>()
            .ok_or(PayloadError::KeyMaterialLength)?;
        if tag.len() != MAC_LEN {
            return Err(PayloadError::KeyMaterialLength);
        }
        let keys = payload_keys(key);
        let hmac = HmacKey::new(&keys.authentication);
        if !hmac.verify_truncated(&[ciphertext], tag, MAC_LEN) {
            return Err(PayloadError::Authentication);
        }
        aes::cbc_decrypt(&keys.encryption, &keys.iv, ciphertext)
            .map_err(|_| PayloadError::Authentication)
    }

    fn needs_payload(&self, key_material: &KeyMaterial) -> bool {
        key_material.expose().len() == KEY_MATERIAL_LEN
    }

    fn empty_key_material(&self, _: &Secret<32>) -> KeyMaterial {
        KeyMaterial::new(&[0; 32])
    }

    fn empty_iv(&self, _: &Secret<12>) -> Option<Vec<u8>> {
        None
    }

    fn max_key_len(&self, is_key_exchange: bool) -> usize {
        // Two numbers, a key, 64 bytes of ciphertext; the MAC and the length of it all.
        let message = 2 * MAX_NUMBER + 34 + 66 + MAC_LEN + 2 + 2;
        if is_key_exchange {
            2 * MAX_NUMBER + 2 * 34 + 3 + message
        } else {
            message
        }
    }

    fn max_shared_device_id(&self) -> u32 {
        u32::MAX
    }

    fn heals_after_failures(&self) -> bool {
        false
    }

    fn names_author(&self) -> bool {
        true
    }
}

fn payload_keys(key: &[u8; 32]) -> MessageKeys {
    MessageKeys::from_bytes(kdf::hkdf::<80>(&[key], b"OMEMO Payload").expose())
}

fn key<R: Role>(field: &'static str, wire: &[u8]) -> Result<(PublicKey<R>, bool), MessageError> {
    PublicKey::reduce(wire).map_err(|error| MessageError::Key(field, error))
}
