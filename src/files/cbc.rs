//! Cipher block chaining in pieces, with PKCS#7 padding (NIST SP 800-38A §6.2, RFC 5652 §6.3).

use aes::Aes256;
use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use zeroize::Zeroizing;

use super::FileKey;
use super::cipher::BLOCK;
use super::engine::{Engine, Fault, pass_on};

pub(super) struct CbcEncryption {
    cbc: cbc::Encryptor<Aes256>,
    /// Plaintext that is no whole block yet.
    partial: Zeroizing<Vec<u8>>,
}

pub(super) struct CbcDecryption {
    cbc: cbc::Decryptor<Aes256>,
    /// The last bytes so far, up to a block: they may be the one with the padding.
    tail: Vec<u8>,
}

impl CbcEncryption {
    pub(super) fn new(key: &FileKey) -> Result<Self, Fault> {
        // No key is made with a wrong length.
        let cbc = cbc::Encryptor::new_from_slices(key.key(), key.iv());
        Ok(Self {
            cbc: cbc.map_err(|_| Fault::Authentication)?,
            partial: Zeroizing::new(Vec::with_capacity(BLOCK)),
        })
    }
}

impl CbcDecryption {
    pub(super) fn new(key: &FileKey) -> Result<Self, Fault> {
        let cbc = cbc::Decryptor::new_from_slices(key.key(), key.iv());
        Ok(Self {
            cbc: cbc.map_err(|_| Fault::Authentication)?,
            tail: Vec::with_capacity(BLOCK),
        })
    }
}

impl Engine for CbcEncryption {
    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
        let ready = (self.partial.len() + input.len()) / BLOCK * BLOCK;
        pass_on(&mut self.partial, input, ready, output);
        let (blocks, _) = Array::slice_as_chunks_mut(output);
        self.cbc.encrypt_blocks(blocks);
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), Fault> {
        output.append(&mut self.partial);
        let padding = BLOCK - output.len();
        output.resize(BLOCK, padding as u8);
        let (blocks, _) = Array::slice_as_chunks_mut(output);
        self.cbc.encrypt_blocks(blocks);
        Ok(())
    }
}

impl Engine for CbcDecryption {
    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
        let ready = (self.tail.len() + input.len()).saturating_sub(1) / BLOCK * BLOCK;
        pass_on(&mut self.tail, input, ready, output);
        let (blocks, _) = Array::slice_as_chunks_mut(output);
        self.cbc.decrypt_blocks(blocks);
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), Fault> {
        if self.tail.len() != BLOCK {
            return Err(Fault::Authentication);
        }
        output.append(&mut self.tail);
        let (blocks, _) = Array::slice_as_chunks_mut(output);
        self.cbc.decrypt_blocks(blocks);
        let padding = output.last().copied().unwrap_or_default();
        let count = usize::from(padding);
        let is_padded = (1..=BLOCK).contains(&count)
            && output.iter().rev().take(count).all(|byte| *byte == padding);
        if !is_padded {
            output.clear();
            return Err(Fault::Authentication);
        }
        output.truncate(BLOCK - count);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aes::cbc_encrypt;
    use crate::files::Cipher;

    /// Each last byte, with as many of the same before it as it says, and with one that differs.
    #[test]
    fn every_byte_of_the_padding_is_checked() {
        let key = FileKey::new(Cipher::Aes256Cbc, &[1; 32], &[2; 16]).unwrap();
        let opens = |block: &[u8; BLOCK]| {
            // A block whose own padding follows in another one, which is left out.
            let mut ciphertext = cbc_encrypt(&[1; 32], &[2; 16], block);
            ciphertext.truncate(BLOCK);
            let mut decryption = CbcDecryption::new(&key).ok().unwrap();
            let mut output = Vec::new();
            assert!(decryption.update(&ciphertext, &mut output).is_ok());
            assert!(output.is_empty());
            decryption.finish(&mut output).is_ok().then_some(output)
        };
        for last in 0..=255 {
            let padded = usize::from(last).clamp(1, BLOCK);
            let mut block = [0xaa; BLOCK];
            block[BLOCK - padded..].fill(last);
            let is_padding = (1..=16).contains(&last);
            let expected = is_padding.then(|| block[..BLOCK - padded].to_vec());
            assert_eq!(opens(&block), expected, "{last}");
            for at in BLOCK - padded..BLOCK - 1 {
                let mut wrong = block;
                wrong[at] ^= 0x80;
                assert_eq!(opens(&wrong), None, "{last} {at}");
            }
        }
    }
}
