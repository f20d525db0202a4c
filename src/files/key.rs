//! The key of one file.

use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::{Cipher, FileKeyError};
use crate::error::RngError;

/// A key and an initialisation vector, for one file and one cipher. Wiped when dropped, and printed
/// without its bytes. There is no way to encrypt a second file with it.
#[derive(Clone)]
pub struct FileKey {
    cipher: Cipher,
    key: Zeroizing<Vec<u8>>,
    iv: Zeroizing<Vec<u8>>,
}

impl FileKey {
    /// The key that a message tells. For GCM the initialisation vector has 12 bytes, or 16 as older
    /// clients draw it; for CBC it has 16.
    ///
    /// # Errors
    /// [`FileKeyError`] if a length is another.
    pub fn new(cipher: Cipher, key: &[u8], iv: &[u8]) -> Result<Self, FileKeyError> {
        if key.len() != cipher.key_len() {
            return Err(FileKeyError::KeyLength);
        }
        if iv.len() != cipher.iv_len() && iv.len() != OLD_IV {
            return Err(FileKeyError::IvLength);
        }
        Ok(Self {
            cipher,
            key: Zeroizing::new(key.to_vec()),
            iv: Zeroizing::new(iv.to_vec()),
        })
    }

    /// Draws a key.
    pub(super) fn generate<G: TryCryptoRng + ?Sized>(
        cipher: Cipher,
        rng: &mut G,
    ) -> Result<Self, RngError> {
        let mut draw = |count: usize| {
            let mut bytes = Zeroizing::new(vec![0; count]);
            rng.try_fill_bytes(&mut bytes).map_err(|_| RngError)?;
            Ok(bytes)
        };
        Ok(Self {
            cipher,
            key: draw(cipher.key_len())?,
            iv: draw(cipher.iv_len())?,
        })
    }

    /// The cipher that it is for.
    #[must_use]
    pub const fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// The bytes of the key, for the message that tells it.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The initialisation vector, for the message that tells it.
    #[must_use]
    pub fn iv(&self) -> &[u8] {
        &self.iv
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKey")
            .field("cipher", &self.cipher)
            .finish_non_exhaustive()
    }
}

/// The length of the initialisation vectors of older clients, in bytes.
const OLD_IV: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        use Cipher::{Aes128Gcm, Aes256Cbc, Aes256Gcm};
        for (cipher, key, iv, error) in [
            (Aes128Gcm, 16, 12, None),
            (Aes128Gcm, 16, 16, None),
            (Aes128Gcm, 32, 12, Some(FileKeyError::KeyLength)),
            (Aes256Gcm, 32, 12, None),
            (Aes256Gcm, 32, 16, None),
            (Aes256Gcm, 16, 12, Some(FileKeyError::KeyLength)),
            (Aes256Gcm, 32, 0, Some(FileKeyError::IvLength)),
            (Aes256Gcm, 32, 13, Some(FileKeyError::IvLength)),
            (Aes256Cbc, 32, 16, None),
            (Aes256Cbc, 32, 12, Some(FileKeyError::IvLength)),
        ] {
            let made = FileKey::new(cipher, &[1; 64][..key], &[2; 64][..iv]);
            assert_eq!(made.err(), error, "{cipher:?} {key} {iv}");
        }
    }

    #[test]
    fn debug_shows_no_byte() {
        let key = FileKey::new(Cipher::Aes256Gcm, &[0xab; 32], &[0xcd; 12]).unwrap();
        assert_eq!(format!("{key:?}"), "FileKey { cipher: Aes256Gcm, .. }");
    }
}
