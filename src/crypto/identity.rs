//! The identity key of a device: one key pair, two public forms.
//!
//! Legacy sends the Curve25519 form, OMEMO 2 the Ed25519 form (XEP-0384 §4.3, "Encode(PK)"). The
//! birational map of RFC 7748 §4.1 takes one to the other but for a bit: each u belongs to two
//! Edwards points, which differ in the sign of x. Which of the two a device publishes is part of its
//! identity, as the encoding goes into associated data and is never derived again.

use core::fmt;

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};

use super::PublicKey;
use super::dh::Point;
use super::keys::{Identity, is_canonical};
use crate::error::KeyError;

/// An identity key as it came: in the form that its version of OMEMO sends.
///
/// Equality is of the form and its bytes. The two Edwards keys over one u share a fingerprint and are
/// two identities nevertheless.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdentityKey {
    /// The u-coordinate, as legacy sends it.
    Curve25519(PublicKey<Identity>),
    /// The Ed25519 encoding, as OMEMO 2 sends it.
    Ed25519(EdwardsKey),
}

impl IdentityKey {
    /// Checks a Curve25519 identity key.
    ///
    /// # Errors
    /// [`KeyError`], whatever is wrong with it.
    pub fn from_curve25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = Self::unchecked_curve25519(bytes)?;
        key.check()?;
        Ok(key)
    }

    /// Any 32 bytes, as they came: associated data is made of them, so that a bit that flipped on the way
    /// makes a MAC fail. Once it has verified, [`Self::check`] is to be asked.
    pub(crate) fn unchecked_curve25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.try_into().map_err(|_| KeyError::Length)?;
        Ok(Self::Curve25519(PublicKey::from_trusted(bytes)))
    }

    /// Checks an Ed25519 identity key.
    ///
    /// # Errors
    /// [`KeyError::Length`] unless there are 32 bytes; else those of [`EdwardsKey::from_bytes`].
    pub fn from_ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.try_into().map_err(|_| KeyError::Length)?;
        EdwardsKey::from_bytes(bytes).map(Self::Ed25519)
    }

    /// Checks that this is the one encoding of a point that somebody can have computed: on the curve, in
    /// the prime-order group. An Ed25519 key was checked when it was made.
    pub(crate) fn check(&self) -> Result<(), KeyError> {
        let Self::Curve25519(key) = self else {
            return Ok(());
        };
        let key = PublicKey::<Identity>::from_bytes(*key.as_bytes())?;
        let point = MontgomeryPoint(*key.as_bytes()).to_edwards(0);
        check_order(&point.ok_or(KeyError::NotOnCurve)?)
    }

    /// The 32 bytes of the form that this key has.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        match self {
            Self::Curve25519(key) => key.as_bytes(),
            Self::Ed25519(key) => key.as_bytes(),
        }
    }

    /// The Curve25519 form: what fingerprints are made of.
    #[must_use]
    pub fn to_curve25519(&self) -> PublicKey<Identity> {
        match self {
            Self::Curve25519(key) => *key,
            Self::Ed25519(key) => key.to_curve25519(),
        }
    }

    /// The key, ready for Diffie-Hellman.
    #[must_use]
    pub fn to_point(&self) -> Point {
        match self {
            Self::Curve25519(key) => Point::from(key),
            Self::Ed25519(key) => key
                .decompress()
                .map_or_else(|| Point::from(&key.to_curve25519()), Point::from_edwards),
        }
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Curve25519(key) => key.fmt(f),
            Self::Ed25519(key) => key.fmt(f),
        }
    }
}

/// A public key in the encoding of RFC 8032 §5.1.2: canonical, on the curve, in the prime-order group.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EdwardsKey([u8; 32]);

impl EdwardsKey {
    /// Checks an encoding that somebody sent.
    ///
    /// # Errors
    /// [`KeyError::NonCanonical`] if `y >= p`, [`KeyError::NotOnCurve`] if there is no such point,
    /// [`KeyError::LowOrder`] and [`KeyError::MixedOrder`] if it is outside the prime-order group,
    /// where several keys verify the same signatures.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let mut y = bytes;
        y[31] &= 0x7f;
        if !is_canonical(&y) {
            return Err(KeyError::NonCanonical);
        }
        let key = Self(bytes);
        check_order(&key.decompress().ok_or(KeyError::NotOnCurve)?)?;
        Ok(key)
    }

    /// An encoding that we computed, or checked before we stored it.
    pub(crate) const fn from_trusted(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The encoding: y, with the sign of x in the top bit.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// u = (1 + y) / (1 - y), RFC 7748 §4.1. The sign is lost.
    #[must_use]
    pub fn to_curve25519(&self) -> PublicKey<Identity> {
        PublicKey::from_trusted(
            self.decompress()
                .map_or([0; 32], |point| point.to_montgomery().to_bytes()),
        )
    }

    fn decompress(&self) -> Option<EdwardsPoint> {
        CompressedEdwardsY(self.0).decompress()
    }
}

impl fmt::Debug for EdwardsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EdwardsKey(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// L·P = 0, tested as (L-1)·P = -P because L itself is 0 as a scalar. The key is public: variable time.
fn check_order(point: &EdwardsPoint) -> Result<(), KeyError> {
    if point.is_small_order() {
        return Err(KeyError::LowOrder);
    }
    let product =
        EdwardsPoint::vartime_double_scalar_mul_basepoint(&-Scalar::ONE, point, &Scalar::ZERO);
    if product == -point {
        Ok(())
    } else {
        Err(KeyError::MixedOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{EdwardsSign, IdentityKeyPair, Secret};

    #[test]
    fn a14_torsion_tweaked_keys_are_refused() {
        for value in 0..100 {
            let pair =
                IdentityKeyPair::from_private(Secret::new([value; 32]), EdwardsSign::Natural);
            let point = pair.ed25519().decompress().unwrap();
            for torsion in &curve25519_dalek::constants::EIGHT_TORSION[1..] {
                let tweaked = point + torsion;
                assert_eq!(
                    EdwardsKey::from_bytes(tweaked.compress().to_bytes()),
                    Err(KeyError::MixedOrder)
                );
                assert_eq!(
                    IdentityKey::from_curve25519(tweaked.to_montgomery().as_bytes()),
                    Err(KeyError::MixedOrder)
                );
            }
        }
        for torsion in &curve25519_dalek::constants::EIGHT_TORSION {
            assert_eq!(
                EdwardsKey::from_bytes(torsion.compress().to_bytes()),
                Err(KeyError::LowOrder)
            );
        }
    }
}
