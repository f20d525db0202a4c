//! Decrypting a file.

use core::fmt;
use std::io::Write;

use zeroize::Zeroizing;

use super::engine::{Engine, Fault, PIECE, decryption};
use super::hash::Check;
use super::sink::{Memory, Pieces};
use super::{Cipher, DecryptFileError, FileHash, FileKey};

/// Decrypts one file, piece by piece, into a sink.
///
/// Nothing that it has written is authentic before [`finish`](Self::finish) has given the sink back. If
/// anything is wrong, neither the sink nor the decryptor comes back: throw away what is there.
///
/// An example is at [`Encryptor`](super::Encryptor).
#[must_use]
pub struct Decryptor<W> {
    engine: Box<dyn Engine>,
    output: Output<W>,
}

/// Where plaintext goes.
struct Output<W> {
    pieces: Pieces<W>,
    /// How many bytes still belong to the file, if that is known.
    left: Option<u64>,
    check: Option<Check>,
}

/// What a message says about the plaintext of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Its length in bytes. What is longer is cut off (XEP-0448 §3.2); what is shorter is no error, unless its
    /// hash is.
    pub size: Option<u64>,
    /// Its hash. [`Cipher::Aes256Cbc`] is not decrypted without one.
    pub hash: Option<FileHash>,
}

impl<W: Write> Decryptor<W> {
    /// Takes the key that a message told, and what it said about the file.
    ///
    /// # Errors
    /// [`DecryptFileError::NoHash`].
    pub fn new(key: &FileKey, claim: Claim, sink: W) -> Result<Self, DecryptFileError> {
        if key.cipher() == Cipher::Aes256Cbc && claim.hash.is_none() {
            return Err(DecryptFileError::NoHash);
        }
        Ok(Self {
            engine: decryption(key)?,
            output: Output {
                pieces: Pieces::new(sink),
                left: claim.size,
                check: claim.hash.map(Check::new),
            },
        })
    }

    /// Decrypts the next bytes of the file, as many as there are.
    ///
    /// # Errors
    /// [`DecryptFileError::TooLong`] or [`DecryptFileError::Sink`].
    pub fn update(mut self, ciphertext: &[u8]) -> Result<Self, DecryptFileError> {
        for piece in ciphertext.chunks(PIECE) {
            self.engine.update(piece, self.output.pieces.room())?;
            self.output.pass_on()?;
        }
        Ok(self)
    }

    /// Ends the file, and gives the sink back if the file is authentic.
    ///
    /// # Errors
    /// [`DecryptFileError::Authentication`] or [`DecryptFileError::Sink`].
    pub fn finish(self) -> Result<W, DecryptFileError> {
        let Self {
            mut engine,
            mut output,
        } = self;
        engine.finish(output.pieces.room())?;
        output.pass_on()?;
        if output.check.is_some_and(|check| !check.fits()) {
            return Err(DecryptFileError::Authentication);
        }
        output.pieces.flush().map_err(DecryptFileError::Sink)
    }
}

/// Decrypts a file that is in memory.
///
/// # Errors
/// [`DecryptFileError`].
pub fn decrypt(
    key: &FileKey,
    claim: Claim,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptFileError> {
    // The plaintext is no longer: the room never grows.
    let room = Memory(Zeroizing::new(Vec::with_capacity(ciphertext.len())));
    let memory = Decryptor::new(key, claim, room)?
        .update(ciphertext)?
        .finish()?;
    Ok(memory.0)
}

impl<W: Write> Output<W> {
    /// Writes the piece that is in the room, as far as it belongs to the file.
    fn pass_on(&mut self) -> Result<(), DecryptFileError> {
        if let Some(left) = &mut self.left {
            self.pieces
                .cut(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= self.pieces.piece().len() as u64;
        }
        if let Some(check) = &mut self.check {
            check.update(self.pieces.piece());
        }
        self.pieces.write_all().map_err(DecryptFileError::Sink)
    }
}

impl<W> fmt::Debug for Decryptor<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decryptor(..)")
    }
}

impl From<Fault> for DecryptFileError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooLong => Self::TooLong,
            Fault::Authentication => Self::Authentication,
        }
    }
}
