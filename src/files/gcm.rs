//! Galois/Counter mode in pieces (NIST SP 800-38D §7), without associated data.
//!
//! The parts are RustCrypto's: AES, the counter and GHASH. What is here is how they are put together,
//! as the crate `aes-gcm` does for buffers.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipher};
use ctr::{Ctr32BE, CtrCore};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::FileKey;
use super::cipher::{BLOCK, MAX_GCM};
use super::engine::{Engine, Fault, pass_on};

pub(super) trait Aes:
    BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit + Send
{
}
impl<A: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit + Send> Aes for A {}

pub(super) struct GcmEncryption<A: Aes>(Gcm<A>);

pub(super) struct GcmDecryption<A: Aes> {
    gcm: Gcm<A>,
    /// The last bytes so far, up to the length of a tag: they may be it.
    tail: Vec<u8>,
}

impl<A: Aes> GcmEncryption<A> {
    pub(super) fn new(key: &FileKey) -> Result<Self, Fault> {
        Gcm::new(key).map(Self)
    }
}

impl<A: Aes> GcmDecryption<A> {
    pub(super) fn new(key: &FileKey) -> Result<Self, Fault> {
        let (gcm, tail) = (Gcm::new(key)?, Vec::with_capacity(BLOCK));
        Ok(Self { gcm, tail })
    }
}

impl<A: Aes> Engine for GcmEncryption<A> {
    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
        output.extend_from_slice(input);
        self.0.apply_keystream(output)?;
        self.0.authenticate(output);
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), Fault> {
        output.extend_from_slice(&self.0.tag());
        Ok(())
    }
}

impl<A: Aes> Engine for GcmDecryption<A> {
    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
        let ready = (self.tail.len() + input.len()).saturating_sub(BLOCK);
        pass_on(&mut self.tail, input, ready, output);
        self.gcm.authenticate(output);
        self.gcm.apply_keystream(output)
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), Fault> {
        // A file that is shorter than a tag has another length, which is not equal either.
        if self.gcm.tag().ct_eq(&self.tail).into() {
            Ok(())
        } else {
            Err(Fault::Authentication)
        }
    }
}

/// What both directions have in common.
struct Gcm<A: Aes> {
    keystream: Ctr32BE<A>,
    ghash: GHash,
    /// E(K, J0).
    mask: Zeroizing<[u8; BLOCK]>,
    /// Ciphertext that is no whole block yet.
    partial: Vec<u8>,
    /// Bytes of ciphertext.
    length: u64,
}

impl<A: Aes> Gcm<A> {
    fn new(key: &FileKey) -> Result<Self, Fault> {
        // No key is made with a wrong length.
        let aes = A::new_from_slice(key.key()).map_err(|_| Fault::Authentication)?;
        let mut hash_key = ghash::Key::default();
        aes.encrypt_block(&mut hash_key);
        let ghash = GHash::new(&hash_key);
        hash_key.as_mut_slice().zeroize();
        let start = start(&ghash, key.iv());

        // The first block of the keystream is the mask of the tag, the next ones are for the text.
        let mut keystream = Ctr32BE::from_core(CtrCore::inner_iv_init(aes, &start));
        let mut mask = Zeroizing::new([0; BLOCK]);
        keystream.apply_keystream(&mut *mask);
        Ok(Self {
            keystream,
            ghash,
            mask,
            partial: Vec::with_capacity(BLOCK),
            length: 0,
        })
    }

    fn apply_keystream(&mut self, text: &mut [u8]) -> Result<(), Fault> {
        self.length += text.len() as u64;
        if self.length > MAX_GCM {
            return Err(Fault::TooLong);
        }
        let outcome = self.keystream.try_apply_keystream(text);
        outcome.map_err(|_| Fault::TooLong)
    }

    fn authenticate(&mut self, mut ciphertext: &[u8]) {
        if !self.partial.is_empty() {
            let missing = BLOCK - self.partial.len();
            let (now, later) = ciphertext.split_at(missing.min(ciphertext.len()));
            self.partial.extend_from_slice(now);
            ciphertext = later;
            if self.partial.len() < BLOCK {
                return;
            }
            self.ghash.update_padded(&self.partial);
            self.partial.clear();
        }
        let whole = ciphertext.len() / BLOCK * BLOCK;
        let (blocks, rest) = ciphertext.split_at(whole);
        self.ghash.update_padded(blocks);
        self.partial.extend_from_slice(rest);
    }

    fn tag(&mut self) -> [u8; BLOCK] {
        self.ghash.update_padded(&self.partial);
        // Two lengths in bits: none of associated data, that of the ciphertext.
        let lengths = u128::from(self.length) * 8;
        self.ghash.update_padded(&lengths.to_be_bytes());
        let mut tag = *self.mask;
        for (byte, hashed) in tag.iter_mut().zip(self.ghash.clone().finalize()) {
            *byte ^= hashed;
        }
        tag
    }
}

/// J0.
fn start(ghash: &GHash, iv: &[u8]) -> ghash::Block {
    if let Ok(iv) = <[u8; 12]>::try_from(iv) {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = iv;
        return [a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, 0, 1].into();
    }
    let mut ghash = ghash.clone();
    ghash.update_padded(iv);
    let length = iv.len() as u128 * 8;
    ghash.update_padded(&length.to_be_bytes());
    ghash.finalize()
}

#[cfg(test)]
mod tests {
    use aes::Aes256;

    use super::*;
    use crate::files::Cipher;

    fn key() -> FileKey {
        FileKey::new(Cipher::Aes256Gcm, &[1; 32], &[2; 12]).unwrap()
    }

    #[test]
    fn a35_the_counter_never_repeats() {
        for (before, len, fits) in [
            (MAX_GCM - 32, 32, true),
            (MAX_GCM - 32, 33, false),
            (MAX_GCM, 0, true),
            (MAX_GCM, 1, false),
        ] {
            let mut encryption = GcmEncryption::<Aes256>::new(&key()).ok().unwrap();
            encryption.0.length = before;
            let outcome = encryption.update(&vec![0; len], &mut Vec::new());
            assert_eq!(outcome.is_ok(), fits, "{before} {len}");
            if !fits {
                assert!(matches!(outcome, Err(Fault::TooLong)));
            }
        }
    }
}
