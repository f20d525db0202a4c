//! The identity key of this device.

use core::fmt;

use curve25519_dalek::{EdwardsPoint, Scalar};
use rand_core::TryCryptoRng;
use sha2::{Digest, Sha512};
use zeroize::Zeroize;

use super::keys::Identity;
use super::{EdwardsKey, PublicKey, Secret, random};
use crate::error::RngError;

/// Which of the two Edwards points over its u an identity publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdwardsSign {
    /// The sign that `scalar · B` has: python-omemo, picomemo, Conversations.
    Natural,
    /// Always the positive x, signing with the negated scalar if need be (XEdDSA §2.3): QXmpp, Gajim.
    Zero,
}

/// The long-term key pair of a device.
///
/// Legacy and OMEMO 2 share it, so that a device has one fingerprint. Signatures are made in
/// [`xeddsa`](super::xeddsa). The private halves are boxed, so that moving it leaves no copy behind.
#[derive(Clone)]
pub struct IdentityKeyPair {
    private: Box<Secret<32>>,
    curve: PublicKey<Identity>,
    edwards: EdwardsKey,
    /// The scalar that belongs to `edwards`: `private`, clamped, negated if the published sign asks.
    signing: Box<Secret<32>>,
}

/// Each try has one chance in two; a generator that fails so often in a row is broken.
const MAX_TRIES: usize = 128;

impl IdentityKeyPair {
    /// Draws a new identity whose natural sign is 0, so that every convention in the field agrees
    /// about its Edwards form.
    ///
    /// # Errors
    /// [`RngError`] when the generator fails, or is stuck on one value.
    pub fn generate<G: TryCryptoRng + ?Sized>(rng: &mut G) -> Result<Self, RngError> {
        for _ in 0..MAX_TRIES {
            let pair = Self::from_private(random(rng)?, EdwardsSign::Natural);
            if !pair.edwards_sign_bit() {
                return Ok(pair);
            }
        }
        Err(RngError)
    }

    /// The identity of a Curve25519 private key, published with the sign that its peers know.
    #[must_use]
    pub fn from_private(private: Secret<32>, sign: EdwardsSign) -> Self {
        let clamped = Secret::new(clamp(*private.expose()));
        let point = EdwardsPoint::mul_base_clamped(*private.expose());
        let mut edwards = point.compress().to_bytes();
        let mut signing = clamped;
        if sign == EdwardsSign::Zero && edwards[31] >> 7 == 1 {
            edwards[31] &= 0x7f;
            // Not clamp-stable: good for signing, never for X25519.
            let mut scalar = Scalar::from_bytes_mod_order(*signing.expose());
            signing = Secret::new((-scalar).to_bytes());
            scalar.zeroize();
        }
        Self {
            private: Box::new(private),
            curve: PublicKey::from_trusted(point.to_montgomery().to_bytes()),
            edwards: EdwardsKey::from_trusted(edwards),
            signing: Box::new(signing),
        }
    }

    /// The identity of an Ed25519 seed (RFC 8032 §5.1.5), as python-omemo keeps it. Sign: natural.
    #[must_use]
    pub fn from_seed(seed: &Secret<32>) -> Self {
        let mut hash: [u8; 64] = Sha512::digest(seed.expose()).into();
        let mut private = Secret::new([0; 32]);
        private.expose_mut().copy_from_slice(hash.split_at(32).0);
        hash.zeroize();
        *private.expose_mut() = clamp(*private.expose());
        Self::from_private(private, EdwardsSign::Natural)
    }

    /// The Curve25519 form.
    #[must_use]
    pub const fn curve25519(&self) -> &PublicKey<Identity> {
        &self.curve
    }

    /// The Ed25519 form, with the sign that this identity publishes.
    #[must_use]
    pub const fn ed25519(&self) -> &EdwardsKey {
        &self.edwards
    }

    /// The private scalar, for storing it. It makes the same identity again only together with
    /// [`Self::edwards_sign`].
    #[must_use]
    pub fn private(&self) -> &Secret<32> {
        &self.private
    }

    /// The choice that gives this identity its Edwards form when it is made again.
    #[must_use]
    pub fn edwards_sign(&self) -> EdwardsSign {
        if self.edwards_sign_bit() {
            EdwardsSign::Natural
        } else {
            EdwardsSign::Zero
        }
    }

    pub(super) const fn edwards_sign_bit(&self) -> bool {
        self.edwards.as_bytes()[31] >> 7 == 1
    }

    pub(super) fn signing(&self) -> &Secret<32> {
        &self.signing
    }
}

impl fmt::Debug for IdentityKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKeyPair({:?}, private: ..)", self.curve)
    }
}

/// RFC 7748 §5: a multiple of the cofactor, of fixed length.
const fn clamp(mut scalar: [u8; 32]) -> [u8; 32] {
    scalar[0] &= 0b1111_1000;
    scalar[31] &= 0b0111_1111;
    scalar[31] |= 0b0100_0000;
    scalar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::IdentityKey;

    struct Stuck(u8);
    impl rand_core::TryRng for Stuck {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(u32::from(self.0))
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(u64::from(self.0))
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(self.0);
            Ok(())
        }
    }
    impl rand_core::TryCryptoRng for Stuck {}

    #[test]
    fn a_new_identity_has_sign_zero_and_a_stuck_generator_ends() {
        let outcomes: Vec<bool> = (0..16)
            .map(|value| match IdentityKeyPair::generate(&mut Stuck(value)) {
                Ok(pair) => {
                    assert!(!pair.edwards_sign_bit());
                    true
                }
                Err(RngError) => false,
            })
            .collect();
        assert!(outcomes.contains(&true) && outcomes.contains(&false));
    }

    #[test]
    fn both_signs_share_one_fingerprint_and_survive_being_stored() {
        for value in 0..8 {
            let private = Secret::new([value; 32]);
            let natural = IdentityKeyPair::from_private(private.clone(), EdwardsSign::Natural);
            let zero = IdentityKeyPair::from_private(private, EdwardsSign::Zero);
            assert_eq!(natural.curve25519(), zero.curve25519());
            assert!(!zero.edwards_sign_bit());
            for pair in [&natural, &zero] {
                let again =
                    IdentityKeyPair::from_private(pair.private().clone(), pair.edwards_sign());
                assert_eq!(again.ed25519(), pair.ed25519());
                assert_eq!(&pair.ed25519().to_curve25519(), pair.curve25519());
                assert!(EdwardsKey::from_bytes(*pair.ed25519().as_bytes()).is_ok());
                assert!(IdentityKey::from_curve25519(pair.curve25519().as_bytes()).is_ok());
            }
        }
    }

    #[test]
    fn debug_shows_no_private_byte() {
        let pair = IdentityKeyPair::from_private(Secret::new([0xcd; 32]), EdwardsSign::Natural);
        let text = format!("{pair:?}");
        assert!(
            text.ends_with("private: ..)") && !text.contains("cdcd"),
            "{text}"
        );
    }
}
