//! Encrypting a file.

use core::fmt;
use std::io::Write;

use rand_core::TryCryptoRng;
use sha2::{Digest, Sha256};

use super::engine::{Engine, Fault, PIECE, encryption};
use super::sink::Pieces;
use super::{Cipher, EncryptFileError, FileHash, FileKey};

/// Encrypts one file, piece by piece, into a sink.
///
/// It draws the key and hands it out at the end, so that no key is used for two files. An upload that
/// has to start again starts with another encryptor.
///
/// ```
/// use getrandom::SysRng;
/// use omemo::files::{Cipher, Claim, Decryptor, Encryptor};
///
/// let mut encryptor = Encryptor::new(Cipher::Aes256Gcm, Vec::new(), &mut SysRng)?;
/// for piece in [&b"Wherefore "[..], b"art thou?"] {
///     encryptor = encryptor.update(piece)?;
/// }
/// let encrypted = encryptor.finish()?;
/// assert_eq!(Some(encrypted.sink.len() as u64), Cipher::Aes256Gcm.encrypted_len(encrypted.size));
///
/// let mut decryptor = Decryptor::new(&encrypted.key, Claim::default(), Vec::new())?;
/// for piece in encrypted.sink.chunks(10) {
///     decryptor = decryptor.update(piece)?;
/// }
/// assert_eq!(decryptor.finish()?, b"Wherefore art thou?");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Encryptor<W> {
    engine: Box<dyn Engine>,
    key: FileKey,
    hash: Sha256,
    size: u64,
    pieces: Pieces<W>,
}

/// What is to be told about a file that was encrypted.
#[derive(Debug)]
pub struct EncryptedFile<W> {
    /// Where the ciphertext is.
    pub sink: W,
    /// The key.
    pub key: FileKey,
    /// The length of the plaintext, in bytes.
    pub size: u64,
    /// The SHA-256 of the plaintext.
    pub hash: FileHash,
}

impl<W: Write> Encryptor<W> {
    /// Draws a key.
    ///
    /// # Errors
    /// [`EncryptFileError::Rng`].
    pub fn new<G: TryCryptoRng + ?Sized>(
        cipher: Cipher,
        sink: W,
        rng: &mut G,
    ) -> Result<Self, EncryptFileError> {
        let key = FileKey::generate(cipher, rng)?;
        Ok(Self {
            engine: encryption(&key)?,
            key,
            hash: Sha256::new(),
            size: 0,
            pieces: Pieces::new(sink),
        })
    }

    /// Encrypts the next bytes of the file, as many as there are.
    ///
    /// # Errors
    /// [`EncryptFileError`]; the encryptor is gone then, as part of them may have been written.
    pub fn update(mut self, plaintext: &[u8]) -> Result<Self, EncryptFileError> {
        self.hash.update(plaintext);
        self.size += plaintext.len() as u64;
        for piece in plaintext.chunks(PIECE) {
            self.engine.update(piece, self.pieces.room())?;
            self.pieces.write_all().map_err(EncryptFileError::Sink)?;
        }
        Ok(self)
    }

    /// Where the ciphertext goes: who uploads while he encrypts takes out of it what is there.
    pub const fn sink_mut(&mut self) -> &mut W {
        self.pieces.sink_mut()
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`EncryptFileError::Sink`].
    pub fn finish(mut self) -> Result<EncryptedFile<W>, EncryptFileError> {
        let mut pieces = self.pieces;
        self.engine.finish(pieces.room())?;
        pieces.write_all().map_err(EncryptFileError::Sink)?;
        Ok(EncryptedFile {
            sink: pieces.flush().map_err(EncryptFileError::Sink)?,
            key: self.key,
            size: self.size,
            hash: FileHash::Sha256(self.hash.finalize().into()),
        })
    }
}

/// Encrypts a file that is in memory.
///
/// # Errors
/// [`EncryptFileError::Rng`] or [`EncryptFileError::TooLong`].
pub fn encrypt<G: TryCryptoRng + ?Sized>(
    cipher: Cipher,
    plaintext: &[u8],
    rng: &mut G,
) -> Result<EncryptedFile<Vec<u8>>, EncryptFileError> {
    Encryptor::new(cipher, Vec::new(), rng)?
        .update(plaintext)?
        .finish()
}

impl<W> fmt::Debug for Encryptor<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryptor")
            .field("key", &self.key)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl From<Fault> for EncryptFileError {
    fn from(_: Fault) -> Self {
        // Encrypting authenticates nothing: only its length can be wrong with a file.
        Self::TooLong
    }
}
