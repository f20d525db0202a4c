//! The ciphers for files (XEP-0448 §4, which has them from XEP-0391 §5).

/// A cipher for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// AES-128 in Galois/Counter mode, the tag behind the ciphertext.
    Aes128Gcm,
    /// AES-256 in Galois/Counter mode, the tag behind the ciphertext: what XEP-0454 has, too.
    Aes256Gcm,
    /// AES-256 in cipher block chaining mode. It authenticates nothing by itself: it is decrypted with a
    /// hash only, and no choice for a new file.
    Aes256Cbc,
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Aes128Gcm, Self::Aes256Gcm, Self::Aes256Cbc];

    /// The name in the attribute `cipher`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "urn:xmpp:ciphers:aes-128-gcm-nopadding:0",
            Self::Aes256Gcm => "urn:xmpp:ciphers:aes-256-gcm-nopadding:0",
            Self::Aes256Cbc => "urn:xmpp:ciphers:aes-256-cbc-pkcs7:0",
        }
    }

    /// The cipher of that name. Some leave the version at the end of it out.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| {
            let name = cipher.uri();
            uri == name || name.strip_suffix(":0") == Some(uri)
        })
    }

    /// The length of a key, in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::Aes256Cbc => 32,
        }
    }

    /// The length of an initialisation vector that is drawn, in bytes.
    #[must_use]
    pub const fn iv_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => 12,
            Self::Aes256Cbc => 16,
        }
    }

    /// The length of what is uploaded, for a file of that length: a server wants to know it before
    /// (XEP-0363). `None` if the file is too long for the cipher.
    #[must_use]
    pub fn encrypted_len(self, len: u64) -> Option<u64> {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm if len <= MAX_GCM => Some(len + BLOCK as u64),
            Self::Aes128Gcm | Self::Aes256Gcm => None,
            Self::Aes256Cbc => (len / BLOCK as u64 + 1).checked_mul(BLOCK as u64),
        }
    }
}

/// Bytes of a block of AES, and of a tag.
pub(super) const BLOCK: usize = 16;

/// The longest plaintext of GCM, in bytes (NIST SP 800-38D §5.2.1.1).
pub(super) const MAX_GCM: u64 = (1 << 36) - 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for cipher in Cipher::ALL {
            assert_eq!(Cipher::from_uri(cipher.uri()), Some(cipher));
            let bare = cipher.uri().trim_end_matches(":0");
            assert_eq!(Cipher::from_uri(bare), Some(cipher));
        }
        for other in [
            "",
            "urn:xmpp:ciphers:aes-128-gcm-nopadding:1",
            "aes-256-cbc-pkcs7:0",
        ] {
            assert_eq!(Cipher::from_uri(other), None, "{other}");
        }
    }

    #[test]
    fn lengths() {
        for (cipher, len, encrypted) in [
            (Cipher::Aes128Gcm, 0, Some(16)),
            (Cipher::Aes256Gcm, MAX_GCM, Some(MAX_GCM + 16)),
            (Cipher::Aes256Gcm, MAX_GCM + 1, None),
            (Cipher::Aes256Cbc, 0, Some(16)),
            (Cipher::Aes256Cbc, 15, Some(16)),
            (Cipher::Aes256Cbc, 16, Some(32)),
            (Cipher::Aes256Cbc, u64::MAX, None),
        ] {
            assert_eq!(cipher.encrypted_len(len), encrypted, "{cipher:?} {len}");
        }
    }
}
