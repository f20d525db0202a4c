//! Legacy OMEMO: `eu.siacs.conversations.axolotl`, XEP-0384 0.3.0 over libsignal's version 3 messages.
//!
//! ```text
//! message      = 0x33 || protobuf || HMAC(auth, IK_sender || IK_receiver || 0x33 || protobuf)[0..8]
//! key exchange = 0x33 || protobuf                         (the message inside has the MAC)
//! payload      = AES-128-GCM(key, iv, body)               key material = key || tag
//! ```

use prost::Message;
use prost::bytes::{Buf, Bytes};
use zeroize::Zeroizing;

use super::message::check_ciphertext;
use super::wire::{Fields, LegacyKeyExchange, LegacyMessage, MAX_NUMBER, decode};
use super::{
    Direction, KeyExchange, KeyExchangeHead, KeyMaterial, Parties, Protocol, RatchetMessage,
    SealedPayload,
};
use crate::crypto::ed25519::Signature;
use crate::crypto::{
    IdentityKey, IdentityKeyPair, PublicKey, Role, Secret, SignedPreKeyPublic, aes, xeddsa,
};
use crate::error::{KeyError, MessageError, PayloadError, SignatureError};
use crate::model::Version;
use crate::ratchet::Header;

/// In front of every message: version 3, made by something that knows version 3.
const VERSION_BYTE: u8 = 0x33;
const MAC_LEN: usize = 8;

#[derive(Debug)]
pub(super) struct Legacy;

impl Protocol for Legacy {
    fn version(&self) -> Version {
        Version::Legacy
    }

    fn x3dh_info(&self) -> &'static [u8] {
        b"WhisperText"
    }

    fn root_info(&self) -> &'static [u8] {
        b"WhisperRatchet"
    }

    fn message_info(&self) -> &'static [u8] {
        b"WhisperMessageKeys"
    }

    fn identity(&self, pair: &IdentityKeyPair) -> IdentityKey {
        IdentityKey::Curve25519(*pair.curve25519())
    }

    fn stored_identity(&self, bytes: [u8; 32]) -> IdentityKey {
        IdentityKey::Curve25519(PublicKey::from_trusted(bytes))
    }

    fn sign(
        &self,
        identity: &IdentityKeyPair,
        key: &SignedPreKeyPublic,
        z: &Secret<64>,
    ) -> Signature {
        xeddsa::sign_with_sign_bit(identity, &encode(key), z)
    }

    fn verify(
        &self,
        identity: &IdentityKey,
        key: &SignedPreKeyPublic,
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        let IdentityKey::Curve25519(identity) = identity else {
            return Err(SignatureError);
        };
        xeddsa::verify(identity, &encode(key), signature)
    }

    fn associated_data<'a>(&self, parties: &'a Parties, direction: Direction) -> [&'a [u8]; 4] {
        let (sender, receiver) = match direction {
            Direction::Sending => (&parties.local, &parties.remote),
            Direction::Receiving => (&parties.remote, &parties.local),
        };
        let prefix = Version::Legacy.key_prefix();
        [prefix, sender.as_bytes(), prefix, receiver.as_bytes()]
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
        let mut wire = with_version(&LegacyMessage {
            ratchet_key: Some(encode(&header.dh).into()),
            counter: Some(header.n),
            previous_counter: Some(header.pn),
            ciphertext: Some(ciphertext.into()),
        });
        let mac = mac(&wire);
        wire.extend_from_slice(mac.expose().split_at(MAC_LEN).0);
        wire
    }

    fn read_message(&self, mut wire: Bytes) -> Result<RatchetMessage, MessageError> {
        let authenticated_len = wire
            .len()
            .checked_sub(MAC_LEN)
            .ok_or(MessageError::TooShort)?;
        let mac = wire.split_off(authenticated_len);
        let message: LegacyMessage = without_version(wire.clone())?;
        let ratchet_key = message
            .ratchet_key
            .ok_or(MessageError::Missing("ratchetKey"))?;
        let n = message.counter.ok_or(MessageError::Missing("counter"))?;
        // libsignal's readers do without it, and some senders leave out zeros.
        let pn = message.previous_counter.unwrap_or(0);
        let ciphertext = check_ciphertext(message.ciphertext)?;
        let (dh, canonical) = key("ratchetKey", &ratchet_key)?;
        Ok(RatchetMessage {
            version: Version::Legacy,
            header: Header { dh, pn, n },
            canonical,
            ciphertext,
            authenticated: wire,
            mac,
        })
    }

    fn write_key_exchange(&self, head: &KeyExchangeHead, message: Vec<u8>) -> Vec<u8> {
        with_version(&LegacyKeyExchange {
            pre_key_id: Some(head.pre_key_id),
            base_key: Some(encode(&head.ephemeral).into()),
            identity_key: Some(Version::Legacy.encode_key(head.identity.as_bytes()).into()),
            message: Some(message.into()),
            registration_id: Some(head.device_id),
            signed_pre_key_id: Some(head.signed_pre_key_id),
        })
    }

    fn read_key_exchange(&self, wire: Bytes) -> Result<KeyExchange, MessageError> {
        let exchange: LegacyKeyExchange = without_version(wire)?;
        let base_key = exchange.base_key.ok_or(MessageError::Missing("baseKey"))?;
        let identity = exchange
            .identity_key
            .ok_or(MessageError::Missing("identityKey"))?;
        let message = exchange.message.ok_or(MessageError::Missing("message"))?;
        let signed_pre_key_id = exchange
            .signed_pre_key_id
            .ok_or(MessageError::Missing("signedPreKeyId"))?;
        let identity = strip_type(&identity)
            .and_then(IdentityKey::unchecked_curve25519)
            .map_err(|error| MessageError::Key("identityKey", error))?;
        let (ephemeral, canonical) = key("baseKey", &base_key)?;
        Ok(KeyExchange {
            version: Version::Legacy,
            signed_pre_key_id,
            identity,
            ephemeral,
            canonical,
            message: self.read_message(message)?,
            pre_key_id: exchange.pre_key_id.ok_or(MessageError::NoPreKey)?,
        })
    }

    fn seal_payload(
        &self,
        plaintext: &[u8],
        random: &Secret<32>,
    ) -> Result<SealedPayload, PayloadError> {
        let mut key = Zeroizing::new([0; 16]);
        let mut iv = [0; 12];
        let (key_bytes, rest) = random.expose().split_at(16);
        key.copy_from_slice(key_bytes);
        iv.copy_from_slice(rest.split_at(12).0);

        let (ciphertext, tag) =
            aes::gcm_encrypt(&key, &iv, plaintext).map_err(|_| PayloadError::Authentication)?;
        let mut key_material = Zeroizing::new([0; 32]);
        let (left, right) = key_material.split_at_mut(16);
        left.copy_from_slice(key.as_slice());
        right.copy_from_slice(&tag);
        Ok(SealedPayload {
            key_material: KeyMaterial::new(key_material.as_slice()),
            iv: Some(iv),
            ciphertext,
        })
    }

    fn open_payload(
        &self,
        key_material: &KeyMaterial,
        iv: Option<&[u8]>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, PayloadError> {
        let (key, tag) = key_material
            .expose()
            .split_first_chunk::<16>()
            .ok_or(PayloadError::KeyMaterialLength)?;
        let tag = tag
            .try_into()
            .map_err(|_| PayloadError::KeyMaterialLength)?;
        open(key, iv, ciphertext, tag)
    }

    /// Clients' empty messages have keys of any length.
    fn needs_payload(&self, _: &KeyMaterial) -> bool {
        false
    }

    fn empty_key_material(&self, random: &Secret<32>) -> KeyMaterial {
        KeyMaterial::new(random.expose().split_at(16).0)
    }

    fn empty_iv(&self, random: &Secret<12>) -> Option<Vec<u8>> {
        Some(random.expose().to_vec())
    }

    fn max_key_len(&self, is_key_exchange: bool) -> usize {
        // Version, a key, two numbers, 48 bytes of ciphertext, the MAC.
        let message = 1 + 35 + 2 * MAX_NUMBER + 50 + MAC_LEN;
        if is_key_exchange {
            1 + 2 * 35 + 3 * MAX_NUMBER + 2 + message
        } else {
            message
        }
    }

    fn max_shared_device_id(&self) -> u32 {
        i32::MAX.unsigned_abs()
    }

    fn heals_after_failures(&self) -> bool {
        true
    }

    fn names_author(&self) -> bool {
        false
    }
}

