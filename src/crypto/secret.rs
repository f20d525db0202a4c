//! Bytes that nobody else should see.

use core::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret bytes: wiped when dropped, printed as `Secret(..)`, compared in constant time.
///
/// There is no `PartialEq`: comparing secrets is rare enough to be spelled out with [`ConstantTimeEq`].
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Takes over `bytes`; the caller's copy is the caller's to wipe.
    #[must_use]
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one who has a use for them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, to be filled in place.
    pub(crate) const fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_byte_and_equality_is_by_value() {
        let secret = Secret::new([0xab; 32]);
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert!(bool::from(secret.ct_eq(&Secret::new([0xab; 32]))));
        assert!(!bool::from(secret.ct_eq(&Secret::new([0xac; 32]))));
    }

    #[test]
    fn zeroize_wipes_and_drop_does_the_same() {
        const fn wipes_on_drop<T: ZeroizeOnDrop>() {}
        wipes_on_drop::<Secret<32>>();
        let mut secret = Secret::new([7; 4]);
        secret.zeroize();
        assert_eq!(secret.expose(), &[0; 4]);
    }
}
