//! Curve25519 keys, one type for each role that a key plays.
//!
//! A role is a marker in the type, so that a pre-key cannot be handed in where a ratchet key is
//! expected. Public keys are checked when they are made from bytes: a value of these types is
//! canonical (`u < p`, unused top bit clear) and not of small order. The one exception is a legacy identity
//! inside a key exchange that has not been accepted yet ([`IdentityKey`](super::IdentityKey)).

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use curve25519_dalek::MontgomeryPoint;
use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;

use super::{Secret, random};
use crate::error::{KeyError, RngError};

/// What a Curve25519 key is for.
pub trait Role: Copy + fmt::Debug + 'static {
    /// The role's name, as it is printed.
    const NAME: &'static str;
}

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident, $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $role {}
        impl Role for $role {
            const NAME: &'static str = $name;
        }
    )*};
}

roles! {
    /// Role of the long-term identity in its Curve25519 form.
    Identity, "IdentityKey";
    /// Role of the signed pre-key `SPK` of X3DH §2.4.
    SignedPreKey, "SignedPreKey";
    /// Role of a one-time pre-key `OPK` of X3DH §2.4.
    PreKey, "PreKey";
    /// Role of the initiator's ephemeral key `EK` of X3DH §2.4.
    Ephemeral, "EphemeralKey";
    /// Role of a Diffie-Hellman ratchet key of the Double Ratchet §2.3.
    Ratchet, "RatchetKey";
}

/// The public half of a signed pre-key.
pub type SignedPreKeyPublic = PublicKey<SignedPreKey>;
/// A signed pre-key with its private half.
pub type SignedPreKeyPair = KeyPair<SignedPreKey>;
/// The public half of a one-time pre-key.
pub type PreKeyPublic = PublicKey<PreKey>;
/// A one-time pre-key with its private half.
pub type PreKeyPair = KeyPair<PreKey>;
/// The public half of an ephemeral key.
pub type EphemeralPublicKey = PublicKey<Ephemeral>;
/// An ephemeral key with its private half.
pub type EphemeralKeyPair = KeyPair<Ephemeral>;
/// The public half of a ratchet key.
pub type RatchetPublicKey = PublicKey<Ratchet>;
/// A ratchet key with its private half.
pub type RatchetKeyPair = KeyPair<Ratchet>;

/// A public Curve25519 key (the 32-byte u-coordinate of RFC 7748) in the role `R`.
pub struct PublicKey<R: Role> {
    u: [u8; 32],
    role: PhantomData<R>,
}

impl<R: Role> PublicKey<R> {
    /// Checks a u-coordinate that somebody sent.
    ///
    /// # Errors
    /// [`KeyError::NonCanonical`] if `u >= p` or the unused top bit is set (two encodings of one key
    /// would be two keys to everything that compares bytes), [`KeyError::LowOrder`] if the point has
    /// small order (its shared secrets are known to everybody).
    pub fn from_bytes(u: [u8; 32]) -> Result<Self, KeyError> {
        if !is_canonical(&u) {
            return Err(KeyError::NonCanonical);
        }
        if LOW_ORDER.contains(&u) {
            return Err(KeyError::LowOrder);
        }
        Ok(Self::from_trusted(u))
    }

    /// Reads a u-coordinate as X25519 does: the top bit is ignored and the rest reduced. Says besides
    /// whether that changed it. For keys under a MAC, where what was garbled on the way is to fail for
    /// that; a key that was not canonical is refused afterwards.
    ///
    /// # Errors
    /// [`KeyError::Length`] unless there are exactly 32 bytes; [`KeyError::LowOrder`].
    pub(crate) fn reduce(bytes: &[u8]) -> Result<(Self, bool), KeyError> {
        let mut u: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Length)?;
        u[31] &= 0x7f;
        if !is_canonical(&u) {
            // p to 2^255 - 1: all but the lowest byte are those of p.
            let low = u[0].wrapping_sub(P[0]);
            u = [0; 32];
            u[0] = low;
        }
        let key = Self::from_bytes(u)?;
        Ok((key, u == *bytes))
    }

    /// Checks a u-coordinate of a length that is not known yet.
    ///
    /// # Errors
    /// [`KeyError::Length`] unless there are exactly 32 bytes; else those of [`Self::from_bytes`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::from_bytes(bytes.try_into().map_err(|_| KeyError::Length)?)
    }

    /// A coordinate that we computed, or checked before we stored it.
    pub(crate) const fn from_trusted(u: [u8; 32]) -> Self {
        Self {
            u,
            role: PhantomData,
        }
    }

    /// The u-coordinate, little-endian.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.u
    }

    /// The same key in another role, where a protocol gives one key two roles: the signed pre-key is
    /// the responder's first ratchet key (Double Ratchet §7.1).
    #[must_use]
    pub const fn in_role<S: Role>(&self) -> PublicKey<S> {
        PublicKey::from_trusted(self.u)
    }
}

impl<R: Role> Clone for PublicKey<R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R: Role> Copy for PublicKey<R> {}

impl<R: Role> PartialEq for PublicKey<R> {
    fn eq(&self, other: &Self) -> bool {
        self.u == other.u
    }
}
impl<R: Role> Eq for PublicKey<R> {}

impl<R: Role> Hash for PublicKey<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.u.hash(state);
    }
}

