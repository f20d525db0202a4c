//! Hashes of files (XEP-0300).

use core::fmt;

use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// A hash of a whole file, in one of the functions that are computed here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FileHash {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-512.
    Sha512([u8; 64]),
}

impl FileHash {
    /// The hash that an element tells; `None` if the function is another one or the length is wrong.
    #[must_use]
    pub fn new(algorithm: &str, hash: &[u8]) -> Option<Self> {
        match algorithm {
            "sha-256" => hash.try_into().ok().map(Self::Sha256),
            "sha-512" => hash.try_into().ok().map(Self::Sha512),
            _ => None,
        }
    }

    /// The name in the attribute `algo`.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha-256",
            Self::Sha512(_) => "sha-512",
        }
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(hash) => hash,
            Self::Sha512(hash) => hash,
        }
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileHash({}, ..)", self.algorithm())
    }
}

/// A hash that is being computed, to be compared with one that was told.
pub(super) enum Check {
    Sha256(Sha256, [u8; 32]),
    Sha512(Sha512, [u8; 64]),
}

impl Check {
    pub(super) fn new(expected: FileHash) -> Self {
        match expected {
            FileHash::Sha256(hash) => Self::Sha256(Sha256::new(), hash),
            FileHash::Sha512(hash) => Self::Sha512(Sha512::new(), hash),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state, _) => state.update(bytes),
            Self::Sha512(state, _) => state.update(bytes),
        }
    }

    pub(super) fn fits(self) -> bool {
        match self {
            Self::Sha256(state, expected) => state.finalize().ct_eq(&expected).into(),
            Self::Sha512(state, expected) => state.finalize().ct_eq(&expected).into(),
        }
    }
}
