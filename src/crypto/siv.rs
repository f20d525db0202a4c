//! AES-256-GCM-SIV (RFC 8452), for what is kept: a nonce that repeats shows that two plaintexts are
//! equal, and nothing else.

use core::fmt;

use aes_gcm_siv::aead::AeadInOut;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit};
use zeroize::Zeroizing;

use super::Secret;
use crate::error::CipherError;

/// The length of a nonce, in bytes.
pub const NONCE_LEN: usize = 12;

/// The length of a tag, in bytes.
pub const TAG_LEN: usize = 16;

/// A key with its schedule. Boxed, since what is moved away is not wiped.
pub struct SivKey(Box<Aes256GcmSiv>);

impl SivKey {
    /// Schedules a key.
    #[must_use]
    pub fn new(key: &Secret<32>) -> Self {
        Self(Box::new(Aes256GcmSiv::new(key.expose().into())))
    }

    /// Encrypts in place; the tag authenticates `associated` and the plaintext.
    ///
    /// # Errors
    /// [`CipherError`] if one of them is longer than 2^36 bytes.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CipherError> {
        let tag = self
            .0
            .encrypt_inout_detached(nonce.into(), associated, buffer.into())
            .map_err(|_| CipherError)?;
        Ok(tag.into())
    }

    /// Decrypts a copy of the ciphertext; nothing comes out unless the tag fits.
    ///
    /// # Errors
    /// [`CipherError`].
    pub fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<Zeroizing<Vec<u8>>, CipherError> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let inout = buffer.as_mut_slice().into();
        self.0
            .decrypt_inout_detached(nonce.into(), associated, inout, tag.into())
            .map_err(|_| CipherError)?;
        Ok(buffer)
    }
}

impl fmt::Debug for SivKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SivKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn start<const N: usize>(byte: u8) -> [u8; N] {
        let mut bytes = [0; N];
        bytes[0] = byte;
        bytes
    }

    /// RFC 8452, appendix C.2: AEAD_AES_256_GCM_SIV.
    #[test]
    fn rfc_8452_c_2() {
        let key = SivKey::new(&Secret::new(start(1)));
        let nonce = start(3);
        for (associated, plaintext, result) in [
            (&b""[..], vec![], "07f5f4169bbf55a8400cd47ea6fd400f"),
            (
                &b""[..],
                start::<8>(1).to_vec(),
                "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28",
            ),
            (
                &b"\x01"[..],
                start::<8>(2).to_vec(),
                "1de22967237a813291213f267e3b452f02d01ae33e4ec854",
            ),
        ] {
            let mut buffer = plaintext.clone();
            let tag = key.seal(&nonce, associated, &mut buffer).unwrap();
            assert_eq!(hex(&buffer) + &hex(&tag), result);
            let opened = key.open(&nonce, associated, &buffer, &tag).unwrap();
            assert_eq!(*opened, plaintext);
            assert!(key.open(&nonce, b"else", &buffer, &tag).is_err());
        }
    }
}