impl<R: Role> fmt::Debug for PublicKey<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", R::NAME)?;
        self.u.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A Curve25519 key pair in the role `R`. The private half is wiped when it is dropped, and boxed so that
/// moving a pair leaves no copy behind.
#[derive(Clone)]
pub struct KeyPair<R: Role> {
    private: Box<Secret<32>>,
    public: PublicKey<R>,
}

impl<R: Role> KeyPair<R> {
    /// Draws a new pair.
    ///
    /// # Errors
    /// [`RngError`] when the generator fails.
    pub fn generate<G: TryCryptoRng + ?Sized>(rng: &mut G) -> Result<Self, RngError> {
        Ok(Self::from_private(random(rng)?))
    }

    /// The pair of a private key. The bytes are kept as they are and clamped where they are used, as
    /// some stores hold them unclamped.
    #[must_use]
    pub fn from_private(private: Secret<32>) -> Self {
        let u = MontgomeryPoint::mul_base_clamped(*private.expose()).to_bytes();
        Self::from_parts(private, PublicKey::from_trusted(u))
    }

    /// A pair that was computed before: saves the multiplication.
    pub(crate) fn from_parts(private: Secret<32>, public: PublicKey<R>) -> Self {
        Self {
            private: Box::new(private),
            public,
        }
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey<R> {
        &self.public
    }

    /// The private scalar, for storing it.
    #[must_use]
    pub fn private(&self) -> &Secret<32> {
        &self.private
    }

    /// The same pair in another role; see [`PublicKey::in_role`].
    #[must_use]
    pub fn in_role<S: Role>(&self) -> KeyPair<S> {
        KeyPair {
            private: self.private.clone(),
            public: self.public.in_role(),
        }
    }
}

impl<R: Role> ConstantTimeEq for KeyPair<R> {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.private.ct_eq(&other.private)
    }
}

impl<R: Role> fmt::Debug for KeyPair<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({:?}, private: ..)", self.public)
    }
}

/// p = 2^255 - 19, little-endian.
const P: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// Whether `bytes` is the reduced encoding of a field element, top bit clear.
pub(super) fn is_canonical(bytes: &[u8; 32]) -> bool {
    bytes.iter().rev().lt(P.iter().rev())
}

/// The canonical u-coordinates of small order on the curve and on its twist: 0, 1, p-1 and the two
/// of order 8. Every other one is one of these plus p, and not canonical.
const LOW_ORDER: [[u8; 32]; 5] = {
    let mut p_minus_1 = P;
    p_minus_1[0] = 0xec;
    let mut one = [0; 32];
    one[0] = 1;
    [
        [0; 32],
        one,
        p_minus_1,
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
            0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
            0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83,
            0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd,
            0xd0, 0x9f, 0x11, 0x57,
        ],
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a17_one_key_has_one_encoding() {
        let honest = *PreKeyPair::from_private(Secret::new([9; 32]))
            .public()
            .as_bytes();
        assert!(PreKeyPublic::from_bytes(honest).is_ok());

        let mut top_bit = honest;
        top_bit[31] |= 0x80;
        assert_eq!(
            PreKeyPublic::from_bytes(top_bit),
            Err(KeyError::NonCanonical)
        );
        assert_eq!(PreKeyPublic::from_bytes(P), Err(KeyError::NonCanonical));
        assert_eq!(
            PreKeyPublic::from_bytes([0xff; 32]),
            Err(KeyError::NonCanonical)
        );
        assert_eq!(
            PreKeyPublic::from_slice(&honest[1..]),
            Err(KeyError::Length)
        );
    }

    #[test]
    fn reducing_is_what_x25519_does_to_its_input() {
        let scalar = Secret::new([0x5a; 32]);
        for low in 0..=0xff {
            for top in [0x7f, 0xff, 0x3f, 0xbf] {
                let mut u = [0xff; 32];
                (u[0], u[31]) = (low, top);
                let raw = crate::crypto::dh::x25519(&scalar, u);
                match RatchetPublicKey::reduce(&u) {
                    Ok((key, canonical)) => {
                        assert_eq!(canonical, RatchetPublicKey::from_bytes(u).is_ok());
                        let reduced = crate::crypto::dh::x25519(&scalar, *key.as_bytes());
                        assert_eq!(raw.expose(), reduced.expose());
                    }
                    Err(error) => {
                        assert_eq!(error, KeyError::LowOrder);
                        assert_eq!(raw.expose(), &[0; 32]);
                    }
                }
            }
        }
        assert_eq!(RatchetPublicKey::reduce(&[9; 31]), Err(KeyError::Length));
    }

    #[test]
    fn a02_low_order_points_are_refused_and_are_of_low_order() {
        for u in LOW_ORDER {
            assert_eq!(RatchetPublicKey::from_bytes(u), Err(KeyError::LowOrder));
            assert_eq!(
                MontgomeryPoint(u).mul_clamped([0x55; 32]).to_bytes(),
                [0; 32]
            );
        }
    }

    #[test]
    fn debug_of_a_pair_shows_the_public_half_only() {
        let text = format!(
            "{:?}",
            RatchetKeyPair::from_private(Secret::new([0xcd; 32]))
        );
        assert!(text.starts_with("KeyPair(RatchetKey("), "{text}");
        assert!(!text.contains("cdcd"), "{text}");
    }
}
