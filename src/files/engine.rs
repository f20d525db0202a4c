//! A cipher at work, piece by piece.

use aes::{Aes128, Aes256};

use super::cbc::{CbcDecryption, CbcEncryption};
use super::gcm::{GcmDecryption, GcmEncryption};
use super::{Cipher, FileKey};

/// One direction of one cipher with one key.
pub(super) trait Engine: Send {
    /// Takes a piece, and fills `output`, which is empty, with what comes out.
    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Fault>;

    /// Fills `output`, which is empty, with what is left. Called once, at the end: the engine stays where
    /// it is, as what is moved away is not wiped.
    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), Fault>;
}

/// Why a cipher stopped.
pub(super) enum Fault {
    TooLong,
    Authentication,
}

/// A key has the lengths of its cipher, so that there is an engine for it.
pub(super) fn encryption(key: &FileKey) -> Result<Box<dyn Engine>, Fault> {
    Ok(match key.cipher() {
        Cipher::Aes128Gcm => Box::new(GcmEncryption::<Aes128>::new(key)?),
        Cipher::Aes256Gcm => Box::new(GcmEncryption::<Aes256>::new(key)?),
        Cipher::Aes256Cbc => Box::new(CbcEncryption::new(key)?),
    })
}

pub(super) fn decryption(key: &FileKey) -> Result<Box<dyn Engine>, Fault> {
    Ok(match key.cipher() {
        Cipher::Aes128Gcm => Box::new(GcmDecryption::<Aes128>::new(key)?),
        Cipher::Aes256Gcm => Box::new(GcmDecryption::<Aes256>::new(key)?),
        Cipher::Aes256Cbc => Box::new(CbcDecryption::new(key)?),
    })
}

/// The most bytes that a cipher takes in at a time. What it hands out is no longer than this and a block.
pub(super) const PIECE: usize = 16 * 1024;

/// Moves the first `ready` bytes of what was kept and what came to the output, and keeps the rest.
pub(super) fn pass_on(kept: &mut Vec<u8>, input: &[u8], ready: usize, output: &mut Vec<u8>) {
    let of_kept = ready.min(kept.len());
    output.extend(kept.drain(..of_kept));
    let (now, later) = input.split_at(ready - of_kept);
    output.extend_from_slice(now);
    kept.extend_from_slice(later);
}