/// Decrypts a payload of the form that was sent before the tag moved into the key material: 16 bytes of
/// key material, and the tag at the end of the payload.
///
/// Whoever else was sent this key can forge such a payload. It is no part of [`Protocol::open_payload`]
/// and is called by those alone who were told to accept it.
///
/// # Errors
/// See [`PayloadError`].
pub fn open_payload_with_tag_outside(
    key_material: &KeyMaterial,
    iv: &[u8],
    payload: &[u8],
) -> Result<Zeroizing<Vec<u8>>, PayloadError> {
    let key = key_material
        .expose()
        .try_into()
        .map_err(|_| PayloadError::KeyMaterialLength)?;
    let (ciphertext, tag) = payload
        .split_last_chunk::<16>()
        .ok_or(PayloadError::Authentication)?;
    open(key, Some(iv), ciphertext, tag)
}

fn open(
    key: &[u8; 16],
    iv: Option<&[u8]>,
    ciphertext: &[u8],
    tag: &[u8; 16],
) -> Result<Zeroizing<Vec<u8>>, PayloadError> {
    // Today's clients send 12 bytes, those before about 2020 sent 16.
    let iv = iv
        .filter(|iv| [12, 16].contains(&iv.len()))
        .ok_or(PayloadError::IvLength)?;
    aes::gcm_decrypt(key, iv, ciphertext, tag).map_err(|_| PayloadError::Authentication)
}

fn encode<R: Role>(key: &PublicKey<R>) -> Vec<u8> {
    Version::Legacy.encode_key(key.as_bytes())
}

fn strip_type(wire: &[u8]) -> Result<&[u8], KeyError> {
    Version::Legacy.strip_key_prefix(wire)
}

fn key<R: Role>(field: &'static str, wire: &[u8]) -> Result<(PublicKey<R>, bool), MessageError> {
    strip_type(wire)
        .and_then(PublicKey::reduce)
        .map_err(|error| MessageError::Key(field, error))
}

fn with_version(message: &impl Message) -> Vec<u8> {
    let mut wire = Vec::with_capacity(1 + message.encoded_len() + MAC_LEN);
    wire.push(VERSION_BYTE);
    wire.extend_from_slice(&message.encode_to_vec());
    wire
}

/// The low half of the version byte says what the sender knows besides, and is nobody's business.
fn without_version<M: Fields>(mut wire: Bytes) -> Result<M, MessageError> {
    let version = wire.try_get_u8().map_err(|_| MessageError::TooShort)?;
    if version >> 4 != VERSION_BYTE >> 4 {
        return Err(MessageError::Version(version));
    }
    decode(wire)
}
