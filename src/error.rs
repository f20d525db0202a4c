//! What can go wrong, one enum for each kind of operation.
//!
//! No message contains a key, an address or plaintext, so each may be logged.

use core::fmt;

macro_rules! messages {
    ($type:ty { $($pattern:pat => $text:expr,)* }) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $($pattern => f.write_str($text),)* }
            }
        }
    };
}

/// The random number generator failed. Nothing was changed; trying again is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RngError;
messages!(RngError { Self => "the random number generator failed", });
impl core::error::Error for RngError {}

/// A public key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not the length, or not the type byte, that its version of OMEMO gives it.
    Length,
    /// Not the one encoding that a key has.
    NonCanonical,
    /// No point of the curve.
    NotOnCurve,
    /// A point of small order: everybody knows its shared secrets.
    LowOrder,
    /// A point outside the prime-order group.
    MixedOrder,
    /// The shared secret is all zeros.
    NonContributory,
}
messages!(KeyError {
    Self::Length => "the key has a wrong length or type byte",
    Self::NonCanonical => "the key is not in its canonical encoding",
    Self::NotOnCurve => "the key is no point of the curve",
    Self::LowOrder => "the key has small order",
    Self::MixedOrder => "the key is outside the prime-order group",
    Self::NonContributory => "the shared secret is zero",
});
impl core::error::Error for KeyError {}

/// A signature does not verify. Why is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureError;
messages!(SignatureError { Self => "the signature does not verify", });
impl core::error::Error for SignatureError {}

/// A symmetric cipher refused its input. Why is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherError;
messages!(CipherError { Self => "the ciphertext does not decrypt", });
impl core::error::Error for CipherError {}
