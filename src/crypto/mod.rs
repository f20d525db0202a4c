//! The primitives, with a type for each role: keys on Curve25519 and Ed25519, their maps, XEdDSA,
//! key derivation, and the symmetric ciphers.
//!
//! The arithmetic comes from the dalek crates and RustCrypto; what is ours is which inputs are
//! refused. A public key that arrives is checked where it becomes a type ([`PublicKey::from_bytes`],
//! [`EdwardsKey::from_bytes`], [`IdentityKey`]). Those that arrive inside a message are read as X25519 reads
//! them, and judged once the message's MAC has verified; but for keys of small order, and for the identity in a
//! key exchange of OMEMO 2, which are refused before.
//!
//! Randomness is an argument ([`rand_core::TryCryptoRng`]); a generator that fails is an error.

pub mod aes;
pub mod dh;
pub mod ed25519;
mod identity;
mod identity_pair;
pub mod kdf;
mod keys;
pub mod passphrase;
mod rng;
mod secret;
pub mod siv;
pub mod xeddsa;

pub use identity::{EdwardsKey, IdentityKey};
pub use identity_pair::{EdwardsSign, IdentityKeyPair};
pub use keys::{
    Ephemeral, EphemeralKeyPair, EphemeralPublicKey, Identity, KeyPair, PreKey, PreKeyPair,
    PreKeyPublic, PublicKey, Ratchet, RatchetKeyPair, RatchetPublicKey, Role, SignedPreKey,
    SignedPreKeyPair, SignedPreKeyPublic,
};
pub use rng::random;
pub use secret::Secret;
