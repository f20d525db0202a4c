//! X25519 (RFC 7748 §5), the one place where two keys become a shared secret.
//!
//! The multiplication is done on the Edwards form of the curve, where dalek has vectorised code: a
//! fifth faster than its Montgomery ladder, and the peer's point can be decompressed once for
//! several agreements ([`Point`]). A u-coordinate whose point lies on the twist has no Edwards form;
//! for it the ladder is used. That choice depends on the public key alone, so timing tells nothing.

use core::fmt;

use curve25519_dalek::{EdwardsPoint, MontgomeryPoint};
use subtle::ConstantTimeEq;

use super::{IdentityKeyPair, KeyPair, PublicKey, Role, Secret};
use crate::error::KeyError;

/// A peer's public key, decompressed: for the agreements that use one key several times.
#[derive(Clone)]
pub struct Point(Form);

#[derive(Clone)]
enum Form {
    Curve(EdwardsPoint),
    Twist([u8; 32]),
}

impl Point {
    fn from_u(u: &[u8; 32]) -> Self {
        Self(
            MontgomeryPoint(*u)
                .to_edwards(0)
                .map_or(Form::Twist(*u), Form::Curve),
        )
    }

    /// A point whose Edwards form is at hand already. X25519 ignores the sign of x, so either does.
    pub(super) const fn from_edwards(point: EdwardsPoint) -> Self {
        Self(Form::Curve(point))
    }

    fn multiply(&self, private: &Secret<32>) -> Secret<32> {
        Secret::new(match &self.0 {
            // The map sends the neutral element to u = 0, as RFC 7748 wants it.
            Form::Curve(point) => point
                .mul_clamped(*private.expose())
                .to_montgomery()
                .to_bytes(),
            Form::Twist(u) => x25519_dalek::x25519(*private.expose(), *u),
        })
    }

    fn agree(&self, private: &Secret<32>) -> Result<Secret<32>, KeyError> {
        let shared = self.multiply(private);
        if bool::from(shared.ct_eq(&Secret::new([0; 32]))) {
            return Err(KeyError::NonContributory);
        }
        Ok(shared)
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Point(..)")
    }
}

impl<R: Role> From<&PublicKey<R>> for Point {
    fn from(key: &PublicKey<R>) -> Self {
        Self::from_u(key.as_bytes())
    }
}

impl<R: Role> KeyPair<R> {
    /// `DH(self, their)` of X3DH §2.2.
    ///
    /// # Errors
    /// [`KeyError::NonContributory`] if the result is all zeros, which only a key of small order gives.
    pub fn agree(&self, their: &Point) -> Result<Secret<32>, KeyError> {
        their.agree(self.private())
    }
}

impl IdentityKeyPair {
    /// `DH(self, their)` of X3DH §2.2 with the identity key.
    ///
    /// # Errors
    /// [`KeyError::NonContributory`] if the result is all zeros, which only a key of small order gives.
    pub fn agree(&self, their: &Point) -> Result<Secret<32>, KeyError> {
        their.agree(self.private())
    }
}

/// X25519 as RFC 7748 §5 defines it, on any two strings of 32 bytes: the scalar is clamped, the top
/// bit of `u` ignored. For test vectors; a protocol takes checked keys and [`KeyPair::agree`].
#[must_use]
pub fn x25519(scalar: &Secret<32>, u: [u8; 32]) -> Secret<32> {
    Point::from_u(&u).multiply(scalar)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ladder of another crate is the witness that the Edwards route computes X25519: points on
    /// the curve and on the twist, scalars with and without their clamped bits.
    #[test]
    fn both_routes_equal_the_montgomery_ladder() {
        let (mut curve, mut twist) = (0, 0);
        let mut u = [9; 32];
        for round in 0..400_u32 {
            let mut scalar = u;
            scalar[0] ^= round.to_le_bytes()[0];
            let ours = x25519(&Secret::new(scalar), u);
            assert_eq!(*ours.expose(), x25519_dalek::x25519(scalar, u));
            match Point::from_u(&u).0 {
                Form::Curve(_) => curve += 1,
                Form::Twist(_) => twist += 1,
            }
            u = *ours.expose();
            u[3] ^= round.to_le_bytes()[0];
        }
        assert!(
            curve > 50 && twist > 50,
            "{curve} on the curve, {twist} on the twist"
        );
    }

    #[test]
    fn a02_every_small_order_input_gives_an_error() {
        let mut p_plus_1 = [0xff; 32];
        (p_plus_1[0], p_plus_1[31]) = (0xee, 0x7f);
        for u in [[0; 32], p_plus_1] {
            let point = Point::from_u(&u);
            assert_eq!(
                point.agree(&Secret::new([3; 32])).map(|_| ()),
                Err(KeyError::NonContributory)
            );
        }
    }
}
