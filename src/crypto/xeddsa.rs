//! Signatures with a Curve25519 identity key (the XEdDSA paper, §2 to §4, and what libsignal does).
//!
//! ```text
//! r = SHA-512(FE FF^31 || a || M || Z) mod L        Z: 64 random bytes
//! R = rB,  h = SHA-512(R || A || M) mod L,  s = r + ha mod L,  signature = R || s
//! ```
//!
//! The paper makes the sign of A zero by negating `a`. libsignal leaves `a` alone and writes the sign
//! into bit 7 of byte 63, which the legacy verifier reads back. [`sign`] covers both, because an
//! [`IdentityKeyPair`] knows the sign that it publishes.

use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use super::ed25519::{self, Signature};
use super::keys::{Identity, PublicKey};
use super::{IdentityKeyPair, Secret};
use crate::error::SignatureError;

/// Signs `message`: an Ed25519 signature that verifies under [`IdentityKeyPair::ed25519`].
///
/// The key pair is the only key argument, so nobody can make it sign under another's public key. `z`
/// is 64 fresh random bytes ([`random`](super::random)).
#[must_use]
pub fn sign(identity: &IdentityKeyPair, message: &[u8], z: &Secret<64>) -> Signature {
    let public = identity.ed25519().as_bytes();
    let mut a = Scalar::from_bytes_mod_order(*identity.signing().expose());

    let nonce = Sha512::new()
        .chain_update(NONCE_PREFIX)
        .chain_update(identity.signing().expose())
        .chain_update(message)
        .chain_update(z.expose());
    let mut r = scalar(nonce);
    let big_r = EdwardsPoint::mul_base(&r).compress();
    let h = scalar(
        Sha512::new()
            .chain_update(big_r.as_bytes())
            .chain_update(public)
            .chain_update(message),
    );
    let s = r + h * a;
    r.zeroize();
    a.zeroize();

    let mut signature = [0; 64];
    let (left, right) = signature.split_at_mut(32);
    left.copy_from_slice(big_r.as_bytes());
    right.copy_from_slice(s.as_bytes());
    Signature::from_bytes(signature)
}

/// Signs `message` for a verifier that knows the Curve25519 form only: the sign of the Edwards form
/// goes along in bit 7 of byte 63. See [`verify`].
#[must_use]
pub fn sign_with_sign_bit(identity: &IdentityKeyPair, message: &[u8], z: &Secret<64>) -> Signature {
    sign(identity, message, z).with_top_bit(identity.edwards_sign_bit())
}

/// Verifies a signature with an identity key of which only the Curve25519 form is known: the sign of
/// its Edwards form is read from bit 7 of byte 63, and that bit cleared, before Ed25519 is applied.
///
/// # Errors
/// [`SignatureError`], whatever the reason.
pub fn verify(
    key: &PublicKey<Identity>,
    message: &[u8],
    signature: &Signature,
) -> Result<(), SignatureError> {
    let point = MontgomeryPoint(*key.as_bytes())
        .to_edwards(u8::from(signature.top_bit()))
        .ok_or(SignatureError)?;
    let key = VerifyingKey::from(point);
    ed25519::verify_strict(&key, message, &signature.with_top_bit(false))
}

/// 2^256 - 2, little-endian: the prefix of the paper's hash_1, which no scalar can collide with.
const NONCE_PREFIX: [u8; 32] = {
    let mut prefix = [0xff; 32];
    prefix[0] = 0xfe;
    prefix
};

fn scalar(hash: Sha512) -> Scalar {
    let wide = Zeroizing::new(<[u8; 64]>::from(hash.finalize()));
    Scalar::from_bytes_mod_order_wide(&wide)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::EdwardsSign;

    /// Two messages under one Z must not share R: the nonce depends on the message as well.
    #[test]
    fn a15_a_stuck_generator_does_not_repeat_the_nonce() {
        let identity = IdentityKeyPair::from_private(Secret::new([5; 32]), EdwardsSign::Natural);
        let z = Secret::new([0; 64]);
        let (one, two) = (sign(&identity, b"one", &z), sign(&identity, b"two", &z));
        assert_ne!(one.as_bytes()[..32], two.as_bytes()[..32]);
    }

    #[test]
    fn a14_both_forms_verify_and_a_flipped_sign_bit_does_not() {
        for value in 0..20 {
            for form in [EdwardsSign::Natural, EdwardsSign::Zero] {
                let identity = IdentityKeyPair::from_private(Secret::new([value; 32]), form);
                let z = Secret::new([value; 64]);
                let plain = sign(&identity, b"key", &z);
                assert!(ed25519::verify(identity.ed25519(), b"key", &plain).is_ok());

                let marked = plain.with_top_bit(identity.edwards_sign_bit());
                assert!(verify(identity.curve25519(), b"key", &marked).is_ok());
                let flipped = marked.with_top_bit(!identity.edwards_sign_bit());
                assert!(verify(identity.curve25519(), b"key", &flipped).is_err());
            }
        }
    }
}
