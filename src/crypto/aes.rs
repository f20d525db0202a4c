//! AES-256-CBC with PKCS#7 padding, and AES-128-GCM.
//!
//! Nothing here authenticates CBC: callers verify a MAC over the ciphertext first.

use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use aes::{Aes128, Aes256};
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::{AesGcm, KeyInit};
use zeroize::Zeroizing;

use crate::error::CipherError;

/// AES-256-CBC; the padding is 1 to 16 bytes.
#[must_use]
pub fn cbc_encrypt(key: &[u8; 32], iv: &[u8; 16], plaintext: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<Aes256>::new(key.into(), iv.into()).encrypt_padded_vec::<Pkcs7>(plaintext)
}

/// AES-256-CBC; every byte of the padding is checked.
///
/// # Errors
/// [`CipherError`] if the length is not a positive multiple of 16 or the padding is wrong.
pub fn cbc_decrypt(
    key: &[u8; 32],
    iv: &[u8; 16],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CipherError> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = cbc::Decryptor::<Aes256>::new(key.into(), iv.into())
        .decrypt_padded::<Pkcs7>(&mut buffer)
        .map_err(|_| CipherError)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

/// AES-128-GCM with a 12-byte IV and no associated data: the ciphertext, and its tag apart.
///
/// # Errors
/// [`CipherError`] if the plaintext is longer than GCM allows (2^36 - 32 bytes).
pub fn gcm_encrypt(
    key: &[u8; 16],
    iv: &[u8; 12],
    plaintext: &[u8],
) -> Result<(Vec<u8>, [u8; 16]), CipherError> {
    let mut buffer = plaintext.to_vec();
    let tag = AesGcm::<Aes128, U12>::new(key.into())
        .encrypt_inout_detached(iv.into(), &[], buffer.as_mut_slice().into())
        .map_err(|_| CipherError)?;
    Ok((buffer, tag.into()))
}

/// AES-128-GCM with an IV of 12 or 16 bytes and no associated data. The tag is verified before
/// anything is decrypted.
///
/// # Errors
/// [`CipherError`] if the IV has another length or the tag does not fit.
pub fn gcm_decrypt(
    key: &[u8; 16],
    iv: &[u8],
    ciphertext: &[u8],
    tag: &[u8; 16],
) -> Result<Zeroizing<Vec<u8>>, CipherError> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let inout = buffer.as_mut_slice().into();
    if let Ok(iv) = <&[u8; 12]>::try_from(iv) {
        AesGcm::<Aes128, U12>::new(key.into()).decrypt_inout_detached(
            iv.into(),
            &[],
            inout,
            tag.into(),
        )
    } else if let Ok(iv) = <&[u8; 16]>::try_from(iv) {
        AesGcm::<Aes128, U16>::new(key.into()).decrypt_inout_detached(
            iv.into(),
            &[],
            inout,
            tag.into(),
        )
    } else {
        return Err(CipherError);
    }
    .map_err(|_| CipherError)?;
    Ok(buffer)
}
