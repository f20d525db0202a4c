//! What differs between the versions of OMEMO, behind one trait.
//!
//! | | legacy | OMEMO 2 |
//! |---|---|---|
//! | identity key on the wire | `05`, Curve25519 | Ed25519 |
//! | other public keys | `05`, Curve25519 | Curve25519 |
//! | MAC | 8 bytes, appended | 16 bytes, a field |
//! | associated data | sender's, receiver's identity | initiator's, responder's identity |
//! | payload | AES-128-GCM | AES-256-CBC and HMAC |
//!
//! Above this module nobody asks which version it is.

mod key_exchange;
mod label;
mod legacy;
mod message;
mod omemo2;
mod payload;
mod wire;

use core::fmt;

use prost::bytes::Bytes;
use zeroize::Zeroizing;

use crate::crypto::ed25519::Signature;
use crate::crypto::{EphemeralPublicKey, IdentityKey, IdentityKeyPair, Secret, SignedPreKeyPublic};
use crate::error::{MessageError, PayloadError, SignatureError};
use crate::model::Version;
use crate::ratchet::Header;

pub use key_exchange::KeyExchange;
pub use label::{MAX_LABEL_CHARS, sign_label, verify_label};
pub use legacy::open_payload_with_tag_outside;
pub use message::{MAX_MESSAGE_LEN, RatchetMessage};
pub use payload::{KeyMaterial, SealedPayload, payload_commitment};

/// The protocol of a version.
#[must_use]
pub fn of(version: Version) -> &'static dyn Protocol {
    match version {
        Version::Legacy => &legacy::Legacy,
        Version::Omemo2 => &omemo2::Omemo2,
    }
}

/// The two ends of a session, whose identity keys are the associated data of each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parties {
    /// Own identity key, in the version's form.
    pub local: IdentityKey,
    /// Their identity key, in the version's form, as it arrived.
    pub remote: IdentityKey,
    /// Whether we are Alice, who started the session.
    pub local_is_initiator: bool,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From us to them.
    Sending,
    /// From them to us.
    Receiving,
}

/// One version of OMEMO.
///
/// Randomness comes in drawn already, so that the trait can be used as an object.
pub trait Protocol: fmt::Debug + Send + Sync + 'static {
    /// Which version this is.
    fn version(&self) -> Version;

    /// `info` of X3DH.
    fn x3dh_info(&self) -> &'static [u8];

    /// `info` of `KDF_RK`.
    fn root_info(&self) -> &'static [u8];

    /// `info` of the message keys.
    fn message_info(&self) -> &'static [u8];

    /// Our identity key in the form that this version publishes.
    fn identity(&self, pair: &IdentityKeyPair) -> IdentityKey;

    /// An identity key from its 32 bytes in a record of ours.
    fn stored_identity(&self, bytes: [u8; 32]) -> IdentityKey;

    /// Signs a signed pre-key; `z` is 64 fresh random bytes.
    fn sign(
        &self,
        identity: &IdentityKeyPair,
        key: &SignedPreKeyPublic,
        z: &Secret<64>,
    ) -> Signature;

    /// Verifies the signature of a signed pre-key.
    ///
    /// # Errors
    /// [`SignatureError`], whatever the reason.
    fn verify(
        &self,
        identity: &IdentityKey,
        key: &SignedPreKeyPublic,
        signature: &Signature,
    ) -> Result<(), SignatureError>;

    /// The associated data of a message, in parts.
    fn associated_data<'a>(&self, parties: &'a Parties, direction: Direction) -> [&'a [u8]; 4];

    /// The length of a message's MAC.
    fn mac_len(&self) -> usize;

    /// Writes a message; `mac` is asked for the MAC of the bytes that it covers besides the associated
    /// data, and its first [`Self::mac_len`] bytes are written.
    fn write_message(
        &self,
        header: &Header,
        ciphertext: Vec<u8>,
        mac: &dyn Fn(&[u8]) -> Secret<32>,
    ) -> Vec<u8>;

    /// Reads a message. Nothing of it is authentic yet.
    ///
    /// # Errors
    /// See [`MessageError`].
    fn read_message(&self, wire: Bytes) -> Result<RatchetMessage, MessageError>;

    /// Writes a key exchange around a message.
    fn write_key_exchange(&self, head: &KeyExchangeHead, message: Vec<u8>) -> Vec<u8>;

    /// Reads a key exchange and the message inside. Nothing of it is authentic yet.
    ///
    /// # Errors
    /// See [`MessageError`].
    fn read_key_exchange(&self, wire: Bytes) -> Result<KeyExchange, MessageError>;

    /// Encrypts a payload under a fresh key; `random` is 32 fresh random bytes.
    ///
    /// # Errors
    /// [`PayloadError::Authentication`] if the payload is longer than its cipher allows.
    fn seal_payload(
        &self,
        plaintext: &[u8],
        random: &Secret<32>,
    ) -> Result<SealedPayload, PayloadError>;

    /// Decrypts a payload. `iv` is what the stanza says, where it says something.
    ///
    /// # Errors
    /// See [`PayloadError`].
    fn open_payload(
        &self,
        key_material: &KeyMaterial,
        iv: Option<&[u8]>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, PayloadError>;

    /// Whether the key material is of a payload and of nothing else: an empty message has none like it.
    fn needs_payload(&self, key_material: &KeyMaterial) -> bool;

    /// What an empty message carries instead of key material; `random` is 32 fresh random bytes.
    fn empty_key_material(&self, random: &Secret<32>) -> KeyMaterial;

    /// What an empty message has for `<iv/>`, where the version demands one; `random` is fresh.
    fn empty_iv(&self, random: &Secret<12>) -> Option<Vec<u8>>;

    /// The most bytes that a `<key/>` has with the key material of a payload in it, before base64: a key
    /// exchange, or a message alone.
    fn max_key_len(&self, is_key_exchange: bool) -> usize;

    /// The largest device id that may stand in one stanza with those of others. There are legacy clients
    /// that read ids as signed 32-bit numbers, and drop the whole stanza if one of them is larger.
    fn max_shared_device_id(&self) -> u32;

    /// Whether clients replace a session on which decryption fails. XEP-0384 §7 forbids it since 0.4: whoever
    /// can garble messages could make everybody start anew all the time.
    fn heals_after_failures(&self) -> bool;

    /// Whether the content of a message has a place for who wrote it.
    fn names_author(&self) -> bool;
}

/// What a key exchange says in front of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyExchangeHead {
    /// The id of the responder's one-time pre-key.
    pub pre_key_id: u32,
    /// The id of the responder's signed pre-key.
    pub signed_pre_key_id: u32,
    /// The initiator's identity key.
    pub identity: IdentityKey,
    /// The initiator's ephemeral key.
    pub ephemeral: EphemeralPublicKey,
    /// The initiator's device id, where the version has a place for it.
    pub device_id: u32,
}
