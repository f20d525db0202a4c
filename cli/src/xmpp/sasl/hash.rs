//! The hash functions of SCRAM's mechanisms (RFC 5802 §2.2).

use hmac::digest::Key;
use hmac::{EagerHash, Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

/// A value as long as the output of the hash, wiped when it is dropped.
pub(super) type Output = Zeroizing<Vec<u8>>;

impl Hash {
    /// `H(bytes)`
    pub(super) fn digest(self, bytes: &[u8]) -> Output {
        Zeroizing::new(match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        })
    }

    /// `HMAC(key, text)`, with a key that is an output of the hash.
    pub(super) fn hmac(self, key: &Output, text: &[u8]) -> Output {
        Zeroizing::new(match self {
            Self::Sha1 => keyed::<Sha1>(key, text).finalize().into_bytes().to_vec(),
            Self::Sha256 => keyed::<Sha256>(key, text).finalize().into_bytes().to_vec(),
            Self::Sha512 => keyed::<Sha512>(key, text).finalize().into_bytes().to_vec(),
        })
    }

    /// Whether `tag == HMAC(key, text)`, in constant time.
    pub(super) fn verifies(self, key: &Output, text: &[u8], tag: &[u8]) -> bool {
        match self {
            Self::Sha1 => keyed::<Sha1>(key, text).verify_slice(tag).is_ok(),
            Self::Sha256 => keyed::<Sha256>(key, text).verify_slice(tag).is_ok(),
            Self::Sha512 => keyed::<Sha512>(key, text).verify_slice(tag).is_ok(),
        }
    }

    /// `Hi(password, salt, rounds)`: PBKDF2 with one block.
    pub(super) fn salted(self, password: &str, salt: &[u8], rounds: u32) -> Output {
        let password = password.as_bytes();
        let mut out = Zeroizing::new(vec![0; self.length()]);
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, rounds, &mut out),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, &mut out),
            Self::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, &mut out),
        }
        out
    }

    /// The length of its output, in bytes.
    const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// No output is longer than a block of its hash, so that the key needs no hashing of its own.
fn keyed<D: EagerHash>(key: &[u8], text: &[u8]) -> Hmac<D> {
    let mut block = Key::<Hmac<D>>::default();
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<D>::new(&block);
    mac.update(text);
    mac
}
